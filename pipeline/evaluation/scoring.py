"""Nats per document, through ``loglikelihood``, in batches of documents of similar length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from pipeline.evaluation.metrics import Floats
from pipeline.models.interface import LanguageModel

Ids = npt.NDArray[np.int64]


def document_nats(model: LanguageModel, documents: Sequence[Ids], *, tokens_per_batch: int) -> Floats:
    """-Σ log p(token | tokens before it) of each document, which opens with the (unscored) end-of-text token. Shape (D,).

    A batch holds at most ``tokens_per_batch`` tokens, padding included, or one document that alone is longer.
    """
    nats = np.zeros(len(documents))
    for rows in length_batches([len(document) for document in documents], tokens_per_batch):
        lengths = np.array([len(documents[row]) for row in rows], dtype=np.int64)
        batch_BT = np.zeros((len(rows), lengths.max()), dtype=np.int64)
        for place, row in enumerate(rows):
            batch_BT[place, : lengths[place]] = documents[row]
        nats[rows] = -model.loglikelihood(batch_BT, lengths).sum(axis=1)
    return nats


def length_batches(lengths: Sequence[int], tokens_per_batch: int) -> Iterator[list[int]]:
    """Row numbers of each batch, shortest documents first, such that rows × longest stays within ``tokens_per_batch``."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: (lengths[row], row)):
        if batch and (len(batch) + 1) * lengths[row] > tokens_per_batch:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def largest_logit_difference(model: LanguageModel, other: LanguageModel, document: Ids) -> float | None:
    """Largest |logit - logit'| of two neural models on one document; None when they have no logits."""
    import torch

    if not (isinstance(model, torch.nn.Module) and isinstance(other, torch.nn.Module)):
        return None
    ids_BT = torch.from_numpy(document)[None]
    with torch.inference_mode():
        return float((model(ids_BT) - other(ids_BT)).abs().max())
