"""Finds the terms of word lists in text: words, phrases, terms with punctuation, and terms of scripts without spaces.

One pass over the UTF-8 buffer, at each place where a term may begin down a trie of all lists. Case does not matter: characters
are compared by their case folding where that is one character. A space in a term stands for any run of white space.

A term ends where its words end: beside a letter, digit, mark or ``_`` at its edge there must be none in the text. At an edge
that is none of these, or that is a letter of a script written without spaces (Chinese, Japanese kana, Thai, ...), anything may
follow, so such terms are found as substrings. C4's list of bad words is matched with the same rule (Raffel et al. 2020, 2.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.text.hashing import ALONE, CODE_POINTS, I64, WORD, decode, hash_words, kernel, mix, string_buffers, unicode_tables

_SEVERAL = 0x80000000  # marks a fold to more than one code point: such a character is compared as it is
_SHIFT = 21  # bits of a code point
_UNDERSCORE, _BLANK = 0x5F, 0x20


@dataclass(frozen=True)
class Terms:
    """A trie of the terms of L lists; node 0 is none."""

    roots: npt.NDArray[np.int32]
    """(CODE_POINTS,) node of a term's first character."""
    keys: I64
    """(S,) open addressing: node and code point of a step, -1 where empty."""
    children: npt.NDArray[np.int32]
    """(S,) where the step leads."""
    lists: I64
    """(N,) bit l: a term of list l ends at the node."""
    sizes: I64
    """(N,) words of that term, at least 1."""
    num_lists: int


@dataclass(frozen=True)
class TermCounts:
    """What was found in T texts for L lists."""

    num_words: I64
    """(T,) words, as ``hashing.hash_words`` counts them."""
    covered: I64
    """(T, L) words in terms of each list; terms of one list do not overlap, the longest at a place counts."""
    occurrences: I64
    """(T, L) terms found."""


def compile_terms(lists: Sequence[Iterable[str]]) -> Terms:
    """Put up to 63 lists into one trie. A term may be in several lists; white space around it is ignored, an empty one too."""
    if len(lists) > 63:
        raise ValueError(f"{len(lists)} lists; a trie holds 63")
    steps: dict[tuple[int, int], int] = {}
    ends: dict[int, int] = {}
    names: dict[int, str] = {}
    for number, terms in enumerate(lists):
        for term in sorted({" ".join(term.split()) for term in terms} - {""}):
            node = 0
            for code in map(_fold_one, term):
                node = steps.setdefault((node, code), len(steps) + 1)
            ends[node], names[node] = ends.get(node, 0) | 1 << number, term
    bits, sizes = np.zeros(len(steps) + 1, np.int64), np.ones(len(steps) + 1, np.int64)
    bits[list(ends)] = list(ends.values())
    counted = np.diff(hash_words(pa.array(list(names.values()), pa.large_string())).documents)
    sizes[list(names)] = np.maximum(counted, 1)
    roots = np.zeros(CODE_POINTS, np.int32)
    deeper = {}
    for (node, code), child in steps.items():
        if node:
            deeper[node << _SHIFT | code] = child
        else:
            roots[code] = child
    keys = np.full(max(2, 1 << (2 * len(deeper)).bit_length()), -1, np.int64)
    children = np.zeros(len(keys), np.int32)
    _fill(np.array(list(deeper), np.int64), np.array(list(deeper.values()), np.int32), keys, children)
    return Terms(roots, keys, children, bits, sizes, len(lists))


def count_terms(text: pa.LargeStringArray | pa.ChunkedArray, terms: Terms) -> TermCounts:
    """Count the words of each text and the terms of each list in it; a null counts as empty."""
    offsets, data = string_buffers(text)
    out = np.zeros((len(offsets) - 1, 1 + 2 * terms.num_lists), np.int64)
    classes, folds, _ = unicode_tables()
    _count(offsets, data, classes, folds, terms.roots, terms.keys, terms.children, terms.lists, terms.sizes, terms.num_lists, out)
    return TermCounts(out[:, 0], out[:, 1 : 1 + terms.num_lists], out[:, 1 + terms.num_lists :])


