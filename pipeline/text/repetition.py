"""How much of a text repeats itself, n-gram by n-gram of its words.

Every n-gram is looked up in a table only where a shorter stretch of it repeats, for n-grams cannot repeat elsewhere: the most
frequent 3-gram is sought among 3-grams both of whose 2-grams repeat, and so on. The repeated 5- to 10-grams are compared as
concatenations, words without a space between, so that ("ab", "c") equals ("a", "bc"); they are sought where the first STEM bytes
repeat, and where they have fewer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.text.hashing import kernel, mix
from pipeline.text.repeated_lines import clear_slots
from pipeline.text.words import load64

TOP_SIZES = (2, 3, 4)  # words in the n-grams of which the most frequent one is measured
DUPLICATE_SIZES = (5, 6, 7, 8, 9, 10)  # words in the n-grams of which the repeated ones are measured
STEM = 16  # bytes
SEEN = 1 << 18  # a power of two: bytes that remember which keys came before; a core's second cache holds them
_BASE = np.uint64(0xD1342543DE82EF95)


@kernel
def repeated_ngrams(words: int, split: Any, table: Any, tops: Any, repeats: Any) -> None:
    """Characters of the most frequent n-gram times its count into ``tops``, of the repeated n-grams into ``repeats``.

    Of a tie the n-gram that is seen first counts, words joined by a blank. A repeated n-gram is stepped over whole. ``split``
    = (squeezed, starts, chars, hashes of the words); ``table`` = (slots, keys, ids, counts, firsts, positions, seen). The
    hashes are overwritten.
    """
    squeezed, starts, chars, hashes = split
    slots, keys, ids, counts, firsts, positions, seen = table
    for i in range(max(words - 1, 0)):
        keys[i] = mix(hashes[i] * _BASE + hashes[i + 1])
    size = _keep_seen_twice(max(words - 1, 0), starts, 0, keys, positions, seen)
    for n in range(2, 5):
        distinct = _number(size, slots, keys, ids, counts, firsts)
        best, place = 1, 0
        for j in range(distinct):
            if counts[j] > best:
                best, place = counts[j], positions[firsts[j]]
        if n <= words:
            tops[n - 2] = best * (chars[place + n] - chars[place] + n - 1)
        longer = 0
        for i in range(size - 1):
            a, b = ids[i], ids[i + 1]
            if counts[a] > 1 and counts[b] > 1 and positions[i + 1] == positions[i] + 1:
                keys[longer], positions[longer] = mix((np.uint64(a) << np.uint64(32)) | np.uint64(b)), positions[i]
                longer += 1
        size = longer
    for i in range(max(words - 4, 0)):
        keys[i] = mix(load64(squeezed, starts[i]) * _BASE + load64(squeezed, starts[i] + 8))
    size = _keep_seen_twice(max(words - 4, 0), starts, STEM, keys, positions, seen)
    _number(size, slots, keys, ids, counts, firsts)
    for k in range(size):
        ids[k], hashes[k] = counts[ids[k]] > 1, 0
    for n in range(5, 11):
        size = _extend(n, words, size, (squeezed, starts), positions, ids, hashes, keys)
        twice = _keep_seen_twice(size, starts, 0, keys, firsts, seen)
        for k in range(twice):
            firsts[k] = positions[firsts[k]]
        repeats[n - 5] = _repeated(n, twice, firsts, chars, slots, keys)


@kernel
def _extend(n: int, words: int, size: int, text: Any, positions: Any, repeats: Any, states: Any, keys: Any) -> int:
    """Write the hash of every n-gram at ``positions`` to ``keys``; leave out what cannot repeat. Returns how many there are.

    ``repeats``: whether its first STEM bytes come more than once. ``states``: the hash of its whole eights of bytes, up to which
    the (n - 1)-gram has come.
    """
    squeezed, starts = text
    kept = 0
    for k in range(size):
        i, state = positions[k], states[k]
        if i + n > words:
            continue
        first, last = np.int64(starts[i]), np.int64(starts[i + n])
        if not repeats[k] and last - first >= STEM:
            continue
        at = first + ((starts[i + n - 1] - first) & ~7) if n > 5 else first
        while at + 8 <= last:
            state = (state ^ load64(squeezed, at)) * _BASE
            state ^= state >> np.uint64(32)
            at += 8
        rest = load64(squeezed, at) & ((np.uint64(1) << np.uint64(8 * (last - at))) - np.uint64(1))
        keys[kept] = mix(((state ^ rest) * _BASE) ^ np.uint64(last - first))
        positions[kept], repeats[kept], states[kept] = i, repeats[k], state
        kept += 1
    return kept


@kernel
def _keep_seen_twice(size: int, starts: Any, stem: int, keys: Any, positions: Any, seen: Any) -> int:
    """Move every key that comes more than once to the front, and its place to ``positions``; returns how many there are.

    A key that shares its low bits with another stays too: whoever asks compares whole keys, and few are left to compare. So does
    one whose five words have fewer bytes than ``stem``.
    """
    room = 64
    while room < 8 * size and room < len(seen):
        room *= 2
    mask = np.uint64(room - 1)
    for i in range(room):
        seen[i] = 0
    for i in range(size):
        slot = keys[i] & mask
        seen[slot] = (seen[slot] << 1) | 1  # 0, 1, 3, ... 255
    kept = 0
    for i in range(size):
        keys[kept], positions[kept] = keys[i], i
        kept += (seen[keys[i] & mask] > 1) | (stem > 0 and starts[i + 5] - starts[i] < stem)
    return kept


@kernel
def _number(size: int, slots: Any, keys: Any, ids: Any, counts: Any, firsts: Any) -> int:
    """Give equal keys one number, in order of appearance; how often each comes and where first. Returns how many there are."""
    mask = clear_slots(slots, size)
    distinct = 0
    for i in range(size):
        key = keys[i]
        slot = key & mask
        while slots[slot] >= 0 and keys[firsts[slots[slot]]] != key:
            slot = (slot + np.uint64(1)) & mask
        number = slots[slot]
        if number < 0:
            number = distinct
            slots[slot], counts[number], firsts[number] = number, 0, i
            distinct += 1
        counts[number] += 1
        ids[i] = number
    return distinct


@kernel
def _repeated(n: int, size: int, positions: Any, chars: Any, slots: Any, keys: Any) -> int:
    """Characters of the n-grams at ``positions`` that came before, those inside a repeated one not counted."""
    mask = clear_slots(slots, size)
    total = following = 0
    for k in range(size):
        i = positions[k]
        if i < following:
            continue
        key = keys[k]
        slot = key & mask
        while slots[slot] >= 0 and keys[slots[slot]] != key:
            slot = (slot + np.uint64(1)) & mask
        if slots[slot] >= 0:
            total += chars[i + n] - chars[i]
            following = i + n
        else:
            slots[slot] = k
    return total
