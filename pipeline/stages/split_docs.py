"""Divides the documents into training, validation and test, whole duplicate groups at a time."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from pipeline.errors import ConservationError, EmptyCorpusError, InputError
from pipeline.params import Params
from pipeline.schema import CLUSTERS, DOCS
from pipeline.tables import ShardWriter, read_shards, read_table

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
    ids = read_table(docs, DOCS, ["id"])["id"]
    known = read_table(clusters, CLUSTERS)
    cluster = known["cluster"].take(pc.index_in(ids, known["id"]))
    if cluster.null_count:
        missing = ids.filter(pc.is_null(cluster))[0]
        raise InputError(f"{clusters}: no cluster for document {missing} of {docs}; run dedup_docs again (dvc repro)")
    sides = assign(Counter(cluster.to_pylist()), {"test": params.test, "validation": params.validation}, params.seed)
    side = pa.array([sides[name] for name in cluster.to_pylist()], pa.string())
    sizes = Counter(side.to_pylist())
    if empty := [split for split in SPLITS if not sizes[split]]:
        raise EmptyCorpusError(
            f"{docs}: no document for {' and '.join(empty)}: {len(ids)} documents in {len(sides)} duplicate groups; "
            f"split_docs.validation {params.validation} and split_docs.test {params.test}: add documents, change these "
            "shares, or raise dedup_docs.related_similarity for smaller groups"
        )
    num_bytes = _write(docs, side, (train, validation, test))
    report = {"docs_in": float(len(ids)), "clusters": float(len(sides))}
    for split in SPLITS:
        report |= {f"docs/{split}": float(sizes[split]), f"bytes/{split}": float(num_bytes[split])}
    return report


def assign(sizes: Counter[str], fractions: dict[str, float], seed: int) -> dict[str, str]:
    """Choose a split for each cluster: in the order of a seeded hash they fill up those of ``fractions``; the rest trains.

    A split takes at least one document and never more than its share, rounded, so a group larger than that goes to training.
    """
    total = sum(sizes.values())
    room = {split: max(1, round(fraction * total)) for split, fraction in fractions.items()}
    sides = {}
    for name in sorted(sizes, key=lambda name: hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=16).digest()):
        sides[name] = next((split for split, left in room.items() if sizes[name] <= left), "train")
        if sides[name] in room:
            room[sides[name]] -= sizes[name]
    return sides


def _write(docs: Path, side: pa.Array, outs: tuple[Path, ...]) -> Counter[str]:
    """Write each document to its side and count the bytes of each; raises ConservationError if not every document arrived."""
    num_bytes: Counter[str] = Counter()
    with ExitStack() as stack:
        writers = {split: stack.enter_context(ShardWriter(out, DOCS)) for split, out in zip(SPLITS, outs, strict=True)}
        first = 0
        for table in read_shards(docs, DOCS):
            here = side.slice(first, table.num_rows)
            first += table.num_rows
            for split, writer in writers.items():
                chosen = table.filter(pc.equal(here, split))
                num_bytes[split] += pc.sum(pc.binary_length(chosen["text"])).as_py() or 0
                writer.write(chosen)
    if (written := sum(writer.num_rows for writer in writers.values())) != len(side):
        raise ConservationError(f"{docs}: {len(side)} documents in, {written} out")
    return num_bytes
