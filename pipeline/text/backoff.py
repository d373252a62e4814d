"""Scores token ids by a back-off n-gram model, token by token, without the model's classes: arrays in, nats out.

A model is a trie: the n-grams of length k are rows, those with one context lie together, sorted by their last token. The rows of
all lengths stand in one array, length 1 first, so that row ``w`` is the token ``w`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.text.hashing import I64, kernel

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Backoff:
    """An interpolated back-off model of R n-grams: log p(w | c) is the n-gram's, or log γ(c) + log p(w | shorter c)."""

    order: int
    last: npt.NDArray[np.int32]
    """(R,) last token of each n-gram."""
    log_prob: F32
    """(R,) nats."""
    log_backoff: F32
    """(R,) log γ of the n-gram as a context, 0.0 where nothing follows it."""
    begins: I64
    """(R + 1,) rows of the n-grams that are one token longer: from begins[r] to begins[r + 1]."""


def from_tensors(tensors: Mapping[str, npt.NDArray[Any]], order: int, vocab_size: int) -> Backoff:
    """Arrange the tensors of an n-gram model directory: ``keys.K``, ``log_prob.K`` and ``log_backoff.K`` for each length K.

    A key is (row of the n-gram without its last token among those of its length) · vocab_size + last token. Raises KeyError for
    a tensor that is not there.
    """
    keys = [np.arange(vocab_size), *(tensors[f"keys.{k}"] for k in range(2, order + 1))]
    firsts = np.cumsum([0, *(len(part) for part in keys)])
    begins = np.full(firsts[-1] + 1, firsts[-1], np.int64)
    for k in range(1, order):
        contexts = np.arange(len(keys[k - 1])) * vocab_size
        begins[firsts[k - 1] : firsts[k]] = firsts[k] + np.searchsorted(keys[k], contexts)
    backoff = [tensors[f"log_backoff.{k}"] for k in range(1, order)]
    return Backoff(
        order,
        np.concatenate([part % vocab_size for part in keys]).astype(np.int32),
        np.concatenate([tensors[f"log_prob.{k}"] for k in range(1, order + 1)]).astype(np.float32),
        np.concatenate([*backoff, np.zeros(len(keys[-1]), np.float32)]).astype(np.float32),
        begins,
    )


def log_likelihoods(model: Backoff, ids: npt.NDArray[np.uint32], lengths: I64, opening: int) -> F64:
    """Nats, (D,): the sum of log p(token | tokens before it) over each document's ``ids``, which lie back to back.

    ``opening`` is the token that opens every document; it is given, not predicted. Ids lie below the vocabulary's size.
    """
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    out = np.zeros(len(lengths))
    _score(model.order, model.last, model.log_prob, model.log_backoff, model.begins, ids, bounds, opening, out)
    return out


@kernel
def _score(
    order: int, last: Any, log_prob: Any, log_backoff: Any, begins: Any, ids: Any, bounds: Any, opening: int, out: Any
) -> None:
    """Add up every document; ``contexts[k]`` is the row of the last k + 1 tokens, -1 where they were never seen together."""
    contexts, rows = np.empty(order, np.int64), np.empty(order, np.int64)
    for document in range(len(bounds) - 1):
        contexts[:] = -1
        contexts[0] = opening
        total = 0.0
        for at in range(bounds[document], bounds[document + 1]):
            word = np.int64(ids[at])
            rows[0], score = word, np.float64(log_prob[word])
            for k in range(order - 1):
                rows[k + 1] = -1
                if contexts[k] < 0:
                    continue
                low, high = begins[contexts[k]], begins[contexts[k] + 1]
                end = high
                while low < high:
                    middle = (low + high) >> 1
                    if last[middle] < word:
                        low = middle + 1
                    else:
                        high = middle
                if low < end and last[low] == word:
                    rows[k + 1], score = low, np.float64(log_prob[low])
                else:
                    score += log_backoff[contexts[k]]
            total += score
            contexts[:] = rows
        out[document] = total
