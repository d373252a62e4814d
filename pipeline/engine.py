"""Maps a function over the shards of a table and runs relational steps, with Daft: on this machine, or on a Ray cluster.

Nothing else knows the engine. One shard in gives one shard of the same name out, written atomically, so the bytes do not depend
on how many workers there are or in which order they finish.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline import errors, runtime
from pipeline.progress import track
from pipeline.tables import read_table, shards, write_table

# What a mapped function gives back for one shard: a table for each output, and what it counted.
ShardResult = tuple[tuple[pa.Table, ...], Counter[str]]
ShardFunction = Callable[..., ShardResult]


def map_shards(function: ShardFunction, sources: Mapping[Path, pa.Schema], outs: Mapping[Path, pa.Schema]) -> dict[str, float]:
    """Call ``function`` on every shard of ``sources``, one process per worker, and write its tables below ``outs`` in order.

    Several sources have to be sharded alike: ``function`` takes a table of each. It is a module-level function or a
    ``functools.partial`` of one, pure and without a seed of its own. Returns the sum of what it counted, keys sorted. A
    PipelineError that it raises is raised here; nothing is written then.
    """
    temporaries = {out: out.with_name(out.name + ".tmp") for out in outs}
    for folder in temporaries.values():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def work(shard: str) -> str:
        path = Path(shard)
        try:
            tables, counts = function(*(read_table(s / path.name if s.is_dir() else s, schema) for s, schema in sources.items()))
        except errors.PipelineError as error:
            return json.dumps({"error": type(error).__name__, "message": str(error)})
        for table, (out, folder) in zip(tables, temporaries.items(), strict=True):
            write_table(table.cast(outs[out]), folder / path.name)
        return json.dumps({"counts": counts})

    total: Counter[str] = Counter()
    try:
        for answer in _run(work, [str(shard) for shard in shards(next(iter(sources)))], next(iter(outs)).parent.name):
            if "error" in answer:
                raise getattr(errors, answer["error"])(answer["message"])
            total.update(answer["counts"])
        for out, folder in temporaries.items():
            shutil.rmtree(out, ignore_errors=True)
            folder.rename(out)
    finally:
        for folder in temporaries.values():
            shutil.rmtree(folder, ignore_errors=True)
    return {key: float(total[key]) for key in sorted(total)}


def _run(work: Callable[[str], str], paths: list[str], description: str) -> list[dict[str, Any]]:
    """The answer for each path; on this machine a single shard or a single worker needs no process of its own."""
    processes = min(runtime.workers(), len(paths))
    if processes == 1 and runtime.ray_address() is None:
        return [json.loads(work(path)) for path in track(paths, description, len(paths))]
    daft = _daft()

    @daft.cls(use_process=True, max_concurrency=processes)
    class Worker:
        @daft.method.batch(return_dtype=daft.DataType.string(), batch_size=1)  # type: ignore[untyped-decorator]
        def __call__(self, batch: Any) -> list[str]:
            return [work(path) for path in batch.to_pylist()]

    frame = daft.from_pydict({"path": paths})
    rows = frame.select(Worker()(frame["path"]).alias("answer")).iter_rows()
    return [json.loads(row["answer"]) for row in track(rows, description, len(paths))]


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
