"""Exact duplicates: texts that are the same but for white space."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.text.hashing import decode, kernel, string_buffers
from pipeline.text.octets import HIGH, SEVEN, load_chunk, store_chunk, trailing_zeros

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
    squeezed, bounds = np.empty(int(offsets[-1] - offsets[0]) + 8, np.uint8), np.zeros(len(offsets), np.int64)
    _squeeze(offsets, data, _SPACES, _LEADS, _WIDE_SPACES, squeezed, bounds)
    view, places, sha256 = memoryview(squeezed.data), bounds.tolist(), hashlib.sha256
    found = b"".join([sha256(view[a:b]).digest()[:DIGEST_BYTES] for a, b in pairwise(places)])
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(DIGEST_BYTES), len(places) - 1, [None, pa.py_buffer(found)])


@kernel
def _spaces(chunk: np.uint64) -> np.uint64:
    """Mark by its highest bit each of eight bytes that is ASCII white space: 0x09 to 0x0D, 0x1C to 0x20."""
    seven = chunk & np.uint64(SEVEN)
    control = (seven + np.uint64(0x7777777777777777)) & ~(seven + np.uint64(0x7272727272727272))
    other = (seven + np.uint64(0x6464646464646464)) & ~(seven + np.uint64(0x5F5F5F5F5F5F5F5F))
    return (control | other) & ~chunk & np.uint64(HIGH)


@kernel
def _squeeze(offsets: Any, data: Any, spaces: Any, leads: Any, wide: Any, out: Any, bounds: Any) -> None:
    """Write each text's normal form behind the one before; ``bounds[t + 1]`` is where it ends."""
    write = 0
    for text in range(len(offsets) - 1):
        at, last, first = offsets[text], offsets[text + 1], write
        after_space = True  # at the start, so that no space is written there
        while at < last:
            if at + 8 <= last:
                chunk = load_chunk(data, at)
                space = _spaces(chunk)
                stop = space | (chunk & np.uint64(HIGH))
                store_chunk(out, write, chunk)
                if stop == 0:
                    at, write, after_space = at + 8, write + 8, False
                    continue
                length = trailing_zeros(stop) >> 3
                if length:
                    at, write, after_space = at + length, write + length, False
                if stop & -stop & space:
                    out[write] = 0x20
                    write += not after_space
                    after_space = True
                    others = ~space & np.uint64(HIGH) & ~(stop ^ (stop - np.uint64(1)))  # beyond the first space
                    at += (trailing_zeros(others) >> 3) - length if others else 8 - length
                    continue
            size, is_space = _read_space(data, at, spaces, leads, wide)
            if is_space:
                out[write] = 0x20
                write += not after_space
            else:
                for i in range(at, at + size):
                    out[write] = data[i]
                    write += 1
            after_space = is_space
            at += size
        if write > first and after_space:
            write -= 1
        bounds[text + 1] = write


@kernel
def _read_space(data: Any, at: Any, spaces: Any, leads: Any, wide: Any) -> Any:
    """Bytes of the character at ``at``, or one that may be read alone, and whether it is white space."""
    byte = data[at]
    if leads[byte]:
        code, size = decode(data, at)
        return size, code in wide
    return 1, spaces[byte]
