"""What a run leaves in the Prefect UI beside its logs: a table per stage report, and one of what ran and why."""

from __future__ import annotations

import re
from pathlib import Path

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows.dag import Graph, Stage
from flows.stage import headline
from flows.summary import GOOD, Result, read_json


def slug(name: str) -> str:
    """``pretrain@gpt`` as an artifact key, which takes a–z, 0–9 and dashes only: ``pretrain-gpt``."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def publish_report(stage: Stage, root: Path) -> None:
    """Show the stage's metrics, if it has any, as a table. Call it in the stage's task, to which Prefect attaches it."""
    reports = [read_json(root / path) for path in stage.metrics if (root / path).is_file()]
    rows = [{"measure": measure, "value": value} for report in reports for measure, value in report.items()]
    if rows:
        create_table_artifact(table=rows, key=slug(stage.name), description=f"Report of {stage.name}")


def publish_results(results: list[Result]) -> None:
    """Show what each stage did, why, and in how many seconds, as a table."""
    rows = [{"stage": r.stage, "did": r.did, "why": headline(r.why), "seconds": round(r.seconds, 1)} for r in results]
    create_table_artifact(table=rows, key="stages", description="What ran, and why")


def publish_page(graph: Graph, results: list[Result]) -> None:
    """Say where the HTML report lies. A browser opens no file from a server's page, so it is a path to copy, not a link."""
    made = [r.stage for r in results if r.stage == "report" and r.did in GOOD]
    for page in (path for name in made for path in graph.stages[name].outs if path.suffix == ".html"):
        text = f"The report of this run, to open in a browser:\n\n`{graph.root / page}`"
        create_markdown_artifact(text, key="report-page", description="The report of this run")
