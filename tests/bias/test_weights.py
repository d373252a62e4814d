"""Weights keep their bounds and mean, and even out what the bounds let them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.bias.weights import domain_weights, effective_size, rake, scale_to_mean_one


def corpus(*rows: tuple[int, list[int]]) -> np.ndarray:
    """(D, 4) presence: so many documents with these groups."""
    out = np.zeros((sum(count for count, _ in rows), 4), np.bool_)
    first = 0
    for count, groups in rows:
        out[first : first + count, groups] = True
        first += count
    return out


def test_groups_become_equal_where_the_bounds_allow() -> None:
    present = corpus((30, [0]), (60, [1]), (10, [0, 1]), (200, []))
    weights = rake(present, [np.array([0, 1])], np.ones(300), low=0.5, high=2)
    counts = weights @ present[:, :2]
    assert counts[0] == pytest.approx(counts[1], rel=1e-3)
    assert weights.mean() == pytest.approx(1)


def test_two_axes_become_equal_together() -> None:
    present = corpus((40, [0, 2]), (20, [0, 3]), (15, [1, 2]), (30, [1, 3]), (100, []))
    weights = rake(present, [np.array([0, 1]), np.array([2, 3])], np.ones(205), low=0.25, high=4)
    counts = weights @ present
    assert counts[0] == pytest.approx(counts[1], rel=1e-3)
    assert counts[2] == pytest.approx(counts[3], rel=1e-3)


def test_bounds_hold_where_equality_is_out_of_reach() -> None:
    present = corpus((5, [0]), (500, [1]), (100, []))
    weights = rake(present, [np.array([0, 1])], np.ones(605), low=0.5, high=2)
    assert weights.min() >= 0.5
    assert weights.max() == pytest.approx(2)
    before, after = present[:, :2].sum(axis=0), weights @ present[:, :2]
    assert after[1] / after[0] < before[1] / before[0]


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=30), st.floats(0.1, 1), st.floats(1, 8))
@settings(deadline=None)
def test_scaling_keeps_mean_and_bounds(start: list[float], low: float, high: float) -> None:
    weights = scale_to_mean_one(np.array(start), low, high)
    assert weights.mean() == pytest.approx(1, abs=1e-9)
    assert weights.min() >= low
    assert weights.max() <= high


def test_temperature_moves_domains_from_natural_to_equal() -> None:
    domain, amount = np.array([0] * 9 + [1]), np.ones(10)
    assert domain_weights(domain, amount, temperature=1, mixture={}) == pytest.approx(np.ones(10))
    assert domain_weights(domain, amount, temperature=0, mixture={})[[0, 9]] == pytest.approx([0.5 / 0.9, 5])
    half = domain_weights(domain, amount, temperature=0.5, mixture={})
    assert half[[0, 9]] == pytest.approx([0.75 / 0.9, 0.25 / 0.1])


def test_a_mixture_gives_named_domains_their_share() -> None:
    domain, amount = np.array([0, 1, 2]), np.array([60.0, 30.0, 10.0])
    weights = domain_weights(domain, amount, temperature=1, mixture={2: 0.4})
    assert weights * amount / amount.sum() == pytest.approx([0.4, 0.2, 0.4])


def test_effective_size() -> None:
    assert effective_size(np.ones(7)) == 7
    assert effective_size(np.array([3.0, 1.0])) == 1.6
