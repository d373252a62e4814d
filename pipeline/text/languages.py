"""Probability of each language of a text, by a fastText classifier over the UTF-8 buffers of Arrow strings.

The model is one that fastText has written (Joulin et al. 2016, "Bag of Tricks for Efficient Text Classification"; "FastText.zip",
for the quantized form): a text is the mean of the vectors of its words and of their character n-grams, and a hierarchical softmax
turns that mean into probabilities. The kernel gives the library's probabilities within float32 rounding. It is faster, because
a word's sum of vectors is remembered: most words of a text have been seen before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.text.fasttext_model import NO_ROW, OFFSET64, PRIME64, Model
from pipeline.text.hashing import I64, find, kernel, mix, string_buffers

F64 = npt.NDArray[np.float64]

_REMEMBERED = 8192  # words; with dim = 16 their sums fit into the second-level cache
_OFFSET32, _PRIME32 = 2166136261, 16777619  # FNV-1a, as fastText hashes n-grams
_EPSILON = 1e-5  # fastText adds it before it takes a logarithm
_OPEN, _CLOSE = ord("<"), ord(">")  # what fastText puts around a word before it cuts n-grams


def probabilities(texts: pa.LargeStringArray | pa.ChunkedArray, model: Model, *, max_bytes: int) -> tuple[F64, I64]:
    """Probability of each label for the first ``max_bytes`` of each text, (T, L), and how many features were known, (T,).

    A line end counts as a space; ``</s>``, where the library stops reading, and ``__label__...``, which it skips, are words. A
    text without a known feature gets what the model says of an empty one.
    """
    offsets, data = string_buffers(texts)
    means = np.zeros((len(offsets) - 1, model.rows.shape[1]), np.float32)
    known = np.zeros(len(means), np.int64)
    sums = np.zeros((_REMEMBERED, model.rows.shape[1]), np.float32)
    keys, numbers = np.zeros(_REMEMBERED, np.uint64), np.zeros(_REMEMBERED, np.int64)
    tables = (model.rows, model.words, model.slots, model.buckets, *model.sizes)
    _average(offsets, data, max_bytes, tables, keys, sums, numbers, means, known)
    out = np.empty((len(means), len(model.labels)))
    _descend(means, model.nodes, model.children, out)
    return out, known


@kernel
def _average(
    offsets: Any, data: Any, max_bytes: int, tables: Any, keys: Any, sums: Any, numbers: Any, means: Any, known: Any
) -> None:
    """Mean vector of each text. ``keys``, ``sums`` and ``numbers`` remember words, one for each slot."""
    rows = tables[0]
    mask = np.uint64(len(keys) - 1)
    for text in range(len(offsets) - 1):
        at, last = offsets[text], min(offsets[text + 1], offsets[text] + max_bytes)
        mean = means[text]
        _add(rows[0], mean)
        while at < last:
            if _is_space(data[at]):
                at += 1
                continue
            first, key = at, np.uint64(OFFSET64)
            while at < last and not _is_space(data[at]):
                key = (key ^ np.uint64(data[at])) * np.uint64(PRIME64)
                at += 1
            key = mix(key)
            slot = key & mask
            if keys[slot] != key:
                keys[slot] = key
                sums[slot, :] = 0
                numbers[slot] = _add_word(data[first:at], key, tables, sums[slot])
            known[text] += numbers[slot]
            _add(sums[slot], mean)
        for i in range(len(mean)):
            mean[i] /= known[text] + 1


@kernel
def _is_space(byte: Any) -> Any:
    """What fastText splits words at."""
    return byte == 32 or 9 <= byte <= 13 or byte == 0


@kernel
def _add_word(word: Any, key: Any, tables: Any, total: Any) -> int:
    """Add the vectors of a word and of the n-grams of ``<word>`` to ``total``; how many there were."""
    rows, words, slots, buckets, shortest, longest = tables
    number = 0
    row = find(key, words, slots)
    if row >= 0:
        _add(rows[row], total)
        number += 1
    last = len(word) + 1
    for first in range(last + 1):
        if _is_inside(word, first):
            continue
        state, stop, size = np.uint64(_OFFSET32), first, 0
        while stop <= last and size < longest:
            state = _fold(state, word, stop)
            stop += 1
            while _is_inside(word, stop):
                state = _fold(state, word, stop)
                stop += 1
            size += 1
            if size < shortest or (size == 1 and (first == 0 or stop > last)):
                continue
            row = np.int64(buckets[state % np.uint64(len(buckets))])
            if row != NO_ROW:
                _add(rows[row], total)
                number += 1
    return number


@kernel
def _add(row: Any, total: Any) -> None:
    for i in range(len(row)):
        total[i] += row[i]


@kernel
def _byte(word: Any, at: int) -> int:
    """Byte ``at`` of ``<word>``."""
    return _OPEN if at == 0 else _CLOSE if at > len(word) else int(word[at - 1])


@kernel
def _is_inside(word: Any, at: int) -> Any:
    """Does the byte ``at`` of ``<word>`` continue a character?"""
    return 0 < at <= len(word) and word[at - 1] & 0xC0 == 0x80


@kernel
def _fold(state: Any, word: Any, at: int) -> Any:
    """One step of FNV-1a on 32 bits; fastText extends the sign of a byte above 127."""
    byte = np.uint64(_byte(word, at))
    if byte > 127:
        byte |= np.uint64(0xFFFFFF00)
    return ((state ^ byte) * np.uint64(_PRIME32)) & np.uint64(0xFFFFFFFF)


@kernel
def _descend(means: Any, nodes: Any, children: Any, out: Any) -> None:
    """Probability of each label: the product of the choices on the way down the tree; an inner node comes after its children."""
    labels = out.shape[1]
    reach = np.empty(len(nodes))
    for text in range(len(means)):
        reach[-1] = 1.0
        for node in range(len(nodes) - 1, -1, -1):
            value = np.float32(0)
            for i in range(means.shape[1]):
                value += nodes[node, i] * means[text, i]
            right = 1 / (1 + np.exp(-np.float64(value)))
            for side in range(2):
                chance = reach[node] * ((right if side else 1 - right) + _EPSILON)
                child = children[node, side]
                if child < labels:
                    out[text, child] = chance
                else:
                    reach[child - labels] = chance
