"""Inputs of training and prediction are the same ids."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.tasks.encoding import CUE, Encoder
from tests.tiny import documents, train_tokenizer


@pytest.fixture
def encoder(tmp_path: Path) -> Encoder:
    return Encoder(train_tokenizer(tmp_path / "tokenizer.json", documents(range(3))))


def test_a_prompt_leaves_room_for_the_summary(encoder: Encoder) -> None:
    prompt = encoder.summarizer_prompts(["rain and wind " * 50], max_tokens=64, max_summary_tokens=16)[0]
    assert len(prompt) == 64 - 16
    assert prompt[0] == encoder.end
    assert encoder.decode(prompt).endswith(CUE.strip())


def test_a_summary_ends_unless_it_is_cut(encoder: Encoder) -> None:
    whole, cut = encoder.summaries(["Rain.", "Rain and wind and snow and storm."], 8)
    assert whole[-1] == encoder.end
    assert encoder.decode(whole) == "Rain."
    assert len(cut) == 8
    assert cut[-1] != encoder.end


def test_a_long_passage_is_cut(encoder: Encoder) -> None:
    (ids,) = encoder.classifier_inputs(["storm " * 100], 20)
    assert len(ids) == 20
    assert ids[0] == encoder.end
