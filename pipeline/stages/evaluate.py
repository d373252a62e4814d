"""Stage ``evaluate``: every model that the pipeline made, each figure with its interval, beside its baseline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from pydantic import Field
from tokenizers import Tokenizer

from pipeline import manifest
from pipeline.errors import ManifestError, MissingInputError
from pipeline.evaluation import METRICS, intervals, language, metrics, results, stereotypes
from pipeline.export.directory import load_model, load_tokenizer, read_config
from pipeline.models import MODELS
from pipeline.models.interface import LanguageModel
from pipeline.params import Params
from pipeline.progress import say
from pipeline.schema import DOCS, RESULTS
from pipeline.sequences import Sequences
from pipeline.serve.generate import continue_text
from pipeline.tables import read_table, write_table
from pipeline.tasks import TASKS
from pipeline.tasks.training import read_task
from pipeline.train.loop import prepare

EXAMPLES_SHOWN = 5  # predictions of each task that go to the samples


class Generation(Params):
    """What the models are asked to write, for each prompt."""

    num_return_sequences: int = Field(ge=1)
    max_new_tokens: int = Field(ge=1)
    temperature: float = Field(ge=0)
    top_k: int = Field(ge=0, description="0: all tokens")


class EvaluateParams(Params):
    """How much is measured."""

    max_tokens: int = Field(ge=1, description="held-out tokens that every model scores")
    max_document_tokens: int = Field(ge=2, description="of one document; what is behind is not scored")
    tokens_per_batch: int = Field(ge=1, description="padding included; bounds memory")
    max_task_examples: int = Field(ge=1)
    resamples: int = Field(ge=100, description="of the bootstrap")
    generation: Generation
    seed: int = Field(ge=0)

    @property
    def bootstrap(self) -> dict[str, int]:
        """Keywords of every interval."""
        return {"resamples": self.resamples, "seed": self.seed}


def evaluate(
    test_docs: Path,
    test_sequences: Path,
    evaluation_folder: Path,
    pretrained_dir: Path,
    finetuned_dir: Path,
    compressed_dir: Path,
    results_out: Path,
    samples_out: Path,
    *,
    params: EvaluateParams,
) -> dict[str, float]:
    """Measure every model directory and write RESULTS to ``results_out``, generated texts and answers to ``samples_out``.

    Raises ManifestError for a model whose files changed, MissingInputError for a folder that holds no model.
    """
    pretrained, compressed = model_directories(pretrained_dir), model_directories(compressed_dir)
    sequences = Sequences.open(test_sequences)
    sequences.verify()
    for directory in (pretrained | compressed).values():
        language.check_tokenizer(directory, sequences)
    tests = language.prepare(
        sequences,
        stereotypes.read_pairs(evaluation_folder / "stereotypes.jsonl"),
        load_tokenizer(next(iter(pretrained.values()))),
        max_tokens=params.max_tokens,
        max_document_tokens=params.max_document_tokens,
    )
    prompts = [line["prompt"] for line in stereotypes.read_lines(evaluation_folder / "prompts.jsonl")]
    device = prepare()
    rows, scores, families, generated = [], {}, {}, []
    for name, directory in (pretrained | compressed).items():
        say(f"evaluate: {name} scores {len(tests.held_out.documents)} documents and continues {len(prompts)} prompts")
        model = load_model(directory)
        if isinstance(model, torch.nn.Module):
            model.to(device)
        scores[name], families[name] = language.score(model, tests, tokens_per_batch=params.tokens_per_batch), model.family
        rows += language.rows(name, model, _size(directory), scores[name], tests, **params.bootstrap)
        if model.is_causal:
            written = _generate(name, model, load_tokenizer(directory), prompts, params)
            rows += _distinct(name, model, written, params)
            generated += written
    causal = {name: family for name, family in families.items() if name in pretrained and MODELS[family].is_causal}
    rows += language.distance_to_best(scores, causal, tests, **params.bootstrap)
    for name, directory in compressed.items():
        parent = parent_of(directory, pretrained)
        model, original = load_model(directory), load_model(pretrained[parent])
        nats = scores[name].nats - scores[parent].nats
        rows += language.distance_to_parent(name, model, original, nats, tests, **params.bootstrap)
    answered, answers = _answer(model_directories(finetuned_dir), read_table(test_docs, DOCS), params)
    rows += answered
    write_table(pa.Table.from_pylist(rows, RESULTS), results_out)
    samples = {"seed": params.seed, "generation": generated, "tasks": answers}
    samples_out.write_text(json.dumps(samples, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return results.flat(rows)


def model_directories(folder: Path) -> dict[str, Path]:
    """The children of ``folder`` that are model directories, by name. Raises MissingInputError when there is none."""
    found = {path.parent.name: path.parent for path in sorted(folder.glob("*/config.json"))}
    if not found:
        raise MissingInputError(f"{folder}: no model directory (a folder with a config.json) in it; run the stage that writes it")
    return found


def parent_of(directory: Path, candidates: dict[str, Path]) -> str:
    """The name of the model that a compressed one was made from. Raises ManifestError when it is none of ``candidates``."""
    parents = set(manifest.read_manifest(directory)["parents"].values())
    for name, path in candidates.items():
        if manifest.sha256(path / manifest.NAME) in parents:
            return name
    raise ManifestError(
        f"{directory}/{manifest.NAME}: parents = {sorted(parents)}, none of which is the manifest of "
        f"{', '.join(str(path) for path in candidates.values())}; compress the model again"
    )


def _generate(
    name: str, model: LanguageModel, tokenizer: Tokenizer, prompts: list[str], params: EvaluateParams
) -> list[dict[str, Any]]:
    """The model's continuations of each prompt, for the samples; each prompt has a seed of its own."""
    return [
        {
            "model": name,
            "family": model.family,
            "prompt": prompt,
            "seed": seed,
            "texts": continue_text(model, tokenizer, prompt, seed=seed, **params.generation.model_dump()),
        }
        for seed, prompt in enumerate(prompts, start=params.seed)
    ]


