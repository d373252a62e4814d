"""Reads a classifier that fastText has written (Joulin et al. 2016, "FastText.zip", for the quantized form)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.text.hashing import I64, U64, index_hashes, mix

F32 = npt.NDArray[np.float32]

NO_ROW = 0xFFFF  # of an n-gram that was pruned
OFFSET64, PRIME64 = 14695981039346656037, 1099511628211  # FNV-1a
_MAGIC, _VERSION = 793712314, 12  # of a fastText model file
_HIERARCHICAL_SOFTMAX = 1  # number of this loss in fastText


@dataclass(frozen=True)
class Model:
    """A classifier with L labels, W words and N n-gram buckets, dimension D."""

    labels: tuple[str, ...]  # (L,)
    rows: F32  # (W + kept n-grams, D); row 0 is the end of the text
    words: U64  # (W,) hash of each word: FNV-1a on 64 bits, mixed
    slots: I64  # hash table over ``words``
    buckets: npt.NDArray[np.uint16]  # (N,) row of each n-gram bucket, or NO_ROW
    sizes: tuple[int, int]  # shortest and longest n-gram, characters
    nodes: F32  # (L - 1, D) inner nodes of the softmax tree
    children: I64  # (L - 1, 2) left and right; below L a label, else L + an inner node


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def values(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return found

    def array(self, dtype: str, size: int) -> npt.NDArray[Any]:
        found = np.frombuffer(self.data, dtype, size, self.at)
        self.at += found.nbytes
        return found

    def string(self) -> bytes:
        end = self.data.index(b"\0", self.at)
        found, self.at = self.data[self.at : end], end + 1
        return found


def read_model(data: bytes) -> Model:
    """Read a quantized fastText classifier (.ftz) with pruned n-grams and hierarchical softmax.

    Raises ValueError for a file of another kind.
    """
    reader = _Reader(data)
    if reader.values("ii") != (_MAGIC, _VERSION):
        raise ValueError("not a fastText model of version 12")
    dim, _, _, _, _, word_ngrams, loss, _, buckets, shortest, longest, _ = reader.values("12i")
    reader.values("d")
    _, num_words, num_labels, _, num_kept = reader.values("iiiqq")
    entries = [(reader.string(), *reader.values("qb")) for _ in range(num_words + num_labels)]
    kept = reader.array("<i4", 2 * num_kept).reshape(-1, 2)
    if loss != _HIERARCHICAL_SOFTMAX or word_ngrams != 1 or not reader.values("?")[0] or num_words + num_kept >= NO_ROW:
        raise ValueError("want a quantized model with hierarchical softmax and word n-grams of 1")
    rows = _read_quantized(reader)
    if reader.values("?")[0]:
        raise ValueError("want an output matrix that is not quantized")
    size, width = reader.values("qq")
    outputs = reader.array("<f4", size * width).reshape(size, width)
    table = np.full(buckets, NO_ROW, np.uint16)
    table[kept[:, 0]] = kept[:, 1] + num_words
    words = np.array([_hash(word) for word, _, _ in entries[:num_words]], np.uint64)
    return Model(
        labels=tuple(label.decode().removeprefix("__label__") for label, _, _ in entries[num_words:]),
        rows=rows.reshape(-1, dim),
        words=words,
        slots=index_hashes(words),
        buckets=table,
        sizes=(shortest, longest),
        nodes=outputs[: num_labels - 1],
        children=_huffman([count for _, count, _ in entries[num_words:]]),
    )


def _read_quantized(reader: _Reader) -> F32:
    """Undo product quantization: a row is its norm times one centroid for each part (Jégou et al. 2011)."""
    has_norms, num_rows, _, num_codes = reader.values("?qqi")
    codes = reader.array("u1", num_codes).reshape(num_rows, -1)
    parts = [centroids[codes[:, part]] for part, centroids in enumerate(_read_centroids(reader))]
    rows = np.concatenate(parts, axis=1)
    if has_norms:
        norms = reader.array("u1", num_rows)
        rows *= _read_centroids(reader)[0][norms]
    return rows


def _read_centroids(reader: _Reader) -> list[F32]:
    _, parts, size, last = reader.values("4i")
    return [reader.array("<f4", 256 * width).reshape(256, width) for width in [size] * (parts - 1) + [last]]


def _hash(word: bytes) -> np.uint64:
    """Hash a word as the kernel does."""
    state = OFFSET64
    for byte in word:
        state = ((state ^ byte) * PRIME64) % (1 << 64)
    return mix(np.uint64(state))


def _huffman(counts: list[int]) -> I64:
    """Build the tree that fastText builds: ``counts`` descend, and of equals the inner node goes first."""
    size = len(counts)
    weights, children = [*counts], np.zeros((size - 1, 2), np.int64)
    leaf, inner = size - 1, size
    for node in range(size - 1):
        for side in range(2):
            use_leaf = leaf >= 0 and (inner >= len(weights) or weights[leaf] < weights[inner])
            children[node, side] = leaf if use_leaf else inner
            leaf, inner = (leaf - 1, inner) if use_leaf else (leaf, inner + 1)
        weights.append(weights[children[node, 0]] + weights[children[node, 1]])
    return children
