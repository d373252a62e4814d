"""Evaluation: a row for each model and metric, the same bytes twice, and refusal of what was tampered with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from pipeline.errors import InputError, ManifestError, MissingInputError, VocabularyError
from pipeline.models.bert import BERT
from pipeline.models.encoder import Shape
from pipeline.schema import RESULTS
from pipeline.stages.compress import CompressParams, compress
from pipeline.stages.evaluate import EvaluateParams, evaluate
from pipeline.tables import read_table
from tests.stages.test_finetune import CLASSIFICATION, SUMMARIZATION, run
from tests.tiny import decoder, documents, save, train_tokenizer, workspace

PARAMS = EvaluateParams.model_validate(
    {
        "max_tokens": 4000,
        "max_document_tokens": 500,
        "tokens_per_batch": 2048,
        "max_task_examples": 12,
        "resamples": 100,
        "generation": {"num_return_sequences": 2, "max_new_tokens": 6, "temperature": 0.8, "top_k": 20},
        "seed": 1,
    }
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = workspace(tmp_path_factory.mktemp("evaluate"))
    for name, section in (("classification", CLASSIFICATION), ("summarization", SUMMARIZATION)):
        run(root, section, root / "scratch" / name)
        (root / "finetune").mkdir(exist_ok=True)
        (root / "scratch" / name / "model").rename(root / "finetune" / name)
    compress(root / "pretrain" / "gpt", root / "compress" / "gpt-int8", params=CompressParams(bits=8))
    return root


def measure(root: Path, out: Path, **other: Path) -> tuple[dict[tuple[str, str], dict[str, Any]], dict[str, float]]:
    folders = {name: other.get(name, root / name) for name in ("test", "sequences", "eval", "pretrain", "finetune", "compress")}
    report = evaluate(*folders.values(), out / "results.parquet", out / "samples.json", params=PARAMS)
    rows = read_table(out / "results.parquet", RESULTS).to_pylist()
    return {(row["model"], row["metric"]): row for row in rows}, report


def test_every_model_has_its_rows(root: Path, tmp_path: Path) -> None:
    rows, report = measure(root, tmp_path)
    for model in ("gpt", "ngram", "gpt-int8"):
        for metric in ("num_parameters", "size_bytes", "bits_per_byte", "stereotype_score", "distinct_2"):
            assert (model, metric) in rows
        row = rows[model, "bits_per_byte"]
        assert row["low"] < row["value"] < row["high"]
        assert report[f"bits_per_byte/{model}"] == row["value"]
    assert rows["ngram", "bits_per_byte"]["value"] < 2 < rows["gpt", "bits_per_byte"]["value"]  # trained on the test; random
    assert rows["gpt", "bits_per_byte_above_best"]["low"] > 0
    assert abs(rows["gpt-int8", "bits_per_byte_above_parent"]["value"]) < 0.01
    assert 0 < rows["gpt-int8", "largest_logit_difference"]["value"] < 1
    assert rows["gpt-int8", "size_bytes"]["value"] < rows["gpt", "size_bytes"]["value"] / 2
    for model in ("classification", "baseline:majority"):
        assert {"accuracy", "precision", "recall", "f1"} <= {metric for name, metric in rows if name == model}
    for model in ("summarization", "baseline:first_sentence"):
        assert {"rouge1", "rouge2", "rougeL"} <= {metric for name, metric in rows if name == model}
    assert rows["classification", "accuracy"]["family"] == "gpt"
    assert rows["classification", "accuracy"]["value"] > rows["baseline:majority", "accuracy"]["value"]
    assert rows["classification", "accuracy"]["count"] == 12
    samples = json.loads((tmp_path / "samples.json").read_text())
    assert {sample["model"] for sample in samples["generation"]} == {"gpt", "ngram", "gpt-int8"}
    assert all(len(sample["texts"]) == 2 for sample in samples["generation"])
    assert {sample["task"] for sample in samples["tasks"]} == {"classification", "summarization"}


def test_a_masked_model_is_scored_as_one_and_writes_nothing(root: Path, tmp_path: Path) -> None:
    tokenizer = root / "pretrain" / "gpt" / "tokenizer.json"
    size = Tokenizer.from_file(str(tokenizer)).get_vocab_size()
    folder = tmp_path / "pretrain"
    folder.mkdir()
    for name in ("gpt", "ngram"):
        (folder / name).symlink_to(root / "pretrain" / name)
    save(BERT(Shape(size, dim=16, num_layers=1, num_heads=2, ffn_dim=24, context=64)), folder / "bert", tokenizer)
    rows, _ = measure(root, tmp_path, pretrain=folder)
    assert rows["bert", "pseudo_bits_per_byte"]["value"] > 2  # random
    assert 0 <= rows["bert", "stereotype_score"]["value"] <= 1
    assert {("bert", "bits_per_byte"), ("bert", "bits_per_byte_above_best"), ("bert", "distinct_2")}.isdisjoint(rows)
    assert "bert" not in {sample["model"] for sample in json.loads((tmp_path / "samples.json").read_text())["generation"]}


def test_the_same_bytes_twice(root: Path, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    measure(root, tmp_path / "one")
    measure(root, tmp_path / "two")
    for name in ("results.parquet", "samples.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_no_model(root: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingInputError, match="no model directory"):
        measure(root, tmp_path, pretrain=tmp_path / "empty")


def test_a_model_of_another_tokenizer_is_refused(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "tokenizer.json"
    tokenizer = train_tokenizer(other, documents(range(2)))
    (tmp_path / "pretrain").mkdir()
    save(decoder(tokenizer.get_vocab_size()), tmp_path / "pretrain" / "gpt", other)
    with pytest.raises(VocabularyError, match=r"tokenizer\.json"):
        measure(root, tmp_path, pretrain=tmp_path / "pretrain")


def test_a_compressed_model_of_another_parent_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "pretrain").mkdir()
    (tmp_path / "pretrain" / "ngram").symlink_to(root / "pretrain" / "ngram")
    with pytest.raises(ManifestError, match="compress the model again"):
        measure(root, tmp_path, pretrain=tmp_path / "pretrain")


def test_a_broken_evaluation_line_is_named(root: Path, tmp_path: Path) -> None:
    (tmp_path / "stereotypes.jsonl").write_text('{"stereotype": "a"}\n')
    with pytest.raises(InputError, match=r"stereotypes\.jsonl:1: no text under anti_stereotype, axis"):
        measure(root, tmp_path, eval=tmp_path)
