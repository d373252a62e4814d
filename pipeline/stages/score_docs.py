"""Scores every document by every filter, in one scan of the text."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import pyarrow as pa
from pydantic import field_validator

from pipeline.bias.lexicons import IDENTITY_TERMS
from pipeline.engine import ShardResult, map_shards
from pipeline.filters import FILTERS, LANGUAGE_FILTERS, SCORES
from pipeline.filters.batch import Batch
from pipeline.filters.lid import known_languages
from pipeline.filters.perplexity import Reference
from pipeline.filters.stop_words import DETECTED, STOP_WORDS
from pipeline.filters.toxicity_words import TOXIC_WORDS
from pipeline.params import Params
from pipeline.quality import Quality, folder_digest, read_once
from pipeline.schema import DOCS
from pipeline.text.characters import WordRule
from pipeline.text.lines import LineRule


class ScoreDocsParams(Params):
    """What a word is, the wanted languages (empty: all), and the rule by which lines are taken out of the text.

    ``stop_words``: the language whose stop words are looked for, or ``detected``, each text's own.
    ``filters``: the only ones to score by (empty: all). A null stands for the score of another, as for its language.
    """

    words: WordRule = "unicode"
    languages: tuple[str, ...] = ()
    stop_words: str = "en"
    c4_lines: LineRule = "none"
    filters: tuple[str, ...] = ()

    @field_validator("languages")
    @classmethod
    def _identifiable(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(languages) - known_languages()):
            raise ValueError(f"cannot identify {', '.join(unknown)}; can: {', '.join(sorted(known_languages()))}")
        return languages

    @field_validator("stop_words")
    @classmethod
    def _listed(cls, stop_words: str) -> str:
        if stop_words not in {*STOP_WORDS, DETECTED}:
            raise ValueError(f"no stop words of {stop_words!r}; there are {', '.join(STOP_WORDS)}, and {DETECTED}")
        return stop_words

    @field_validator("filters")
    @classmethod
    def _known(cls, filters: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(filters) - set(FILTERS)):
            raise ValueError(f"no filter named {', '.join(unknown)}; there are {', '.join(FILTERS)}")
        return filters


def score_docs(docs: Path, quality: Path, scores: Path, *, params: ScoreDocsParams) -> dict[str, float]:
    """Write the score of every filter for each of the DOCS of ``docs`` to ``scores``, a SCORES table sharded like it.

    ``quality`` is the folder of the user's own word lists and models.
    """
    score = partial(score_shard, params=params, quality=str(quality), digest=folder_digest(quality))
    return map_shards(score, {docs: DOCS}, {scores: SCORES})


def score_shard(table: pa.Table, *, params: ScoreDocsParams, quality: str, digest: str) -> ShardResult:
    """The ledger of one shard; ``digest`` stands for what is in the folder ``quality``."""
    text, own = table["text"].combine_chunks(), read_once(Path(quality), digest)
    batch = Batch(
        text,
        params.words,
        params.languages,
        frozenset().union(*IDENTITY_TERMS.values()),
        own.toxic_terms or TOXIC_WORDS,
        own.toxicity,
        own.quality,
        _reference(own, table["text"]),
        params.c4_lines,
        params.stop_words,
    )
    wanted = params.filters or tuple(FILTERS)
    columns = {
        "id": table["id"],
        "lang": table["lang"] if LANGUAGE_FILTERS.isdisjoint(wanted) else batch.language.code,
        "c4_lines": pa.repeat(params.c4_lines, len(table)),
        **{name: score(batch) if name in wanted else pa.nulls(len(table), pa.float64()) for name, score in FILTERS.items()},
    }
    return (pa.table([columns[name] for name in SCORES.names], SCORES),), Counter(documents=len(table))


def _reference(own: Quality, texts: pa.ChunkedArray) -> Reference | None:
    """The user's n-gram model with the encoder of its vocabulary."""
    if own.ngram is None:
        return None
    from pipeline.tokenizer.encode import Encoder  # 0.5 s that a run without a model does not pay

    model, tokenizer_json = own.ngram
    encoder = Encoder(tokenizer_json, texts)
    return Reference(model, encoder.encode, encoder.end_id)
