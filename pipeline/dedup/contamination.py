"""Finds the n-grams of evaluation texts in documents. ``pipeline.dedup.overlaps`` decides what they amount to.

After Brown et al. 2020 (GPT-3, appendix C) n-grams of words are looked for, those in many documents being common stock. A text
shorter than an n-gram matches as a whole. A scan costs one look into a bit field per word and length of n-gram; what passes it,
one in ``BITS`` by accident, is looked up in a hash table. Memory follows the evaluation texts, not the corpus.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.text.hashing import I64, U64, find, hash_words, index_hashes, kernel
from pipeline.text.ngrams import ngram_hashes

BITS = 16  # of the field for each n-gram
LEAST = 5  # words of the shortest text that is looked for: it counts beside another text of its row (``overlaps``)

# An n-gram of an evaluation text in a document: which, its first word (a number), and its bytes in the text.
MATCHES = pa.schema([pa.field(name, pa.int64(), nullable=False) for name in ("document", "gram", "word", "start", "end")])


@dataclass(frozen=True)
class Grams:
    """The distinct n-grams of one length, numbered on from ``first``, ready to be looked up."""

    length: int
    first: int
    hashes: U64
    slots: I64  # ``hashing.index_hashes``
    bits: U64  # ``_bit_field``


@dataclass(frozen=True)
class Index:
    """The evaluation texts by their n-grams. I texts, G distinct n-grams, R rows of evaluation files."""

    grams: tuple[Grams, ...]
    bounds: I64  # (G + 1,) gram g is in the texts items[bounds[g]:bounds[g + 1]]
    items: I64  # text numbers
    sizes: I64  # (I,) distinct n-grams of each text; 0 for a text that is too short to look for
    lengths: I64  # (I,) words in an n-gram of the text: ``ngram``, or all of a shorter text
    words: U64  # hashes of the words of all texts
    texts: I64  # (I + 1,) text i has words[texts[i]:texts[i + 1]]
    rows: I64  # (R + 1,) row r has the texts from rows[r] to rows[r + 1]
    row_of: I64  # (I,)

    @property
    def num_grams(self) -> int:
        """G."""
        return len(self.bounds) - 1

    def text(self, item: int) -> U64:
        """Hashes of the words of a text."""
        return self.words[self.texts[item] : self.texts[item + 1]]


def index_texts(texts: pa.LargeStringArray, row_of: I64, *, ngram: int) -> Index:
    """Index the n-grams of each text, or the whole of a text of ``LEAST`` to ``ngram`` − 1 words.

    ``row_of``: (I,) number of the row that each text is of, ascending from 0 by steps of 0 or 1.
    """
    words = hash_words(texts)
    counts = np.diff(words.documents)
    grams, pairs, total = [], [np.zeros((0, 2), np.int64)], 0
    for length in range(min(LEAST, ngram), ngram + 1):
        hashes, bounds = ngram_hashes(words.hashes, words.documents, length)
        item = np.repeat(np.arange(len(counts)), np.diff(bounds))
        chosen = counts[item] == length if length < ngram else np.ones(len(item), np.bool_)
        distinct, number = np.unique(hashes[chosen], return_inverse=True)
        if len(distinct):
            pairs.append(np.unique(np.stack([number + total, item[chosen]], axis=1), axis=0))
            grams.append(Grams(length, total, distinct, index_hashes(distinct), _bit_field(distinct)))
            total += len(distinct)
    gram, item = np.concatenate(pairs).T
    return Index(
        grams=tuple(grams),
        bounds=np.searchsorted(gram, np.arange(total + 1)),
        items=np.ascontiguousarray(item),
        sizes=np.bincount(item, minlength=len(counts)),
        lengths=np.minimum(counts, ngram),
        words=words.hashes.copy(),
        texts=words.documents,
        rows=np.searchsorted(row_of, np.arange((row_of[-1] if len(row_of) else -1) + 2)),
        row_of=row_of,
    )


def match(texts: pa.LargeStringArray | pa.ChunkedArray, index: Index) -> pa.Table:
    """MATCHES: every occurrence of an indexed n-gram, by document and then by length and place."""
    words = hash_words(texts)
    parts = [MATCHES.empty_table()]
    for grams in index.grams:
        hashes, bounds = ngram_hashes(words.hashes, words.documents, grams.length)
        at, found = _find_all(hashes, grams.hashes, grams.slots, grams.bits)
        document = np.searchsorted(bounds, at, side="right") - 1
        word = at - bounds[document]
        first = word + words.documents[document]
        columns = [document, found + grams.first, word, words.starts[first], words.ends[first + grams.length - 1]]
        parts.append(pa.table([pa.array(column) for column in columns], schema=MATCHES))
    return pa.concat_tables(parts)


def count_documents(matches: pa.Table, counts: npt.NDArray[np.int64]) -> None:
    """Add to ``counts``, (G,), the documents of MATCHES that hold each n-gram; a document must not be in two tables."""
    pairs = np.stack([matches["document"].to_numpy(), matches["gram"].to_numpy()], axis=1)
    np.add.at(counts, np.unique(pairs, axis=0)[:, 1], 1)


def _bit_field(keys: U64) -> U64:
    """Bits of which that of each key, by its upper bits, is set: a power of two, ``BITS`` or more per key."""
    size = max(6, (BITS * len(keys) - 1).bit_length())
    bits = np.zeros(1 << (size - 6), np.uint64)
    place = keys >> np.uint64(64 - size)
    np.bitwise_or.at(bits, (place >> np.uint64(6)).astype(np.int64), np.uint64(1) << (place & np.uint64(63)))
    return bits


@kernel
def _find_all(hashes: Any, keys: Any, slots: Any, bits: Any) -> Any:
    """Where the hashes are that are keys, and which keys they are."""
    at, found, count = np.empty(len(hashes), np.int64), np.empty(len(hashes), np.int64), 0
    size = np.uint64(6)
    while (np.int64(1) << size) < len(bits) * 64:
        size += np.uint64(1)
    for i in range(len(hashes)):
        place = hashes[i] >> (np.uint64(64) - size)
        if (bits[place >> np.uint64(6)] >> (place & np.uint64(63))) & np.uint64(1):
            key = find(hashes[i], keys, slots)
            if key >= 0:
                at[count], found[count] = i, key
                count += 1
    return at[:count].copy(), found[:count].copy()
