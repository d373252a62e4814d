r"""Brings a text to one form: repaired encoding, NFC, line feeds, no control characters, no trailing or surplus white space.

One scan over the UTF-8 buffers tells which texts are in that form already, as most are, and what the others need. White space and
controls are put right by a second kernel. Only a text that may have been decoded with the wrong codec, or that holds characters
that may compose with their neighbours, becomes a Python string.

The form of a text, in this order: wrong decoding undone in the lines that show it; CR LF, CR, vertical tab, form feed, NEL, line
and paragraph separator become line feeds; other controls but the tab (category Cc), and the byte order mark, go; white space at
the end of a line goes, indentation stays, for documentation lives by it; at most one empty line in a row and none at either end;
canonical composition (NFC), so that compatibility characters stay; a joiner (U+034F) after every 30 marks in a row, as in the
stream-safe format of UAX 15, without which putting marks in order takes quadratic time.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.text.hashing import CODE_POINTS, U8, decode, kernel, string_buffers
from pipeline.text.mojibake import BASIC, odd_pairs, repair

_UNTIDY, _SUSPECT, _UNCOMPOSED, _CROWDED = 1, 2, 4, 8  # what a text may need
_SPACE, _BREAK, _CONTROL, _COMPOSES = 1, 2, 4, 8  # classes of characters
_MAX_MARKS = 30  # in a row (UAX 15, 13)
_BREAKS = "\n\r\v\f\x85\u2028\u2029"
_CONTROLS = "".join(map(chr, (*range(0x09), *range(0x0E, 0x20), *range(0x7F, 0x85), *range(0x86, 0xA0), 0xFEFF)))


def normalize(
    texts: pa.LargeStringArray | pa.ChunkedArray,
) -> tuple[pa.LargeStringArray | pa.ChunkedArray, npt.NDArray[np.bool_]]:
    r"""Give the normal form of each text, and whether its encoding was repaired (T,). ``texts`` itself when all have it.

    >>> normalize(pa.array(["  a\u0301 \r\n\n\n\nb\x00"], pa.large_string()))[0].to_pylist()
    ['  á\n\nb']
    """
    needs = _needs(texts)
    texts, repaired = _change(texts, needs & _SUSPECT != 0, repair)
    if repaired.any():
        needs[repaired] = _needs(texts.filter(pa.array(repaired)))
    if (needs & _UNTIDY != 0).any():
        offsets, data = string_buffers(texts)
        offsets, data = _tidy(offsets, data, classes(), needs)
        texts = pa.LargeStringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(data))
    texts, _ = _change(texts, needs & _CROWDED != 0, join_marks)
    texts, _ = _change(texts, needs & _UNCOMPOSED != 0, lambda text: unicodedata.normalize("NFC", text))
    return texts, repaired


def join_marks(text: str) -> str:
    """Put a combining grapheme joiner behind every 30 marks in a row that more follow."""
    return _many_marks().sub("\\g<0>\u034f", text)


@functools.cache
def _many_marks() -> re.Pattern[str]:
    """Thirty characters that the canonical order may move, before another of them."""
    marks = "".join(character for code in range(0x20000) if unicodedata.combining(character := chr(code)))
    return re.compile(f"[{marks}]{{{_MAX_MARKS}}}(?=[{marks}])")


def _change(
    texts: pa.LargeStringArray | pa.ChunkedArray, where: npt.NDArray[np.bool_], function: Callable[[str], str]
) -> tuple[pa.LargeStringArray | pa.ChunkedArray, npt.NDArray[np.bool_]]:
    """Apply ``function`` to the texts of ``where``; returns the texts, and which of them became different."""
    rows = np.flatnonzero(where)
    before = texts.take(pa.array(rows)).to_pylist()
    after = [function(text) for text in before]
    changed = np.zeros(len(texts), np.bool_)
    changed[[row for row, old, new in zip(rows, before, after, strict=True) if old != new]] = True
    if changed.any():
        replacements = pa.array([new for old, new in zip(before, after, strict=True) if old != new], pa.large_string())
        whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        texts = pa.compute.replace_with_mask(whole, pa.array(changed), replacements)
    return texts, changed


def _needs(texts: pa.LargeStringArray | pa.ChunkedArray) -> U8:
    """What each text needs, (T,): bits."""
    offsets, data = string_buffers(texts)
    return cast(U8, _inspect(offsets, data, classes(), *odd_pairs()))


@functools.cache
def classes() -> U8:
    """Bits of every code point, (0x110000,): white space, line break, control, may compose with what stands before it."""
    table = np.zeros(CODE_POINTS, np.uint8)
    seconds = {chr(code) for code in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}  # of a syllable in Hangul (UAX 15)
    for code in range(0x30000):  # no character above decomposes but the compatibility ideographs, which follow
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            seconds.add(chr(int(parts[1], 16)))
    for code in (*range(0x30000), *range(0xE0100, 0xE01F0)):
        character = chr(code)
        composes = unicodedata.combining(character) or character in seconds or not unicodedata.is_normalized("NFC", character)
        table[code] = _SPACE * character.isspace() | _COMPOSES * bool(composes)
    table[[ord(character) for character in _CONTROLS]] |= _CONTROL
    table[[ord(character) for character in _BREAKS]] |= _BREAK
    return table


@kernel
def _inspect(offsets: Any, data: Any, table: Any, firsts: Any, seconds: Any) -> Any:
    needs = np.zeros(len(offsets) - 1, np.uint8)
    for text in range(len(offsets) - 1):
        first, last = offsets[text], offsets[text + 1]
        need, odd = 0, np.uint32(0)
        space_end = run_end = first - 1  # where the last white space that is not ASCII ends, and the last row of marks
        run = 0
        at = first
        while at < last:
            code, size = np.int64(data[at]), 1
            if odd == 0 and code < 0x80 and table[code] & ~_SPACE == 0:  # nearly all there is
                at += 1
                continue
            if code >= 0x80:
                code, size = decode(data, at)
            if odd != 0 and code < BASIC and odd & seconds[code]:
                need |= _SUSPECT
            odd = firsts[code] if 0x80 <= code < BASIC else np.uint32(0)
            kind = table[code]
            if code == 10:
                third = at == first or (data[at - 1] == 10 and (at - 1 == first or data[at - 2] == 10))
                need |= _UNTIDY if third or space_end == at or _ends_blank(data, first, at) else 0
            elif kind & (_CONTROL | _BREAK):
                need |= _UNTIDY | (_SUSPECT if 0x80 <= code < 0xA0 else 0)
            if kind & _COMPOSES:
                run = run + 1 if run_end == at else 1
                run_end = at + size
                need |= _UNCOMPOSED | (_CROWDED if run > _MAX_MARKS else 0)
            at += size
            if kind & _SPACE and code >= 0x80:
                space_end = at
        if last > first and (space_end == last or data[last - 1] == 10 or _ends_blank(data, first, last)):
            need |= _UNTIDY
        needs[text] = need
    return needs


@kernel
def _ends_blank(data: Any, first: Any, end: Any) -> Any:
    """Whether the byte before ``end`` is a space or a tab of the text."""
    return end > first and (data[end - 1] == 32 or data[end - 1] == 9)


@kernel
def _tidy(offsets: Any, data: Any, table: Any, needs: Any) -> Any:
    """Offsets and bytes of the texts, with line ends, controls and white space as they are to be."""
    out, out_offsets = np.empty(offsets[-1] - offsets[0], np.uint8), np.zeros(len(offsets), np.int64)
    filled = 0
    for text in range(len(offsets) - 1):
        first, last = offsets[text], offsets[text + 1]
        if needs[text] & _UNTIDY:
            filled = _tidy_text(data, first, last, table, out, filled)
        else:
            out[filled : filled + last - first] = data[first:last]
            filled += last - first
        out_offsets[text + 1] = filled
    return out_offsets, out[:filled]


@kernel
def _tidy_text(data: Any, first: Any, last: Any, table: Any, out: Any, begin: Any) -> Any:
    """Write one text to ``out`` from ``begin`` on and return where it ends."""
    filled = end = begin  # bytes written, and those up to the last visible character
    feeds = 0  # line feeds since then
    at = first
    while at < last:
        code, size = decode(data, at)
        kind = table[code]
        if kind & _BREAK:
            if code == 13 and at + 1 < last and data[at + 1] == 10:
                size = 2
            feeds, filled = feeds + 1, end
            if end > begin:
                out[end : end + min(feeds, 2)] = 10
                filled = end + min(feeds, 2)
        elif kind & _CONTROL == 0:
            for i in range(at, at + size):
                out[filled] = data[i]
                filled += 1
            if kind & _SPACE == 0:
                end, feeds = filled, 0
        at += size
    return end
