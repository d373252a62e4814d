"""The stage: three families from the same files, a curve, a report, and its refusals."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from pipeline import manifest
from pipeline.errors import ManifestError, MissingInputError, ParamsError, VocabularyError
from pipeline.export.directory import load_model
from pipeline.params import parse
from pipeline.stages.pretrain import PretrainParams, pretrain
from tests.conftest import ROOT
from tests.tiny import documents, train_tokenizer, write_sequences

TRAINING: dict[str, Any] = {
    "context": 32,
    "batch_size": 4,
    "max_tokens": 4 * 32 * 12,
    "max_epochs": 2.0,
    "dtype": "float32",
    "clip_norm": 1.0,
    "optimizer": {"name": "muon", "lr": 0.02, "embedding_lr": 0.01},
    "log_every": 5,
    "validation_every": 10,
    "validation_tokens": 1000,
}
GPT = {
    "family": "gpt",
    "seed": 1,
    "dim": 16,
    "num_layers": 1,
    "num_heads": 2,
    "num_kv_heads": 1,
    "head_dim": 8,
    "ffn_dim": 24,
    "rope_theta": 1e4,
    "tie_embeddings": True,
    "training": TRAINING,
}
LSTM = {"family": "lstm", "seed": 1, "dim": 16, "hidden_dim": 24, "num_layers": 1, "training": TRAINING}
SLOW = {**TRAINING, "optimizer": {"name": "adamw", "lr": 0.003, "embedding_lr": 0.003}}
BERT = {"family": "bert", "seed": 1, "dim": 16, "num_layers": 1, "num_heads": 2, "ffn_dim": 24, "training": SLOW}
ELECTRA = {**BERT, "family": "electra", "embedding_dim": 8, "generator_share": 0.5}
NGRAM = {"family": "ngram", "order": 3, "validation_tokens": 1000}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """train, validation, tokenizer.json and a lock file; the current directory, so that scratch lies there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    tokenizer = train_tokenizer(tmp_path / "tokenizer.json", documents(range(6)))
    write_sequences(tmp_path / "train", documents(range(6)), tokenizer, tmp_path / "tokenizer.json")
    write_sequences(tmp_path / "validation", documents(range(6, 8)), tokenizer, tmp_path / "tokenizer.json")
    (tmp_path / "lock").write_text("torch==1\n")
    return tmp_path


def run(folder: Path, params: dict[str, Any], name: str = "model") -> dict[str, float]:
    parsed = TypeAdapter(PretrainParams).validate_python(params)
    inputs = [folder / part for part in ("train", "validation", "tokenizer.json", "lock")]
    return pretrain(*inputs, folder / name, folder / f"{name}.csv", params=parsed)


def curve(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("params", [GPT, LSTM, BERT, ELECTRA, NGRAM], ids=lambda params: str(params["family"]))
def test_a_family_becomes_a_model_a_curve_and_a_report(folder: Path, params: dict[str, Any]) -> None:
    report = run(folder, params)
    model = load_model(folder / "model")
    assert model.family == params["family"]
    rows = curve(folder / "model.csv")
    assert list(rows[0]) == ["step", "tokens", "loss", "lr", "grad_norm", "val_bits_per_byte"]
    assert report == {
        "parameters": model.num_parameters,
        "tokens_seen": float(rows[-1]["tokens"]),
        "loss": float(rows[-1]["loss"]),
        "validation_bits_per_byte": float(rows[-1]["val_bits_per_byte"]),
    }
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    record = manifest.verify(folder / "model")
    assert record["params"] == TypeAdapter(PretrainParams).validate_python(params).model_dump()
    assert record["inputs"]["lock"] == manifest.sha256(folder / "lock")
    assert record["inputs"]["train"]["part-00000.npy"] == manifest.sha256(folder / "train" / "part-00000.npy")
    assert record["facts"]["tokens_seen"] == report["tokens_seen"]
    assert not list((folder / ".scratch" / "pretrain").glob("*"))  # a finished run leaves no checkpoint


def test_the_ngram_curve_has_a_row_per_order(folder: Path) -> None:
    run(folder, NGRAM)
    rows = curve(folder / "model.csv")
    assert [row["step"] for row in rows] == ["1", "2", "3"]
    assert [row["lr"] for row in rows] == ["", "", ""]


@pytest.mark.parametrize("params", [GPT, LSTM, BERT, ELECTRA, NGRAM], ids=lambda params: str(params["family"]))
def test_the_same_bytes_twice(folder: Path, params: dict[str, Any]) -> None:
    reports = [run(folder, params, name) for name in ("one", "two")]
    assert reports[0] == reports[1]
    assert (folder / "one.csv").read_bytes() == (folder / "two.csv").read_bytes()
    for path in filter(Path.is_file, (folder / "one").rglob("*")):
        name = path.relative_to(folder / "one")
        assert path.read_bytes() == (folder / "two" / name).read_bytes(), name


def test_whole_words_and_a_tokenizer_without_a_mask(folder: Path) -> None:
    assert run(folder, {**BERT, "whole_words": True})["loss"] != run(folder, BERT)["loss"]
    content = json.loads((folder / "tokenizer.json").read_text())
    for token in content["added_tokens"]:
        token["content"] = token["content"].replace("mask", "musk")
    (folder / "tokenizer.json").write_text(json.dumps(content).replace("<|mask|>", "<|musk|>"))
    for split in ("train", "validation"):
        index = json.loads((folder / split / "index.json").read_text())
        index["tokenizer_sha256"] = manifest.sha256(folder / "tokenizer.json")
        (folder / split / "index.json").write_text(json.dumps(index))
    with pytest.raises(VocabularyError, match="is not token 1, which masked models need"):
        run(folder, BERT)


def test_a_tokenizer_of_another_size_or_training_is_refused(folder: Path) -> None:
    content = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(content, indent=1))  # the same tokenizer, other bytes
    with pytest.raises(VocabularyError, match="made with a tokenizer of sha256"):
        run(folder, NGRAM)
    rule = content["model"]["merges"].pop()
    del content["model"]["vocab"]["".join(rule) if isinstance(rule, list) else rule.replace(" ", "")]
    (folder / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(VocabularyError, match="319 tokens, but the model or its data have 320"):
        run(folder, NGRAM)


def test_shards_that_changed_since_they_were_written_are_refused(folder: Path) -> None:
    path = folder / "train" / "part-00000.npy"
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ManifestError, match=r"part-00000\.npy: sha256 is"):
        run(folder, GPT)


def test_missing_tokens_are_named(folder: Path) -> None:
    (folder / "validation" / "index.json").unlink()
    with pytest.raises(MissingInputError, match=r"validation/index\.json"):
        run(folder, GPT)


def test_params_name_the_key_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(json.dumps({"pretrain": {"gpt": {**GPT, "num_kv_heads": 3, "dimension": 5}}}))
    with pytest.raises(ParamsError, match=r"gpt\.dimension = 5"):
        parse(path, "pretrain.gpt", PretrainParams)
    with pytest.raises(ValidationError, match="num_kv_heads = 3 does not divide num_heads = 2"):
        TypeAdapter(PretrainParams).validate_python({**GPT, "num_kv_heads": 3})


@pytest.mark.parametrize("family", ["gpt", "lstm", "ngram"])
def test_the_default_params_parse(family: str) -> None:
    assert parse(ROOT / "params.yaml", f"pretrain.{family}", PretrainParams).family == family
