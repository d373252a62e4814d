"""Keeps the documents whose scores lie within the bounds of params.yaml."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import field_validator, model_validator
from resiliparse.parse.lang import supported_langs

from pipeline.bias.lexicons import IDENTITY_TERMS
from pipeline.engine import ShardResult, map_shards
from pipeline.filters import FILTERS
from pipeline.filters.batch import Batch
from pipeline.filters.language import detect
from pipeline.params import Params
from pipeline.schema import DOCS, DROPPED
from pipeline.tables import check_conservation, dropped_rows


class Bounds(Params):
    """A document is kept when low <= score <= high; a bound that is left out does not bind."""

    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Bounds:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}: no score lies between")
        return self

    def hold(self, scores: pa.DoubleArray) -> npt.NDArray[np.bool_]:
        """Which scores lie within; one that is no number does not."""
        values = np.asarray(scores)
        low, high = (-np.inf if self.low is None else self.low), (np.inf if self.high is None else self.high)
        return (low <= values) & (values <= high)


class FilterDocsParams(Params):
    """What a word is, the wanted languages (empty: all), and the bounds of each filter; a filter without bounds drops nothing."""

    words: Literal["unicode", "whitespace"] = "unicode"
    languages: tuple[str, ...] = ()
    bounds: dict[str, Bounds]

    @field_validator("bounds")
    @classmethod
    def _known(cls, bounds: dict[str, Bounds]) -> dict[str, Bounds]:
        if unknown := sorted(set(bounds) - set(FILTERS)):
            raise ValueError(f"no filter named {', '.join(unknown)}; there are {', '.join(FILTERS)}")
        return bounds

    @field_validator("languages")
    @classmethod
    def _profiled(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(languages) - set(supported_langs())):
            raise ValueError(f"cannot detect {', '.join(unknown)}; can: {', '.join(supported_langs())}")
        return languages


def filter_docs(docs: Path, out: Path, dropped: Path, *, params: FilterDocsParams) -> dict[str, float]:
    """Write the DOCS of ``docs`` that every filter keeps to ``out`` and a DROPPED row for each other to ``dropped``.

    A document's reason is the first filter, in the order of FILTERS, whose bounds it misses.
    """
    counts = map_shards(partial(filter_shard, params=params), {docs: DOCS}, {out: DOCS, dropped: DROPPED})
    return {**check_conservation(docs, out, dropped), **counts}


def filter_shard(table: pa.Table, *, params: FilterDocsParams) -> ShardResult:
    """Split one shard into the documents that are kept, their language filled in, and the account of the others."""
    batch = Batch(table["text"].combine_chunks(), params.words, params.languages, frozenset().union(*IDENTITY_TERMS.values()))
    kept = np.ones(len(table), np.bool_)
    losses = [DROPPED.empty_table()]
    for name, score in FILTERS.items():
        if (bounds := params.bounds.get(name)) is None:
            continue
        scores = score(batch)
        lost = kept & ~bounds.hold(scores)
        kept &= ~lost
        columns = {"low": bounds.low, "high": bounds.high}
        given = {key: pa.array([value] * int(lost.sum()), pa.float64()) for key, value in columns.items()}
        losses.append(dropped_rows(table.filter(lost), "filter_docs", name, score=scores.filter(lost), **given))
    docs = _with_language(table, params).filter(kept)
    languages = Counter(f"lang/{code}" for code in docs["lang"].to_pylist())
    return (docs, pa.concat_tables(losses)), languages


def _with_language(table: pa.Table, params: FilterDocsParams) -> pa.Table:
    """The documents with ``lang`` detected; within the bounds of the language filter it is a wanted one."""
    bounds = params.bounds.get("language", Bounds())
    found = detect(table["text"], params.languages, low=1.0 if bounds.low is None else bounds.low)
    codes = pa.array([code for code, _ in found], pa.string())
    return table.set_column(table.column_names.index("lang"), DOCS.field("lang"), codes)
