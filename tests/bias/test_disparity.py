"""Differences of removal rates: values from the literature, exact twins, and coverage of the intervals on simulated filters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, fisher_exact

from pipeline.bias.disparity import (
    LENGTH_CLASSES,
    adjusted,
    cochran_mantel_haenszel,
    effect,
    mantel_haenszel,
    newcombe,
    tally,
    wilson,
)


def test_intervals_of_newcombes_paper() -> None:
    """Newcombe 1998, table II, method 10: 56/70 - 48/80, 9/10 - 3/10, 5/56 - 0/29, 0/10 - 0/10."""
    cases = {(56, 70, 48, 80): (0.0524, 0.3339), (9, 10, 3, 10): (0.1705, 0.8090), (5, 56, 0, 29): (-0.0381, 0.1926)}
    for counts, expected in cases.items():
        assert newcombe(*counts) == pytest.approx(expected, abs=5e-5)
    assert newcombe(0, 10, 0, 10) == pytest.approx((-0.2775, 0.2775), abs=5e-5)
    assert newcombe(0, 0, 3, 5) == (-1.0, 1.0)


def test_wilson_interval_of_a_known_case() -> None:
    assert wilson(81, 263) == pytest.approx(
        (0.2553, 0.3662), abs=5e-5
    )  # Newcombe 1998, "Two-sided confidence intervals", table I
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_tally_counts_what_loops_count() -> None:
    generator = np.random.default_rng(3)
    about, dropped = generator.random((300, 4)) < 0.3, generator.random((300, 3)) < 0.2
    num_bytes = generator.integers(0, 5000, 300)
    counts = tally(about[:120], dropped[:120], num_bytes[:120]) + tally(about[120:], dropped[120:], num_bytes[120:])
    assert counts.docs.sum() == 300
    for k in range(4):
        for f in range(3):
            found = effect(counts, k, f)
            a, b = int((about[:, k] & dropped[:, f]).sum()), int((~about[:, k] & dropped[:, f]).sum())
            inside = int(about[:, k].sum())
            assert (found.inside, found.inside_dropped, found.outside, found.outside_dropped) == (inside, a, 300 - inside, b)
            assert found.difference == pytest.approx(a / inside - b / (300 - inside))
            assert found.share_after == pytest.approx((inside - a) / (300 - a - b))
            assert found.p == fisher_exact([[a, inside - a], [b, 300 - inside - b]]).pvalue
    lengths = [int(size).bit_length() - 1 if size else 0 for size in num_bytes]
    assert np.bincount(lengths, minlength=LENGTH_CLASSES).tolist() == counts.docs.tolist()


def test_an_empty_group_and_a_filter_that_takes_all() -> None:
    about, dropped = np.zeros((5, 1), np.bool_), np.ones((5, 1), np.bool_)
    found = effect(tally(about, dropped, np.ones(5, np.int64)), 0, 0)
    assert (found.inside, found.difference, found.low, found.high, found.share_after) == (0, -1.0, -1.0, 1.0, 0.0)
    assert found.p == 1.0


def test_length_alone_is_no_disparity_at_equal_length() -> None:
    """A filter of short documents spares a group of long ones: the plain difference shows it, that at equal length does not."""
    generator = np.random.default_rng(0)
    length = generator.integers(5, 13, 20_000)
    about = generator.random(20_000) < length / 20
    dropped = generator.random(20_000) < 0.6 - 0.04 * length
    found = effect(tally(about[:, None], dropped[:, None], 2 ** length.astype(np.int64)), 0, 0)
    assert found.high < -0.01
    assert found.at_equal_length_low < 0 < found.at_equal_length_high
    biased = generator.random(20_000) < 0.6 - 0.04 * length + 0.1 * about
    found = effect(tally(about[:, None], biased[:, None], 2 ** length.astype(np.int64)), 0, 0)
    assert found.at_equal_length == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("true", [0.0, 0.05])
def test_intervals_hold_what_they_promise(true: float) -> None:
    generator, hits, adjusted_hits = np.random.default_rng(1), 0, 0
    for _ in range(1000):
        inside, outside = np.array([40.0, 15, 25]), np.array([300.0, 200, 90])
        rates = np.array([0.05, 0.2, 0.4])
        a, b = generator.binomial(inside.astype(int), rates + true), generator.binomial(outside.astype(int), rates)
        difference, error = mantel_haenszel(a.astype(float), inside, b.astype(float), outside)
        adjusted_hits += abs(difference - true) <= 1.96 * error
        low, high = newcombe(generator.binomial(80, 0.1 + true), 80, generator.binomial(590, 0.1), 590)
        hits += low <= true <= high
    assert hits > 930
    assert adjusted_hits > 920


def test_one_class_gives_the_plain_difference() -> None:
    difference, error = mantel_haenszel(np.array([8.0]), np.array([40.0]), np.array([30.0]), np.array([300.0]))
    assert difference == pytest.approx(0.1)
    assert error == pytest.approx(np.sqrt(0.2 * 0.8 / 40 + 0.1 * 0.9 / 300), rel=0.02)
    assert mantel_haenszel(np.array([1.0]), np.array([2.0]), np.array([0.0]), np.array([0.0])) == (0.0, 0.0)


def test_the_adjustment_is_benjamini_and_hochbergs() -> None:
    assert adjusted([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert adjusted([]) == []


def test_the_test_over_classes_of_a_textbook() -> None:
    """One class is the 2 x 2 chi-square with correction, times (n - 1) / n; without removals there is nothing to test."""
    a, inside, b, outside = (np.array([value]) for value in (8.0, 40.0, 30.0, 300.0))
    table = np.array([[8, 32], [30, 270]])
    expected = np.outer(table.sum(1), table.sum(0)) / 340
    statistic = (np.abs(table[0, 0] - expected[0, 0]) - 0.5) ** 2 * 340**2 * 339 / (40 * 300 * 38 * 302) / 1
    assert cochran_mantel_haenszel(a, inside, b, outside) == pytest.approx(chi2.sf(statistic, 1))
    assert cochran_mantel_haenszel(np.zeros(1), inside, np.zeros(1), outside) == 1.0
    few = cochran_mantel_haenszel(np.array([0.0]), np.array([30.0]), np.array([20.0]), np.array([1000.0]))
    assert few > 0.5  # none of 0.6 expected is no finding
