"""Removes documents that repeat another: the same page, the same text but for white space, or nearly the same text."""

from __future__ import annotations

import shutil
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from pipeline import join, runtime
from pipeline.dedup.alarms import large_clusters, source_losses
from pipeline.dedup.duplicates import (
    FATES,
    SHINGLES,
    TO_COMPARE,
    TO_SIGN,
    WANTED,
    Outcome,
    conclude,
    select_shingles,
    sign,
    signature_schema,
)
from pipeline.dedup.groups import F64, Groups
from pipeline.engine import ShardResult, map_shards
from pipeline.errors import DuplicateAlarmError, EmptyCorpusError
from pipeline.params import Params
from pipeline.progress import say
from pipeline.schema import CLUSTERS, DOCS, DROPPED
from pipeline.tables import check_conservation, dropped_rows, num_rows


class DedupDocsParams(Params):
    """Section ``dedup_docs`` of params.yaml."""

    urls: bool = Field(default=True, description="keep one document per web address (meta.url), tracking parameters aside")
    ngram: int = Field(5, ge=1, le=50, description="words in a shingle; a shorter document is one shingle")
    bands: int = Field(20, ge=0, le=256, description="bands of the MinHash signature; 0: exact duplicates only")
    rows: int = Field(6, ge=1, le=64, description="minima in a band")
    seed: int = Field(0, ge=0, description="of the permutations")
    verify: bool = Field(default=True, description="compare candidates shingle by shingle; otherwise a shared band is enough")
    max_similarity: float = Field(0.55, ge=0, lt=1, description="Jaccard similarity with a kept document above which one goes")
    max_copied_similarity: float = Field(
        0.9, ge=0, lt=1, description="the same for a text with exact copies: it is no edited one"
    )
    related_similarity: float = Field(0.3, ge=0, lt=1, description="Jaccard similarity from which two share a side of the split")
    prefer: list[str] = Field([], description="sources whose documents stay rather than others', the most preferred first")
    max_cluster: int | None = Field(None, ge=1, description="documents in a duplicate group above which there is an alarm")
    max_source_loss: float | None = Field(None, ge=0, le=1, description="share of a source that goes, above which there is one")
    alarm: Literal["warn", "fail"] = Field("warn", description="what an alarm does: is said and counted, or ends the stage")

    @model_validator(mode="after")
    def _ordered(self) -> DedupDocsParams:
        if self.related_similarity > self.max_similarity:
            raise ValueError(f"related_similarity must be at most max_similarity ({self.max_similarity})")
        if self.max_copied_similarity < self.max_similarity:
            raise ValueError(f"max_copied_similarity must be at least max_similarity ({self.max_similarity})")
        return self


def dedup_docs(docs: Path, out: Path, dropped: Path, clusters: Path, *, params: DedupDocsParams) -> dict[str, float]:
    """Write the DOCS that repeat no other to ``out``, a DROPPED row for each other and the CLUSTERS of all.

    Raises EmptyCorpusError without a document, DuplicateIdError for an id that comes twice, DuplicateAlarmError when a bound is
    exceeded and ``alarm`` is ``fail``.
    """
    if not num_rows(docs):
        raise EmptyCorpusError(f"{docs}: no document to compare; the stage before dropped them all, see its dropped table")
    folder = runtime.scratch() / "dedup_docs"
    shutil.rmtree(folder, ignore_errors=True)
    signed = _sign(docs, folder, params)
    ranking = join.rank(signed, params.prefer)
    bounds = np.where(ranking.copied, params.max_copied_similarity, params.max_similarity)
    groups, candidates = _compare(docs, signed.bands, ranking, bounds, folder, params)
    outcome = conclude(ranking.first, ranking.rule, groups, bounds, verified=params.verify)
    alarms = _alarm(signed, ranking, outcome, params)
    join.write_fates(outcome, signed.ids, ranking, docs, folder / "fates")
    sources, outs = {docs: DOCS, folder / "fates": FATES}, {out: DOCS, dropped: DROPPED, clusters: CLUSTERS}
    map_shards(_divide, sources, outs)
    shutil.rmtree(folder)
    sizes = np.bincount(outcome.leader)
    return check_conservation(docs, out, dropped) | {
        "candidates": float(candidates),
        "clusters": float((sizes > 0).sum()),
        "clusters_of_several": float((sizes > 1).sum()),
        "largest_cluster": float(sizes.max()),
        "alarms": float(len(alarms)),
    }


