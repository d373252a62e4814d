"""From documents to what the comparison needs of each, and from its result to a fate for each.

Documents are ranked: a preferred source first, then the text of which there are most exact copies (an edited copy is rarer than
what it was made from), then the longest (it loses least), then by source and id. The better of two duplicates stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.exact import DIGEST_BYTES, digests
from pipeline.dedup.groups import F64, Groups, leaders
from pipeline.dedup.minhash import band_hashes
from pipeline.dedup.pairs import NONE, U32
from pipeline.dedup.urls import url_digests
from pipeline.text.hashing import I64, U64
from pipeline.text.shingles import shingles

DIGEST = pa.binary(DIGEST_BYTES)
# What is read of a document to sign it, and to compare its shingles.
TO_SIGN = ["id", "text", "source", "meta"]
TO_COMPARE = ["text"]
# Which documents have a candidate, and the bytes of the sorted uint64 shingles of those.
WANTED = pa.schema([pa.field("wanted", pa.bool_(), nullable=False)])
SHINGLES = pa.schema([pa.field("shingles", pa.large_binary())])
# ``duplicate_of``: null if kept. ``rule``: url, exact or near. ``score``: Jaccard similarity, where one was computed.
# ``high``: its bound. ``cluster``: the id of the best document of the duplicate group, null if it is the document itself.
FATES = pa.schema(
    [
        pa.field("duplicate_of", pa.string()),
        pa.field("rule", pa.string()),
        pa.field("score", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("cluster", pa.string()),
    ]
)
RULES = np.array(["kept", "url", "exact", "near"], dtype=object)
KEPT, URL, EXACT, NEAR = range(4)


def signature_schema(bands: int, *, urls: bool) -> pa.Schema:
    """Columns of ``sign``: ``bands`` holds the uint64 of all bands, so that one read brings them."""
    fields = [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("num_bytes", pa.int64(), nullable=False),
        pa.field("exact", DIGEST, nullable=False),
    ]
    fields += [pa.field("url", DIGEST)] if urls else []
    fields += [pa.field("bands", pa.binary(8 * bands), nullable=False)] if bands else []
    return pa.schema(fields)


def sign(docs: pa.Table, *, ngram: int, bands: int, rows: int, seed: int, urls: bool) -> pa.Table:
    """Signatures of DOCS, row by row; no band without ``bands``, no address without ``urls``."""
    texts = docs["text"]
    columns = [docs["id"], docs["source"], pc.binary_length(texts).cast(pa.int64()), digests(texts)]
    columns += [url_digests(docs["meta"])] if urls else []
    if bands:
        hashes = band_hashes(texts, ngram=ngram, bands=bands, rows=rows, seed=seed)
        kind = pa.binary(8 * bands)
        columns += [pa.FixedSizeBinaryArray.from_buffers(kind, len(texts), [None, pa.py_buffer(hashes)])]
    return pa.table(columns, schema=signature_schema(bands, urls=urls))


def words_of(column: pa.Array) -> U64:
    """A fixed-size binary array as (T, W) numbers of 64 bits, all ones where it is null."""
    width = column.type.byte_width // 8
    values = np.frombuffer(column.buffers()[1], np.uint64, len(column) * width, column.offset * width * 8).reshape(-1, width)
    return np.where(column.is_valid().to_numpy(zero_copy_only=False)[:, None], values, NONE) if column.null_count else values


def select_shingles(texts: pa.ChunkedArray, wanted: pa.ChunkedArray, ngram: int) -> pa.Table:
    """SHINGLES of the texts that are wanted, null for the others."""
    chosen = np.flatnonzero(wanted.to_numpy())
    values, bounds = shingles(texts.take(pa.array(chosen)), ngram)
    offsets = np.zeros(len(wanted) + 1, np.int64)
    offsets[chosen + 1] = np.diff(bounds) * 8
    valid = np.packbits(wanted.to_numpy(), bitorder="little")
    buffers = [pa.py_buffer(valid), pa.py_buffer(np.cumsum(offsets)), pa.py_buffer(values)]
    return pa.table([pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(wanted), buffers)], schema=SHINGLES)


@dataclass(frozen=True)
class Sources:
    """The source of each document, by row."""

    names: list[str]  # ascending
    codes: npt.NDArray[np.int32]  # (T,) position in names


def index_sources(column: pa.ChunkedArray) -> Sources:
    """Number the sources."""
    encoded = pa.chunked_array([chunk.dictionary_encode() for chunk in column.chunks]).unify_dictionaries().combine_chunks()
    names = encoded.dictionary.to_pylist()
    places = {name: place for place, name in enumerate(sorted(names))}
    return Sources(sorted(names), np.array([places[name] for name in names], np.int32)[encoded.indices.to_numpy()])


def rank_documents(ids: pa.Array, sources: Sources, num_bytes: I64, copies: npt.NDArray[np.int32], prefer: Sequence[str]) -> U32:
    """Rows in order of rank, (T,). ``copies``: documents of the same text as each.

    ``prefer``: sources whose documents come first, the most preferred first.
    """
    favour = {name: place for place, name in enumerate(prefer)}
    table = pa.table(
        {
            "favour": np.array([favour.get(name, len(prefer)) for name in sources.names], np.int32)[sources.codes],
            "copies": copies,
            "num_bytes": num_bytes,
            "source": sources.codes,
            "id": ids,
        }
    )
    down = ("copies", "num_bytes")
    keys = [(name, "descending" if name in down else "ascending") for name in table.column_names]
    order: U32 = pc.sort_indices(table, sort_keys=keys).to_numpy().astype(np.uint32)
    return order


@dataclass(frozen=True)
class Outcome:
    """For each document, by rank: who stands for it, by which rule, how similar they are and the best of its group."""

    kept_by: U32  # (T,)
    rule: U32  # (T,) position in RULES
    similarity: F64  # (T,) NaN where none was computed
    bound: F64  # (T,) of the similarity, above which a document goes; NaN where it did not decide
    leader: U32  # (T,)


def conclude(first: U32, rule: U32, groups: Groups, bounds: F64, *, verified: bool) -> Outcome:
    """Put certain repeats and near-duplicates together. ``first``: what each repeats for certain, ``rule``: why.

    An exact repeat of a document that goes as a near one is a near-duplicate too, of the same kept document.
    """
    kept_by = groups.kept_by[first]
    near = (kept_by != first) & (rule != URL)
    similarity = groups.similarity[first]
    similarity[(rule == URL) | (near & (not verified))] = np.nan
    bound = np.where(near & verified, bounds[first], np.nan)
    return Outcome(kept_by, np.where(near, np.uint32(NEAR), rule), similarity, bound, leaders(groups)[first])


def fates(ids: pa.Array, ranks: U32, order: U32, outcome: Outcome, rows: slice) -> pa.Table:
    """FATES of some rows. ``ranks``: rank of each row, ``order``: row of each rank."""
    here = ranks[rows]
    removed = outcome.rule[here] > 0
    keeper = pa.array(order[outcome.kept_by[here]], mask=~removed)
    similarity, bound = outcome.similarity[here], outcome.bound[here]
    columns = {
        "duplicate_of": ids.take(keeper),
        "rule": pa.array(RULES[outcome.rule[here]], pa.string(), mask=~removed),
        "score": pa.array(similarity, mask=~removed | np.isnan(similarity)),
        "high": pa.array(bound, mask=~removed | np.isnan(bound)),
        "cluster": ids.take(pa.array(order[outcome.leader[here]], mask=outcome.leader[here] == here)),
    }
    return pa.table(columns).cast(FATES)
