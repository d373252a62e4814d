"""Repeated substrings of at least ``length`` tokens, found without a suffix array.

After Lee et al. 2022, "Deduplicating training data makes language models better": a stretch of that many tokens that stands
twice in the corpus repeats. A suffix array orders every suffix of the corpus to find them; hashing every window of ``length``
tokens finds the same stretches, and what is hashed can be divided by the hash and so needs no memory. To hash few of them, a
first pass looks at anchors alone: of the shorter windows in a window, of half its tokens, the one of least hash ("winnowing",
Schleimer, Wilkerson & Aiken 2003). Equal windows have equal anchors, so only a window whose anchor stands elsewhere too repeats.

Tokens are the words of ``pipeline.text.hashing``, compared without case and without what stands between them, or bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.passages import PASSAGES, RULES
from pipeline.text.hashing import I64, U64, Words, hash_words, kernel, mix, string_buffers
from pipeline.text.ngrams import ngram_hashes

# An anchor: its document (row in its table) and its hash. Rows in the order of their place.
ANCHORS = pa.schema(
    [
        pa.field("document", pa.int64(), nullable=False),
        pa.field("high", pa.uint64(), nullable=False),
        pa.field("low", pa.uint64(), nullable=False),
    ]
)
Mask = npt.NDArray[np.bool_]
_OTHER = 0xA0761D6478BD642F  # turns the hashes of words into a second, independent set


def tokens(texts: pa.LargeStringArray | pa.ChunkedArray, kind: str) -> Words:
    """The ``words`` or ``bytes`` of each text; a byte is a word of its own here."""
    if kind == "words":
        return hash_words(texts)
    offsets, data = string_buffers(texts)
    places = offsets - offsets[0]
    starts = np.arange(places[-1]) - np.repeat(places[:-1], np.diff(places))
    hashes = _spread(data[offsets[0] : offsets[-1]].astype(np.uint64))
    return Words(hashes, starts, starts + 1, places)


@kernel
def _spread(values: Any) -> Any:
    out = np.empty(len(values), np.uint64)
    for i in range(len(values)):
        out[i] = mix(values[i] + np.uint64(_OTHER))
    return out


def find_anchors(texts: pa.LargeStringArray | pa.ChunkedArray, length: int, kind: str) -> pa.Table:
    """ANCHORS of the windows of each text, each place once."""
    words = tokens(texts, kind)
    values, document, _ = _anchors(words, length)
    return pa.table([pa.array(document), values, np.zeros(len(values), np.uint64)], schema=ANCHORS)


def find_windows(texts: pa.LargeStringArray | pa.ChunkedArray, length: int, kind: str, repeated: Mask) -> pa.Table:
    """PASSAGES for the windows whose anchor repeats. ``repeated``: (A,), for each of ``find_anchors``."""
    words = tokens(texts, kind)
    _, _, anchor = _anchors(words, length)
    grams, bounds = ngram_hashes(words.hashes, words.documents, length)
    chosen = np.flatnonzero(repeated[anchor])
    others, _ = ngram_hashes(_spread(words.hashes), words.documents, length)
    document = np.searchsorted(bounds, chosen, side="right") - 1
    first = chosen - bounds[document] + words.documents[document]
    ends = words.ends[first + length - 1]
    rule = np.full(len(chosen), RULES.index("substring"), np.int8)
    columns = [document, rule, words.starts[first], ends, ends, grams[chosen], others[chosen]]
    return pa.table([pa.array(column) for column in columns], schema=PASSAGES)


def _anchors(words: Words, length: int) -> tuple[U64, I64, I64]:
    """Hash and document of each anchor, and for each window, in order, the number of its anchor."""
    size = max(length // 2, 1)
    grams, bounds = ngram_hashes(words.hashes, words.documents, size)
    windows = np.maximum(np.diff(words.documents) - (length - 1), 0)
    place, anchor = np.empty(int(windows.sum()), np.int64), np.empty(int(windows.sum()), np.int64)
    count = _minima(grams, bounds, windows, length - size + 1, place, anchor)
    place = place[:count]
    return grams[place], np.searchsorted(bounds, place, side="right") - 1, anchor


@kernel
def _minima(grams: Any, bounds: Any, windows: Any, width: int, place: Any, anchor: Any) -> int:
    """Slide a window over ``width`` hashes at a time and write the place of each least one, the leftmost of equals.

    The least so far is looked for anew only when it has left the window, so a text costs at most ``width`` looks per word.
    """
    count, at = 0, 0
    for text in range(len(windows)):
        least = -1
        for start in range(bounds[text], bounds[text] + windows[text]):
            if least < start:
                least = start
                for i in range(start + 1, start + width):
                    if grams[i] < grams[least]:
                        least = i
                place[count], count = least, count + 1
            elif grams[start + width - 1] < grams[least]:
                least = start + width - 1
                place[count], count = least, count + 1
            anchor[at], at = count - 1, at + 1
    return count
