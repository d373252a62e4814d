"""Removes documents that repeat another: exactly, but for white space, or nearly, by MinHash and verified similarity."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from pipeline import runtime
from pipeline.dedup.duplicates import SIGNATURES, Candidates, decide, find_candidates, select_shingles, sign
from pipeline.engine import ShardResult, map_shards
from pipeline.errors import EmptyCorpusError
from pipeline.params import Params
from pipeline.schema import CLUSTERS, DOCS, DROPPED
from pipeline.tables import ShardWriter, check_conservation, dropped_rows, num_rows, read_shards, read_table, write_table
from pipeline.text.hashing import I64, U64


class DedupDocsParams(Params):
    """Section ``dedup_docs`` of params.yaml."""

    ngram: int = Field(5, ge=1, le=50, description="words in a shingle; a shorter document is one shingle")
    bands: int = Field(14, ge=1, le=256, description="bands of the MinHash signature")
    rows: int = Field(8, ge=1, le=64, description="minima in a band")
    seed: int = Field(0, ge=0, description="of the permutations")
    max_similarity: float = Field(0.5, ge=0, lt=1, description="Jaccard similarity with a kept document above which one goes")
    related_similarity: float = Field(0.3, ge=0, lt=1, description="Jaccard similarity from which two share a side of the split")

    @model_validator(mode="after")
    def _ordered(self) -> DedupDocsParams:
        if self.related_similarity > self.max_similarity:
            raise ValueError(f"related_similarity must be at most max_similarity ({self.max_similarity})")
        return self


def dedup_docs(docs: Path, out: Path, dropped: Path, clusters: Path, *, params: DedupDocsParams) -> dict[str, float]:
    """Write the DOCS that repeat no other to ``out``, a DROPPED row for each other and the CLUSTERS of the kept ones.

    Raises EmptyCorpusError without a document, DuplicateIdError for an id that comes twice.
    """
    if not num_rows(docs):
        raise EmptyCorpusError(f"{docs}: no document to compare; the stage before dropped them all, see its dropped table")
    signatures = _sign_all(docs, params)
    found = find_candidates(signatures)
    with tempfile.TemporaryFile() as file:
        shingles, starts, ends = _shingles(docs, found, params.ngram, file)
        bounds = {"similar": params.max_similarity, "related": params.related_similarity}
        fates = decide(signatures, found, shingles, starts, ends, **bounds)
    _write(docs, fates, out, dropped, params.max_similarity)
    kept = fates.filter(pc.is_null(fates["duplicate_of"]))
    write_table(kept.select(CLUSTERS.names).sort_by("id").cast(CLUSTERS), clusters)
    sizes = Counter(kept["cluster"].to_pylist())
    counts = check_conservation(docs, out, dropped)
    return counts | {
        "candidates": float(len(found.ranks)),
        "clusters": float(len(sizes)),
        "clusters_of_several": float(sum(size > 1 for size in sizes.values())),
        "largest_cluster": float(max(sizes.values())),
    }


def _sign_all(docs: Path, params: DedupDocsParams) -> pa.Table:
    """SIGNATURES of all documents, made in parallel."""
    path = runtime.scratch() / "dedup_docs" / "signatures"
    options = params.model_dump(include={"ngram", "bands", "rows", "seed"})
    map_shards(partial(_sign_shard, options=options), {docs: DOCS}, {path: SIGNATURES})
    signatures = read_table(path, SIGNATURES)
    shutil.rmtree(path)
    return signatures


def _sign_shard(docs: pa.Table, *, options: dict[str, Any]) -> ShardResult:
    return (sign(docs, **options),), Counter()


def _shingles(docs: Path, found: Candidates, ngram: int, file: Any) -> tuple[U64, I64, I64]:
    """Shingles of all candidates in a mapped file, so that they need no memory, and where those of each begin and end."""
    rows, position = np.sort(found.rows), np.argsort(found.rows)
    starts, ends = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    first = written = 0
    for table in read_shards(docs, DOCS, ["id", "text"]):
        here = slice(*np.searchsorted(rows, [first, first + table.num_rows]))
        values, bounds = select_shingles(table, rows[here] - first, ngram)
        starts[position[here]], ends[position[here]] = bounds[:-1] + written, bounds[1:] + written
        file.write(values.tobytes())
        first, written = first + table.num_rows, written + len(values)
    file.flush()
    mapped = np.memmap(file, np.uint64, "r+", shape=(written,)) if written else np.zeros(0, np.uint64)
    return np.asarray(mapped), starts, ends


def _write(docs: Path, fates: pa.Table, out: Path, dropped: Path, high: float) -> None:
    """Write each document where its fate, the row of the same number, says."""
    first = 0
    with ShardWriter(out, DOCS) as kept, ShardWriter(dropped, DROPPED) as lost:
        for table in read_shards(docs, DOCS):
            fate = fates.slice(first, table.num_rows)
            first += table.num_rows
            kept.write(table.filter(pc.is_null(fate["duplicate_of"])))
            for rule, bound in (("exact", None), ("near", high)):
                chosen = pc.fill_null(pc.equal(fate["rule"], rule), fill_value=False)
                lost_docs, why = table.filter(chosen), fate.filter(chosen)
                bounds = pa.array([bound] * why.num_rows, pa.float64())
                columns = {"score": why["score"], "high": bounds, "duplicate_of": why["duplicate_of"]}
                lost.write(dropped_rows(lost_docs, "dedup_docs", rule, **columns))
