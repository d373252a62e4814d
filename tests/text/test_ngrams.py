"""N-gram hashes are equal exactly where the words are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text.hashing import hash_words
from pipeline.text.ngrams import ngram_hashes

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


def test_an_ngram_has_a_word() -> None:
    with pytest.raises(ValueError, match="n=0"):
        ngram_hashes(np.zeros(0, np.uint64), np.zeros(1, np.int64), 0)
