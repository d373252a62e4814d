r"""Statistics behind the quality and repetition rules of Gopher, in one pass over the UTF-8 buffers of Arrow strings.

The rules are those of Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training Gopher",
section A1.1 and table A1. Where the paper leaves a choice, it is the one of the widely used implementations: lengths are code
points, a duplicate is every occurrence after the first, an n-gram that occurs once counts as the most frequent one.

What a word is, is a parameter, because it decides most outcomes: ``unicode`` takes runs of letters, digits, marks and ``_``,
and every other visible character as a word of its own (``\w+|[^\w\s]``, but marks belong to their letter, so that Hindi or
Thai words stay whole); ``whitespace`` takes runs of anything but white space. A word that holds no letter, digit, mark or
``_`` is a symbol.
"""

from __future__ import annotations

import functools
import unicodedata
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.text.hashing import CODE_POINTS, U8, decode, kernel, mix, string_buffers

WordRule = Literal["unicode", "whitespace"]
STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")  # Rae et al. 2021, A1.1; compared with case
TOP_SIZES = (2, 3, 4)  # words in the n-grams of which the most frequent one is measured
DUPLICATE_SIZES = (5, 6, 7, 8, 9, 10)  # words in the n-grams of which the repeated ones are measured

# Columns of the matrix. Fractions of nothing (no word, no line, no character) are 0.
COLUMNS = (
    "num_words",  # words that are no symbols
    "mean_word_length",  # characters, over the words that are no symbols
    "hash_ratio",  # "#" per word, symbols included
    "ellipsis_ratio",  # "..." and "…" per word, symbols included
    "bullet_line_fraction",  # lines (str.splitlines) whose first visible character is "•" or "-"
    "ellipsis_line_fraction",  # lines whose last visible characters are "..." or "…"
    "alpha_word_fraction",  # words with a letter, of all words, symbols included
    "num_stop_words",  # how many of STOP_WORDS occur, 0 to 8
    "dup_paragraph_fraction",  # paragraphs (two or more line feeds between) that came before
    "dup_paragraph_char_fraction",  # their characters, of all characters; so for all that follow
    "dup_line_fraction",  # lines (one or more line feeds between) that came before
    "dup_line_char_fraction",
    *(f"top_{n}_gram_char_fraction" for n in TOP_SIZES),  # length of the most frequent one times its count
    *(f"dup_{n}_gram_char_fraction" for n in DUPLICATE_SIZES),
)

_SPACE, _WORD, _ALPHA, _BREAK = 1, 2, 4, 8  # bits of a code point's class
_LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"  # where str.splitlines splits
# Ranges of assigned characters with a property (Unicode 16: none at or above U+323B0 but variation selectors).
_ASSIGNED = (range(0x323B0), range(0xE0100, 0xE01F0))
_BASE = 0xD1342543DE82EF95  # odd, so that its powers have inverses modulo 2**64 (multiplier of Steele & Vigna 2021)
_INVERSE = pow(_BASE, -1, 1 << 64)


def measure(text: pa.LargeStringArray | pa.ChunkedArray, words: WordRule = "unicode") -> npt.NDArray[np.float64]:
    """The statistics of each text, (texts, len(COLUMNS)); a null counts as empty."""
    offsets, data = string_buffers(text)
    out = np.zeros((len(offsets) - 1, len(COLUMNS)))
    stop_words = np.array([_hash(word) for word in STOP_WORDS], np.uint64)
    _measure(offsets, data, classes(), words == "whitespace", stop_words, out)
    return out


def _hash(word: str) -> int:
    """Polynomial sum of (code point + 1) · BASE**position modulo 2**64, as the kernel builds it."""
    return sum((ord(c) + 1) * pow(_BASE, i, 1 << 64) for i, c in enumerate(word)) % (1 << 64)


@functools.cache
def classes() -> U8:
    """Bits of every code point, (0x110000,): white space, part of a word, letter, line break."""
    table = np.zeros(CODE_POINTS, np.uint8)
    for span in _ASSIGNED:
        characters = [chr(code) for code in span]
        alpha = np.fromiter(map(str.isalpha, characters), np.bool_)
        word = np.fromiter((unicodedata.category(c)[0] in "LNM" or c == "_" or c.isalnum() for c in characters), np.bool_)
        space = np.fromiter(map(str.isspace, characters), np.bool_)
        table[span.start : span.stop] = space * _SPACE + word * _WORD + alpha * _ALPHA
    table[[ord(c) for c in _LINE_BREAKS]] |= _BREAK
    return table


