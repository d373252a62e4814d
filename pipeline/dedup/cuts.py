"""Cuts parts out of texts, and says of each what it was.

Several rules may mark the same bytes. A substring that repeats is cut but for the bytes of any window that is the first of its
kind and comes again: so every window that the corpus held twice or more stands in it still, once, also where it overlaps itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.text.hashing import I64, kernel, string_buffers

Mask = npt.NDArray[np.bool_]
# A span of a text. ``document``: row in its table. ``row``: row of the table that it comes from.
SPANS = pa.schema([(name, pa.int64()) for name in ("document", "start", "end", "row")])


@dataclass(frozen=True)
class Cut:
    """The texts without what was cut from them."""

    texts: pa.LargeStringArray
    chars: I64  # (T,) characters left, white space not counted
    num_bytes: I64  # (T,) bytes cut


def cut(texts: pa.LargeStringArray | pa.ChunkedArray, spans: pa.Table) -> Cut:
    """Remove all SPANS, which may overlap, from their texts; a character goes if all of its bytes do."""
    offsets, data = string_buffers(texts)
    gone = _covered(offsets, spans)
    left, chars = np.zeros(len(offsets), np.int64), np.zeros(len(offsets) - 1, np.int64)
    out = np.empty(int(offsets[-1] - offsets[0]), np.uint8)
    _copy(offsets, data, gone, out, left, chars)
    array = pa.LargeStringArray.from_buffers(len(chars), pa.py_buffer(left), pa.py_buffer(out[: left[-1]].copy()))
    return Cut(array, chars, np.diff(offsets) - np.diff(left))


def repeated_spans(texts: pa.LargeStringArray | pa.ChunkedArray, windows: pa.Table, is_first: Mask) -> pa.Table:
    """SPANS to cut for the repeated ``windows`` (columns document, start, end, sorted by place): maximal and disjoint.

    ``is_first``: (N,) which of them are the first of their kind and stay. ``row`` of a span is a window that covers its start.
    Spans of bytes are made smaller to begin and end with a character.
    """
    offsets, data = string_buffers(texts)
    again = windows.filter(pa.array(~is_first))
    gone = _covered(offsets, again) & ~_covered(offsets, windows.filter(pa.array(is_first)))
    _whole_characters(data[offsets[0] : offsets[-1]], gone)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], gone, [False]]).astype(np.int8)))
    starts, ends = _within(offsets - offsets[0], edges[::2], edges[1::2])
    document = np.searchsorted(offsets - offsets[0], starts, side="right") - 1
    base = offsets[document] - offsets[0]
    places = again["start"].to_numpy() + offsets[again["document"].to_numpy()] - offsets[0]
    rows = np.flatnonzero(~is_first)[np.searchsorted(places, starts, side="right") - 1]
    return pa.table([document, starts - base, ends - base, rows], schema=SPANS)


def _within(bounds: I64, starts: I64, ends: I64) -> tuple[I64, I64]:
    """Divide spans of the whole buffer where a text ends."""
    inner = bounds[1:-1]
    inside = np.searchsorted(starts, inner, side="right") - 1
    split = np.unique(inner[(inside >= 0) & (inner > starts[inside]) & (inner < ends[inside])]) if len(starts) else inner[:0]
    return np.sort(np.concatenate([starts, split])), np.sort(np.concatenate([ends, split]))


def _covered(offsets: I64, spans: pa.Table) -> Mask:
    """Which bytes of the texts lie in a span."""
    places = [(offsets[spans["document"].to_numpy()] - offsets[0]) + spans[name].to_numpy() for name in ("start", "end")]
    edges, out = np.zeros(int(offsets[-1] - offsets[0]) + 1, np.int32), np.empty(int(offsets[-1] - offsets[0]), np.bool_)
    _mark(places[0], places[1], edges, out)
    return out


@kernel
def _mark(starts: Any, ends: Any, edges: Any, out: Any) -> None:
    """Count the spans open at each byte; ``edges`` comes full of zeros."""
    for i in range(len(starts)):
        edges[starts[i]] += 1
        edges[ends[i]] -= 1
    depth = 0
    for at in range(len(out)):
        depth += edges[at]
        out[at] = depth > 0


@kernel
def _whole_characters(data: Any, gone: Any) -> None:
    """Keep all of a character if any byte of it is kept."""
    at = 0
    while at < len(data):
        end = at + 1
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end += 1
        if end - at > 1 and not gone[at:end].all():
            gone[at:end] = False
        at = end


@kernel
def _copy(offsets: Any, data: Any, gone: Any, out: Any, left: Any, chars: Any) -> None:
    """Copy what stays; ``left[t + 1]``: bytes written up to the end of text t. Visible characters are counted by first bytes."""
    written = 0
    for text in range(len(offsets) - 1):
        for at in range(offsets[text], offsets[text + 1]):
            if not gone[at - offsets[0]]:
                byte = data[at]
                out[written] = byte
                written += 1
                chars[text] += byte > 0x20 and byte & 0xC0 != 0x80
        left[text + 1] = written
