"""Hashed n-grams of a text, of words and of characters, and the sum of a weight over them: a linear classifier's view of text.

Every n-gram falls into one of 2**bits buckets by its hash (Weinberger et al. 2009, "Feature hashing for large scale multitask
learning"). Word n-grams run over the case-folded words of ``hashing.hash_words``, character n-grams over case-folded characters
with each run of white space as one blank, one blank before the text and one behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.text.hashing import I64, Words, decode, kernel, mix, string_buffers, unicode_tables
from pipeline.text.ngrams import ngram_hashes
from pipeline.text.terms import _BLANK, _folded, _is_space

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
LONGEST = 8  # characters in an n-gram
_BASE = 0xD1342543DE82EF95  # odd, of full spectrum (Steele & Vigna 2021)
_WORD_SALT = 0x9E3779B97F4A7C15  # keeps words apart from the characters that they are made of


@dataclass(frozen=True)
class Features:
    """Which n-grams count: words 1 to ``words``, characters ``chars[0]`` to ``chars[1]`` (at most LONGEST), 2**bits buckets."""

    words: int = 2
    chars: tuple[int, int] = (1, 4)
    bits: int = 18

    def __post_init__(self) -> None:
        """Raise ValueError for n-grams that cannot be."""
        low, high = self.chars
        if not (self.words >= 0 and 1 <= low <= high <= LONGEST and 1 <= self.bits <= 30):
            raise ValueError(f"{self}: want words >= 0, 1 <= chars[0] <= chars[1] <= {LONGEST}, 1 <= bits <= 30")


def weighted_sums(text: pa.LargeStringArray | pa.ChunkedArray, words: Words, features: Features, weights: F32) -> tuple[F64, I64]:
    """For each text the sum of the weights (2**bits,) of all its n-grams, and how many they are; ``words``: of ``hash_words``."""
    offsets, data = string_buffers(text)
    sums, counts = np.zeros(len(offsets) - 1), np.zeros(len(offsets) - 1, np.int64)
    _chars(offsets, data, unicode_tables()[1], *features.chars, features.bits, weights, np.empty(0, np.int32), sums, counts)
    for n in range(1, features.words + 1):
        hashes, bounds = ngram_hashes(words.hashes, words.documents, n)
        _add(hashes, bounds, features.bits, weights, np.empty(0, np.int32), sums, counts)
    return sums, counts


def buckets(text: pa.LargeStringArray | pa.ChunkedArray, words: Words, features: Features) -> tuple[npt.NDArray[np.int32], I64]:
    """List the bucket of every n-gram, text by text, and where each text's begin, (T + 1,): what a classifier is trained on."""
    offsets, data = string_buffers(text)
    folds, size, none = unicode_tables()[1], len(offsets) - 1, np.zeros(1 << features.bits, np.float32)
    parts = []
    room = np.zeros(size, np.int64)
    _chars(offsets, data, folds, *features.chars, features.bits, none, np.empty(0, np.int32), np.zeros(size), room)
    out = np.empty(int(room.sum()), np.int32)
    _chars(offsets, data, folds, *features.chars, features.bits, none, out, np.zeros(size), np.zeros(size, np.int64))
    parts.append((out, np.concatenate([[0], np.cumsum(room)])))
    for n in range(1, features.words + 1):
        hashes, bounds = ngram_hashes(words.hashes, words.documents, n)
        out = np.empty(len(hashes), np.int32)
        _add(hashes, bounds, features.bits, none, out, np.zeros(size), np.zeros(size, np.int64))
        parts.append((out, bounds))
    owners = np.concatenate([np.repeat(np.arange(size), np.diff(bounds)) for _, bounds in parts])
    order = np.argsort(owners, kind="stable")
    return np.concatenate([found for found, _ in parts])[order], np.searchsorted(owners[order], np.arange(size + 1))


@kernel
def _chars(
    offsets: Any,
    data: Any,
    folds: Any,
    low: int,
    high: int,
    bits: int,
    weights: Any,
    found: Any,
    sums: Any,
    counts: Any,
) -> None:
    """Add up character n-grams, and write their buckets where ``found`` has room for them."""
    mask, recent, written = np.uint64((1 << bits) - 1), np.zeros(LONGEST, np.uint64), 0
    for text in range(len(offsets) - 1):
        at, last, total = offsets[text], offsets[text + 1], 0.0
        if at == last:
            continue
        recent[0], seen, blank = np.uint64(_BLANK + 1), 1, True
        while at <= last:
            code, size = (np.int64(_BLANK), 1) if at == last else decode(data, at)
            at += size
            space = _is_space(code)
            if space and blank:
                continue
            code, blank = np.int64(_BLANK) if space else code, space
            recent[seen % LONGEST] = np.uint64(_folded(code, folds) + 1)
            seen += 1
            state = np.uint64(0)
            for n in range(1, min(high, seen) + 1):
                state = state * np.uint64(_BASE) + recent[(seen - n) % LONGEST]
                if n >= low:
                    bucket = mix(state) & mask
                    total += weights[bucket]
                    counts[text] += 1
                    if written < len(found):
                        found[written] = bucket
                        written += 1
        sums[text] += total


@kernel
def _add(hashes: Any, bounds: Any, bits: int, weights: Any, found: Any, sums: Any, counts: Any) -> None:
    """Add up word n-grams, and write their buckets where ``found`` has room for them."""
    mask = np.uint64((1 << bits) - 1)
    for text in range(len(bounds) - 1):
        total = 0.0
        for i in range(bounds[text], bounds[text + 1]):
            bucket = mix(hashes[i] ^ np.uint64(_WORD_SALT)) & mask
            total += weights[bucket]
            if i < len(found):
                found[i] = bucket
        sums[text] += total
        counts[text] += bounds[text + 1] - bounds[text]
