"""95 % bootstrap intervals over documents or examples: the percentile method (Efron & Tibshirani 1993, §13.3), seeded.

The documents are what was sampled, so they are what is resampled: tokens of one document are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.evaluation.metrics import Floats, Metric

QUANTILES = (0.025, 0.975)


@dataclass(frozen=True)
class Estimate:
    """A figure, the bounds of its interval (None: no interval), and how many documents or examples are behind it."""

    value: float
    low: float | None
    high: float | None
    count: int


def mean(values: Floats, *, resamples: int, seed: int) -> Estimate:
    """The mean of one value per example."""
    return ratio(values, np.ones_like(values), resamples=resamples, seed=seed)


def ratio(numerators: Floats, denominators: Floats, *, resamples: int, seed: int) -> Estimate:
    """Σ numerators / Σ denominators over documents, both resampled together.

    Two ratios with the same seed and number of documents resample the same documents, so their differences are paired.
    """
    drawn = _resample(len(numerators), resamples, seed)
    counts = np.stack([np.bincount(rows, minlength=len(numerators)) for rows in drawn]).astype(np.float64)
    low, high = np.quantile((counts @ numerators) / (counts @ denominators), QUANTILES)
    return Estimate(float(numerators.sum() / denominators.sum()), float(low), float(high), len(numerators))


def estimate(metric: Metric, targets: Sequence[str], predictions: Sequence[str], *, resamples: int, seed: int) -> Estimate:
    """A task metric with its interval; one that is no mean of examples is computed again for every resample."""
    result = metric(targets, predictions)
    if isinstance(result, np.ndarray):
        return mean(result, resamples=resamples, seed=seed)
    true, said = np.asarray(targets), np.asarray(predictions)
    drawn = _resample(len(true), resamples, seed)
    values = np.array([float(metric(true[rows].tolist(), said[rows].tolist())) for rows in drawn])
    low, high = np.quantile(values, QUANTILES)
    return Estimate(result, float(low), float(high), len(true))


def exact(value: float, count: int = 1) -> Estimate:
    """A figure that has no interval, such as a size."""
    return Estimate(value, None, None, count)


def _resample(size: int, resamples: int, seed: int) -> npt.NDArray[np.int64]:
    """Row numbers drawn with replacement, of shape (resamples, size)."""
    return np.random.default_rng(seed).integers(0, size, (resamples, size))
