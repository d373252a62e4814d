"""Answers of a fine-tuned model, in batches of similar length."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.tasks.encoding import Encoder, Ids
from pipeline.tasks.training import read_task
from pipeline.train.loop import prepare

BATCH = 32


def classify(directory: Path, texts: list[str]) -> list[str]:
    """The likeliest label of each text."""
    import torch
    from transformers import AutoModelForSequenceClassification

    device = prepare()
    task, encoder = read_task(directory), Encoder.open(directory)
    model = AutoModelForSequenceClassification.from_pretrained(directory).eval().to(device)
    answers = [""] * len(texts)
    for rows, batch in _batches(encoder.classifier_inputs(texts, task["max_tokens"]), encoder.end, device, left=False):
        with torch.inference_mode():
            chosen = model(**batch).logits.argmax(-1).tolist()
        for row, index in zip(rows, chosen, strict=True):
            answers[row] = model.config.id2label[index]
    return answers


def summarize(directory: Path, texts: list[str]) -> list[str]:
    """A summary of each text: the likeliest token each time, until the end token or the longest summary of training."""
    from transformers import AutoModelForCausalLM

    device = prepare()
    task, encoder = read_task(directory), Encoder.open(directory)
    model = AutoModelForCausalLM.from_pretrained(directory).eval().to(device)
    sizes = {name: task[name] for name in ("max_tokens", "max_summary_tokens")}
    answers = [""] * len(texts)
    for rows, batch in _batches(encoder.summarizer_prompts(texts, **sizes), encoder.end, device, left=True):
        made = model.generate(
            **batch,
            max_new_tokens=task["max_summary_tokens"],
            do_sample=False,
            eos_token_id=encoder.end,
            pad_token_id=encoder.end,
        )
        for row, ids in zip(rows, made[:, batch["input_ids"].shape[1] :].tolist(), strict=True):
            answers[row] = encoder.decode(ids)
    return answers


def _batches(inputs: list[Ids], pad: int, device: Any, *, left: bool) -> Iterator[tuple[list[int], dict[str, Any]]]:
    """Row numbers and padded tensors; generation needs the padding on the left, the classifier's head on the right."""
    import torch

    order = sorted(range(len(inputs)), key=lambda row: (len(inputs[row]), row))
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        width = len(inputs[rows[-1]])
        ids, mask = [], []
        for row in rows:
            padding = [pad] * (width - len(inputs[row]))
            here = [1] * len(inputs[row])
            ids.append(padding + inputs[row] if left else inputs[row] + padding)
            mask.append([0] * len(padding) + here if left else here + [0] * len(padding))
        yield rows, {"input_ids": torch.tensor(ids, device=device), "attention_mask": torch.tensor(mask, device=device)}
