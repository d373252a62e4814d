"""What a stage did with one document, in lines for a person: its scores, the change, the loss, what it stands for."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.filters import FILTERS, SCORES
from pipeline.filters.bounds import Bounds
from pipeline.params import parse
from pipeline.reporting.words import bound, clipped, count, figure
from pipeline.row_groups import shards
from pipeline.schema import CUTS, DOCS, DROPPED
from pipeline.tables import read_table

WIDEST = 200  # characters of one line of a difference
MOST_DUPLICATES = 10  # shown of those that a document was kept in place of
MOST_CUTS = 10  # shown of the parts that were cut from a document
STYLES = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True)
class Line:
    """One line of the answer: the stage it is about (may be empty), the words, and how to show them."""

    stage: str
    words: str
    style: str = ""


def row_of(path: Path, schema: pa.Schema, identifier: str) -> dict[str, Any] | None:
    """The row with this id, or None."""
    for shard in shards(path):
        if pc.any(pc.equal(read_table(shard, schema, ["id"])["id"], identifier)).as_py():
            table = read_table(shard, schema)
            return dict(table.filter(pc.equal(table["id"], identifier)).slice(0, 1).to_pylist()[0])
    return None


def scores(stage: str, ledger: Path, params_yaml: Path, identifier: str) -> Iterator[Line]:
    """The ledger's row: every filter's score beside its bound, which it meets or misses."""
    row = row_of(ledger, SCORES, identifier) if ledger.exists() else None
    if row is None:
        yield Line(stage, "no scores of it: the stage has not run on it yet (dvc repro)", "yellow")
        return
    bounds = parse(params_yaml, "filter_docs.bounds", dict[str, Bounds])
    yield Line(stage, f"language {row['lang'] or 'unknown'}")
    for name in (name for name in FILTERS if row[name] is not None):
        limit = bounds.get(name, Bounds())
        words = f"  {name:28} {figure(row[name]):>9}  {bound(limit.low, limit.high)}".rstrip()
        missed = not limit.hold(pa.chunked_array([pa.array([row[name]])]))[0]
        yield Line("", f"{words}  missed" if missed else words, "red" if missed else "" if name in bounds else "dim")
    if silent := [name for name in FILTERS if row[name] is None]:
        yield Line("", clipped(f"  no score by {', '.join(silent)}", WIDEST), "dim")


def duplicates(dropped: Path | None, identifier: str) -> Iterator[Line]:
    """The documents that were removed because this one stayed."""
    if dropped is None or not dropped.exists():
        return
    table = read_table(dropped, DROPPED, ["id", "duplicate_of", "rule", "score", "low"])
    rows = table.filter(pc.equal(table["duplicate_of"], identifier)).to_pylist()
    for row in rows[:MOST_DUPLICATES]:
        alike = f", Jaccard {figure(row['score'])}" if row["score"] is not None and row["low"] is None else ""
        yield Line("", f"kept in place of {row['id']} ({row['rule']}{alike})")
    if len(rows) > MOST_DUPLICATES:
        yield Line("", f"… and of {len(rows) - MOST_DUPLICATES} more", "dim")


def cuts(path: Path | None, identifier: str) -> Iterator[Line]:
    """The parts that a stage cut from it: by which rule, where in the text before, and which document holds them still."""
    if path is None or not path.exists():
        return
    table = read_table(path, CUTS)
    rows = table.filter(pc.equal(table["id"], identifier)).to_pylist()
    for row in rows[:MOST_CUTS]:
        words = f"cut as {row['rule']}: bytes {row['start']:,} to {row['end'] - 1:,}"
        if row["documents"] is not None:
            words += f", which {count(row['documents'])} documents held; kept in {row['first'] or 'none'}"
        yield Line("", words, "red")
        for key, value in json.loads(row["meta"]).items():
            yield Line("", clipped(f"{key}: {value}", WIDEST), "dim")
    if len(rows) > MOST_CUTS:
        yield Line("", f"… and {len(rows) - MOST_CUTS} more parts", "dim")


def kept(stage: str, before: str, after: str, most: int) -> Iterator[Line]:
    """Say that a stage kept it, and what it changed in the text, at most ``most`` lines of difference."""
    if before == after:
        yield Line(stage, "kept, unchanged")
        return
    change = len(after.encode()) - len(before.encode())
    yield Line(stage, f"kept, changed by {change:+,} bytes")
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after", lineterm="", n=1))[2:]
    if not lines:
        yield Line("", "line ends alone")
    for line in lines[:most]:
        yield Line("", clipped(line, WIDEST), STYLES.get(line[:1], "dim"))
    if len(lines) > most:
        yield Line("", f"… and {len(lines) - most} more lines; --lines {len(lines)} shows all", "dim")


def dropped(stage: str, path: Path | None, identifier: str, docs: Iterable[Path]) -> Iterator[Line]:
    """Why a stage has not kept it. A document unknown to both its tables is said to be just that."""
    row = row_of(path, DROPPED, identifier) if path is not None and path.exists() else None
    if row is None:
        yield Line(stage, "neither kept nor dropped: its tables are of another run (dvc repro)", "red")
        return
    words = f"dropped by {row['rule']}"
    if row["score"] is not None:
        words += f": {'score' if row['duplicate_of'] is None or row['low'] is not None else 'Jaccard'} {figure(row['score'])}"
    if limit := bound(row["low"], row["high"]):
        words += f", kept if {limit}"
    yield Line(stage, words, "red")
    if row["duplicate_of"] is not None:
        kept = next((r for table in docs if (r := row_of(table, DOCS, row["duplicate_of"]))), None)
        yield Line("", f"a duplicate of {row['duplicate_of']}  {kept['locator'] if kept else ''}".rstrip())
    for key, value in json.loads(row["meta"]).items():
        yield Line("", clipped(f"{key}: {value}", WIDEST), "dim")
    yield Line("", f"{count(row['num_bytes'])} bytes went with it")
