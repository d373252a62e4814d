"""Decides which documents go: each one removed names a kept one that it was compared with, shingle by shingle.

Documents are visited in order of rank, the best first. A document is compared with the kept documents that share a bucket with
it, or stand for a removed document that does; if the most similar of them is more similar than the bound, the document goes and
that one stands for it. Nothing is removed because of a chain of resemblances. The order of rank decides everything, so the
result depends on neither the order of the rows nor the number of workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.dedup.minhash import NO_BAND
from pipeline.text.hashing import I64, U64, kernel

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Groups:
    """For each document, in order of rank: who stands for it and which duplicate group it is of."""

    kept_by: I64  # (T,) itself if kept, else the kept document that it duplicates
    similarity: F64  # (T,) Jaccard similarity with that document; 1 if kept
    group: I64  # (T,) the first document of its group


def buckets(bands: U64) -> tuple[I64, int]:
    """Give a number to each set of two or more documents that share a band, and count them.

    ``bands``: (T, bands) of ``minhash.band_hashes``. Returns the bucket of each document and band, (T, bands), or -1 for a
    document that is alone in a band. Memory: some 8 bytes for each document and band.
    """
    out = np.full(bands.shape, -1, np.int64)
    count = 0
    for band in range(bands.shape[1]):
        _, inverse, sizes = np.unique(bands[:, band], return_inverse=True, return_counts=True)
        shared = (sizes[inverse] > 1) & (bands[:, band] != NO_BAND)
        values, number = np.unique(inverse[shared], return_inverse=True)
        out[shared, band] = number + count
        count += len(values)
    return out, count


def group(bucket: I64, num_buckets: int, shingles: U64, starts: I64, ends: I64, *, similar: float, related: float) -> Groups:
    """Remove documents more similar than ``similar`` to a kept one; those of similarity ``related`` or more form one group.

    ``bucket``: (T, bands) of ``buckets``, rows in order of rank. Document t has the sorted set ``shingles[starts[t]:ends[t]]``.
    Groups are the connected components of the compared pairs: coarse on purpose, for they only keep relatives on one side of a
    split.
    """
    size = len(bucket)
    kept_by, similarity, parent = np.arange(size), np.ones(size), np.arange(size)
    _visit(bucket, np.full(num_buckets, -1), shingles, starts, ends, similar, related, kept_by, similarity, parent)
    return Groups(kept_by, similarity, np.array([_root(parent, i) for i in range(size)], np.int64))


@kernel
def jaccard(one: Any, other: Any) -> float:
    """Jaccard similarity of two sorted arrays without repetitions; 0 if both are empty."""
    i = j = common = 0
    while i < len(one) and j < len(other):  # without a branch in it: hashes would mispredict every other one
        left, right = one[i], other[j]
        common += left == right
        i += left <= right
        j += right <= left
    union = len(one) + len(other) - common
    return common / union if union else 0.0


@kernel
def _root(parent: Any, i: int) -> int:
    """Find the first member of the set of ``i``, and shorten the way to it."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel
def _join(parent: Any, i: int, j: int) -> None:
    """Unite two sets under the member of better rank."""
    i, j = _root(parent, i), _root(parent, j)
    if i != j:
        parent[max(i, j)] = min(i, j)


@kernel
def _visit(
    bucket: Any,
    head: Any,
    shingles: Any,
    starts: Any,
    ends: Any,
    similar: float,
    related: float,
    kept_by: Any,
    similarity: Any,
    parent: Any,
) -> None:
    """Visit documents by rank. A bucket is a linked list of the kept documents that were seen there or stand for one that was."""
    size, bands = bucket.shape
    members, following, used = np.empty(size * bands, np.int64), np.empty(size * bands, np.int64), 0
    compared = np.full(size, -1)  # the last document that each kept one was compared with
    for document in range(size):
        best, best_similarity = document, similar
        own = shingles[starts[document] : ends[document]]
        for place in bucket[document]:
            at = head[place] if place >= 0 else -1
            while at >= 0:
                other = members[at]
                at = following[at]
                if compared[other] == document:
                    continue
                compared[other] = document
                value = jaccard(own, shingles[starts[other] : ends[other]])
                if value > best_similarity or (value == best_similarity and other < best < document):
                    best, best_similarity = other, value
                if value >= related:
                    _join(parent, document, other)
        if best != document:
            kept_by[document], similarity[document] = best, best_similarity
        for place in bucket[document]:
            if place >= 0 and not _listed(best, head[place], members, following):
                members[used], following[used] = best, head[place]
                head[place] = used
                used += 1


@kernel
def _listed(document: int, at: int, members: Any, following: Any) -> bool:
    """Look for a document in the linked list that begins at ``at``."""
    while at >= 0 and members[at] != document:
        at = following[at]
    return bool(at >= 0)
