"""Peak memory of the stages that scan the corpus, against its size: the corpus once, and repeated with edits.

Every copy of a document has an id of its own and a few changed words. Stages run one after another, each in a fresh process, with
the params of params.yaml; peak memory is that of the process and all its children. The scratch folder holds what a stage
remembers, so some three times the corpus has to fit on the disk (compressed, 0.3 to 0.4 of it).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import MB, ROOT, Row, answer, clock, parser, run, show, write_json

FOLDER = ROOT / ".scratch" / "scale"


def make(corpus: Path, docs: Path, copies: int) -> int:
    """Write DOCS of ``copies`` edited copies of a table (id, text); returns the bytes of their text."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from pipeline.schema import DOCS
    from pipeline.tables import ShardWriter

    num_bytes = 0
    with ShardWriter(docs, DOCS) as writer:
        for copy in range(copies):
            for batch in pq.ParquetFile(corpus).iter_batches(4096, columns=["id", "text"]):
                size = batch.num_rows
                keys = [f"{copy}/{name}" for name in batch["id"].to_pylist()]
                ids = [hashlib.sha256(key.encode()).hexdigest()[:32] for key in keys]
                text = batch["text"].cast(pa.large_string())
                if copy:
                    text = pc.replace_substring(text, " the ", f" t{copy} ", max_replacements=3)
                num_bytes += pc.sum(pc.binary_length(text)).as_py() or 0
                same = {name: pa.repeat(value, size) for name, value in (("source", "scale"), ("domain", "d"), ("meta", "{}"))}
                columns = {"id": ids, "text": text, "locator": keys, "lang": pa.nulls(size, pa.string()), **same}
                writer.write(pa.table([columns[name] for name in DOCS.names], DOCS))
    return num_bytes


def alone(docs: Path, clusters: Path) -> None:
    """CLUSTERS in which every document is alone."""
    import pyarrow as pa

    from pipeline.schema import CLUSTERS, DOCS
    from pipeline.tables import read_table, write_table

    ids = read_table(docs, DOCS, ["id"])["id"]
    write_table(pa.table([ids, ids], CLUSTERS), clusters)


def stages(folder: Path) -> dict[str, list[Path]]:
    """The paths of each stage, in the order of running."""
    at = folder.joinpath
    return {
        "clean": [at("docs"), at("cleaned"), at("dropped1")],
        "score_docs": [at("cleaned"), ROOT / "data" / "quality", at("scores")],
        "filter_docs": [at("cleaned"), at("scores"), at("filtered"), at("dropped2")],
        "balance": [at("filtered"), at("balanced"), at("weights.parquet")],
        "split_docs": [at("balanced"), at("clusters.parquet"), at("train"), at("validation"), at("test")],
    }


def work(stage: str, folder: Path) -> None:
    """Run one stage and answer what it cost."""
    from pipeline import runtime

    runtime.quiet_libraries()
    runtime.cache_kernels()
    os.environ["DVC_ROOT"] = str(folder)
    from pipeline.__main__ import load_stage
    from pipeline.params import parse

    if stage == "split_docs":
        alone(folder / "balanced", folder / "clusters.parquet")
    function, signature = load_stage(stage)
    call: Callable[..., dict[str, Any]] = function
    params = parse(ROOT / "params.yaml", stage, signature.parameters["params"].annotation)
    with clock() as cost:
        call(*stages(folder)[stage], params=params)
    answer(cost)


def measure(corpus: Path, copies: int, cores: int) -> list[Row]:
    """A row per stage."""
    import pyarrow.parquet as pq

    folder = FOLDER / str(copies)
    shutil.rmtree(folder, ignore_errors=True)
    num_bytes = make(corpus, folder / "docs", copies)
    facts = {"copies": copies, "documents": copies * pq.read_metadata(corpus).num_rows, "mb": round(num_bytes / MB)}
    rows = []
    for stage in stages(folder):
        done = run([sys.executable, __file__, "--stage", stage, str(folder)], cores=cores, seconds=3600)
        speed = num_bytes / MB / done.clocked.cpu_seconds
        wall = {"mb_s_wall": num_bytes / MB / done.clocked.wall_seconds, "workers": cores}
        rows.append({"stage": stage, **facts, "mb_s": speed, **wall, "peak_mb": round(done.whole.peak_mb)})
        print(rows[-1], file=sys.stderr, flush=True)
    shutil.rmtree(folder)
    return rows


def main() -> None:
    if sys.argv[1:2] == ["--stage"]:
        work(sys.argv[2], Path(sys.argv[3]))
        return
    arguments = parser(__doc__)
    arguments.add_argument("corpus", type=Path, help="a Parquet file with the columns id and text")
    arguments.add_argument("--copies", type=int, nargs="+", default=[1, 40], help="copies of the corpus (default: 1 40)")
    arguments.add_argument("--workers", type=int, default=1)
    given = arguments.parse_args()
    rows = [row for copies in given.copies for row in measure(given.corpus, copies, given.workers)]
    show("Peak memory against the size of the corpus", rows)
    write_json(rows, given.json)


if __name__ == "__main__":
    main()
