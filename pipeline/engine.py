"""Maps a function over a table or over parts of any input: in threads or processes here, or by Daft on a Ray cluster.

Nothing else knows the engine. The unit of parallelism, of memory and of resume is a row group, or a part. What a unit gave is
remembered (`pipeline.memo`) by its content, the params and the code: only new or changed units are computed, so that a killed
run goes on where it stopped. Outputs are put together in the order of the units, so that their bytes do not depend on how many
workers there are or which finishes first.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
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
PartFunction = Callable[..., Iterator[ShardResult]]
Schemas = tuple[pa.Schema, ...]


class Part(Protocol):
    """A piece of input that is worked on at a time."""

    def fingerprint(self) -> str:
        """A hash of its content and of all else about it that matters."""


Work = Callable[[tuple[str, Part]], str]  # computes the part of a key


def map_shards(
    function: ShardFunction, sources: Mapping[Path, pa.Schema], outs: Mapping[Path, pa.Schema], *, python: bool = False
) -> dict[str, float]:
    """Call ``function`` on each row group of ``sources`` that has rows; write its tables below ``outs``, a shard for each.

    ``function`` takes a table of each source: the rows of the first, and of the others those at the same place, whatever their
    row groups are. A large foreign row group comes in slices. See `map_parts` for the rest. Raises SchemaError when the sources
    differ in rows or ids.
    """
    parts = aligned(list(sources))
    return map_parts(partial(map_rows, function=function, schemas=tuple(sources.values())), parts, outs, python=python)


def map_parts(
    function: PartFunction, parts: Sequence[Part], outs: Mapping[Path, pa.Schema], *, python: bool = True
) -> dict[str, float]:
    """Call ``function`` on each part; write the tables that it yields below ``outs``, a shard for each that has rows.

    ``function`` is a module-level function or a ``functools.partial`` of one with plain values (`pipeline.code.fingerprint`),
    pure and without a seed of its own. Returns the sum of what it counted, keys sorted. A PipelineError that it raises is raised
    here; nothing is written then. ``python`` says that it holds the interpreter's lock for most of its time, so that workers have
    to be processes (some 0.6 s to start) and not threads. Raises StageBusyError while another process maps to the same outputs.
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
        _compute(function, missing, memo, tuple(outs.values()), first.parent.name, python=python)
        _write(memo, keys, outs)
        memo.keep(distinct.keys())
        total: Counter[str] = Counter()
        for key in keys:
            total.update(memo.counts(key))
    return {key: float(total[key]) for key in sorted(total)}


def _compute(function: PartFunction, parts: Mapping[str, Part], memo: Memo, schemas: Schemas, name: str, *, python: bool) -> None:
    """Fill the memo."""
    work = partial(_work, function=function, memo=memo, schemas=schemas)
    workers, on_ray = min(runtime.workers(), len(parts)), runtime.ray_address() is not None
    if parts and on_ray:
        answers = _on_ray(work, parts)
    elif workers <= 1:
        answers = map(work, parts.items())
    else:
        answers = (_in_processes if python else _in_threads)(work, parts)
    if parts:
        for answer in track(answers, name, len(parts)):
            if answer:
                kind, message = json.loads(answer)
                raise getattr(errors, kind)(message)


def _work(item: tuple[str, Part], *, function: PartFunction, memo: Memo, schemas: Schemas) -> str:
    """Compute one part; answers with the error, if any, in a form that passes between processes."""
    key, part = item
    try:
        memo.store(key, function(part), schemas)
    except errors.PipelineError as error:
        return json.dumps([type(error).__name__, str(error)])
    return ""


def _on_ray(work: Work, parts: Mapping[str, Part]) -> Iterator[str]:
    """In workers of the Ray cluster, a part a task."""
    daft, folder = _daft(), Path.cwd()

    @daft.func.batch(return_dtype=daft.DataType.string(), batch_size=1)  # type: ignore[untyped-decorator]
    def answers(batch: Any) -> list[str]:
        os.chdir(folder)  # a worker of the cluster is a process that starts elsewhere
        return [work((key, parts[key])) for key in batch.to_pylist()]

    frame = daft.from_pydict({"key": list(parts)}).into_partitions(len(parts))
    yield from (row["answer"] for row in frame.select(answers(frame["key"]).alias("answer")).iter_rows())


def _in_threads(work: Work, parts: Mapping[str, Part]) -> Iterator[str]:
    """In threads of this process: kernels hold no lock of the interpreter. Daft's own threads were slower (docs/log.md)."""
    yield from _in_pool(ThreadPoolExecutor(min(runtime.workers(), len(parts))), work, parts)


def _in_processes(work: Work, parts: Mapping[str, Part]) -> Iterator[str]:
    # spawn: a fork would copy the locks of a library's threads; die_with_parent: no worker outlives a killed stage.
    spawn = multiprocessing.get_context("spawn")
    yield from _in_pool(
        ProcessPoolExecutor(min(runtime.workers(), len(parts)), spawn, initializer=runtime.die_with_parent), work, parts
    )


def _in_pool(pool: Executor, work: Work, parts: Mapping[str, Part]) -> Iterator[str]:
    """The answers as they come; a run that ends early waits for the parts in work alone."""
    try:
        yield from (future.result() for future in as_completed([pool.submit(work, item) for item in parts.items()]))
    finally:
        pool.shutdown(cancel_futures=True)


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
    import daft  # 0.3 s that a stage with a single shard does not pay

    if address := runtime.ray_address():
        _join_ray(address)
        daft.set_runner_ray(noop_if_initialized=True)
    return daft


def _join_ray(address: str) -> None:
    """Connect to the cluster, whose machines have the same packages and see the same folders. Raises UsageError."""
    try:
        import ray
    except ImportError as error:
        raise errors.UsageError(f"HEDDLE_RAY_ADDRESS={address!r}: Ray is not installed; pip install 'heddle[ray]'") from error
    if not ray.is_initialized():
        variables = {"env_vars": runtime.shared_variables()}
        try:
            ray.init(address=address, runtime_env=variables, log_to_driver=False, logging_level="warning")
        except ConnectionError as error:
            raise errors.UsageError(f"HEDDLE_RAY_ADDRESS={address!r}: no Ray cluster there: {error}") from error
