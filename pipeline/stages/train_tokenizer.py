"""train_tokenizer: the vocabulary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from pipeline.bias.lexicons import IDENTITY_TERMS
from pipeline.errors import EmptyCorpusError
from pipeline.params import Params
from pipeline.schema import DOCS
from pipeline.tables import num_rows, read_shards
from pipeline.tokenizer.encode import Encoder
from pipeline.tokenizer.fertility import count, tokens_per_term, tokens_per_word
from pipeline.tokenizer.train import BASE_SIZE, train_bpe


class TrainTokenizerParams(Params):
    """How the vocabulary is learnt."""

    vocab_size: int = Field(gt=BASE_SIZE)
    """Tokens in all: 256 bytes, the end-of-text token, and merges. Small models spend their parameters on it."""
    split: Literal["qwen2", "llama3"]
    """The pattern that no token reaches across: digits one by one (qwen2) or by threes (llama3)."""
    min_frequency: int = Field(ge=1)
    """A pair of tokens that occurs less often is not merged."""
    report_groups: int = Field(ge=0)
    """How many of the largest domains and languages the report names."""


def train_tokenizer(train: Path, tokenizer_json: Path, *, params: TrainTokenizerParams) -> dict[str, float]:
    """Learn a byte-level BPE vocabulary from the DOCS of ``train`` and write it as ``tokenizer_json``."""
    if not num_rows(train):
        raise EmptyCorpusError(f"{train}: no document to learn a vocabulary from; widen split_docs or the filters before it")
    text = train_bpe(_texts(train), vocab_size=params.vocab_size, split=params.split, min_frequency=params.min_frequency)
    tokenizer_json.parent.mkdir(parents=True, exist_ok=True)
    temporary = tokenizer_json.with_name(tokenizer_json.name + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(tokenizer_json)
    first = next(read_shards(train, DOCS, ["text"]))
    return _report(train, Encoder(text, first["text"]), params)


def _texts(train: Path) -> Iterator[list[str]]:
    for shard in read_shards(train, DOCS, ["text"]):
        yield from (batch["text"].to_pylist() for batch in shard.to_batches(max_chunksize=256))


def _report(train: Path, encoder: Encoder, params: TrainTokenizerParams) -> dict[str, float]:
    counts: dict[str, Counter[tuple[str, str]]] = {"domain": Counter(), "lang": Counter()}
    for shard in read_shards(train, DOCS, ["text", "domain", "lang"]):
        for column, total in counts.items():
            total.update(count(shard["text"], shard[column], encoder))
    size = {unit: sum(n for (u, _), n in counts["domain"].items() if u == unit) for unit in ("bytes", "words", "tokens")}
    report = {
        "vocab_size": float(encoder.vocab_size),
        "bytes": float(size["bytes"]),
        "tokens": float(size["tokens"]),
        "bytes_per_token": size["bytes"] / max(size["tokens"], 1),
        "tokens_per_word": size["tokens"] / max(size["words"], 1),
    }
    for column, total in counts.items():
        fertility = tokens_per_word(total, params.report_groups)
        report |= {f"tokens_per_word/{column}/{group}": value for group, value in fertility.items()}
    return report | {f"tokens_per_term/{group}": tokens_per_term(terms, encoder) for group, terms in IDENTITY_TERMS.items()}
