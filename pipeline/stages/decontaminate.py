"""Removes documents that hold text of the evaluation sets, so that a score measures more than memory."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from pipeline import runtime
from pipeline.dedup.contamination import MATCHES, Index, common_grams, index_texts, match, worst_overlaps
from pipeline.engine import ShardResult, map_shards
from pipeline.errors import EmptyCorpusError, InputError, MissingInputError
from pipeline.params import Params
from pipeline.schema import DOCS, DROPPED
from pipeline.tables import ShardWriter, check_conservation, dropped_rows, num_rows, read_shards, read_table

SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
SPAN_CHARS = 300  # of the matching words, kept in the DROPPED row

# A text of an evaluation file: file name, row counted from 0, text.
Item = tuple[str, int, str]


class DecontaminateParams(Params):
    """Section ``decontaminate`` of params.yaml."""

    ngram: int = Field(13, ge=1, le=100, description="words in an n-gram")
    shortest: int = Field(8, ge=1, description="a shorter evaluation text matches as a whole from this many words, below never")
    max_containment: float = Field(0.2, ge=0, lt=1, description="share of an evaluation text's n-grams that a document may hold")
    max_shared: int = Field(50, ge=0, description="n-grams of one evaluation text that a document may hold")
    max_documents: int = Field(10, ge=1, description="an n-gram of more documents is common stock and does not count")


def decontaminate(docs: Path, evaluation: Path, out: Path, dropped: Path, *, params: DecontaminateParams) -> dict[str, float]:
    """Write the DOCS that hold no evaluation text to ``out`` and a DROPPED row for each other, naming the text.

    ``evaluation`` is a folder of .json and .jsonl files, also .gz; every string in them counts. Raises MissingInputError
    without one, InputError for one that cannot be read.
    """
    if not num_rows(docs):
        raise EmptyCorpusError(f"{docs}: no document to look at; the stage before dropped them all, see its dropped table")
    items = list(read_items(evaluation))
    index = index_texts(pa.array([text for *_, text in items], pa.large_string()), ngram=params.ngram, shortest=params.shortest)
    matches = _match_all(docs, index)
    common = common_grams(matches, index, params.max_documents)
    containment, shared = params.max_containment, params.max_shared
    overlaps = worst_overlaps(matches, index, ignored=common, max_containment=containment, max_shared=shared)
    with ShardWriter(out, DOCS) as kept, ShardWriter(dropped, DROPPED) as lost:
        for table in read_shards(docs, DOCS):
            held = pc.is_in(table["id"], overlaps["id"])
            kept.write(table.filter(pc.invert(held)))
            lost.write(_explain(table.filter(held), overlaps, items, params))
    return check_conservation(docs, out, dropped) | {
        "evaluation_texts": float(len(items)),
        "evaluation_texts_too_short": float((index.sizes == 0).sum()),
        "evaluation_ngrams": float(len(index.hashes)),
        "evaluation_ngrams_common": float(len(common)),
    }


def read_items(folder: Path) -> Iterator[Item]:
    """Every string of every row of the evaluation files below ``folder``, files in order of name."""
    paths = sorted(path for path in folder.rglob("*") if path.name.endswith(SUFFIXES))
    if not paths:
        raise MissingInputError(f"{folder}: no evaluation file ({', '.join(SUFFIXES)}) here; put the sets you score on into it")
    for path in paths:
        for row, value in enumerate(_rows(path)):
            yield from ((path.relative_to(folder).as_posix(), row, text) for text in _strings(value))


def _rows(path: Path) -> Iterator[Any]:
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if ".jsonl" in path.suffixes:
            yield from (json.loads(line) for line in data.decode("utf-8").split("\n") if line.strip())
        else:
            value = json.loads(data)
            yield from value if isinstance(value, list) else [value]
    except (OSError, EOFError, ValueError) as error:  # a broken gzip stream, invalid UTF-8, no JSON
        raise InputError(f"{path}: not a readable evaluation file: {error}; repair it or take it out of the folder") from error


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def _match_all(docs: Path, index: Index) -> pa.Table:
    """Make the MATCHES of all documents in parallel."""
    path = runtime.scratch() / "decontaminate" / "matches"
    map_shards(partial(_match_shard, index=index), {docs: DOCS}, {path: MATCHES})
    matches = read_table(path, MATCHES)
    shutil.rmtree(path)
    return matches


def _match_shard(docs: pa.Table, *, index: Index) -> ShardResult:
    return (match(docs, index),), Counter()


def _explain(docs: pa.Table, overlaps: pa.Table, items: list[Item], params: DecontaminateParams) -> pa.Table:
    """Make DROPPED rows: the bound that was exceeded, and where the text is from."""
    scores, highs, metas = [], [], []
    for doc, row in zip(docs.to_pylist(), overlaps.take(pc.index_in(docs["id"], overlaps["id"])).to_pylist(), strict=True):
        contained = row["containment"] > params.max_containment
        scores.append(row["containment"] if contained else float(row["shared"]))
        highs.append(params.max_containment if contained else float(params.max_shared))
        file, number, _ = items[row["item"]]
        span = doc["text"].encode()[row["start"] : row["end"]].decode()
        meta = {
            "file": file,
            "row": number,
            "span": span[:SPAN_CHARS],
            "containment": row["containment"],
            "shared": row["shared"],
        }
        metas.append(json.dumps(meta, ensure_ascii=False))
    columns = {
        "score": pa.array(scores, pa.float64()),
        "high": pa.array(highs, pa.float64()),
        "meta": pa.array(metas, pa.string()),
    }
    return dropped_rows(docs, "decontaminate", "contaminated", **columns)
