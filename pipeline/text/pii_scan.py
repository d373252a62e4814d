"""Finds where personal data may begin, in one scan over the UTF-8 buffers of Arrow strings.

Most bytes of a corpus hold no personal data. The kernel marks the few places at which a pattern of ``pii_patterns`` could match:
it may mark too many, never too few. Every walk from a place is bounded, so that no text takes quadratic time.
"""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.text.hashing import I64, U8, kernel, string_buffers
from pipeline.text.pii_classes import (
    ALNUM,
    ANCHOR,
    AT,
    BITS,
    COLON,
    DIGIT,
    EMAIL,
    HEX,
    IP,
    KEY,
    LOCAL,
    PHONE,
    PLUS,
    WHAT,
    WORD,
    byte_classes,
    rarest,
)
from pipeline.text.pii_numbers import digits_at, number, world_number
from pipeline.text.pii_patterns import KEY_PREFIXES, Kind

_MAX_LOCAL = 64  # characters of a mail address before its @ (RFC 5321)


def candidates(texts: pa.LargeStringArray | pa.ChunkedArray, kinds: Collection[Kind]) -> tuple[I64, I64]:
    """Places in the array's data buffer, ascending (C,), and at each the bits of the kinds that may begin there (C,)."""
    offsets, data = string_buffers(texts)
    wanted = sum(BITS[kind] for kind in set(kinds))
    room = 1024 + (int(offsets[-1]) - int(offsets[0])) // 64
    places, found = np.empty(room, np.int64), np.empty(room, np.int64)
    total = _scan(offsets, data, byte_classes(), *_prefixes(), wanted, places, found)
    if total > room:
        places, found = np.empty(total, np.int64), np.empty(total, np.int64)
        _scan(offsets, data, byte_classes(), *_prefixes(), wanted, places, found)
    unique, at = np.unique(places[:total], return_inverse=True)
    bits = np.zeros(len(unique), np.int64)
    np.bitwise_or.at(bits, at, found[:total])
    return unique, bits


@functools.cache
def _prefixes() -> tuple[U8, I64, I64, npt.NDArray[np.bool_]]:
    """The key prefixes, padded (P, 16), their lengths and the positions of their anchors (P,).

    And for two bytes whether any prefix has them as the anchor and the one before it, (256, 256).
    """
    padded, pairs = np.zeros((len(KEY_PREFIXES), 16), np.uint8), np.zeros((256, 256), np.bool_)
    for row, prefix in zip(padded, KEY_PREFIXES, strict=True):
        row[: len(prefix)] = list(prefix.encode())
        anchor = rarest(prefix)
        pairs[row[anchor - 1], row[anchor]] = True
    return padded, np.array([len(p) for p in KEY_PREFIXES]), np.array([rarest(p) for p in KEY_PREFIXES]), pairs


@kernel
def _scan(
    offsets: Any,
    data: Any,
    table: Any,
    prefixes: Any,
    lengths: Any,
    anchors: Any,
    pairs: Any,
    wanted: int,
    places: Any,
    found: Any,
) -> int:
    """Fill ``places`` and ``found`` as far as they have room; return how many there are."""
    total = 0
    for text in range(len(offsets) - 1):
        first, last = offsets[text], offsets[text + 1]
        at = first
        while at < last:
            what = table[data[at]] & WHAT
            if what == 0:
                at += 1
                continue
            start, bits, size = at, 0, 1
            if what == DIGIT:
                size = digits_at(data, at, last, table)
                start, bits, more = number(data, first, last, at, size, table)
                bits &= wanted
                more &= wanted
                if more:  # the same digits, but from their bracket or letters on, or without them
                    if total < len(places):
                        places[total], found[total] = at, more
                    total += 1
            elif what == AT and wanted & EMAIL:
                start = _local_part(data, first, at, table)
                bits = EMAIL if start < at and _domain(data, at + 1, last, table) else 0
            elif what == COLON and wanted & IP:
                start = _before_hex(data, first, at, table)
                bits = IP if start < at and _ipv6(data, start, last, table) else 0
            elif what == PLUS and wanted & PHONE:
                bits = PHONE if world_number(data, at + 1, last, table) else 0
            elif what == ANCHOR and wanted & KEY and at > first and pairs[data[at - 1], data[at]]:
                start = _key(data, first, last, at, prefixes, lengths, anchors, table)
                bits = KEY if start >= 0 else 0
            if bits:
                if total < len(places):
                    places[total], found[total] = start, bits
                total += 1
            at += size
    return total


@kernel
def _local_part(data: Any, first: Any, at: Any, table: Any) -> Any:
    """Where the name before the @ at ``at`` begins: ``at`` itself when there is none or it is too long."""
    start, characters = at, 0
    while start > first and characters <= _MAX_LOCAL:
        if table[data[start - 1]] & LOCAL:
            start -= 1
        elif start - 1 > first and data[start - 1] & 0xC0 == 0x80 and 0xC3 <= data[start - 2] <= 0xDF:
            start -= 2
        else:
            return start
        characters += 1
    return start if characters <= _MAX_LOCAL else at


@kernel
def _domain(data: Any, at: Any, last: Any, table: Any) -> Any:
    """Whether labels with a full stop between them follow."""
    begin = at
    while at < last and (table[data[at]] & ALNUM or data[at] == 45 or data[at] >= 0x80) and at - begin < 2 * _MAX_LOCAL:
        at += 1
    return at > begin and at + 2 < last and data[at] == 46


@kernel
def _before_hex(data: Any, first: Any, at: Any, table: Any) -> Any:
    """Where the one to four hexadecimal digits before ``at`` begin, if nothing of an address is before them; else ``at``."""
    start = at
    while start > first and at - start < 5 and table[data[start - 1]] & HEX:
        start -= 1
    if at - start > 4 or (start > first and (table[data[start - 1]] & WORD or data[start - 1] in (46, 58))):
        return at
    return start


@kernel
def _ipv6(data: Any, at: Any, last: Any, table: Any) -> Any:
    """Whether an address in full, or a short one of 2000::/3, may be here."""
    begin, colons, double = at, 0, False
    while at < last and at - begin < 40 and (table[data[at]] & HEX or data[at] == 58):
        if data[at] == 58:
            colons += 1
            double |= data[at - 1] == 58
        at += 1
    return colons >= 7 or (double and colons >= 2)


@kernel
def _key(data: Any, first: Any, last: Any, at: Any, prefixes: Any, lengths: Any, anchors: Any, table: Any) -> Any:
    """Where the key begins whose prefix has its anchor at ``at``, or -1."""
    for i in range(len(prefixes)):
        if data[at] != prefixes[i, anchors[i]]:
            continue
        start = at - anchors[i]
        if start < first or start + lengths[i] > last:
            continue
        equal = 0
        while equal < lengths[i] and data[start + equal] == prefixes[i, equal]:
            equal += 1
        if equal < lengths[i]:
            continue
        if start == first or data[start] == 45 or not (table[data[start - 1]] & WORD or data[start - 1] == 45):
            return start
    return -1