def _sign(docs: Path, folder: Path, params: DedupDocsParams) -> join.Signed:
    """Sign all documents."""
    options = params.model_dump(include={"ngram", "bands", "rows", "seed", "urls"})
    schema = signature_schema(params.bands, urls=params.urls)
    map_shards(partial(_sign_shard, options=options), {docs: _only(TO_SIGN)}, {folder / "signatures": schema})
    return join.gather(folder / "signatures", schema, folder / "bands")


def _compare(
    docs: Path, bands: list[Path], ranking: join.Ranking, bounds: F64, folder: Path, params: DedupDocsParams
) -> tuple[Groups, int]:
    """Compare the documents that share a band, and count them."""
    pairs = join.pair_up(bands, ranking, folder / "pairs")
    wanted = join.find_wanted(pairs, ranking)
    candidates, stored = int(wanted.sum()), None
    if params.verify and candidates:
        join.write_wanted(wanted, docs, folder / "wanted")
        sources = {docs: _only(TO_COMPARE), folder / "wanted": WANTED}
        map_shards(partial(_select_shard, ngram=params.ngram), sources, {folder / "shingles": SHINGLES})
        stored = join.store_shingles(folder / "shingles", ranking, folder / "values")
    return join.compare(pairs, stored, similar=bounds, related=params.related_similarity), candidates


def _only(columns: list[str]) -> pa.Schema:
    return pa.schema([DOCS.field(name) for name in columns])


def _alarm(signed: join.Signed, ranking: join.Ranking, outcome: Outcome, params: DedupDocsParams) -> list[str]:
    """Sentences about bounds that are exceeded; said, or raised as DuplicateAlarmError."""
    found = []
    if params.max_cluster is not None:
        found += large_clusters(signed.ids, ranking.order, outcome, params.max_cluster)
    if params.max_source_loss is not None:
        found += source_losses(signed.ids, signed.sources, ranking.order, outcome, params.max_source_loss)
    if found and params.alarm == "fail":
        advice = "look at these documents with `explain`; raise the bound, max_similarity or set dedup_docs.alarm: warn"
        raise DuplicateAlarmError("\n".join([f"{len(found)} alarm(s) of dedup_docs; {advice}", *found]))
    for sentence in found:
        say(f"alarm: {sentence}")
    return found


def _sign_shard(docs: pa.Table, *, options: dict[str, Any]) -> ShardResult:
    return (sign(docs, **options),), Counter()


def _select_shard(docs: pa.Table, wanted: pa.Table, *, ngram: int) -> ShardResult:
    return (select_shingles(docs["text"], wanted["wanted"], ngram),), Counter()


def _divide(docs: pa.Table, fates: pa.Table) -> ShardResult:
    """The DOCS that stay, the DROPPED rows of the others, and the CLUSTERS."""
    gone = pc.is_valid(fates["duplicate_of"])
    why = fates.filter(gone)
    columns = {name: why[name] for name in ("score", "high", "duplicate_of")}
    dropped = dropped_rows(docs.filter(gone), "dedup_docs", "near", **columns)
    dropped = dropped.set_column(DROPPED.names.index("rule"), DROPPED.field("rule"), why["rule"])
    clusters = pa.table([docs["id"], pc.coalesce(fates["cluster"], docs["id"])], schema=CLUSTERS)
    return (docs.filter(pc.invert(gone)), dropped, clusters), Counter()
