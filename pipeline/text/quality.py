r"""Statistics behind the published rules about quality and repetition, from the UTF-8 buffers of Arrow strings.

The rules are those of Gopher (Rae et al. 2021, "Scaling Language Models", section A1.1 and table A1), C4 (Raffel et al. 2020,
section 2.2), mC4 (Xue et al. 2021, section 3.1) and FineWeb (Penedo et al. 2024, section 3.6). Where a paper leaves a choice it
is the one of datatrove 0.10: lengths are code points, a duplicate is every occurrence after the first, an n-gram that occurs once
counts as the most frequent one. What a word is, is a parameter, because it decides most outcomes: see ``pipeline.text.words``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.text.characters import ALPHA, PAIR, PLAIN, PUNCTUATION, QUAD, WIDE, WordRule, classes
from pipeline.text.chunks import Runs, memo
from pipeline.text.hashing import I64, U8, U64, kernel, string_buffers
from pipeline.text.lines import LINE_RULES, NONE, LineRule, room_for_lines, scan_lines, strip
from pipeline.text.repeated_lines import measure_lines
from pipeline.text.repetition import DUPLICATE_SIZES, SEEN, TOP_SIZES, repeated_ngrams
from pipeline.text.words import RULES, UNICODE, hash_bytes, split_words

# Columns of the matrix. Fractions of nothing (no word, no line, no character) are 0.
REPETITION = (
    "dup_paragraph_fraction",  # paragraphs (two or more line feeds between) that came before
    "dup_paragraph_char_fraction",  # their characters, of all characters; so for all that follow
    "dup_line_fraction",  # lines (one or more line feeds between) that came before
    "dup_line_char_fraction",
    *(f"top_{n}_gram_char_fraction" for n in TOP_SIZES),  # length of the most frequent one times its count
    *(f"dup_{n}_gram_char_fraction" for n in DUPLICATE_SIZES),
)
QUALITY = (
    "num_words",  # words that are no symbols
    "mean_word_length",  # characters (rule spacy) or columns of a display, of the words that are no symbols
    "hash_ratio",  # "#" per word, symbols included
    "ellipsis_ratio",  # "..." and "…" per word, symbols included
    "bullet_line_fraction",  # lines (str.splitlines) whose first visible character is "•" or "-"
    "ellipsis_line_fraction",  # lines whose last visible characters are "..." or "…"
    "alpha_word_fraction",  # words with a letter, of all words, symbols included (see _count_words)
    "num_stop_words",  # different stop words of the text's language; NaN where there is no list
)
STOP_WORDS = ("stop_word_fraction",)  # of the words that are no symbols; NaN where there is no list
C4_LINES = (  # NaN without a line rule
    "lorem_ipsum_lines",  # lines of the rule that condemn the document
    "curly_bracket_lines",
    "num_sentences",  # of the lines that are kept
)
MC4 = ("num_long_lines",)  # lines (line feeds) of 200 characters or more
FINEWEB = (  # of the text that the line rule leaves; lines (line feeds) that are not blank
    "punctuated_line_fraction",  # lines that end in terminal punctuation
    "short_line_fraction",  # lines of 30 characters or fewer
    "dup_full_line_char_fraction",  # characters of lines that came before, of all but line feeds
    "line_feed_ratio",  # line feeds per word
)
COLUMNS = (*REPETITION, *QUALITY, *STOP_WORDS, *C4_LINES, *MC4, *FINEWEB)
_QUALITY, _STOPS, _C4, _MC4, _FINEWEB = (COLUMNS.index(group[0]) for group in (QUALITY, STOP_WORDS, C4_LINES, MC4, FINEWEB))
_MOST_STOP_WORDS = 62  # of one list: bits of a signed number


@dataclass(frozen=True)
class StopWords:
    """Lists of stop words, and for each text which one counts, -1 for none."""

    lists: tuple[tuple[str, ...], ...]
    choice: npt.NDArray[np.int64]

    def hashes(self) -> tuple[U64, npt.NDArray[np.int64]]:
        """Open-addressing tables, (lists, 256): the hash of a word, and its place in the list or -1."""
        keys, places = np.zeros((len(self.lists), 256), np.uint64), np.full((len(self.lists), 256), -1)
        for i, words in enumerate(self.lists):
            assert len(words) <= _MOST_STOP_WORDS
            for place, word in enumerate(words):
                raw = word.encode()
                key = hash_bytes(np.frombuffer(bytearray(raw + bytes(8)), np.uint8), 0, len(raw))
                slot = int(key) & 255
                while places[i, slot] >= 0:
                    slot = (slot + 1) & 255
                keys[i, slot], places[i, slot] = key, place
        return keys, places


def measure(
    text: pa.LargeStringArray | pa.ChunkedArray,
    words: WordRule = "unicode",
    lines: LineRule = "none",
    stops: StopWords | None = None,
) -> npt.NDArray[np.float64]:
    """The statistics of each text, (texts, len(COLUMNS)); a null counts as empty."""
    offsets, data = string_buffers(text)
    size = len(offsets) - 1
    stops = stops or StopWords((), np.full(size, -1))
    keys, places = stops.hashes()
    out = np.zeros((size, len(COLUMNS)))
    kept = room_for_lines(offsets) if lines != "none" else np.zeros(0, np.uint8)
    bounds = np.zeros(size + 1, np.int64)
    counts = np.zeros((size, 3), np.int64)
    table, rule, line_rule = classes(words), RULES[words], LINE_RULES[lines]
    known = (stops.choice, keys, places)
    _measure(offsets, data, table, rule, _runs(offsets, data, words), known, line_rule, (kept, bounds, counts), out)
    if lines == "none":
        out[:, _C4 : _C4 + len(C4_LINES)] = np.nan
        return out
    kept.flags.writeable = False
    _measure_kept(bounds, kept, table, rule, _runs(bounds, kept, words), counts, out)
    return out


def _runs(offsets: I64, data: U8, words: WordRule) -> Runs:
    """For the rule spacy the runs between white space; for others nothing."""
    if words == "spacy":
        return memo().look_up(offsets, data)
    nothing = np.zeros(1, np.int32)
    return nothing, np.zeros(len(offsets), np.int64), (np.zeros(1, np.int64), nothing)


@kernel
def _workspace(offsets: Any) -> Any:
    """Room for the longest text: words, hashes and a hash table. Memory that no text needs is never touched."""
    longest = 0
    for text in range(len(offsets) - 1):
        longest = max(longest, offsets[text + 1] - offsets[text])
    size = longest + 2
    split = (np.zeros(size + 16, np.uint8), np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.uint16))
    room = 4
    while room < 2 * size:
        room *= 2
    slots, keys = np.empty(room, np.int32), np.empty(size, np.uint64)
    numbers = (np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32))
    return (
        split,
        np.empty(size, np.uint64),
        (slots, keys, numbers[0], numbers[1], numbers[2], numbers[3], np.empty(SEEN, np.uint8)),
    )


@kernel
def _measure(
    offsets: Any, data: Any, table: Any, rule: int, runs: Any, stops: Any, line_rule: int, lines_out: Any, out: Any
) -> None:
    """Fill ``out``, but for what is measured of the text that the line rule leaves, which goes to ``kept``."""
    split, hashes, workspace = _workspace(offsets)
    kept, bounds, counts = lines_out
    squeezed, starts, chars, bits = split
    tops, repeats = np.zeros(3, np.int64), np.zeros(6, np.int64)
    for text in range(len(offsets) - 1):
        first, last, row = offsets[text], offsets[text + 1], out[text]
        words, width, _ = split_words(data, first, last, table, rule, runs[0][runs[1][text] :], runs[2], split)
        for i in range(16):
            squeezed[starts[words] + i] = 0
        for w in range(words):
            hashes[w] = hash_bytes(squeezed, starts[w], starts[w + 1])
        _count_words(words, bits, hashes, rule, stops[0][text], stops[1], stops[2], row)
        row[_QUALITY + 1] = width / max(row[_QUALITY], 1)
        symbols, lines = np.zeros(10, np.int64), np.zeros(13, np.int64)
        bounds[text + 1] = scan_lines(data, (first, last), table, line_rule, kept, bounds[text], symbols)
        for i in range(3):
            counts[text, i] = symbols[7 + i]
        for i in range(2):
            row[_QUALITY + 2 + i] = symbols[i] / max(words, 1)
            row[_QUALITY + 4 + i] = symbols[3 + i] / max(symbols[2], 1)
        measure_lines(data, (first, last, symbols[5], symbols[6]), table, workspace, lines)
        _row_of_lines(lines, words, line_rule, row)
        for i in range(6):
            tops[i // 2] = repeats[i] = 0
        repeated_ngrams(words, (squeezed, starts, chars, hashes), workspace, tops, repeats)
        for i in range(3):
            row[4 + i] = tops[i] / max(lines[11], 1)
        for i in range(6):
            row[7 + i] = repeats[i] / max(lines[11], 1)


@kernel
def _count_words(words: int, bits: Any, hashes: Any, rule: int, choice: int, stop_keys: Any, stop_places: Any, row: Any) -> None:
    """Fill the columns about words one by one.

    A mark of wide punctuation behind a word of a script without spaces is to it what a space is to others, and weighs nothing.
    """
    plain = alphas = stops = seen = between = 0
    for w in range(words):
        alphas += bits[w] & ALPHA != 0
        if not bits[w] & PLAIN:
            is_mark = rule == UNICODE and bits[w] & PUNCTUATION and bits[w] & WIDE
            between += is_mark and w > 0 and bits[w - 1] & (PAIR | QUAD) != 0
            continue
        plain += 1
        if choice >= 0:
            slot = np.int64(hashes[w] & np.uint64(255))
            while stop_places[choice, slot] >= 0 and stop_keys[choice, slot] != hashes[w]:
                slot = (slot + 1) & 255
            if stop_places[choice, slot] >= 0:
                stops += 1
                seen |= 1 << stop_places[choice, slot]
    different = 0
    while seen:
        seen &= seen - 1
        different += 1
    row[_QUALITY], row[_QUALITY + 6] = plain, alphas / max(words - between, 1)
    row[_QUALITY + 7] = different if choice >= 0 else np.nan
    row[_STOPS] = stops / max(plain, 1) if choice >= 0 else np.nan


@kernel
def _row_of_lines(lines: Any, words: int, line_rule: int, row: Any) -> None:
    for i in range(2):
        row[2 * i], row[2 * i + 1] = lines[3 * i + 1] / max(lines[3 * i], 1), lines[3 * i + 2] / max(lines[11], 1)
    row[_MC4] = lines[12]
    if line_rule == NONE:
        _row_of_fineweb(lines, words, row)


@kernel
def _row_of_fineweb(lines: Any, words: int, row: Any) -> None:
    row[_FINEWEB], row[_FINEWEB + 1] = lines[7] / max(lines[6], 1), lines[8] / max(lines[6], 1)
    row[_FINEWEB + 2] = lines[9] / max(lines[11] - lines[10], 1)
    row[_FINEWEB + 3] = lines[10] / max(words, 1)


@kernel
def _measure_kept(offsets: Any, data: Any, table: Any, rule: int, runs: Any, counts: Any, out: Any) -> None:
    """Fill the columns about the text that the line rule has left."""
    split, _, workspace = _workspace(offsets)
    for text in range(len(offsets) - 1):
        first, last, row = offsets[text], offsets[text + 1], out[text]
        words, _, sentences = split_words(data, first, last, table, rule, runs[0][runs[1][text] :], runs[2], split)
        row[_C4], row[_C4 + 1], row[_C4 + 2] = counts[text, 1], counts[text, 2], counts[text, 0] + sentences
        first, last = strip(data, first, last, table)
        lines = np.zeros(13, np.int64)
        measure_lines(data, (first, last, first, last), table, workspace, lines)
        _row_of_fineweb(lines, words, row)
