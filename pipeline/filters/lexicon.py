"""Terms of word lists in a text: toxic ones, and words that name groups of people."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.text.terms import TermCounts, Terms, compile_terms, count_terms

if TYPE_CHECKING:
    from pipeline.filters.batch import Batch

_TOXIC, _IDENTITY = 0, 1


def identity_rate(batch: Batch) -> pa.DoubleArray:
    """Share of words that name a group of people, 0 to 1."""
    return _share(batch.listed, _IDENTITY)


def toxicity(batch: Batch) -> pa.DoubleArray:
    """Share of words in toxic terms, 0 to 1. A word list knows no context."""
    return _share(batch.listed, _TOXIC)


def toxic_terms(batch: Batch) -> pa.DoubleArray:
    """How many toxic terms there are. C4 keeps a page that has none (Raffel et al. 2020, 2.2): ``high: 0``."""
    return pa.array(batch.listed.occurrences[:, _TOXIC].astype(np.float64))


def find(text: pa.LargeStringArray, toxic: frozenset[str], identity: frozenset[str]) -> TermCounts:
    """Count both lists in one pass."""
    return count_terms(text, _compiled(toxic, identity))


@functools.lru_cache(maxsize=4)
def _compiled(toxic: frozenset[str], identity: frozenset[str]) -> Terms:
    return compile_terms([toxic, identity])


def _share(counts: TermCounts, number: int) -> pa.DoubleArray:
    """Words in the terms of a list per word; 0 for a text without words and terms, at most 1."""
    return pa.array(np.minimum(counts.covered[:, number] / np.maximum(counts.num_words, 1), 1.0))
