"""RESULTS rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from pipeline.evaluation.intervals import Estimate

Row = dict[str, object]


def rows(model: str, family: str, task: str, figures: Mapping[str, Estimate]) -> list[Row]:
    """A RESULTS row for each metric of one model on one task."""
    head = {"model": model, "family": family, "task": task}
    return [{**head, "metric": metric, **asdict(estimate)} for metric, estimate in figures.items()]


def flat(results: list[Row]) -> dict[str, float]:
    """``metric/model`` → value, for a stage report."""
    return {f"{row['metric']}/{row['model']}": float(str(row["value"])) for row in results}
