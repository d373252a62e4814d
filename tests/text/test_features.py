"""Hashed n-grams are those of a slow, obvious twin."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text.features import Features, buckets, weighted_sums
from pipeline.text.hashing import hash_words
from pipeline.text.ngrams import ngram_hashes
from tests.text.test_hashing import slow_mix
from tests.text.test_terms import LETTERS, arrow, fold

MASK = (1 << 64) - 1


def slow_chars(text: str, features: Features) -> list[int]:
    if not text:
        return []
    line = " " + fold("".join(" " if c.isspace() else c for c in text))
    line = " ".join(part for part in line.split(" ") if part)
    line = f" {line} " if line else " "
    found = []
    for end in range(2, len(line) + 1):
        for n in range(features.chars[0], features.chars[1] + 1):
            if n <= end:
                state = 0
                for character in reversed(line[end - n : end]):
                    state = (state * 0xD1342543DE82EF95 + ord(character) + 1) & MASK
                found.append(slow_mix(state) & ((1 << features.bits) - 1))
    return found


def slow_words(text: str, features: Features) -> list[int]:
    words = hash_words(arrow(text))
    grams = [h for n in range(1, features.words + 1) for h in ngram_hashes(words.hashes, words.documents, n)[0].tolist()]
    return [slow_mix(gram ^ 0x9E3779B97F4A7C15) & ((1 << features.bits) - 1) for gram in grams]


@given(
    st.lists(st.one_of(st.text(max_size=8), st.text(st.sampled_from(LETTERS), max_size=12)), max_size=4),
    st.sampled_from([Features(), Features(words=0, chars=(1, 3), bits=6), Features(words=1, chars=(8, 8))]),
)
@settings(max_examples=200, deadline=None)
def test_equals_the_slow_twin(texts: list[str], features: Features) -> None:
    array = arrow(*texts)
    words = hash_words(array)
    found, bounds = buckets(array, words, features)
    weights = np.random.default_rng(0).normal(size=1 << features.bits).astype(np.float32)
    sums, counts = weighted_sums(array, words, features, weights)
    for row, text in enumerate(texts):
        slow = slow_chars(text, features) + slow_words(text, features)
        assert Counter(found[bounds[row] : bounds[row + 1]].tolist()) == Counter(slow)
        assert counts[row] == len(slow)
        assert sums[row] == pytest.approx(float(weights[slow].astype(np.float64).sum()), abs=1e-4)


def test_features_that_cannot_be_are_errors() -> None:
    for wrong in ({"chars": (3, 2)}, {"chars": (1, 9)}, {"bits": 31}, {"words": -1}):
        with pytest.raises(ValueError, match="want words"):
            Features(**wrong)  # type: ignore[arg-type]


def test_white_space_does_not_matter() -> None:
    array = pa.array(["a b", " a\n\n b\t"], pa.large_string())
    sums, counts = weighted_sums(array, hash_words(array), Features(), np.ones(1 << 18, np.float32))
    assert sums[0] == sums[1] == counts[0] == counts[1]
