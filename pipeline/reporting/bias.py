"""The section on bias: whom the corpus speaks of, and beside which work, after each stage and as training sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from markupsafe import Markup

from pipeline.bias.measures import (
    AXES,
    F64,
    GROUPS,
    OCCUPATION_NAMES,
    WINDOW,
    association_bits,
    axis_members,
    log_odds,
    measure,
    shares,
)
from pipeline.errors import SchemaError
from pipeline.reporting import words
from pipeline.reporting.charts import Series, heat_map, line_chart
from pipeline.reporting.inputs import Inputs
from pipeline.schema import DOCS, WEIGHTS
from pipeline.tables import read_shards, read_table

Section = dict[str, Any]

FEWEST_MENTIONS = 20  # of an axis, below which its shares are noise: 1 in 20 is 5 points
FEWEST = 5  # meetings of a group with an occupation below which an odds ratio says nothing
SIGNIFICANT = 1.96  # |z| of a two-sided test at 5 %
STRONGEST = 2.0  # log odds drawn in the full colour: e² ≈ 7.4 times as likely


@dataclass(frozen=True)
class Snapshot:
    """What one stage's documents say: texts per group (G), meetings of group and occupation (G, O), weighted or not."""

    name: str
    documents: F64
    meetings: F64


def bias(inputs: Inputs, occupations: int) -> Section:
    """Representation and association after each stage; the last point is as training sees it."""
    shots = [_snapshot(step.stage, inputs.out(step.stage, "docs"), _weights(inputs, step.stage)) for step in inputs.steps]
    mentions = {axis: float(shots[0].documents[axis_members(axis)].sum()) for axis in AXES}
    axes = [axis for axis in AXES if mentions[axis] >= FEWEST_MENTIONS]
    met = [axis for axis in AXES if shots[0].meetings[axis_members(axis)].sum() >= FEWEST_MENTIONS]
    return {
        "summary": _summary(mentions),
        "axes": [*(_axis(axis, shots) for axis in axes), *([_bits(met, shots)] if met else [])],
        "stages": [shot.name for shot in shots],
        "shares": [
            [GROUPS[g], *(_share(shot, g) for shot in shots)] for axis in AXES if mentions[axis] for g in axis_members(axis)
        ],
        **_associations(shots[0], shots[-1], occupations),
    }


def _weights(inputs: Inputs, stage: str) -> Path | None:
    return inputs.out(stage, "weights.parquet") if inputs.has_out(stage, "weights.parquet") else None


def _snapshot(name: str, docs: Path, weights: Path | None) -> Snapshot:
    """Measure a DOCS table, one shard in memory at a time."""
    documents, meetings = np.zeros(len(GROUPS)), np.zeros((len(GROUPS), len(OCCUPATION_NAMES)))
    table = read_table(weights, WEIGHTS) if weights else None
    for shard in read_shards(docs, DOCS, ["id", "text"]):
        weight = None
        if table is not None:
            found = pc.take(table["weight"], pc.index_in(shard["id"], table["id"]))
            if found.null_count:
                raise SchemaError(f"{weights}: {found.null_count} documents of {docs} have no weight; run balance again")
            weight = found.to_numpy()
        measures = measure(shard["text"])
        documents += measures.documents(weight)
        meetings += measures.cooccurrence(weight)
    return Snapshot(name, documents, meetings)


def _summary(mentions: Mapping[str, float]) -> str:
    """How to read the charts, and which axes have none."""
    silent = [axis for axis, number in mentions.items() if not number]
    seldom = [f"{axis} ({words.count(number)})" for axis, number in mentions.items() if 0 < number < FEWEST_MENTIONS]
    text = (
        "Each group's share of all mentions on its axis, one per document and group, after every stage; at the last stage a "
        "document counts by its training weight. A word list finds the groups, so compare the groups of one axis, not the axes."
    )
    text += f" Mentioned too seldom to draw: {', '.join(seldom)}." if seldom else ""
    return text + (f" Nothing mentions {' or '.join(silent)}." if silent else "")


def _share(shot: Snapshot, group: int) -> str:
    return words.percent(float(shares(shot.documents)[group]))


def _stage_names(shots: Sequence[Snapshot]) -> list[str]:
    return [words.clipped(shot.name.removesuffix("_docs"), 9) for shot in shots]


