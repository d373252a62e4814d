"""Is a text in a wanted language? See ``pipeline.filters.lid`` for how well that is known."""

from __future__ import annotations

import pyarrow as pa

from pipeline.filters.batch import Batch


def score(batch: Batch) -> pa.DoubleArray:
    """Probability of the likeliest wanted language over that of the likeliest of all, 0 to 1; 1 when they are the same.

    With a lower bound of 0.5 and English wanted, 99.8 % of documents about code stay, all English texts of five sentences, and
    no such text in the 29 other languages.
    """
    return pa.array(batch.language.ratio)


def probability(batch: Batch) -> pa.DoubleArray:
    """Probability that the text is in a wanted language, 0 to 1: what web corpora bound (FineWeb keeps English from 0.65 on)."""
    return pa.array(batch.language.probability)
