"""The head of the page, the drawn pipeline, and where the corpus went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow.compute as pc

from pipeline.reporting import dag, words
from pipeline.reporting.corpus import Loss, Split, Step
from pipeline.reporting.inputs import Inputs
from pipeline.reporting.models import family_name
from pipeline.reporting.sankey import Leak, Station, sankey
from pipeline.reporting.scores import HEADLINE_METRICS, is_baseline, orders

Section = dict[str, Any]

RULES_SHOWN = 12  # in the table of losses; the others unfold


def overview(inputs: Inputs) -> Section:
    """One sentence that says what was trained, and the key figures."""
    first, last, train = inputs.steps[0], inputs.steps[-1], inputs.splits[0]
    kept = f"{words.size(last.bytes_out)}, {words.percent(last.bytes_out / max(first.bytes_in, 1), 0)} of the bytes"
    per_token = float(pc.sum(inputs.train.documents["num_bytes"]).as_py() or 0) / max(inputs.train.num_tokens, 1)
    tiles = [
        _tile(words.count(first.docs_in), "documents read", words.size(first.bytes_in)),
        _tile(words.count(last.docs_out), "documents kept", kept),
        _tile(words.count(inputs.train.num_tokens), "training tokens", f"{words.figure(per_token)} bytes each"),
    ]
    headline = f"{words.size(train.num_bytes)} of text, and no model evaluated"
    ranked = [row for row in inputs.results.language_models() if row.model in inputs.models("pretrain")]
    if ranked:
        best, name = ranked[0], family_name(ranked[0].family, orders(inputs).get(ranked[0].model))
        size = inputs.results.find(best.model, "num_parameters")
        tiles.append(
            _tile(words.figure(best.value), f"bits per byte, {name}", f"95 % interval {words.interval(best.low, best.high)}")
        )
        of = f" of {words.count(size.value)} {'n-grams' if best.family == 'ngram' else 'parameters'}" if size else ""
        bits = words.figure(best.value)
        headline = f"A {name}{of}, trained on {words.size(train.num_bytes)} of text, predicts unseen text at {bits} bits per byte"
    tiles += [*_task_tiles(inputs), *_compression_tile(inputs)]
    lede = (
        f"{words.count(first.docs_in)} documents were read; {words.count(first.docs_in - last.docs_out)} were removed, each by "
        f"a rule that is named below. {_families(inputs)} learned from what was left."
    )
    return {"headline": headline.replace("A LSTM", "An LSTM") + ".", "lede": lede, "tiles": tiles}


def _compression_tile(inputs: Inputs) -> list[Section]:
    report = inputs.report("compress")
    if "bytes_after" not in report or not report.get("bytes_before"):
        return []
    share = report["bytes_after"] / report["bytes_before"]
    return [
        _tile(
            words.size(report["bytes_after"]),
            "compressed model",
            f"{words.percent(share, 0)} of {words.size(report['bytes_before'])}",
        )
    ]


def _families(inputs: Inputs) -> str:
    names = [
        f"a {family_name(row.family, orders(inputs).get(row.model))}"
        for row in inputs.results.language_models()
        if row.model in inputs.models("pretrain")
    ]
    text = " and ".join(", ".join(sorted(names)).rsplit(", ", 1)).replace("a LSTM", "an LSTM")
    return text[:1].upper() + text[1:] if text else "No model"


def _task_tiles(inputs: Inputs) -> list[Section]:
    tiles = []
    for task, metric in HEADLINE_METRICS.items():
        rows = [row for row in inputs.results.of_task(task) if row.metric == metric]
        mine = next((row for row in rows if not is_baseline(row)), None)
        base = max((row.value for row in rows if is_baseline(row)), default=None)
        if mine is not None:
            against = f"baseline {words.figure(base)}" if base is not None else f"on {words.count(mine.count)} examples"
            tiles.append(_tile(words.figure(mine.value), f"{task} {metric}", against))
    return tiles


def _tile(value: str, label: str, note: str) -> Section:
    return {"value": value, "label": label, "note": note}


def pipeline(inputs: Inputs) -> Section:
    """The DAG with what each stage made, as a drawing and as rows."""
    graph, notes = inputs.graph, _notes(inputs)
    before = {i: [graph.nodes[a].name for a, b in graph.edges if b == i] for i in range(len(graph.nodes))}
    rows = [
        {"name": node.name, "note": notes.get(node.name, ""), "before": ", ".join(before[i])}
        for i, node in enumerate(graph.nodes)
    ]
    names = ", ".join(node.name for node in graph.nodes)
    drawing = dag.draw(graph, notes, title="The pipeline's stages", description=f"From left to right: {names}.")
    return {"drawing": drawing, "rows": rows}


def _notes(inputs: Inputs) -> dict[str, str]:
    """What each stage made, in a few words."""
    notes = {
        step.stage: f"{words.count(step.docs_out)} docs" + (f", −{words.count(step.docs_lost)}" if step.docs_lost else "")
        for step in inputs.steps
    }
    notes["split_docs"] = " / ".join(words.count(split.docs) for split in inputs.splits)
    notes["tokenize_docs"] = f"{words.count(inputs.train.num_tokens)} tokens"
    vocabulary = inputs.report("train_tokenizer").get("vocab_size")
    notes["train_tokenizer"] = f"{words.count(vocabulary)} entries" if vocabulary else ""
    for row in inputs.results.language_models():
        notes[f"pretrain@{row.model}"] = f"{words.figure(row.value)} bits per byte"
    for task, metric in HEADLINE_METRICS.items():
        found = [r for r in inputs.results.of_task(task) if r.metric == metric and not is_baseline(r)]
        notes |= {f"finetune@{row.model}": f"{metric} {words.figure(row.value)}" for row in found}
    notes["compress"] = words.size(inputs.report("compress").get("bytes_after", 0.0))
    notes["evaluate"] = f"{words.count(len(inputs.results.rows))} figures"
    notes["report"] = "this page"
    return notes


def corpus(inputs: Inputs, rules_per_stage: int) -> Section:
    """The Sankey in documents and in bytes, and every rule's loss."""
    steps, splits = inputs.steps, inputs.splits
    first, last = steps[0], steps[-1]
    losses = sorted((loss for step in steps for loss in step.losses), key=lambda x: (-x.docs, x.stage, x.rule))
    most = max((loss.docs for loss in losses), default=1)
    kept = last.docs_out / max(first.docs_in, 1)
    return {
        "heading": f"{words.percent(kept, 0)} of the documents were kept",
        "summary": _summary(steps, losses),
        "docs_drawing": _flow(steps, splits, rules_per_stage, by_bytes=False),
        "bytes_drawing": _flow(steps, splits, rules_per_stage, by_bytes=True),
        "losses": [
            {
                "rule": loss.rule, "stage": loss.stage, "bound": words.bound(loss.low, loss.high), "docs": words.count(loss.docs),
                "width": f"{100 * loss.docs / most:.1f}", "size": words.size(loss.num_bytes), "example": loss.example,
            }
            for loss in losses
        ],
        "shown": RULES_SHOWN,
        "steps": [_figures(step) for step in steps],
    }  # fmt: skip


