"""Which of many hashed passages repeat another. Pure; ``pipeline.repeats`` divides what does not fit into memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.text.hashing import I64, U64, kernel

I32 = npt.NDArray[np.int32]
# What is known of each passage, or anchor, of a table: whether it comes again, whether it is the first to come, the id of the
# document that holds the first, and how many documents hold it. Null where it comes once.
REPEATS = pa.schema(
    [
        pa.field("document", pa.int64(), nullable=False),
        pa.field("is_first", pa.bool_()),
        pa.field("first", pa.string()),
        pa.field("documents", pa.int64()),
    ]
)


def find_repeats(high: U64, low: U64, documents: I64) -> tuple[I64, I32]:
    """For each of N passages in corpus order: the first of the same 128 bits, and how many documents hold it.

    ``documents``: (N,) number of the passage's document, never falling among equal passages. Returns (N,) each; the first is -1
    for a passage that comes once. Equal in the upper 64 bits alone is not equal.
    """
    order = np.argsort(high, kind="stable").astype(np.int64)
    first, spread = np.full(len(high), -1, np.int64), np.ones(len(high), np.int32)
    _group(order, high, low, documents, first, spread, np.empty(len(high), np.int64))
    return first, spread


@kernel
def _group(order: Any, high: Any, low: Any, documents: Any, first: Any, spread: Any, recent: Any) -> None:
    """Walk each run of equal upper halves in corpus order. ``leaders``: the first passage of each lower half.

    ``recent`` of a leader: its last passage so far, to count documents by. As good as always a run has one leader.
    """
    begin, size = 0, len(order)
    leaders = np.empty(size, np.int64)
    while begin < size:
        end, used = begin, 0
        while end < size and high[order[end]] == high[order[begin]]:
            i, at = order[end], 0
            while at < used and low[leaders[at]] != low[i]:
                at += 1
            if at == used:
                leaders[used], recent[i], used = i, i, used + 1
            else:
                leader = leaders[at]
                first[leader], first[i] = leader, leader
                spread[leader] += documents[recent[leader]] != documents[i]
                recent[leader] = i
            end += 1
        for place in range(begin, end):
            i = order[place]
            if first[i] >= 0:
                spread[i] = spread[first[i]]
        begin = end
