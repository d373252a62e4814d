"""What the filters of one batch of texts share: each part is computed once, when a filter first asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.filters import lexicon
from pipeline.filters.classifier import Classifier
from pipeline.filters.lid import Languages, identify
from pipeline.filters.perplexity import Reference
from pipeline.filters.toxicity_words import TOXIC_WORDS
from pipeline.text.hashing import Words, hash_words
from pipeline.text.quality import WordRule, measure
from pipeline.text.terms import TermCounts


@dataclass(frozen=True)
class Batch:
    """Texts and how to read them.

    ``words``: what Gopher's rules take for a word. ``languages``: the wanted ones, ISO 639-1; empty: all.
    ``identity_terms``: words that name groups of people. ``toxic_terms``: what counts as toxic. The models are the user's own.
    """

    text: pa.LargeStringArray
    words: WordRule = "unicode"
    languages: tuple[str, ...] = ()
    identity_terms: frozenset[str] = frozenset()
    toxic_terms: frozenset[str] = TOXIC_WORDS
    toxicity_classifier: Classifier | None = None
    quality_classifier: Classifier | None = None
    reference: Reference | None = None

    @cached_property
    def statistics(self) -> npt.NDArray[np.float64]:
        """The statistics of ``pipeline.text.quality``, (texts, columns)."""
        return measure(self.text, self.words)

    @cached_property
    def hashed(self) -> Words:
        """Case-folded words as hashes."""
        return hash_words(self.text)

    @cached_property
    def language(self) -> Languages:
        """The language of each text."""
        return identify(self.text, self.languages)

    @cached_property
    def listed(self) -> TermCounts:
        """Toxic terms and identity terms, in this order."""
        return lexicon.find(self.text, self.toxic_terms, self.identity_terms)
