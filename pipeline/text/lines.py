r"""C4's rules about lines (Raffel et al. 2020, section 2.2), and what Gopher counts of lines and symbols, in one scan.

Lines are those of ``str.splitlines``, stripped. Of the rewritten text are left out: a line with a word of more than 1000
characters; without terminal punctuation, if asked for; of fewer than three words between white space; that mentions javascript;
that speaks of policies or cookies. Citations, ``\[\d*]``, ``[edit]`` and ``[citation needed]``, are cut out first, but for the
words; the line is not stripped again. A line with "lorem ipsum" or ``{`` condemns the document, unless an earlier rule has taken
it out: only its count tells.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyarrow as pa

from pipeline.text.characters import BREAK, DIGIT, SPACE, WATCH, classes
from pipeline.text.hashing import I64, U8, decode, kernel, string_buffers
from pipeline.text.words import PADDING

LineRule = Literal["none", "c4", "fineweb"]  # fineweb: lines need no terminal punctuation
NONE, C4, FINEWEB = 0, 1, 2
LINE_RULES = {"none": NONE, "c4": C4, "fineweb": FINEWEB}
LONGEST_WORD, FEWEST_WORDS = 1000, 3
# Lower case; looked for in the order in which the rules come: document, line, line.
PHRASES = (
    b"lorem ipsum", b"javascript", b"terms of use", b"privacy policy", b"cookie policy", b"uses cookies", b"use of cookies",
    b"use cookies",
)  # fmt: skip
_LETTERS = np.frombuffer(b"".join(PHRASES), np.uint8)
_ENDS = np.cumsum([0, *map(len, PHRASES)])
_CITATIONS = np.frombuffer(b"[edit][citation needed]", np.uint8)
_CITATION_ENDS = (0, 6, 23)


def keep_lines(text: pa.LargeStringArray | pa.ChunkedArray, lines: LineRule) -> pa.LargeStringArray:
    """What the line rule leaves of each text, stripped."""
    if lines == "none":
        return text
    offsets, data = string_buffers(text)
    kept, bounds = room_for_lines(offsets), np.zeros(len(offsets), np.int64)
    _keep_lines(offsets, data, classes("unicode"), LINE_RULES[lines], kept, bounds)
    return pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(bounds), pa.py_buffer(kept[: bounds[-1]].copy()))


def room_for_lines(offsets: I64) -> U8:
    """As many bytes as the lines of all texts can take, a line feed behind each, and some that may be read behind the last."""
    return np.empty(int(offsets[-1] - offsets[0]) + len(offsets) + PADDING, np.uint8)


@kernel
def _keep_lines(offsets: Any, data: Any, table: Any, rule: int, kept: Any, bounds: Any) -> None:
    counts = np.zeros(10, np.int64)
    for text in range(len(offsets) - 1):
        begin = bounds[text]
        end = scan_lines(data, (offsets[text], offsets[text + 1]), table, rule, kept, begin, counts)
        first, last = strip(kept, begin, end, table)
        for i in range(last - first if first > begin else 0):
            kept[begin + i] = kept[first + i]
        bounds[text + 1] = begin + last - first


@kernel
def strip(data: Any, first: int, last: int, table: Any) -> Any:
    """The first and last byte of what ``str.strip`` leaves."""
    while first < last:
        code, size = decode(data, first)
        if not table[code] & SPACE:
            break
        first += size
    at = last
    while at > first:
        at -= 1
        if data[at] & 0xC0 != 0x80:
            if not table[decode(data, at)[0]] & SPACE:
                break
            last = at
    return first, last


@kernel
def scan_lines(  # noqa: PLR0915  # one loop with one state, as split_words
    data: Any, bounds: Any, table: Any, rule: int, kept: Any, at_kept: int, out: Any
) -> int:
    """Copy the lines that ``rule`` keeps to ``kept`` from ``at_kept`` on, line feeds between; returns where they end.

    ``out``: ``#``; ``...`` and ``…``; lines; those that begin with a bullet; those that end with an ellipsis; first and last byte
    of the stripped text; kept lines; lines with "lorem ipsum"; with ``{``.
    """
    first, last = bounds
    line_first = line_end = chunks = chunk = longest = dots = 0
    line_code = first_code = previous = 0
    watched = after_space = False
    left, right = last, first
    written = at_kept
    after_space = True
    line_first = line_end = first
    at = first
    while at < last:
        code, size = decode(data, at)
        kind = np.int64(table[code])
        if kind & SPACE:
            after_space = True
        else:
            if first_code == 0 and chunks == 0:
                first_code, line_first = code, at
            if after_space:
                chunks += 1
                chunk = 0
            chunk += 1
            longest = max(longest, chunk)
            if kind & WATCH:
                dots = 0 if code != 0x2E else 1 if previous != 0x2E else dots + 1
                out[0] += code == 0x23
                out[1] += code == 0x2026 or (code == 0x2E and dots % 3 == 0)
                watched |= _watched(code, data, at, last)
            after_space = False
            left = min(left, at)
            run = at + size
            while run < last and data[run] < 0x80 and not table[data[run]] & (SPACE | WATCH):  # most characters
                run += 1
            if run > at + size:
                chunk += run - at - size
                longest = max(longest, chunk)
                code = np.int64(data[run - 1])
            size = run - at
            line_code, line_end, right = code, run, run
        at += size
        ends_line = kind & BREAK != 0 and not (code == 0x0A and previous == 0x0D)
        if ends_line or (at == last and not kind & BREAK):
            out[2] += 1
            out[3] += first_code in (0x2022, 0x2D)
            out[4] += line_code == 0x2026 or (line_code == 0x2E and dots >= 3)
            if rule != NONE and longest <= LONGEST_WORD and (chunks >= FEWEST_WORDS):
                end = _keep(data, line_first, line_end, watched, table, rule, kept, written, out)
                if end >= 0:
                    out[7] += 1
                    written = end
            line_first = line_end = at
            chunks = longest = dots = line_code = first_code = 0
            watched, after_space = False, True
        previous = code
    out[5], out[6] = min(left, right), right
    return max(written - 1, at_kept)  # without the last line feed


@kernel
def _watched(code: Any, data: Any, at: int, last: int) -> Any:
    """Whether a phrase, a bracket or a citation may be here; ``code`` is one of the watched characters."""
    if code in (0x7B, 0x5B, 0x212A):
        return True
    if at + 2 >= last:
        return False
    after, then = data[at + 1] | 0x20, data[at + 2] | 0x20
    if code in (0x76, 0x56):  # javascript, privacy
        return after == 0x61
    if code in (0x6B, 0x4B):  # cookie
        return after == 0x69
    if code in (0x6D, 0x4D):  # lorem ipsum, terms of use
        return (after == 0x20 and then == 0x69) or (after == 0x73 and then == 0x20)
    return False


@kernel
def _keep(data: Any, first: int, last: int, watched: Any, table: Any, rule: int, kept: Any, at: int, out: Any) -> int:
    """Copy one line of enough words, citations cut out, and a line feed; returns its end, or -1 when a rule takes it out."""
    if not watched:
        end = at + last - first
        for i in range(last - first):
            kept[at + i] = data[first + i]
    else:
        end = _copy_without_citations(data, first, last, table, kept, at)
    if rule == C4 and not _is_terminated(kept, at, end):
        return -1
    if watched:
        phrase = _first_phrase(kept, at, end)
        if phrase == 0:
            out[8] += 1
            return -1
        if phrase == 1:
            return -1
        for i in range(at, end):
            if kept[i] == 0x7B:
                out[9] += 1
                return -1
        if phrase > 1:
            return -1
    kept[end] = 10
    return end + 1


@kernel
def _is_terminated(data: Any, first: int, last: int) -> bool:
    """Whether the line ends in one of ``. ? ! " '`` but not in ``...``."""
    if first == last or data[last - 1] not in (0x2E, 0x3F, 0x21, 0x22, 0x27):
        return False
    return not (last - first >= 3 and data[last - 1] == 0x2E and data[last - 2] == 0x2E and data[last - 3] == 0x2E)


@kernel
def _copy_without_citations(data: Any, first: int, last: int, table: Any, kept: Any, end: int) -> int:
    at = first
    while at < last:
        if data[at] == 0x5B:
            behind = _citation(data, at, last, table)
            if behind > at:
                at = behind
                continue
        kept[end] = data[at]
        end += 1
        at += 1
    return end


@kernel
def _citation(data: Any, at: int, last: int, table: Any) -> int:
    """The byte behind the citation that begins at ``at``, or ``at`` when there is none."""
    inside = at + 1
    while inside < last:
        code, size = decode(data, inside)
        if not table[code] & DIGIT:
            break
        inside += size
    if inside < last and data[inside] == 0x5D:
        return inside + 1
    for phrase in range(2):
        begin, size = _CITATION_ENDS[phrase], _CITATION_ENDS[phrase + 1] - _CITATION_ENDS[phrase]
        same = size <= last - at
        for i in range(min(size, last - at)):
            same = same and data[at + i] == _CITATIONS[begin + i]
        if same:
            return at + size
    return at


@kernel
def _first_phrase(data: Any, first: int, last: int) -> int:
    """The number of the first of PHRASES that occurs in any case, or -1; the order of the list decides."""
    found = len(_ENDS)
    for at in range(first, last):
        letter = data[at] | 0x20
        for phrase in range(len(_ENDS) - 1):
            if letter == _LETTERS[_ENDS[phrase]] and phrase < found and _is_here(data, at, last, phrase):
                found = phrase
    return found if found < len(_ENDS) else -1


@kernel
def _is_here(data: Any, at: int, last: int, phrase: int) -> bool:
    for i in range(_ENDS[phrase], _ENDS[phrase + 1]):
        if at >= last:
            return False
        letter = data[at]
        if letter == 0xE2 and at + 3 <= last and data[at + 1] == 0x84 and data[at + 2] == 0xAA:  # the Kelvin sign
            letter = np.uint8(0x6B)
            at += 2
        elif 0x41 <= letter <= 0x5A:
            letter = np.uint8(letter + 32)
        if letter != _LETTERS[i]:
            return False
        at += 1
    return True
