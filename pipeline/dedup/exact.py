"""Exact duplicates: texts that are the same but for white space."""

from __future__ import annotations

import hashlib

import pyarrow as pa

DIGEST_BYTES = 16  # 128 bits of a cryptographic hash: no accident, and no author, makes two texts collide and so removes one


def digests(texts: pa.LargeStringArray | pa.ChunkedArray) -> pa.Array:
    """BLAKE2b of each text with its runs of white space made one space and its ends stripped, fixed-size binary."""
    values = [hashlib.blake2b(" ".join(text.split()).encode(), digest_size=DIGEST_BYTES).digest() for text in texts.to_pylist()]
    return pa.array(values, pa.binary(DIGEST_BYTES))
