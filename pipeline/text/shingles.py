"""Shingles of texts: hashes of every n words in a row, read from the UTF-8 buffers in blocks, so that a text may be of any size.

Words are those of ``pipeline.text.hashing``, compared without case. A word's hash is taken over the UTF-8 bytes of its folded
form, eight at a time, which ASCII text gives without decoding. Hashes are 64 bits, the same on every machine, and not keyed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.text.hashing import ALONE, I64, OTHER, U8, U64, WORD, decode, kernel, mix, string_buffers, unicode_tables
from pipeline.text.octets import HIGH, SEVEN, load_chunk, trailing_zeros

# Base of the polynomial in the word hashes; odd, so that no word hash is lost modulo 2**64: a multiplier of full spectrum (Steele
# & Vigna 2021, "Computationally easy, spectrally good multipliers").
BASE = 0xD1342543DE82EF95
BLOCK = 1024  # n-grams that are read at a time: 8 KB, in the nearest cache beside the words they are made of
_SEVERAL = 0x80000000  # marks a fold to more than one code point in ``unicode_tables``
_DECODE = 0xFF  # marks a byte that needs decoding; no folded ASCII byte has this value

Tables = tuple[U8, U8, npt.NDArray[np.uint32], npt.NDArray[np.uint32]]


def word_tables() -> Tables:
    """Folded byte of each ASCII word character (0: no word character, 255: not ASCII), then ``hashing.unicode_tables``."""
    classes, folds, several = unicode_tables()
    ascii_folds = np.full(256, _DECODE, np.uint8)
    ascii_folds[:128] = np.where(classes[:128] == OTHER, 0, folds[:128])
    return ascii_folds, classes, folds, several


def top_power(n: int) -> np.uint64:
    """``BASE`` to the power of ``n``: the factor of the word that leaves an n-gram. Raises ValueError below one word."""
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one word")
    return np.uint64(pow(BASE, n, 1 << 64))


def shingles(texts: pa.LargeStringArray | pa.ChunkedArray, n: int) -> tuple[U64, I64]:
    """Make the set of n-grams of each text as sorted hashes, and where each text's begin, (T + 1,).

    A text of 1 to ``n`` − 1 words has one shingle, all of its words, so that it equals only texts of just these words; a text
    without words has none.
    """
    offsets, data = string_buffers(texts)
    room = int(offsets[-1] - offsets[0]) // 2 + len(offsets)  # words are a byte apart, or at least three bytes long
    values, bounds = np.empty(room, np.uint64), np.zeros(len(offsets), np.int64)
    _shingle_sets(offsets, data, n, top_power(n), *word_tables(), values, bounds)
    return values[: bounds[-1]].copy(), bounds


@kernel
def _append(state: np.uint64, block: np.uint64, size: Any, byte: Any) -> Any:
    """Take one more byte of a folded word into its running hash."""
    block |= np.uint64(byte) << np.uint64(8 * (size & 7))
    if size & 7 == 7:
        return mix(state ^ block), np.uint64(0), size + 1
    return state, block, size + 1


@kernel
def _append_code(state: np.uint64, block: np.uint64, size: Any, code: Any) -> Any:
    """Take one more code point of a folded word into its running hash, as UTF-8."""
    if code < 0x80:
        return _append(state, block, size, code)
    if code < 0x800:
        state, block, size = _append(state, block, size, 0xC0 | (code >> 6))
        return _append(state, block, size, 0x80 | (code & 0x3F))
    if code < 0x10000:
        state, block, size = _append(state, block, size, 0xE0 | (code >> 12))
    else:
        state, block, size = _append(state, block, size, 0xF0 | (code >> 18))
        state, block, size = _append(state, block, size, 0x80 | ((code >> 12) & 0x3F))
    state, block, size = _append(state, block, size, 0x80 | ((code >> 6) & 0x3F))
    return _append(state, block, size, 0x80 | (code & 0x3F))


@kernel
def _finish(state: np.uint64, block: np.uint64, size: Any) -> np.uint64:
    """Close a word's hash: the last bytes with their number above them, where no whole block has it."""
    rest = np.uint64(size & 7)
    return mix(state ^ block ^ (rest << np.uint64(56))) if rest else state


@kernel
def _fold_into(state: np.uint64, block: np.uint64, size: Any, code: Any, folds: Any, several: Any) -> Any:
    """Take the fold of one more code point into a word's running hash."""
    folded = np.int64(folds[code])
    if folded & _SEVERAL:
        row = several[folded & 0x7FFFFFFF]
        for i in range(1, np.int64(row[0]) + 1):
            state, block, size = _append_code(state, block, size, np.int64(row[i]))
        return state, block, size
    return _append_code(state, block, size, folded)


@kernel
def _word_bytes(chunk: np.uint64) -> Any:
    """Fold eight bytes as if they were ASCII letters, and mark by its highest bit each that is an ASCII letter or digit."""
    seven = chunk & np.uint64(SEVEN)
    folded = seven | np.uint64(0x2020202020202020)  # what it does to a digit is nothing
    letter = (folded + np.uint64(0x1F1F1F1F1F1F1F1F)) & ~(folded + np.uint64(0x0505050505050505))  # a to z: 0x61 to 0x7A
    digit = (seven + np.uint64(0x5050505050505050)) & ~(seven + np.uint64(0x4646464646464646))  # 0 to 9: 0x30 to 0x39
    return folded, (letter | digit) & ~chunk & np.uint64(HIGH)


