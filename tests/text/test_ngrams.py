"""N-gram hashes are equal exactly where the words are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text.hashing import hash_words
from pipeline.text.ngrams import ngram_hashes, shingles

texts = st.lists(st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=12).map(" ".join), min_size=1, max_size=6)


def slow_ngrams(text: str, n: int) -> list[tuple[str, ...]]:
    words = text.split()
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


@given(texts, st.integers(1, 6))
@settings(deadline=None)
def test_hashes_stand_for_ngrams_one_to_one(texts: list[str], n: int) -> None:
    words = hash_words(pa.array(texts, pa.large_string()))
    hashes, bounds = ngram_hashes(words.hashes, words.documents, n)
    expected = [slow_ngrams(text, n) for text in texts]
    assert np.diff(bounds).tolist() == [len(grams) for grams in expected]
    pairs = set(zip(hashes.tolist(), (gram for grams in expected for gram in grams), strict=True))
    assert len({h for h, _ in pairs}) == len({g for _, g in pairs}) == len(pairs)


@given(texts, st.integers(1, 6))
@settings(deadline=None)
def test_shingles_are_sorted_sets_and_short_texts_have_one(texts: list[str], n: int) -> None:
    words = hash_words(pa.array(texts, pa.large_string()))
    values, bounds = shingles(words.hashes, words.documents, n)
    for text, first, last in zip(texts, bounds[:-1], bounds[1:], strict=True):
        part = values[first:last]
        wanted = len(set(slow_ngrams(text, n))) or min(1, len(text.split()))
        assert len(part) == wanted
        assert (part[1:] > part[:-1]).all()


def test_a_short_text_equals_only_itself() -> None:
    words = hash_words(pa.array(["a b", "A, b!", "b a", "a b c", "a b c d e"], pa.large_string()))
    values, bounds = shingles(words.hashes, words.documents, 5)
    assert np.diff(bounds).tolist() == [1] * 5
    assert values[0] == values[1]
    assert len(set(values.tolist())) == 4


def test_an_ngram_has_a_word() -> None:
    with pytest.raises(ValueError, match="n=0"):
        ngram_hashes(np.zeros(0, np.uint64), np.zeros(1, np.int64), 0)
