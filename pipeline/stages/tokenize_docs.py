"""tokenize_docs: documents to token shards."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import EmptyCorpusError, SchemaError
from pipeline.manifest import sha256
from pipeline.params import Params
from pipeline.progress import say
from pipeline.schema import DOCS, DROPPED, WEIGHTS
from pipeline.sequences import Sequences, SequenceWriter
from pipeline.tables import read_shards, read_table, text_bytes
from pipeline.tokenizer.encode import Encoder
from pipeline.tokenizer.pack import copies, draws, open_documents, shuffle

DOCUMENTS_PER_WRITE = 1024


class TokenizeDocsParams(Params):
    """How the training documents are ordered and repeated."""

    seed: int
    """Of the order of the training documents and of the draw that rounds a weight to a number of copies."""


def tokenize_docs(
    train: Path,
    validation: Path,
    test: Path,
    weights: Path,
    tokenizer: Path,
    train_out: Path,
    validation_out: Path,
    test_out: Path,
    *,
    params: TokenizeDocsParams,
) -> dict[str, float]:
    """Encode the three splits' DOCS; the train split is shuffled and each document written as often as its weight says."""
    first = next(read_shards(train, DOCS, ["text"]))
    encoder = Encoder(tokenizer.read_text(encoding="utf-8"), first["text"])
    say(f"tokenize_docs: encoding with {encoder.name}")
    open_split = partial(SequenceWriter, vocab_size=encoder.vocab_size, tokenizer_sha256=sha256(tokenizer))
    in_order = train_out.with_name(train_out.name + ".in-order")
    for docs, out in ((validation, validation_out), (test, test_out), (train, in_order)):
        with open_split(out) as writer:
            _encode(docs, encoder, writer)
    try:
        with open_split(train_out) as writer:
            report = _repeat(Sequences.open(in_order), weights, params.seed, writer)
    finally:
        shutil.rmtree(in_order)
    for out in (train_out, validation_out, test_out):
        report |= _sizes(out)
    return report


def _encode(docs: Path, encoder: Encoder, writer: SequenceWriter) -> None:
    """Write the documents as they come."""
    for shard in read_shards(docs, DOCS, ["id", "text"]):
        tokens, lengths = open_documents(*encoder.encode(shard["text"]), encoder.end_id)
        writer.write(shard["id"], num_bytes=text_bytes(shard["text"]).to_numpy(), tokens=tokens, lengths=lengths)


def _repeat(source: Sequences, weights: Path, seed: int, writer: SequenceWriter) -> dict[str, float]:
    """Write each document as often as its weight says, in hash order; name those left out."""
    ids, lengths = source.documents["id"], source.document_lengths
    weight, draw = _weights(ids, weights), draws(ids.to_pylist(), seed)
    counts = copies(weight, draw)
    rows = shuffle(ids.to_pylist(), counts, seed)
    for first in range(0, len(rows), DOCUMENTS_PER_WRITE):
        batch = rows[first : first + DOCUMENTS_PER_WRITE]
        documents = source.documents.take(batch)
        tokens = np.concatenate([source.tokens(row) for row in batch.tolist()])
        writer.write(documents["id"], num_bytes=documents["num_bytes"].to_numpy(), tokens=tokens, lengths=lengths[batch])
    out = np.flatnonzero(counts == 0)
    lost = source.documents.take(out)
    columns = {"score": weight[out], "low": 1 - draw[out], "id": lost["id"], "num_bytes": lost["num_bytes"]}
    constant = {"stage": "tokenize_docs", "rule": "weight", "high": None, "duplicate_of": None, "meta": "{}"}
    columns |= {name: pa.array([value] * len(out), DROPPED.field(name).type) for name, value in constant.items()}
    writer.leave_out(pa.table(columns).select(DROPPED.names))
    return {
        "train/documents_in": float(len(ids)),
        "train/documents_left_out": float(len(out)),
        "train/tokens_left_out": float(lengths[out].sum()),
        "train/copies_added": float(np.maximum(counts - 1, 0).sum()),
    }


def _weights(ids: pa.ChunkedArray, path: Path) -> npt.NDArray[np.float64]:
    """The weight of each document. Raises SchemaError for a document without one, or with one that is no finite number ≥ 0."""
    table = read_table(path, WEIGHTS)
    rows = pc.index_in(ids, table["id"])
    weight: npt.NDArray[np.float64] = pc.take(table["weight"], rows).to_numpy()
    bad = np.flatnonzero(~(np.isfinite(weight) & (weight >= 0)))
    if len(bad):
        value = None if rows[int(bad[0])].as_py() is None else weight[bad[0]]
        raise SchemaError(
            f"{path}: document {ids[int(bad[0])]} has weight {value}, want a number of at least 0; run balance again"
        )
    return weight


def _sizes(out: Path) -> dict[str, float]:
    """Documents, tokens and bytes of a written split. Raises EmptyCorpusError for one without a token to predict."""
    split = Sequences.open(out)
    documents, num_bytes = split.documents.num_rows, float(split.documents["num_bytes"].to_numpy().sum())
    if split.num_tokens == documents:
        raise EmptyCorpusError(f"{out}: no token in {documents} documents; widen split_docs, or the weights of balance")
    sizes = {"documents": documents, "tokens": split.num_tokens, "bytes": num_bytes}
    sizes["bytes_per_token"] = num_bytes / (split.num_tokens - documents)
    return {f"{out.name}/{name}": float(value) for name, value in sizes.items()}
