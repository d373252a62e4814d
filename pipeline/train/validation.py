"""Bits per byte on held-out documents, as training watches it: whole documents, scored as any family scores them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from pipeline.errors import EmptyCorpusError
from pipeline.models.interface import LanguageModel
from pipeline.sequences import Sequences

TOKENS_AT_ONCE = 8192  # padding included


class Validation(NamedTuple):
    """Mean nats per predicted token and bits per UTF-8 byte of text."""

    nats_per_token: float
    bits_per_byte: float


class Validator:
    """Scores models on the first documents of ``sequences``, up to ``max_tokens`` tokens and at least one document.

    Raises EmptyCorpusError when they hold nothing to predict.
    """

    def __init__(self, sequences: Sequences, *, max_tokens: int) -> None:
        lengths = sequences.documents["length"].to_numpy()
        count = max(1, int(np.searchsorted(np.cumsum(lengths), max_tokens, side="right")))
        self.documents = sorted((sequences.tokens(row) for row in range(min(count, len(lengths)))), key=len)
        self.num_bytes = int(sequences.documents["num_bytes"].to_numpy()[:count].sum())
        self.num_predicted = sum(len(document) - 1 for document in self.documents)
        if not self.num_predicted or not self.num_bytes:
            raise EmptyCorpusError(f"{sequences.path}: no token to predict in it; validation needs at least one document")

    def measure(self, model: LanguageModel) -> Validation:
        """Nats per token and bits per byte of ``model``."""
        nats = -sum(self._score(model, batch) for batch in self._batches())
        return Validation(nats / self.num_predicted, nats / self.num_bytes / math.log(2))

    def _batches(self) -> list[list[np.ndarray[tuple[int], np.dtype[np.integer]]]]:
        """Documents of similar length together, so that little is padding."""
        batches: list[list[np.ndarray[tuple[int], np.dtype[np.integer]]]] = [[]]
        for document in self.documents:
            if batches[-1] and (len(batches[-1]) + 1) * len(document) > TOKENS_AT_ONCE:
                batches.append([])
            batches[-1].append(document)
        return batches

    @staticmethod
    def _score(model: LanguageModel, batch: list[np.ndarray[tuple[int], np.dtype[np.integer]]]) -> float:
        lengths = np.array([len(document) for document in batch], dtype=np.int64)
        ids = np.zeros((len(batch), int(lengths.max())), dtype=np.int64)
        for row, document in enumerate(batch):
            ids[row, : len(document)] = document
        return float(model.loglikelihood(ids, lengths).sum())
