"""MinHash signatures, cut into bands: documents that share a band are candidates for near-duplicates.

Broder 1997, "On the resemblance and containment of documents"; Leskovec, Rajaraman & Ullman, "Mining of Massive Datasets",
chapter 3. With b bands of r rows a pair of Jaccard similarity s becomes a candidate with probability 1 - (1 - s**r)**b.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.text.hashing import U64, kernel, mix, string_buffers
from pipeline.text.shingles import BLOCK, read_ngrams, top_power, word_tables

NO_BAND = np.uint64(0xFFFFFFFFFFFFFFFF)  # of a document without shingles, which is a candidate of nobody
_LARGEST = np.uint32(0xFFFFFFFF)


def band_hashes(texts: pa.LargeStringArray | pa.ChunkedArray, *, ngram: int, bands: int, rows: int, seed: int) -> U64:
    """One hash for each document and band, (T, bands); equal in a band when all of its rows' minima are equal.

    The shingles are those of ``pipeline.text.shingles``. Row k's permutation of 32-bit numbers is x -> a_k x + b_k modulo 2**32
    with odd a_k, of the upper half of shingle hashes, which are well mixed: of 32 bits a vector register takes twice as many.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    factors = random.integers(0, 1 << 32, bands * rows, np.uint32) | np.uint32(1)
    shifts = random.integers(0, 1 << 32, bands * rows, np.uint32)
    offsets, data = string_buffers(texts)
    out = np.full((len(offsets) - 1, bands), NO_BAND)
    _sign(offsets, data, ngram, top_power(ngram), *word_tables(), factors, shifts, rows, out)
    return out


@kernel
def _lower(minima: Any, shingles: Any, factors: Any, shifts: Any) -> None:
    """Lower each row's minimum to the least image of some shingles; four at a time, so that minima are loaded less often."""
    whole = len(shingles) & ~3
    for i in range(0, whole, 4):
        a, b, c, d = shingles[i], shingles[i + 1], shingles[i + 2], shingles[i + 3]
        for k in range(len(minima)):
            factor, shift = factors[k], shifts[k]
            left = min(np.uint32(a * factor + shift), np.uint32(b * factor + shift))
            right = min(np.uint32(c * factor + shift), np.uint32(d * factor + shift))
            minima[k] = min(minima[k], left, right)
    for i in range(whole, len(shingles)):
        a = shingles[i]
        for k in range(len(minima)):
            minima[k] = min(minima[k], np.uint32(a * factors[k] + shifts[k]))


@kernel
def _sign(
    offsets: Any,
    data: Any,
    n: int,
    top: np.uint64,
    ascii_folds: Any,
    classes: Any,
    folds: Any,
    several: Any,
    factors: Any,
    shifts: Any,
    rows: int,
    out: Any,
) -> None:
    """Write the band hashes of every document that has a shingle."""
    tables = (ascii_folds, classes, folds, several)
    words, grams, upper = np.empty(n + BLOCK, np.uint64), np.empty(BLOCK, np.uint64), np.empty(BLOCK, np.uint32)
    minima = np.empty(len(factors), np.uint32)
    for document in range(len(offsets) - 1):
        at, last, seen, state = offsets[document], offsets[document + 1], 0, np.uint64(0)
        minima[:] = _LARGEST
        while at < last:
            at, seen, state, count = read_ngrams(data, at, last, seen, state, n, top, tables, words, grams)
            if 0 < seen < n and at >= last:
                grams[0], count = mix(state), 1
            for i in range(count):
                upper[i] = grams[i] >> np.uint64(32)
            _lower(minima, upper[:count], factors, shifts)
        if seen:
            for band in range(out.shape[1]):
                value = np.uint64(0)
                for k in range(band * rows, (band + 1) * rows):
                    value = mix(value ^ np.uint64(minima[k]))
                out[document, band] = min(value, NO_BAND - np.uint64(1))
