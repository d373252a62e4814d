"""Batches of packed windows: batch ``step`` is a pure function of (seed, step), so the cursor of a run is one integer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.errors import TrainingError
from pipeline.sequences import Sequences


class Batch(NamedTuple):
    """Inputs, the tokens that follow them, and the number of the document each input belongs to; int64 (B, T)."""

    ids: Tensor
    targets: Tensor
    documents: Tensor


class Batches:
    """Windows of ``context`` tokens cut from the stream of ``sequences``, ``batch_size`` at a time, epoch after epoch.

    An epoch cuts the stream from a random phase below ``context`` on and visits its windows once, in random order. A window is
    read with the token after it; the token that opens a document is the target of the last one of the document before, which
    is how a model learns to end. Raises TrainingError when the stream is shorter than two windows.
    """

    def __init__(self, sequences: Sequences, *, context: int, batch_size: int, seed: int) -> None:
        self.sequences, self.context, self.batch_size, self.seed = sequences, context, batch_size, seed
        self.windows_per_epoch = (sequences.num_tokens - context) // context
        if self.windows_per_epoch < 1:
            raise TrainingError(
                f"{sequences.path}: {sequences.num_tokens} tokens, fewer than two windows of context = {context}; "
                "lower context or add documents"
            )
        self._epoch = (-1, np.empty(0, dtype=np.int64))

    @property
    def tokens_per_batch(self) -> int:
        """Targets in one batch."""
        return self.batch_size * self.context

    def num_steps(self, *, max_tokens: int, max_epochs: float) -> int:
        """Batches that fit both bounds; at least one."""
        bound = min(max_tokens, max_epochs * self.windows_per_epoch * self.context)
        return max(1, int(bound // self.tokens_per_batch))

    def __getitem__(self, step: int) -> Batch:
        """Batch ``step``, 0-based."""
        first = step * self.batch_size
        starts = np.array([self._start(index) for index in range(first, first + self.batch_size)], dtype=np.int64)
        tokens = self.sequences.windows(starts, self.context + 1)
        positions = starts[:, None] + np.arange(self.context)
        documents = np.searchsorted(self.sequences.document_starts, positions, side="right")
        return Batch(*map(torch.from_numpy, (tokens[:, :-1].copy(), tokens[:, 1:].copy(), documents)))

    def _start(self, index: int) -> int:
        epoch, place = divmod(index, self.windows_per_epoch)
        if self._epoch[0] != epoch:
            self._epoch = (epoch, self._order(epoch))
        return int(self._epoch[1][place])

    def _order(self, epoch: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Where each window of an epoch starts, in the order of visits."""
        generator = np.random.default_rng([self.seed, epoch])
        spare = self.sequences.num_tokens - 1 - self.windows_per_epoch * self.context
        phase = int(generator.integers(0, min(spare, self.context - 1) + 1))
        starts: np.ndarray[tuple[int], np.dtype[np.int64]] = phase + self.context * generator.permutation(self.windows_per_epoch)
        return starts
