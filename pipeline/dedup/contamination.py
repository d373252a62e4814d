"""Finds documents that hold text of an evaluation set, by n-grams of words that they share.

After Brown et al. 2020 (GPT-3, appendix C): 13-grams, those in many documents of the corpus being ignored as common stock.
Unlike there a document goes only if it holds more than a share of one evaluation text, or more than a number of its n-grams: so
the row that records the loss names one text, and a single quotation in a long article is not enough. A text shorter than an
n-gram matches as a whole, if it is long enough to be no accident.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.text.hashing import I64, U64, find, hash_words, index_hashes, kernel
from pipeline.text.ngrams import ngram_hashes

# An n-gram of an evaluation text in a document: which one, and its bytes in the document's text. One row per occurrence.
MATCHES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("gram", pa.int64(), nullable=False),
        pa.field("start", pa.int64(), nullable=False),
        pa.field("end", pa.int64(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Index:
    """The n-grams of the evaluation texts. G distinct n-grams, I texts."""

    lengths: tuple[tuple[int, slice], ...]  # words in an n-gram, and which n-grams have that many
    hashes: U64  # (G,) of the n-grams, those of one length together
    bounds: I64  # (G + 1,) gram g is in the texts items[bounds[g]:bounds[g + 1]]
    items: I64  # text numbers
    sizes: I64  # (I,) distinct n-grams of each text; 0 for a text that is too short to look for


def index_texts(texts: pa.LargeStringArray, *, ngram: int, shortest: int) -> Index:
    """Index the n-grams of each text, or the whole of a text of ``shortest`` to ``ngram`` − 1 words."""
    words = hash_words(texts)
    counts = np.diff(words.documents)
    lengths, hashes, pairs, total = [], [], [np.zeros((0, 2), np.int64)], 0
    for length in range(min(shortest, ngram), ngram + 1):
        grams, bounds = ngram_hashes(words.hashes, words.documents, length)
        item = np.repeat(np.arange(len(counts)), np.diff(bounds))
        chosen = counts[item] == length if length < ngram else np.ones(len(item), np.bool_)
        distinct, number = np.unique(grams[chosen], return_inverse=True)
        if len(distinct):
            pairs.append(np.unique(np.stack([number + total, item[chosen]], axis=1), axis=0))
            lengths.append((length, slice(total, total + len(distinct))))
            hashes.append(distinct)
            total += len(distinct)
    gram, item = np.concatenate(pairs).T
    bounds = np.searchsorted(gram, np.arange(total + 1))
    sizes = np.bincount(item, minlength=len(counts))
    return Index(tuple(lengths), np.concatenate([np.zeros(0, np.uint64), *hashes]), bounds, item, sizes)


def match(docs: pa.Table, index: Index) -> pa.Table:
    """Make the MATCHES of DOCS: every occurrence of an indexed n-gram."""
    words = hash_words(docs["text"])
    parts = [MATCHES.empty_table()]
    for length, which in index.lengths:
        grams, bounds = ngram_hashes(words.hashes, words.documents, length)
        found = _find_all(grams, index.hashes[which], index_hashes(index.hashes[which]))
        at = np.flatnonzero(found >= 0)
        document = np.searchsorted(bounds, at, side="right") - 1
        first = at - bounds[document] + words.documents[document]
        columns = {
            "id": docs["id"].take(pa.array(document)),
            "gram": found[at] + which.start,
            "start": words.starts[first],
            "end": words.ends[first + length - 1],
        }
        parts.append(pa.table(columns).cast(MATCHES))
    return pa.concat_tables(parts)


@kernel
def _find_all(grams: Any, keys: Any, slots: Any) -> Any:
    """Look each hash up: its position in ``keys``, or -1."""
    out = np.empty(len(grams), np.int64)
    for i in range(len(grams)):
        out[i] = find(grams[i], keys, slots)
    return out


# The worst overlap of a document. ``item``: number of the evaluation text. ``shared``: n-grams of it in the document.
# ``containment``: their share of its n-grams, 0 to 1. ``start``, ``end``: bytes of the longest stretch of matching words.
OVERLAPS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("item", pa.int64(), nullable=False),
        pa.field("shared", pa.int64(), nullable=False),
        pa.field("containment", pa.float64(), nullable=False),
        pa.field("start", pa.int64(), nullable=False),
        pa.field("end", pa.int64(), nullable=False),
    ]
)


def common_grams(matches: pa.Table, index: Index, max_documents: int) -> I64:
    """N-grams that more than ``max_documents`` documents hold, ascending."""
    distinct = matches.select(["id", "gram"]).group_by(["id", "gram"]).aggregate([])
    return np.flatnonzero(np.bincount(distinct["gram"].to_numpy(), minlength=len(index.hashes)) > max_documents)


def worst_overlaps(matches: pa.Table, index: Index, *, ignored: I64, max_containment: float, max_shared: int) -> pa.Table:
    """OVERLAPS of each document that exceeds a bound for some text, sorted by id; of several texts the most contained one.

    ``ignored``: n-grams that do not count as shared; they do count in the size of a text.
    """
    matches = matches.filter(pa.array(~np.isin(matches["gram"].to_numpy(), ignored)))
    ids = matches["id"].combine_chunks().dictionary_encode()
    gram = matches["gram"].to_numpy()
    match, item = _expand(index, gram)
    pair = ids.indices.to_numpy()[match].astype(np.int64) * len(index.sizes) + item  # of a document and a text
    order = np.argsort(pair, kind="stable")
    match, pair = match[order], pair[order]
    pairs, shared = np.unique(np.unique(np.stack([pair, gram[match]], axis=1), axis=0)[:, 0], return_counts=True)
    document, item = np.divmod(pairs, len(index.sizes))
    containment = shared / index.sizes[item]
    over = np.flatnonzero((containment > max_containment) | (shared > max_shared))
    over = over[np.lexsort((item[over], -shared[over], -containment[over], document[over]))]
    over = over[np.unique(document[over], return_index=True)[1]]
    first, last = np.searchsorted(pair, pairs[over]), np.searchsorted(pair, pairs[over], side="right")
    starts, ends = matches["start"].to_numpy()[match], matches["end"].to_numpy()[match]
    spans = [_longest(starts[i:j], ends[i:j]) for i, j in zip(first, last, strict=True)]
    columns = {
        "id": ids.dictionary.take(pa.array(document[over])),
        "item": item[over],
        "shared": shared[over],
        "containment": containment[over],
        "start": pa.array([start for start, _ in spans], pa.int64()),
        "end": pa.array([end for _, end in spans], pa.int64()),
    }
    return pa.table(columns).cast(OVERLAPS).sort_by("id")


def _expand(index: Index, gram: I64) -> tuple[I64, I64]:
    """Pair each match with every text that has its n-gram: the match's number and the text's."""
    repeats = index.bounds[gram + 1] - index.bounds[gram]
    match = np.repeat(np.arange(len(gram)), repeats)
    step = np.arange(len(match)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return match, index.items[index.bounds[gram[match]] + step]


def _longest(starts: I64, ends: I64) -> tuple[int, int]:
    """Unite overlapping spans; the longest, the first of equals."""
    best, current = (0, 0), (0, -1)
    for start, end in sorted(zip(starts.tolist(), ends.tolist(), strict=True)):
        current = (current[0], max(current[1], end)) if start <= current[1] else (start, end)
        if current[1] - current[0] > best[1] - best[0]:
            best = current
    return best
