"""Parquet in, Parquet out: the only module that touches table files.

A table is one ``.parquet`` file or a folder of ``part-00000.parquet`` shards; a shard that is written here has one row group, a
foreign file any number. Writes are atomic: a temporary name in the same folder, then a rename. The bytes depend on the rows
alone (fixed compression, row group size and format version).
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import ConservationError, DuplicateIdError, EmptyCorpusError
from pipeline.identity import Tally, number_ids, repeated
from pipeline.row_groups import BYTES_PER_SHARD, ROWS_PER_BATCH, read_file, shards
from pipeline.schema import DOCS, DROPPED

ROWS_PER_GROUP = 1 << 17  # more than a shard of documents has, so that it is one row group
# Columns whose values hardly repeat: a dictionary of them, and their least and greatest value, cost time and spare no bytes.
DISTINCT = frozenset({"id", "text", "locator", "cluster", "duplicate_of", "exact", "url", "bands", "shingles"})


def read_table(path: Path, schema: pa.Schema, columns: list[str] | None = None) -> pa.Table:
    """All rows of a table, optionally of some columns. Raises MissingInputError, SchemaError."""
    wanted = schema if columns is None else pa.schema([schema.field(name) for name in columns])
    return pa.concat_tables([wanted.empty_table(), *read_shards(path, wanted)])


def read_shards(path: Path, schema: pa.Schema, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """The table in order, a row group or a slice of a large one at a time, so that memory does not grow with the corpus."""
    wanted = schema if columns is None else pa.schema([schema.field(name) for name in columns])
    for shard in shards(path):
        yield from read_file(shard, wanted)


def write_table(table: pa.Table, path: Path) -> None:
    """Write one Parquet file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    # One chunk: where pages end depends on where chunks end.
    whole = table.combine_chunks()
    repeating: Any = [name for name in table.column_names if name not in DISTINCT]
    pq.write_table(
        whole,
        temporary,
        compression="zstd",
        row_group_size=ROWS_PER_GROUP,
        version="2.6",
        use_dictionary=repeating,
        write_statistics=repeating,
    )
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
        """Append the rows of ``table``. A shard ends with the row that fills it; a row as large as one is alone."""
        table = table.cast(self.schema)
        ends, start = np.cumsum(_row_bytes(table)), 0
        while start < table.num_rows:
            before = int(ends[start - 1]) if start else 0
            stop = int(np.searchsorted(ends, before + self.bytes_per_shard - self._pending_bytes))
            if stop == table.num_rows:
                break
            alone = int(ends[stop]) - (int(ends[stop - 1]) if stop else 0) >= self.bytes_per_shard
            if not (alone and (self._pending or stop > start)):
                stop += 1
            self._pending.append(table.slice(start, stop - start))
            self.end_shard()
            start = stop
        if start < table.num_rows:
            self._pending.append(table.slice(start))
            self._pending_bytes += int(ends[-1]) - (int(ends[start - 1]) if start else 0)
        self.num_rows += table.num_rows

    def end_shard(self) -> None:
        """End the shard here if it has a row, so that what follows is cut the same whatever came before."""
        if sum(part.num_rows for part in self._pending):
            self._flush()
        self._pending, self._pending_bytes = [], 0

    def _flush(self) -> None:
        write_table(pa.concat_tables(self._pending), self._temporary / shard_name(self._num_shards))
        self._num_shards += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            shutil.rmtree(self._temporary)
            return
        self.end_shard()
        if not self._num_shards:
            self._pending = [self.schema.empty_table()]
            self._flush()
        shutil.rmtree(self.path, ignore_errors=True)
        self._temporary.rename(self.path)


def write_rows(rows: Iterable[dict[str, object]], schema: pa.Schema, path: Path, *, batch: int = ROWS_PER_BATCH) -> int:
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


def _row_bytes(table: pa.Table) -> npt.NDArray[np.int64]:
    """(rows,) bytes of each row: of its strings, and 8 for each other value."""
    total = np.full(table.num_rows, 8 * table.num_columns, np.int64)
    for column in table.columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            total += pc.fill_null(pc.binary_length(column), 0).to_numpy()
    return total


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
    came, left, lost = Tally(), Tally(), Counter[str]()
    check_unique({docs: DOCS}, came)
    for table in read_shards(out, DOCS, ["id"]):
        left.add(table["id"])
    docs_out = left.count
    for table in read_shards(dropped, DROPPED, ["id", "rule", "num_bytes"]):
        left.add(table["id"])
        for row in table.group_by("rule", use_threads=False).aggregate([("rule", "count"), ("num_bytes", "sum")]).to_pylist():
            lost.update({f"dropped/{row['rule']}": row["rule_count"], f"dropped_bytes/{row['rule']}": row["num_bytes_sum"]})
    if came != left:
        raise ConservationError(
            f"{out}: {came.count} documents in, {docs_out} out and {left.count - docs_out} dropped; the ids must be the same"
        )
    if not docs_out:
        raise EmptyCorpusError(f"{out}: every one of {came.count} documents was dropped; {dropped} says by which rule")
    counts = {"docs_in": came.count, "docs_out": docs_out, "dropped": came.count - docs_out}
    return {key: float(value) for key, value in (counts | dict(sorted(lost.items()))).items()}


def check_unique(tables: Mapping[Path, pa.Schema], tally: Tally | None = None) -> None:
    """Raise DuplicateIdError for an id that comes twice in ``tables`` together; 8 bytes of memory per row. Adds to ``tally``."""
    tally = tally or Tally()
    numbers, first = np.zeros(sum(map(num_rows, tables)), np.uint64), 0
    for ids in _ids(tables):
        numbers[first : first + len(ids)] = tally.add(ids)
        first += len(ids)
    suspects = repeated(numbers)
    if not len(suspects):
        return
    where: dict[str, str] = {}
    for path, schema in tables.items():
        columns = ["id", "locator"] if "locator" in schema.names else ["id"]
        for table in read_shards(path, schema, columns):
            chosen = table.filter(pa.array(np.isin(number_ids(table["id"])[:, 0], suspects)))
            for row in chosen.to_pylist():
                if row["id"] in where:
                    place = row.get("locator") or where[row["id"]]
                    raise DuplicateIdError(
                        f"{path}: document id {row['id']} ({place}) comes more than once; give each document its own locator, "
                        "and see whether ingest.files.id_field is unique"
                    )
                where[row["id"]] = row.get("locator", "")


def _ids(tables: Mapping[Path, pa.Schema]) -> Iterator[pa.ChunkedArray]:
    return (table["id"] for path, schema in tables.items() for table in read_shards(path, schema, ["id"]))
