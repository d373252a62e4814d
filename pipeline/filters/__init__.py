"""Filters: each gives one score per text. Bounds live in params.yaml; kept means low <= score <= high."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from pipeline.filters import c4, fineweb, gopher, language, lexicon, models
from pipeline.filters.batch import Batch

# Name to score, in the order in which they are asked: of several that a document fails, the first is its reason. A null score
# means that the filter says nothing about the text.
FILTERS: dict[str, Callable[[Batch], pa.DoubleArray]] = {
    "language": language.score,
    "language_probability": language.probability,
    **gopher.SCORES,
    **c4.SCORES,
    **fineweb.SCORES,
    "identity_rate": lexicon.identity_rate,
    "toxicity": lexicon.toxicity,
    "toxic_terms": lexicon.toxic_terms,
    "toxicity_probability": models.toxicity_probability,
    "quality_probability": models.quality_probability,
    "bits_per_byte": models.bits_per_byte,
}

LANGUAGE_FILTERS = frozenset({"language", "language_probability"})  # without any of them no language is identified

# The ledger: the score of every filter for every document, sharded like the documents. ``lang``: see ``lid.Languages.code``.
# ``c4_lines``: the rule by which lines are taken out of the text if it is kept, and were before FineWeb's statistics were taken.
SCORES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("lang", pa.string()),
        pa.field("c4_lines", pa.string(), nullable=False),
        *(pa.field(name, pa.float64()) for name in FILTERS),
    ]
)
