"""``python -m pipeline explain ID``: a document's way from the text that was read to the models trained on it."""

from __future__ import annotations

import argparse
import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.text import Text

from pipeline.errors import MissingInputError, UnknownDocumentError
from pipeline.manifest import NAME as MANIFEST
from pipeline.manifest import read_manifest, sha256
from pipeline.reporting.graph import Graph, read_graph
from pipeline.reporting.words import bound, clipped, count, figure
from pipeline.row_groups import shards
from pipeline.schema import DOCS, DROPPED, WEIGHTS
from pipeline.sequences import Sequences
from pipeline.tables import read_table

SHORTEST = 6  # hexadecimal digits of an id that may stand for the whole
WIDEST = 200  # characters of one line of a difference
STYLES = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True)
class Line:
    """One line of the answer: the stage it is about (may be empty), the words, and how to show them."""

    stage: str
    words: str
    style: str = ""


def main(argv: Sequence[str]) -> None:
    """Print the way of one document. Raises UnknownDocumentError, MissingInputError."""
    parser = argparse.ArgumentParser(prog="python -m pipeline explain", description="a document's way through the stages")
    parser.add_argument("id", metavar="ID", help="a document's id, the start of one, or part of its locator (as in the report)")
    parser.add_argument("--dvc", type=Path, default=Path("dvc.yaml"), help="default: dvc.yaml; data lie beside it")
    parser.add_argument("--lines", type=int, default=40, help="most lines of each difference (default: 40)")
    arguments = parser.parse_args(argv)
    graph = read_graph(arguments.dvc, arguments.dvc.with_name("params.yaml"))
    pipeline = Pipeline(graph, arguments.dvc.parent)
    identifier = find(pipeline, arguments.id)
    console = Console(highlight=False, soft_wrap=True)
    for line in explain(pipeline, identifier, arguments.lines):
        console.print(Text(f"{line.stage:15}", style="bold") + Text(line.words, style=line.style))


@dataclass(frozen=True)
class Pipeline:
    """The DAG and the folder that its paths are relative to."""

    graph: Graph
    root: Path

    def outs(self, stage: str) -> dict[str, Path]:
        """A stage's outputs by name, whether they exist or not."""
        return {PurePosixPath(out).name: self.root / out for out in self.graph.outs(stage)}

    @property
    def stages(self) -> list[str]:
        """Every stage once, in order."""
        return list(dict.fromkeys(node.stage for node in self.graph.nodes))

    def tables(self, name: str) -> Iterator[tuple[str, Path]]:
        """(stage, path) of every output called ``name`` that exists."""
        for stage in self.stages:
            path = self.outs(stage).get(name)
            if path is not None and path.exists():
                yield stage, path


def find(pipeline: Pipeline, wanted: str) -> str:
    """The id that ``wanted`` means: an id, the start of one (6 digits or more), or part of one document's locator.

    Raises UnknownDocumentError when it means none or several, MissingInputError before the first stage has run.
    """
    known: dict[str, str] = {}
    for _, path in pipeline.tables("docs"):
        table = read_table(path, DOCS, ["id", "locator"])
        known |= dict(zip(table["id"].to_pylist(), table["locator"].to_pylist(), strict=True))
        break  # later stages keep a part of the first's documents
    for _, path in pipeline.tables("dropped"):
        known = dict.fromkeys(read_table(path, DROPPED, ["id"])["id"].to_pylist(), "") | known
    if not known:
        raise MissingInputError(f"{pipeline.root}: no stage has written documents yet; run the pipeline first (dvc repro)")
    if wanted in known:
        return wanted
    begin = [identifier for identifier in known if len(wanted) >= SHORTEST and identifier.startswith(wanted.lower())]
    found = begin or [identifier for identifier, locator in known.items() if wanted and wanted in locator]
    if len(found) == 1:
        return found[0]
    if found:
        some = ", ".join(f"{identifier} {known[identifier]}".strip() for identifier in sorted(found)[:5])
        raise UnknownDocumentError(f"{wanted!r} means {len(found)} documents, among them {some}; give more of the id")
    where = ", ".join(str(path) for _, path in [*pipeline.tables("docs"), *pipeline.tables("dropped")][:1])
    raise UnknownDocumentError(
        f"no document {wanted!r}; ids are in the column `id` of {where}, and the report names one for each rule; "
        "part of a locator, such as a file's name, will do as well"
    )


