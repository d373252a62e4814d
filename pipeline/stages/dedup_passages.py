"""Cuts paragraphs, lines and long substrings that stand elsewhere in the corpus too, and keeps the first of each."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from pipeline import runtime
from pipeline.dedup.cuts import SPANS, Mask, cut, repeated_spans
from pipeline.dedup.passages import PASSAGES, RULES, find_passages
from pipeline.dedup.ragged import flatten, nest, nested
from pipeline.dedup.repeats import REPEATS
from pipeline.dedup.substrings import ANCHORS, find_anchors, find_windows
from pipeline.engine import ShardResult, map_shards
from pipeline.errors import EmptyCorpusError
from pipeline.params import Params
from pipeline.repeats import join_repeats
from pipeline.schema import CUTS, DOCS, DROPPED
from pipeline.tables import check_conservation, dropped_rows, num_rows
from pipeline.text.hashing import I64

COUNTS = ("docs_cut", "bytes_cut", *(f"cuts/{rule}" for rule in RULES))  # in every report


class PassageRule(Params):
    """Which paragraphs, or lines, are cut."""

    min_chars: int = Field(ge=2, description="characters of the shortest that is looked at, a run of white space being one")
    max_documents: int = Field(1, ge=0, description="one that more documents hold is cut; 0: also one that a document repeats")
    keep: Literal["first", "none"] = Field("first", description="whether the first of its kind stays")


class SubstringRule(Params):
    """Which substrings are cut."""

    length: int = Field(50, ge=4, description="tokens of the shortest stretch that counts as repeated (Lee et al. 2022: 50)")
    tokens: Literal["words", "bytes"] = Field("words", description="words, compared without case and punctuation, or bytes")


class DedupPassagesParams(Params):
    """Section ``dedup_passages`` of params.yaml."""

    paragraphs: PassageRule | None = Field(description="null: paragraphs are not looked at")
    lines: PassageRule | None = Field(description="null: lines are not looked at")
    substrings: SubstringRule | None = Field(description="null: substrings are not looked at")
    min_left_chars: int = Field(40, ge=1, description="visible characters; a document that was cut to fewer goes")

    @model_validator(mode="after")
    def _keeps_the_first(self) -> DedupPassagesParams:
        """A document that keeps the first of a passage must not go for being short: the text would be lost."""
        shortest = [rule.min_chars // 2 for rule in (self.paragraphs, self.lines) if rule]
        shortest += [self.substrings.length // (1 if self.substrings.tokens == "words" else 4)] if self.substrings else []
        if shortest and self.min_left_chars > min(shortest):
            raise ValueError(
                f"min_left_chars must be at most {min(shortest)}: half of min_chars, length in words, a quarter of it in bytes; "
                "else the copy that is kept could go with its document"
            )
        return self

    @property
    def by_rule(self) -> dict[str, PassageRule]:
        """The rules for whole passages that are wanted."""
        rules = {"paragraph": self.paragraphs, "line": self.lines}
        return {name: rule for name, rule in rules.items() if rule}


def dedup_passages(docs: Path, out: Path, dropped: Path, cuts: Path, *, params: DedupPassagesParams) -> dict[str, float]:
    """Write the DOCS without what repeats to ``out``, a CUTS row for each part cut and a DROPPED row for each document cut away.

    Raises EmptyCorpusError without a document.
    """
    if not num_rows(docs):
        raise EmptyCorpusError(f"{docs}: no document to compare; the stage before dropped them all, see its dropped table")
    folder = runtime.scratch() / "dedup_passages"
    shutil.rmtree(folder, ignore_errors=True)
    sources = {docs: DOCS}
    if params.substrings:
        found = map_shards(partial(_anchors_of, rule=params.substrings), sources, {folder / "anchors": nested(ANCHORS)})
        join_repeats(docs, folder / "anchors", nested(ANCHORS), int(found["passages"]), folder / "again")
        sources |= {folder / "again": nested(REPEATS)}
    found = map_shards(partial(_passages_of, params=params), sources, {folder / "passages": nested(PASSAGES)})
    join_repeats(docs, folder / "passages", nested(PASSAGES), int(found["passages"]), folder / "repeats")
    sources = {docs: DOCS, folder / "passages": nested(PASSAGES), folder / "repeats": nested(REPEATS)}
    counts = map_shards(partial(_cut_shard, params=params), sources, {out: DOCS, dropped: DROPPED, cuts: CUTS})
    shutil.rmtree(folder)
    return check_conservation(docs, out, dropped) | counts


def _anchors_of(docs: pa.Table, *, rule: SubstringRule) -> ShardResult:
    anchors = find_anchors(docs["text"], rule.length, rule.tokens)
    return (nest(anchors, docs.num_rows),), Counter(passages=anchors.num_rows)


def _passages_of(docs: pa.Table, again: pa.Table | None = None, *, params: DedupPassagesParams) -> ShardResult:
    tables = [find_passages(docs["text"], name, rule.min_chars) for name, rule in params.by_rule.items()]
    if params.substrings and again is not None:
        repeated = pc.is_valid(flatten(again)["is_first"]).to_numpy()
        tables.append(find_windows(docs["text"], params.substrings.length, params.substrings.tokens, repeated))
    passages = pa.concat_tables([PASSAGES.empty_table(), *tables])
    return (nest(passages, docs.num_rows),), Counter(passages=passages.num_rows)


def _cut_shard(docs: pa.Table, passages: pa.Table, repeats: pa.Table, *, params: DedupPassagesParams) -> ShardResult:
    """The DOCS that are left, DROPPED and CUTS."""
    passages, repeats = flatten(passages), flatten(repeats)
    rows = _spans(docs, passages, repeats, params)
    if not rows.num_rows:
        return (docs, DROPPED.empty_table(), CUTS.empty_table()), Counter(dict.fromkeys(COUNTS, 0))
    result = cut(docs["text"], rows)
    short = (result.num_bytes > 0) & (result.chars < params.min_left_chars)
    left = docs.set_column(1, "text", result.texts).filter(pa.array(~short))
    cuts = _account(docs, rows, repeats, params)
    counts = Counter({"docs_cut": int((result.num_bytes > 0).sum()), "bytes_cut": int(result.num_bytes[~short].sum())})
    for name in RULES:
        counts[f"cuts/{name}"] = pc.sum(pc.equal(cuts["rule"], name)).as_py() or 0
    return (left, _dropped(docs, cuts, short, result.chars, params.min_left_chars), cuts), counts


def _spans(docs: pa.Table, passages: pa.Table, repeats: pa.Table, params: DedupPassagesParams) -> pa.Table:
    """SPANS to cut with the number of their ``rule``, by place; ``row`` is that of the passage."""
    known, rule = pc.is_valid(repeats["first"]).to_numpy(), passages["rule"].to_numpy()
    is_first = pc.fill_null(repeats["is_first"], fill_value=False).to_numpy()
    documents = pc.fill_null(repeats["documents"], 0).to_numpy()
    tables = []
    for name, options in params.by_rule.items():
        wanted = known & (rule == RULES.index(name)) & (documents > options.max_documents)
        chosen = np.flatnonzero(wanted & ~is_first if options.keep == "first" else wanted)
        found = passages.take(pa.array(chosen))
        tables.append(pa.table([found["document"], found["start"], found["next"], pa.array(chosen)], names=SPANS.names))
    if params.substrings:
        chosen = np.flatnonzero(known & (rule == RULES.index("substring")))
        found = repeated_spans(docs["text"], passages.take(pa.array(chosen)), is_first[chosen])
        tables.append(found.set_column(3, "row", pa.array(chosen[found["row"].to_numpy()])))
    spans = pa.concat_tables([SPANS.empty_table(), *(table.cast(SPANS) for table in tables)])
    spans = spans.append_column("rule", passages["rule"].take(spans["row"]))
    return spans.sort_by([("document", "ascending"), ("start", "ascending"), ("rule", "ascending")])


def _account(docs: pa.Table, spans: pa.Table, repeats: pa.Table, params: DedupPassagesParams) -> pa.Table:
    """Make the CUTS row of each span."""
    size, why, rule = spans.num_rows, repeats.take(spans["row"]), pa.array(RULES).take(spans["rule"])
    nowhere = pc.is_in(rule, pa.array([name for name, options in params.by_rule.items() if options.keep == "none"], pa.string()))
    columns = {
        "id": docs["id"].take(spans["document"]),
        "stage": pa.repeat("dedup_passages", size),
        "rule": rule,
        "start": spans["start"],
        "end": spans["end"],
        "first": pc.if_else(nowhere, None, why["first"]),
        "documents": why["documents"],
        "meta": pa.repeat("{}", size),
    }
    return pa.table(columns).cast(CUTS)


def _dropped(docs: pa.Table, cuts: pa.Table, short: Mask, chars: I64, low: int) -> pa.Table:
    """DROPPED rows of the documents that are too short now: the rule and the first holder of the longest part that was cut."""
    lost = docs.filter(pa.array(short))
    parts: dict[str, list[dict[str, Any]]] = {}
    for row in cuts.filter(pc.is_in(cuts["id"], lost["id"])).to_pylist():
        parts.setdefault(row["id"], []).append(row)
    longest = [max(parts[i], key=lambda row: row["end"] - row["start"]) for i in lost["id"].to_pylist()]
    columns = {
        "score": pa.array(chars[short].astype(np.float64)),
        "low": pa.repeat(float(low), lost.num_rows),
        "duplicate_of": pa.array([row["first"] for row in longest], pa.string()),
        "meta": pa.array([json.dumps({"parts_cut": len(parts[row["id"]])}) for row in longest], pa.string()),
    }
    rows = dropped_rows(lost, "dedup_passages", "", **columns)
    return rows.set_column(2, DROPPED.field("rule"), pa.array([row["rule"] for row in longest], pa.string()))
