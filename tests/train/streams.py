"""Token streams for tests: documents of a small language that a model can learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.sequences import Sequences, SequenceWriter

VOCAB = 32


def write_stream(
    path: Path, *, documents: int = 40, seed: int = 0, vocab_size: int = VOCAB, tokenizer_sha256: str = "0"
) -> Sequences:
    """Documents of 5 to 60 tokens, each counting upwards in steps of its own; the tokens per byte are two."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(5, 60, documents)
    parts = []
    for length in lengths.tolist():
        start, stride = generator.integers(0, VOCAB - 1), generator.integers(1, 4)
        parts.append(np.concatenate([[0], 1 + (start + stride * np.arange(length - 1)) % (VOCAB - 1)]))
    with SequenceWriter(path, vocab_size=vocab_size, tokenizer_sha256=tokenizer_sha256) as writer:
        names = [f"{seed}-{index}" for index in range(documents)]
        writer.write(names, num_bytes=lengths * 2, tokens=np.concatenate(parts), lengths=lengths)
    return Sequences.open(path)
