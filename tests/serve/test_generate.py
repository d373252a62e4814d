"""``python -m pipeline generate``: numbered texts, the same for the same seed, and refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.errors import UsageError
from pipeline.serve.generate import generate_texts
from tests.tiny import workspace

OPTIONS = {"num_return_sequences": 3, "max_new_tokens": 12, "temperature": 1.0, "top_k": 50, "seed": 5}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return workspace(tmp_path_factory.mktemp("generate")) / "pretrain"


@pytest.mark.parametrize("family", ["gpt", "ngram"])
def test_texts_depend_on_the_seed_alone(models: Path, family: str) -> None:
    texts = generate_texts(models / family, "The rain", **OPTIONS)
    assert len(texts) == 3
    assert len(set(texts)) > 1
    assert texts == generate_texts(models / family, "The rain", **OPTIONS)
    assert texts != generate_texts(models / family, "The rain", **{**OPTIONS, "seed": 6})
    assert all("The rain" not in text[:8] for text in texts)


def test_an_empty_prompt_is_the_start_of_a_document(models: Path) -> None:
    assert generate_texts(models / "ngram", "", **{**OPTIONS, "temperature": 0.0, "num_return_sequences": 1})[0].startswith(
        "module"
    )


def test_the_command_line_numbers_them(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", str(models / "ngram"), "def ", "-n", "2", "--max-new-tokens", "5", "--seed", "3"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("1. ")
    assert "\n2. " in out


def test_no_such_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", str(tmp_path / "nothing"), "x"]) == 1
    assert "nothing" in capsys.readouterr().err


def test_changed_weights_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = workspace(tmp_path) / "pretrain" / "gpt"
    with (model / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    assert main(["generate", str(model), "x"]) == 1
    assert "model.safetensors: expected" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["num_return_sequences", "max_new_tokens", "temperature", "top_k", "seed"])
def test_values_out_of_range(models: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} = -1"):
        generate_texts(models / "gpt", "x", **{**OPTIONS, name: -1})
