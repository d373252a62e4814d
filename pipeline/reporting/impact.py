"""What each filter did to texts about each identity group, domain and language; read from the ledger and the tables.

A filter of the ledger is judged alone, by the scores of every document that it saw and its bounds in params.yaml, so that the
order of filters hides nothing. A rule of a later stage is judged by the documents that it removed, of those that came to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.bias.disparity import Effect, Tally, adjusted, effect, tally
from pipeline.bias.measures import GROUPS, measure
from pipeline.errors import SchemaError
from pipeline.filters import FILTERS, SCORES
from pipeline.filters.bounds import Bounds
from pipeline.schema import DOCS, DROPPED
from pipeline.tables import read_shards, read_table, text_bytes

LEDGER, JUDGE = "score_docs", "filter_docs"
ALL, OTHERS = "(all of them)", "(others)"
SIGNIFICANT = 0.05  # of q
FEWEST = 10  # documents about a group, below which nothing is compared

Bools = npt.NDArray[np.bool_]
Batch = tuple[pa.Table, pa.ChunkedArray, Bools]  # documents, their languages, (D, F) which filter removes them


@dataclass(frozen=True)
class Source:
    """A stage that removes documents: what came to it, and the ledger and bounds it goes by, or what it says it dropped."""

    stage: str
    docs: Path
    scores: Path | None = None
    bounds: Mapping[str, Bounds] | None = None
    dropped: Path | None = None


@dataclass(frozen=True)
class Impact:
    """The effect of one filter on one group, domain or language (``axis``), among all that were looked at together."""

    stage: str
    rule: str
    axis: str
    name: str
    effect: Effect
    q: float
    q_at_equal_length: float

    @property
    def marked(self) -> bool:
        """Whether the interval excludes no effect, and q says that this is not for the number of comparisons."""
        return self.q <= SIGNIFICANT and (self.effect.low > 0 or self.effect.high < 0)

    @property
    def deletes(self) -> bool:
        """Whether texts inside are removed more often than others, and more often than others of their length."""
        return self.marked and self.effect.low > 0 and self.effect.at_equal_length_low > 0 and self._at_equal_length

    @property
    def spares(self) -> bool:
        """The reverse of ``deletes``."""
        return self.marked and self.effect.high < 0 and self.effect.at_equal_length_high < 0 and self._at_equal_length

    @property
    def _at_equal_length(self) -> bool:
        return self.q_at_equal_length <= SIGNIFICANT


def judged(stages: Sequence[tuple[str, Path, Path | None]], scores: Path | None, bounds: Mapping[str, Bounds]) -> list[Source]:
    """What to compare: the ledger's stage and those after it. ``stages``: (name, DOCS, DROPPED if it has one), in order."""
    names = [stage for stage, _, _ in stages]
    first = names.index(JUDGE) if JUDGE in names else len(names)
    found = []
    for before, (stage, _, dropped) in zip(stages[max(first - 1, 0) :], stages[first:], strict=False):
        if stage == JUDGE and scores is not None:
            found.append(Source(stage, before[1], scores=scores, bounds=bounds))
        elif dropped is not None:
            found.append(Source(stage, before[1], dropped=dropped))
    return found


def impacts(sources: Sequence[Source], *, most_domains: int) -> list[Impact]:
    """Every comparison that has documents on both sides, filters in order. Raises MissingInputError, SchemaError."""
    found = []
    for source in sources:
        domains, languages = _names(source, most_domains)
        about = [*(("group", g) for g in GROUPS), *(("domain", d) for d in domains), *(("language", name) for name in languages)]
        rules = _rules(source)
        counts = _count(source, rules, domains, languages, len(about))
        if counts is None:
            continue
        for f, rule in enumerate(rules):
            for k, (axis, name) in enumerate(about):
                seen = counts.inside[:, k].sum()
                if counts.dropped[:, f].sum() and FEWEST <= seen < counts.docs.sum():
                    found.append((source.stage, rule, axis, name, effect(counts, k, f)))
    plain, equal = adjusted([row[4].p for row in found]), adjusted([row[4].p_at_equal_length for row in found])
    return [Impact(*row, *q) for row, *q in zip(found, plain, equal, strict=True)]


def _names(source: Source, most: int) -> tuple[list[str], list[str]]:
    """The largest domains, the others as one; and every language."""
    domains: Counter[str] = Counter()
    languages: set[str] = set()
    for table in read_shards(source.docs, DOCS, ["domain", "lang"]):
        domains.update({row["values"]: row["counts"] for row in pc.value_counts(table["domain"]).to_pylist()})
        languages |= set(pc.unique(table["lang"]).to_pylist())
    if source.scores is not None:
        for table in read_shards(source.scores, SCORES, ["lang"]):
            languages |= set(pc.unique(table["lang"]).to_pylist())
    largest = [name for name, _ in sorted(domains.items(), key=lambda item: (-item[1], item[0]))[:most]]
    return largest + ([OTHERS] if len(domains) > len(largest) else []), sorted(languages - {None})


