"""The unit of parallelism, of memory and of resume: a row group of a Parquet file, read whole or, when it is large, in slices."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import MissingInputError, SchemaError

BYTES_PER_SHARD = 4 << 20  # of text that a stage holds at a time: small enough that two cores share a 10 MB corpus
ROWS_PER_BATCH = 1024


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows of one file that are read at a time: ``number`` of the file, or none of a file without any."""

    file: Path
    number: int
    num_rows: int
    num_bytes: int  # uncompressed
    columns: str  # names and types
    start: int  # first byte of its columns in the file
    stop: int

    def sha256(self) -> str:
        """Hex digits of a hash of its compressed bytes and of its columns."""
        digest = hashlib.sha256(f"{self.num_rows}\n{self.columns}\n".encode())
        with self.file.open("rb") as file:
            file.seek(self.start)
            left = self.stop - self.start
            while left > 0 and (block := file.read(min(left, 1 << 20))):
                digest.update(block)
                left -= len(block)
        return digest.hexdigest()


def shards(path: Path) -> list[Path]:
    """The Parquet files of a table in order. Raises MissingInputError when there is none."""
    # by length first: part-100000 comes after part-99999
    found = [path] if path.is_file() else sorted(path.glob("part-*.parquet"), key=lambda shard: (len(shard.name), shard.name))
    if not found:
        raise MissingInputError(f"{path}: no Parquet file here; run the stage that writes it (dvc repro)")
    return found


def row_groups(path: Path) -> list[RowGroup]:
    """Every row group of a table in order; a file without one counts as an empty one. Raises MissingInputError, SchemaError."""
    return [group for shard in shards(path) for group in groups(shard)]


def groups(shard: Path) -> Iterator[RowGroup]:
    """The row groups of one file. Raises SchemaError when it is no Parquet file."""
    footer = _open(shard).metadata
    names = footer.schema.to_arrow_schema().to_string(show_schema_metadata=False, show_field_metadata=False)
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        columns = [group.column(i) for i in range(group.num_columns)]
        starts = [min(c.data_page_offset, c.dictionary_page_offset or c.data_page_offset) for c in columns]
        stop = max((s + c.total_compressed_size for s, c in zip(starts, columns, strict=True)), default=0)
        yield RowGroup(shard, number, group.num_rows, group.total_byte_size, names, min(starts, default=0), stop)
    if not footer.num_row_groups:
        yield RowGroup(shard, 0, 0, 0, names, 0, 0)


def read_group(group: RowGroup, schema: pa.Schema) -> Iterator[pa.Table]:
    """The group as one table when a ShardWriter wrote it, else in slices of some 2 · BYTES_PER_SHARD; nothing when it is empty.

    Raises SchemaError for another schema, a null where there must be none, or a string that is no UTF-8.
    """
    if group.num_rows:
        yield from _read(_open(group.file), group.file, group.number, schema)


def read_file(shard: Path, schema: pa.Schema) -> Iterator[pa.Table]:
    """Every row group of one file as `read_group` gives it, the file opened once. Raises SchemaError."""
    file = _open(shard)
    for number in range(file.num_row_groups):
        yield from _read(file, shard, number, schema)


def _read(file: pq.ParquetFile, shard: Path, number: int, schema: pa.Schema) -> Iterator[pa.Table]:
    group = file.metadata.row_group(number)
    rows, num_bytes = group.num_rows, group.total_byte_size
    if not rows:
        return
    if missing := [name for name in schema.names if name not in file.schema_arrow.names]:
        raise SchemaError(f"{shard}: not a table of {schema.names}: it has no column {', '.join(missing)}")
    if num_bytes > 2 * BYTES_PER_SHARD:  # each batch costs a check, so that a small group comes in one
        rows = max(1, min(ROWS_PER_BATCH, BYTES_PER_SHARD * rows // num_bytes // 4))
    pending, size = [], 0
    try:
        for batch in file.iter_batches(rows, [number], schema.names, use_threads=False):
            table = _checked(pa.Table.from_batches([batch]), schema, shard)
            pending.append(table)
            size += table.nbytes
            if size >= 2 * BYTES_PER_SHARD:
                yield pa.concat_tables(pending)
                pending, size = [], 0
    except (pa.ArrowException, OSError) as error:
        raise SchemaError(f"{shard}: row group {number} cannot be read: {error}; make the file again") from error
    if pending:
        yield pa.concat_tables(pending)


def _open(shard: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(shard, buffer_size=1 << 20)
    except pa.ArrowException as error:
        raise SchemaError(f"{shard}: not a Parquet file: {error}; make it again") from error


def _checked(table: pa.Table, schema: pa.Schema, file: Path) -> pa.Table:
    """The columns of ``schema``. Parquet lets strings be any bytes, but the kernels rely on UTF-8 (checked at 6 GB/s)."""
    try:
        table = table.select(schema.names).cast(schema)
        table.validate(full=True)
    except (pa.ArrowException, ValueError) as error:
        raise SchemaError(f"{file}: not a table of {schema.names}: {error}; ingest repairs foreign files") from error
    return table
