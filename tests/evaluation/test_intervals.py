"""Bootstrap intervals: seeded, paired, and as wide as theory says."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.evaluation.intervals import Estimate, estimate, exact, mean, ratio
from pipeline.evaluation.metrics import accuracy, f1

BOOT = {"resamples": 2000, "seed": 7}


def test_a_mean_has_the_width_of_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(5, 2, 400)
    got = mean(values, **BOOT)
    assert got.value == pytest.approx(values.mean())
    assert got.count == 400
    error = values.std() / np.sqrt(400)
    assert got.low == pytest.approx(got.value - 1.96 * error, abs=0.2 * error)
    assert got.high == pytest.approx(got.value + 1.96 * error, abs=0.2 * error)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.arange(20.0)
    assert mean(values, **BOOT) == mean(values, **BOOT)
    assert mean(values, **BOOT) != mean(values, resamples=2000, seed=8)


def test_a_ratio_is_of_sums_not_of_documents() -> None:
    got = ratio(np.array([1.0, 30.0]), np.array([1.0, 10.0]), **BOOT)
    assert got.value == pytest.approx(31 / 11)
    assert (got.low, got.high) == (1.0, 3.0)


def test_a_paired_difference_is_narrower_than_its_parts() -> None:
    rng = np.random.default_rng(1)
    size = rng.uniform(100, 200, 50)
    hard = rng.uniform(1, 3, 50) * size  # documents differ much more than the models do
    easy = hard - 0.01 * size
    pair = ratio(hard - easy, size, **BOOT)
    alone = ratio(hard, size, **BOOT)
    assert 0 < pair.low <= pair.high < 0.02
    assert alone.high - alone.low > 0.1


def test_estimate_takes_means_and_macro_averages() -> None:
    targets, said = ["a", "b"] * 30, ["a", "a"] * 30
    share = estimate(accuracy, targets, said, resamples=200, seed=1)
    assert share == mean(accuracy(targets, said), resamples=200, seed=1)
    macro = estimate(f1, targets, said, resamples=200, seed=1)
    assert macro.value == pytest.approx(1 / 3)
    assert macro.low < macro.value < macro.high


def test_a_size_has_no_interval() -> None:
    assert exact(12) == Estimate(12, None, None, 1)
