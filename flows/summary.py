"""The closing table on the terminal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from flows.dag import Graph


@dataclass(frozen=True)
class Result:
    """What became of a stage."""

    stage: str
    did: str
    """Unchanged, Restored or Completed; Failed, Cancelled, or NotReady when a stage before it failed."""
    why: str
    seconds: float


def counts(results: list[Result]) -> str:
    """``3 completed, 14 unchanged``."""
    return ", ".join(f"{count} {did.lower()}" for did, count in Counter(r.did for r in results).most_common())


def show(graph: Graph, results: list[Result]) -> None:
    """Print what each stage did."""
    table = Table("stage", "did", "why", "seconds")
    for result in results:
        table.add_row(result.stage, result.did, result.why, f"{result.seconds:.1f}")
    Console().print(table)
