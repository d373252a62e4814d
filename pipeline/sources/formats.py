"""Rows of data files by suffix. What is wrong with a row costs that row: it comes as NoDocument in its place."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.sources.rows import NoDocument
from pipeline.text.encoding import decode

BYTES_PER_READ = 1 << 20
ROWS_PER_BATCH = 64  # of Parquet, so that few long documents are in memory at once
# A row as read (field to value), or what is wrong with it; where it stands in its file; its size in bytes.
Row = tuple[Mapping[str, Any] | NoDocument, str, int]


def _lines(stream: Any, limit: int) -> Iterator[tuple[bytes, int]]:
    """Each line and its size, line feed kept, cut above ``limit``; only LF ends one, since JSON strings may hold others."""
    parts: list[bytes] = []
    size = 0
    while block := stream.read(BYTES_PER_READ):
        *ends, rest = block.split(b"\n")
        for end in ends:
            parts.append(end + b"\n" if size <= limit else b"")
            yield b"".join(parts), size + len(end) + 1
            parts, size = [], 0
        parts.append(rest if size <= limit else b"")
        size += len(rest)
    if size:
        yield b"".join(parts), size


def too_large(limit: int) -> NoDocument:
    """The loss of what is above the limit."""
    return NoDocument("too_large", f"more than {limit} bytes (ingest.files.max_document_bytes)")


def _jsonl(stream: Any, text_field: str, limit: int) -> Iterator[Row]:  # noqa: ARG001
    for number, (line, size) in enumerate(_lines(stream, limit), start=1):
        if size <= limit:
            if line.strip():
                yield _object(line, "utf-8-sig" if number == 1 else "utf-8"), str(number), size
        else:
            yield too_large(limit), str(number), size


def _object(line: bytes, charset: str) -> Mapping[str, Any] | NoDocument:
    try:
        value = json.loads(line.decode(charset))
    except (ValueError, RecursionError) as error:  # also of a number with too many digits
        return NoDocument("unreadable", f"{type(error).__name__}: {error}")
    return value if isinstance(value, dict) else NoDocument("unreadable", f"a JSON {type(value).__name__}, not an object")


def _csv(stream: Any, text_field: str, limit: int) -> Iterator[Row]:  # noqa: ARG001
    csv.field_size_limit(limit)  # the library's default of 131,072 characters is less than a chapter
    lost: list[int] = []
    reader = csv.reader(_csv_lines(stream, limit, lost), strict=True)
    header: list[str] | None = None
    number = 0
    while True:
        number += 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            yield NoDocument("unreadable", f"csv.Error: {error}"), str(number), 0
            continue
        while lost:
            yield too_large(limit), str(number), lost.pop()
            number += 1
        if record is None:
            return
        if header is None:
            header, number = record, 0
        elif record:
            yield _record(header, record), str(number), sum(len(value.encode("utf-8", "surrogateescape")) for value in record)


def _csv_lines(stream: Any, limit: int, lost: list[int]) -> Iterator[str]:
    """The lines; surrogateescape carries undecodable bytes through the parser, so that one of them costs one record."""
    for number, (line, size) in enumerate(_lines(stream, limit)):
        if size <= limit:
            yield line.decode("utf-8" if number else "utf-8-sig", "surrogateescape")
        else:
            lost.append(size)


def _record(header: list[str], record: list[str]) -> Mapping[str, Any] | NoDocument:
    if len(record) != len(header):
        return NoDocument("unreadable", f"{len(record)} fields under {len(header)} names")
    if any("\udc80" <= character <= "\udcff" for value in record if not value.isascii() for character in value):
        return NoDocument("undecodable", "UnicodeDecodeError: not UTF-8")
    return dict(zip(header, record, strict=True))


def _text(stream: Any, text_field: str, limit: int) -> Iterator[Row]:
    data = stream.read(limit + 1)
    if len(data) > limit:
        yield too_large(limit), "", len(data)
        return
    try:
        decoded = decode(data)
    except UnicodeError as error:
        yield NoDocument("undecodable", str(error)), "", len(data)
        return
    legacy = {} if decoded.charset == "utf-8" else {"charset": decoded.charset, "charset_from": decoded.found}
    yield {text_field: decoded.text, **legacy}, "", len(data)


def parquet(
    stream: Any, text_field: str, limit: int, *, groups: Sequence[int] | None = None, first_row: int = 0
) -> Iterator[Row]:
    """The rows of a Parquet file, or of those row groups of it that ``first_row`` others come before."""
    # The footer is at the end, so that a compressed file has to be whole in memory.
    file = pq.ParquetFile(stream if stream.seekable() else pa.BufferReader(stream.read()))
    number = first_row
    for batch in file.iter_batches(batch_size=ROWS_PER_BATCH, row_groups=groups):
        for index in range(batch.num_rows):
            number += 1
            try:
                row = batch.slice(index, 1).to_pylist()[0]
            except UnicodeDecodeError as error:
                yield NoDocument("undecodable", f"UnicodeDecodeError: {error}"), str(number), 0
                continue
            size = len(text.encode("utf-8", "replace")) if isinstance(text := row.get(text_field), str) else 0
            yield (row if size <= limit else too_large(limit)), str(number), size


READERS: dict[str, Callable[..., Iterator[Row]]] = {
    ".jsonl": _jsonl,
    ".csv": _csv,
    ".txt": _text,
    ".md": _text,
    ".parquet": parquet,
}
