"""Scores by models of the user's own; null where the user has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.filters import perplexity
from pipeline.filters.classifier import Classifier, probability

if TYPE_CHECKING:
    from pipeline.filters.batch import Batch


def toxicity_probability(batch: Batch) -> pa.DoubleArray:
    """Probability that a text is toxic, by the user's classifier, 0 to 1."""
    return _probability(batch, batch.toxicity_classifier)


def quality_probability(batch: Batch) -> pa.DoubleArray:
    """Probability of the label that the user's quality classifier learned, 0 to 1."""
    return _probability(batch, batch.quality_classifier)


def bits_per_byte(batch: Batch) -> pa.DoubleArray:
    """Bits per byte under the user's n-gram model; null for an empty text too."""
    if batch.reference is None:
        return pa.nulls(len(batch.text), pa.float64())
    return perplexity.bits_per_byte(batch.text, batch.reference)


def _probability(batch: Batch, classifier: Classifier | None) -> pa.DoubleArray:
    if classifier is None:
        return pa.nulls(len(batch.text), pa.float64())
    return probability(batch.text, batch.hashed, classifier)
