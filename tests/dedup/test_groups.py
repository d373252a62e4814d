"""Who goes and who stays, on sets small enough to see."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup.groups import Groups, Shingles, jaccard, leaders, start_groups, visit
from pipeline.dedup.pairs import NONE, find_pairs


def run(sets: list[set[int]], *, similar: float = 0.5, related: float = 0.3, bands: np.ndarray | None = None) -> Groups:
    """Group sets of numbers given in order of rank, by default all in one bucket."""
    bands = np.zeros((len(sets), 1), np.uint64) if bands is None else bands
    values = np.concatenate([np.zeros(0, np.uint64), *(np.array(sorted(s), np.uint64) for s in sets)])
    bounds = np.cumsum([0, *map(len, sets)])
    found = [pairs for band in bands.T for pairs in find_pairs(np.ascontiguousarray(band))]
    groups = start_groups(len(sets))
    pairs = np.unique(np.concatenate([np.zeros(0, np.uint64), *found]))
    visit(
        groups,
        pairs,
        Shingles(values, bounds[:-1], np.diff(bounds).astype(np.uint32)),
        similar=np.full(len(sets), similar),
        related=related,
    )
    return groups


def slow_jaccard(one: set[int], other: set[int]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0


@given(st.sets(st.integers(0, 20)), st.sets(st.integers(0, 20)))
@settings(deadline=None)
def test_jaccard(one: set[int], other: set[int]) -> None:
    arrays = [np.array(sorted(s), np.uint64) for s in (one, other)]
    assert jaccard(*arrays) == slow_jaccard(one, other)


def test_a_chain_of_resemblances_is_not_swallowed() -> None:
    chain = [set(range(i, i + 10)) for i in range(0, 20, 2)]  # neighbours 8/12 alike, the next but one 6/14
    result = run(chain)
    assert result.kept_by.tolist() == [0, 0, 2, 2, 4, 4, 6, 6, 8, 8]
    assert set(leaders(result).tolist()) == {0}, "relatives of relatives stay on one side of a split"


def test_a_document_goes_to_the_most_similar_kept_one() -> None:
    result = run([set(range(10)), set(range(4, 14)), set(range(3, 13))], similar=0.6)
    assert result.kept_by.tolist() == [0, 1, 1]
    assert result.similarity.tolist() == [1, 1, 9 / 11]


def test_equal_to_the_bound_stays() -> None:
    assert run([{1, 2, 3}, {2, 3, 4}], similar=0.5).kept_by.tolist() == [0, 1]
    assert run([{1, 2, 3}, {2, 3, 4}], similar=0.49).kept_by.tolist() == [0, 0]


def test_related_documents_are_kept_but_grouped() -> None:
    result = run([set(range(10)), set(range(5, 15)), set(range(50, 60))])
    assert result.kept_by.tolist() == [0, 1, 2]
    assert leaders(result).tolist() == [0, 0, 2]


def test_a_removed_document_introduces_its_representative() -> None:
    # 2 shares a bucket with 1 only; 1 went for 0, with which 2 is compared and found alike
    bands = np.array([[1, 5], [1, 6], [9, 6]], np.uint64)
    assert run([set(range(10)), set(range(1, 10)), set(range(2, 10))], bands=bands).kept_by.tolist() == [0, 0, 0]


def test_documents_that_share_no_band_are_not_compared() -> None:
    bands = np.array([[1], [2], [NONE], [NONE]], np.uint64)
    assert run([{1}, {1}, {1}, {1}], bands=bands).kept_by.tolist() == [0, 1, 2, 3]


@given(st.lists(st.sets(st.integers(0, 12), min_size=1, max_size=8), min_size=1, max_size=14))
@settings(deadline=None)
def test_every_removed_document_names_a_kept_one_more_similar_than_the_bound(sets: list[set[int]]) -> None:
    result = run(sets)
    for document, keeper in enumerate(result.kept_by.tolist()):
        assert result.kept_by[keeper] == keeper <= document
        if keeper != document:
            assert result.similarity[document] == slow_jaccard(sets[document], sets[keeper]) > 0.5
            assert leaders(result)[document] == leaders(result)[keeper]


def test_without_shingles_the_best_that_shares_a_band_stays() -> None:
    groups = start_groups(3)
    visit(groups, np.array([1 << 32, 2 << 32 | 1], np.uint64), None, similar=np.full(3, 0.9), related=0.3)
    assert groups.kept_by.tolist() == [0, 0, 0]
    assert leaders(groups).tolist() == [0, 0, 0]


def test_each_document_has_a_bound_of_its_own() -> None:
    sets = [set(range(10)), set(range(9)), set(range(1, 10))]
    groups, values = start_groups(3), np.concatenate([sorted(s) for s in sets]).astype(np.uint64)
    lists = Shingles(values, np.array([0, 10, 19]), np.array([10, 9, 9], np.uint32))
    visit(groups, np.array([1 << 32, 2 << 32], np.uint64), lists, similar=np.array([0.5, 0.95, 0.5]), related=0.3)
    assert groups.kept_by.tolist() == [0, 1, 0]
