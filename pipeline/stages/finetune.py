"""Stage ``finetune``: tune the exported decoder for one task mined from the corpus."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import Field

from pipeline import manifest
from pipeline.errors import TooFewExamplesError
from pipeline.params import Params
from pipeline.progress import say
from pipeline.schema import DOCS
from pipeline.tables import read_table
from pipeline.tasks import TASKS
from pipeline.tasks.interface import CurveRow


class Settings(Params):
    """How to train, whatever the task."""

    max_tokens: int = Field(ge=16, description="longest sequence; at most the decoder's context")
    max_validation_examples: int = Field(ge=1, description="validation examples behind each point of the curve")
    epochs: float = Field(gt=0)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0, description="peak; it rises over the warm-up and falls linearly to 0")
    warmup: float = Field(ge=0, lt=1, description="share of the steps")
    weight_decay: float = Field(ge=0)
    dtype: Literal["float32", "bfloat16"] = Field(description="of the arithmetic; weights stay float32")
    evaluations: int = Field(ge=1, description="points of the validation curve")
    seed: int = Field(ge=0)


class ClassificationMining(Params):
    """Bounds of ``pipeline.tasks.classification.plan``."""

    max_classes: int = Field(ge=2)
    min_examples_per_class: int = Field(ge=1)
    max_examples_per_class: int = Field(ge=1)
    max_passages_per_document: int = Field(ge=1)
    passage_chars: int = Field(ge=50)


class SummarizationMining(Params):
    """Bounds of ``pipeline.tasks.summarization.plan``."""

    min_examples: int = Field(ge=1, description="docstring pairs below which gap sentences are taken")
    max_examples: int = Field(ge=1)
    min_body_words: int = Field(ge=1)
    max_body_words: int = Field(ge=1)
    min_summary_words: int = Field(ge=1)
    max_summary_words: int = Field(ge=1)


class SummarizationSettings(Settings):
    """How to train a summarizer."""

    max_summary_tokens: int = Field(ge=4, description="part of max_tokens; a longer summary is cut")


class Classification(Params):
    """Which package, author or document a passage is from."""

    task: Literal["classification"]
    mining: ClassificationMining
    training: Settings


class Summarization(Params):
    """Docstring or paragraph to its first sentence."""

    task: Literal["summarization"]
    mining: SummarizationMining
    training: SummarizationSettings


FinetuneParams = Annotated[Classification | Summarization, Field(discriminator="task")]


def finetune(
    model: Path,
    train_docs: Path,
    validation_docs: Path,
    lock: Path,
    model_out: Path,
    curve_out: Path,
    *,
    params: FinetuneParams,
) -> dict[str, float]:
    """Tune a copy of ``model`` on examples mined from ``train_docs`` and write it to ``model_out``, its curve to ``curve_out``.

    Raises ManifestError when the decoder's files are not what its manifest says, TooFewExamplesError.
    """
    manifest.verify(model)
    task, settings = TASKS[params.task], params.training.model_dump()
    docs = read_table(train_docs, DOCS)
    plan = task.plan(docs, **params.mining.model_dump())
    train = task.mine(docs, plan)
    validation = task.mine(read_table(validation_docs, DOCS), plan).slice(0, settings.pop("max_validation_examples"))
    _check_enough(validation, validation_docs, params.task)
    say(f"{params.task}: {train.num_rows} training and {validation.num_rows} validation examples")
    temporary = model_out.with_name(model_out.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    curve = task.fit(model, train, validation, plan, temporary, **settings)
    manifest.write_manifest(
        temporary,
        stage=f"finetune@{params.task}",
        params=params.model_dump(),
        inputs={"model": model, "train_docs": train_docs, "validation_docs": validation_docs, "lock": lock},
        facts={"seed": params.training.seed, "train_examples": train.num_rows},
    )
    shutil.rmtree(model_out, ignore_errors=True)
    temporary.rename(model_out)
    _write_curve(curve, curve_out)
    return {
        "train_examples": float(train.num_rows),
        "validation_examples": float(validation.num_rows),
        "classes": float(len(plan.get("labels", []))),
        **{name: value for row in curve for name, value in row.items()},
    }


def _check_enough(validation: pa.Table, path: Path, task: str) -> None:
    if not validation.num_rows:
        raise TooFewExamplesError(
            f"{path}: no {task} example in the validation split; lower the bounds in finetune.{task}.mining"
        )


def _write_curve(rows: list[CurveRow], path: Path) -> None:
    """CSV: step, loss and whatever was measured on the validation examples; blank where it was not."""
    names = ["step", "loss", *sorted({name for row in rows for name in row} - {"step", "loss"})]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "step": int(row["step"])} for row in rows)
