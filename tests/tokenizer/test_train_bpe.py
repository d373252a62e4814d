from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from pipeline.errors import VocabularyError
from pipeline.tokenizer.train import BASE_SIZE, END_OF_TEXT, train_bpe

TEXTS = ["The cat sat on the mat in 2024. ", "A dog's life; the dog sat, too.\n\n", "Le chat était là. 日本語です。"] * 20


def train(vocab_size: int = 300, split: str = "qwen2", texts: list[str] = TEXTS) -> str:
    return train_bpe([texts], vocab_size=vocab_size, split=split, min_frequency=2)


TOKENIZER = Tokenizer.from_str(train())


def test_end_of_text_is_id_zero_and_every_byte_is_a_token() -> None:
    vocabulary = TOKENIZER.get_vocab()
    assert vocabulary[END_OF_TEXT] == 0
    assert len(vocabulary) == 300
    assert sum(len(token) == 1 for token in vocabulary) == 256


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_decodes_to_itself(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER.encode(text).ids, skip_special_tokens=False) == text


def test_no_token_reaches_across_a_word_or_more_digits_than_the_split_allows() -> None:
    tokens = {
        split: Tokenizer.from_str(train(310, split, ["in 2024 and 2024 "] * 50 + TEXTS)).get_vocab()
        for split in ("qwen2", "llama3")
    }
    digits = {split: max(len(t) for t in vocabulary if t.isdigit() and t.isascii()) for split, vocabulary in tokens.items()}
    assert digits == {"qwen2": 1, "llama3": 3}
    assert not any("Ġ" in token[1:].lstrip("Ġ") for token in tokens["qwen2"])


def test_a_vocabulary_larger_than_the_text_allows_names_both_sizes() -> None:
    with pytest.raises(VocabularyError, match=r"vocab_size = 5000: this text allows \d+ tokens") as caught:
        train(5000)
    reachable = int(str(caught.value).split("allows ")[1].split()[0])
    assert len(Tokenizer.from_str(train(reachable)).get_vocab()) == reachable
    with pytest.raises(VocabularyError):
        train(reachable + 1)
    with pytest.raises(VocabularyError, match=f"allows {BASE_SIZE} tokens"):
        train(300, texts=[])


def test_the_bytes_do_not_depend_on_batches_threads_or_hash_seed() -> None:
    once = train()
    assert train_bpe(([text] for text in TEXTS), vocab_size=300, split="qwen2", min_frequency=2) == once
    code = (
        "from pipeline.tokenizer.train import train_bpe;"
        f"print(train_bpe([{TEXTS!r}], vocab_size=300, split='qwen2', min_frequency=2), end='')"
    )
    for variables in ({"RAYON_NUM_THREADS": "1", "PYTHONHASHSEED": "1"}, {"RAYON_NUM_THREADS": "3", "PYTHONHASHSEED": "2"}):
        root = Path(__file__).parents[2]
        run = subprocess.run(
            [sys.executable, "-c", code], cwd=root, env={**os.environ, **variables}, capture_output=True, check=True
        )
        assert run.stdout.decode() == once


def test_transformers_loads_it(tmp_path: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    (tmp_path / "tokenizer.json").write_text(train())
    fast = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"), eos_token=END_OF_TEXT)
    assert fast.eos_token_id == 0
    assert fast("The dog sat")["input_ids"] == TOKENIZER.encode("The dog sat").ids


def test_merges_are_the_ones_an_obvious_implementation_learns(shared: Callable[[str], Path]) -> None:
    """The textbook loop over word counts; ties go to the pair that comes first by id, as tokenizers has it."""
    import regex

    from pipeline.tokenizer.train import SPLITS

    text = shared("data/prose/tinyshakespeare.txt").read_text()[:20_000]
    size = BASE_SIZE + 60
    found = [tuple(merge) for merge in json.loads(train(size, texts=[text]))["model"]["merges"]]
    alphabet = {token: id_ for token, id_ in Tokenizer.from_str(train(size, texts=[text])).get_vocab().items() if len(token) == 1}
    ids = dict(alphabet)
    words: dict[tuple[str, ...], int] = {}
    for word in regex.findall(SPLITS["qwen2"], text):
        key = tuple(word.replace(" ", "Ġ").replace("\n", "Ċ"))
        words[key] = words.get(key, 0) + 1
    expected = []
    for step in range(60):
        pairs: dict[tuple[str, str], int] = {}
        for word, count in words.items():
            for pair in itertools.pairwise(word):
                pairs[pair] = pairs.get(pair, 0) + count
        best = max(pairs, key=lambda p: (pairs[p], -ids[p[0]], -ids[p[1]]))
        expected.append(best)
        ids.setdefault("".join(best), BASE_SIZE + step)
        merged = {}
        for word, count in words.items():
            out: list[str] = []
            for symbol in word:
                if out and (out[-1], symbol) == best:
                    out[-1] += symbol
                else:
                    out.append(symbol)
            merged[tuple(out)] = merged.get(tuple(out), 0) + count
        words = merged
    assert found == expected
