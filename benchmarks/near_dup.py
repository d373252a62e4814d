"""Remove the near-duplicates of a table: ``near_dup.py CORPUS.parquet --kept FILE.parquet [--json FILE]``.

CORPUS.parquet has columns id and text. It goes through the stage dedup_docs with the section of params.yaml, in a process held to
one core; the ids that stay are written to FILE, column id. A text without an id of its own gets its row's number beside it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import measure
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.schema import DOCS, DROPPED
from pipeline.tables import ShardWriter, read_shards, read_table

ROWS = 4096


def main() -> None:
    parser = measure.parser(__doc__)
    parser.add_argument("corpus", type=Path, metavar="CORPUS.parquet")
    parser.add_argument("--kept", type=Path, metavar="FILE.parquet", required=True, help="where the ids go that stay")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        docs, out = Path(folder) / "docs", Path(folder) / "out"
        ids, num_bytes = write_docs(arguments.corpus, docs)
        run = measure.run([sys.executable, measure.ROOT / "benchmarks" / "ours.py", "near_duplicates", docs, out])
        rows = [int(row) for table in read_shards(out / "kept", DOCS, ["locator"]) for row in table["locator"].to_pylist()]
        rules = pc.value_counts(read_table(out / "dropped", DROPPED, ["rule"])["rule"].combine_chunks()).to_pylist()
    arguments.kept.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": ids.take(pa.array(sorted(rows)))}), arguments.kept)
    counts = {f"dropped_{rule['values']}": rule["counts"] for rule in sorted(rules, key=lambda rule: str(rule["values"]))}
    row = {
        "work": "near_duplicates",
        "documents": len(ids),
        "megabytes": round(num_bytes / measure.MB, 3),
        "kept": len(rows),
        **counts,
        "mb_s": round(run.clocked.mb_s(num_bytes), 2),
        "peak_mb": round(run.clocked.peak_mb),
    }
    measure.show(f"Near-duplicates of {arguments.corpus.name}", [row])
    measure.write_json([row], arguments.json)


def write_docs(corpus: Path, folder: Path) -> tuple[pa.ChunkedArray, int]:
    """The table as DOCS, the locator being the row; its ids, and how many bytes of text there are."""
    ids = pq.read_table(corpus, columns=["id"])["id"].cast(pa.string())
    distinct = len(pc.unique(ids)) == len(ids) and not ids.null_count
    first = num_bytes = 0
    with ShardWriter(folder, DOCS) as writer:
        for batch in pq.ParquetFile(corpus).iter_batches(ROWS, columns=["text"]):
            size, text = len(batch), pc.fill_null(batch["text"].cast(pa.large_string()), "")
            locators = [str(row) for row in range(first, first + size)]
            names = ids.slice(first, size).to_pylist()
            if not distinct:
                names = [f"{name}/{row}" for name, row in zip(names, locators, strict=True)]
            named = {"id": names, "text": text, "locator": locators}
            same = {"source": pa.repeat("bench", size), "domain": pa.repeat("bench", size), "meta": pa.repeat("{}", size)}
            columns = named | same | {"lang": pa.nulls(size, pa.string())}
            writer.write(pa.table({name: columns[name] for name in DOCS.names}))
            num_bytes += pc.sum(pc.binary_length(text)).as_py() or 0
            first += size
    return ids, num_bytes


if __name__ == "__main__":
    main()
