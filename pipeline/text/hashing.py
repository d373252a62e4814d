"""Scans the words of Arrow strings and hashes them, over the UTF-8 buffers: no Python string is made.

A word is a maximal run of letters, digits and marks (general categories L*, N*, M*), compared without case (full case folding).
A letter of a script that is written without spaces (Chinese, Japanese kana, Thai, Lao, Khmer, Burmese) is a word of its own: a
whole sentence in one word would make n-grams of words useless there. Classes come from the ``unicodedata`` of the running Python,
so a character that is newer than the oldest supported Python may be classed differently on another version.

Hashes are 64 bits, the same on every machine. They are not keyed: whoever writes a text could make two words collide.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
Function = TypeVar("Function", bound=Callable[..., Any])

CODE_POINTS = 0x110000
OTHER, WORD, ALONE = 0, 1, 2  # classes: between words, part of a word, a word of its own
UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")  # first words of Unicode names
_MULTIPLIER = 0x9E3779B97F4A7C15  # 2**64 divided by the golden ratio, odd: Fibonacci hashing (Knuth, TAOCP 3, 6.4)
_SEVERAL = 0x80000000  # marks a fold to more than one code point; the rest is an index


def kernel(function: Function) -> Function:
    """Compile for the machine: cached on disk, and without the interpreter lock, so that threads run side by side."""
    return cast(Function, numba.njit(cache=True, nogil=True)(function))


@dataclass(frozen=True)
class Words:
    """Words of a batch of texts. Word ``w`` of text ``t`` stands at ``documents[t] <= w < documents[t + 1]``."""

    hashes: U64  # (W,) of the case-folded word
    starts: I64  # (W,) its first byte in the text, from the text's start
    ends: I64  # (W,) the byte after its last
    documents: I64  # (T + 1,)


def hash_words(texts: pa.LargeStringArray | pa.ChunkedArray) -> Words:
    """Scan the words of each text; null counts as empty.

    >>> hash_words(pa.array(["Ab, ab"], pa.large_string())).starts
    array([0, 4])
    """
    offsets, data = string_buffers(texts)
    room = int(offsets[-1] - offsets[0]) // 2 + len(offsets)  # words are a byte apart, or at least three bytes long
    hashes, starts, ends = np.empty(room, np.uint64), np.empty(room, np.int64), np.empty(room, np.int64)
    documents = np.zeros(len(offsets), np.int64)
    _scan(offsets, data, *unicode_tables(), documents, hashes, starts, ends)
    total = int(documents[-1])
    return Words(hashes[:total], starts[:total], ends[:total], documents)


def hash_word(word: str) -> int:
    """Hash of one word as ``hash_words`` gives it.

    >>> hash_word("Ab") == hash_word("aB")
    True
    """
    words = hash_words(pa.array([word], pa.large_string()))
    if len(words.hashes) != 1:
        raise ValueError(f"{word!r} is {len(words.hashes)} words, not one")
    return int(words.hashes[0])


def string_buffers(texts: pa.LargeStringArray | pa.ChunkedArray) -> tuple[I64, U8]:
    """Offsets (T + 1,) and UTF-8 bytes of a string array, without a copy where it is one unsliced chunk."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks() if texts.num_chunks != 1 else texts.chunk(0)
    if isinstance(texts, pa.ChunkedArray):  # of no chunk
        texts = pa.array([], pa.large_string())
    texts = texts.cast(pa.large_string())
    _, offsets, data = texts.buffers()
    if not len(texts):
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    span = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return span, np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)


