"""``python -m pipeline impact``: does a filter delete text about a group? Also by domain and language."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath

from rich.console import Console
from rich.table import Table

from pipeline.errors import MissingInputError
from pipeline.filters.bounds import Bounds
from pipeline.params import parse
from pipeline.reporting.graph import Graph, read_graph
from pipeline.reporting.impact import Impact, Source, impacts
from pipeline.reporting.words import count, percent

WIDEST = 150  # columns of the tables: a narrower terminal wraps their lines
LEDGER, JUDGE = "score_docs", "filter_docs"


def main(argv: Sequence[str]) -> None:
    """Print what the filters did. Raises MissingInputError, SchemaError, ParamsError."""
    parser = argparse.ArgumentParser(prog="python -m pipeline impact", description="what each filter did to groups of texts")
    parser.add_argument("--dvc", type=Path, default=Path("dvc.yaml"), help="default: dvc.yaml; data lie beside it")
    parser.add_argument("--all", action="store_true", help="every comparison, not only what is marked")
    parser.add_argument("--domains", type=int, default=20, help="largest domains to compare, the others as one (default: 20)")
    parser.add_argument("--json", type=Path, help="write every comparison there too")
    arguments = parser.parse_args(argv)
    sources = list(find_sources(arguments.dvc))
    if not sources:
        raise MissingInputError(f"{arguments.dvc}: no stage has removed documents yet; run the pipeline first (dvc repro)")
    found = impacts(sources, most_domains=max(arguments.domains, 0))
    console = Console(highlight=False, soft_wrap=True)
    console.width = max(console.width, WIDEST)
    for line in verdict(found):
        console.print(line)
    for axis in ("group", "domain", "language"):
        rows = [row for row in found if row.axis == axis and (arguments.all or row.marked)]
        if rows:
            console.print(table(axis, rows))
    if arguments.json:
        arguments.json.write_text(json.dumps([record(row) for row in found], indent=1) + "\n", encoding="utf-8")


def find_sources(dvc_yaml: Path) -> Iterator[Source]:
    """The stages that remove documents, from the one that judges the ledger on, as far as they have run."""
    graph, params_yaml = read_graph(dvc_yaml, dvc_yaml.with_name("params.yaml")), dvc_yaml.with_name("params.yaml")
    before: Path | None = None
    judged = False
    for stage in dict.fromkeys(node.stage for node in graph.nodes):
        outs = {PurePosixPath(out).name: dvc_yaml.parent / out for out in graph.outs(stage)}
        if "docs" not in outs:
            continue
        judged |= stage == JUDGE
        if judged and before is not None and "dropped" in outs and outs["dropped"].exists() and before.exists():
            yield _ledger(graph, params_yaml, before) if stage == JUDGE else Source(stage, before, dropped=outs["dropped"])
        before = outs["docs"]


def _ledger(graph: Graph, params_yaml: Path, docs: Path) -> Source:
    scores = next(params_yaml.parent / out for out in graph.outs(LEDGER))
    bounds = parse(params_yaml, f"{JUDGE}.bounds", dict[str, Bounds])
    return Source(JUDGE, docs, scores=scores, bounds=bounds)


def verdict(found: Sequence[Impact]) -> Iterator[str]:
    """The answer in a few sentences: who is deleted, who is spared, how many comparisons there were."""
    groups = [row for row in found if row.axis == "group"]
    for deleted, verb in ((True, "more often"), (False, "less often")):
        rows = [row for row in groups if (row.deletes if deleted else row.spares)]
        if not rows:
            yield f"No filter removes documents about a group {verb} than other documents of their length."
            continue
        rows.sort(key=lambda row: -abs(row.effect.at_equal_length))
        named = ", ".join(f"{row.name} by {row.rule}" for row in rows[:5])
        more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        yield f"Removed {verb} than other documents of their length: {named}{more}."
    yield (
        f"{len(found):,} comparisons; marked where the 95 % interval excludes 0 and q ≤ 0.05 "
        "(● also at equal length, ○ explained by length)."
    )


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
