"""Fine-tuning with the trainers of transformers and trl, on an exported decoder.

Both trainers get seeds, one thread count and deterministic kernels, and leave nothing behind but the model directory: their own
checkpoints and their pickled ``training_args.bin`` stay in a temporary folder.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import TooFewExamplesError, TrainingError
from pipeline.export.directory import read_config, write_tokenizer
from pipeline.progress import say
from pipeline.tasks.encoding import Encoder
from pipeline.tasks.interface import CurveRow, Plan

# On a CPU, at 96 tokens in bfloat16, a step with the matrices written out takes three quarters of the time of the fused kernel.
_ATTENTION = {"cpu": "eager", "cuda": "sdpa"}
# What transformers calls the columns of the curve.
_CURVE = {"loss": "loss", "eval_loss": "validation_loss", "eval_accuracy": "validation_accuracy"}
Texts = tuple[list[str], list[str]]  # inputs, and the label or target of each


def train_classifier(model: Path, train: Texts, validation: Texts, plan: Plan, out: Path, **settings: Any) -> list[CurveRow]:
    """Tune ``AutoModelForSequenceClassification`` on inputs and labels, all weights of it; the head starts random.

    Settings: ``max_tokens`` (an input is cut there), ``epochs``, ``batch_size``, ``learning_rate``, ``warmup``, ``weight_decay``,
    ``evaluations`` (on the validation examples, evenly spaced), ``dtype``, ``seed``. Raises TrainingError, TooFewExamplesError.
    """
    device = _start(model, train[0], settings)
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    labels: list[str] = plan["labels"]
    encoder = Encoder.open(model)
    network = AutoModelForSequenceClassification.from_pretrained(
        model,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
        pad_token_id=encoder.end,
        attn_implementation=_ATTENTION[device],
    )

    def rows(texts: Texts) -> list[dict[str, Any]]:
        inputs = encoder.classifier_inputs(texts[0], settings["max_tokens"])
        return [{"input_ids": ids, "label": labels.index(label)} for ids, label in zip(inputs, texts[1], strict=True)]

    with tempfile.TemporaryDirectory() as scratch:
        trainer = Trainer(
            model=network,
            args=TrainingArguments(**_arguments(scratch, len(train[0]), settings, device)),
            train_dataset=rows(train),
            eval_dataset=rows(validation),
            data_collator=DataCollatorWithPadding(AutoTokenizer.from_pretrained(model)),
            compute_metrics=_accuracy,
        )
        return _run(trainer, model, out, {"task": "classification", **plan, "max_tokens": settings["max_tokens"]})


def train_summarizer(model: Path, train: Texts, validation: Texts, plan: Plan, out: Path, **settings: Any) -> list[CurveRow]:
    """Tune the decoder with trl's SFTTrainer to continue a body with its summary; the loss is on the summary's tokens alone.

    Settings: those of ``train_classifier``, where ``max_tokens`` bounds body and summary together, and ``max_summary_tokens``.
    Raises TrainingError, TooFewExamplesError.
    """
    device = _start(model, train[0], settings)
    import datasets
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    datasets.disable_progress_bars()
    encoder = Encoder.open(model)
    sizes = {name: settings[name] for name in ("max_tokens", "max_summary_tokens")}

    def rows(texts: Texts) -> Any:
        return datasets.Dataset.from_list(
            [
                {"input_ids": prompt + summary, "completion_mask": [0] * len(prompt) + [1] * len(summary)}
                for prompt, summary in zip(
                    encoder.summarizer_prompts(texts[0], **sizes),
                    encoder.summaries(texts[1], sizes["max_summary_tokens"]),
                    strict=True,
                )
            ]
        )

    with tempfile.TemporaryDirectory() as scratch:
        trainer = SFTTrainer(
            model=AutoModelForCausalLM.from_pretrained(model, attn_implementation=_ATTENTION[device]),
            args=SFTConfig(
                **_arguments(scratch, len(train[0]), settings, device),
                max_length=None,
                completion_only_loss=True,
            ),
            train_dataset=rows(train),
            eval_dataset=rows(validation),
            processing_class=AutoTokenizer.from_pretrained(model),
        )
        return _run(trainer, model, out, {"task": "summarization", **plan, **sizes})


def _start(model: Path, inputs: list[str], settings: dict[str, Any]) -> str:
    """Refuse what cannot train, seed and make deterministic what is global in the libraries; returns the device's type."""
    context = read_config(model).get("max_position_embeddings")
    if context is not None and settings["max_tokens"] > context:
        raise TrainingError(f"max_tokens = {settings['max_tokens']}: {model} has positions for {context} tokens; lower it")
    if len(inputs) < settings["batch_size"]:
        raise TooFewExamplesError(
            f"{len(inputs)} training examples do not fill one batch of batch_size = {settings['batch_size']}; lower it"
        )
    import transformers

    from pipeline.train.loop import prepare

    transformers.set_seed(settings["seed"])
    transformers.logging.set_verbosity_error()
    return str(prepare().type)


