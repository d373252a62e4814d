"""Which language, and how nearly a wanted one."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.filters.batch import Batch
from pipeline.filters.language import detect, score

ENGLISH = "The quick brown fox jumps over the lazy dog, and then it goes home because it is late."
GERMAN = "Der schnelle braune Fuchs springt über den faulen Hund, und dann geht er nach Hause, weil es spät ist."


def texts(*values: str) -> pa.LargeStringArray:
    return pa.array(values, pa.large_string())


def test_a_wanted_language_scores_one_and_another_less() -> None:
    scores = score(Batch(texts(ENGLISH, GERMAN), languages=("en",))).to_pylist()
    assert scores[0] == 1
    assert 0 < scores[1] < 0.9


def test_every_language_scores_one_when_none_is_named() -> None:
    assert score(Batch(texts(ENGLISH, GERMAN))).to_pylist() == [1, 1]
    assert [code for code, _ in detect(texts(ENGLISH, GERMAN), (), low=0.9)] == ["en", "de"]


def test_within_the_bound_a_text_is_taken_to_be_in_the_wanted_language() -> None:
    (_, ratio) = detect(texts(GERMAN), ("en",), low=0)[0]
    assert detect(texts(GERMAN), ("en",), low=ratio)[0][0] == "en"
    assert detect(texts(GERMAN), ("en",), low=ratio + 0.001)[0][0] == "de"


def test_a_text_without_letters_gets_a_score() -> None:
    assert all(0 <= value <= 1 for value in score(Batch(texts("", " ", "1 2 3"), languages=("en",))).to_pylist())


def test_a_language_without_a_profile_is_an_error() -> None:
    with pytest.raises(ValueError, match="xx"):
        detect(texts(ENGLISH), ("en", "xx"), low=0.9)


def test_accuracy_on_thirty_languages(shared: Callable[[str], Path]) -> None:
    sentences = defaultdict(list)
    with gzip.open(shared("data/multilingual/langid-sentences.jsonl.gz"), "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            sentences[row["lang"]].append(row["text"])
    found = {code: detect(texts(*values), (), low=0) for code, values in sentences.items()}
    right = sum(guess == code for code, guesses in found.items() for guess, _ in guesses)
    assert right / sum(map(len, found.values())) > 0.76
    fives = {code: [" ".join(values[i : i + 5]) for i in range(0, len(values) - 4, 5)] for code, values in sentences.items()}
    kept = {
        code: [s >= 0.9 for s in score(Batch(texts(*values), languages=("en",))).to_pylist()] for code, values in fives.items()
    }
    assert all(kept.pop("en"))
    assert sum(map(sum, kept.values())) <= 2  # of 1,721
