"""The closing tables, from a finished run's files."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from flows.dag import Graph
from flows.summary import Result, figure, model_table, show, stage_table, task_table, tokens_per_second
from pipeline.schema import RESULTS
from pipeline.tables import write_table
from tests.flows.projects import Project

DVC_YAML = """
stages:
  clean:
    cmd: a
    metrics: [{clean.json: {cache: false}}]
  pretrain:
    foreach: [gpt, lstm]
    do:
      cmd: b
      deps: [clean.json]
      metrics: [{"pretrain-${item}.json": {cache: false}}]
  evaluate:
    cmd: c
    outs: [results.parquet]
  report:
    cmd: d
    outs: [page.html]
"""


def row(model: str, task: str, metric: str, value: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    figures = {"value": value, "low": low, "high": high, "count": 50}
    return {"model": model, "family": model[:4], "task": task, "metric": metric, **figures}


ROWS = [
    row("lstm", "size", "num_parameters", 2_000_000),
    row("lstm", "language_modeling", "bits_per_byte", 2.5, 2.4, 2.6),
    row("gpt", "size", "num_parameters", 1_234_567),
    row("gpt", "language_modeling", "bits_per_byte", 1.5, 1.45, 1.55),
    row("classification", "classification", "f1", 0.8, 0.7, 0.9),
    row("baseline:majority", "classification", "f1", 0.1, 0.05, 0.15),
    row("gpt", "generation", "distinct_2", 0.9),
]


@pytest.fixture(scope="module")
def graph(new_project: Callable[..., Project]) -> Graph:
    project = new_project(DVC_YAML)
    project.write("clean.json", '{"docs_in": 12000, "docs_out": 9000}')
    project.write("pretrain-gpt.json", '{"tokens_seen": 5000000}')
    costs = project.root / ".scratch" / "costs"
    costs.mkdir(parents=True)
    (costs / "pretrain@gpt.json").write_text(json.dumps({"wall_seconds": 200.0}))
    write_table(pa.Table.from_pylist(ROWS, RESULTS), project.root / "results.parquet")
    return Graph(project.root)


def cells(table: Any) -> list[list[str]]:
    return [list(line) for line in zip(*(list(column.cells) for column in table.columns), strict=True)]


def test_models_come_best_first_with_size_interval_and_speed(graph: Graph) -> None:
    did = {"pretrain@gpt": "Completed", "pretrain@lstm": "Completed"}
    assert cells(model_table(ROWS, graph, did)) == [
        ["gpt", "gpt", "1,234,567", "1.500 (1.450–1.550)", "25,000"],
        ["lstm", "lstm", "2,000,000", "2.500 (2.400–2.600)", "–"],
    ]


def test_speed_of_a_model_that_was_not_trained_now_is_unknown(graph: Graph) -> None:
    assert tokens_per_second(graph, "pretrain@gpt", {"pretrain@gpt": "Restored"}) == "–"
    assert tokens_per_second(graph, "pretrain@gpt", {"pretrain@gpt": "Completed"}) == "25,000"


def test_tasks_stand_beside_their_baselines(graph: Graph) -> None:
    expected = ["classification", "f1", "classification", "0.800 (0.700–0.900)", "majority", "0.100 (0.050–0.150)", "50"]
    assert cells(task_table(ROWS)) == [expected]


def test_a_figure_without_interval_shows_none() -> None:
    assert figure(row("gpt", "generation", "distinct_2", 0.9)) == "0.900"


def test_stages_show_documents_and_a_failure_its_own_message(graph: Graph) -> None:
    results = [Result("clean", "Completed", "not made yet", 3.21), Result("evaluate", "Failed", "line\nerror: x.y = 3", 1.0)]
    assert cells(stage_table(graph, results)) == [
        ["clean", "Completed", "3.2", "12,000", "9,000", "not made yet"],
        ["evaluate", "Failed", "1.0", "–", "–", "error: x.y = 3"],
    ]


def test_figures_of_an_earlier_run_are_not_shown_as_this_one_s(graph: Graph, capsys: pytest.CaptureFixture[str]) -> None:
    show(graph, [Result("evaluate", "Failed", "no", 1.0), Result("report", "Skipped", "needs evaluate", 0.0)])
    assert "bits per byte" not in capsys.readouterr().out
    show(graph, [Result("evaluate", "Unchanged", "", 0.0), Result("report", "Unchanged", "", 0.0)])
    printed = capsys.readouterr().out
    assert "1.500 (1.450–1.550)" in printed
    assert printed.endswith(f"Report: {graph.root / 'page.html'}\n")
