"""Exact duplicates: texts that are the same but for white space."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.text.hashing import decode, kernel, string_buffers

DIGEST_BYTES = 16  # 128 bits of a cryptographic hash: no accident, and no author, makes two texts collide and so removes one
_SPACES = np.array([chr(byte).isspace() for byte in range(256)]) & (np.arange(256) < 128)
_WIDE_SPACES = np.array([code for code in range(128, 0x10000) if chr(code).isspace()], np.int64)
_LEADS = np.zeros(256, np.bool_)  # bytes that a character of white space beyond ASCII begins with
_LEADS[[chr(code).encode()[0] for code in _WIDE_SPACES]] = True


def digests(texts: pa.LargeStringArray | pa.ChunkedArray) -> pa.Array:
    """SHA-256, cut to 128 bits, of each text with its runs of white space made one space and its ends stripped.

    White space is what ``str.split`` takes for it. Null counts as empty.
    """
    offsets, data = string_buffers(texts)
    squeezed, bounds = np.empty(int(offsets[-1] - offsets[0]) + 1, np.uint8), np.zeros(len(offsets), np.int64)
    _squeeze(offsets, data, _SPACES, _LEADS, _WIDE_SPACES, squeezed, bounds)
    view, places, sha256 = memoryview(squeezed.data), bounds.tolist(), hashlib.sha256
    found = b"".join([sha256(view[a:b]).digest()[:DIGEST_BYTES] for a, b in pairwise(places)])
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(DIGEST_BYTES), len(places) - 1, [None, pa.py_buffer(found)])


@kernel
def _squeeze(offsets: Any, data: Any, spaces: Any, leads: Any, wide: Any, out: Any, bounds: Any) -> None:
    """Write each text's normal form behind the one before; ``bounds[t + 1]`` is where it ends."""
    write = 0
    for text in range(len(offsets) - 1):
        at, last, first = offsets[text], offsets[text + 1], write
        after_space = True  # at the start, so that no space is written there
        while at < last:
            byte = data[at]
            if leads[byte]:
                code, size = decode(data, at)
                if code in wide:
                    out[write] = 0x20
                    write += not after_space
                    after_space = True
                    at += size
                    continue
            space = spaces[byte]
            out[write] = 0x20 if space else byte
            write += not (space and after_space)
            after_space = space
            at += 1
        if write > first and after_space:
            write -= 1
        bounds[text + 1] = write
