"""WARC and WET (ISO 28500) by fastwarc, plain or in gzip or zstd members.

After damage reading goes on at the next member, or in a plain file at the next record; the bytes passed over are in the account.
"""

from __future__ import annotations

import mmap
import zlib
from collections.abc import Iterator
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecord

from pipeline.sources.rows import NoDocument, encodable
from pipeline.sources.web import DOCUMENTS, Record

GZIP, ZSTD = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"  # how a member begins
BYTES_PER_READ = 1 << 20
RECORD = b"WARC/1."
MAX_RESTARTS = 1000  # without a record between: the rest of the file is no archive


def records(file: Path, limit: int) -> Iterator[Record]:
    """Every record of a WARC file; where something is damaged, one of kind ``damaged`` that says how much is passed over."""
    size = file.stat().st_size
    if not size:
        yield Record(1, "damaged", b"", 0, damage=NoDocument("unreadable", "an empty file"))
        return
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        magic = next((member for member in (GZIP, ZSTD) if data[: len(member)] == member), RECORD)
        number, start, restarts = 0, 0, 0
        while start >= 0:
            reached, error = start, ""  # from here on nothing is read yet
            stream.seek(start)
            try:
                for record in ArchiveIterator(stream, parse_http=False):
                    number, restarts = number + 1, 0
                    reached = max(reached, _behind(record, magic))
                    yield _record(record, number, limit)
            except OSError as problem:
                error = str(problem)
            else:
                error, reached = _left_unread(data, reached, magic) if number else ("no record", start)
            if not error:
                return
            number, restarts = number + 1, restarts + 1
            start = data.find(magic, max(reached, start + 1)) if restarts < MAX_RESTARTS else -1
            passed = (start if start >= 0 else size) - reached
            loss = NoDocument("unreadable", f"{error}; {passed} bytes passed over from {reached} on")
            yield Record(number, "damaged", b"", passed, damage=loss)


def _behind(record: WarcRecord, magic: bytes) -> int:
    """The first place at which another record may begin: behind the start of its member, or of its block in a plain file."""
    return int(record.stream_pos + (record.content_length if magic == RECORD else 1))


def _left_unread(data: mmap.mmap, reached: int, magic: bytes) -> tuple[str, int]:
    """What fastwarc passed over in silence behind the last record, and from where on: it takes a cut gzip member for an end."""
    last = reached - 1
    if magic != GZIP or last < 0 or data[last : last + len(GZIP)] != GZIP:
        return "", reached
    stream, position = zlib.decompressobj(zlib.MAX_WBITS + 16), last
    while not stream.eof and position < len(data):
        stream.decompress(data[position : position + BYTES_PER_READ])
        position += BYTES_PER_READ
    if not stream.eof:
        return "the last gzip member is cut", reached
    end = min(position, len(data)) - len(stream.unused_data)
    return ("no gzip member", end) if data[end : end + BYTES_PER_READ].strip(b"\0") else ("", reached)


def _record(record: WarcRecord, number: int, limit: int) -> Record:
    headers, kind = record.headers, str(record.record_type)
    meta = {
        "url": (headers.get("WARC-Target-URI") or "").strip("<>"),
        "date": headers.get("WARC-Date"),
        "record_id": (headers.get("WARC-Record-ID") or "").strip("<>"),
        "truncated": headers.get("WARC-Truncated"),
        "offset": record.stream_pos,
    }
    meta = {key: encodable(value) if isinstance(value, str) else value for key, value in meta.items() if value not in {None, ""}}
    length = record.content_length
    try:
        data = record.reader.read(min(length, limit) + 1) if kind in DOCUMENTS else b""
        unread = 0 if kind in DOCUMENTS else length - record.reader.consume(length)
    except OSError as problem:
        return Record(number, kind, b"", length, None, NoDocument("unreadable", str(problem)), meta)
    if headers.get("Content-Length") is None:
        return Record(number, kind, b"", length, None, NoDocument("truncated", "its header ends early"), meta)
    missing = max(min(length, limit) - len(data), 0) if kind in DOCUMENTS else unread
    damage = NoDocument("truncated", f"{missing} of {length} bytes are missing") if missing else None
    return Record(number, kind, data, length, headers.get("Content-Type"), damage, meta)
