"""The join of passages: which of those in a whole corpus repeat another, in bounded memory.

A pass over the table of passages deals them out to files by the upper bits of their hash, unless all fit into
``runtime.memory_bytes``; equal passages are in one file, so each file is decided alone, and in the same way. What is found goes
to a file too, at the place of the passage, and from there to a table that is sharded like that of the passages.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline import runtime
from pipeline.dedup.ragged import flatten, nest
from pipeline.dedup.repeats import REPEATS, find_repeats
from pipeline.schema import DOCS
from pipeline.tables import read_shards, read_table, shard_name, write_table

# ``place`` of the passage in the corpus, number of its ``document``, hash.
ROW = np.dtype([("place", np.int64), ("document", np.int64), ("high", np.uint64), ("low", np.uint64)])
# What is found: place of the first of its kind, -1 if it comes once; the number of that one's document; documents that hold it.
FOUND = np.dtype([("first", np.int64), ("document", np.int64), ("documents", np.int32)])
BYTES_PER_ROW = 3 * ROW.itemsize  # with the arrays of ``find_repeats`` and the columns that are read
Rows = npt.NDArray[np.void]


def join_repeats(docs: Path, passages: Path, schema: pa.Schema, total: int, out: Path) -> None:
    """Write nested REPEATS to ``out`` for the ``total`` passages of a nested table with the columns high and low of ``schema``.

    ``docs``: the DOCS that they are of. Memory: ``runtime.memory_bytes``, and the ids of all documents.
    """
    ids = read_table(docs, DOCS, ["id"])["id"].cast(pa.large_string()).combine_chunks()
    parts = max(1, math.ceil(total * BYTES_PER_ROW / runtime.memory_bytes()))
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        found = Path(folder) / "found"
        with found.open("wb") as file:
            file.truncate(total * FOUND.itemsize)
        for rows in _deal(_rows(passages, schema), parts, Path(folder)):
            _decide(rows, found, total)
        _write(passages, schema, found, ids, out)


def _rows(passages: Path, schema: pa.Schema) -> Iterator[Rows]:
    """All passages in order, a row group at a time."""
    place = first = 0
    for table in read_shards(passages, schema, ["high", "low"]):
        flat = flatten(table)
        rows = np.empty(flat.num_rows, ROW)
        rows["place"] = np.arange(place, place + len(rows))
        rows["document"] = flat["document"].to_numpy() + first
        rows["high"], rows["low"] = flat["high"].to_numpy(), flat["low"].to_numpy()
        place, first = place + len(rows), first + table.num_rows
        yield rows


def _deal(rows: Iterator[Rows], parts: int, folder: Path) -> Iterator[Rows]:
    """Give the rows back in ``parts`` parts, equal hashes in one, the order kept; on disk in between if there are several."""
    if parts == 1:
        yield np.concatenate([np.empty(0, ROW), *rows])
        return
    files = [(folder / str(part)).open("wb") for part in range(parts)]
    try:
        for some in rows:
            part = (some["high"] >> np.uint64(32)) * np.uint64(parts) >> np.uint64(32)
            order = np.argsort(part, kind="stable")
            cuts = np.searchsorted(part[order], np.arange(parts + 1))
            for file, first, last in zip(files, cuts[:-1], cuts[1:], strict=True):
                file.write(some[order[first:last]].tobytes())
    finally:
        for file in files:
            file.close()
    for file in files:
        yield np.fromfile(file.name, ROW)
        Path(file.name).unlink()


def _decide(rows: Rows, found: Path, total: int) -> None:
    """Write what is found of some rows at their places; the file is mapped anew each time, so that its pages are let go of."""
    if not len(rows):
        return
    first, documents = find_repeats(rows["high"].copy(), rows["low"].copy(), rows["document"].copy())
    out = np.memmap(found, FOUND, "r+", shape=(total,))
    values = np.empty(len(rows), FOUND)
    values["first"] = np.where(first < 0, -1, rows["place"][first])
    values["document"], values["documents"] = rows["document"][first], documents
    out[rows["place"]] = values
    out.flush()


def _write(passages: Path, schema: pa.Schema, found: Path, ids: pa.LargeStringArray, out: Path) -> None:
    place = 0
    for number, table in enumerate(read_shards(passages, schema, ["high"])):
        document = flatten(table)["document"]
        rows = np.fromfile(found, FOUND, len(document), offset=place * FOUND.itemsize)
        here, once = np.arange(place, place + len(rows)), rows["first"] < 0
        columns = [
            document,
            pa.array(rows["first"] == here, mask=once),
            ids.take(pa.array(rows["document"], mask=once)).cast(pa.string()),
            pa.array(rows["documents"].astype(np.int64), mask=once),
        ]
        write_table(nest(pa.table(columns, schema=REPEATS), table.num_rows), out / shard_name(number))
        place += len(rows)
