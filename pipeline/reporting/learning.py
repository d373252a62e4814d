"""The sections on training curves, on what models write, and on what everything was made from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.manifest import read_manifest
from pipeline.reporting import words
from pipeline.reporting.charts import Series, line_chart
from pipeline.reporting.inputs import Inputs
from pipeline.reporting.records import Curve, read_curve, read_json, read_lock
from pipeline.reporting.scores import orders

Section = dict[str, Any]

NOT_DRAWN = {"lr", "grad_norm", "epoch"}  # columns of a curve that say how it was trained, not how well
AXES = {"tokens": "training tokens", "order": "order of the n-gram model"}
SHOWN_AT_ONCE = 3  # prompts; the others unfold


def curves(inputs: Inputs, most_points: int) -> Section:
    """Validation bits per byte of all families together, then the loss of each training."""
    pretraining = _read(inputs, "pretrain", most_points)
    tuning = _read(inputs, "finetune", most_points)
    figures = []
    together = {
        name: curve.columns["val_bits_per_byte"] for name, curve in pretraining.items() if curve.columns.get("val_bits_per_byte")
    }
    if together:
        figures.append(_together(together, {name: curve.x_label for name, curve in pretraining.items()}))
    counted = orders(inputs)  # an n-gram model's curve is over its order
    figures += [
        _figure(f"Pretraining {name}", c, "order" if name in counted else c.x_label)
        for name, c in pretraining.items()
        if c.columns
    ]
    figures += [_figure(f"Fine-tuning {name}", c, c.x_label) for name, c in tuning.items() if c.columns]
    empty = [name for name, curve in {**pretraining, **tuning}.items() if not curve.columns]
    notes = [f"{name} has an empty curve." for name in empty]
    if not tuning:
        notes.append("No task was fine-tuned, so there is no curve of it.")
    return {
        "figures": figures,
        "notes": notes,
        "summary": "Each line ends at what training ended with; flat ends mean that more steps would have changed little.",
    }


def _read(inputs: Inputs, stage: str, most: int) -> dict[str, Curve]:
    return {name: read_curve(path.with_name(f"{path.name}.csv"), most) for name, path in inputs.models(stage).items()}


def _together(columns: Mapping[str, list[tuple[float, float]]], axes: Mapping[str, str]) -> Section:
    """Trained families as lines over tokens; one whose curve is over something else (n-gram orders) as a dashed level."""
    trained = [point for name, points in columns.items() if axes[name] == "tokens" and len(points) > 1 for point in points]
    extent = (min((x for x, _ in trained), default=0.0), max((x for x, _ in trained), default=1.0))
    series = []
    for index, (name, points) in enumerate(columns.items()):
        level = axes[name] != "tokens" or len(points) < 2 or points[-1][0] < 0.05 * extent[1]
        line = [(extent[0], points[-1][1]), (extent[1], points[-1][1])] if level else points
        series.append(Series(name, line, index, dashed=level))
    said = ", ".join(f"{s.name} {words.figure(s.points[-1][1])}" for s in series)
    drawing = line_chart(series, title="Validation bits per byte", description=f"At the end: {said}.", x_label="training tokens")
    dashed = [s.name for s in series if s.dashed]
    caption = (
        f"On the validation split, as training goes on. {', '.join(dashed)}: the final figure, dashed."
        if dashed
        else "On the validation split, as training goes on."
    )
    return {"title": "All families, bits per byte", "caption": caption, "drawing": drawing}


def _figure(title: str, curve: Curve, x_label: str) -> Section:
    """The losses of one training, or, without any, whatever was measured."""
    lines = {name: points for name, points in curve.columns.items() if name not in NOT_DRAWN}
    losses = {name: points for name, points in lines.items() if "loss" in name}
    shown = losses or lines
    series = [Series(name.replace("_", " "), points, index) for index, (name, points) in enumerate(shown.items())]
    said = "; ".join(f"{s.name} from {words.figure(s.points[0][1])} to {words.figure(s.points[-1][1])}" for s in series)
    drawing = line_chart(
        series, title=f"{title}: loss", description=f"{said}.", x_label=AXES.get(x_label, x_label), size=(520, 220)
    )
    return {"title": title, "caption": f"{said[:1].upper()}{said[1:]}{' (nats)' if losses else ''}.", "drawing": drawing}


def samples(inputs: Inputs, per_prompt: int, most_chars: int) -> Section:
    """Some continuations of each prompt, some answers to each task. Raises InputError for a file of another form."""
    path = inputs.out("evaluate", "samples.json")
    content = read_json(path)
    try:
        rows = [(row["prompt"], row["model"], list(row["texts"])) for row in content["generation"]]
        answers = [{key: str(value) for key, value in row.items()} for row in content["tasks"]]
        tasks = [
            _answers(task, [row for row in answers if row["task"] == task], most_chars)
            for task in dict.fromkeys(a["task"] for a in answers)
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not what evaluate writes ({error!r}); run evaluate again") from error
    prompts: dict[str, list[Section]] = {}
    for prompt, model, texts in rows:
        prompts.setdefault(prompt, []).append(
            {"name": model, "texts": [words.clipped(text, most_chars) for text in texts[:per_prompt]]}
        )
    return {
        "prompts": [{"text": prompt, "models": models} for prompt, models in prompts.items()],
        "shown": SHOWN_AT_ONCE,
        "summary": f"Up to {per_prompt} continuations by each model; all, with their seeds, are in {path.name}.",
        "tasks": tasks,
    }


def _answers(task: str, rows: list[dict[str, str]], most_chars: int) -> Section:
    """Answers of one task: its input, the target, then one column per model and baseline."""
    columns = list(dict.fromkeys(key for row in rows for key in row if key not in {"task", "input"}))
    table = [
        [words.clipped(row["input"], most_chars), *(words.clipped(row.get(c, ""), most_chars) for c in columns)] for row in rows
    ]
    return {
        "name": task.capitalize(),
        "columns": ["input", *(c.replace("baseline:", "baseline: ").replace("_", " ") for c in columns)],
        "rows": table,
    }


def provenance(inputs: Inputs) -> Section:
    """Versions, params and, for every model, what its manifest records."""
    main, others = read_lock(inputs.lock)
    models = [
        _model(f"{stage}@{name}" if stage != "compress" else f"{stage} {name}", path)
        for stage in ("pretrain", "finetune", "compress")
        for name, path in inputs.models(stage).items()
    ]
    return {"main": main, "others": others, "models": models, "params": inputs.params_yaml.read_text(encoding="utf-8")}


def _model(name: str, directory: Path) -> Section:
    manifest = read_manifest(directory)
    facts = [
        (key, str(value)) for key, value in sorted((manifest.get("facts") or {}).items()) if not isinstance(value, dict | list)
    ]
    libraries = ", ".join(f"{key} {value}" for key, value in sorted((manifest.get("libraries") or {}).items()))
    if libraries:
        facts.append(("libraries", libraries))
    hashes = [("file", file, digest) for file, digest in sorted(manifest["files"].items())]
    for source, digest in sorted((manifest.get("inputs") or {}).items()):
        entries = sorted(digest.items()) if isinstance(digest, dict) else [("", digest)]
        hashes += [("made from", f"{source}/{file}".rstrip("/"), value) for file, value in entries]
    return {"name": name, "facts": facts, "hashes": hashes}
