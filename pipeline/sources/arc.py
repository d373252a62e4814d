"""ARC, the archive format before WARC (Internet Archive, 1996): a line about each capture, then the response.

The line is ``URL address date type length``, in version 2 with further fields before the length. A file is plain, or one gzip
member per capture, or one for all.
"""

from __future__ import annotations

import mmap
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from pipeline.sources.rows import NoDocument, encodable
from pipeline.sources.web import Record

GZIP = b"\x1f\x8b\x08"
LINE = re.compile(rb"([^\s]{3,8000}) ([\da-fA-F.:]{1,45}|-) (\d{8,17}) ([^\s]{1,200})(?: [^\n]{0,8000}?)? (\d{1,12})\r?\n")


def records(file: Path, limit: int) -> Iterator[Record]:
    """Every capture of an ARC file, the file's own description as kind ``filedesc``; what is damaged as kind ``damaged``."""
    number = 0
    if not file.stat().st_size:
        yield Record(1, "damaged", b"", 0, damage=NoDocument("unreadable", "an empty file"))
        return
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for start, member, num_bytes, damage in _members(data, limit) if data[:3] == GZIP else [(0, data[:], len(data), None)]:
            for record in _captures(member, start, limit):
                number += 1
                yield Record(number, **record)
            if damage:
                number += 1
                yield Record(number, "damaged", b"", num_bytes, damage=damage)


def _members(data: mmap.mmap, limit: int) -> Iterator[tuple[int, bytes, int, NoDocument | None]]:
    """Start, content, size and damage of each gzip member; after damage the next that begins like one."""
    start = 0
    while 0 <= start < len(data):
        stream, position, parts, size, problem = zlib.decompressobj(zlib.MAX_WBITS + 16), start, [], 0, "the gzip member is cut"
        try:
            while not stream.eof and position < len(data) and size <= limit:
                parts.append(stream.decompress(data[position : position + (1 << 20)]))
                position += 1 << 20
                size += len(parts[-1])
        except zlib.error as error:
            problem = str(error)
        end = min(position, len(data)) - len(stream.unused_data)
        if stream.eof:
            yield start, b"".join(parts), end - start, None
            start = data.find(GZIP, end)
            continue
        following = data.find(GZIP, start + 1)
        passed = (following if following >= 0 else len(data)) - start
        yield start, b"".join(parts), passed, NoDocument("unreadable", f"{problem}; {passed} bytes passed over from {start} on")
        start = following


def _captures(member: bytes, start: int, limit: int) -> Iterator[dict[str, object]]:
    """The captures of one member."""
    position = 0
    while match := LINE.search(member, position):
        url, _, date, kind, digits = (part.decode("utf-8", "backslashreplace") for part in match.groups())
        length = int(digits)
        block = member[match.end() : match.end() + min(length, limit + 1)]
        position = match.end() + length
        missing = max(min(length, limit) - len(block), 0)
        is_description = url.startswith("filedesc:")
        yield {
            "kind": "filedesc" if is_description else "response",
            "data": block,
            "num_bytes": length,
            "content_type": "application/http" if block.startswith(b"HTTP/") else kind,
            "damage": NoDocument("truncated", f"{missing} of {length} bytes are missing") if missing else None,
            "meta": {"url": encodable(url), "date": date, "offset": start},
        }
