"""The share of a text's words that stand in a word list: identity terms, toxic words."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from pipeline.filters.batch import Batch
from pipeline.filters.toxicity_words import TOXIC_WORDS
from pipeline.text.hashing import Words, hash_words


def identity_rate(batch: Batch) -> pa.DoubleArray:
    """Share of words that name a group of people, 0 to 1."""
    return share(batch.hashed, batch.identity_terms)


def toxicity(batch: Batch) -> pa.DoubleArray:
    """Share of words that insult or are obscene, 0 to 1. A word list knows no context."""
    return share(batch.hashed, TOXIC_WORDS)


def share(words: Words, terms: Iterable[str]) -> pa.DoubleArray:
    """How many of each text's words are in ``terms`` (single words, any case), per word; 0 for a text without words."""
    listed = hash_words(pa.array(sorted(terms), pa.large_string())).hashes
    hits = np.concatenate([[0], np.cumsum(np.isin(words.hashes, listed))])
    sizes = np.diff(words.documents)
    return pa.array(np.diff(hits[words.documents]) / np.maximum(sizes, 1))
