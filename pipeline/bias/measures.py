"""Who a corpus speaks of, and beside which work: mentions of groups, and of groups near occupations, document by document."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.bias.lexicons import IDENTITY_TERMS, OCCUPATION_FORMS
from pipeline.text.hashing import I64, U64, find, hash_words, index_hashes, kernel

F64 = npt.NDArray[np.float64]
WINDOW = 10  # words to either side in which a group and an occupation are near each other (Bordia & Bowman 2019 use 10)

GROUPS: tuple[str, ...] = tuple(sorted(IDENTITY_TERMS))
AXES: tuple[str, ...] = tuple(sorted({group.partition("/")[0] for group in GROUPS}))
OCCUPATION_NAMES: tuple[str, ...] = tuple(sorted(set(OCCUPATION_FORMS.values())))


@dataclass(frozen=True)
class Measures:
    """What was counted in D texts, for the groups of ``GROUPS`` (G) and the occupations of ``OCCUPATION_NAMES`` (O)."""

    mentions: npt.NDArray[np.int32]  # (D, G) words of each group in each text
    pairs: I64  # (P, 3) text, group, occupation: one row for each group word within WINDOW words of an occupation
    num_words: int

    def documents(self, weights: F64 | None = None) -> F64:
        """(G,) texts that mention each group, or the sum of their weights."""
        given = np.ones(len(self.mentions)) if weights is None else weights
        sums: F64 = np.einsum("d,dg->g", given, (self.mentions > 0).astype(np.float64))
        return sums

    def cooccurrence(self, weights: F64 | None = None) -> F64:
        """(G, O) how often a word of the group stands near the occupation, each text counted by its weight (default 1)."""
        out = np.zeros((len(GROUPS), len(OCCUPATION_NAMES)))
        amounts = np.ones(len(self.pairs)) if weights is None else weights[self.pairs[:, 0]]
        np.add.at(out, (self.pairs[:, 1], self.pairs[:, 2]), amounts)
        return out


def measure(texts: pa.LargeStringArray | pa.ChunkedArray) -> Measures:
    """Count the groups and their occupations in each text, in one pass over its words."""
    words = hash_words(texts)
    keys, codes = _lexicon()
    slots = index_hashes(keys)
    mentions = np.zeros((len(texts), len(GROUPS)), np.int32)
    room = _count(words.hashes, words.documents, keys, slots, codes, len(GROUPS), WINDOW, mentions, np.empty((0, 3), np.int64))
    pairs = np.empty((room, 3), np.int64)
    mentions[:] = 0
    _count(words.hashes, words.documents, keys, slots, codes, len(GROUPS), WINDOW, mentions, pairs)
    return Measures(mentions, pairs, len(words.hashes))


def join(parts: list[Measures]) -> Measures:
    """Join the measures of consecutive batches of texts."""
    firsts = np.cumsum([0, *(len(part.mentions) for part in parts)])
    pairs = [part.pairs + np.array([first, 0, 0]) for part, first in zip(parts, firsts[:-1], strict=True)]
    mentions = np.concatenate([np.zeros((0, len(GROUPS)), np.int32), *(part.mentions for part in parts)])
    return Measures(mentions, np.concatenate([np.zeros((0, 3), np.int64), *pairs]), sum(part.num_words for part in parts))


def axis_members(axis: str) -> I64:
    """Positions in ``GROUPS`` of an axis's groups."""
    return np.array([i for i, group in enumerate(GROUPS) if group.startswith(f"{axis}/")])


def shares(documents: F64) -> F64:
    """(G,) each group's part of all mentions of its axis, by (weighted) texts; 0 on an axis that no text mentions."""
    out = np.zeros(len(GROUPS))
    for axis in AXES:
        members = axis_members(axis)
        total = documents[members].sum()
        out[members] = documents[members] / total if total else 0.0
    return out


