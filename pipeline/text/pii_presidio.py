"""A second look, by presidio, at the texts in which the scan marks a place: slower than the patterns by a factor of thousands.

Presidio knows the identifiers of more countries and, with a spaCy model of the user's, names and places. It is an extra
(``pip install heddle[presidio]``) and brings spaCy; nothing is imported unless it is asked for, and nothing is downloaded.
"""

from __future__ import annotations

import functools
import logging
from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.errors import MissingExtraError, ParamsError
from pipeline.text.hashing import string_buffers
from pipeline.text.pii import KINDS
from pipeline.text.pii_scan import candidates

_LANGUAGE = "en"  # that of presidio's recognizers; most of them are patterns and hold in any


def redact_more(
    texts: pa.LargeStringArray | pa.ChunkedArray, entities: Collection[str], *, min_score: float, model: str | None
) -> tuple[pa.LargeStringArray | pa.ChunkedArray, Counter[str]]:
    """Replace what presidio finds by ``<US_DRIVER_LICENSE>`` and so on; returns the texts and the finds by entity.

    ``min_score``: presidio's confidence, 0 to 1. ``model``: name or folder of an installed spaCy model, which finds PERSON,
    LOCATION and others; without one there are patterns only. Raises MissingExtraError without presidio, ParamsError for an
    entity or a model that it does not have.
    """
    engine = _engine(model)
    if unknown := set(entities) - set(engine.get_supported_entities(_LANGUAGE)):
        known = ", ".join(sorted(engine.get_supported_entities(_LANGUAGE)))
        raise ParamsError(f"clean.presidio.entities = {sorted(unknown)}: presidio knows {known}")
    places, _ = candidates(texts, KINDS)
    offsets, _ = string_buffers(texts)
    rows, found = texts.to_pylist(), Counter[str]()
    for row in np.unique(np.searchsorted(offsets, places, side="right") - 1).tolist():
        finds = engine.analyze(rows[row], _LANGUAGE, entities=sorted(entities), score_threshold=min_score)
        rows[row], kinds = _replace(rows[row], finds)
        found.update(kinds)
    return (pa.array(rows, pa.large_string()) if found else texts), found


def _replace(text: str, finds: list[Any]) -> tuple[str, list[str]]:
    """Of finds that overlap the surest stays, then the longest, then the first."""
    kept: list[Any] = []
    for find in sorted(finds, key=lambda f: (-f.score, f.start - f.end, f.start, f.entity_type)):
        if all(find.end <= other.start or other.end <= find.start for other in kept):
            kept.append(find)
    for find in sorted(kept, key=lambda f: -f.start):
        text = f"{text[: find.start]}<{find.entity_type}>{text[find.end :]}"
    return text, [find.entity_type for find in kept]


@functools.cache
def _engine(model: str | None) -> Any:
    """Presidio's analyzer with its recognizers for English; one per process, for it takes seconds to make."""
    try:
        import spacy
        import tldextract.tldextract as domains
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
    except ImportError as error:
        raise MissingExtraError(
            f"clean.presidio needs the package {error.name}: pip install 'heddle[presidio]', or set it to false"
        ) from error
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)  # it warns of every language that it does not load
    domains.TLD_EXTRACTOR = domains.TLDExtract(cache_dir=None, suffix_list_urls=())  # the list in the package, no network
    try:
        language = spacy.load(model) if model else _words_only(spacy)
    except OSError as error:
        raise ParamsError(
            f"clean.presidio.model = {model!r}: no spaCy model of this name is installed, and no such folder"
        ) from error
    language.max_length = 1 << 31  # a long document costs time, no error
    engine = SpacyNlpEngine()
    engine.nlp = {_LANGUAGE: language}
    return AnalyzerEngine(nlp_engine=engine)


def _words_only(spacy: Any) -> Any:
    """A pipeline without a model; a word in lower case is its lemma, by which presidio looks for the words around a find."""

    @spacy.Language.component("lower_case_lemmas")  # type: ignore[untyped-decorator]
    def lemmas(document: Any) -> Any:
        for token in document:
            token.lemma_ = token.lower_
        return document

    language = spacy.blank(_LANGUAGE)
    language.add_pipe("lower_case_lemmas")
    return language
