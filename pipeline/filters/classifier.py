"""A linear classifier of documents: the probability of a label, from hashed n-grams of words and characters.

Logistic regression over the counts of ``pipeline.text.features``, divided by the square root of their number, which for n-grams
that mostly come once is their Euclidean length. The evidence of a long text therefore weighs more than that of a short one: train
on texts about as long as those that are to be scored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.text.features import Features, buckets, weighted_sums
from pipeline.text.hashing import Words


@dataclass(frozen=True)
class Classifier:
    """Weights (2**features.bits,) and bias of a trained classifier."""

    features: Features
    weights: npt.NDArray[np.float32]
    bias: float


def probability(text: pa.LargeStringArray | pa.ChunkedArray, words: Words, classifier: Classifier) -> pa.DoubleArray:
    """Probability of the label for each text, 0 to 1; that of no evidence for an empty one. ``words``: of ``hash_words``."""
    sums, counts = weighted_sums(text, words, classifier.features, classifier.weights)
    evidence = sums / np.sqrt(np.maximum(counts, 1)) + classifier.bias
    return pa.array(1 / (1 + np.exp(-np.clip(evidence, -700, 700))))


def counts_of(
    text: pa.LargeStringArray, words: Words, features: Features
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Values, columns and row bounds of the matrix (texts, 2**bits) that a classifier is trained on, in CSR order."""
    found, bounds = buckets(text, words, features)
    sizes = np.diff(bounds)
    return np.repeat(1 / np.sqrt(np.maximum(sizes, 1)), sizes).astype(np.float32), found, bounds
