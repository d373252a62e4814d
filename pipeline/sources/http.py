"""HTTP responses as web archives keep them: head and body in one run of bytes, transfer and content codings not yet undone.

Archives are full of responses whose headers lie: a body that was decoded before it was stored, chunk sizes that are wrong. So a
coding is undone when the bytes show it, and what was undone before an error is not thrown away in silence: it is an error.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

import pyarrow as pa

from pipeline.sources.rows import NoDocument
from pipeline.text.encoding import CONTROLS

HEAD_END = re.compile(rb"\r?\n\r?\n")
STATUS = re.compile(rb"HTTP/\d(?:\.\d)?\s+(\d{3})")
CHUNK = re.compile(rb"[ \t]{0,9}([0-9a-fA-F]{1,8})[ \t]{0,9}(?:;[^\r\n]{0,200})?\r?\n")
MAGIC = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
CODINGS = {"br": "brotli", "zstd": "zstd"}
BYTES_PER_READ = 1 << 20
BYTES_LOOKED_AT = 512


@dataclass(frozen=True, slots=True)
class Response:
    """``headers``: lower-case names; of a repeated one the last."""

    status: int
    headers: dict[str, str]
    body: bytes


def parse_response(data: bytes) -> Response:
    """Head and body. Raises NoDocument when there is no status line."""
    status = STATUS.match(data)
    if not status:
        raise NoDocument("unreadable", f"no HTTP status line but {data[:20]!r}")
    end = HEAD_END.search(data)
    head, body = (data[: end.start()], data[end.end() :]) if end else (data, b"")
    lines = head.decode("latin-1").splitlines()[1:]
    headers = {name.strip().lower(): value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon}
    return Response(int(status[1]), headers, body)


def decoded_body(response: Response, limit: int) -> bytes:
    """The body without transfer and content codings. Raises NoDocument: too_large (above ``limit``), truncated, unreadable."""
    body = response.body
    if "chunked" in response.headers.get("transfer-encoding", "").lower():
        body = _dechunk(body)
    codings = [coding.strip() for coding in response.headers.get("content-encoding", "").lower().split(",")]
    for coding in reversed(codings):
        if coding in MAGIC and not body.startswith(MAGIC[coding]):
            continue  # undone before it was stored
        if coding in {"gzip", "x-gzip", "deflate"}:
            body = _inflate(body, coding, limit)
        elif coding in CODINGS:
            body = _decompress(body, CODINGS[coding], limit)
    return body


def _dechunk(body: bytes) -> bytes:
    """The chunks' content; the body as it is when it does not begin with a chunk size, or a size leads nowhere."""
    parts: list[bytes] = []
    position = 0
    while match := CHUNK.match(body, position):
        size = int(match[1], 16)
        if not size:
            return b"".join(parts)
        parts.append(body[match.end() : match.end() + size])
        position = match.end() + size
        if position >= len(body):
            raise NoDocument("truncated", f"the last of {len(parts)} chunks is cut")
        position += 2 if body.startswith(b"\r\n", position) else int(body.startswith(b"\n", position))
    return body


def _inflate(body: bytes, coding: str, limit: int) -> bytes:
    """Gzip, zlib or, as some servers mean by deflate, the bare stream."""
    bare = coding == "deflate" and (body[:1] or b"\0")[0] & 0x0F != zlib.DEFLATED
    stream = zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS + 32)
    try:
        found = stream.decompress(body, limit + 1)
    except zlib.error as error:
        if coding == "deflate" and _is_text(body):
            return body
        raise NoDocument("unreadable", f"content-encoding {coding}: {error}") from error
    return _whole(found, coding, limit, is_end=stream.eof)


def _decompress(body: bytes, coding: str, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), coding) as stream:
            while size <= limit and (part := stream.read(BYTES_PER_READ)):
                parts.append(part)
                size += len(part)
    except OSError as error:
        if not parts and coding == "brotli" and _is_text(body):
            return body
        raise NoDocument("truncated" if parts else "unreadable", f"content-encoding {coding}: {error}") from error
    return _whole(b"".join(parts), coding, limit, is_end=True)


def _is_text(body: bytes) -> bool:
    """Whether it looks decoded already: these codings have no magic number to tell."""
    head = body[:BYTES_LOOKED_AT]
    return head.translate(None, CONTROLS) == head


def _whole(found: bytes, coding: str, limit: int, *, is_end: bool) -> bytes:
    if len(found) > limit:
        raise NoDocument("too_large", f"content-encoding {coding}: more than {limit} bytes (ingest.files.max_document_bytes)")
    if not is_end:
        raise NoDocument("truncated", f"content-encoding {coding}: the stream ends early")
    return found
