"""How often a model finds the stereotype likelier than the same sentence about another group.

The measure of CrowS-Pairs (Nangia et al. 2020, https://arxiv.org/abs/2010.00133, §3) for a causal model: both sentences of a pair
are scored whole. 0.5 means no preference. The sentences are Heddle's own: a few dozen, so the interval is wide, and a
score near 0.5 shows no absence of bias, least of all in a small model that knows neither sentence.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.errors import InputError, MissingInputError
from pipeline.evaluation.metrics import Floats
from pipeline.evaluation.scoring import Ids, document_nats
from pipeline.models.interface import LanguageModel


class Pair(NamedTuple):
    """Two sentences that differ in the word that names a group."""

    stereotype: str
    anti_stereotype: str
    axis: str


def preferences(model: LanguageModel, pairs: Sequence[tuple[Ids, Ids]], *, tokens_per_batch: int) -> Floats:
    """For each pair of encoded sentences: 1.0 when the first is likelier, 0.5 when they are equally likely, else 0.0."""
    firsts, seconds = [first for first, _ in pairs], [second for _, second in pairs]
    nats = document_nats(model, [*firsts, *seconds], tokens_per_batch=tokens_per_batch)
    return (np.sign(nats[len(pairs) :] - nats[: len(pairs)]) + 1) / 2


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a JSON Lines file. Raises MissingInputError, InputError for a line that is no pair."""
    return [_pair(path, number, line) for number, line in enumerate(read_lines(path), start=1)]


def _pair(path: Path, number: int, line: dict[str, str]) -> Pair:
    if missing := [field for field in Pair._fields if not isinstance(line.get(field), str)]:
        raise InputError(f"{path}:{number}: no text under {', '.join(missing)}; a pair has {', '.join(Pair._fields)}")
    return Pair(*(line[field] for field in Pair._fields))


def read_lines(path: Path) -> list[dict[str, str]]:
    """The objects of a JSON Lines file of evaluation data.

    Raises MissingInputError when it is absent, InputError when it is empty or a line is no JSON object.
    """
    if not path.is_file():
        raise MissingInputError(f"{path}: no such evaluation file")
    lines = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            line = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}:{number}: no JSON: {error.msg}") from error
        if not isinstance(line, dict):
            raise InputError(f"{path}:{number}: {text[:40]!r} is no JSON object")
        lines.append(line)
    if not lines:
        raise InputError(f"{path}: no line in it; add evaluation data")
    return lines
