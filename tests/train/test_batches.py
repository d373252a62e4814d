"""Batches: a pure function of seed and step, windows of the stream, documents told apart."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.errors import TrainingError
from pipeline.sequences import Sequences, SequenceWriter
from pipeline.train.batches import Batches
from tests.train.streams import write_stream


def test_a_batch_depends_on_seed_and_step_alone(tmp_path: Path) -> None:
    sequences = write_stream(tmp_path / "s")
    one = Batches(sequences, context=16, batch_size=4, seed=7)
    later = [one[step] for step in range(40)]
    other = Batches(sequences, context=16, batch_size=4, seed=7)
    for step in (33, 2, 39):  # in any order, across epochs
        assert all(torch.equal(a, b) for a, b in zip(later[step], other[step], strict=True))
    assert not torch.equal(Batches(sequences, context=16, batch_size=4, seed=8)[0].ids, later[0].ids)


def test_rows_are_windows_of_the_stream_with_targets_one_ahead_and_documents_numbered(tmp_path: Path) -> None:
    tokens, lengths = np.arange(1, 1001), [100, 7, 300, 1, 592]
    tokens[np.cumsum([0, *lengths[:-1]])] = 0  # every token but the opening ones says where it stands
    with SequenceWriter(tmp_path / "s", vocab_size=1001, tokenizer_sha256="0") as writer:
        writer.write(list("abcde"), num_bytes=lengths, tokens=tokens, lengths=lengths)
    sequences = Sequences.open(tmp_path / "s")
    batch = Batches(sequences, context=16, batch_size=60, seed=7)[0]
    for ids, targets, documents in zip(*batch, strict=True):
        start = next(int(token) - 1 - i for i, token in enumerate(ids) if token)
        assert ids.tolist() == tokens[start : start + 16].tolist()
        assert targets.tolist() == tokens[start + 1 : start + 17].tolist()
        changes = [a != b for a, b in pairwise(documents.tolist())]
        assert changes == [int(token) == 0 for token in ids[1:]]  # a document opens with token 0


def test_an_epoch_visits_every_window_once_and_the_next_one_in_another_order(tmp_path: Path) -> None:
    sequences = write_stream(tmp_path / "s")
    batches = Batches(sequences, context=16, batch_size=1, seed=7)
    starts = [batches._start(index) for index in range(2 * batches.windows_per_epoch)]
    first, second = starts[: batches.windows_per_epoch], starts[batches.windows_per_epoch :]
    for epoch in (first, second):
        assert sorted(epoch) == list(range(min(epoch), min(epoch) + 16 * len(epoch), 16))
        assert max(epoch) + 17 <= sequences.num_tokens
        assert min(epoch) < 16
    assert [s - min(first) for s in first] != [s - min(second) for s in second]


def test_the_number_of_steps_keeps_both_bounds(tmp_path: Path) -> None:
    batches = Batches(write_stream(tmp_path / "s"), context=16, batch_size=4, seed=7)
    epoch = batches.windows_per_epoch * 16
    assert batches.num_steps(max_tokens=640, max_epochs=100.0) == 10
    assert batches.num_steps(max_tokens=10**9, max_epochs=2.0) == 2 * epoch // 64
    assert batches.num_steps(max_tokens=1, max_epochs=0.001) == 1


def test_a_stream_shorter_than_two_windows_names_its_size_and_the_context(tmp_path: Path) -> None:
    sequences = write_stream(tmp_path / "s", documents=1)
    with pytest.raises(TrainingError, match=rf"{sequences.num_tokens} tokens.*context = 64"):
        Batches(sequences, context=64, batch_size=1, seed=0)
