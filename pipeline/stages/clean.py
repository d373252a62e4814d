"""Cleans each document's text and redacts personal data."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from pipeline.engine import ShardResult, map_shards
from pipeline.params import Params
from pipeline.schema import DOCS, DROPPED
from pipeline.tables import check_conservation, dropped_rows
from pipeline.text.normalize import normalize
from pipeline.text.pii import redact
from pipeline.text.pii_patterns import Kind
from pipeline.text.pii_presidio import redact_more


class PresidioParams(Params):
    """What presidio looks for in documents that hold candidates, behind the patterns: see `pipeline.text.pii_presidio`."""

    entities: tuple[str, ...] = Field(min_length=1)
    min_score: float = Field(ge=0, le=1)
    model: str | None


class CleanParams(Params):
    """What is redacted; everything else about cleaning is fixed."""

    redact: tuple[Kind, ...]
    presidio: Literal[False] | PresidioParams


def clean(docs: Path, out: Path, dropped: Path, *, params: CleanParams) -> dict[str, float]:
    """Write the DOCS of ``docs`` repaired, normalised and redacted to ``out``, a DROPPED row for each that ends up empty."""
    # The second look is Python through and through; the rest is kernels, which threads share.
    is_python = params.presidio is not False
    function = partial(clean_shard, params=params)
    counts = map_shards(function, {docs: DOCS}, {out: DOCS, dropped: DROPPED}, python=is_python)
    return {**check_conservation(docs, out, dropped), **counts}


def clean_shard(table: pa.Table, *, params: CleanParams) -> ShardResult:
    """Clean one shard; counts documents changed, repaired and redactions by kind."""
    table = table.combine_chunks()
    texts, repaired = normalize(table["text"])
    texts, found = redact(texts, params.redact)
    counts = Counter({f"redacted/{kind}": number for kind, number in found.items()})
    if presidio := params.presidio:
        texts, more = redact_more(texts, presidio.entities, min_score=presidio.min_score, model=presidio.model)
        counts.update({f"redacted/presidio/{entity}": number for entity, number in more.items()})
    cleaned = table.set_column(table.column_names.index("text"), DOCS.field("text"), texts)
    changed = table.num_rows - int(pc.sum(pc.equal(cleaned["text"], table["text"])).as_py() or 0)
    counts.update({"repaired": int(repaired.sum()), "changed": changed})
    is_empty = pc.equal(pc.binary_length(cleaned["text"]), 0)
    counts["bytes_in"], counts["bytes_out"] = (int(pc.sum(pc.binary_length(t["text"])).as_py() or 0) for t in (table, cleaned))
    return (cleaned.filter(pc.invert(is_empty)), dropped_rows(table.filter(is_empty), "clean", "empty")), counts
