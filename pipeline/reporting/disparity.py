"""The section on what filters do to groups: does a filter delete text about one?"""

from __future__ import annotations

from typing import Any

from pipeline.bias.measures import GROUPS
from pipeline.filters.bounds import Bounds
from pipeline.reporting import words
from pipeline.reporting.charts import Cell, heat_map
from pipeline.reporting.impact import JUDGE, LEDGER, Impact, impacts, judged, verdict
from pipeline.reporting.inputs import Inputs

Section = dict[str, Any]

STRONGEST = 20.0  # percentage points drawn in the full colour
DOMAINS = 0  # the page shows groups and languages; `python -m pipeline impact` has the domains too


def disparity(inputs: Inputs) -> Section:
    """The answer in words, a map of filters and groups, and a table of what is significant."""
    stages = [(s.stage, inputs.out(s.stage, "docs"), _dropped(inputs, s.stage)) for s in inputs.steps]
    scores = inputs.out(LEDGER, "scores") if LEDGER in inputs.folders and inputs.has_out(LEDGER, "scores") else None
    bounds = {name: Bounds.model_validate(value) for name, value in inputs.params[JUDGE]["bounds"].items()}
    found = impacts(judged(stages, scores, bounds), most_domains=DOMAINS)
    groups = [row for row in found if row.axis == "group"]
    return {
        "summary": " ".join(verdict(found)),
        "drawing": _map(groups) if groups else None,
        "rows": [
            _row(row) for row in sorted(found, key=lambda row: -abs(row.effect.at_equal_length)) if row.deletes or row.spares
        ],
        "comparisons": words.count(len(found)),
    }


def _dropped(inputs: Inputs, stage: str) -> Any:
    return inputs.out(stage, "dropped") if inputs.has_out(stage, "dropped") else None


def _label(row: Impact) -> str:
    return row.rule if row.stage == JUDGE else f"{row.stage.removesuffix('_docs')}: {row.rule}"


def _map(rows: list[Impact]) -> Any:
    """Filters that removed something across, groups that are mentioned down."""
    columns = list(dict.fromkeys(map(_label, rows)))
    names = [group for group in GROUPS if any(row.name == group for row in rows)]
    cells: dict[tuple[str, str], Cell] = {
        (row.name, _label(row)): (100 * row.effect.at_equal_length, row.deletes or row.spares) for row in rows
    }
    return heat_map(
        [[cells.get((name, column)) for column in columns] for name in names],
        [name.replace("_", " ") for name in names],
        [words.clipped(column.replace("_fraction", ""), 20) for column in columns],
        title="Removal of texts about a group against other texts of their length",
        description=" ".join(verdict(rows)),
        limit=STRONGEST,
    )


def _row(row: Impact) -> list[str]:
    e = row.effect
    points = f"{100 * e.at_equal_length:+.1f} [{100 * e.at_equal_length_low:+.1f}, {100 * e.at_equal_length_high:+.1f}]"
    rates = [words.percent(e.inside_dropped / max(e.inside, 1)), words.percent(e.outside_dropped / max(e.outside, 1))]
    return [f"{row.name} ({row.axis})", _label(row), words.count(e.inside), *rates, points]
