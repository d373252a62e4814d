"""From documents to a fate for each: kept, an exact duplicate, or a near-duplicate of a kept document."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.exact import DIGEST_BYTES, digests
from pipeline.dedup.groups import buckets, group
from pipeline.dedup.minhash import band_hashes
from pipeline.text.hashing import I64, U64, hash_words
from pipeline.text.ngrams import shingles

# What the comparison of documents needs of each: ``bands`` is its row of ``minhash.band_hashes``.
SIGNATURES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("num_bytes", pa.int64(), nullable=False),
        pa.field("digest", pa.binary(DIGEST_BYTES), nullable=False),
        pa.field("bands", pa.list_(pa.uint64()), nullable=False),
    ]
)
# ``duplicate_of``: null if kept. ``rule``: exact or near. ``cluster``: the smallest id of the document's duplicate group.
FATES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("duplicate_of", pa.string()),
        pa.field("rule", pa.string()),
        pa.field("score", pa.float64()),
        pa.field("cluster", pa.string(), nullable=False),
    ]
)


def sign(docs: pa.Table, *, ngram: int, bands: int, rows: int, seed: int) -> pa.Table:
    """SIGNATURES of DOCS, row by row."""
    words = hash_words(docs["text"])
    hashes = band_hashes(*shingles(words.hashes, words.documents, ngram), bands=bands, rows=rows, seed=seed)
    offsets = pa.array(np.arange(docs.num_rows + 1) * bands, pa.int32())
    columns = {
        "id": docs["id"],
        "source": docs["source"],
        "num_bytes": pc.binary_length(docs["text"]).cast(pa.int64()),
        "digest": digests(docs["text"]),
        "bands": pa.ListArray.from_arrays(offsets, pa.array(hashes.ravel())),
    }
    return pa.table(columns).cast(SIGNATURES)


@dataclass(frozen=True)
class Candidates:
    """Documents ordered by rank: the longest text first (it loses least), then by source and id.

    Exact duplicates are found already; what is left to compare, shingle by shingle, are the documents that share a band.
    """

    order: I64  # (T,) row in the signatures of the document of each rank
    first: I64  # (T,) by rank: the rank of the best document with the same digest
    ranks: I64  # (C,) ranks of the documents that share a band with another, ascending
    bucket: I64  # (C, bands) of ``groups.buckets``
    num_buckets: int

    @property
    def rows(self) -> I64:
        """(C,) rows in the signatures of the documents whose shingles ``decide`` needs."""
        return self.order[self.ranks]


def find_candidates(signatures: pa.Table) -> Candidates:
    """Rank the documents, match their digests and gather those that share a band; memory as documents × bands."""
    keys = [("num_bytes", "descending"), ("source", "ascending"), ("id", "ascending")]
    order = pc.sort_indices(signatures, sort_keys=keys).to_numpy().astype(np.int64)
    size = len(order)
    digest = signatures["digest"].combine_chunks().take(pa.array(order)).dictionary_encode().indices
    _, place, inverse = np.unique(digest.to_numpy(), return_index=True, return_inverse=True)
    first = place[inverse].astype(np.int64)
    different = np.flatnonzero(first == np.arange(size))
    bands = signatures["bands"].combine_chunks().flatten().to_numpy().reshape(size, -1)
    bucket, num_buckets = buckets(bands[order[different]])
    shared = (bucket >= 0).any(axis=1)
    return Candidates(order, first, different[shared], bucket[shared], num_buckets)


def select_shingles(docs: pa.Table, rows: I64, ngram: int) -> tuple[U64, I64]:
    """Sorted shingles of some rows of DOCS and where each row's begin, (len(rows) + 1,)."""
    words = hash_words(docs["text"].take(pa.array(rows)))
    return shingles(words.hashes, words.documents, ngram)


def decide(
    signatures: pa.Table, found: Candidates, shingles: U64, starts: I64, ends: I64, *, similar: float, related: float
) -> pa.Table:
    """FATES in the order of the signatures. ``starts`` and ``ends`` place the shingles of ``found.rows``, in that order.

    Documents more similar than ``similar`` to a kept one go; those of at least ``related`` share a cluster. An exact duplicate of
    a document that goes as a near one is a near-duplicate too, of the same kept document.
    """
    near = group(found.bucket, found.num_buckets, shingles, starts, ends, similar=similar, related=related)
    size = len(found.order)
    kept_by, score, leader = np.arange(size), np.ones(size), np.arange(size)
    kept_by[found.ranks], leader[found.ranks] = found.ranks[near.kept_by], found.ranks[near.group]
    score[found.ranks] = near.similarity
    kept_by, score, leader = kept_by[found.first], score[found.first], leader[found.first]
    ids = signatures["id"].take(pa.array(found.order))
    removed = kept_by != np.arange(size)
    rule = pc.if_else(pa.array(kept_by == found.first), "exact", "near")
    by_rank = pa.table(
        {
            "id": ids,
            "duplicate_of": pc.if_else(pa.array(removed), ids.take(pa.array(kept_by)), None),
            "rule": pc.if_else(pa.array(removed), rule, None),
            "score": pa.array(score, mask=~removed),
            "cluster": _smallest(ids, leader),
        }
    )
    return by_rank.take(pa.array(np.argsort(found.order))).cast(FATES)


def _smallest(ids: pa.ChunkedArray, leader: I64) -> pa.ChunkedArray:
    """Give each document the smallest id of those with the same leader."""
    least = pa.table({"leader": leader, "id": ids}).group_by("leader").aggregate([("id", "min")]).sort_by("leader")
    return least["id_min"].take(pa.array(np.searchsorted(least["leader"].to_numpy(), leader)))