@functools.cache
def unicode_tables() -> tuple[U8, npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Class of each code point, what it folds to, and the rows (length, code points...) of those that fold to several."""
    classes, folds = np.zeros(CODE_POINTS, np.uint8), np.arange(CODE_POINTS, dtype=np.uint32)
    several: list[list[int]] = []
    for code in range(CODE_POINTS):
        character = chr(code)
        category = unicodedata.category(character)
        if category[0] not in "LNM":
            continue
        unspaced = category == "Lo" and unicodedata.name(character, "").startswith(UNSPACED)
        classes[code] = ALONE if unspaced else WORD
        folded = character.casefold()
        if len(folded) == 1:
            folds[code] = ord(folded)
        else:
            folds[code] = _SEVERAL | len(several)
            several.append([len(folded), *map(ord, folded), *[0] * (3 - len(folded))])
    return classes, folds, np.array(several, np.uint32)


@kernel
def mix(value: np.uint64) -> np.uint64:
    """Spread a 64-bit value over all 64 bits: the finaliser of SplitMix64 (Steele, Lea & Flood 2014), a bijection."""
    value ^= value >> np.uint64(30)
    value *= np.uint64(0xBF58476D1CE4E5B9)
    value ^= value >> np.uint64(27)
    value *= np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@kernel
def _fold(state: np.uint64, code: int, folds: Any, several: Any) -> np.uint64:
    """Take one more character into the running hash of a word."""
    folded = folds[code]
    if folded & np.uint32(_SEVERAL):
        row = several[folded & np.uint32(0x7FFFFFFF)]
        for i in range(1, row[0] + 1):
            state = (state ^ np.uint64(row[i])) * np.uint64(_MULTIPLIER)
            state ^= state >> np.uint64(32)
        return state
    state = (state ^ np.uint64(folded)) * np.uint64(_MULTIPLIER)
    return state ^ (state >> np.uint64(32))


@kernel
def _scan(
    offsets: Any, data: Any, classes: Any, folds: Any, several: Any, documents: Any, hashes: Any, starts: Any, ends: Any
) -> None:
    """Write each word's hash and place; ``documents[t + 1]`` becomes the number of words up to the end of text ``t``."""
    word = 0
    for text in range(len(offsets) - 1):
        first, last = offsets[text], offsets[text + 1]
        inside, state, at = OTHER, np.uint64(0), first
        while at < last:
            code, size = decode(data, at)
            kind = classes[code]
            if inside != OTHER and (kind != WORD or inside == ALONE):  # a word ends before this character
                hashes[word], ends[word] = mix(state), at - first
                word += 1
                inside = OTHER
            if kind != OTHER:
                if inside == OTHER:
                    inside, state, starts[word] = kind, np.uint64(0), at - first
                state = _fold(state, code, folds, several)
            at += size
        if inside != OTHER:
            hashes[word], ends[word] = mix(state), last - first
            word += 1
        documents[text + 1] = word


@kernel
def decode(data: Any, at: Any) -> Any:
    """Read the code point and length in bytes of the character at ``at`` of valid UTF-8, as Arrow strings are."""
    lead = np.int64(data[at])
    if lead < 0x80:
        return lead, 1
    if lead < 0xE0:
        return ((lead & 0x1F) << 6) | (np.int64(data[at + 1]) & 0x3F), 2
    if lead < 0xF0:
        return ((lead & 0x0F) << 12) | ((np.int64(data[at + 1]) & 0x3F) << 6) | (np.int64(data[at + 2]) & 0x3F), 3
    code = ((lead & 0x07) << 18) | ((np.int64(data[at + 1]) & 0x3F) << 12)
    return code | ((np.int64(data[at + 2]) & 0x3F) << 6) | (np.int64(data[at + 3]) & 0x3F), 4


def index_hashes(keys: U64) -> I64:
    """Slots of a hash table over distinct ``keys``, for ``find``: a power of two, at most half full, -1 where empty."""
    slots = np.full(max(2, 1 << (2 * len(keys) - 1).bit_length()), -1)
    fill_slots(keys, slots)
    return slots


@kernel
def find(key: np.uint64, keys: Any, slots: Any) -> Any:
    """Position of ``key`` in ``keys``, or -1: linear probing from its lowest bits, which are mixed already."""
    mask = np.uint64(len(slots) - 1)
    at = key & mask
    while slots[at] >= 0 and keys[slots[at]] != key:
        at = (at + np.uint64(1)) & mask
    return slots[at]


@kernel
def fill_slots(keys: Any, slots: Any) -> None:
    """Put the position of every key into the first free slot from its own; a free one holds -1."""
    mask = np.uint64(len(slots) - 1)
    for i in range(len(keys)):
        at = keys[i] & mask
        while slots[at] >= 0:
            at = (at + np.uint64(1)) & mask
        slots[at] = i
