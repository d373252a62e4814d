"""Repeats against a dictionary."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup.repeats import find_repeats

KEYS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 1)), max_size=40)


def slow(keys: list[tuple[int, int]], documents: list[int]) -> tuple[list[int], list[int]]:
    first = [keys.index(key) if keys.count(key) > 1 else -1 for key in keys]
    spread = [len({d for k, d in zip(keys, documents, strict=True) if k == key}) for key in keys]
    return first, spread


@settings(deadline=None)
@given(rows=KEYS)
def test_as_the_slow_one(rows: list[tuple[int, int, int]]) -> None:
    keys = [(high, low) for high, low, _ in rows]
    documents = np.cumsum([step for *_, step in rows], dtype=np.int64)
    high, low = (np.array([key[half] for key in keys], np.uint64) for half in (0, 1))
    first, spread = find_repeats(high, low, documents)
    assert (first.tolist(), spread.tolist()) == slow(keys, documents.tolist())


def test_a_million_of_one_kind_take_no_time_to_speak_of() -> None:
    first, spread = find_repeats(np.zeros(10**6, np.uint64), np.zeros(10**6, np.uint64), np.arange(10**6))
    assert (first == 0).all()
    assert (spread == 10**6).all()
