"""Parquet in, Parquet out: the only module that touches table files.

A table is one ``.parquet`` file or a folder of ``part-00000.parquet`` shards. Writes are atomic: a temporary name in the same
folder, then a rename. The bytes depend on the rows alone (fixed compression, row group size and format version).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import ConservationError, DuplicateIdError, EmptyCorpusError, MissingInputError, SchemaError
from pipeline.schema import DOCS, DROPPED

ROWS_PER_GROUP = 1024  # the unit of parallelism and of memory
BYTES_PER_SHARD = 4 << 20  # small enough that two cores share a 10 MB corpus


def shards(path: Path) -> list[Path]:
    """The Parquet files of a table, sorted by name. Raises MissingInputError when there is none."""
    found = [path] if path.is_file() else sorted(path.glob("part-*.parquet"))
    if not found:
        raise MissingInputError(f"{path}: no Parquet file here; run the stage that writes it (dvc repro)")
    return found


def read_table(path: Path, schema: pa.Schema, columns: list[str] | None = None) -> pa.Table:
    """All rows of a table, optionally of some columns. Raises MissingInputError, SchemaError."""
    wanted = schema if columns is None else pa.schema([schema.field(name) for name in columns])
    return pa.concat_tables([_read(shard, wanted) for shard in shards(path)])


def read_shards(path: Path, schema: pa.Schema, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """One table per shard, in order, so that memory does not grow with the corpus."""
    for shard in shards(path):
        yield read_table(shard, schema, columns)


def _read(shard: Path, schema: pa.Schema) -> pa.Table:
    try:
        table = pq.read_table(shard, columns=schema.names)
        return table.select(schema.names).cast(schema)
    except (pa.ArrowInvalid, pa.ArrowKeyError, KeyError, ValueError) as error:
        raise SchemaError(f"{shard}: not a table of {schema.names}: {error}") from error


def write_table(table: pa.Table, path: Path) -> None:
    """Write one Parquet file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    pq.write_table(table, temporary, compression="zstd", row_group_size=ROWS_PER_GROUP, version="2.6")
    temporary.replace(path)


class ShardWriter:
    """Writes a folder of shards; nothing is there under its name until the block ends without an error.

    >>> with ShardWriter(out, DOCS) as writer:
    ...     writer.write(table)
    """

    def __init__(self, path: Path, schema: pa.Schema, *, bytes_per_shard: int = BYTES_PER_SHARD) -> None:
        self.path, self.schema, self.bytes_per_shard = path, schema, bytes_per_shard
        self.num_rows = 0
        self._temporary = path.with_name(path.name + ".tmp")
        self._pending: list[pa.Table] = []
        self._pending_bytes = self._num_shards = 0

    def __enter__(self) -> Self:
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir(parents=True)
        return self

    def write(self, table: pa.Table) -> None:
        """Append the rows of ``table``; a shard is closed after the table that fills it."""
        self._pending.append(table.cast(self.schema))
        self._pending_bytes += table.nbytes
        self.num_rows += table.num_rows
        if self._pending_bytes >= self.bytes_per_shard:
            self._flush()

    def _flush(self) -> None:
        write_table(pa.concat_tables(self._pending), self._temporary / shard_name(self._num_shards))
        self._num_shards += 1
        self._pending, self._pending_bytes = [], 0

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            shutil.rmtree(self._temporary)
            return
        if self._pending or not self._num_shards:
            self._pending = self._pending or [self.schema.empty_table()]
            self._flush()
        shutil.rmtree(self.path, ignore_errors=True)
        self._temporary.rename(self.path)


def write_rows(rows: Iterable[dict[str, object]], schema: pa.Schema, path: Path, *, batch: int = ROWS_PER_GROUP) -> int:
    """Write an iterator of rows as shards, ``batch`` at a time; returns how many there were."""
    pending: list[dict[str, object]] = []
    with ShardWriter(path, schema) as writer:
        for row in rows:
            pending.append(row)
            if len(pending) == batch:
                writer.write(pa.Table.from_pylist(pending, schema))
                pending = []
        if pending:
            writer.write(pa.Table.from_pylist(pending, schema))
        return writer.num_rows


def shard_name(index: int) -> str:
    """``part-00000.parquet`` and so on."""
    return f"part-{index:05d}.parquet"


def num_rows(path: Path) -> int:
    """Rows of a table, from the file footers alone."""
    return sum(pq.read_metadata(shard).num_rows for shard in shards(path))


def text_bytes(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """UTF-8 bytes of each text, int64."""
    return pc.binary_length(texts).cast(pa.int64())


def dropped_rows(docs: pa.Table, stage: str, rule: str, **columns: pa.Array | pa.ChunkedArray | None) -> pa.Table:
    """DROPPED rows for every document of ``docs``: score, low, high, duplicate_of and meta as given, else null (meta: ``{}``)."""
    size = docs.num_rows
    given = {"meta": pa.repeat("{}", size), **{k: v for k, v in columns.items() if v is not None}}
    values = {
        "id": docs["id"],
        "stage": pa.repeat(stage, size),
        "rule": pa.repeat(rule, size),
        "num_bytes": text_bytes(docs["text"]),
        **given,
    }
    return pa.table([values.get(f.name, pa.nulls(size, f.type)) for f in DROPPED], names=DROPPED.names).cast(DROPPED)


def check_conservation(docs: Path, out: Path, dropped: Path) -> dict[str, float]:
    """Documents and bytes in, out and dropped, for the stage report.

    Raises ConservationError unless in = out + dropped with the same ids, DuplicateIdError for an id that comes twice,
    EmptyCorpusError when nothing is left.
    """
    came, left = read_table(docs, DOCS, ["id"])["id"], read_table(out, DOCS, ["id"])["id"]
    lost = read_table(dropped, DROPPED, ["id", "rule", "num_bytes"])
    _unique(came, docs)
    accounted = pa.chunked_array([*left.chunks, *lost["id"].chunks], pa.string())
    if sorted(came.to_pylist()) != sorted(accounted.to_pylist()):
        raise ConservationError(
            f"{out}: {len(came)} documents in, {len(left)} out and {len(lost)} dropped; the ids must be the same"
        )
    if not len(left):
        raise EmptyCorpusError(f"{out}: every one of {len(came)} documents was dropped; {dropped} says by which rule")
    counts = {"docs_in": float(len(came)), "docs_out": float(len(left)), "dropped": float(len(lost))}
    by_rule = lost.group_by("rule").aggregate([("rule", "count"), ("num_bytes", "sum")]).sort_by("rule").to_pylist()
    for row in by_rule:
        counts[f"dropped/{row['rule']}"] = float(row["rule_count"])
        counts[f"dropped_bytes/{row['rule']}"] = float(row["num_bytes_sum"])
    return counts


def _unique(ids: pa.ChunkedArray, path: Path) -> None:
    if len(pc.unique(ids)) != len(ids):
        counts = pc.value_counts(ids)
        twice = next(c["values"] for c in counts.to_pylist() if c["counts"] > 1)
        raise DuplicateIdError(f"{path}: document id {twice} comes more than once; give each document its own locator")