def _distinct(name: str, model: LanguageModel, written: list[dict[str, Any]], params: EvaluateParams) -> list[results.Row]:
    variety = np.array([metrics.distinct_n(sample["texts"], 2) for sample in written])
    return results.rows(name, model.family, "generation", {"distinct_2": intervals.mean(variety, **params.bootstrap)})


def _size(directory: Path) -> int:
    return (directory / "model.safetensors").stat().st_size


def _answer(
    directories: dict[str, Path], docs: pa.Table, params: EvaluateParams
) -> tuple[list[results.Row], list[dict[str, str]]]:
    """Each fine-tuned model's metrics on its own task beside its baseline's, and some of its answers."""
    families = {family.model_type: name for name, family in MODELS.items()}
    rows, samples = [], []
    for name, directory in directories.items():
        manifest.verify(directory)
        plan = read_task(directory)
        task = TASKS[plan["task"]]
        examples = task.mine(docs, plan).slice(0, params.max_task_examples)
        say(f"evaluate: {name} answers {examples.num_rows} test examples")
        targets = task.answers(examples)
        predictions = {name: task.predict(directory, examples), f"baseline:{task.BASELINE}": task.baseline(examples, plan)}
        for model, texts in predictions.items():
            figures = {m: intervals.estimate(METRICS[m], targets, texts, **params.bootstrap) for m in task.METRICS}
            family = families[read_config(directory)["model_type"]] if model == name else "baseline"
            rows += results.rows(model, family, plan["task"], figures)
        for index in range(min(EXAMPLES_SHOWN, len(targets))):
            shown = {"input": examples["input"][index].as_py(), "target": targets[index]}
            shown |= {model: texts[index] for model, texts in predictions.items()}
            samples.append({"task": plan["task"], **shown})
    return rows, samples
