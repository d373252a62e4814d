"""Scores every document by every filter, in one scan of the text."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pydantic import field_validator

from pipeline.bias.lexicons import IDENTITY_TERMS
from pipeline.engine import ShardResult, map_shards
from pipeline.filters import FILTERS, LANGUAGE_FILTERS, SCORES
from pipeline.filters.batch import Batch
from pipeline.filters.lid import known_languages
from pipeline.filters.perplexity import Reference
from pipeline.filters.toxicity_words import TOXIC_WORDS
from pipeline.params import Params
from pipeline.quality import Quality, folder_digest, read_once
from pipeline.schema import DOCS


class ScoreDocsParams(Params):
    """What a word is, the wanted languages (empty: all), and the rule by which lines are taken out of the text.

    ``filters``: the only ones to score by (empty: all). A null stands for the score of another, as for its language.
    """

    words: Literal["unicode", "whitespace"] = "unicode"
    languages: tuple[str, ...] = ()
    c4_lines: Literal["none"] = "none"
    filters: tuple[str, ...] = ()

    @field_validator("languages")
    @classmethod
    def _identifiable(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(languages) - known_languages()):
            raise ValueError(f"cannot identify {', '.join(unknown)}; can: {', '.join(sorted(known_languages()))}")
        return languages

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