@kernel
def _measure(offsets: Any, data: Any, table: Any, by_whitespace: Any, stop_words: Any, out: Any) -> None:
    """Fill ``out``; the workspace is shared by all texts, its hash table cleared by counting generations."""
    longest = 0
    for text in range(len(offsets) - 1):
        longest = max(longest, offsets[text + 1] - offsets[text])
    sums, inverses = np.zeros(longest + 1, np.uint64), np.ones(longest + 1, np.uint64)
    ends = np.zeros(longest + 1, np.int64)
    size = _mask(longest + 1) + 1
    keys, counts = np.empty(size, np.uint64), np.empty(size, np.int64)
    firsts, generations = np.empty(size, np.int64), np.zeros(size, np.int64)
    generation = 0
    for text in range(len(offsets) - 1):
        first, last, row = offsets[text], offsets[text + 1], out[text]
        if first == last:
            continue
        words = _words(data, first, last, table, by_whitespace, stop_words, sums, inverses, ends, row)
        chars, left, right = _lines(data, first, last, table, words, row)
        for least, column, start, stop in ((2, 8, left, right), (1, 10, first, last)):
            generation += 1
            elements, repeated, repeated_chars = _duplicates(data, start, stop, least, generation, keys, generations)
            row[column] = repeated / elements
            row[column + 1] = repeated_chars / chars
        for n in range(2, 5):
            generation += 1
            row[10 + n] = _top(sums, inverses, ends, words, n, generation, keys, generations, counts, firsts) / chars
        for n in range(5, 11):
            generation += 1
            row[10 + n] = _repeated(sums, inverses, ends, words, n, generation, keys, generations) / chars


@kernel
def _words(
    data: Any, first: int, last: int, table: Any, by_whitespace: Any, stops: Any, sums: Any, inverses: Any, ends: Any, row: Any
) -> Any:
    """Split one text into words, fill the columns about them and return how many there are.

    ``sums[w]``: polynomial hash of the words before ``w``, concatenated; ``inverses[w]``: BASE**-(their characters), so that
    (sums[j] - sums[i]) · inverses[i] is the hash of the words i to j - 1 wherever they stand; ``ends[w]``: their characters.
    """
    power, inverse, total = np.uint64(1), np.uint64(1), np.uint64(0)
    words = chars = plain = plain_chars = alphas = seen = 0
    in_word = has_letter = has_alpha = False
    at = first
    while at <= last:
        code, size = (0, 1) if at == last else decode(data, at)
        kind = _SPACE if at == last else table[code]
        if in_word and (kind & _SPACE or (not by_whitespace and not (kind & _WORD and has_letter))):
            in_word = False
            words += 1
            sums[words], inverses[words], ends[words] = total, inverse, chars
            alphas += has_alpha
            if has_letter:
                plain += 1
                plain_chars += chars - ends[words - 1]
                seen |= _stop_word((total - sums[words - 1]) * inverses[words - 1], stops)
        if not kind & _SPACE:
            if not in_word:
                in_word, has_letter, has_alpha = True, False, False
            has_letter |= kind & _WORD != 0
            has_alpha |= kind & _ALPHA != 0
            total += np.uint64(code + 1) * power
            power *= np.uint64(_BASE)
            inverse *= np.uint64(_INVERSE)
            chars += 1
        at += size
    row[0], row[1], row[6] = plain, plain_chars / max(plain, 1), alphas / max(words, 1)
    for i in range(len(stops)):
        row[7] += (seen >> i) & 1
    return words


@kernel
def _stop_word(word: Any, stops: Any) -> int:
    """Set the bit of the stop word that ``word`` is, if any."""
    for i in range(len(stops)):
        if word == stops[i]:
            return 1 << i
    return 0


