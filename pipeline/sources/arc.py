"""ARC, the archive format before WARC (Internet Archive, 1996): a line about each capture, then the response.

The line is ``URL address date type length``, in version 2 with further fields before the length. A file is plain, or one gzip
member per capture, or one for all.
"""

from __future__ import annotations

import mmap
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pipeline.sources.rows import NoDocument, encodable
from pipeline.sources.web import Record

GZIP = b"\x1f\x8b\x08"
BYTES_PER_READ = 1 << 20
MAX_RESTARTS = 1000  # without a member between: the rest of the file is no archive
LINE = re.compile(
    rb"^([A-Za-z][\w+.-]{1,20}:[^\s]{1,8000}) ([\da-fA-F.:]{1,40}|-) (\d{8,17}) ([^\s]{1,99})(?: [^\n]{0,999}?)? (\d{1,12})\r?\n",
    re.MULTILINE,
)


def records(file: Path, limit: int) -> Iterator[Record]:
    """Every capture of an ARC file, the file's own description as kind ``filedesc``; what is damaged as kind ``damaged``."""
    if not file.stat().st_size:
        yield _damaged("an empty file", 0, 0)
        return
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = _members(data, limit) if data[:3] == GZIP else _captures(data, 0, limit)
        for number, record in enumerate(found, start=1):
            yield replace(record, number=number)


def _damaged(problem: str, start: int, num_bytes: int) -> Record:
    loss = NoDocument("unreadable", f"{problem}; {num_bytes} bytes passed over from {start} on")
    return Record(1, "damaged", b"", num_bytes, damage=loss)


def _members(data: mmap.mmap, limit: int) -> Iterator[Record]:
    """The captures of each gzip member; after damage those of the next that begins like one. Numbers are not given yet."""
    start = failures = 0
    while 0 <= start < len(data):
        member, end, problem = _inflate(data, start, limit)
        yield from _captures(member, start, limit)
        failures = failures + 1 if problem else 0
        following = data.find(GZIP, start + 1 if problem else end) if failures < MAX_RESTARTS else -1
        passed = (following if following >= 0 else len(data)) - (start if problem else end)
        if problem or data[end : end + passed].strip(b"\0\r\n"):
            yield _damaged(problem or "no gzip member", start if problem else end, passed)
        start = following


def _inflate(data: mmap.mmap, start: int, limit: int) -> tuple[bytes, int, str | None]:
    """The content of the member at ``start``, where it ends, and what is wrong with it."""
    stream, position, parts, room = zlib.decompressobj(zlib.MAX_WBITS + 16), start, [], 2 * limit
    try:
        while not stream.eof and room > 0 and (block := stream.unconsumed_tail or data[position : position + BYTES_PER_READ]):
            position += 0 if stream.unconsumed_tail else len(block)
            parts.append(stream.decompress(block, room))
            room -= len(parts[-1])
    except zlib.error as error:
        return b"".join(parts), position, str(error)
    problem = None if stream.eof else "the gzip member is cut" if room > 0 else f"a gzip member of more than {2 * limit} bytes"
    return b"".join(parts), position - len(stream.unused_data), problem


def _date(digits: str) -> str:
    """Fourteen digits in the form of WARC (ISO 8601); others as they are."""
    return re.sub(r"^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$", r"\1-\2-\3T\4:\5:\6Z", digits)


def _captures(member: bytes | mmap.mmap, start: int, limit: int) -> Iterator[Record]:
    """The captures of one member, or of a plain file. Numbers are not given yet."""
    position = 0
    while match := LINE.search(member, position):
        if match.start() > position and (skipped := member[position : match.start()]).strip():
            yield _damaged("no line about a capture", start + position, len(skipped))
        url, _, date, kind, digits = (part.decode("utf-8", "backslashreplace") for part in match.groups())
        length = int(digits)
        block = member[match.end() : match.end() + min(length, limit + 1)]
        position = match.end() + length
        missing = max(min(length, limit) - len(block), 0)
        yield Record(
            number=1,
            kind="filedesc" if url.startswith("filedesc:") else "response",
            data=block,
            num_bytes=length,
            content_type="application/http" if block.startswith(b"HTTP/") else kind,
            damage=NoDocument("truncated", f"{missing} of {length} bytes are missing") if missing else None,
            meta={"url": encodable(url), "date": _date(date), "offset": start},
        )
    if rest := member[position:].strip():
        yield _damaged("no line about a capture", start + position, len(rest))
