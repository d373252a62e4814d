"""Hashes of the n-grams of words, rolled over the word hashes of ``pipeline.text.hashing``."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.text.hashing import I64, U64, kernel, mix

# Base of the polynomial in the word hashes; odd, so that no word hash is lost modulo 2**64.
_BASE = (
    0xD1342543DE82EF95  # a multiplier of full spectrum (Steele & Vigna 2021, "Computationally easy, spectrally good multipliers")
)


def ngram_hashes(hashes: U64, documents: I64, n: int) -> tuple[U64, I64]:
    """Hashes of the n-grams of each text, in order of their first word, and where each text's begin, (T + 1,).

    A text of fewer than ``n`` words has none. ``hashes`` and ``documents`` are those of ``hashing.Words``. Two n-grams of the
    same words have the same hash; n-grams of different length may collide only by chance.
    """
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one word")
    sizes = np.maximum(np.diff(documents) - (n - 1), 0)
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    out = np.empty(int(bounds[-1]), np.uint64)
    _roll(hashes, documents, bounds, n, np.uint64(pow(_BASE, n, 1 << 64)), out)
    return out, bounds


def shingles(hashes: U64, documents: I64, n: int) -> tuple[U64, I64]:
    """Make the set of n-grams of each text as sorted hashes, and where each text's begin, (T + 1,).

    A text of 1 to ``n`` − 1 words has one shingle, all of its words, so that it equals only texts of just these words; a text
    without words has none.
    """
    grams, bounds = ngram_hashes(hashes, documents, n)
    short = np.flatnonzero((np.diff(documents) > 0) & (np.diff(bounds) == 0))
    sizes = np.diff(bounds)
    sizes[short] = 1
    wide = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    padded = np.zeros(int(wide[-1]), np.uint64)
    is_short = np.zeros(len(padded), np.bool_)
    is_short[wide[short]] = True
    padded[~is_short] = grams
    for text in short:
        words = hashes[documents[text] : documents[text + 1]]
        padded[wide[text]] = ngram_hashes(words, np.array([0, len(words)]), len(words))[0][0]
    kept = np.zeros(len(wide), np.int64)
    _sort_unique(padded, wide, kept)
    return padded[: kept[-1]].copy(), kept


@kernel
def _roll(hashes: Any, documents: Any, bounds: Any, n: int, top: np.uint64, out: Any) -> None:
    """Roll the polynomial sum of hash * base**(n - 1 - position), updated word by word; ``top`` is base**n."""
    base = np.uint64(_BASE)
    for text in range(len(documents) - 1):
        state, first, at = np.uint64(0), documents[text], bounds[text]
        for word in range(first, documents[text + 1]):
            state = state * base + hashes[word]
            if word - first >= n:
                state -= hashes[word - n] * top
            if word - first >= n - 1:
                out[at] = mix(state)
                at += 1


@kernel
def _sort_unique(values: Any, bounds: Any, kept: Any) -> None:
    """Sort each text's part of ``values``, drop repetitions and close the gaps; ``kept`` receives the new bounds."""
    write = 0
    for text in range(len(bounds) - 1):
        part = np.sort(values[bounds[text] : bounds[text + 1]])
        for i in range(len(part)):
            if i == 0 or part[i] != part[i - 1]:
                values[write] = part[i]
                write += 1
        kept[text + 1] = write
