"""How well a vocabulary fits a text: bytes per token and tokens per word, overall and by group."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.tokenizer.encode import Encoder

# A word is a run of letters, marks, digits and underscores. Scripts that write no spaces therefore have long "words".
WORD = r"[\pL\pM\pN_]+"


def count(texts: pa.ChunkedArray, groups: pa.ChunkedArray, encoder: Encoder) -> Counter[tuple[str, str]]:
    """Counts by (unit, group), unit being bytes, words or tokens; a document whose group is null is not counted."""
    known = groups.is_valid()
    texts, groups = texts.filter(known), groups.filter(known)
    values = {
        "bytes": pc.binary_length(texts),
        "words": pc.count_substring_regex(texts, WORD),
        "tokens": pa.array(encoder.encode(texts)[1]),
    }
    table = pa.table({"group": groups, **values}).group_by("group").aggregate([(unit, "sum") for unit in values])
    return Counter({(unit, row["group"]): int(row[f"{unit}_sum"]) for row in table.to_pylist() for unit in values})


def tokens_per_word(counts: Counter[tuple[str, str]], top: int) -> dict[str, float]:
    """Tokens per word of the ``top`` groups with most bytes, largest first; groups without a word are left out."""
    sizes = sorted((-size, group) for (unit, group), size in counts.items() if unit == "bytes" and counts["words", group])
    return {group: counts["tokens", group] / counts["words", group] for _, group in sizes[:top]}


def tokens_per_term(terms: frozenset[str], encoder: Encoder) -> float:
    """Mean tokens of a term as it stands within a sentence, a space before it: 1.0 when the vocabulary holds them all."""
    _, lengths = encoder.encode(pa.array([f" {term}" for term in sorted(terms)], pa.large_string()))
    return float(np.mean(lengths))
