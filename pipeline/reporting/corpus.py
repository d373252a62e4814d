"""What each stage did to the corpus: documents and bytes in, kept and lost, by rule. Read from the tables themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from pipeline.schema import DOCS, DROPPED
from pipeline.tables import read_shards, read_table, text_bytes


@dataclass(frozen=True)
class Loss:
    """The documents that one rule of one stage removed. ``example``: the first of their ids."""

    stage: str
    rule: str
    docs: int
    num_bytes: int
    low: float | None
    high: float | None
    example: str


@dataclass(frozen=True)
class Step:
    """One stage's effect on documents and UTF-8 bytes."""

    stage: str
    docs_in: int
    docs_out: int
    bytes_in: int
    bytes_out: int
    losses: tuple[Loss, ...]

    @property
    def docs_lost(self) -> int:
        """Documents that its rules removed."""
        return sum(loss.docs for loss in self.losses)

    @property
    def bytes_lost(self) -> int:
        """Bytes of the documents that its rules removed."""
        return sum(loss.num_bytes for loss in self.losses)

    @property
    def bytes_rewritten(self) -> int:
        """Bytes that went without their document (redacted, normalised); negative when a stage made text longer."""
        return self.bytes_in - self.bytes_out - self.bytes_lost


@dataclass(frozen=True)
class Split:
    """One part of the corpus."""

    name: str
    docs: int
    num_bytes: int


def read_steps(stages: Sequence[tuple[str, Path, Path | None]]) -> tuple[Step, ...]:
    """One Step per (stage, DOCS, DROPPED or None), in order. What the first read is what it kept and lost.

    Raises MissingInputError, SchemaError.
    """
    steps: list[Step] = []
    for stage, docs, dropped in stages:
        kept = read_split(stage, docs)
        losses = read_losses(stage, dropped) if dropped else ()
        if steps:
            came = (steps[-1].docs_out, steps[-1].bytes_out)
        else:
            came = (kept.docs + sum(x.docs for x in losses), kept.num_bytes + sum(x.num_bytes for x in losses))
        steps.append(Step(stage, came[0], kept.docs, came[1], kept.num_bytes, losses))
    return tuple(steps)


def read_split(name: str, docs: Path) -> Split:
    """Documents and UTF-8 bytes of a DOCS table, one shard in memory at a time."""
    count = num_bytes = 0
    for table in read_shards(docs, DOCS, ["text"]):
        count += table.num_rows
        num_bytes += pc.sum(text_bytes(table["text"])).as_py() or 0
    return Split(name, count, num_bytes)


def read_losses(stage: str, dropped: Path) -> tuple[Loss, ...]:
    """The rules of a DROPPED table, the one that cost most documents first."""
    table = read_table(dropped, DROPPED, ["id", "rule", "low", "high", "num_bytes"])
    wanted = [("id", "count"), ("num_bytes", "sum"), ("low", "min"), ("high", "max"), ("id", "min")]
    rows: list[dict[str, Any]] = table.group_by("rule", use_threads=False).aggregate(wanted).to_pylist()
    losses = [Loss(stage, r["rule"], r["id_count"], r["num_bytes_sum"], r["low_min"], r["high_max"], r["id_min"]) for r in rows]
    return tuple(sorted(losses, key=lambda loss: (-loss.docs, loss.rule)))
