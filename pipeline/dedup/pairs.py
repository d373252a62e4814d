"""Pairs of documents that share a hash: which to compare, and which are repeats for certain.

Documents are numbered by rank, the best first, and the hash of each stands at its rank. Sorting one array of numbers that hold
the upper bits of a hash and the rank in the lower ones brings equal hashes together in order of rank, in place, without an index;
the few that agree in the upper bits only are told apart by the whole hash.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.text.hashing import U64, kernel

U32 = npt.NDArray[np.uint32]
NONE = np.uint64(0xFFFFFFFFFFFFFFFF)  # the hash of a document that meets nobody
MOST_DOCUMENTS = (1 << 32) - 1  # numbers are 32 bits wide
NEIGHBOURS = 3  # documents just before one in rank that it is paired with, besides the best: see ``find_pairs``
PAIRS_AT_A_TIME = 1 << 20


def find_pairs(hashes: U64) -> Iterator[U64]:
    """Yield sorted arrays of document << 32 | other, other < document, for documents that share a hash.

    A document is paired with the best of those that share its hash and with the ``NEIGHBOURS`` next before it, so a million
    documents of one hash make four million pairs, not 10**12. What those stand for, when they are removed themselves, is compared
    with it instead.
    """
    mask = _rank_mask(len(hashes))
    keys = _sorted_keys(hashes, mask)
    out = np.empty(PAIRS_AT_A_TIME, np.uint64)
    at = first = 0
    while at < len(keys):
        at, first, used = _pair(keys, hashes, mask, at, first, out)
        if used:
            yield np.sort(out[:used])


def find_first(high: U64, low: U64) -> U32:
    """The first document with the same 128 bits as each, (T,); itself where ``high`` is ``NONE``. Any numbering will do."""
    mask = _rank_mask(len(high))
    out = np.arange(len(high), dtype=np.uint32)
    _first(_sorted_keys(high, mask), high, low, mask, out)
    return out


def _rank_mask(size: int) -> np.uint64:
    return np.uint64((1 << size.bit_length()) - 1)


def _sorted_keys(hashes: U64, mask: np.uint64) -> U64:
    """Upper bits of each hash and its rank, ascending; those without a hash are left out."""
    keys = np.empty(len(hashes), np.uint64)
    keys = keys[: _fill(hashes, mask, keys)]
    keys.sort()
    return keys


@kernel
def _fill(hashes: Any, mask: np.uint64, keys: Any) -> int:
    count = 0
    for rank in range(len(hashes)):
        if hashes[rank] != NONE:
            keys[count] = (hashes[rank] & ~mask) | np.uint64(rank)
            count += 1
    return count


@kernel
def _pair(keys: Any, hashes: Any, mask: np.uint64, at: int, first: int, out: Any) -> Any:
    """Pair documents from ``keys[at]`` on until ``out`` may be full; ``first``: where the run of ``keys[at - 1]`` begins."""
    used = 0
    while at < len(keys) and used + NEIGHBOURS + 1 <= len(out):
        if (keys[at] ^ keys[first]) & ~mask:
            first = at
        rank = keys[at] & mask
        best = first
        while hashes[keys[best] & mask] != hashes[rank]:
            best += 1
        found, back = 0, at - 1
        while back > best and found < NEIGHBOURS:
            if hashes[keys[back] & mask] == hashes[rank]:
                out[used] = (rank << np.uint64(32)) | (keys[back] & mask)
                used += 1
                found += 1
            back -= 1
        if best < at:
            out[used] = (rank << np.uint64(32)) | (keys[best] & mask)
            used += 1
        at += 1
    return at, first, used


@kernel
def _first(keys: Any, high: Any, low: Any, mask: np.uint64, out: Any) -> None:
    """Write the first document of each one's 128 bits."""
    first = 0
    for at in range(len(keys)):
        if (keys[at] ^ keys[first]) & ~mask:
            first = at
        rank = keys[at] & mask
        best = first
        while high[keys[best] & mask] != high[rank] or low[keys[best] & mask] != low[rank]:
            best += 1
        out[rank] = keys[best] & mask
