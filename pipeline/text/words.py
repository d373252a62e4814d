r"""Splits a text into words by one of three rules, in one scan of its UTF-8 bytes.

``unicode``: runs of letters, digits, marks and ``_``; every other visible character is a word of its own (``\w+|[^\w\s]``, but
marks belong to their letter, so that Hindi or Thai words stay whole). In scripts that are written without spaces a run is cut
into words of two letters (Chinese, hiragana) or four (katakana, Thai, Lao, Khmer, Burmese), about the length of a word: a page
would be one long word otherwise. ``whitespace``: runs of anything but white space. ``spacy``: the words of spaCy's English
tokenizer, looked up by the runs between white space (``pipeline.text.chunks``).

The words of a text lie in a workspace without the white space between them: ``squeezed`` bytes, and ``starts[w]`` to
``starts[w + 1]`` of word ``w``; ``chars`` counts code points in the same way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from pipeline.text import characters as c
from pipeline.text.hashing import decode, kernel, mix

SPACE, WORD, PLAIN, ALPHA, WIDE, MARK = c.SPACE, c.WORD, c.PLAIN, c.ALPHA, c.WIDE, c.MARK
PAIR, QUAD, TERMINATOR, PUNCTUATION = c.PAIR, c.QUAD, c.TERMINATOR, c.PUNCTUATION
UNICODE, WHITESPACE, SPACY = 0, 1, 2  # the rules, as the kernels know them
RULES = {"unicode": UNICODE, "whitespace": WHITESPACE, "spacy": SPACY}
PADDING = 16  # bytes behind the squeezed ones that may be read
_MULTIPLIER = np.uint64(0xD1342543DE82EF95)  # odd, of full spectrum (Steele & Vigna 2021)


@intrinsic  # type: ignore[untyped-decorator]
def load64(context: Any, data: Any, at: Any) -> Any:  # noqa: ARG001
    """Eight bytes of a uint8 array from ``at`` on as one number, whatever their alignment."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.gep(array.data, [context.cast(builder, arguments[1], signature.args[1], types.intp)])
        word = builder.load(builder.bitcast(pointer, cgutils.ir.IntType(64).as_pointer()))
        word.align = 1
        return word

    return types.uint64(data, at), generate


@kernel
def _hash_eights(data: Any, first: int, last: int) -> Any:
    """State of a hash after the whole eights of bytes, and where the rest begins."""
    state = np.uint64(last - first)
    at = first
    while at + 8 <= last:
        state = (state ^ load64(data, at)) * _MULTIPLIER
        state ^= state >> np.uint64(32)
        at += 8
    return state, at


@kernel
def hash_bytes(data: Any, first: int, last: int) -> Any:
    """64-bit hash of the bytes from ``first`` to ``last``; eight bytes behind them are read but do not count."""
    state, at = _hash_eights(data, first, last)
    if at < last:
        rest = load64(data, at) & ((np.uint64(1) << np.uint64(8 * (last - at))) - np.uint64(1))
        state = (state ^ rest) * _MULTIPLIER
    return mix(state)


@kernel
def hash_span(data: Any, first: int, last: int) -> Any:
    """``hash_bytes`` where nothing may be read behind the bytes."""
    state, at = _hash_eights(data, first, last)
    if at < last:
        rest = np.uint64(0)
        for i in range(last - at):
            rest |= np.uint64(data[at + i]) << np.uint64(8 * i)
        state = (state ^ rest) * _MULTIPLIER
    return mix(state)


@kernel
def split_words(  # noqa: PLR0912, PLR0915  # one loop with one state: parts of it would hand that to and fro
    data: Any, first: int, last: int, table: Any, rule: int, ids: Any, memo: Any, words_out: Any
) -> Any:
    """Write the words of one text to ``words_out`` = (squeezed, starts, chars, bits).

    ``ids``: for each run between white space its entry in ``memo`` = (entries, sizes): the bytes of each of its words; an entry
    of -1 is split by the rule ``unicode``. Returns how many words there are, the width of those that are no symbols, and the
    sentences that begin behind a terminator of the same line, as spaCy's sentence splitter has them.
    """
    squeezed, starts, chars, bits = words_out
    words = filled = length = width = plain_width = sentences = chunk = token = letters = 0
    some = unit = np.int64(0)
    every = np.int64(0xFFFF)
    ended = by_class = False  # ended: a terminator was the last word that is no punctuation
    inside = spaces = False
    boundary = first
    fresh = True
    starts[0] = chars[0] = 0
    at = first
    while at <= last:
        code, size = (10, 1) if at == last else decode(data, at)
        kind = np.int64(table[code])
        group = kind & (PAIR | QUAD)
        if inside:
            if kind & SPACE:
                inside = False
            elif by_class:
                room = unit == 0 or letters < (2 if unit == PAIR else 4)
                inside = kind & some & WORD != 0 and (kind & MARK != 0 or (group == unit and room))
            elif rule == SPACY:
                inside = at < boundary
            if not inside:
                bits[words] = some
                if some & PLAIN:
                    plain_width += width
                if every & TERMINATOR and length - chars[words] == 1:
                    ended = True
                elif ended and not every & PUNCTUATION:
                    sentences += 1
                    ended = False
                words += 1
                starts[words], chars[words] = filled, length
        if kind & SPACE:
            if ended and (code != 32 or spaces):  # white space beyond one blank is a word to spaCy
                sentences += code != 10
                ended = False
            spaces = fresh = True
            at += size
            continue
        if not inside:
            if fresh:
                by_class = rule == UNICODE
                if rule == SPACY:
                    by_class = ids[chunk] < 0
                    token = memo[0][max(ids[chunk], 0)]
                    chunk += 1
                fresh = spaces = False
            if not by_class and rule == SPACY:
                boundary = at + memo[1][token]
                token += 1
            inside, some, every, unit, letters, width = True, np.int64(0), np.int64(0xFFFF), group, 0, 0
        some |= kind
        every &= kind
        letters += group != 0
        width += 2 if kind & WIDE and rule != SPACY else 1
        squeezed[filled] = data[at]
        for i in range(1, size):
            squeezed[filled + i] = data[at + i]
        filled += size
        length += 1
        at += size
        run = at
        stop = min(boundary, last) if rule == SPACY and not by_class else last
        while at < stop and data[at] < 0x80:  # most characters are ASCII and go on with the word
            code = np.int64(data[at])
            kind = np.int64(table[code])
            if kind & SPACE or (by_class and kind & some & WORD == 0):
                break
            if unit:
                break
            some |= kind
            every &= kind
            squeezed[filled] = data[at]
            filled += 1
            at += 1
        length += at - run
        width += at - run
    return words, plain_width, sentences
