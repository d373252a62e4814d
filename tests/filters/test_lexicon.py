"""Shares of listed words."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.filters.batch import Batch
from pipeline.filters.lexicon import identity_rate, share, toxicity
from pipeline.filters.toxicity_words import TOXIC_WORDS
from pipeline.text.hashing import hash_words


def texts(*values: str) -> pa.LargeStringArray:
    return pa.array(values, pa.large_string())


def test_share_counts_whole_words_in_any_case() -> None:
    words = hash_words(texts("She saw her.", "Shed, hers; other", "", "?!"))
    assert share(words, ["she", "her"]).to_pylist() == [2 / 3, 0, 0, 0]
    assert share(words, []).to_pylist() == [0, 0, 0, 0]


def test_identity_rate_uses_the_terms_of_the_batch() -> None:
    batch = Batch(texts("An old woman and a man", "one two"), identity_terms=frozenset({"woman", "man"}))
    assert identity_rate(batch).to_pylist() == [2 / 6, 0]


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
