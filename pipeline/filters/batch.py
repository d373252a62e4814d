"""What the filters of one batch of texts share: each part is computed once, when a filter first asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.filters import lexicon, stop_words
from pipeline.filters.classifier import Classifier
from pipeline.filters.lid import Languages, identify
from pipeline.filters.perplexity import Reference
from pipeline.filters.toxicity_words import TOXIC_WORDS
from pipeline.text.characters import WordRule
from pipeline.text.hashing import Words, hash_words
from pipeline.text.lines import LineRule
from pipeline.text.quality import COLUMNS, measure
from pipeline.text.terms import TermCounts

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801  # reads as a decorator
    """A property that is computed when it is first asked for.

    Not ``functools.cached_property``: until Python 3.12 that holds one lock for all batches, so that threads take turns.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute, self.__doc__ = compute, compute.__doc__

    def __get__(self, batch: Any, _: type) -> T:
        value = batch.__dict__[self._compute.__name__] = self._compute(batch)  # found there from now on
        return value


@dataclass(frozen=True)
class Batch:
    """Texts and how to read them.

    ``words``: what Gopher's rules take for a word. ``languages``: the wanted ones, ISO 639-1; empty: all.
    ``identity_terms``: words that name groups of people. ``toxic_terms``: what counts as toxic. The models are the user's own.
    ``lines``: the rule by which lines are taken out before FineWeb's statistics are taken. ``stop_words``: the language of the
    stop words that are looked for, ISO 639-1, or ``detected``.
    """

    text: pa.LargeStringArray
    words: WordRule = "unicode"
    languages: tuple[str, ...] = ()
    identity_terms: frozenset[str] = frozenset()
    toxic_terms: frozenset[str] = TOXIC_WORDS
    toxicity_classifier: Classifier | None = None
    quality_classifier: Classifier | None = None
    reference: Reference | None = None
    lines: LineRule = "none"
    stop_words: str = "en"

    @once
    def statistics(self) -> npt.NDArray[np.float64]:
        """The statistics of ``pipeline.text.quality``, (texts, columns)."""
        return measure(self.text, self.words, self.lines, stop_words.of_languages(self.codes))

    @once
    def codes(self) -> list[str | None]:
        """The language whose stop words are looked for in each text."""
        found: list[str | None] = self.language.code.to_pylist() if self.stop_words == stop_words.DETECTED else []
        return found or [self.stop_words] * len(self.text)

    @once
    def hashed(self) -> Words:
        """Case-folded words as hashes."""
        return hash_words(self.text)

    @once
    def language(self) -> Languages:
        """The language of each text."""
        return identify(self.text, self.languages)

    @once
    def listed(self) -> TermCounts:
        """Toxic terms and identity terms, in this order."""
        return lexicon.find(self.text, self.toxic_terms, self.identity_terms)


def statistic(batch: Batch, *, column: str) -> pa.DoubleArray:
    """The statistic ``column`` of each text; null where there is none."""
    return pa.array(batch.statistics[:, COLUMNS.index(column)], from_pandas=True)
