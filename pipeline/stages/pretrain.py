"""Stage pretrain: a language model of one family, from token shards."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from pipeline import manifest, runtime
from pipeline.errors import VocabularyError
from pipeline.export.directory import check_mask, check_vocabulary, save_model
from pipeline.models.bert import MaskedModel
from pipeline.models.interface import LanguageModel
from pipeline.models.neural import NeuralModel
from pipeline.models.ngram import NGram
from pipeline.progress import say
from pipeline.sequences import INDEX, Sequences
from pipeline.tokenizer.words import word_starts
from pipeline.train.batches import Batches
from pipeline.train.checkpoint import Checkpoints
from pipeline.train.families import BERTParams, NeuralParams, NGramParams, PretrainParams
from pipeline.train.loop import COLUMNS, Row, prepare
from pipeline.train.loop import train as run_training
from pipeline.train.validation import Validator


def pretrain(
    train: Path, validation: Path, tokenizer: Path, lock: Path, model_out: Path, curve_out: Path, *, params: PretrainParams
) -> dict[str, float]:
    """Train a language model on the tokens of ``train`` and write its directory and its loss curve."""
    inputs = {"train": train, "validation": validation, "tokenizer": tokenizer, "lock": lock}
    tokens, held_out = _open(train, tokenizer), _open(validation, tokenizer)
    model: LanguageModel
    if isinstance(params, NGramParams):
        model, rows = _count(tokens, held_out, params)
        checkpoints, seeds, seen = None, {}, tokens.num_tokens
    else:
        checkpoints = Checkpoints(runtime.scratch() / "pretrain", _identity(inputs, params))
        model, rows = _fit(tokens, held_out, tokenizer, params, checkpoints)
        seeds, seen = {"initialisation": params.seed, "batches": params.seed}, int(rows[-1]["tokens"] or 0)
    save_model(
        model,
        model_out,
        tokenizer_json=tokenizer,
        stage="pretrain",
        params=params.model_dump(),
        inputs=inputs,
        facts={"seeds": seeds, "tokens_seen": seen},
    )
    _write_curve(rows, curve_out)
    if checkpoints is not None:
        checkpoints.remove()
    return {
        "parameters": float(model.num_parameters),
        "tokens_seen": float(seen),
        "loss": float(rows[-1]["loss"] or 0.0),
        "validation_bits_per_byte": float(rows[-1]["val_bits_per_byte"] or 0.0),
    }


def _open(split: Path, tokenizer: Path) -> Sequences:
    """Open the split's tokens, check every byte of them, and their vocabulary against the tokenizer's."""
    sequences = Sequences.open(split)
    sequences.verify()
    check_vocabulary(tokenizer, sequences.vocab_size)
    digest = manifest.sha256(tokenizer)
    if sequences.tokenizer_sha256 != digest:
        raise VocabularyError(
            f"{split}: made with a tokenizer of sha256 {sequences.tokenizer_sha256}, but {tokenizer} has {digest}; "
            "run tokenize_docs again"
        )
    return sequences


def _fit(
    tokens: Sequences, held_out: Sequences, tokenizer: Path, params: NeuralParams, checkpoints: Checkpoints
) -> tuple[NeuralModel, list[Row]]:
    """Train a neural model, from its last checkpoint if it has one."""
    training = params.training
    device = prepare()
    model = params.build(tokens.vocab_size).to(device)
    if isinstance(model, MaskedModel):
        check_mask(tokenizer)
        if isinstance(params, BERTParams) and params.whole_words:
            model.word_starts = word_starts(tokenizer.read_text(encoding="utf-8"))
    batches = Batches(tokens, context=training.context, batch_size=training.batch_size, seed=params.seed)
    validator = Validator(held_out, max_tokens=training.validation_tokens)
    rows = run_training(
        model, batches, training, validate=lambda it: validator.measure(it).bits_per_byte, checkpoints=checkpoints
    )
    return model, rows


def _count(tokens: Sequences, held_out: Sequences, params: NGramParams) -> tuple[NGram, list[Row]]:
    """Fit every order up to the one asked for, each a row of the curve; the last is the model."""
    validator = Validator(held_out, max_tokens=params.validation_tokens)
    rows: list[Row] = []
    for order in range(1, params.order + 1):
        model = NGram.fit(tokens[:], tokens.document_starts, vocab_size=tokens.vocab_size, order=order)
        nats, bits = validator.measure(model)
        figures = (order, tokens.num_tokens, nats, None, None, bits)
        rows.append(dict(zip(COLUMNS, figures, strict=True)))
        say(f"order {order}: {model.num_parameters:,} parameters, validation {bits:.4f} bits per byte")
    return model, rows


def _identity(inputs: dict[str, Path], params: NeuralParams) -> dict[str, Any]:
    """Say what makes two runs the same; the index of a split holds the hashes of its shards."""
    files = {name: path / INDEX if path.is_dir() else path for name, path in inputs.items()}
    hashes = {name: manifest.sha256(path) for name, path in files.items()}
    return {"params": params.model_dump(), "inputs": hashes, "code": manifest.loaded_code()}


def _write_curve(rows: list[Row], path: Path) -> None:
    """CSV with a header; a figure that was not measured is blank."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
