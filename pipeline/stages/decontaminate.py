"""Removes what documents hold of the evaluation sets, so that a score measures more than memory."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from pipeline import runtime
from pipeline.dedup.contamination import MATCHES, Index, count_documents, index_texts, match
from pipeline.dedup.cuts import SPANS, cut
from pipeline.dedup.overlaps import Bounds, Overlap, find_overlaps
from pipeline.dedup.ragged import flatten, nest, nested
from pipeline.engine import ShardResult, map_shards
from pipeline.errors import EmptyCorpusError
from pipeline.evaluation_files import Item, read_items
from pipeline.params import Params
from pipeline.schema import CUTS, DOCS, DROPPED
from pipeline.tables import check_conservation, dropped_rows, num_rows, read_shards

EXCERPT = 300  # characters of the matching words, and of the evaluation text, that the account holds


class DecontaminateParams(Params):
    """Section ``decontaminate`` of params.yaml."""

    ngram: int = Field(6, ge=5, le=100, description="words in an n-gram")
    shortest: int = Field(
        8, ge=5, description="words that must match; a shorter evaluation text counts beside another of its row"
    )
    near: int = Field(
        50, ge=0, le=1000, description="words between two such texts, or two parts of one, that are near each other"
    )
    max_containment: float = Field(0.2, ge=0, lt=1, description="share of an evaluation text's n-grams that a document may hold")
    max_shared: int = Field(50, ge=0, description="n-grams of one evaluation text that a document may hold")
    max_documents: int = Field(10, ge=1, description="an n-gram of more documents is common stock and does not count")
    fields: list[str] = Field([], description="fields of the evaluation files that count; none: every string")
    action: Literal["drop", "cut"] = Field("drop", description="what goes: the document, or the stretches that hold the text")
    min_left_chars: int = Field(200, ge=1, description="visible characters; a document that was cut to fewer goes")


def decontaminate(
    docs: Path, evaluation: Path, out: Path, dropped: Path, cuts: Path, *, params: DecontaminateParams
) -> dict[str, float]:
    """Write the DOCS without evaluation texts to ``out``, DROPPED rows for the others and CUTS rows for what was cut from some.

    ``evaluation`` is a folder of evaluation files (``pipeline.evaluation_files``). Raises MissingInputError without one,
    InputError for one that cannot be read, EmptyCorpusError without a document.
    """
    if not num_rows(docs):
        raise EmptyCorpusError(f"{docs}: no document to look at; the stage before dropped them all, see its dropped table")
    items = list(read_items(evaluation, params.fields))
    index = index_texts(pa.array([item.text for item in items], pa.large_string()), _rows(items), ngram=params.ngram)
    folder = runtime.scratch() / "decontaminate"
    shutil.rmtree(folder, ignore_errors=True)
    map_shards(partial(_match_shard, index=index), {docs: pa.schema([DOCS.field("text")])}, {folder / "matches": nested(MATCHES)})
    common = _common(folder / "matches", index, params.max_documents)
    sets = EvaluationSets(index, common, _stream(items))
    sources, outs = {docs: DOCS, folder / "matches": nested(MATCHES)}, {out: DOCS, dropped: DROPPED, cuts: CUTS}
    counts = map_shards(partial(_divide, sets=sets, params=params), sources, outs)
    shutil.rmtree(folder)
    return (
        check_conservation(docs, out, dropped)
        | counts
        | {
            "evaluation_texts": float(len(items)),
            "evaluation_texts_too_short": float((index.sizes == 0).sum()),
            "evaluation_ngrams": float(index.num_grams),
            "evaluation_ngrams_common": float(common.sum()),
        }
    )


@dataclass(frozen=True)
class EvaluationSets:
    """What the documents are held against."""

    index: Index
    common: npt.NDArray[np.bool_]  # (G,) n-grams that do not count
    items: bytes  # Arrow stream of a table with the fields of Item, by number of the text


def _rows(items: list[Item]) -> npt.NDArray[np.int64]:
    """Number of the row of each text, counted through all files."""
    new = [i > 0 and item[:2] != items[i - 1][:2] for i, item in enumerate(items)]
    return np.cumsum(new, dtype=np.int64)


def _stream(items: list[Item]) -> bytes:
    schema = pa.schema(list(zip(Item._fields, (pa.string(), pa.int64(), pa.string(), pa.large_string()), strict=True)))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(pa.table([pa.array([item[i] for item in items], f.type) for i, f in enumerate(schema)], schema=schema))
    return bytes(sink.getvalue())


def _match_shard(docs: pa.Table, *, index: Index) -> ShardResult:
    return (nest(match(docs["text"], index), docs.num_rows),), Counter()


def _common(matches: Path, index: Index, max_documents: int) -> npt.NDArray[np.bool_]:
    """Which n-grams more than ``max_documents`` documents hold."""
    counts = np.zeros(index.num_grams, np.int64)
    for table in read_shards(matches, nested(MATCHES), ["gram"]):
        count_documents(flatten(table), counts)
    return counts > max_documents


def _divide(docs: pa.Table, matches: pa.Table, *, sets: EvaluationSets, params: DecontaminateParams) -> ShardResult:
    """The DOCS that stay, or what stays of them; DROPPED and CUTS."""
    bounds = Bounds(params.max_containment, params.max_shared, params.shortest, params.near)
    drop = params.action == "drop"
    found = find_overlaps(docs["text"], flatten(matches), sets.index, sets.common, bounds, worst_only=drop)
    worst = {overlap.document: overlap for overlap in reversed(found)}
    lost, cuts, left = np.zeros(docs.num_rows, np.bool_), CUTS.empty_table(), docs
    lost[list(worst)] = drop
    if found and not drop:
        cuts, spans = _cut_rows(docs, found, sets)
        result = cut(docs["text"], spans)
        lost = (result.num_bytes > 0) & (result.chars < params.min_left_chars)
        left = docs.set_column(1, "text", result.texts)
    dropped = _dropped(docs, [worst[i] for i in np.flatnonzero(lost).tolist()], sets, params)
    return (left.filter(pa.array(~lost)), dropped, cuts), Counter({"docs_cut": 0 if drop else len(worst) - int(lost.sum())})


def _cut_rows(docs: pa.Table, found: list[Overlap], sets: EvaluationSets) -> tuple[pa.Table, pa.Table]:
    """CUTS and SPANS of every stretch that none before it covers."""
    rows: list[dict[str, Any]] = []
    spans: list[dict[str, int]] = []
    for overlap in found:
        for start, end in overlap.spans:
            covered = any(s["document"] == overlap.document and s["start"] <= start and end <= s["end"] for s in spans[-100:])
            if not covered:
                spans.append({"document": overlap.document, "start": start, "end": end, "row": len(rows)})
                place = {"id": docs["id"][overlap.document].as_py(), "start": start, "end": end}
                meta = _meta(docs, overlap, (start, end), sets)
                rows.append({**place, "stage": "decontaminate", "rule": "contaminated", "meta": meta})
    return pa.Table.from_pylist(rows, CUTS), pa.Table.from_pylist(spans, SPANS)


def _dropped(docs: pa.Table, worst: list[Overlap], sets: EvaluationSets, params: DecontaminateParams) -> pa.Table:
    """DROPPED rows: the bound that was exceeded, what was found and where the text is from."""
    contained = [overlap.containment > params.max_containment for overlap in worst]
    scores = [o.containment if c else float(o.shared) for o, c in zip(worst, contained, strict=True)]
    highs = [params.max_containment if c else float(params.max_shared) for c in contained]
    columns = {
        "score": pa.array(scores, pa.float64()),
        "high": pa.array(highs, pa.float64()),
        "meta": pa.array([_meta(docs, overlap, overlap.spans[overlap.longest], sets) for overlap in worst], pa.string()),
    }
    lost = docs.take(pa.array([overlap.document for overlap in worst], pa.int64()))
    return dropped_rows(lost, "decontaminate", "contaminated", **columns)


def _meta(docs: pa.Table, overlap: Overlap, span: tuple[int, int], sets: EvaluationSets) -> str:
    """What a person needs to judge it: the evaluation text and its place, the document's own words and theirs, the figures."""
    items = pa.ipc.open_stream(sets.items).read_all()
    item = items.slice(overlap.item, 1).to_pylist()[0]
    start, end = span
    words = docs["text"][overlap.document].as_buffer()[start:end].to_pybytes().decode()
    values = {
        "file": item["file"],
        "row": item["row"],
        "field": item["field"],
        "beside": items["field"].take(pa.array(overlap.beside, pa.int64())).to_pylist(),
        "evaluation_text": item["text"][:EXCERPT],
        "span": words[:EXCERPT],
        "start": start,
        "end": end,
        "containment": overlap.containment,
        "shared": overlap.shared,
        "words": overlap.words,
        "jaccard": overlap.jaccard,
        "span_jaccard": overlap.span_jaccard,
    }
    return json.dumps(values, ensure_ascii=False)