def _axis(axis: str, shots: Sequence[Snapshot]) -> Section:
    everyone = axis_members(axis)
    members = everyone[sum(shot.documents[everyone] for shot in shots) > 0]
    percent = np.stack([100 * shares(shot.documents)[members] for shot in shots])
    names = [GROUPS[g].partition("/")[2].replace("_", " ") for g in members]
    series = [
        Series(f"{name} {percent[-1, i]:.0f} %", list(enumerate(percent[:, i].tolist())), i) for i, name in enumerate(names)
    ]
    said = "; ".join(f"{name} {percent[0, i]:.1f} % → {percent[-1, i]:.1f} %" for i, name in enumerate(names))
    top = int(percent[0].argmax())
    never = [GROUPS[g].partition("/")[2].replace("_", " ") for g in everyone if g not in members]
    caption = (
        f"{words.count(float(shots[0].documents[members].sum()))} mentions as read. Largest: {names[top]}, "
        f"{percent[0, top]:.1f} % as read, {percent[-1, top]:.1f} % as trained on."
        + (f" Never: {', '.join(never)}." if never else "")
    )
    title = axis.replace("_", " ").capitalize()
    drawing = line_chart(
        series,
        title=f"{title}: share of each group",
        description=f"{said}.",
        categories=_stage_names(shots),
        label_width=140,
        from_zero=True,
    )
    return {"title": title, "caption": caption, "drawing": drawing}


def _bits(axes: Sequence[str], shots: Sequence[Snapshot]) -> Section:
    """How much a group tells of the occupation beside it, per axis and stage."""
    bits = [association_bits(shot.meetings) for shot in shots]
    series = [Series(axis.replace("_", " "), [(i, bit[axis]) for i, bit in enumerate(bits)], i) for i, axis in enumerate(axes)]
    said = "; ".join(f"{axis} {bits[0][axis]:.3f} → {bits[-1][axis]:.3f}" for axis in axes)
    drawing = line_chart(
        series,
        title="Association of group and occupation, bits",
        description=f"{said}.",
        categories=_stage_names(shots),
        label_width=140,
        from_zero=True,
    )
    return {
        "title": "Group and occupation",
        "caption": (
            "Mutual information in bits: 0 if the occupations near a group's words say nothing about the group. "
            "Few mentions push it up."
        ),
        "drawing": drawing,
    }


def _associations(first: Snapshot, last: Snapshot, most: int) -> Section:
    """Heat maps of log odds as read and as trained on, for the groups and occupations that meet often enough."""
    met = first.meetings * (first.meetings >= FEWEST)
    columns = [int(c) for c in np.argsort(-met.sum(axis=0), kind="stable")[:most] if met[:, c].sum() > 0]
    rows = [g for g in range(len(GROUPS)) if met[g, columns].sum() > 0]
    if len(columns) < 2 or len(rows) < 2:
        times = words.count(float(first.meetings.sum()))
        note = f"A group and an occupation stood within {WINDOW} words {times} times: too seldom to tell an association."
        return {"associations": [], "association_note": note}
    note = (
        f"How much likelier (orange) or unlikelier (blue) an occupation stands within {WINDOW} words of a group than of the "
        "other groups of its axis: the natural logarithm of the odds ratio. Figures where it is significant at 5 %; grey where "
        f"they met fewer than {FEWEST} times."
    )
    return {
        "association_note": note,
        "associations": [_map("As read", first, rows, columns), _map("As trained on", last, rows, columns)],
    }


def _map(title: str, shot: Snapshot, rows: list[int], columns: list[int]) -> Section:
    odds, z = log_odds(shot.meetings)
    enough = shot.meetings >= FEWEST
    values = [[(float(odds[g, c]), bool(abs(z[g, c]) > SIGNIFICANT)) if enough[g, c] else None for c in columns] for g in rows]
    strongest = max(
        ((abs(odds[g, c]), g, c) for g in rows for c in columns if enough[g, c] and abs(z[g, c]) > SIGNIFICANT), default=None
    )
    said = "No significant association."
    if strongest is not None:
        _, g, c = strongest
        said = f"Strongest: {GROUPS[g]} and {OCCUPATION_NAMES[c]}, {odds[g, c]:+.1f}."
    drawing: Markup = heat_map(
        values,
        [GROUPS[g].replace("_", " ") for g in rows],
        [OCCUPATION_NAMES[c] for c in columns],
        title=f"Groups and occupations, {title.lower()}",
        description=said,
        limit=STRONGEST,
    )
    return {"title": title, "caption": said, "drawing": drawing}
