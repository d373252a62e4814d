"""Arrow schemas of every table that passes between stages."""

from __future__ import annotations

import pyarrow as pa

# A document. ``id``: 32 hex digits of a hash of source and locator, stable across runs. ``locator``: where in the source.
# ``domain``: a package, an author, a site. ``lang``: ISO 639-1, null until known. ``meta``: a JSON object.
DOCS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("locator", pa.string(), nullable=False),
        pa.field("domain", pa.string(), nullable=False),
        pa.field("lang", pa.string()),
        pa.field("meta", pa.string(), nullable=False),
    ]
)

# A document that a stage removed, or input that could not be read (``rule`` = unreadable). Kept means low <= score <= high;
# a null bound is no bound. ``num_bytes``: UTF-8 bytes of the text that was lost. ``duplicate_of``: the id of the kept one.
DROPPED = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("score", pa.float64()),
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("duplicate_of", pa.string()),
        pa.field("num_bytes", pa.int64(), nullable=False),
        pa.field("meta", pa.string(), nullable=False),
    ]
)

# A part of a document that was cut from it: ``rule`` is paragraph, line, substring or contaminated, ``start`` and ``end`` are its
# bytes in the text before. ``first``: the document that keeps it, null if none does. ``documents``: how many held it.
CUTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("start", pa.int64(), nullable=False),
        pa.field("end", pa.int64(), nullable=False),
        pa.field("first", pa.string()),
        pa.field("documents", pa.int64()),
        pa.field("meta", pa.string(), nullable=False),
    ]
)

# The duplicate group of a document, kept or removed: members of one cluster never lie on two sides of a split.
CLUSTERS = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("cluster", pa.string(), nullable=False)])

# How often a training document is to be seen, 1.0 being once per epoch.
WEIGHTS = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("weight", pa.float64(), nullable=False)])

# Where a document's tokens lie: ``length`` tokens of ``shard`` from ``offset``, the first being the end-of-text token that opens
# every document. ``num_bytes``: UTF-8 bytes of its text. A document that is repeated (weight > 1) has one row per copy.
SEQUENCES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("shard", pa.string(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("length", pa.int64(), nullable=False),
        pa.field("num_bytes", pa.int64(), nullable=False),
    ]
)

# A fine-tuning example. ``label`` is null for generation tasks, ``target`` for classification.
EXAMPLES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("input", pa.large_string(), nullable=False),
        pa.field("target", pa.large_string()),
        pa.field("label", pa.string()),
    ]
)

# One figure. ``low`` and ``high``: the 95 % bootstrap interval, null where there is none. ``count``: documents or examples behind
# it. A baseline is a model of its own, named baseline:<what>.
RESULTS = pa.schema(
    [
        pa.field("model", pa.string(), nullable=False),
        pa.field("family", pa.string(), nullable=False),
        pa.field("task", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("count", pa.int64(), nullable=False),
    ]
)
