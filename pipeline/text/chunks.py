"""The words of spaCy's English tokenizer, remembered for each distinct run between white space.

spaCy's tokenizer takes a text apart at white space and then treats each run by itself, so every distinct run is tokenized once,
and looked up by its hash from then on. There are two differences to ``spacy.blank("en")`` on a whole text. An emoticon that it
finds across a blank ("a: (=" holds ": (") keeps it from finding one that overlaps. And a run of more than MAX_CHUNK bytes is left
to the rule ``unicode``, for spaCy's time grows with the square of its length.
"""

from __future__ import annotations

import functools
import itertools
import threading
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.text.affixes import UNDECIDED, Rules, make_rules, split
from pipeline.text.characters import SPACE, classes
from pipeline.text.hashing import I64, U8, U64, decode, fill_slots, kernel
from pipeline.text.words import hash_span

I32 = npt.NDArray[np.int32]
MAX_CHUNK = 1 << 14  # bytes
MAX_ENTRIES = 1 << 19  # distinct runs that are remembered: some 60 MB with what spaCy keeps of them while they are new
_PIECE = 2000  # runs that are given to spaCy together: it forgets them afterwards


# The entry of each run of all texts, -1 for one that is too long; where each text's runs begin, (T + 1,); the table of entries.
Runs = tuple[I32, I64, tuple[I64, I32]]


class Chunks:
    """A growing table of runs: the bytes of each of its words."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self.keys: U64 = np.empty(1 << 14, np.uint64)
        self.slots: I32 = np.full(1 << 15, -1, np.int32)
        self.entries: I64 = np.zeros(1, np.int64)
        self.sizes: I32 = np.empty(0, np.int32)

    def look_up(self, offsets: I64, data: U8) -> Runs:
        """Look up the runs of all texts. Threads take turns; what one was given stays as it is."""
        with self._lock:
            ids, bounds = self._look_up(offsets, data)
            return ids, bounds, (self.entries, self.sizes)

    def _look_up(self, offsets: I64, data: U8) -> tuple[I32, I64]:
        if len(self.entries) > MAX_ENTRIES:
            self._forget()
        ids = np.empty(int(offsets[-1] - offsets[0]) // 2 + len(offsets), np.int32)
        bounds = np.zeros(len(offsets), np.int64)
        spans = np.empty((1 << 14, 2), np.int64)
        state = np.array([0, offsets[0], 0, len(self.entries) - 1], np.int64)
        while True:
            done = _find(offsets, data, classes("spacy"), state, self.slots, self.keys, spans, ids, bounds, len(self.entries) - 1)
            self._add(data, spans[: state[3] - len(self.entries) + 1])
            if done:
                return ids[: state[2]], bounds
            self._grow()

    def _add(self, data: U8, spans: I64) -> None:
        """Append the words of new runs, in order: by the kernel, and by spaCy those that it leaves, one of twenty."""
        if not len(spans):
            return
        counts, known = split(data, spans, _tokenizer()[2])
        is_known, left = counts != UNDECIDED, np.flatnonzero(counts == UNDECIDED)
        found: list[list[int]] = []
        for begin in range(0, len(left), _PIECE):
            found += tokenize([data[first:last].tobytes() for first, last in spans[left[begin : begin + _PIECE]].tolist()])
        counts[left] = [len(sizes) for sizes in found]
        sizes = np.empty(int(counts.sum()), np.int32)
        by_kernel = np.repeat(is_known, counts)
        sizes[by_kernel], sizes[~by_kernel] = known, np.fromiter(itertools.chain(*found), np.int32)
        self.entries = np.concatenate([self.entries, np.cumsum(counts) + self.entries[-1]])
        self.sizes = np.concatenate([self.sizes, sizes])

    def _grow(self) -> None:
        """Make room for twice as many; nothing happens while less than half is taken."""
        used = len(self.entries) - 1
        if 2 * used < len(self.keys):
            return
        self.keys = np.concatenate([self.keys, np.empty_like(self.keys)])
        self.slots = np.full(2 * len(self.slots), -1, np.int32)
        fill_slots(self.keys[:used], self.slots)


def tokenize(chunks: list[bytes]) -> list[list[int]]:
    """Bytes of the words of each run, by spaCy.

    Line feeds between the runs: its exceptions for emoticons may reach over a blank.
    """
    text = b"\n".join(chunks)
    tokenizer, vocabulary, _ = _tokenizer()
    with vocabulary.memory_zone():
        lengths = tokenizer(text.decode()).to_array("LENGTH").astype(np.int64)
    raw = np.frombuffer(text + b"\n", np.uint8)
    places = np.flatnonzero((raw & 0xC0) != 0x80)  # the first byte of each character, and of one behind the last
    ends = np.cumsum(lengths)
    is_break = raw[places[ends - lengths]] == 10
    sizes = (places[ends] - places[ends - lengths]).tolist()
    breaks = [-1, *np.flatnonzero(is_break).tolist(), len(sizes)]
    return [sizes[before + 1 : behind] for before, behind in pairwise(breaks)]


@functools.cache
def _tokenizer() -> tuple[Any, Any, Rules]:
    """SpaCy's tokenizer, its vocabulary and its rules for the kernel."""
    import spacy  # 2 s that other rules do not pay
    from spacy.lang.char_classes import UNITS

    language: Any = spacy.blank("en")
    language.vocab.lex_attr_getters = {}  # shapes, likeness to numbers and so on of each new word: half of the time, for nothing
    rules = {text: len(words) for text, words in language.tokenizer.rules.items()}
    searches = language.tokenizer.prefix_search, language.tokenizer.suffix_search
    return language.tokenizer, language.vocab, make_rules(*searches, UNITS.split("|"), rules)


@functools.cache
def memo() -> Chunks:
    """The table of this process."""
    return Chunks()


@kernel
def _find(
    offsets: Any, data: Any, table: Any, state: Any, slots: Any, keys: Any, spans: Any, ids: Any, bounds: Any, known: int
) -> bool:
    """Look up runs from ``state`` on; new ones get the next entry and a row of ``spans``. False when there is no more room."""
    text, at, chunk, entries = state[0], state[1], state[2], state[3]
    mask = np.uint64(len(slots) - 1)
    while text < len(offsets) - 1:
        last = offsets[text + 1]
        while at < last:
            code, size = decode(data, at)
            if table[code] & SPACE:
                at += size
                continue
            first = at
            while at < last and not table[code] & SPACE:
                at += size
                if at < last:
                    code, size = decode(data, at)
            if at - first > MAX_CHUNK:
                ids[chunk] = -1
            else:
                key = hash_span(data, first, at)
                slot = key & mask
                while slots[slot] >= 0 and keys[slots[slot]] != key:
                    slot = (slot + np.uint64(1)) & mask
                if slots[slot] < 0:
                    if entries == len(keys) or entries - known == len(spans):
                        state[0], state[1], state[2], state[3] = text, first, chunk, entries
                        return False
                    spans[entries - known, 0], spans[entries - known, 1] = first, at
                    keys[entries], slots[slot] = key, entries
                    entries += 1
                ids[chunk] = slots[slot]
            chunk += 1
        text += 1
        bounds[text] = chunk
    state[0], state[1], state[2], state[3] = text, at, chunk, entries
    return True
