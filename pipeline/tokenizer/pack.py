"""Which training documents are seen, how often and in what order: pure functions of document id, weight and seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]


def open_documents(
    ids: npt.NDArray[Any], lengths: npt.NDArray[np.int64], end_id: int
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Put ``end_id`` before each document: documents of ``lengths[i]`` ids, back to back, become ones of ``lengths[i] + 1``.

    >>> open_documents(np.array([7, 8, 9]), np.array([1, 2]), 0)
    (array([0, 7, 0, 8, 9]), array([2, 3]))
    """
    return np.insert(ids, np.cumsum(lengths) - lengths, end_id), lengths + 1


def draws(ids: Iterable[str], seed: int) -> npt.NDArray[np.float64]:
    """A number in [0, 1) for each id, the same wherever and whenever it is drawn: 53 bits of a hash of seed and id."""
    return np.ldexp((_hashes(((name, 0) for name in ids), seed, b"copies") >> np.uint64(11)).astype(np.float64), -53)


def copies(weights: npt.NDArray[np.float64], draw: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """How often each document is written, floor(weight + draw): its weight on average, and at least floor(weight).

    >>> copies(np.array([0.5, 0.5, 2.0]), np.array([0.4, 0.6, 0.9]))
    array([0, 1, 2])
    """
    return np.floor(weights + draw).astype(np.int64)


def shuffle(ids: Sequence[str], counts: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    """Every document row, ``counts[row]`` times, in an order that depends on ids and seed alone; copies lie apart."""
    rows = np.repeat(np.arange(len(counts)), counts)
    copy = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    keys = _hashes(((ids[row], number) for row, number in zip(rows.tolist(), copy.tolist(), strict=True)), seed, b"order")
    return rows[np.argsort(keys, kind="stable")]


def _hashes(items: Iterable[tuple[str, int]], seed: int, purpose: bytes) -> Hashes:
    """64-bit BLAKE2b of (id, copy), keyed by seed and personalised by purpose, so that no two uses share their chance."""
    base = hashlib.blake2b(key=str(seed).encode(), digest_size=8, person=purpose)
    values = []
    for name, number in items:
        digest = base.copy()
        digest.update(f"{name} {number}".encode())
        values.append(int.from_bytes(digest.digest(), "little"))
    return np.array(values, dtype=np.uint64)
