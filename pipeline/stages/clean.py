"""Cleans each document's text and redacts personal data."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine import ShardResult, map_shards
from pipeline.params import Params
from pipeline.schema import DOCS, DROPPED
from pipeline.tables import check_conservation, dropped_rows
from pipeline.text.normalize import normalize
from pipeline.text.pii import redact
from pipeline.text.pii_patterns import Kind


class CleanParams(Params):
    """What is redacted; everything else about cleaning is fixed."""

    redact: tuple[Kind, ...]


def clean(docs: Path, out: Path, dropped: Path, *, params: CleanParams) -> dict[str, float]:
    """Write the DOCS of ``docs`` repaired, normalised and redacted to ``out``, a DROPPED row for each that ends up empty."""
    counts = map_shards(partial(clean_shard, params=params), {docs: DOCS}, {out: DOCS, dropped: DROPPED})
    return {**check_conservation(docs, out, dropped), **counts}


def clean_shard(table: pa.Table, *, params: CleanParams) -> ShardResult:
    """Clean one shard; counts documents changed, repaired and redactions by kind."""
    table = table.combine_chunks()
    texts, repaired = normalize(table["text"])
    texts, found = redact(texts, params.redact)
    cleaned = table.set_column(table.column_names.index("text"), DOCS.field("text"), texts)
    changed = table.num_rows - int(pc.sum(pc.equal(cleaned["text"], table["text"])).as_py() or 0)
    counts = Counter({"repaired": int(repaired.sum()), "changed": changed})
    counts.update({f"redacted/{kind}": number for kind, number in found.items()})
    is_empty = pc.equal(pc.binary_length(cleaned["text"]), 0)
    counts["bytes_in"], counts["bytes_out"] = (int(pc.sum(pc.binary_length(t["text"])).as_py() or 0) for t in (table, cleaned))
    return (cleaned.filter(pc.invert(is_empty)), dropped_rows(table.filter(is_empty), "clean", "empty")), counts
