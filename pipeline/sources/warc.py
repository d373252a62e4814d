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

MEMBERS = (b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd")  # how each begins: gzip, zstd
RECORD = b"WARC/1."
MAX_RESTARTS = 1000  # without a record between: the rest of the file is no archive


def records(file: Path, limit: int) -> Iterator[Record]:
    """Every record of a WARC file; where something is damaged, one of kind ``damaged`` that says how much is passed over."""
    size = file.stat().st_size
    if not size:
        yield Record(1, "damaged", b"", 0, damage=NoDocument("unreadable", "an empty file"))
        return
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        magic = next((member for member in MEMBERS if data[: len(member)] == member), RECORD)
        number, start, restarts = 0, 0, 0
        while start >= 0:
            reached = start  # from here on nothing is read yet
            stream.seek(start)
            try:
                for record in ArchiveIterator(stream, parse_http=False):
                    number, restarts = number + 1, 0
                    reached = max(reached, _behind(record, magic))
                    yield _record(record, number, limit)
                start, error = -1, _cut_member(data, reached - 1, magic)
            except OSError as problem:
                error, restarts = str(problem), restarts + 1
                start = data.find(magic, max(reached, start + 1)) if restarts < MAX_RESTARTS else -1
            if error:
                number += 1
                passed = (start if start >= 0 else size) - reached
                loss = NoDocument("unreadable", f"{error}; {passed} bytes passed over from {reached} on")
                yield Record(number, "damaged", b"", passed, damage=loss)


def _behind(record: WarcRecord, magic: bytes) -> int:
    """The first place at which another record may begin: behind the start of its member, or of its block in a plain file."""
    return int(record.stream_pos + (record.content_length if magic == RECORD else 1))


def _cut_member(data: mmap.mmap, last: int, magic: bytes) -> str | None:
    """What is wrong with the end of a gzip file, whose last record begins at ``last``: fastwarc takes a cut member for an end."""
    if magic[:2] != b"\x1f\x8b" or data[last : last + len(magic)] != magic:
        return None
    stream, position = zlib.decompressobj(zlib.MAX_WBITS + 16), last
    while not stream.eof and position < len(data):
        stream.decompress(data[position : position + (1 << 20)])
        position += 1 << 20
    rest = stream.unused_data + data[position : position + 1]
    return None if stream.eof and not rest.strip(b"\0") else "the last gzip member is cut"


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
    missing = max(min(length, limit) - len(data), 0) if kind in DOCUMENTS else unread
    damage = NoDocument("truncated", f"{missing} of {length} bytes are missing") if missing else None
    return Record(number, kind, data, length, headers.get("Content-Type"), damage, meta)
