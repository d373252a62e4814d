"""Shingle hashes agree with a slow, obvious twin on any Unicode text."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.text.shingles import BASE, BLOCK, shingles
from tests.text.test_hashing import MASK, SAMPLES, slow_mix, slow_words

texts = st.lists(st.one_of(st.text(), st.text(st.sampled_from(SAMPLES)), st.text(st.sampled_from("ab  1.é"))), max_size=5)


def slow_hash(word: str) -> int:
    """Hash of the UTF-8 of the folded word, eight bytes at a time; the last ones with their number above them."""
    folded = word.casefold().encode()
    state = 0
    for at in range(0, len(folded), 8):
        block = folded[at : at + 8]
        state = slow_mix(state ^ int.from_bytes(block, "little") ^ (len(block) % 8) << 56)
    return state


def slow_shingles(text: str, n: int) -> list[int]:
    """Sorted hashes of the n-grams of words, of the whole text where it is shorter."""
    words = [slow_hash(word) for _, word in slow_words(text)]
    size = min(n, len(words))
    if not size:
        return []
    grams = [words[i : i + size] for i in range(len(words) - size + 1)]
    return sorted({slow_mix(sum(h * pow(BASE, size - 1 - i) for i, h in enumerate(gram)) & MASK) for gram in grams})


def split(values: np.ndarray, bounds: np.ndarray) -> list[list[int]]:
    return [part.tolist() for part in np.split(values, bounds[1:-1])]


@given(texts, st.integers(1, 6))
@example([SAMPLES, "", "eighteen eight88b seven77", "ﬁﬁﬁﬁ ﬁﬁﬁ", "a b", "A, b!", "b a"], 2)
@settings(max_examples=300, deadline=None)
def test_equals_the_slow_twin(texts: list[str], n: int) -> None:
    values, bounds = shingles(pa.array(["x", *texts], pa.large_string()), n)
    assert split(values, bounds) == [slow_shingles(text, n) for text in ["x", *texts]]


@pytest.mark.parametrize("words", [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 7])
def test_a_text_longer_than_a_block(words: int) -> None:
    text = " ".join(f"w{i * i % 977}" for i in range(words))
    values, bounds = shingles(pa.array([text, "last one"], pa.large_string()), 3)
    assert split(values, bounds) == [slow_shingles(text, 3), slow_shingles("last one", 3)]


def test_every_character_alone_and_inside_a_word() -> None:
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    chosen = characters[:3000] + characters[3000::41]
    texts = [f"a{character}b" for character in chosen]
    assert split(*shingles(pa.array(texts, pa.large_string()), 1)) == [slow_shingles(text, 1) for text in texts]


def test_one_word_repeated_is_one_shingle() -> None:
    _, bounds = shingles(pa.array(["spam " * 1_000_000], pa.large_string()), 5)
    assert bounds.tolist() == [0, 1]


def test_a_shingle_has_a_word() -> None:
    with pytest.raises(ValueError, match="n=0"):
        shingles(pa.array(["a"], pa.large_string()), 0)
