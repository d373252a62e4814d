"""The closing tables on the terminal: what each stage did, what each model and each task came to, where the report lies."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.dag import Graph
from flows.stage import COMPLETED, FAILED, RESTORED, UNCHANGED, headline
from pipeline.schema import RESULTS
from pipeline.tables import read_table

GOOD = {UNCHANGED, RESTORED, COMPLETED}
BASELINE = "baseline:"
WIDTH_OFF_TERMINAL = 120
Row = dict[str, Any]  # of RESULTS


@dataclass(frozen=True)
class Result:
    """What became of a stage."""

    stage: str
    did: str
    """Unchanged, Restored or Completed; Failed, Stopped, Crashed, or Skipped when a stage that it needs failed."""
    why: str
    """Why it ran or did not; the last lines of one that failed."""
    seconds: float


def counts(results: list[Result]) -> str:
    """``3 completed, 14 unchanged``."""
    return ", ".join(f"{count} {did.lower()}" for did, count in Counter(r.did for r in results).most_common())


def show(graph: Graph, results: list[Result]) -> None:
    """Print the stages; models, tasks and the report's path too where this run brought them up to date."""
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH_OFF_TERMINAL
    did = {r.stage: r.did for r in results}
    console.print(stage_table(graph, results))
    if did.get("evaluate") in GOOD:
        tables = [graph.root / path for path in graph.stages["evaluate"].outs if path.suffix == ".parquet"]
        rows = [row for path in tables for row in read_table(path, RESULTS).to_pylist()]
        console.print(model_table(rows, graph, did), task_table(rows))
    if did.get("report") in GOOD:
        for path in (path for path in graph.stages["report"].outs if path.suffix == ".html"):
            console.print(f"Report: {graph.root / path}", soft_wrap=True)


def stage_table(graph: Graph, results: list[Result]) -> Table:
    """A row per stage: what it did and why, for how long, and the documents that its report counts."""
    table = _table("Stages", ["stage", "did", "seconds", "documents in", "documents out", "why"], right=(2, 3, 4))
    for r in results:
        report = read_report(graph, r.stage) if r.did in GOOD else {}
        documents = [_whole(report.get("docs_in")), _whole(report.get("docs_out"))]  # ingest has no input
        why = headline(r.why) if r.did == FAILED else r.why
        table.add_row(r.stage, r.did, f"{r.seconds:.1f}", *documents, why)
    return table


def model_table(rows: list[Row], graph: Graph, did: dict[str, str]) -> Table:
    """A row per language model, the best first: its size, bits per byte with 95 % interval, and training tokens per second."""
    table = _table("Models", ["model", "family", "parameters", "bits per byte", "tokens/s"], right=(2, 3, 4))
    sizes = {row["model"]: row["value"] for row in rows if row["metric"] == "num_parameters"}
    for row in sorted((row for row in rows if row["metric"] == "bits_per_byte"), key=lambda row: (row["value"], row["model"])):
        speed = tokens_per_second(graph, f"pretrain@{row['model']}", did)
        table.add_row(row["model"], row["family"], _whole(sizes.get(row["model"])), figure(row), speed)
    return table


def task_table(rows: list[Row]) -> Table:
    """A row per metric of each task that has a baseline: the model's value beside the baseline's."""
    table = _table("Tasks", ["task", "metric", "model", "value", "baseline", "its value", "examples"], right=(3, 5, 6))
    baselines = {(row["task"], row["metric"]): row for row in rows if row["model"].startswith(BASELINE)}
    for row in rows:
        beside = baselines.get((row["task"], row["metric"]))
        if beside and row is not beside:
            name = beside["model"].removeprefix(BASELINE)
            table.add_row(row["task"], row["metric"], row["model"], figure(row), name, figure(beside), _whole(row["count"]))
    return table


def figure(row: Row) -> str:
    """``1.234 (1.220–1.250)``: a value with its interval, where it has one."""
    interval = "" if row["low"] is None else f" ({row['low']:.3f}–{row['high']:.3f})"
    return f"{row['value']:.3f}{interval}"


def tokens_per_second(graph: Graph, stage: str, did: dict[str, str]) -> str:
    """Training tokens per second of wall time, or a dash for a stage that did not run now."""
    costs = graph.root / ".scratch" / "costs" / f"{stage}.json"
    if did.get(stage) != COMPLETED or not costs.is_file():
        return "–"
    tokens = read_report(graph, stage).get("tokens_seen")
    return "–" if tokens is None else _whole(tokens / read_json(costs)["wall_seconds"])


def read_report(graph: Graph, stage: str) -> dict[str, float]:
    """All figures of a stage's reports; none where no report is there."""
    paths = [graph.root / path for path in graph.stages[stage].metrics]
    return {key: value for path in paths if path.is_file() for key, value in read_json(path).items()}


def read_json(path: Path) -> dict[str, float]:
    """A JSON object of numbers."""
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _table(title: str, names: list[str], right: tuple[int, ...]) -> Table:
    table = Table(title=title, title_justify="left")
    for index, name in enumerate(names):
        table.add_column(name, justify="right" if index in right else "left", overflow="fold")
    return table


def _whole(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
