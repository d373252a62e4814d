"""Interpolated modified Kneser–Ney estimation, from token ids to probabilities, sorted and vectorised.

Chen & Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling", TR-10-98 (1998), eq. 25–26:

    p(w | c) = (a(c w) - D(a(c w))) / A(c) + γ(c) p(w | c'),   γ(c) = Σ_w D(a(c w)) / A(c),   A(c) = Σ_w a(c w)

with c' the context without its first token and p(w) interpolated with the uniform distribution, so that no token has p = 0.
In the highest order, a is the count. Below it, a is the number of distinct tokens seen before the n-gram, plus its count at the
start of a document, where no token can come before it (as ``<s>`` is treated by Heafield et al., "Scalable Modified Kneser-Ney
Language Model Estimation", ACL 2013, §3). A context never seen leaves p(w | c) = p(w | c').
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Discounts of an order whose counts of counts do not give 0 < Dj <= j: too little data, or data repeated by weights.
# The default of KenLM's --discount_fallback.
FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)


@dataclass(frozen=True)
class Level:
    """The n-grams of one length k, sorted by key; ``keys`` of length 1 are the token ids themselves."""

    keys: Ints
    """(N,) row of the context in level k-1 · V + last token."""
    log_prob: npt.NDArray[np.float32]
    """(N,) nats, interpolated."""
    log_backoff: npt.NDArray[np.float32]
    """(N,) log γ of the n-gram as a context; 0.0 where nothing was seen after it. Empty in the highest level."""


@dataclass(frozen=True)
class Counts:
    """The n-grams of one length before smoothing."""

    keys: Ints
    count: Ints
    """(N,) the adjusted count a."""
    suffix: Ints
    """(N,) row in the level below of the n-gram without its first token."""


def close_documents(tokens: npt.NDArray[Any], starts: Ints) -> tuple[Ints, Ints]:
    """The stream with each document's opening token repeated as its end, and every token's position in its document."""
    ends = np.append(starts[1:], len(tokens))
    words = np.insert(tokens.astype(np.int64), ends, tokens[starts])
    lengths = ends - starts + 1
    position = np.arange(len(words)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return words, position


def count_ngrams(words: Ints, position: Ints, *, vocab_size: int, order: int) -> list[Counts]:
    """Adjusted counts of every length, from length 1 on."""
    rows = words  # (M,) row of the n-gram of length k that ends here; -1 where it would reach over the document's start
    keys, suffix = np.arange(vocab_size), np.zeros(vocab_size, dtype=np.int64)
    count = np.bincount(words[position > 0], minlength=vocab_size)
    levels = []
    for k in range(1, order):
        where = np.flatnonzero(position >= k)
        if not where.size:
            break
        opening = np.bincount(rows[position == k - 1], minlength=len(keys)) if k > 1 else 0
        longer_keys, first, inverse, longer_count = np.unique(
            rows[where - 1] * vocab_size + words[where], return_index=True, return_inverse=True, return_counts=True
        )
        longer_suffix = rows[where[first]]
        levels.append(Counts(keys, np.bincount(longer_suffix, minlength=len(keys)) + opening, suffix))
        rows = np.full(len(words), -1, dtype=np.int64)
        rows[where] = inverse
        keys, count, suffix = longer_keys, longer_count, longer_suffix
    return [*levels, Counts(keys, count, suffix)]


def smooth(counts: Sequence[Counts], vocab_size: int) -> list[Level]:
    """Interpolated probabilities and backoff weights, from length 1 up."""
    uniform, everything = np.full(vocab_size, 1.0 / vocab_size), np.zeros(vocab_size, dtype=np.int64)
    probability: Floats = uniform
    levels: list[Level] = []
    for k, level in enumerate(counts, start=1):
        context = level.keys // vocab_size if k > 1 else everything
        lower = probability[level.suffix] if k > 1 else uniform
        discount = np.array([0.0, *_discounts(level.count)])[np.minimum(level.count, 3)]
        num_contexts = len(counts[k - 2].keys) if k > 1 else 1
        total = np.bincount(context, weights=level.count, minlength=num_contexts)
        backoff = np.bincount(context, weights=discount, minlength=num_contexts) / np.maximum(total, 1.0)
        backoff[total == 0] = 1.0  # nothing was seen after it: all of the mass goes to the shorter context
        if k > 1:
            levels[-1] = Level(counts[k - 2].keys, levels[-1].log_prob, np.log(backoff).astype(np.float32))
        probability = (level.count - discount) / np.maximum(total, 1.0)[context] + backoff[context] * lower
        levels.append(Level(level.keys, np.log(probability).astype(np.float32), np.empty(0, np.float32)))
    return levels


def _discounts(count: Ints) -> tuple[float, float, float]:
    """D1, D2 and D3+ from the counts of counts (Chen & Goodman 1998, eq. 26), FALLBACK_DISCOUNTS where those give none."""
    n = np.bincount(np.minimum(count, 5), minlength=6).astype(float)
    if not n[1:5].all():
        return FALLBACK_DISCOUNTS
    y = n[1] / (n[1] + 2 * n[2])
    one, two, three = (j - (j + 1) * y * n[j + 1] / n[j] for j in (1, 2, 3))
    if not (0 < one <= 1 and 0 < two <= 2 and 0 < three <= 3):
        return FALLBACK_DISCOUNTS
    return float(one), float(two), float(three)