def log_odds(cooccurrence: F64) -> tuple[F64, F64]:
    """(G, O) how much likelier an occupation stands near a group than near the other groups of its axis, and its z-score.

    The natural logarithm of the odds ratio of the 2 × 2 table (this group or the others of the axis; this occupation or the
    others), each cell plus 0.5 (Haldane 1956; Anscombe 1956); z divides it by its standard error, the root of the sum of the
    cells' inverses (Woolf 1955). 0: no association; |z| > 1.96: significant at 5 %, one table at a time.
    """
    odds, scores = np.zeros_like(cooccurrence), np.zeros_like(cooccurrence)
    for axis in AXES:
        table = cooccurrence[axis_members(axis)]
        groups, occupations, total = table.sum(axis=1, keepdims=True), table.sum(axis=0), table.sum()
        cells = np.stack([table, groups - table, occupations - table, total - groups - occupations + table]) + 0.5
        value = np.log(cells[0] * cells[3] / (cells[1] * cells[2]))
        odds[axis_members(axis)], scores[axis_members(axis)] = value, value / np.sqrt((1 / cells).sum(axis=0))
    return odds, scores


def association_bits(cooccurrence: F64) -> dict[str, float]:
    """For each axis the mutual information of group and occupation, in bits: 0 if work says nothing about the group.

    Sum of p(g, o) log2 (p(g, o) / (p(g) p(o))), the mean of the pointwise mutual information of Church & Hanks (1990), less what
    chance gives to few counts: (cells - groups - occupations + 1) / (2 N ln 2), those that occur (Miller 1955); not below 0.
    """
    out = {}
    for axis in AXES:
        table = cooccurrence[axis_members(axis)]
        if not (total := table.sum()):
            out[axis] = 0.0
            continue
        joint = table / total
        group, occupation, some = joint.sum(axis=1), joint.sum(axis=0), joint > 0
        information = (joint[some] * np.log2(joint[some] / np.outer(group, occupation)[some])).sum()
        surplus = some.sum() - (group > 0).sum() - (occupation > 0).sum() + 1
        out[axis] = float(max(0.0, information - surplus / (2 * total * np.log(2))))
    return out


@functools.cache
def _lexicon() -> tuple[U64, I64]:
    """Hashes of all words of interest, and their codes: a group's position, or G + an occupation's."""
    codes = {word: GROUPS.index(group) for group, words in IDENTITY_TERMS.items() for word in words}
    codes |= {form: len(GROUPS) + OCCUPATION_NAMES.index(name) for form, name in OCCUPATION_FORMS.items()}
    words = sorted(codes)
    scanned = hash_words(pa.array(words, pa.large_string()))
    if len(scanned.hashes) != len(words):
        raise ValueError("a lexicon entry is not a single word")
    return scanned.hashes, np.array([codes[word] for word in words])


@kernel
def _count(
    hashes: Any, documents: Any, keys: Any, slots: Any, codes: Any, groups: int, window: int, mentions: Any, pairs: Any
) -> int:
    """Count mentions, write the pairs that fit into ``pairs`` and return how many there are."""
    recent = np.empty((2 * window + 2, 2), np.int64)  # ring of the last words of interest: place and code
    found = 0
    for text in range(len(documents) - 1):
        first, last = 0, 0  # the ring's content, counted from the text's start
        for word in range(documents[text], documents[text + 1]):
            slot = find(hashes[word], keys, slots)
            if slot < 0:
                continue
            code = codes[slot]
            if code < groups:
                mentions[text, code] += 1
            while first < last and word - recent[first % len(recent), 0] > window:
                first += 1
            for i in range(first, last):
                other = recent[i % len(recent), 1]
                if (code < groups) != (other < groups):
                    if found < len(pairs):
                        pairs[found, 0], pairs[found, 1], pairs[found, 2] = text, min(code, other), max(code, other) - groups
                    found += 1
            recent[last % len(recent), 0], recent[last % len(recent), 1] = word, code
            last += 1
    return found
