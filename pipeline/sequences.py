"""Tokens on disk: shards that training maps into memory, with the document boundaries beside them.

A split is one folder:

    part-00000.npy …     the token ids, uint16 or (vocabularies above 65,536) uint32; whole documents, one after the other
    documents.parquet    SEQUENCES: where each document lies, in the order of the stream
    left_out.parquet     DROPPED: documents that a weight below one left out; absent when no weight was applied
    index.json           sizes, the tokenizer's sha-256 and that of every file above
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.errors import ManifestError, MissingInputError, SchemaError, VocabularyError
from pipeline.schema import DROPPED, SEQUENCES
from pipeline.tables import read_table, write_table

TOKENS_PER_SHARD = 1 << 24  # 32 MB of uint16: what the writer holds in memory, and the grain of a transfer
INDEX, DOCUMENTS, LEFT_OUT = "index.json", "documents.parquet", "left_out.parquet"
_INDEX_KEYS = {"vocab_size", "dtype", "tokenizer_sha256", "num_tokens", "num_documents", "shards", "tables"}

Tokens = npt.NDArray[np.integer[Any]]
Positions = npt.NDArray[np.int64]


class SequenceWriter:
    """Writes a split; nothing is there under its name until the block ends without an error.

    >>> with SequenceWriter(out, vocab_size=4096, tokenizer_sha256=digest) as writer:
    ...     writer.write(["a", "b"], num_bytes=[3, 5], tokens=np.array([0, 7, 0, 9, 9]), lengths=[2, 3])
    """

    def __init__(self, path: Path, *, vocab_size: int, tokenizer_sha256: str, tokens_per_shard: int = TOKENS_PER_SHARD) -> None:
        self.path, self.vocab_size, self.tokenizer_sha256 = path, vocab_size, tokenizer_sha256
        self.tokens_per_shard = tokens_per_shard
        self.dtype = np.dtype(np.uint16 if vocab_size <= 1 << 16 else np.uint32)
        self.num_tokens = 0
        self._temporary = path.with_name(path.name + ".tmp")
        self._pending: list[Tokens] = []
        self._documents: list[pa.Table] = []
        self._shards: dict[str, dict[str, Any]] = {}
        self._shard_tokens = 0

    def __enter__(self) -> Self:
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir(parents=True)
        return self

    def write(
        self,
        ids: pa.Array | pa.ChunkedArray | Sequence[str],
        *,
        num_bytes: Sequence[int] | Positions,
        tokens: Tokens,
        lengths: Sequence[int] | Positions,
    ) -> None:
        """Append documents: their ``tokens`` back to back, ``lengths[i]`` of them (the opening token included) for ``ids[i]``.

        A shard is closed after the call that fills it. Raises VocabularyError for a token outside the vocabulary.
        """
        sizes = np.asarray(lengths, dtype=np.int64)
        if int(sizes.sum()) != len(tokens):
            raise ValueError(f"lengths add up to {int(sizes.sum())}, but there are {len(tokens)} tokens")
        if len(tokens) and not 0 <= int(tokens.min()) <= int(tokens.max()) < self.vocab_size:
            raise VocabularyError(f"{self.path}: token {int(tokens.max())} in a vocabulary of {self.vocab_size}")
        columns = {
            "id": ids,
            "shard": pa.repeat(f"part-{len(self._shards):05d}.npy", len(sizes)),
            "offset": self._shard_tokens + np.cumsum(sizes) - sizes,
            "length": sizes,
            "num_bytes": np.asarray(num_bytes, dtype=np.int64),
        }
        self._documents.append(pa.table(columns, schema=SEQUENCES))
        self._pending.append(tokens.astype(self.dtype))
        self._shard_tokens += len(tokens)
        if self._shard_tokens >= self.tokens_per_shard:
            self._flush()

    def leave_out(self, dropped: pa.Table) -> None:
        """Record, as DROPPED rows, the documents that no token of this split comes from."""
        write_table(dropped.cast(DROPPED), self._temporary / LEFT_OUT)

    def _flush(self) -> None:
        name = f"part-{len(self._shards):05d}.npy"
        tokens = np.concatenate(self._pending) if self._pending else np.empty(0, self.dtype)
        np.save(self._temporary / name, tokens, allow_pickle=False)
        self._shards[name] = {"sha256": _sha256(self._temporary / name), "num_tokens": len(tokens)}
        self.num_tokens += len(tokens)
        self._pending, self._shard_tokens = [], 0

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            shutil.rmtree(self._temporary)
            return
        if self._pending or not self._shards:
            self._flush()
        documents = pa.concat_tables([SEQUENCES.empty_table(), *self._documents])
        write_table(documents, self._temporary / DOCUMENTS)
        tables = {p.name: _sha256(p) for p in sorted(self._temporary.glob("*.parquet"))}
        index = {
            "vocab_size": self.vocab_size,
            "dtype": self.dtype.name,
            "tokenizer_sha256": self.tokenizer_sha256,
            "num_tokens": self.num_tokens,
            "num_documents": documents.num_rows,
            "shards": self._shards,
            "tables": tables,
        }
        (self._temporary / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(self.path, ignore_errors=True)
        self._temporary.rename(self.path)


class Sequences:
    """A split's tokens as one stream of ``num_tokens`` ids, mapped from its shards; memory holds only what is touched.

    ``sequences[7]`` is an id, ``sequences[a:b]`` an array (a view within one shard, a copy across two);
    ``documents`` are SEQUENCES rows in stream order and ``document_starts[i]`` is where document ``i`` begins in the stream.
    """

    def __init__(self, path: Path, index: dict[str, Any], documents: pa.Table, arrays: list[Tokens]) -> None:
        self.path, self.documents = path, documents
        self.vocab_size: int = index["vocab_size"]
        self.tokenizer_sha256: str = index["tokenizer_sha256"]
        self.num_tokens: int = index["num_tokens"]
        self.dtype = np.dtype(index["dtype"])
        self._index, self._arrays = index, arrays
        self._bounds = np.cumsum([0, *(len(array) for array in arrays)], dtype=np.int64)
        self.document_lengths: Positions = documents["length"].to_numpy()
        self.document_starts: Positions = np.cumsum(self.document_lengths) - self.document_lengths

    @classmethod
    def open(cls, path: Path) -> Sequences:
        """Map the split at ``path``. Hashes are left to ``verify``, which reads every byte.

        Raises MissingInputError for an absent file, SchemaError for an index that is none or does not fit its shards.
        """
        index = _read_index(path / INDEX)
        documents = read_table(path / DOCUMENTS, SEQUENCES)
        arrays = [_map(path / name, index, entry["num_tokens"]) for name, entry in index["shards"].items()]
        counts = (sum(map(len, arrays)), int(np.sum(documents["length"].to_numpy())), documents.num_rows)
        if counts != (index["num_tokens"], index["num_tokens"], index["num_documents"]):
            raise SchemaError(
                f"{path}: {counts[0]} tokens, {counts[1]} in {counts[2]} documents, but {INDEX} says num_tokens "
                f"{index['num_tokens']}, num_documents {index['num_documents']}; run tokenize_docs again"
            )
        return cls(path, index, documents, arrays)

    def verify(self) -> None:
        """Raise ManifestError unless every shard and table has the sha-256 that the index records."""
        expected = {name: entry["sha256"] for name, entry in self._index["shards"].items()} | self._index["tables"]
        for name, digest in expected.items():
            found = _sha256(self.path / name) if (self.path / name).is_file() else "no such file"
            if found != digest:
                raise ManifestError(f"{self.path / name}: sha256 is {found}, {INDEX} says {digest}; run tokenize_docs again")

    def left_out(self) -> pa.Table:
        """DROPPED rows of the documents that a weight left out of this split; none where no weight was applied."""
        return read_table(self.path / LEFT_OUT, DROPPED) if LEFT_OUT in self._index["tables"] else DROPPED.empty_table()

    def __len__(self) -> int:
        return self.num_tokens

    def __getitem__(self, where: int | slice) -> Any:
        if isinstance(where, slice):
            start, stop, step = where.indices(self.num_tokens)
            return self._span(start, max(start, stop))[::step] if step > 0 else self._span(0, self.num_tokens)[where]
        start = range(self.num_tokens)[where]
        return self._span(start, start + 1)[0]

    def _span(self, start: int, stop: int) -> Tokens:
        first = int(np.searchsorted(self._bounds, start, side="right")) - 1
        last = int(np.searchsorted(self._bounds, stop, side="left")) - 1
        pieces = [
            self._arrays[k][max(start - self._bounds[k], 0) : stop - self._bounds[k]]
            for k in range(max(first, 0), max(last, first) + 1)
            if k < len(self._arrays)
        ]
        return pieces[0] if len(pieces) == 1 else np.concatenate([np.empty(0, self.dtype), *pieces])

    def windows(self, starts: Positions, length: int) -> Positions:
        """``length`` ids from each of ``starts``, int64 (len(starts), length): one batch of training windows.

        Raises IndexError for a window that ends behind the stream.
        """
        if len(starts) and (int(starts.min()) < 0 or int(starts.max()) + length > self.num_tokens):
            raise IndexError(f"windows of {length} tokens do not fit a stream of {self.num_tokens}")
        out = np.empty((len(starts), length), dtype=np.int64)
        for row, start in enumerate(starts.tolist()):
            out[row] = self._span(start, start + length)
        return out

    def tokens(self, row: int) -> Tokens:
        """The ids of document ``row``, its opening token first."""
        start = int(self.document_starts[row])
        return self._span(start, start + int(self.document_lengths[row]))


def _read_index(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file; run tokenize_docs (dvc repro)")
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise SchemaError(f"{path}: not JSON: {error}; run tokenize_docs again") from error
    missing = _INDEX_KEYS - set(index) if isinstance(index, dict) else _INDEX_KEYS
    if missing or index["dtype"] not in {"uint16", "uint32"}:
        raise SchemaError(f"{path}: keys missing: {sorted(missing)}, or dtype not uint16 or uint32; run tokenize_docs again")
    return dict(index)


def _map(path: Path, index: dict[str, Any], num_tokens: int) -> Tokens:
    if not path.is_file():
        raise MissingInputError(f"{path}: no such shard, but {INDEX} names it; run tokenize_docs again")
    try:
        array: Tokens = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise SchemaError(f"{path}: not an .npy file: {error}; run tokenize_docs again") from error
    if array.dtype.name != index["dtype"] or array.shape != (num_tokens,):
        raise SchemaError(
            f"{path}: {array.dtype} {array.shape}, but {INDEX} says {index['dtype']} ({num_tokens},); run tokenize_docs again"
        )
    return array


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
