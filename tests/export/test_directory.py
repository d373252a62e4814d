"""Model directories: load in transformers, load here, refuse what changed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from pipeline.errors import ManifestError, MissingInputError, VocabularyError
from pipeline.export.directory import END_OF_TEXT, load_model, load_tokenizer, save_model
from pipeline.models.gpt import GPT
from pipeline.models.interface import LanguageModel
from pipeline.models.ngram import NGram
from pipeline.models.rnn import LSTM
from tests.tiny import documents, train_tokenizer

TEXT = "Every onion keeps its rope, <b>naïve</b>\n\n    and the storm."


@pytest.fixture(scope="module")
def tokenizer_json(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    train_tokenizer(path, documents(range(4)))
    return path


def vocab_size(tokenizer_json: Path) -> int:
    return len(json.loads(tokenizer_json.read_text())["model"]["vocab"])


def build(family: str, size: int) -> LanguageModel:
    if family == "lstm":
        return LSTM(size, dim=16, hidden_dim=24, num_layers=1)
    if family == "ngram":
        ids = np.random.default_rng(0).integers(1, size, 500)
        return NGram.fit(ids, np.array([0, 200]), vocab_size=size, order=3)
    model = GPT(size, dim=16, num_layers=2, num_heads=2, num_kv_heads=1, head_dim=8, ffn_dim=24, context=32)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(weight.numel())) * 0.1)
    return model


def save(model: LanguageModel, directory: Path, tokenizer_json: Path) -> None:
    inputs = {"tokenizer": tokenizer_json}
    save_model(
        model, directory, tokenizer_json=tokenizer_json, stage="pretrain", params={"a": 1}, inputs=inputs, facts={"seed": 0}
    )


def test_the_decoder_and_its_tokenizer_load_in_transformers_with_the_same_logits(tmp_path: Path, tokenizer_json: Path) -> None:
    model = build("gpt", vocab_size(tokenizer_json))
    save(model, tmp_path / "gpt", tokenizer_json)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "gpt")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "gpt")
    ids = tokenizer(END_OF_TEXT + TEXT)["input_ids"][:32]
    assert ids == load_tokenizer(tmp_path / "gpt").encode(END_OF_TEXT + TEXT).ids[:32]
    assert tokenizer.decode(tokenizer(TEXT)["input_ids"]) == TEXT
    assert (tokenizer.eos_token, tokenizer.pad_token_id, theirs.generation_config.eos_token_id) == (END_OF_TEXT, 0, 0)
    batch = torch.tensor([ids])
    with torch.no_grad():
        torch.testing.assert_close(model(batch), theirs(batch).logits, atol=1e-4, rtol=0)  # type: ignore[operator]


@pytest.mark.parametrize("family", ["gpt", "lstm", "ngram"])
def test_every_family_comes_back_as_it_went(tmp_path: Path, tokenizer_json: Path, family: str) -> None:
    model = build(family, vocab_size(tokenizer_json))
    save(model, tmp_path / family, tokenizer_json)
    again = load_model(tmp_path / family)
    assert (again.family, again.vocab_size, again.num_parameters) == (family, model.vocab_size, model.num_parameters)
    ids, lengths = np.random.default_rng(1).integers(1, model.vocab_size, (2, 40)), np.array([40, 13])
    np.testing.assert_array_equal(again.loglikelihood(ids, lengths), model.loglikelihood(ids, lengths))
    assert {path.name for path in (tmp_path / family).iterdir()} == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "generation_config.json",
        "manifest.json",
    }


def test_two_saves_write_the_same_bytes(tmp_path: Path, tokenizer_json: Path) -> None:
    for name in ("a", "b"):
        save(build("gpt", vocab_size(tokenizer_json)), tmp_path / name, tokenizer_json)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_changed_weights_are_refused_unless_verification_is_off(tmp_path: Path, tokenizer_json: Path) -> None:
    save(build("gpt", vocab_size(tokenizer_json)), tmp_path / "gpt", tokenizer_json)
    path = tmp_path / "gpt" / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ManifestError, match=r"model.safetensors: expected [0-9a-f]{64}, found [0-9a-f]{64}"):
        load_model(tmp_path / "gpt")
    assert load_model(tmp_path / "gpt", verify=False).family == "gpt"


def test_a_family_that_nobody_wrote_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "mamba"}')
    with pytest.raises(ManifestError, match="model_type = 'mamba': want one of bert, electra, heddle-lstm, heddle-ngram, qwen3"):
        load_model(tmp_path, verify=False)


def test_no_directory_and_no_tokenizer_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"nowhere/config.json: no such file"):
        load_model(tmp_path / "nowhere")
    with pytest.raises(MissingInputError, match=r"tokenizer.json: no such file"):
        load_tokenizer(tmp_path)


def test_a_model_of_another_vocabulary_than_its_tokenizer_is_not_written(tmp_path: Path, tokenizer_json: Path) -> None:
    size = vocab_size(tokenizer_json) + 1
    with pytest.raises(VocabularyError, match=rf"{size - 1} tokens, but the model or its data have {size}"):
        save(build("lstm", size), tmp_path / "lstm", tokenizer_json)
    assert not (tmp_path / "lstm").exists()
