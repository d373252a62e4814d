"""``python -m pipeline explain ID``: a document's way from the text that was read to the models trained on it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.compute as pc
from rich.console import Console
from rich.text import Text

from pipeline.errors import MissingInputError, UnknownDocumentError
from pipeline.manifest import NAME as MANIFEST
from pipeline.manifest import read_manifest, sha256
from pipeline.reporting.fate import Line, cuts, dropped, duplicates, kept, row_of, scores
from pipeline.reporting.graph import Graph, read_graph
from pipeline.reporting.words import count, figure
from pipeline.schema import DOCS, DROPPED, WEIGHTS
from pipeline.sequences import Sequences
from pipeline.tables import read_table

SHORTEST = 6  # hexadecimal digits of an id that may stand for the whole


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

    @property
    def params_yaml(self) -> Path:
        """The params file, beside dvc.yaml."""
        return self.root / "params.yaml"

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
        if "scores" in outs:
            yield from scores(stage, outs["scores"], pipeline.params_yaml, identifier)
        if "docs" not in outs:
            continue
        if not outs["docs"].exists():
            yield Line(stage, "has not run yet (dvc repro)", "yellow")
            return
        row = row_of(outs["docs"], DOCS, identifier)
        if row is None:
            yield from dropped(stage, outs.get("dropped"), identifier, (path for _, path in pipeline.tables("docs")))
            yield from cuts(outs.get("cuts"), identifier)
            return
        if before is None:
            yield Line("", f"{row['locator']}  ({row['source']}, domain {row['domain']})")
            yield Line(stage, f"read, {count(len(row['text'].encode()))} bytes")
        else:
            yield from kept(stage, before["text"], row["text"], most_lines)
        yield from cuts(outs.get("cuts"), identifier)
        yield from duplicates(outs.get("dropped"), identifier)
        if "weights.parquet" in outs:
            weight = row_of(outs["weights.parquet"], WEIGHTS, identifier)
            yield Line(
                "",
                f"weight {figure(weight['weight'])}, in passes of training" if weight else "no weight: balance is of another run",
            )
        before = row
    yield from _split(pipeline, identifier)


def _split(pipeline: Pipeline, identifier: str) -> Iterator[Line]:
    splits = pipeline.outs("split_docs")
    if not splits or not all(path.exists() for path in splits.values()):
        yield Line("split_docs", "has not run yet (dvc repro)", "yellow")
        return
    name = next((name for name, path in splits.items() if row_of(path, DOCS, identifier)), None)
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