def _rules(source: Source) -> list[str]:
    """The filters with bounds, or the rules that removed something; last, all of them together."""
    if source.bounds is not None:
        return [*(name for name in FILTERS if name in source.bounds), ALL]
    rules = sorted(set(read_table(source.dropped, DROPPED, ["rule"])["rule"].to_pylist())) if source.dropped else []
    return [*rules, ALL] if len(rules) > 1 else rules


def _count(source: Source, rules: list[str], domains: list[str], languages: list[str], width: int) -> Tally | None:
    total = None
    for docs, langs, removed in _ledger(source, rules) if source.bounds is not None else _dropped(source, rules):
        about = np.zeros((len(docs), width), np.bool_)
        about[:, : len(GROUPS)] = measure(docs["text"]).mentions > 0
        _mark(about, docs["domain"], domains, len(GROUPS))
        _mark(about, langs, languages, len(GROUPS) + len(domains))
        counts = tally(about, removed, text_bytes(docs["text"]).to_numpy())
        total = counts if total is None else total + counts
    return total


def _mark(about: Bools, values: pa.ChunkedArray, names: list[str], first: int) -> None:
    """Set the column of each document's value; one that is not named belongs to OTHERS where there is that."""
    if not names:
        return
    places = pc.index_in(values, pa.array(names, pa.string()))
    if names[-1] == OTHERS:
        places = pc.fill_null(places, len(names) - 1)
    rows = np.flatnonzero(places.is_valid().to_numpy())
    about[rows, first + places.drop_null().to_numpy()] = True


def _ledger(source: Source, rules: list[str]) -> Iterator[Batch]:
    """Documents beside their scores: the ledger may be cut into other pieces than the documents."""
    assert source.scores is not None
    assert source.bounds is not None
    names = [name for name in rules if name != ALL]
    ledger, rest = read_shards(source.scores, SCORES, ["id", "lang", *names]), None
    for docs in read_shards(source.docs, DOCS, ["id", "text", "domain"]):
        while rest is None or len(rest) < len(docs):
            piece = next(ledger, None)
            if piece is None:
                raise SchemaError(f"{source.scores}: fewer rows than {source.docs}; run score_docs again (dvc repro)")
            rest = piece if rest is None else pa.concat_tables([rest, piece])
        scores, rest = rest.slice(0, len(docs)), rest.slice(len(docs))
        if scores["id"] != docs["id"]:
            raise SchemaError(f"{source.scores}: other documents than {source.docs}; run score_docs again (dvc repro)")
        removed = np.zeros((len(docs), len(rules)), np.bool_)
        for number, name in enumerate(names):
            removed[:, number] = ~source.bounds[name].hold(scores[name])
        removed[:, -1] = removed.any(axis=1)
        yield docs, scores["lang"], removed


def _dropped(source: Source, rules: list[str]) -> Iterator[Batch]:
    """Documents that came to a stage beside the rule that it removed them by."""
    assert source.dropped is not None
    lost = read_table(source.dropped, DROPPED, ["id", "rule"])
    numbers = pc.index_in(lost["rule"], pa.array(rules, pa.string())).to_numpy()
    for docs in read_shards(source.docs, DOCS, ["id", "text", "domain", "lang"]):
        places = pc.index_in(docs["id"], lost["id"])
        removed = np.zeros((len(docs), len(rules)), np.bool_)
        rows = np.flatnonzero(places.is_valid().to_numpy())
        removed[rows, numbers[places.drop_null().to_numpy()]] = True
        if rules and rules[-1] == ALL:
            removed[rows, -1] = True
        yield docs, docs["lang"], removed


def verdict(found: Sequence[Impact]) -> Iterator[str]:
    """The answer in two sentences: who is deleted, who is spared."""
    groups = [row for row in found if row.axis == "group"]
    for deleted, verb in ((True, "more often"), (False, "less often")):
        rows = [row for row in groups if (row.deletes if deleted else row.spares)]
        if not rows:
            yield f"No filter removes documents about a group {verb} than other documents of their length."
            continue
        rows.sort(key=lambda row: -abs(row.effect.at_equal_length))
        named = ", ".join(f"{row.name} by {row.rule}" for row in rows[:5])
        more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        yield f"Removed {verb} than other documents of their length: {named}{more}."
