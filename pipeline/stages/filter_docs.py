"""Keeps the documents whose scores lie within the bounds of params.yaml; reads the ledger, not the text."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator

from pipeline.engine import ShardResult, map_shards
from pipeline.errors import ParamsError
from pipeline.filters import FILTERS, SCORES
from pipeline.filters.bounds import Bounds
from pipeline.params import Params
from pipeline.schema import DOCS, DROPPED
from pipeline.tables import check_conservation, dropped_rows, num_rows, read_shards
from pipeline.text.lines import keep_lines


class FilterDocsParams(Params):
    """The bounds of each filter; a filter without bounds drops nothing."""

    bounds: dict[str, Bounds]

    @field_validator("bounds")
    @classmethod
    def _known(cls, bounds: dict[str, Bounds]) -> dict[str, Bounds]:
        if unknown := sorted(set(bounds) - set(FILTERS)):
            raise ValueError(f"no filter named {', '.join(unknown)}; there are {', '.join(FILTERS)}")
        return bounds


def filter_docs(docs: Path, scores: Path, out: Path, dropped: Path, *, params: FilterDocsParams) -> dict[str, float]:
    """Write the DOCS of ``docs`` whose ``scores`` lie within all bounds to ``out``, a DROPPED row for each other to ``dropped``.

    A document's reason is the first filter, in the order of FILTERS, whose bounds it misses.
    """
    _check_scored(scores, params)
    counts = map_shards(partial(filter_shard, params=params), {docs: DOCS, scores: SCORES}, {out: DOCS, dropped: DROPPED})
    return {**check_conservation(docs, out, dropped), **counts}


def _check_scored(scores: Path, params: FilterDocsParams) -> None:
    """Raise ParamsError for a bound on a filter that has scored no document: it would keep everything and look like a filter."""
    unseen = [name for name in FILTERS if name in params.bounds]
    for shard in read_shards(scores, SCORES, unseen) if unseen else ():
        unseen = [name for name in unseen if shard[name].null_count == len(shard)]
        if not unseen:
            return
    if unseen and num_rows(scores):
        raise ParamsError(
            f"params.yaml: filter_docs.bounds.{unseen[0]}: {scores} holds no score of this filter: it would drop nothing; "
            "remove the bound, or let score_docs give one: name it in score_docs.filters, choose score_docs.c4_lines for "
            "the rules of C4's lines, put a word list or model into data/quality (its README says which)"
        )


def filter_shard(table: pa.Table, scores: pa.Table, *, params: FilterDocsParams) -> ShardResult:
    """Split one shard into the documents that are kept, their language filled in, and the account of the others."""
    kept = np.ones(len(table), np.bool_)
    losses = [DROPPED.empty_table()]
    for name in FILTERS:
        if (bounds := params.bounds.get(name)) is None:
            continue
        lost = kept & ~bounds.hold(scores[name])
        kept &= ~lost
        columns = {"low": bounds.low, "high": bounds.high}
        given = {key: pa.array([value] * int(lost.sum()), pa.float64()) for key, value in columns.items()}
        losses.append(dropped_rows(table.filter(lost), "filter_docs", name, score=scores[name].filter(lost), **given))
    docs = table.set_column(table.column_names.index("lang"), DOCS.field("lang"), scores["lang"]).filter(pa.array(kept))
    for rule in pc.unique(scores["c4_lines"]).to_pylist():  # one: it is a param of score_docs
        docs = docs.set_column(docs.column_names.index("text"), DOCS.field("text"), keep_lines(docs["text"], rule))
    languages = {f"lang/{row['values']}": row["counts"] for row in pc.value_counts(docs["lang"]).to_pylist()}
    return (docs, pa.concat_tables(losses)), Counter(languages)
