"""Finds personal data and secrets by pattern and puts a typed placeholder in their place.

One scan over the UTF-8 buffers marks the places at which something may begin (``pii_scan``); the patterns decide there and
nowhere else (``pii_patterns``), on the bytes: no text becomes a Python string. Names, street addresses and phone numbers in a
bare national form without a word beside them cannot be told by pattern and stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.text.hashing import I64, kernel, string_buffers
from pipeline.text.pii_classes import BITS
from pipeline.text.pii_patterns import PATTERNS, Kind
from pipeline.text.pii_scan import candidates

KINDS: tuple[Kind, ...] = tuple(PATTERNS)
Find = tuple[int, int, Kind]  # first byte, byte after the last, kind


def redact(
    texts: pa.LargeStringArray | pa.ChunkedArray, kinds: Collection[Kind]
) -> tuple[pa.LargeStringArray | pa.ChunkedArray, Counter[Kind]]:
    """Replace each find by ``<EMAIL>`` and so on; returns the texts and the finds by kind. Without a find: ``texts`` itself.

    >>> redact(pa.array(["mail jo@uni.edu"], pa.large_string()), ["email"])[0].to_pylist()
    ['mail <EMAIL>']
    """
    finds = find(texts, kinds)
    if not finds:
        return texts, Counter()
    offsets, data = string_buffers(texts)
    numbers = np.array([KINDS.index(kind) for _, _, kind in finds])
    spans = np.array([(start, end) for start, end, _ in finds])
    out_offsets, out = _splice(offsets, data, spans, numbers, *_placeholders())
    redacted = pa.LargeStringArray.from_buffers(len(texts), pa.py_buffer(out_offsets), pa.py_buffer(out))
    return redacted, Counter(kind for _, _, kind in finds)


def placeholder(kind: Kind) -> str:
    """What stands in the place of a find, such as ``<EMAIL>``."""
    return f"<{kind.upper()}>"


def find(texts: pa.LargeStringArray | pa.ChunkedArray, kinds: Collection[Kind]) -> list[Find]:
    """All finds, ascending, as positions in the data buffer of ``texts``."""
    places, bits = candidates(texts, kinds)
    if not len(places):
        return []
    offsets, data = string_buffers(texts)
    owners = np.searchsorted(offsets, places, side="right") - 1
    begins = np.flatnonzero(np.diff(owners, prepend=-1))
    buffer, finds = memoryview(data.data), []
    for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(places)], strict=True):
        first, last = (int(offset) for offset in offsets[owners[begin] : owners[begin] + 2])
        marked = zip((places[begin:end] - first).tolist(), bits[begin:end].tolist(), strict=True)
        finds += [(first + start, first + stop, kind) for start, stop, kind in find_at(buffer[first:last], marked)]
    return finds


def find_at(text: memoryview | bytes, places: Iterable[tuple[int, int]]) -> list[Find]:
    """Try the kinds of each (place, bits) of ``text``, from left to right; what lies within a find is not tried again."""
    finds: list[Find] = []
    free = 0
    for place, bits in places:
        if place < free:
            continue
        for kind, (pattern, is_real) in PATTERNS.items():
            if bits & BITS[kind] and (match := pattern.match(text, place)) and is_real(match):
                free = match.end()
                finds.append((place, free, kind))
                break
    return finds


def _placeholders() -> tuple[Any, I64]:
    """The bytes of all placeholders, one behind the other, and where each begins (len(KINDS) + 1,)."""
    names = [placeholder(kind).encode() for kind in KINDS]
    return np.frombuffer(b"".join(names), np.uint8), np.cumsum([0, *map(len, names)])


@kernel
def _splice(offsets: Any, data: Any, spans: Any, numbers: Any, names: Any, name_offsets: Any) -> Any:
    """Offsets and bytes of the texts with placeholder ``numbers[i]`` for the bytes of ``spans[i]``."""
    size = offsets[-1] - offsets[0]
    for i in range(len(spans)):
        size += name_offsets[numbers[i] + 1] - name_offsets[numbers[i]] - (spans[i, 1] - spans[i, 0])
    out, out_offsets = np.empty(size, np.uint8), np.zeros(len(offsets), np.int64)
    filled, at, span = 0, offsets[0], 0
    for text in range(len(offsets) - 1):
        while True:
            within = span < len(spans) and spans[span, 0] < offsets[text + 1]
            stop = spans[span, 0] if within else offsets[text + 1]
            out[filled : filled + stop - at] = data[at:stop]
            filled += stop - at
            at = stop
            if not within:
                break
            name = names[name_offsets[numbers[span]] : name_offsets[numbers[span] + 1]]
            out[filled : filled + len(name)] = name
            filled += len(name)
            at = spans[span, 1]
            span += 1
        out_offsets[text + 1] = filled
    return out_offsets, out
