"""Filters: each gives one score per text. Bounds live in params.yaml; kept means low <= score <= high."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from pipeline.filters import gopher, language, lexicon
from pipeline.filters.batch import Batch

# Name to score, in the order in which they are asked: of several that a document fails, the first is its reason.
FILTERS: dict[str, Callable[[Batch], pa.DoubleArray]] = {
    "language": language.score,
    **gopher.SCORES,
    "identity_rate": lexicon.identity_rate,
    "toxicity": lexicon.toxicity,
}
