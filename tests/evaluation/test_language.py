"""Scores of language models: independent of the batches, in bits of the original bytes, and of stereotypes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import EmptyCorpusError, InputError, MissingInputError, VocabularyError
from pipeline.evaluation import language
from pipeline.evaluation.held_out import select, token_bytes
from pipeline.evaluation.scoring import document_nats, length_batches
from pipeline.evaluation.stereotypes import Pair, preferences, read_pairs
from pipeline.models.ngram import NGram
from pipeline.schema import DOCS
from pipeline.sequences import Sequences
from tests.tiny import decoder, documents, train_tokenizer, write_sequences


def test_batches_hold_every_row_once_within_the_bound() -> None:
    lengths = [5, 100, 7, 7, 3, 50]
    batches = list(length_batches(lengths, 21))
    assert sorted(row for batch in batches for row in batch) == list(range(6))
    assert batches[0] == [4, 0, 2]
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[row] for row in batch) <= 21


def test_nats_do_not_depend_on_the_batches() -> None:
    model = decoder(320)
    rng = np.random.default_rng(0)
    rows = [np.array([0, *rng.integers(1, 320, size)], dtype=np.int64) for size in (3, 40, 7, 250)]
    alone = [document_nats(model, [row], tokens_per_batch=1)[0] for row in rows]
    np.testing.assert_allclose(document_nats(model, rows, tokens_per_batch=10_000), alone, rtol=1e-5)


def test_an_untrained_model_needs_log2_of_the_vocabulary_per_token() -> None:
    model = NGram.fit(np.array([0, 1, 2, 3]), np.array([0]), vocab_size=4, order=1)
    nats = document_nats(model, [np.array([0, 1, 2, 3])], tokens_per_batch=10)
    assert 3 * np.log(2) < nats[0] < 3 * np.log(5)


@pytest.fixture
def held(tmp_path: Path) -> tuple[Sequences, Any]:
    docs = documents(range(4))
    tokenizer = train_tokenizer(tmp_path / "tokenizer.json", docs)
    write_sequences(tmp_path / "test", docs, tokenizer, tmp_path / "tokenizer.json")
    return Sequences.open(tmp_path / "test"), tokenizer


def test_token_bytes_are_those_of_the_text(held: tuple[Sequences, Any]) -> None:
    _, tokenizer = held
    sizes = token_bytes(tokenizer)
    for text in ("plain", "naïve 東京 🦊", "a<|endoftext|>b", "\t\n  x"):
        assert sizes[tokenizer.encode(text).ids].sum() == len(text.encode())


def test_held_out_documents_are_bounded(held: tuple[Sequences, Any]) -> None:
    sequences, tokenizer = held
    some = select(sequences, tokenizer, max_tokens=900, max_document_tokens=300)
    assert 1 < len(some.documents) < 12
    assert sum(map(len, some.documents)) <= 900
    for ids, size in zip(some.documents, some.num_bytes, strict=True):
        assert len(tokenizer.decode(ids.tolist(), skip_special_tokens=True).encode()) == size
    assert len(select(sequences, tokenizer, max_tokens=1, max_document_tokens=300).documents) == 1


def test_a_tokenizer_that_loses_text_is_refused(tmp_path: Path) -> None:
    docs = documents(range(2))
    tokenizer = train_tokenizer(tmp_path / "tokenizer.json", docs)
    write_sequences(tmp_path / "test", docs, tokenizer, tmp_path / "tokenizer.json")
    other = train_tokenizer(tmp_path / "other.json", docs.slice(0, 1))
    with pytest.raises(VocabularyError, match="its tokens spell"):
        select(Sequences.open(tmp_path / "test"), other, max_tokens=10, max_document_tokens=10)


def test_no_document(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(tmp_path / "tokenizer.json", documents(range(1)))
    write_sequences(tmp_path / "test", DOCS.empty_table(), tokenizer, tmp_path / "tokenizer.json")
    with pytest.raises(EmptyCorpusError, match="test split"):
        select(Sequences.open(tmp_path / "test"), tokenizer, max_tokens=10, max_document_tokens=10)


def test_bits_per_byte_is_that_of_a_uniform_model(held: tuple[Sequences, Any]) -> None:
    sequences, tokenizer = held
    tests = language.prepare(sequences, [], tokenizer, max_tokens=5000, max_document_tokens=200)
    tokens = np.array([len(ids) - 1 for ids in tests.held_out.documents])
    scores = language.Scores(tokens * np.log(320.0), np.zeros(0))
    rows = language.distance_to_best(
        {"zero": language.Scores(0 * scores.nats, np.zeros(0)), "flat": scores},
        {"zero": "gpt", "flat": "lstm"}, tests, resamples=100, seed=1,
    )  # fmt: skip
    assert [(row["model"], row["family"], row["metric"]) for row in rows] == [("flat", "lstm", "bits_per_byte_above_best")]
    assert rows[0]["value"] == pytest.approx(tokens.sum() * np.log2(320) / tests.held_out.num_bytes.sum())


def test_preferences() -> None:
    tokens = np.array([0, 1, 2, 0, 1, 2, 0, 1, 3, 0])
    model = NGram.fit(tokens, np.array([0, 3, 6, 9]), vocab_size=5, order=2)
    likely, unlikely = np.array([0, 1, 2]), np.array([0, 1, 3])
    pairs = [(likely, unlikely), (unlikely, likely), (likely, likely)]
    assert preferences(model, pairs, tokens_per_batch=100).tolist() == [1.0, 0.0, 0.5]


def test_evaluation_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "stereotypes.jsonl"
    with pytest.raises(MissingInputError, match="stereotypes"):
        read_pairs(path)
    for content, message in (("", "no line"), ("{", ":1: no JSON"), ("[1]", ":1: .* no JSON object")):
        path.write_text(content)
        with pytest.raises(InputError, match=message):
            read_pairs(path)
    path.write_text(json.dumps({"stereotype": "a", "anti_stereotype": "b", "axis": "c"}))
    assert read_pairs(path) == [Pair("a", "b", "c")]


def test_the_pairs_in_the_repository_differ_in_the_group_alone() -> None:
    root = Path(__file__).resolve().parents[2]
    pairs = read_pairs(root / "data" / "eval" / "stereotypes.jsonl")
    assert len(pairs) == len(set(pairs)) >= 50
    for pair in pairs:
        first, second = pair.stereotype.split(), pair.anti_stereotype.split()
        assert len(first) == len(second), pair
        assert sum(a != b for a, b in zip(first, second, strict=True)) == 1, pair
        assert 8 <= len(first) <= 15
