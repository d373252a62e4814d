"""Which language, and how nearly a wanted one."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipeline.filters.batch import Batch
from pipeline.filters.language import probability, score
from pipeline.filters.lid import BENEFIT, identify

ENGLISH = "The quick brown fox jumps over the lazy dog, and then it goes home because it is late."
GERMAN = "Der schnelle braune Fuchs springt über den faulen Hund, und dann geht er nach Hause, weil es spät ist."
CODE = "def fit(self, X, y=None):\n    return self._estimator.fit(X, y)"


def texts(*values: str) -> pa.LargeStringArray:
    return pa.array(values, pa.large_string())


def test_a_wanted_language_scores_one_and_another_nearly_nothing() -> None:
    batch = Batch(texts(ENGLISH, GERMAN), languages=("en",))
    assert score(batch).to_pylist() == [1.0, pytest.approx(0, abs=0.01)]
    assert probability(batch).to_pylist() == [pytest.approx(0.9, abs=0.1), pytest.approx(0, abs=0.01)]


def test_every_language_scores_one_when_none_is_named() -> None:
    batch = Batch(texts(ENGLISH, GERMAN))
    assert score(batch).to_pylist() == [1, 1]
    assert batch.language.code.to_pylist() == ["en", "de"]


def test_probabilities_of_wanted_languages_add_up() -> None:
    mixed = texts(f"{ENGLISH} {GERMAN}")
    alone = [identify(mixed, (code,)).probability[0] for code in ("en", "de")]
    assert identify(mixed, ("en", "de")).probability[0] == pytest.approx(sum(alone))
    assert sum(alone) > 0.9


def test_a_wanted_language_has_the_benefit_of_the_doubt() -> None:
    doubtful = [f"{ENGLISH[:size]} {GERMAN[size:]}" for size in range(0, len(ENGLISH), 2)]
    found = identify(texts(*doubtful), ("en",))
    codes = np.array(found.code.to_pylist())
    assert set(codes[found.ratio >= BENEFIT]) == {"en"}
    assert "en" not in codes[found.ratio < BENEFIT]
    assert {"en", "de"} <= set(codes)


def test_short_code_is_english() -> None:
    assert identify(texts(CODE), ("en",)).code.to_pylist() == ["en"]


def test_a_text_without_letters_has_a_score_and_no_language() -> None:
    batch = Batch(texts("", " ", "\x00"), languages=("en",))
    assert batch.language.code.to_pylist() == [None, None, None]
    assert all(0 <= value <= 1 for value in score(batch).to_pylist())


def test_ten_million_characters_cost_no_more_than_a_page() -> None:
    assert identify(texts(ENGLISH * 120_000), ("en",)).code.to_pylist() == ["en"]


def test_a_language_that_the_model_does_not_know_is_an_error() -> None:
    with pytest.raises(ValueError, match="xx"):
        identify(texts(ENGLISH), ("en", "xx"))


def test_accuracy_on_thirty_languages(shared: Callable[[str], Path]) -> None:
    sentences = defaultdict(list)
    with gzip.open(shared("data/multilingual/langid-sentences.jsonl.gz"), "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            sentences[row["lang"]].append(row["text"])
    found = {code: identify(texts(*values)).code.to_pylist() for code, values in sentences.items()}
    right = sum(guess == code for code, guesses in found.items() for guess in guesses)
    assert right / sum(map(len, found.values())) > 0.98
    fives = {code: [" ".join(values[i : i + 5]) for i in range(0, len(values) - 4, 5)] for code, values in sentences.items()}
    assert all(set(identify(texts(*values)).code.to_pylist()) == {code} for code, values in fives.items())
    kept = {code: score(Batch(texts(*values), languages=("en",))).to_numpy() >= 0.5 for code, values in fives.items()}
    assert kept.pop("en").all()
    assert not np.concatenate(list(kept.values())).any()