def explain(pipeline: Pipeline, identifier: str, most_lines: int) -> Iterator[Line]:
    """The document's way, stage by stage, until it was dropped or a stage has not run."""
    before: dict[str, Any] | None = None
    yield Line("", f"id {identifier}", "bold")
    for stage in pipeline.stages:
        outs = pipeline.outs(stage)
        if "docs" not in outs:
            continue
        if not outs["docs"].exists():
            yield Line(stage, "has not run yet (dvc repro)", "yellow")
            return
        row = _row(outs["docs"], DOCS, identifier)
        if row is None:
            yield from _dropped(pipeline, stage, identifier)
            return
        if before is None:
            yield Line("", f"{row['locator']}  ({row['source']}, domain {row['domain']})")
            yield Line(stage, f"read, {count(len(row['text'].encode()))} bytes")
        else:
            yield from _kept(stage, before["text"], row["text"], most_lines)
        if "weights.parquet" in outs:
            weight = _row(outs["weights.parquet"], WEIGHTS, identifier)
            yield Line(
                "",
                f"weight {figure(weight['weight'])}, in passes of training" if weight else "no weight: balance is of another run",
            )
        before = row
    yield from _split(pipeline, identifier)


def _row(path: Path, schema: pa.Schema, identifier: str) -> dict[str, Any] | None:
    """The row with this id, or None."""
    for shard in shards(path):
        if pc.any(pc.equal(read_table(shard, schema, ["id"])["id"], identifier)).as_py():
            table = read_table(shard, schema)
            return dict(table.filter(pc.equal(table["id"], identifier)).slice(0, 1).to_pylist()[0])
    return None


def _kept(stage: str, before: str, after: str, most: int) -> Iterator[Line]:
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


def _dropped(pipeline: Pipeline, stage: str, identifier: str) -> Iterator[Line]:
    """Why a stage has not kept it. A document unknown to both its tables is said to be just that."""
    path = pipeline.outs(stage).get("dropped")
    row = _row(path, DROPPED, identifier) if path is not None and path.exists() else None
    if row is None:
        yield Line(stage, "neither kept nor dropped: its tables are of another run (dvc repro)", "red")
        return
    words = f"dropped by {row['rule']}"
    if row["score"] is not None:
        words += f": score {figure(row['score'])}"
    if limit := bound(row["low"], row["high"]):
        words += f", kept if {limit}"
    yield Line(stage, words, "red")
    if row["duplicate_of"] is not None:
        kept = next((r for _, docs in pipeline.tables("docs") if (r := _row(docs, DOCS, row["duplicate_of"]))), None)
        yield Line("", f"a duplicate of {row['duplicate_of']}  {kept['locator'] if kept else ''}".rstrip())
    for key, value in json.loads(row["meta"]).items():
        yield Line("", clipped(f"{key}: {value}", WIDEST), "dim")
    yield Line("", f"{count(row['num_bytes'])} bytes went with it")


def _split(pipeline: Pipeline, identifier: str) -> Iterator[Line]:
    splits = pipeline.outs("split_docs")
    if not splits or not all(path.exists() for path in splits.values()):
        yield Line("split_docs", "has not run yet (dvc repro)", "yellow")
        return
    name = next((name for name, path in splits.items() if _row(path, DOCS, identifier)), None)
    if name is None:
        yield Line("split_docs", "in no split: its tables are of another run (dvc repro)", "red")
        return
    yield Line("split_docs", f"in {name}", "green")
    yield from _tokens(pipeline, name, identifier)


def _tokens(pipeline: Pipeline, split: str, identifier: str) -> Iterator[Line]:
    """Each copy's shard and span, then the models that were trained on that shard."""
    path = pipeline.outs("tokenize_docs").get(split)
    if path is None or not path.exists():
        yield Line("tokenize_docs", "has not run yet (dvc repro)", "yellow")
        return
    sequences = Sequences.open(path)
    rows = sequences.documents.filter(pc.equal(sequences.documents["id"], identifier)).to_pylist()
    if not rows:
        yield Line("tokenize_docs", "left out: its weight gave it no copy", "red")
        return
    yield Line("tokenize_docs", f"{len(rows)} {'copy' if len(rows) == 1 else 'copies'} of {count(rows[0]['length'])} tokens")
    for row in rows:
        yield Line("", f"{path.name}/{row['shard']}, tokens {row['offset']:,} to {row['offset'] + row['length'] - 1:,}")
    if split == "train":
        yield from _models(pipeline, {sha256(path / row["shard"]) for row in rows})
    else:
        yield Line("", f"held out: no weight of a model was trained on the {split} split")


def _models(pipeline: Pipeline, digests: set[str]) -> Iterator[Line]:
    """Models whose manifest names one of these files among its inputs, and the models made from those."""
    made: set[str] = set()
    for node in pipeline.graph.nodes:
        for directory in (pipeline.root / out for out in node.outs):
            if not (directory / MANIFEST).is_file():
                continue
            manifest = read_manifest(directory)
            inputs = manifest.get("inputs", {}).values()
            read = {value for entry in inputs for value in (entry.values() if isinstance(entry, dict) else [entry])}
            parents = set(manifest.get("parents", {}).values())
            if read & digests or parents & made:
                how = "trained on it" if read & digests else "made from a model trained on it"
                yield Line("" if made else "models", f"{node.name}: {how}", "green")
                made.add(sha256(directory / MANIFEST))
    if not made:
        yield Line("models", "none was trained on it yet", "yellow")
