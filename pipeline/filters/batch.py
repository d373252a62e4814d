"""What the filters of one batch of texts share: each part is computed once, when a filter first asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.filters.lid import Languages, identify
from pipeline.text.hashing import Words, hash_words
from pipeline.text.quality import WordRule, measure


@dataclass(frozen=True)
class Batch:
    """Texts and how to read them.

    ``words``: what Gopher's rules take for a word. ``languages``: the wanted ones, ISO 639-1; empty: all.
    ``identity_terms``: lowercase words that name groups of people.
    """

    text: pa.LargeStringArray
    words: WordRule = "unicode"
    languages: tuple[str, ...] = ()
    identity_terms: frozenset[str] = frozenset()

    @cached_property
    def statistics(self) -> npt.NDArray[np.float64]:
        """The statistics of ``pipeline.text.quality``, (texts, columns)."""
        return measure(self.text, self.words)

    @cached_property
    def hashed(self) -> Words:
        """Case-folded words as hashes, for look-up in word lists."""
        return hash_words(self.text)

    @cached_property
    def language(self) -> Languages:
        """The language of each text."""
        return identify(self.text, self.languages)
