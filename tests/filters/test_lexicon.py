"""Shares of listed terms."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.filters.batch import Batch
from pipeline.filters.lexicon import identity_rate, toxic_terms, toxicity
from pipeline.filters.toxicity_words import TOXIC_WORDS


def texts(*values: str) -> pa.LargeStringArray:
    return pa.array(values, pa.large_string())


def test_share_counts_whole_words_in_any_case() -> None:
    batch = Batch(texts("She saw her.", "Shed, hers; other", "", "?!"), toxic_terms=frozenset({"she", "her"}))
    assert toxicity(batch).to_pylist() == [2 / 3, 0, 0, 0]
    assert toxic_terms(batch).to_pylist() == [2, 0, 0, 0]


def test_identity_rate_uses_the_terms_of_the_batch() -> None:
    batch = Batch(texts("An old woman and a man", "one two"), identity_terms=frozenset({"woman", "man"}))
    assert identity_rate(batch).to_pylist() == [2 / 6, 0]


def test_a_share_is_at_most_one_and_phrases_count_their_words() -> None:
    batch = Batch(texts("🖕🖕", "a bad word", "他是傻逼"), toxic_terms=frozenset({"🖕", "bad word", "傻逼"}))
    assert toxicity(batch).to_pylist() == [1, 2 / 3, 1 / 2]


def test_toxic_words_are_lowercase_single_words() -> None:
    assert all(word == word.lower() and word.isalpha() for word in TOXIC_WORDS)
    assert not TOXIC_WORDS & {"kill", "gay", "black", "dick", "damn", "muslim", "cock"}
    assert toxicity(Batch(texts("You bastard!", "Kill the process"))).to_pylist() == [1 / 2, 0]


def test_abuse_scores_higher_than_plain_talk(shared: Callable[[str], Path]) -> None:
    with gzip.open(shared("data/noisy/toxicity/davidson-tweets.csv.gz"), "rt", encoding="utf-8") as file:
        rows = [(row["class"], row["tweet"]) for row in csv.DictReader(file)]
    scores = np.asarray(toxicity(Batch(texts(*(tweet for _, tweet in rows)))))
    plain = np.array([label == "2" for label, _ in rows])
    assert np.mean(scores[~plain] > 0) > 0.8
    assert np.mean(scores[plain] > 0) < 0.1
