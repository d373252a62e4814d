"""The word scan agrees with a slow, obvious twin on any Unicode text."""

from __future__ import annotations

import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.text.hashing import UNSPACED, find, hash_word, hash_words, index_hashes

MASK = (1 << 64) - 1
SAMPLES = "Straße İstanbul ﬁne naïve café 中文字 ひらカタ ไทยดี 한국어 x_1 ½ a\u0301b\u200dc 𝔘𝔫 𠀀𠀁 \U0001f600 ŉa ΐ"
# Characters that make trouble turn up far more often than by chance.
texts = st.lists(st.one_of(st.text(), st.text(st.sampled_from(SAMPLES))), max_size=5)


def slow_words(text: str) -> list[tuple[int, str]]:
    """Place (in bytes) and text of each word."""
    words: list[tuple[int, str]] = []
    open_word, at = False, 0
    for character in text:
        category = unicodedata.category(character)
        if category == "Lo" and unicodedata.name(character, "").startswith(UNSPACED):
            words.append((at, character))
            open_word = False
        elif category[0] in "LNM":
            if open_word:
                words[-1] = (words[-1][0], words[-1][1] + character)
            else:
                words.append((at, character))
            open_word = True
        else:
            open_word = False
        at += len(character.encode())
    return words


def slow_mix(value: int) -> int:
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & MASK
    return value ^ value >> 31


def slow_hash(word: str) -> int:
    state = 0
    for character in word.casefold():
        state = ((state ^ ord(character)) * 0x9E3779B97F4A7C15) & MASK
        state ^= state >> 32
    return slow_mix(state)


@given(texts)
@example([SAMPLES])
@example(["", "a", "", "B"])
@settings(max_examples=300, deadline=None)
def test_equals_the_slow_twin(texts: list[str]) -> None:
    words = hash_words(pa.array(texts, pa.large_string()))
    expected = [slow_words(text) for text in texts]
    assert np.diff(words.documents).tolist() == [len(found) for found in expected]
    assert words.starts.tolist() == [at for found in expected for at, _ in found]
    assert words.ends.tolist() == [at + len(word.encode()) for found in expected for at, word in found]
    assert words.hashes.tolist() == [slow_hash(word) for found in expected for _, word in found]


def test_every_code_point_is_classed_and_folded() -> None:
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    words = hash_words(pa.array([f"x {c}" for c in characters[:3000]] + characters[3000:], pa.large_string()))
    counts = np.diff(words.documents)
    for i, character in [(i, c) for i, c in enumerate(characters) if unicodedata.category(c)[0] in "LNM"][::53]:
        assert counts[i] == (2 if i < 3000 else 1), hex(ord(character))
        assert words.hashes[words.documents[i + 1] - 1] == slow_hash(character), hex(ord(character))


def test_case_does_not_count_and_order_does() -> None:
    assert hash_word("STRASSE") == hash_word("straße")
    assert hash_word("ab") != hash_word("ba")


def test_a_slice_and_chunks_give_what_the_whole_gives() -> None:
    whole = pa.array(["one two", "three", "", "four five six"], pa.large_string())
    expected = hash_words(whole)
    chunked = hash_words(pa.chunked_array([whole[:1], whole[1:]]))
    assert chunked.hashes.tolist() == expected.hashes.tolist()
    assert hash_words(whole.slice(1, 3)).hashes.tolist() == expected.hashes[2:].tolist()
    assert hash_words(whole.slice(1, 3)).starts.tolist() == expected.starts[2:].tolist()
    assert hash_words(pa.chunked_array([], pa.large_string())).documents.tolist() == [0]


def test_hash_word_wants_one_word() -> None:
    with pytest.raises(ValueError, match="2 words"):
        hash_word("not one")


@given(st.sets(st.integers(0, MASK), max_size=200), st.sets(st.integers(0, 300), max_size=50))
@settings(deadline=None)
def test_finds_each_key_and_no_other(large: set[int], small: set[int]) -> None:
    keys = np.array(sorted(large | small), np.uint64)
    slots = index_hashes(keys)
    assert [int(find(key, keys, slots)) for key in keys] == list(range(len(keys)))
    absent = [key for key in range(301) if key not in large | small]
    assert all(find(np.uint64(key), keys, slots) == -1 for key in absent)
