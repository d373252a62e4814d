"""Fine-tuning: a complete directory that loads in transformers, the same bytes twice, and clear refusals."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from pipeline import manifest
from pipeline.errors import ManifestError, ParamsError, TooFewExamplesError, TrainingError
from pipeline.export.directory import load_model
from pipeline.params import parse
from pipeline.schema import DOCS
from pipeline.stages.finetune import FinetuneParams, finetune
from pipeline.tables import read_table, write_table
from tests.tiny import workspace

TRAINING = {
    "max_tokens": 64,
    "max_validation_examples": 12,
    "epochs": 2.0,
    "batch_size": 8,
    "learning_rate": 0.003,
    "warmup": 0.1,
    "weight_decay": 0.01,
    "dtype": "float32",
    "evaluations": 2,
    "seed": 1,
}
CLASSIFICATION = {
    "task": "classification",
    "mining": {
        "max_classes": 3,
        "min_examples_per_class": 8,
        "max_examples_per_class": 20,
        "max_passages_per_document": 2,
        "passage_chars": 200,
    },
    "training": TRAINING,
}
SUMMARIZATION = {
    "task": "summarization",
    "mining": {
        "min_examples": 20,
        "max_examples": 48,
        "min_body_words": 5,
        "max_body_words": 30,
        "min_summary_words": 3,
        "max_summary_words": 25,
    },
    "training": {**TRAINING, "max_tokens": 160, "max_summary_tokens": 32, "epochs": 1.0},
}


def params(section: dict[str, object], folder: Path) -> FinetuneParams:
    path = folder / "params.yaml"
    path.write_text(json.dumps({"finetune": section}))
    return parse(path, "finetune", FinetuneParams)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return workspace(tmp_path_factory.mktemp("finetune"))


def run(root: Path, section: dict[str, object], out: Path) -> dict[str, float]:
    out.mkdir(parents=True, exist_ok=True)
    inputs = (root / "pretrain" / "gpt", root / "train", root / "validation", root / "lock")
    return finetune(*inputs, out / "model", out / "curve.csv", params=params(section, out))


@pytest.mark.parametrize("section", [CLASSIFICATION, SUMMARIZATION], ids=["classification", "summarization"])
def test_the_directory_is_complete_and_the_same_twice(root: Path, section: dict[str, object], tmp_path: Path) -> None:
    report = run(root, section, tmp_path / "one")
    run(root, section, tmp_path / "two")
    first, second = tmp_path / "one" / "model", tmp_path / "two" / "model"
    assert {p.name for p in first.iterdir()} == {
        "config.json", "generation_config.json", "manifest.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name
        assert str(root).encode() not in path.read_bytes(), f"{path.name} names a path of this machine"
    assert (first.parent / "curve.csv").read_bytes() == (second.parent / "curve.csv").read_bytes()
    made = manifest.verify(first)
    assert made["parents"] == {"model": manifest.sha256(root / "pretrain" / "gpt" / "manifest.json")}
    rows = list(csv.DictReader((first.parent / "curve.csv").open()))
    losses = [float(row["loss"]) for row in rows if row["loss"]]
    assert losses[-1] < losses[0]
    assert any(row["validation_loss"] for row in rows)
    assert report["train_examples"] >= 40
    assert report["validation_examples"] == 12


def test_the_classifier_learns_and_carries_its_labels(root: Path, tmp_path: Path) -> None:
    longer = {**CLASSIFICATION, "training": {**TRAINING, "epochs": 6.0}}
    report = run(root, longer, tmp_path)
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["id2label"] == {"0": "harbour", "1": "kitchen", "2": "weather"}
    assert config["heddle_task"]["label_by"] == "domain"
    assert report["validation_accuracy"] > 0.6  # chance is 1/3: the words of the three domains differ


def test_the_summarizer_is_a_language_model_still(root: Path, tmp_path: Path) -> None:
    run(root, SUMMARIZATION, tmp_path)
    assert load_model(tmp_path / "model").family == "gpt"


def test_a_changed_decoder_is_refused(tmp_path: Path) -> None:
    root = workspace(tmp_path)
    weights = root / "pretrain" / "gpt" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ManifestError, match=r"model\.safetensors"):
        run(root, CLASSIFICATION, tmp_path / "out")


def test_a_sequence_longer_than_the_context_is_refused(root: Path, tmp_path: Path) -> None:
    section = {**CLASSIFICATION, "training": {**TRAINING, "max_tokens": 500}}
    with pytest.raises(TrainingError, match="max_tokens = 500"):
        run(root, section, tmp_path)
    assert not (tmp_path / "model").exists()


def test_too_few_examples_are_refused(root: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    write_table(read_table(root / "train", DOCS).slice(0, 1), few / "part-00000.parquet")
    with pytest.raises(TooFewExamplesError, match="fewer than 2 classes"):
        finetune(
            root / "pretrain" / "gpt", few, root / "validation", root / "lock", tmp_path / "m", tmp_path / "c",
            params=params(CLASSIFICATION, tmp_path),
        )  # fmt: skip


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="learning_rat"):
        params({**CLASSIFICATION, "training": {**TRAINING, "learning_rat": 1}}, tmp_path)
