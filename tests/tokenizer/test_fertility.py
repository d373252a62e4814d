from __future__ import annotations

import pyarrow as pa
import pytest

from pipeline.tokenizer.encode import Encoder
from pipeline.tokenizer.fertility import count, tokens_per_term, tokens_per_word
from pipeline.tokenizer.train import BASE_SIZE, train_bpe


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """Knows `` aa`` and bytes: the merges are a a, then Ġ aa."""
    text = train_bpe([["aa aa"] * 10], vocab_size=BASE_SIZE + 2, split="qwen2", min_frequency=2)
    return Encoder(text, pa.chunked_array([], pa.large_string()))


def test_counts_by_group_are_those_done_by_hand(encoder: Encoder) -> None:
    texts = pa.chunked_array([[" aa aa", " aa", "éé b!"], ["xyz"]], pa.large_string())
    groups = pa.chunked_array([["one", "one", "two"], [None]], pa.string())
    counts = count(texts, groups, encoder)
    assert {key: counts[key] for key in counts if key[1] == "one"} == {
        ("bytes", "one"): 9,
        ("words", "one"): 3,
        ("tokens", "one"): 3,
    }
    assert (counts["bytes", "two"], counts["words", "two"], counts["tokens", "two"]) == (7, 2, 7)
    assert {group for _, group in counts} == {"one", "two"}
    assert tokens_per_word(counts, 5) == {"one": 1.0, "two": 3.5}
    assert list(tokens_per_word(counts, 1)) == ["one"]


def test_a_group_of_terms_costs_what_its_terms_cost_within_a_sentence(encoder: Encoder) -> None:
    assert tokens_per_term(frozenset({"aa"}), encoder) == 1.0
    assert tokens_per_term(frozenset({"aa", "bcd"}), encoder) == 2.5
