"""Cuts a long text at paragraph ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

BREAKS = (r"\n[^\S\n]*\n\s*", r"\n", r"\s")  # best first: end of a paragraph, of a line, of a word


def pieces(text: str, max_chars: int) -> Iterator[str]:
    r"""Cut ``text`` in pieces of at most ``max_chars`` characters, whose concatenation is ``text``.

    A piece ends at the last paragraph end that fits, else at the last line end, else after the last white space, else where it
    must.

    >>> list(pieces("one\n\ntwo\n\nthree", 11))
    ['one\n\ntwo\n\n', 'three']
    """
    start = 0
    while len(text) - start > max_chars:
        end = _end(text, start, start + max_chars)
        yield text[start:end]
        start = end
    yield text[start:]


def _end(text: str, start: int, limit: int) -> int:
    for pattern in BREAKS:
        ends = [match.end() for match in re.compile(pattern).finditer(text, start, limit)]
        if ends:
            return ends[-1]
    return limit
