"""The results section: which family is best and why, every model's figures, tasks beside their baselines."""

from __future__ import annotations

from typing import Any

from pipeline.reporting import words
from pipeline.reporting.charts import Whisker, whisker_chart
from pipeline.reporting.inputs import Inputs
from pipeline.reporting.models import BASELINE, BITS, Budget, Result, family_name, verdict

Section = dict[str, Any]

HEADLINE_METRICS = {"classification": "accuracy", "summarization": "rougeL"}
COLUMNS = {"num_parameters": "Parameters", "size_bytes": "Size", BITS: "Bits per byte", "stereotype_score": "Stereotype score"}
TASK_NOTES = {
    "classification": "Which package or author a passage is from, its own name masked.",
    "summarization": "The first line of a docstring, or sentence of a paragraph, from the rest of it; ROUGE counts shared words.",
}
OWN_SECTIONS = {
    "size",
    "language_modeling",
    "stereotypes",
    "compression",
    "generation",
}  # tasks that are columns of the models' table


def is_baseline(row: Result) -> bool:
    """Whether a result is a rule of thumb's, not a model's."""
    return row.model.startswith(BASELINE)


def orders(inputs: Inputs) -> dict[str, int]:
    """The order of each n-gram model that params.yaml trains."""
    variants = inputs.params.get("pretrain") or {}
    return {name: section["order"] for name, section in variants.items() if isinstance(section, dict) and "order" in section}


def results(inputs: Inputs) -> Section:
    """Everything that evaluation found, in words, whiskers and tables."""
    ranked, pretrained = inputs.results.language_models(), inputs.models("pretrain")
    mine = [row for row in ranked if row.model in pretrained]
    metrics = [metric for metric in COLUMNS if any(row.metric == metric for row in inputs.results.rows)]
    names = {row.model: family_name(row.family, orders(inputs).get(row.model)) for row in ranked}
    return {
        "heading": f"The {names[mine[0].model]} predicts best" if len(mine) > 1 else "What the model can do",
        "verdict": verdict(inputs.results, pretrained, _budgets(inputs), orders(inputs)),
        "drawing": _whiskers(ranked, names) if ranked else None,
        "columns": [COLUMNS[metric] for metric in metrics],
        "models": [_model_row(inputs, row, metrics, names[row.model], best=row is ranked[0]) for row in ranked],
        "notes": [*_compression(inputs), *_reading(metrics), *_absent(inputs)],
        "tasks": _tasks(inputs),
    }


def _whiskers(ranked: list[Result], names: dict[str, str]) -> Any:
    rows = [Whisker(f"{row.model} · {names[row.model]}", row.value, row.low, row.high, accent=row is ranked[0]) for row in ranked]
    said = ", ".join(f"{row.model} {words.figure(row.value)} {words.interval(row.low, row.high)}".rstrip() for row in ranked)
    return whisker_chart(
        rows, title="Bits per byte by model", description=f"Best first: {said}.", x_label="bits per byte (lower is better)"
    )


def _model_row(inputs: Inputs, row: Result, metrics: list[str], name: str, *, best: bool) -> Section:
    cells = []
    for metric in metrics:
        found = inputs.results.find(row.model, metric)
        if found is None:
            cells.append({"value": "–", "note": ""})
        elif metric == "size_bytes":
            cells.append({"value": words.size(found.value), "note": ""})
        elif metric == "num_parameters":
            cells.append({"value": words.count(found.value), "note": ""})
        else:
            cells.append({"value": words.figure(found.value), "note": words.interval(found.low, found.high)})
    return {"name": f"{row.model} · {name}", "cells": cells, "best": best}


def _reading(metrics: list[str]) -> list[str]:
    """How to read the columns that need it."""
    if "stereotype_score" not in metrics:
        return []
    return ["Stereotype score: the share of sentence pairs in which the stereotyped one is likelier; 0.5 would be no preference."]


