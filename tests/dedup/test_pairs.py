"""Documents of one hash meet, whatever the numbers; pairs stay few where many share one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup import pairs
from pipeline.dedup.pairs import NEIGHBOURS, NONE, find_first, find_pairs

# Few values, some that agree in all bits but the lowest, which a sort key has no room for.
hashes = st.lists(st.sampled_from([0, 1, 2, 1 << 63, (1 << 63) + 1, int(NONE) - 1, int(NONE)]), max_size=40)


def found(values: list[int]) -> list[tuple[int, int]]:
    parts = list(find_pairs(np.array(values, np.uint64)))
    assert all((np.diff(part) > 0).all() for part in parts)
    return [(int(pair) >> 32, int(pair) & 0xFFFFFFFF) for part in parts for pair in part]


def slow_pairs(values: list[int]) -> set[tuple[int, int]]:
    """The best document and the last few before, of those with the same hash."""
    out = set()
    for document, value in enumerate(values):
        same = [other for other in range(document) if values[other] == value != int(NONE)]
        out |= {(document, other) for other in same[:1] + same[1:][-NEIGHBOURS:]}
    return out


@given(hashes)
@settings(deadline=None)
def test_equals_the_slow_twin(values: list[int]) -> None:
    result = found(values)
    assert len(result) == len(set(result))
    assert set(result) == slow_pairs(values)


def test_chunks_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [1, 2, 1, 1, 2, 3, 1, 2, 1, 1, 2] * 5
    monkeypatch.setattr(pairs, "PAIRS_AT_A_TIME", NEIGHBOURS + 2)
    assert set(found(values)) == slow_pairs(values)


def test_a_million_of_one_hash_make_few_pairs() -> None:
    size = 1_000_000
    total = sum(len(part) for part in find_pairs(np.full(size, 7, np.uint64)))
    assert total < (NEIGHBOURS + 1) * size


@given(hashes, st.integers(0, 3))
@settings(deadline=None)
def test_first_of_the_same_128_bits(values: list[int], modulus: int) -> None:
    low = np.arange(len(values), dtype=np.uint64) % np.uint64(modulus + 1)
    first = find_first(np.array(values, np.uint64), low)
    for document, value in enumerate(values):
        same = [other for other in range(document + 1) if values[other] == value and low[other] == low[document]]
        assert first[document] == (document if value == int(NONE) else same[0])
