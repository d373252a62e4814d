"""Maps a function over a table or over parts of any input, and runs relational steps, with Daft: here, or on a Ray cluster.

Nothing else knows the engine. The unit of parallelism, of memory and of resume is a row group, or a part. What a unit gave is
remembered (`pipeline.memo`) by its content, the params and the code: only new or changed units are computed, so that a killed
run goes on where it stopped. Outputs are put together in the order of the units, so that their bytes do not depend on how many
workers there are or which finishes first.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from pipeline import errors, runtime
from pipeline.code import fingerprint
from pipeline.memo import Memo, copy
from pipeline.progress import say, track
from pipeline.row_groups import shards
from pipeline.rows import aligned, map_rows
from pipeline.tables import shard_name, write_table

# What a mapped function gives back for one shard: a table for each output, and what it counted.
ShardResult = tuple[tuple[pa.Table, ...], Counter[str]]
ShardFunction = Callable[..., ShardResult]


class Part(Protocol):
    """A piece of input that is worked on at a time."""

    def fingerprint(self) -> str:
        """A hash of its content and of all else about it that matters."""


def map_shards(function: ShardFunction, sources: Mapping[Path, pa.Schema], outs: Mapping[Path, pa.Schema]) -> dict[str, float]:
    """Call ``function`` on each row group of ``sources`` that has rows; write its tables below ``outs``, a shard for each.

    ``function`` takes a table of each source: the rows of the first, and of the others those at the same place, whatever their
    row groups are. A large foreign row group comes in slices. See `map_parts` for the rest. Raises SchemaError when the sources
    differ in rows or ids.
    """
    parts = aligned(list(sources))
    return map_parts(partial(map_rows, function=function, schemas=tuple(sources.values())), parts, outs)


def map_parts(
    function: Callable[..., Iterator[ShardResult]], parts: Sequence[Part], outs: Mapping[Path, pa.Schema]
) -> dict[str, float]:
    """Call ``function`` on each part; write the tables that it yields below ``outs``, a shard for each that has rows.

    ``function`` is a module-level function or a ``functools.partial`` of one with plain values (`pipeline.code.fingerprint`),
    pure and without a seed of its own. Returns the sum of what it counted, keys sorted. A PipelineError that it raises is raised
    here; nothing is written then. Raises StageBusyError while another process maps to the same outputs.
    """
    first = next(iter(outs))
    place = os.path.relpath(first, runtime.scratch().parent)
    name = f"{first.parent.name}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"
    memo = Memo((runtime.scratch() / "shards" / name).absolute())
    with runtime.hold(f"shards/{name}"):
        base = fingerprint(function) + "".join(schema.to_string() for schema in outs.values())
        keys = [hashlib.sha256(f"{base}\n{part.fingerprint()}".encode()).hexdigest() for part in parts]
        distinct = dict(zip(keys, parts, strict=True))
        missing = {key: part for key, part in distinct.items() if not memo.has(key)}
        if len(missing) < len(distinct):
            say(f"{first.parent.name}: {len(distinct) - len(missing):,} of {len(distinct):,} parts are unchanged")
        _compute(function, missing, memo, tuple(outs.values()), first.parent.name)
        _write(memo, keys, outs)
        memo.keep(distinct.keys())
        total: Counter[str] = Counter()
        for key in keys:
            total.update(memo.counts(key))
    return {key: float(total[key]) for key in sorted(total)}


def _compute(
    function: Callable[..., Iterator[ShardResult]],
    parts: Mapping[str, Part],
    memo: Memo,
    schemas: tuple[pa.Schema, ...],
    name: str,
) -> None:
    """Fill the memo; on this machine a single part or a single worker needs no process of its own."""

    def work(key: str) -> str:
        try:
            memo.store(key, function(parts[key]), schemas)
        except errors.PipelineError as error:
            return json.dumps([type(error).__name__, str(error)])
        return ""

    for answer in track(_run(work, list(parts)), name, len(parts)):
        if answer:
            kind, message = json.loads(answer)
            raise getattr(errors, kind)(message)


def _run(work: Callable[[str], str], keys: list[str]) -> Iterator[str]:
    """The answer for each key, in any order."""
    processes = min(runtime.workers(), len(keys))
    if processes <= 1 and runtime.ray_address() is None:
        yield from map(work, keys)
        return
    daft = _daft()

    @daft.cls(use_process=True, max_concurrency=processes)
    class Worker:
        @daft.method.batch(return_dtype=daft.DataType.string(), batch_size=1)  # type: ignore[untyped-decorator]
        def __call__(self, batch: Any) -> list[str]:
            return [work(key) for key in batch.to_pylist()]

    frame = daft.from_pydict({"key": keys})
    yield from (row["answer"] for row in frame.select(Worker()(frame["key"]).alias("answer")).iter_rows())


def _write(memo: Memo, keys: Sequence[str], outs: Mapping[Path, pa.Schema]) -> None:
    """Copy the tables of all entries, in order, below ``outs``, each of which gets its name when it is whole."""
    temporaries = {out: out.with_name(out.name + ".tmp") for out in outs}
    try:
        for number, (out, folder) in enumerate(temporaries.items()):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            files = [file for key in keys for file in memo.files(key, number)]
            for index, file in enumerate(files):
                copy(file, folder / shard_name(index))
            if not files:
                write_table(outs[out].empty_table(), folder / shard_name(0))
        for out, folder in temporaries.items():
            shutil.rmtree(out, ignore_errors=True)
            folder.rename(out)
    finally:
        for folder in temporaries.values():
            shutil.rmtree(folder, ignore_errors=True)


def frame(table: Path | pa.Table) -> Any:
    """A Daft DataFrame over a table on disk or in memory, for joins and group counts. Sort what it gives before you write it."""
    daft = _daft()
    if isinstance(table, pa.Table):
        return daft.from_arrow(table)
    return daft.read_parquet([str(shard) for shard in shards(table)])


def _daft() -> Any:
    runtime.quiet_libraries()
    runtime.share_import_path()
    import daft  # 0.3 s that a stage with a single shard does not pay

    if address := runtime.ray_address():
        daft.set_runner_ray(address=address, noop_if_initialized=True)
    return daft
