from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from pipeline.errors import VocabularyError
from pipeline.tokenizer import encode
from pipeline.tokenizer.encode import Encoder
from pipeline.tokenizer.train import END_OF_TEXT, train_bpe

TEXTS = ["The cat sat on the mat in 2024. ", "A dog's life; the dog sat, too.\n\n", "Le chat était là. 日本語です。"] * 20
NONE = pa.chunked_array([], pa.large_string())


def column(*texts: str) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(texts, pa.large_string())])


@pytest.fixture(scope="module", params=["qwen2", "llama3"])
def tokenizer_json(request: pytest.FixtureRequest) -> str:
    return train_bpe([TEXTS], vocab_size=300, split=request.param, min_frequency=2)


def lists(encoded: tuple[np.ndarray, np.ndarray]) -> list[list[int]]:
    ids, lengths = encoded
    assert lengths.sum() == len(ids)
    return [part.tolist() for part in np.split(ids, np.cumsum(lengths)[:-1])] if len(lengths) else []


def test_the_fast_encoder_is_used_for_both_splits(tokenizer_json: str) -> None:
    encoder = Encoder(tokenizer_json, column(*TEXTS))
    assert (encoder.name, encoder.end_id, encoder.vocab_size) == ("gigatoken", 0, 300)


_QWEN2 = train_bpe([TEXTS], vocab_size=300, split="qwen2", min_frequency=2)
_ENCODER, _REFERENCE = Encoder(_QWEN2, NONE), Tokenizer.from_str(_QWEN2)
_REFERENCE.encode_special_tokens = True


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_text_encodes_as_tokenizers_encodes_it(texts: list[str]) -> None:
    assert lists(_ENCODER.encode(column(*texts))) == [_REFERENCE.encode(text).ids for text in texts]


def test_real_text_in_several_chunks_encodes_as_tokenizers_encodes_it(shared: Callable[[str], Path]) -> None:
    text = shared("data/prose/tinyshakespeare.txt").read_text()[:300_000]
    texts = pa.chunked_array([[text[:100], ""], [text[100:]]], pa.large_string())
    assert lists(_ENCODER.encode(texts)) == [_REFERENCE.encode(t).ids for t in texts.to_pylist()]


@pytest.mark.parametrize("library", ["gigatoken", "tokenizers"])
def test_a_spelt_out_end_of_text_is_text(tokenizer_json: str, library: str) -> None:
    """Else a document that quotes the token would fake the start of another one."""
    encoder = Encoder(tokenizer_json, NONE)
    if library == "tokenizers":
        encoder._fast = None
    ids, _ = encoder.encode(column(f"a{END_OF_TEXT}b"))
    assert 0 not in ids
    assert Tokenizer.from_str(tokenizer_json).decode(ids.tolist()) == f"a{END_OF_TEXT}b"


def test_an_unknown_split_pattern_falls_back_to_tokenizers() -> None:
    other = json.loads(_QWEN2)
    other["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = r"\p{L}{1,4}|\s+|[^\p{L}\s]"
    encoder = Encoder(json.dumps(other), column(*TEXTS))
    assert encoder.name == "tokenizers"
    assert lists(encoder.encode(column("", "abcdefgh"))) == [[], Tokenizer.from_str(json.dumps(other)).encode("abcdefgh").ids]


def test_a_fast_encoder_that_disagrees_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fast tokenizer with another vocabulary stands in for one with a bug that only the corpus shows."""
    other = train_bpe([["zyx zyxw"] * 40], vocab_size=258, split="qwen2", min_frequency=2)
    load = encode._load_fast
    monkeypatch.setattr(encode, "_load_fast", lambda _: load(other))
    encoder = Encoder(_QWEN2, column("the cat sat"))
    assert encoder.name == "tokenizers"
    assert lists(encoder.encode(column(*TEXTS))) == [_REFERENCE.encode(text).ids for text in TEXTS]


def test_a_tokenizer_without_end_of_text_is_refused() -> None:
    plain = json.loads(_QWEN2)
    plain["added_tokens"] = []
    del plain["model"]["vocab"][END_OF_TEXT]
    with pytest.raises(VocabularyError, match="endoftext"):
        Encoder(json.dumps(plain), NONE)
