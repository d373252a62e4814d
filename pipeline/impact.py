"""``python -m pipeline impact``: does a filter delete text about a group? Also by domain and language."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath

from rich.console import Console
from rich.table import Table

from pipeline.errors import MissingInputError
from pipeline.filters.bounds import Bounds
from pipeline.params import parse
from pipeline.reporting.graph import read_graph
from pipeline.reporting.impact import JUDGE, LEDGER, Impact, Source, impacts, judged, verdict
from pipeline.reporting.words import count, percent

WIDEST = 150  # columns of the tables: a narrower terminal wraps their lines


def main(argv: Sequence[str]) -> None:
    """Print what the filters did. Raises MissingInputError, SchemaError, ParamsError."""
    parser = argparse.ArgumentParser(prog="python -m pipeline impact", description="what each filter did to groups of texts")
    parser.add_argument("--dvc", type=Path, default=Path("dvc.yaml"), help="default: dvc.yaml; data lie beside it")
    parser.add_argument("--all", action="store_true", help="every comparison, not only what is marked")
    parser.add_argument("--domains", type=int, default=20, help="largest domains to compare, the others as one (default: 20)")
    parser.add_argument("--json", type=Path, help="write every comparison there too")
    arguments = parser.parse_args(argv)
    sources = find_sources(arguments.dvc)
    if not sources:
        raise MissingInputError(f"{arguments.dvc}: no stage has removed documents yet; run the pipeline first (dvc repro)")
    found = impacts(sources, most_domains=max(arguments.domains, 0))
    console = Console(highlight=False, soft_wrap=True)
    console.width = max(console.width, WIDEST)
    for line in verdict(found):
        console.print(line)
    console.print(
        f"{len(found):,} comparisons; marked where the 95 % interval excludes 0 and q ≤ 0.05: ● also at equal length, ○ not."
    )
    for axis in ("group", "domain", "language"):
        rows = [row for row in found if row.axis == axis and (arguments.all or row.marked)]
        if rows:
            console.print(table(axis, rows))
    if arguments.json:
        arguments.json.write_text(json.dumps([record(row) for row in found], indent=1) + "\n", encoding="utf-8")


def find_sources(dvc_yaml: Path) -> list[Source]:
    """The stages that remove documents, as far as they have run."""
    root = dvc_yaml.parent
    graph, params_yaml = read_graph(dvc_yaml, dvc_yaml.with_name("params.yaml")), dvc_yaml.with_name("params.yaml")
    stages = []
    for stage in dict.fromkeys(node.stage for node in graph.nodes):
        outs = {PurePosixPath(out).name: root / out for out in graph.outs(stage)}
        if "docs" in outs and outs["docs"].exists():
            stages.append((stage, outs["docs"], outs.get("dropped")))
    scores = next((root / out for out in graph.outs(LEDGER)), None)
    bounds = parse(params_yaml, f"{JUDGE}.bounds", dict[str, Bounds])
    return judged(stages, scores if scores is not None and scores.exists() else None, bounds)


def table(axis: str, rows: Sequence[Impact]) -> Table:
    """One line per comparison, the largest difference first."""
    out = Table(title=f"By {axis}", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in ("filter", axis):
        out.add_column(name, no_wrap=True)
    for name in ("documents", "removed", "of others", "difference [95 %]", "at equal length [95 %]", "share before → after", ""):
        out.add_column(name, justify="right")
    for row in sorted(rows, key=lambda row: -row.effect.difference):
        e = row.effect
        rate_in, rate_out = e.inside_dropped / max(e.inside, 1), e.outside_dropped / max(e.outside, 1)
        mark = "●" if row.deletes or row.spares else "○" if row.marked else ""
        out.add_row(
            row.rule if row.stage == JUDGE else f"{row.stage}: {row.rule}",
            row.name,
            count(e.inside),
            percent(rate_in),
            percent(rate_out),
            _points(e.difference, e.low, e.high),
            _points(e.at_equal_length, e.at_equal_length_low, e.at_equal_length_high),
            f"{percent(e.share_before, 2)} → {percent(e.share_after, 2)}",
            mark,
            style="red" if row.deletes else "green" if row.spares else "" if row.marked else "dim",
        )
    return out


def _points(value: float, low: float, high: float) -> str:
    return f"{100 * value:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"


def record(row: Impact) -> dict[str, object]:
    """The comparison as a flat object; rates, shares and differences are 0 to 1."""
    marks = {
        "q": row.q,
        "q_at_equal_length": row.q_at_equal_length,
        "marked": row.marked,
        "deletes": row.deletes,
        "spares": row.spares,
    }
    return {"stage": row.stage, "filter": row.rule, "axis": row.axis, "name": row.name, **asdict(row.effect), **marks}
