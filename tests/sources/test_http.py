"""Bodies of archived responses: codings that are undone, that are not there, that end early, that explode."""

from __future__ import annotations

import gzip
import zlib
from contextlib import suppress

import pyarrow as pa
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.http import Response, decoded_body, parse_response
from pipeline.sources.rows import NoDocument

TEXT = b"<p>" + b"a page, again and again; " * 400


def brotli(data: bytes) -> bytes:
    return bytes(pa.Codec("brotli").compress(data))


def body(data: bytes, limit: int = 10**6, **headers: str) -> bytes:
    return decoded_body(Response(200, {name.replace("_", "-"): value for name, value in headers.items()}, data), limit)


def rule(data: bytes, limit: int = 10**6, **headers: str) -> str:
    with pytest.raises(NoDocument) as caught:
        body(data, limit, **headers)
    return caught.value.rule


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_head_and_body(end: bytes) -> None:
    data = end.join(
        [b"HTTP/1.1 404 Not Found", b"Content-Type: text/html", b"X: 1", b"x: 2", b"no colon", b"", b"body" + end * 2]
    )
    response = parse_response(data)
    assert response == Response(404, {"content-type": "text/html", "x": "2"}, b"body" + end * 2)
    assert parse_response(b"HTTP/1.0 200 OK") == Response(200, {}, b"")
    with pytest.raises(NoDocument, match="no HTTP status line"):
        parse_response(b"<html>")


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("x-gzip", gzip.compress(TEXT, mtime=0)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)[2:-4]),  # the bare stream that some servers mean
        ("br", brotli(TEXT)),
        ("zstd", zstandard.compress(TEXT)),
        ("br, gzip", gzip.compress(brotli(TEXT), mtime=0)),
        ("identity", TEXT),
    ],
)
def test_codings_are_undone(coding: str, packed: bytes) -> None:
    assert body(packed, content_encoding=coding) == TEXT


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_decoded_before_it_was_stored_is_left_alone(coding: str) -> None:
    assert body(TEXT, content_encoding=coding) == TEXT


@pytest.mark.parametrize(
    ("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli), ("zstd", zstandard.compress)]
)
def test_cut_streams_and_bombs_are_losses(coding: str, pack: object) -> None:
    assert callable(pack)
    assert rule(pack(bytes(range(256)) * 40_000)[:-9], 10**8, content_encoding=coding) == "truncated"
    assert rule(pack(bytes(50 << 20)), 10**6, content_encoding=coding) == "too_large"
    broken = bytearray(pack(TEXT))
    broken[len(broken) // 2 :] = b"\xff" * 40
    assert rule(bytes(broken), content_encoding=coding) in {"unreadable", "truncated"}


@pytest.mark.parametrize(
    ("chunks", "found"),
    [
        (b"4\r\nWiki\r\n5;x=y\r\npedia\r\n0\r\n\r\n", b"Wikipedia"),
        (b"4\nWiki\n0\n\n", b"Wiki"),
        (b"not chunked at all", b"not chunked at all"),
        (b"4\r\nWikipedia\r\n0\r\n\r\n", b"4\r\nWikipedia\r\n0\r\n\r\n"),  # a size that leads nowhere: the body as it is
        (b"", b""),
    ],
)
def test_chunks(chunks: bytes, found: bytes) -> None:
    assert body(chunks, transfer_encoding="chunked") == found


def test_a_cut_chunk_is_a_loss() -> None:
    assert rule(b"4\r\nWiki\r\nff\r\npedia", transfer_encoding="chunked") == "truncated"


@given(st.binary(max_size=60), st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br"]), st.sampled_from(["", "chunked"]))
def test_any_bytes_give_a_body_or_a_loss(data: bytes, coding: str, transfer: str) -> None:
    with suppress(NoDocument):
        assert len(body(data, 1000, content_encoding=coding, transfer_encoding=transfer)) <= 1000
