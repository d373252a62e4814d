"""What lies between the line feeds of a text: lines and paragraphs, how many came before, how they end and how long they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.text.characters import SPACE, TERMINAL
from pipeline.text.hashing import decode, kernel
from pipeline.text.words import hash_span, load64

SHORT_LINE = 30  # characters; FineWeb's rule
LONG_LINE = 200  # characters; mC4's rule


@kernel
def clear_slots(slots: Any, size: int) -> Any:
    """Empty as many slots as a table of ``size`` keys takes, at most half full; returns the mask of a slot's number."""
    room = 4
    while room < 2 * size:
        room *= 2
    for i in range(room):
        slots[i] = -1
    return np.uint64(room - 1)


@kernel
def measure_lines(data: Any, bounds: Any, classes: Any, table: Any, out: Any) -> None:
    """Fill ``out`` with counts about what lies between line feeds.

    ``bounds`` = (first, last, left, right): the text, and what stripping leaves of it. ``out``: paragraphs (two or more line
    feeds between, of the stripped text), those that came before and their characters; the same of lines (one or more line feeds
    between); then of lines that are not blank: all, with terminal punctuation at the end, short, and the characters of those that
    came before; line feeds; characters; lines of LONG_LINE characters.
    """
    first, last, left, right = bounds
    slots, keys, lengths, kinds = table[0], table[1], table[2], table[3]
    lines = chars = 0
    at = first
    while at <= last:
        end = _line_feed(data, at, last)
        keys[lines] = hash_span(data, at, end)
        size = _chars(data, at, end)
        lengths[lines], kinds[lines] = size, 0
        chars += size
        if end > at:
            kinds[lines] = 1 if _is_blank(data, at, end, classes) else 3 if _ends_well(data, at, end, classes) else 2
        kind = kinds[lines]
        out[6] += kind > 1
        out[7] += kind == 3
        out[8] += kind > 1 and size <= SHORT_LINE
        out[12] += size >= LONG_LINE
        lines += 1
        at = end + 1
    out[10], out[11] = lines - 1, chars + lines - 1
    _count_lines(lines, last == first, slots, keys, lengths, kinds, out)
    _count_paragraphs(data, left, right, slots, keys, lengths, out)


@kernel
def _count_lines(lines: int, empty: Any, slots: Any, keys: Any, lengths: Any, kinds: Any, out: Any) -> None:
    """The parts between runs of line feeds: an empty one before a first and behind a last line feed counts too."""
    mask = clear_slots(slots, lines)
    edges = 1 if empty else (kinds[0] == 0) + (kinds[lines - 1] == 0)
    out[3], out[4] = edges, max(edges - 1, 0)
    for i in range(lines):
        if kinds[i] == 0:
            continue
        out[3] += 1
        slot = keys[i] & mask
        while slots[slot] >= 0 and keys[slots[slot]] != keys[i]:
            slot = (slot + np.uint64(1)) & mask
        if slots[slot] < 0:
            slots[slot] = i
            continue
        out[4] += 1
        out[5] += lengths[i]
        if kinds[i] > 1:
            out[9] += lengths[i]


@kernel
def _count_paragraphs(data: Any, left: int, right: int, slots: Any, keys: Any, lengths: Any, out: Any) -> None:
    """The parts of the stripped text between two or more line feeds."""
    parts, start, at = 0, left, left
    while True:
        end = _line_feed(data, at, right)
        run = end
        while run < right and data[run] == 10:
            run += 1
        if end == right or run - end > 1:
            keys[parts], lengths[parts] = hash_span(data, start, end), _chars(data, start, end)
            parts += 1
            start = run
        at = run
        if end == right:
            break
    mask = clear_slots(slots, parts)
    out[0] = parts
    for i in range(parts):
        slot = keys[i] & mask
        while slots[slot] >= 0 and keys[slots[slot]] != keys[i]:
            slot = (slot + np.uint64(1)) & mask
        if slots[slot] < 0:
            slots[slot] = i
        else:
            out[1] += 1
            out[2] += lengths[i]


@kernel
def _line_feed(data: Any, at: int, last: int) -> int:
    """The next line feed from ``at`` on, or ``last``; eight bytes at a time (Mycroft's test for a zero byte)."""
    ones, highs = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
    while at + 8 <= last:
        word = load64(data, at) ^ (ones * np.uint64(10))
        if (word - ones) & ~word & highs:
            break
        at += 8
    while at < last and data[at] != 10:
        at += 1
    return at


@kernel
def _chars(data: Any, first: int, last: int) -> int:
    count = 0
    for i in range(first, last):
        count += (data[i] & 0xC0) != 0x80
    return count


@kernel
def _is_blank(data: Any, first: int, last: int, classes: Any) -> bool:
    at = first
    while at < last:
        code, size = decode(data, at)
        if not classes[code] & SPACE:
            return False
        at += size
    return True


@kernel
def _ends_well(data: Any, first: int, last: int, classes: Any) -> Any:
    at = last - 1
    while at > first and data[at] & 0xC0 == 0x80:
        at -= 1
    return classes[decode(data, at)[0]] & TERMINAL != 0
