"""What a run leaves in the Prefect UI beside its logs: a table per stage report, and one of what ran and why."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows.dag import Stage
from flows.summary import Result


def slug(name: str) -> str:
    """``pretrain@gpt`` as an artifact key, which takes a–z, 0–9 and dashes only: ``pretrain-gpt``."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def publish_report(stage: Stage, root: Path) -> None:
    """A table of the stage's metrics, if it has any. Call it in the stage's task, to which Prefect attaches it."""
    rows = [row for path in stage.metrics if (root / path).is_file() for row in report_rows(root / path)]
    if rows:
        create_table_artifact(table=rows, key=slug(stage.name), description=f"Report of {stage.name}")


def report_rows(path: Path) -> list[dict[str, Any]]:
    """The figures of a report, one row each: ``{"measure": "dropped/short", "value": 3}``."""
    report = json.loads(path.read_text(encoding="utf-8"))
    return [{"measure": measure, "value": value} for measure, value in report.items()]


def publish_results(results: list[Result]) -> None:
    """A table of what each stage did, why, and in how many seconds."""
    rows = [{"stage": r.stage, "did": r.did, "why": r.why, "seconds": round(r.seconds, 1)} for r in results]
    create_table_artifact(table=rows, key="stages", description="What ran, and why")


def publish_page(page: Path) -> None:
    """Where the HTML report lies. A browser opens no file from a page of a server, so it is a path to open, not a link."""
    create_markdown_artifact(f"Open in a browser: `{page}`", key="report-page", description="The report of this run")
