"""The smallest real things that the stages after pretraining work on: a tokenizer, documents, token shards, model directories."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from pipeline import manifest
from pipeline.export.directory import END_OF_TEXT, MASK, save_model
from pipeline.models.gpt import GPT
from pipeline.models.interface import LanguageModel
from pipeline.models.ngram import NGram
from pipeline.schema import DOCS
from pipeline.sequences import SequenceWriter
from pipeline.tables import write_table

TOPICS = {
    "weather": ("rain", "wind", "snow", "cloud", "storm", "thunder"),
    "kitchen": ("bread", "butter", "oven", "pepper", "onion", "flour"),
    "harbour": ("boat", "anchor", "sail", "rope", "pilot", "tide"),
}


def module_text(domain: str, number: int, *, functions: int = 6) -> str:
    """A module's documentation in the layout that ``ingest`` writes, about the words of its domain."""
    words = TOPICS[domain]
    lines = [f"module {domain}.part{number}", "", f"Handles {words[number % 6]} and {words[(number + 1) % 6]}.", ""]
    for index in range(functions):
        first, second = words[(number + index) % 6], words[(number + 2 * index + 1) % 6]
        lines += [f"def {domain}.part{number}.{first}_{index}(a, b={index})", ""]
        lines += [f"    Turn the {first} {number} into a {second} of kind {index}.", ""]
        lines += [f"    The {first} is given by a. It is read once, then the {domain} of number {number} becomes a {second}."]
        lines += [f"    Every {second} keeps its {words[(number + 3) % 6]}, and b is the {index} of it.", ""]
    return "\n".join(lines)


def documents(numbers: range) -> pa.Table:
    """DOCS: one module of each domain for each number."""
    rows = [
        {
            "id": hashlib.sha256(f"{domain}{number}".encode()).hexdigest()[:32],
            "text": module_text(domain, number),
            "source": "test",
            "locator": f"{domain}/part{number}.py",
            "domain": domain,
            "lang": "en",
            "meta": "{}",
        }
        for domain in TOPICS
        for number in numbers
    ]
    return pa.Table.from_pylist(rows, DOCS)


def train_tokenizer(path: Path, docs: pa.Table) -> Tokenizer:
    """Byte-level BPE of 320 tokens, the end-of-text token first, written to ``path``."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=[END_OF_TEXT, MASK], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(docs["text"].to_pylist(), trainer)
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))
    return tokenizer


def write_sequences(path: Path, docs: pa.Table, tokenizer: Tokenizer, tokenizer_json: Path) -> tuple[list[int], list[int]]:
    """Write the token shards of ``docs`` and return their tokens and where each document starts."""
    tokens: list[int] = []
    lengths: list[int] = []
    for text in docs["text"].to_pylist():
        ids = [0, *tokenizer.encode(text).ids]
        tokens += ids
        lengths.append(len(ids))
    num_bytes = [len(text.encode()) for text in docs["text"].to_pylist()]
    size, digest = tokenizer.get_vocab_size(), manifest.sha256(tokenizer_json)
    with SequenceWriter(path, vocab_size=size, tokenizer_sha256=digest) as writer:
        writer.write(docs["id"].to_pylist(), num_bytes=num_bytes, tokens=np.array(tokens), lengths=lengths)
    return tokens, [sum(lengths[:i]) for i in range(len(lengths))]


def save(model: LanguageModel, directory: Path, tokenizer_json: Path) -> Path:
    """Write a model directory with a manifest that has no inputs."""
    save_model(model, directory, tokenizer_json=tokenizer_json, stage="test", params={}, inputs={}, facts={})
    return directory


def decoder(vocab_size: int) -> GPT:
    """A decoder of some 30,000 random weights, none of them zero, with a context of 192."""
    model = GPT(vocab_size, dim=32, num_layers=2, num_heads=2, num_kv_heads=1, head_dim=16, ffn_dim=64, context=192, seed=3)
    generator = np.random.default_rng(0)
    state = {name: tensor + generator.normal(0, 0.02, tensor.shape).astype("float32") for name, tensor in model.state().items()}
    return GPT.from_state(model.config(), state)


def workspace(root: Path) -> Path:
    """Below ``root``: train, validation and test DOCS, sequences, tokenizer.json, pretrain/{gpt,ngram}, eval and a lock file."""
    splits = {"train": documents(range(10)), "validation": documents(range(10, 13)), "test": documents(range(13, 17))}
    for name, docs in splits.items():
        write_table(docs, root / name / "part-00000.parquet")
    path = root / "tokenizer.json"
    tokenizer = train_tokenizer(path, splits["train"])
    tokens, starts = write_sequences(root / "sequences", splits["test"], tokenizer, path)
    size = tokenizer.get_vocab_size()
    (root / "pretrain").mkdir()
    save(decoder(size), root / "pretrain" / "gpt", path)
    save(NGram.fit(np.array(tokens), np.array(starts), vocab_size=size, order=3), root / "pretrain" / "ngram", path)
    (root / "pretrain" / "gpt.json").write_text("{}")
    (root / "lock").write_text("torch==1\n")
    (root / "eval").mkdir()
    pair = {"stereotype": "The rain is here.", "anti_stereotype": "The snow is here.", "axis": "weather"}
    (root / "eval" / "stereotypes.jsonl").write_text((json.dumps(pair) + "\n") * 3)
    (root / "eval" / "prompts.jsonl").write_text('{"prompt": "The rain"}\n{"prompt": "Bread and"}\n')
    return root
