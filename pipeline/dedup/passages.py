"""Paragraphs and lines of a text, and 128 bits that stand for the content of each.

A line ends at a line feed. A paragraph is a run of lines that hold more than white space. The content of a passage is its text
with each run of white space made one space, case and punctuation included; passages of one content are repeats of one another.
The two halves of the hash mix each character with other constants, so equal hashes of different content are an accident of one
in 2**128 pairs; the hash is not keyed, and whoever writes the text could work one out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.text.hashing import decode, kernel, mix, string_buffers

# A passage that may repeat another. ``document``: row in its table. ``start``, ``end``: its bytes in the text; ``next``: the byte
# up to which nothing but white space follows, which goes with it. ``rule``: position in RULES.
PASSAGES = pa.schema(
    [
        pa.field("document", pa.int64(), nullable=False),
        pa.field("rule", pa.int8(), nullable=False),
        pa.field("start", pa.int64(), nullable=False),
        pa.field("end", pa.int64(), nullable=False),
        pa.field("next", pa.int64(), nullable=False),
        pa.field("high", pa.uint64(), nullable=False),
        pa.field("low", pa.uint64(), nullable=False),
    ]
)
RULES = ("paragraph", "line", "substring")
_ONE, _TWO = 0x9E3779B97F4A7C15, 0xD1342543DE82EF95  # odd: of Fibonacci hashing, and of Steele & Vigna 2021


def find_passages(texts: pa.LargeStringArray | pa.ChunkedArray, rule: str, min_chars: int) -> pa.Table:
    """PASSAGES of one rule, ``paragraph`` or ``line``, of at least ``min_chars`` characters, a run of white space being one."""
    offsets, data = string_buffers(texts)
    room = int(offsets[-1] - offsets[0]) // 2 + len(offsets)  # passages are a line feed apart, or in texts of their own
    document, places = np.empty(room, np.int64), np.empty((3, room), np.int64)
    count = _split(offsets, data, 2 if rule == "paragraph" else 1, document, places)
    document, places = document[:count], places[:, :count]
    number = RULES.index(rule)
    hashes, chars = np.empty((2, count), np.uint64), np.empty(count, np.int64)
    _hash(offsets, data, document, places, np.uint64(number + 1), hashes, chars)
    columns = [document, np.full(count, number, np.int8), *places, *hashes]
    return pa.table([pa.array(column[chars >= min_chars]) for column in columns], schema=PASSAGES)


@kernel
def is_space(code: Any) -> bool:
    """Whether ``str.isspace`` holds for the character."""
    if code < 0x80:
        return bool(code == 0x20 or 0x09 <= code <= 0x0D or 0x1C <= code <= 0x1F)
    if code < 0x1680:
        return bool(code in (0x85, 0xA0))
    return bool(0x2000 <= code <= 0x200A or code in (0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000))


@kernel
def _split(offsets: Any, data: Any, feeds: int, document: Any, places: Any) -> int:
    """Write the passages of each text, which are ``feeds`` line feeds or more apart; returns how many."""
    count = 0
    for text in range(len(offsets) - 1):
        first, last = offsets[text], offsets[text + 1]
        seen, is_open, at = 0, False, first
        while at < last:
            code, size = decode(data, at)
            if is_space(code):
                seen += code == 0x0A
            else:
                if is_open and seen >= feeds:
                    places[2, count] = at - first
                    count, is_open = count + 1, False
                if not is_open:
                    document[count], places[0, count], is_open = text, at - first, True
                places[1, count], seen = at + size - first, 0
            at += size
        if is_open:
            places[2, count] = last - first
            count += 1
    return count


@kernel
def _hash(offsets: Any, data: Any, document: Any, places: Any, seed: np.uint64, hashes: Any, chars: Any) -> None:
    """Hash the content of each passage, and count its characters."""
    for i in range(len(document)):
        base = offsets[document[i]]
        high, low, count, space, at = seed, seed, 0, False, base + places[0, i]
        while at < base + places[1, i]:
            code, size = decode(data, at)
            at += size
            if is_space(code):
                space = True
                continue
            if space:
                high, low, count, space = _step(high, 0x20, _ONE), _step(low, 0x20, _TWO), count + 1, False
            high, low, count = _step(high, code, _ONE), _step(low, code, _TWO), count + 1
        hashes[0, i], hashes[1, i], chars[i] = mix(high), mix(low), count


@kernel
def _step(state: np.uint64, code: Any, multiplier: Any) -> Any:
    """Take one more character into half a hash: a bijection of the state for each character."""
    state = (state ^ np.uint64(code)) * np.uint64(multiplier)
    return state ^ (state >> np.uint64(29))
