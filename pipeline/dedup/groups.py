"""Decides which documents go: each one removed names a kept one that it was compared with, shingle by shingle.

Documents are visited in order of rank, the best first. A document is compared with the kept documents that it is paired with, or
that stand for a removed document that it is paired with; if the most similar of them is more similar than the bound, the document
goes and that one stands for it. Nothing is removed because of a chain of resemblances. The order of rank decides everything, so
the result depends on neither the order of the rows nor the number of workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.dedup.pairs import U32
from pipeline.text.hashing import I64, U64, kernel

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shingles:
    """The sorted shingle set of document t is the ``sizes[t]`` values from ``starts[t]`` on; documents by rank."""

    values: U64
    starts: I64  # (T,)
    sizes: U32  # (T,)


@dataclass(frozen=True)
class Groups:
    """For each document, by rank: who stands for it and which duplicate group it is of. ``visit`` fills it in."""

    kept_by: U32  # (T,) itself if kept, else the kept document that it duplicates
    similarity: F64  # (T,) Jaccard similarity with that document; 1 if kept or if nothing was compared
    parent: U32  # (T,) another document of its group, of better rank; itself for the first: see ``leaders``


def start_groups(size: int) -> Groups:
    """Every document kept, in a group of its own."""
    return Groups(np.arange(size, dtype=np.uint32), np.ones(size), np.arange(size, dtype=np.uint32))


def visit(groups: Groups, pairs: U64, shingles: Shingles | None, *, similar: F64, related: float) -> None:
    """Decide the documents of ``pairs``; every pair of a document with a better one must be among them, and better ones decided.

    ``pairs``: ascending, without repetitions, of ``pairs.find_pairs``. A document goes when it is more similar to a kept one than
    its number in ``similar``, (T,); those of similarity ``related`` or more form one group. Groups are the connected components
    of the compared pairs: coarse on purpose, for they only keep relatives on one side of a split. Without ``shingles`` a pair
    counts as alike.
    """
    known = shingles or Shingles(np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, np.uint32))
    lists = (known.values, known.starts, known.sizes)
    _visit(pairs, *lists, shingles is not None, similar, related, groups.kept_by, groups.similarity, groups.parent)


def leaders(groups: Groups) -> U32:
    """(T,) the best document of each one's group."""
    out = np.empty_like(groups.parent)
    _roots(groups.parent, out)
    return out


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
def _root(parent: Any, i: Any) -> Any:
    """Find the first member of the set of ``i``, and shorten the way to it."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel
def _roots(parent: Any, out: Any) -> None:
    for i in range(len(parent)):
        out[i] = _root(parent, np.uint32(i))


@kernel
def _visit(
    pairs: Any,
    values: Any,
    starts: Any,
    sizes: Any,
    verify: Any,
    similar: Any,
    related: float,
    kept_by: Any,
    similarity: Any,
    parent: Any,
) -> None:
    """Visit the documents of the pairs by rank."""
    compared, rounds = np.zeros(len(kept_by), np.uint32), np.uint32(0)  # the round in which each kept one was compared last
    at = 0
    while at < len(pairs):
        document = np.uint32(pairs[at] >> np.uint64(32))
        best, best_similarity = document, similar[document]
        rounds += np.uint32(1)
        while at < len(pairs) and np.uint32(pairs[at] >> np.uint64(32)) == document:
            other = kept_by[pairs[at] & np.uint64(0xFFFFFFFF)]
            at += 1
            if compared[other] == rounds:
                continue
            compared[other] = rounds
            value = 1.0
            if verify:
                one, two = starts[document], starts[other]
                value = jaccard(
                    values[one : one + np.int64(sizes[document])],
                    values[two : two + np.int64(sizes[other])],
                )
            if value > best_similarity or (value == best_similarity and other < best < document):
                best, best_similarity = other, value
            if value >= related:
                left, right = _root(parent, document), _root(parent, other)
                parent[max(left, right)] = min(left, right)
        if best != document:
            kept_by[document], similarity[document] = best, best_similarity
