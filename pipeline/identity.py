"""Document ids as numbers, so that who came and who went can be told with 8 bytes per document."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

U64 = npt.NDArray[np.uint64]
OURS = re.compile("[0-9a-fA-F]{32}")  # the ids that this pipeline makes: 128 bits of a SHA-256


def number_ids(ids: pa.Array | pa.ChunkedArray) -> U64:
    """(N, 2) 128 bits of each id: its own when it has 32 hex digits, else its BLAKE2b.

    >>> number_ids(pa.array(["000102030405060708090a0b0c0d0e0f"])).tolist()
    [[283686952306183, 579005069656919567]]
    """
    if pc.all(pc.equal(pc.binary_length(ids), 32)).as_py() in {True, None}:
        try:
            digits = bytes.fromhex("".join(ids.to_pylist()))
        except ValueError:
            digits = b""
        if len(digits) == 16 * len(ids):  # white space between bytes is skipped, not refused
            return np.frombuffer(digits, ">u8").reshape(-1, 2).astype(np.uint64)
    values, blake2b = ids.to_pylist(), hashlib.blake2b
    numbers = b"".join([_number(v) if len(v) == 32 else blake2b(v.encode(), digest_size=16).digest() for v in values])
    return np.frombuffer(numbers, ">u8").reshape(-1, 2).astype(np.uint64)


def _number(value: str) -> bytes:
    return bytes.fromhex(value) if OURS.fullmatch(value) else hashlib.blake2b(value.encode(), digest_size=16).digest()


class Tally:
    """A multiset of ids: how many, and their sum modulo 2^128, half by half, which no loss or exchange leaves as it was.

    Ids are hashes or are hashed, so that equal sums of different ids are as likely as equal hashes.
    """

    def __init__(self) -> None:
        self.count, self.sum = 0, np.zeros(2, np.uint64)

    def add(self, ids: pa.Array | pa.ChunkedArray) -> U64:
        """Count the ids; returns the (N,) first halves of their numbers."""
        numbers = number_ids(ids)
        self.count += len(numbers)
        self.sum += numbers.sum(axis=0, dtype=np.uint64)
        return numbers[:, 0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and self.count == other.count and bool((self.sum == other.sum).all())

    __hash__ = None  # type: ignore[assignment]


def repeated(numbers: U64) -> U64:
    """The numbers that come more than once; sorts ``numbers`` in place, for a copy would cost as much again."""
    numbers.sort()
    return np.unique(numbers[1:][numbers[1:] == numbers[:-1]])
