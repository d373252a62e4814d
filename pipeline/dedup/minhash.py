"""MinHash signatures, cut into bands: documents that share a band are candidates for near-duplicates.

Broder 1997, "On the resemblance and containment of documents"; Leskovec, Rajaraman & Ullman, "Mining of Massive Datasets",
chapter 3. With b bands of r rows a pair of Jaccard similarity s becomes a candidate with probability 1 - (1 - s**r)**b. For 14
bands of 8 rows, FineWeb's choice (Penedo et al. 2024), that is 0.56 at s = 0.7, 0.77 at 0.75, 0.92 at 0.8, 0.9996 at 0.9.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.text.hashing import I64, U64, kernel, mix

NO_BAND = np.uint64(0xFFFFFFFFFFFFFFFF)  # of a document without shingles, which is a candidate of nobody


def band_hashes(shingles: U64, bounds: I64, *, bands: int, rows: int, seed: int) -> U64:
    """One hash for each document and band, (T, bands); equal in a band when all of its rows' minima are equal.

    ``shingles`` and ``bounds`` are those of ``pipeline.text.ngrams.shingles``. Row k's permutation of the 64-bit numbers is
    x -> a_k x + b_k modulo 2**64 with odd a_k, of shingles that are well mixed already.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    factors = random.integers(0, 1 << 64, bands * rows, np.uint64) | np.uint64(1)
    shifts = random.integers(0, 1 << 64, bands * rows, np.uint64)
    out = np.full((len(bounds) - 1, bands), NO_BAND)
    _sign(shingles, bounds, factors, shifts, rows, out)
    return out


@kernel
def _sign(shingles: Any, bounds: Any, factors: Any, shifts: Any, rows: int, out: Any) -> None:
    """Write the band hashes of every document that has a shingle."""
    minima = np.empty(len(factors), np.uint64)
    for document in range(len(bounds) - 1):
        if bounds[document] == bounds[document + 1]:
            continue
        minima[:] = NO_BAND
        for i in range(bounds[document], bounds[document + 1]):
            for k in range(len(factors)):
                minima[k] = min(minima[k], shingles[i] * factors[k] + shifts[k])
        for band in range(out.shape[1]):
            state = np.uint64(0)
            for k in range(band * rows, (band + 1) * rows):
                state = mix(state ^ minima[k])
            out[document, band] = min(state, NO_BAND - np.uint64(1))