def _compression(inputs: Inputs) -> list[str]:
    """What compression saved and what it cost, for each compressed model."""
    said = []
    for name in inputs.models("compress"):
        cost = inputs.results.find(name, "bits_per_byte_above_parent")
        report = inputs.report("compress")
        saved = (
            f"{words.size(report['bytes_after'])} instead of {words.size(report['bytes_before'])}"
            if "bytes_after" in report
            else ""
        )
        if cost is not None:
            more = (
                f"{cost.value:+.4f} bits per byte [{cost.low:+.4f}, {cost.high:+.4f}]"
                if cost.low is not None and cost.high is not None
                else f"{cost.value:+.4f} bits per byte"
            )
            saved = f"{saved or 'smaller weights'} cost {more} against the original"
        if saved:
            said.append(f"{name}: {saved}.")
    return said


def _absent(inputs: Inputs) -> list[str]:
    """What the usual pipeline has and this one leaves out."""
    trained, tuned = inputs.models("pretrain"), inputs.models("finetune")
    families = {row.family for row in inputs.results.language_models()}
    said = [
        f"No {family_name(family)} was trained: params.yaml has none under pretrain."
        for family in ("gpt", "lstm", "ngram")
        if family not in families
    ]
    said += [f"{name} was trained but not evaluated." for name in trained if inputs.results.find(name, BITS) is None]
    return said + ([] if tuned else ["No task was fine-tuned: params.yaml has none under finetune."])


def _budgets(inputs: Inputs) -> dict[str, Budget]:
    budgets = {}
    for name in inputs.models("pretrain"):
        size, report = inputs.results.find(name, "num_parameters"), inputs.report(f"pretrain@{name}")
        if size is not None:
            budgets[name] = Budget(size.value, report.get("tokens_seen", 0.0), float(inputs.train.num_tokens))
    return budgets


def _tasks(inputs: Inputs) -> list[Section]:
    """One table for each task with metrics of its own."""
    tasks = dict.fromkeys(row.task for row in inputs.results.rows if row.task not in OWN_SECTIONS)
    return [_task(task, inputs.results.of_task(task)) for task in tasks]


def _task(task: str, rows: list[Result]) -> Section:
    metrics = list(dict.fromkeys(row.metric for row in rows))
    models = sorted(dict.fromkeys(row.model for row in rows), key=lambda name: (name.startswith(BASELINE), name))
    table = {(row.model, row.metric): row for row in rows}
    return {
        "name": task.replace("_", " ").capitalize(),
        "sentence": f"{TASK_NOTES.get(task, '')} {_against_baseline(rows, metrics)}".strip(),
        "metrics": metrics,
        "rows": [
            {
                "name": name.replace(BASELINE, "baseline: ").replace("_", " "),
                "baseline": name.startswith(BASELINE),
                "cells": [_task_cell(table.get((name, metric))) for metric in metrics],
            }
            for name in models
        ],
    }


def _against_baseline(rows: list[Result], metrics: list[str]) -> str:
    """Whether the best model beats the best baseline on the first metric that both have, in one sentence."""
    for metric in metrics:
        model = max((r for r in rows if r.metric == metric and not is_baseline(r)), key=lambda r: r.value, default=None)
        base = max((r for r in rows if r.metric == metric and is_baseline(r)), key=lambda r: r.value, default=None)
        if model is None or base is None:
            continue
        beats = "beats" if model.value > base.value else "does not beat"
        return (
            f"The tuned model {beats} the baseline: {metric} {words.figure(model.value)} against {words.figure(base.value)}, "
            f"on {words.count(model.count)} examples."
        )
    return ""


def _task_cell(row: Result | None) -> Section:
    if row is None:
        return {"value": "–", "note": "", "width": None}
    width = f"{100 * row.value:.1f}" if 0 <= row.value <= 1 else None
    return {"value": words.figure(row.value), "note": words.interval(row.low, row.high), "width": width}