def _fold_one(character: str) -> int:
    folded = unicode_tables()[1][ord(character)]
    return ord(character) if folded & _SEVERAL else int(folded)


@kernel
def _folded(code: Any, folds: Any) -> Any:
    """Fold a code point as ``_fold_one`` does."""
    folded = np.int64(folds[code])
    return np.int64(code) if folded & _SEVERAL else folded


@kernel
def _is_space(code: Any) -> Any:
    """Say whether ``str.isspace`` holds."""
    if code < 0x80:
        return code == 0x20 or 9 <= code <= 13 or 28 <= code <= 31
    if code < 0x2000:
        return code in (0x85, 0xA0, 0x1680)
    return code <= 0x200A or code in (0x2028, 0x2029, 0x202F, 0x205F, 0x3000)


@kernel
def _fill(steps: Any, nodes: Any, keys: Any, children: Any) -> None:
    """Put every step into the first free slot from its own."""
    mask = np.uint64(len(keys) - 1)
    for i in range(len(steps)):
        at = mix(np.uint64(steps[i])) & mask
        while keys[at] >= 0:
            at = (at + np.uint64(1)) & mask
        keys[at], children[at] = steps[i], nodes[i]


@kernel
def _step(node: Any, code: Any, keys: Any, children: Any) -> Any:
    """Node that ``code`` leads to, or 0."""
    mask = np.uint64(len(keys) - 1)
    key = np.int64(node) << _SHIFT | code
    at = mix(np.uint64(key)) & mask
    while keys[at] >= 0:
        if keys[at] == key:
            return children[at]
        at = (at + np.uint64(1)) & mask
    return 0


@kernel
def _joins(code: Any, classes: Any) -> Any:
    """Say whether a word goes on over this character."""
    return classes[code] == WORD or code == _UNDERSCORE


@kernel
def _count(
    offsets: Any,
    data: Any,
    classes: Any,
    folds: Any,
    roots: Any,
    keys: Any,
    children: Any,
    lists: Any,
    sizes: Any,
    num_lists: int,
    out: Any,
) -> None:
    """Fill ``out``: words, covered words of each list, terms of each list."""
    free, ends, words = np.zeros(num_lists, np.int64), np.zeros(num_lists, np.int64), np.zeros(num_lists, np.int64)
    for text in range(len(offsets) - 1):
        first, last = offsets[text], offsets[text + 1]
        free[:] = first  # where the next term of each list may begin
        in_word = joined = False
        num_words, at = 0, first
        while at < last:
            code, size = decode(data, at)
            kind = classes[code]
            num_words += kind == ALONE or (kind == WORD and not in_word)
            joins = kind == WORD or code == _UNDERSCORE
            if not (joined and joins) and roots[_folded(code, folds)]:
                ends[:] = 0
                _walk(data, at, last, classes, folds, roots, keys, children, lists, sizes, ends, words)
                for i in range(num_lists):
                    if ends[i] and at >= free[i]:
                        out[text, 1 + i] += words[i]
                        out[text, 1 + num_lists + i] += 1
                        free[i] = ends[i]
            in_word, joined = kind == WORD, joins
            at += size
        out[text, 0] = num_words


@kernel
def _walk(
    data: Any,
    at: Any,
    last: Any,
    classes: Any,
    folds: Any,
    roots: Any,
    keys: Any,
    children: Any,
    lists: Any,
    sizes: Any,
    ends: Any,
    words: Any,
) -> None:
    """Write where the longest term of each list that begins at ``at`` ends, and its words."""
    code, size = decode(data, at)
    node, place = roots[_folded(code, folds)], at + size
    while node:
        if lists[node] and not (_joins(code, classes) and place < last and _joins(decode(data, place)[0], classes)):
            for i in range(len(ends)):
                if lists[node] >> i & 1:
                    ends[i], words[i] = place, sizes[node]
        if place >= last:
            return
        code, size = decode(data, place)
        if _is_space(code):
            code = np.int64(_BLANK)
            while place + size < last and _is_space(decode(data, place + size)[0]):
                size += decode(data, place + size)[1]
        node, place = _step(node, _folded(code, folds), keys, children), place + size
