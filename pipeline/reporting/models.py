"""What evaluation measured, model by model, and the sentence that says which family predicts best and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InputError
from pipeline.reporting import words
from pipeline.schema import RESULTS
from pipeline.tables import read_table

BITS = "bits_per_byte"
ABOVE_BEST = "bits_per_byte_above_best"  # document by document, so its interval is narrower than the difference of two intervals
BASELINE = "baseline:"
NAMES = {"gpt": "decoder", "lstm": "LSTM", "ngram": "n-gram model", "rnn": "RNN", "gru": "GRU"}
USEFUL_PASSES = (
    4  # over one corpus, before repetition stops paying: Muennighoff et al. 2023, "Scaling Data-Constrained Language Models"
)
COMPUTE_OPTIMAL = 20  # training tokens per parameter: Hoffmann et al. 2022, table 3


@dataclass(frozen=True)
class Result:
    """One row of RESULTS: a figure, its 95 % interval if there is one, and how many documents or examples are behind it."""

    model: str
    family: str
    task: str
    metric: str
    value: float
    low: float | None
    high: float | None
    count: int


@dataclass(frozen=True)
class Budget:
    """What training a family cost it: parameters, tokens seen (with repetition), tokens that the corpus has."""

    parameters: float
    tokens_seen: float
    corpus_tokens: float


@dataclass(frozen=True)
class Results:
    """RESULTS, with the look-ups that the page needs."""

    rows: tuple[Result, ...]

    def find(self, model: str, metric: str) -> Result | None:
        """The model's figure for a metric, or None."""
        return next((row for row in self.rows if (row.model, row.metric) == (model, metric)), None)

    def language_models(self) -> list[Result]:
        """The bits per byte of every model that has them, the best first."""
        return sorted((row for row in self.rows if row.metric == BITS), key=lambda row: (row.value, row.model))

    def of_task(self, task: str) -> list[Result]:
        """The rows of one task in the order of the table."""
        return [row for row in self.rows if row.task == task]


def read_results(path: Path) -> Results:
    """RESULTS from disk. Raises MissingInputError, SchemaError, and InputError when it has no row."""
    rows = tuple(Result(**row) for row in read_table(path, RESULTS).to_pylist())
    if not rows:
        raise InputError(f"{path}: no result in it; run evaluate on at least one model")
    return Results(rows)


def family_name(family: str, order: int | None = None) -> str:
    """The words for a family: ``5-gram model`` when its order is known."""
    if family == "ngram" and order:
        return f"{order}-gram model"
    return NAMES.get(family, family)


def verdict(results: Results, trained: Collection[str], budgets: Mapping[str, Budget], orders: Mapping[str, int]) -> list[str]:
    """Sentences: which of the ``trained`` models predicts best, by how much, and, if the decoder is not first, why.

    ``budgets`` and ``orders`` (of n-gram models) go by model name.
    """
    ranked = [row for row in results.language_models() if row.model in trained]
    if not ranked:
        return ["No language model was evaluated."]
    best = ranked[0]
    name = {row.model: family_name(row.family, orders.get(row.model)) for row in ranked}
    if len(ranked) == 1:
        return [
            f"The {name[best.model]} needs {words.figure(best.value)} bits per byte; there is no other family to compare it with."
        ]
    said = [
        f"The {name[best.model]} predicts held-out text best, at {words.figure(best.value)} bits per byte: "
        + _margins(ranked, name)
    ]
    said += _doubt(results, best, ranked[1], name)
    decoder = next((row for row in ranked if row.family == "gpt"), None)
    if decoder is not None and decoder.value > best.value:
        ahead = [name[row.model] for row in ranked if row.value < decoder.value]
        said.append(f"The decoder does not beat the {' or the '.join(ahead)} at this budget.")
        said += _why(decoder, best, budgets, name)
    return said


def _margins(ranked: Sequence[Result], name: Mapping[str, str]) -> str:
    best = ranked[0]
    parts = [
        f"{words.percent(1 - best.value / row.value)} fewer than the {name[row.model]} ({words.figure(row.value)})"
        for row in ranked[1:]
    ]
    return " and ".join(", ".join(parts).rsplit(", ", 1)) + "."


def _doubt(results: Results, best: Result, second: Result, name: Mapping[str, str]) -> list[str]:
    """Whether the second could be first on other documents: by the paired difference, else by whether the intervals overlap."""
    above = results.find(second.model, ABOVE_BEST)
    if above is not None and above.low is not None:
        if above.low > 0:
            return []
        why = f"the difference, document by document, is {words.figure(above.value)} {words.interval(above.low, above.high)}"
    elif best.high is not None and second.low is not None and best.high >= second.low:
        why = "their 95 % intervals overlap"
    else:
        return []
    return [f"The {name[best.model]} and the {name[second.model]} could change places on other documents: {why}."]


def _why(decoder: Result, best: Result, budgets: Mapping[str, Budget], name: Mapping[str, str]) -> list[str]:
    """What the figures say of a decoder that is not first."""
    mine, other = budgets.get(decoder.model), budgets.get(best.model)
    if mine is None or not mine.parameters or not mine.corpus_tokens:
        return []
    ratio, passes = mine.tokens_seen / mine.parameters, mine.tokens_seen / mine.corpus_tokens
    seen = (
        f"It saw {words.count(mine.tokens_seen)} tokens, {words.figure(passes)} times the {words.count(mine.corpus_tokens)} "
        f"of the train split, which is {words.figure(ratio)} tokens for each of its {words.count(mine.parameters)} parameters; "
        f"about {COMPUTE_OPTIMAL} make best use of the compute (Hoffmann et al. 2022)."
    )
    said = [seen]
    if passes < 1:
        said.append(f"It stopped before it had seen {words.percent(1 - passes, 0)} of the corpus even once.")
    elif passes > USEFUL_PASSES:
        said.append(
            f"More than {USEFUL_PASSES} passes over one text teach little (Muennighoff et al. 2023): "
            "it wants more text, or fewer parameters."
        )
    elif ratio < COMPUTE_OPTIMAL:
        said.append("More steps, or a smaller decoder, would use this corpus better.")
    if best.family == "ngram" and other is not None:
        said.append(
            f"The {name[best.model]} counts every token of the corpus exactly and keeps {words.count(other.parameters)} figures, "
            f"{words.figure(other.parameters / mine.parameters)} times as many as the decoder has weights: "
            "on little text from few sources, remembering beats generalising."
        )
    return said
