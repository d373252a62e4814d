"""What is measured of every language model: bits per byte of held-out text, and preference for stereotypes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tokenizers import Tokenizer

from pipeline.errors import VocabularyError
from pipeline.evaluation import held_out, results
from pipeline.evaluation.held_out import HeldOut
from pipeline.evaluation.intervals import Estimate, exact, mean, ratio
from pipeline.evaluation.metrics import Floats
from pipeline.evaluation.results import Row
from pipeline.evaluation.scoring import Ids, document_nats, largest_logit_difference
from pipeline.evaluation.stereotypes import Pair, preferences
from pipeline.manifest import sha256
from pipeline.models.interface import END_OF_TEXT_ID, LanguageModel
from pipeline.sequences import Sequences

LN2 = float(np.log(2))


class Tests(NamedTuple):
    """The same for every model: held-out documents and encoded pairs of sentences."""

    held_out: HeldOut
    pairs: list[tuple[Ids, Ids]]


class Scores(NamedTuple):
    """Of one model: nats of each held-out document (D,), and 1.0, 0.5 or 0.0 for each pair (P,)."""

    nats: Floats
    preferences: Floats


def prepare(sequences: Sequences, pairs: list[Pair], tokenizer: Tokenizer, *, max_tokens: int, max_document_tokens: int) -> Tests:
    """Choose the held-out documents and encode the pairs, each sentence opened by the end-of-text token."""
    documents = held_out.select(sequences, tokenizer, max_tokens=max_tokens, max_document_tokens=max_document_tokens)

    def encode(sentence: str) -> Ids:
        ids = tokenizer.encode(sentence, add_special_tokens=False).ids
        return np.array([END_OF_TEXT_ID, *ids], dtype=np.int64)

    return Tests(documents, [(encode(pair.stereotype), encode(pair.anti_stereotype)) for pair in pairs])


def check_tokenizer(directory: Path, sequences: Sequences) -> None:
    """Raise VocabularyError unless the model in ``directory`` reads the tokens that ``sequences`` holds."""
    found = sha256(directory / "tokenizer.json")
    if found != sequences.tokenizer_sha256:
        raise VocabularyError(
            f"{directory}/tokenizer.json: sha256 {found}, but {sequences.path} was made with {sequences.tokenizer_sha256}; "
            "train the model again, or tokenize again"
        )


def score(model: LanguageModel, tests: Tests, *, tokens_per_batch: int) -> Scores:
    """Score every document and every pair."""
    return Scores(
        document_nats(model, tests.held_out.documents, tokens_per_batch=tokens_per_batch),
        preferences(model, tests.pairs, tokens_per_batch=tokens_per_batch),
    )


def rows(name: str, model: LanguageModel, size_bytes: int, scores: Scores, tests: Tests, **bootstrap: int) -> list[Row]:
    """Size, bits per byte and stereotype score of one model; ``bootstrap`` is what ``intervals.mean`` takes."""
    figures = {"num_parameters": exact(model.num_parameters), "size_bytes": exact(size_bytes)}
    out = results.rows(name, model.family, "size", figures)
    name_of_bits = "bits_per_byte" if model.is_causal else "pseudo_bits_per_byte"  # given both sides: no code for the text
    figures = {name_of_bits: _bits_per_byte(scores.nats, tests, **bootstrap)}
    out += results.rows(name, model.family, "language_modeling", figures)
    figures = {"stereotype_score": mean(scores.preferences, **bootstrap)}
    return out + results.rows(name, model.family, "stereotypes", figures)


def distance_to_best(scores: Mapping[str, Scores], families: Mapping[str, str], tests: Tests, **bootstrap: int) -> list[Row]:
    """How many bits per byte each model of ``families`` (name → family) needs above the best of them, document by document."""
    if not families:
        return []
    best = min(families, key=lambda name: (scores[name].nats.sum(), name))
    out = []
    for name in families.keys() - {best}:
        above = _bits_per_byte(scores[name].nats - scores[best].nats, tests, **bootstrap)
        out += results.rows(name, families[name], "language_modeling", {"bits_per_byte_above_best": above})
    return sorted(out, key=lambda row: str(row["model"]))


def distance_to_parent(
    name: str, model: LanguageModel, parent: LanguageModel, nats: Floats, tests: Tests, **bootstrap: int
) -> list[Row]:
    """What compression cost: bits per byte above the parent's, and the largest difference of a logit on one document.

    ``nats`` (D,) are the model's minus its parent's, of each held-out document.
    """
    figures = {"bits_per_byte_above_parent": _bits_per_byte(nats, tests, **bootstrap)}
    difference = largest_logit_difference(model, parent, tests.held_out.documents[0])
    if difference is not None:
        figures["largest_logit_difference"] = exact(difference)
    return results.rows(name, model.family, "compression", figures)


def _bits_per_byte(nats: Floats, tests: Tests, **bootstrap: int) -> Estimate:
    """Σ nats / (ln 2 · Σ UTF-8 bytes) with its interval over documents; of a difference of nats, the paired difference.

    Whatever the tokenizer, it is how far the model would compress the text (Gao et al. 2020, The Pile,
    https://arxiv.org/abs/2101.00027, §3.1).
    """
    return ratio(nats, LN2 * tests.held_out.num_bytes, **bootstrap)