@kernel
def _lines(data: Any, first: int, last: int, table: Any, words: int, row: Any) -> Any:
    """Fill the columns about lines and symbols; return characters, and the first and last byte that stripping leaves."""
    chars = lines = bullets = elliptic = hashes = ellipses = 0
    line_first = line_last = dots = previous = 0  # visible characters of the line so far, dots that end it
    after_space = True
    left, right = last, first  # stay so when nothing is visible
    at = first
    while at < last:
        code, size = decode(data, at)
        kind = table[code]
        if kind & _SPACE:
            after_space = True
        else:
            line_first = code if line_first == 0 else line_first
            line_last = code
            dots = 0 if code != 0x2E else 1 if after_space else dots + 1
            after_space = False
            hashes += code == 0x23
            ellipses += code == 0x2026 or (code == 0x2E and dots % 3 == 0)
            left, right = min(left, at), at + size
        chars += 1
        at += size
        ends_line = kind & _BREAK != 0 and not (code == 0x0A and previous == 0x0D)
        if ends_line or (at == last and not kind & _BREAK):
            lines += 1
            bullets += line_first in (0x2022, 0x2D)
            elliptic += line_last == 0x2026 or dots >= 3
            line_first = line_last = dots = 0
        previous = code
    row[2], row[3] = hashes / max(words, 1), ellipses / max(words, 1)
    row[4], row[5] = bullets / max(lines, 1), elliptic / max(lines, 1)
    return chars, min(left, right), right


@kernel
def _slot(key: Any, mask: int, generation: int, keys: Any, generations: Any) -> Any:
    """Where ``key`` is in the open-addressing table, or where it would go: a slot of an older generation is free."""
    slot = mix(key) & np.uint64(mask)
    while generations[slot] == generation and keys[slot] != key:
        slot = (slot + np.uint64(1)) & np.uint64(mask)
    return slot


@kernel
def _mask(elements: int) -> int:
    """Size of a table that is at most half full, minus one."""
    size = 2
    while size < 2 * elements:
        size *= 2
    return size - 1


@kernel
def _duplicates(data: Any, first: int, last: int, least: int, generation: int, keys: Any, generations: Any) -> Any:
    """Parts between runs of at least ``least`` line feeds: how many, how many came before, and the characters of those."""
    mask = _mask(last - first + 1)
    elements = repeated = repeated_chars = 0
    state, chars = np.uint64(0), 0
    at = first
    while True:
        run = at
        while run < last and data[run] == 10:
            run += 1
        if at == last or run - at >= least:
            elements += 1
            slot = _slot(state, mask, generation, keys, generations)
            if generations[slot] == generation:
                repeated += 1
                repeated_chars += chars
            keys[slot], generations[slot] = state, generation
            state, chars = np.uint64(0), 0
            if at == last:
                return elements, repeated, repeated_chars
            at = run
            continue
        for i in range(at, max(run, at + 1)):
            state = (state ^ np.uint64(data[i] + 1)) * np.uint64(_BASE)
            state ^= state >> np.uint64(32)
            chars += data[i] & 0xC0 != 0x80
        at = max(run, at + 1)


@kernel
def _top(
    sums: Any,
    inverses: Any,
    ends: Any,
    words: int,
    n: int,
    generation: int,
    keys: Any,
    generations: Any,
    counts: Any,
    firsts: Any,
) -> int:
    """Characters of the most frequent n-gram, words joined by a space, times its count; of a tie, the one seen first."""
    mask = _mask(words)
    best, best_first = 0, 0
    for i in range(words - n + 1):
        key = np.uint64(0)
        for j in range(i, i + n):
            key = key * np.uint64(_BASE) + mix((sums[j + 1] - sums[j]) * inverses[j])
        slot = _slot(key, mask, generation, keys, generations)
        if generations[slot] != generation:
            keys[slot], generations[slot], counts[slot], firsts[slot] = key, generation, 0, i
        counts[slot] += 1
        if counts[slot] > best or (counts[slot] == best and firsts[slot] < best_first):
            best, best_first = counts[slot], firsts[slot]
    return best * (ends[best_first + n] - ends[best_first] + n - 1) if best else 0


@kernel
def _repeated(sums: Any, inverses: Any, ends: Any, words: int, n: int, generation: int, keys: Any, generations: Any) -> int:
    """Characters of the n-grams, words joined without a space, that came before; a repeated one is stepped over whole."""
    mask = _mask(words)
    chars = i = 0
    while i + n <= words:
        key = (sums[i + n] - sums[i]) * inverses[i]
        slot = _slot(key, mask, generation, keys, generations)
        if generations[slot] == generation:
            chars += ends[i + n] - ends[i]
            i += n
        else:
            keys[slot], generations[slot] = key, generation
            i += 1
    return chars