def _summary(steps: Sequence[Step], losses: Sequence[Loss]) -> str:
    first, last = steps[0], steps[-1]
    read, kept = (
        f"{words.count(n)} documents ({words.size(b)})"
        for n, b in ((first.docs_in, first.bytes_in), (last.docs_out, last.bytes_out))
    )
    text = f"{read} were read and {kept} were kept."
    if losses:
        top = losses[0]
        text += (
            f" The costliest rule was {top.rule} of {top.stage}: {words.count(top.docs)} documents, {words.size(top.num_bytes)}."
        )
    rewritten = sum(step.bytes_rewritten for step in steps)
    return text + (f" Another {words.size(rewritten)} were rewritten in place, their documents kept." if rewritten > 0 else "")


def _figures(step: Step) -> list[str]:
    docs = [words.count(n) for n in (step.docs_in, step.docs_out, step.docs_lost)]
    return [step.stage, *docs, *(words.size(n) for n in (step.bytes_in, step.bytes_out, step.bytes_lost, step.bytes_rewritten))]


def _flow(steps: Sequence[Step], splits: Sequence[Split], most: int, *, by_bytes: bool) -> Any:
    say, unit = (words.size, "bytes") if by_bytes else (words.count, "documents")
    stations = []
    for step in steps:
        amounts = [(loss.rule, float(loss.num_bytes if by_bytes else loss.docs)) for loss in step.losses]
        if by_bytes and step.bytes_rewritten > 0:
            amounts.append(("rewritten in place", float(step.bytes_rewritten)))
        if amounts:
            stations.append(Station(step.stage, float(step.bytes_out if by_bytes else step.docs_out), _leaks(amounts, most, say)))
    start = float(steps[0].bytes_in if by_bytes else steps[0].docs_in)
    ends = [(split.name, float(split.num_bytes if by_bytes else split.docs)) for split in splits]
    lost = "; ".join(f"{s.name}: {', '.join(f'{x.name} {x.note}' for x in s.leaks)}" for s in stations)
    return sankey(
        Leak("read", start, say(start)),
        stations,
        [Leak(name, amount, say(amount)) for name, amount in ends],
        title=f"The corpus in {unit}",
        description=f"{say(start)} {unit} read. Removed at {lost}. Left: {', '.join(f'{n} {say(a)}' for n, a in ends)}.",
    )


def _leaks(amounts: list[tuple[str, float]], most: int, say: Any) -> tuple[Leak, ...]:
    """The largest losses, the rest as one."""
    amounts = sorted(amounts, key=lambda pair: (-pair[1], pair[0]))
    if len(amounts) > most:
        rest = amounts[most - 1 :]
        amounts = [*amounts[: most - 1], (f"{len(rest)} other rules", sum(amount for _, amount in rest))]
    return tuple(Leak(name, amount, say(amount)) for name, amount in amounts)
