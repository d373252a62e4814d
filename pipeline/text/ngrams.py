"""Hashes of the n-grams of words, rolled over the word hashes of ``pipeline.text.hashing``."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.text.hashing import I64, U64, kernel, mix
from pipeline.text.shingles import BASE


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
    _roll(hashes, documents, bounds, n, np.uint64(pow(BASE, n, 1 << 64)), out)
    return out, bounds


@kernel
def _roll(hashes: Any, documents: Any, bounds: Any, n: int, top: np.uint64, out: Any) -> None:
    """Roll the polynomial sum of hash * base**(n - 1 - position), updated word by word; ``top`` is base**n."""
    base = np.uint64(BASE)
    for text in range(len(documents) - 1):
        state, first, at = np.uint64(0), documents[text], bounds[text]
        for word in range(first, documents[text + 1]):
            state = state * base + hashes[word]
            if word - first >= n:
                state -= hashes[word - n] * top
            if word - first >= n - 1:
                out[at] = mix(state)
                at += 1