def _arguments(scratch: str, examples: int, settings: dict[str, Any], device: str) -> dict[str, Any]:
    """Arguments that both trainers share."""
    steps = max(1, round(settings["epochs"] * examples / settings["batch_size"]))
    every = max(1, steps // settings["evaluations"])
    return {
        "output_dir": scratch,
        "max_steps": steps,
        "per_device_train_batch_size": settings["batch_size"],
        "per_device_eval_batch_size": settings["batch_size"],
        "learning_rate": settings["learning_rate"],
        "weight_decay": settings["weight_decay"],
        "warmup_steps": round(settings["warmup"] * steps),
        "lr_scheduler_type": "linear",
        "train_sampling_strategy": "group_by_length",  # less padding; drawn from the same seed
        "seed": settings["seed"],
        "data_seed": settings["seed"],
        "eval_strategy": "steps",
        "eval_steps": every,
        "logging_steps": max(1, every // 5),
        "save_strategy": "no",
        "report_to": "none",
        "bf16": settings["dtype"] == "bfloat16",  # autocast: weights and optimizer stay float32
        "activation_checkpointing": False,
        "use_cpu": device == "cpu",
        "dataloader_pin_memory": False,
        "disable_tqdm": not sys.stderr.isatty(),
    }


def _run(trainer: Any, model: Path, out: Path, facts: Plan) -> list[CurveRow]:
    """Train, then write a complete model directory (but for its manifest) to ``out``, with ``facts`` in its config."""
    from transformers.trainer_callback import PrinterCallback, TrainerCallback

    class Speak(TrainerCallback):  # type: ignore[misc]
        def on_log(self, _: Any, state: Any, __: Any, logs: dict[str, float], **___: Any) -> None:
            figures = ", ".join(f"{_CURVE[key]} {float(logs[key]):.4f}" for key in _CURVE if key in logs)
            if figures:
                say(f"step {state.global_step} of {state.max_steps}: {figures}")

    trainer.remove_callback(PrinterCallback)  # it prints a dictionary for every row of the curve
    trainer.add_callback(Speak)
    trainer.train()
    trainer.model.config.heddle_task = facts
    trainer.model.to("cpu").save_pretrained(out)
    write_tokenizer(model / "tokenizer.json", out, max_length=facts["max_tokens"])
    rows: dict[int, CurveRow] = {}
    for entry in trainer.state.log_history:
        row = rows.setdefault(entry["step"], {"step": entry["step"]})
        row |= {name: float(entry[key]) for key, name in _CURVE.items() if key in entry}
    curve = [row for _, row in sorted(rows.items()) if len(row) > 1]
    if broken := [row for row in curve if not np.isfinite(list(row.values())).all()]:
        raise TrainingError(f"{facts['task']}: the loss is no number at step {broken[0]['step']:.0f}; lower learning_rate")
    return curve


def _accuracy(prediction: Any) -> dict[str, float]:
    return {"accuracy": float((np.argmax(prediction.predictions, axis=-1) == prediction.label_ids).mean())}


def read_task(directory: Path) -> Plan:
    """The plan and sizes that a model was fine-tuned with, from its config.json. Raises TrainingError when it was not."""
    config = read_config(directory)
    if "heddle_task" not in config:
        raise TrainingError(f"{directory}/config.json: no key heddle_task; {directory} was not written by finetune")
    return json.loads(json.dumps(config["heddle_task"]))  # type: ignore[no-any-return]
