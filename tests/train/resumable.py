"""A tiny training run: 20 steps on the stream in FOLDER/stream, with checkpoints below FOLDER/scratch.

``python -m tests.train.resumable FAMILY FOLDER SIGNAL STEP`` sends itself SIGNAL when it asks for the batch of STEP (0-based).
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from pipeline.models.bert import BERT
from pipeline.models.electra import ELECTRA
from pipeline.models.encoder import Shape
from pipeline.models.gpt import GPT
from pipeline.models.neural import NeuralModel
from pipeline.models.rnn import LSTM
from pipeline.sequences import Sequences
from pipeline.train.batches import Batch, Batches
from pipeline.train.checkpoint import Checkpoints
from pipeline.train.loop import Row, TrainingParams, prepare, train
from pipeline.train.optimizer import OptimizerParams
from tests.train.streams import VOCAB

CONTEXT, BATCH_SIZE = 16, 4


class Interrupted(Batches):
    """Batches that end their process when one of them is asked for."""

    signal_at: tuple[signal.Signals, int] | None = None

    def __getitem__(self, step: int) -> Batch:
        if self.signal_at is not None and step == self.signal_at[1]:
            os.kill(os.getpid(), self.signal_at[0])
        return super().__getitem__(step)


def params(steps: int, **changes: object) -> TrainingParams:
    given: dict[str, object] = {
        "context": CONTEXT,
        "batch_size": BATCH_SIZE,
        "micro_batch_size": 3,  # does not divide the batch
        "max_tokens": steps * CONTEXT * BATCH_SIZE,
        "max_epochs": 100.0,
        "dtype": "bfloat16",
        "clip_norm": 1.0,
        "optimizer": OptimizerParams(name="muon", lr=0.02, embedding_lr=0.01),
        "validation_every": 10,
        "validation_tokens": 200,
        "log_every": 5,
    }
    return TrainingParams(**{**given, **changes})


def build(family: str) -> NeuralModel:
    if family == "lstm":
        return LSTM(VOCAB, dim=16, hidden_dim=24, num_layers=2, seed=1)
    shape = Shape(VOCAB, dim=16, num_layers=2, num_heads=2, ffn_dim=32, context=CONTEXT)
    if family == "bert":
        return BERT(shape, seed=1)
    if family == "electra":
        return ELECTRA(replace(shape, embedding_dim=8), generator_share=0.5, seed=1)
    return GPT(VOCAB, dim=16, num_layers=2, num_heads=2, num_kv_heads=1, head_dim=8, ffn_dim=32, context=CONTEXT, seed=1)


def digest(model: NeuralModel) -> str:
    weights = model.state()
    return hashlib.sha256(b"".join(weights[name].tobytes() for name in sorted(weights))).hexdigest()


def run(family: str, folder: Path, signal_at: tuple[signal.Signals, int] | None = None) -> tuple[str, list[Row]]:
    """Train for 20 steps, from the last checkpoint if there is one; the sha-256 of the weights, and the curve."""
    prepare()
    model = build(family)
    batches = Interrupted(Sequences.open(folder / "stream"), context=CONTEXT, batch_size=BATCH_SIZE, seed=3)
    batches.signal_at = signal_at
    checkpoints = Checkpoints(folder / "scratch", {"family": family})
    rows = train(model, batches, params(20), validate=lambda it: it.head.sum().item(), checkpoints=checkpoints)
    return digest(model), rows


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]), (signal.Signals[sys.argv[3]], int(sys.argv[4])))