@kernel
def read_words(
    data: Any, at: Any, last: Any, ascii_folds: Any, classes: Any, folds: Any, several: Any, out: Any, count: Any
) -> Any:
    """Write the hashes of the words from byte ``at`` on to ``out[count:]`` until it is full; returns the new (at, count).

    ASCII goes eight bytes at a time, the end of a text and other characters one by one.
    """
    room = len(out)
    state, block, size = np.uint64(0), np.uint64(0), 0
    while at < last and count < room:
        if size & 7 == 0 and at + 8 <= last:
            chunk = load_chunk(data, at)
            folded, word = _word_bytes(chunk)
            stop = ~word & np.uint64(HIGH)
            if stop == 0:
                state, size, at = mix(state ^ folded), size + 8, at + 8
                continue
            past = (stop & -stop) - np.uint64(1)  # ones below the bit that marks the first byte that is no ASCII word's
            length = trailing_zeros(stop) >> 3
            block, size = folded & (past >> np.uint64(7)), size + length
            if not stop & ~past & (past + np.uint64(1)) & chunk:  # an ASCII character ends the word; go on to the next
                if size:
                    out[count] = _finish(state, block, size)
                    count += 1
                    state, block, size = np.uint64(0), np.uint64(0), 0
                ahead = (word | (chunk & np.uint64(HIGH))) & ~past
                at += trailing_zeros(ahead) >> 3 if ahead else 8
                continue
            at += length
        at, count, state, block, size = _read_character(
            data, at, ascii_folds, classes, folds, several, out, count, state, block, size
        )
    if size:
        out[count] = _finish(state, block, size)
        count += 1
    return at, count


@kernel
def _read_character(
    data: Any,
    at: Any,
    ascii_folds: Any,
    classes: Any,
    folds: Any,
    several: Any,
    out: Any,
    count: Any,
    state: np.uint64,
    block: np.uint64,
    size: Any,
) -> Any:
    """Read one character, whatever it is; a letter that stands alone is left for the next call when it ends a word."""
    byte = ascii_folds[data[at]]
    if 0 < byte < _DECODE:
        state, block, size = _append(state, block, size, byte)
        return at + 1, count, state, block, size
    kind: Any = OTHER
    code, length = 0, 1
    if byte == _DECODE:
        code, length = decode(data, at)
        kind = np.int64(classes[code])
    if size and kind != WORD:
        out[count] = _finish(state, block, size)
        return (at if kind == ALONE else at + length), count + 1, np.uint64(0), np.uint64(0), 0
    if kind != OTHER:
        state, block, size = _fold_into(state, block, size, code, folds, several)
    if kind == ALONE:
        out[count] = _finish(state, block, size)
        return at + length, count + 1, np.uint64(0), np.uint64(0), 0
    return at + length, count, state, block, size


@kernel
def read_ngrams(data: Any, at: Any, last: Any, seen: Any, state: Any, n: Any, top: Any, tables: Any, words: Any, out: Any) -> Any:
    """Write the hashes of the next n-grams of a text to ``out``; returns the new (at, seen, state) and how many were written.

    ``seen``: words read of this text before, 0 at its start, as is ``state``, the rolling sum of hash * BASE**(n - 1 - position).
    ``words``: (n + len(out),) work space, whose first n the caller leaves alone between calls: the words before the next.
    """
    ascii_folds, classes, folds, several = tables
    base = np.uint64(BASE)
    at, end = read_words(data, at, last, ascii_folds, classes, folds, several, words, n)
    count = 0
    for i in range(n, end):
        state = state * base + words[i]
        if seen >= n:
            state -= words[i - n] * top
        seen += 1
        if seen >= n:
            out[count] = mix(state)
            count += 1
    for i in range(n):
        words[i] = words[end - n + i]
    return at, seen, state, count


@kernel
def _shingle_sets(
    offsets: Any,
    data: Any,
    n: int,
    top: np.uint64,
    ascii_folds: Any,
    classes: Any,
    folds: Any,
    several: Any,
    out: Any,
    bounds: Any,
) -> None:
    """Write the sorted set of each text's n-gram hashes behind those of the text before; ``bounds[t + 1]`` is where it ends."""
    tables = (ascii_folds, classes, folds, several)
    words, grams = np.empty(n + BLOCK, np.uint64), np.empty(BLOCK, np.uint64)
    write = 0
    for text in range(len(offsets) - 1):
        at, last, seen, state, first = offsets[text], offsets[text + 1], 0, np.uint64(0), write
        while at < last:
            at, seen, state, count = read_ngrams(data, at, last, seen, state, n, top, tables, words, grams)
            out[write : write + count] = grams[:count]
            write += count
        if 0 < seen < n:
            out[write] = mix(state)
            write += 1
        part = np.sort(out[first:write])
        write = first
        for i in range(len(part)):
            if i == 0 or part[i] != part[i - 1]:
                out[write] = part[i]
                write += 1
        bounds[text + 1] = write
