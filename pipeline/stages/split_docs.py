"""Divides the documents into training, validation and test, whole duplicate groups at a time."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from pipeline.errors import ConservationError, EmptyCorpusError, InputError
from pipeline.identity import U64, number_ids
from pipeline.params import Params
from pipeline.schema import CLUSTERS, DOCS
from pipeline.tables import ShardWriter, num_rows, read_shards

SPLITS = ("train", "validation", "test")


class SplitDocsParams(Params):
    """Section ``split_docs`` of params.yaml."""

    seed: int = Field(0, ge=0, description="another seed, another division")
    validation: float = Field(0.03, gt=0, lt=1, description="share of the documents that training is watched on")
    test: float = Field(0.05, gt=0, lt=1, description="share of the documents that models are evaluated on")

    @model_validator(mode="after")
    def _leaves_some(self) -> SplitDocsParams:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test must leave documents to train on: their sum must be below 1")
        return self


def split_docs(
    docs: Path, clusters: Path, train: Path, validation: Path, test: Path, *, params: SplitDocsParams
) -> dict[str, float]:
    """Write the DOCS to ``train``, ``validation`` and ``test`` so that no duplicate group lies in two of them.

    Raises EmptyCorpusError for a corpus too small, or too much alike, to give each a document; InputError for a document without
    a cluster.
    """
    rank = _ranks(docs, clusters, params.seed)
    order, group, counts = np.unique(rank, return_inverse=True, return_counts=True)
    sides = assign(counts, {"test": params.test, "validation": params.validation})
    side = sides[group]
    sizes = dict(zip(SPLITS, np.bincount(side, minlength=len(SPLITS)).tolist(), strict=True))
    if empty := [split for split in SPLITS if not sizes[split]]:
        raise EmptyCorpusError(
            f"{docs}: no document for {' and '.join(empty)}: {len(rank)} documents in {len(order)} duplicate groups; "
            f"split_docs.validation {params.validation} and split_docs.test {params.test}: add documents, change these "
            "shares, or raise dedup_docs.related_similarity for smaller groups"
        )
    num_bytes = _write(docs, side, (train, validation, test))
    report = {"docs_in": float(len(rank)), "clusters": float(len(order))}
    for split in SPLITS:
        report |= {f"docs/{split}": float(sizes[split]), f"bytes/{split}": float(num_bytes[split])}
    return report


def _ranks(docs: Path, clusters: Path, seed: int) -> U64:
    """(D,) 64 bits of a seeded hash of each document's cluster, which decide the order of clusters. Raises InputError.

    Documents are looked up by 64 bits of their id (`pipeline.identity`), so that a document takes some 40 bytes of memory.
    """
    keys, ranks = np.zeros(num_rows(clusters), np.uint64), np.zeros(num_rows(clusters), np.uint64)
    first = 0
    for table in read_shards(clusters, CLUSTERS):
        here = slice(first, first + table.num_rows)
        keys[here] = number_ids(table["id"])[:, 0]
        names = (blake2b(f"{seed}/{name}".encode(), digest_size=16).digest()[:8] for name in table["cluster"].to_pylist())
        ranks[here] = np.frombuffer(b"".join(names), ">u8")
        first += table.num_rows
    by_key = np.argsort(keys)
    keys, ranks = keys[by_key], ranks[by_key]
    found, first = np.zeros(num_rows(docs), np.uint64), 0
    for table in read_shards(docs, DOCS, ["id"]):
        numbers = number_ids(table["id"])[:, 0]
        place = np.minimum(np.searchsorted(keys, numbers), max(0, len(keys) - 1))
        lost = keys[place] != numbers if len(keys) else np.ones(len(numbers), np.bool_)
        if lost.any():
            missing = table["id"].filter(pa.array(lost))[0]
            raise InputError(f"{clusters}: no cluster for document {missing} of {docs}; run dedup_docs again (dvc repro)")
        found[first : first + table.num_rows] = ranks[place]
        first += table.num_rows
    return found


def assign(sizes: npt.NDArray[np.int64], fractions: dict[str, float]) -> npt.NDArray[np.int8]:
    """The number in SPLITS of each cluster's side: in their order they fill up the splits of ``fractions``; the rest trains.

    A split takes at least one document and never more than its share, rounded, so a group larger than that goes to training.
    """
    total = int(sizes.sum())
    room = {split: max(1, round(fraction * total)) for split, fraction in fractions.items()}
    sides = np.full(len(sizes), SPLITS.index("train"), np.int8)
    for number, size in enumerate(sizes):
        if not any(room.values()):
            break
        split = next((split for split, left in room.items() if size <= left), None)
        if split is not None:
            sides[number] = SPLITS.index(split)
            room[split] -= int(size)
    return sides


def _write(docs: Path, side: npt.NDArray[np.int8], outs: tuple[Path, ...]) -> Counter[str]:
    """Write each document to its side and count the bytes of each; raises ConservationError if not every document arrived."""
    num_bytes: Counter[str] = Counter()
    with ExitStack() as stack:
        writers = {split: stack.enter_context(ShardWriter(out, DOCS)) for split, out in zip(SPLITS, outs, strict=True)}
        first = 0
        for table in read_shards(docs, DOCS):
            here = side[first : first + table.num_rows]
            first += table.num_rows
            for number, (split, writer) in enumerate(writers.items()):
                chosen = table.filter(pa.array(here == number))
                num_bytes[split] += pc.sum(pc.binary_length(chosen["text"])).as_py() or 0
                writer.write(chosen)
                writer.end_shard()
    if (written := sum(writer.num_rows for writer in writers.values())) != len(side):
        raise ConservationError(f"{docs}: {len(side)} documents in, {written} out")
    return num_bytes
