"""Whether the n-grams that a document shares with an evaluation text are contamination, and where in it they are.

N-grams of many documents are common stock (boilerplate, licences, figures of speech): they count neither as shared nor in the
size of a text. A document holds a text if one stretch of it has more than a share of the text's n-grams (containment) or more
than a number of them, and they cover enough words to be no accident: so what is said of the loss names one text and one place,
and a single quotation in a long article is not enough. A text of fewer words than that counts only if it stands there whole and
another text of its row (an answer, a choice) stands near it, so that both together have as many.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.dedup.contamination import Index
from pipeline.text.hashing import I64, U64, Words, hash_words, kernel
from pipeline.text.ngrams import ngram_hashes

MOST_BESIDE = 64  # texts of a row that are looked for near another
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Bounds:
    """What a document may share with an evaluation text."""

    containment: float  # share of its n-grams
    shared: int  # n-grams
    shortest: int  # words that must match
    near: int  # words between parts of a text, or a text and another of its row, that are near each other


@dataclass(frozen=True)
class Overlap:
    """A document and an evaluation text that it holds."""

    document: int
    item: int
    spans: tuple[tuple[int, int], ...]  # bytes of each stretch of the document that holds parts of it, by place
    longest: int  # which of them shares most; what follows is about that one
    shared: int  # distinct n-grams of the text in it that are not common
    words: int  # that these cover
    containment: float  # their share of the text's
    jaccard: float  # of the sets of all n-grams of the document and the text
    span_jaccard: float  # of those of the stretch and the text
    beside: tuple[int, ...]  # other texts of the row that stand near


def find_overlaps(
    texts: pa.ChunkedArray, matches: pa.Table, index: Index, common: Mask, bounds: Bounds, *, worst_only: bool
) -> list[Overlap]:
    """What exceeds a bound, by document, the most contained text of each first, or alone with ``worst_only``.

    ``texts``: of the documents that MATCHES number. ``common``: (G,) n-grams that do not count.
    """
    matches = matches.filter(pa.array(~common[matches["gram"].to_numpy()]))
    document, gram, word = (matches[name].to_numpy() for name in ("document", "gram", "word"))
    row, item = _expand(index, gram)
    sizes = index.sizes - np.bincount(_expand(index, np.flatnonzero(common))[1], minlength=len(index.sizes))
    pair = document[row] * len(sizes) + item
    order = np.lexsort((word[row], pair))
    row, pair = row[order], pair[order]
    pairs, shared = np.unique(np.unique(np.stack([pair, gram[row]], axis=1), axis=0)[:, 0], return_counts=True)
    number, item = np.divmod(pairs, len(sizes))
    over = np.flatnonzero((shared / sizes[item] > bounds.containment) | (shared > bounds.shared))
    over = over[np.lexsort((item[over], -shared[over], -(shared / sizes[item])[over], number[over]))]
    held = np.unique(number[over])
    documents = Documents(hash_words(texts.take(pa.array(held))), {int(d): i for i, d in enumerate(held)}, {})
    found: list[Overlap] = []
    for i in over.tolist():
        if worst_only and found and found[-1].document == number[i]:
            continue
        here = row[slice(*np.searchsorted(pair, [pairs[i], pairs[i] + 1]))]
        overlap = _look(documents, index, int(number[i]), int(item[i]), int(sizes[item[i]]), word[here], gram[here], bounds)
        if overlap is not None:
            found.append(overlap)
    return found


@dataclass(frozen=True)
class Documents:
    """Words of some documents: ``rows`` says where each is; ``sets`` remembers their n-grams by document and length."""

    words: Words
    rows: dict[int, int]
    sets: dict[tuple[int, int], U64]

    def get(self, document: int) -> tuple[U64, I64, I64]:
        """Hash, first byte and byte after of each word."""
        row = self.rows[document]
        here = slice(self.words.documents[row], self.words.documents[row + 1])
        return self.words.hashes[here], self.words.starts[here], self.words.ends[here]

    def grams(self, document: int, length: int) -> U64:
        """The distinct n-grams, sorted."""
        key = (document, length)
        if key not in self.sets:
            self.sets[key] = _set(self.get(document)[0], length)
        return self.sets[key]


def _expand(index: Index, gram: I64) -> tuple[I64, I64]:
    """Pair each match with every text that has its n-gram: the match's number and the text's."""
    repeats = index.bounds[gram + 1] - index.bounds[gram]
    match = np.repeat(np.arange(len(gram)), repeats)
    step = np.arange(len(match)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return match, index.items[index.bounds[gram[match]] + step]


def _look(
    documents: Documents, index: Index, document: int, item: int, size: int, places: I64, grams: I64, bounds: Bounds
) -> Overlap | None:
    """Gather a text's n-grams, which begin at ``places`` (words, ascending), into stretches; None if none holds enough of it."""
    hashes, starts, ends = documents.get(document)
    length, text = int(index.lengths[item]), index.text(item)
    stretches = list(_stretches(places, length, min(max(len(text), length), bounds.near)))
    counts = [len(np.unique(grams[a:b])) for a, b in stretches]
    longest = int(np.argmax(counts))
    spans = [(int(places[a]), int(places[b - 1]) + length) for a, b in stretches]
    first, last = spans[longest]
    near = places[slice(*stretches[longest])]
    covered = int(np.minimum(np.diff(near, append=near[-1] + length), length).sum())
    beside = tuple(_beside(hashes, first, last, index, item, bounds.near))
    together = covered + max((len(index.text(other)) for other in beside), default=0) * (len(text) < bounds.shortest)
    containment = counts[longest] / size
    if together < bounds.shortest or not (containment > bounds.containment or counts[longest] > bounds.shared):
        return None
    wanted = _set(text, length)
    return Overlap(
        document=document,
        item=item,
        spans=tuple((int(starts[a]), int(ends[b - 1])) for a, b in spans),
        longest=longest,
        shared=counts[longest],
        words=covered,
        containment=containment,
        jaccard=_jaccard(documents.grams(document, length), wanted),
        span_jaccard=_jaccard(_set(hashes[first:last], length), wanted),
        beside=beside,
    )


def _stretches(places: I64, length: int, gap: int) -> Iterator[tuple[int, int]]:
    """Which n-grams (first and one after, by number) are of one stretch: none is more than ``gap`` words after the one before."""
    begin = 0
    for i in range(1, len(places) + 1):
        if i == len(places) or places[i] - places[i - 1] - length >= gap:
            yield begin, i
            begin = i


def _set(words: U64, length: int) -> U64:
    return np.unique(ngram_hashes(words, np.array([0, len(words)]), length)[0])


def _jaccard(one: U64, other: U64) -> float:
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / max(1, len(one) + len(other) - common)


def _beside(hashes: U64, first: int, last: int, index: Index, item: int, near: int) -> Iterator[int]:
    """Other texts of the item's row that stand whole before or after words ``first`` to ``last``, ``near`` words off at most."""
    row = index.row_of[item]
    for other in range(index.rows[row], min(index.rows[row + 1], index.rows[row] + MOST_BESIDE)):
        text = index.text(other)
        if other == item or not len(text):
            continue
        before = hashes[max(0, first - near - len(text)) : first]
        after = hashes[last : last + near + len(text)]
        if _stands_in(text, before) or _stands_in(text, after):
            yield other


@kernel
def _stands_in(text: Any, words: Any) -> bool:
    """Look for ``text`` among ``words``."""
    for at in range(len(words) - len(text) + 1):
        i = 0
        while i < len(text) and words[at + i] == text[i]:
            i += 1
        if i == len(text):
            return True
    return False
