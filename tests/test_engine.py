"""The engine: the same bytes however it runs, nothing computed twice, nothing half done, bounded slices of any input."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import runtime
from pipeline.engine import ShardResult, map_shards
from pipeline.errors import SchemaError, StageBusyError
from pipeline.row_groups import BYTES_PER_SHARD, row_groups
from pipeline.schema import DOCS, DROPPED
from pipeline.tables import ShardWriter, dropped_rows, num_rows, read_shards, read_table, shards
from tests.conftest import ROOT

LENGTHS = pa.schema([pa.field("id", pa.string()), pa.field("chars", pa.int64())])


def docs(texts: list[str], first: int = 0) -> pa.Table:
    rows = [
        {
            "id": f"{first + n:032x}",
            "text": text,
            "source": "s",
            "locator": str(first + n),
            "domain": "d",
            "lang": None,
            "meta": "{}",
        }
        for n, text in enumerate(texts)
    ]
    return pa.Table.from_pylist(rows, DOCS)


def write(path: Path, *tables: pa.Table) -> Path:
    with ShardWriter(path, DOCS) as writer:
        for table in tables:
            writer.write(table)
            writer.end_shard()
    return path


def corpus(path: Path, num_shards: int = 6, rows: int = 5) -> Path:
    return write(path, *(docs([f"text {s} {r}" for r in range(rows)], s * rows) for s in range(num_shards)))


def upper(table: pa.Table, *, calls: str = "", seconds: float = 0.0, fail: bool = False) -> ShardResult:
    """Upper case, even ids; notes each call, so that a test can tell what was computed."""
    if calls:
        with Path(calls).open("a") as file:
            file.write(f"{table['id'][0]} {table.num_rows} {table.nbytes}\n")
    time.sleep(seconds)
    if fail:
        raise SchemaError("told to fail")
    even = pa.array([int(i, 16) % 2 == 0 for i in table["id"].to_pylist()])
    text = pa.compute.utf8_upper(table["text"]).cast(pa.large_string())
    table = table.set_column(1, DOCS.field("text"), text)
    lost = dropped_rows(table.filter(pa.compute.invert(even)), "upper", "odd")
    return (table.filter(even), lost), Counter(seen=table.num_rows, none=0)


def who(table: pa.Table) -> ShardResult:
    """The process that works on it, as meta; slow enough that one cannot do all."""
    time.sleep(0.3)
    return (table.set_column(6, DOCS.field("meta"), pa.repeat(str(os.getpid()), len(table))),), Counter()


def lengths(table: pa.Table) -> ShardResult:
    return (pa.table({"id": table["id"], "chars": pa.compute.utf8_length(table["text"])}),), Counter()


def check_lengths(table: pa.Table, chars: pa.Table) -> ShardResult:
    assert chars["chars"].to_pylist() == [len(text) for text in table["text"].to_pylist()]
    return (table,), Counter(rows=table.num_rows)


def run(source: Path, folder: Path, **options: object) -> dict[str, float]:
    return map_shards(partial(upper, **options), {source: DOCS}, {folder / "docs": DOCS, folder / "dropped": DROPPED})


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*.parquet"))}


def called(path: Path) -> list[str]:
    return sorted(line.split()[0] for line in path.read_text().splitlines()) if path.exists() else []


def test_what_is_unchanged_is_not_computed_again_and_the_bytes_are_the_same(tmp_path: Path) -> None:
    source, calls = corpus(tmp_path / "in"), tmp_path / "calls"
    counts = run(source, tmp_path / "out", calls=str(calls))
    assert counts == {"none": 0.0, "seen": 30.0}
    before = content(tmp_path / "out")
    assert len(called(calls)) == 6
    assert run(source, tmp_path / "out", calls=str(calls)) == counts
    assert len(called(calls)) == 6
    assert content(tmp_path / "out") == before


@pytest.mark.parametrize("place", [0, 3, 6])
def test_an_added_shard_is_all_that_is_computed(tmp_path: Path, place: int) -> None:
    tables = [docs([f"text {s} {r}" for r in range(5)], s * 5) for s in range(6)]
    calls = tmp_path / "calls"
    run(write(tmp_path / "in", *tables), tmp_path / "out", calls=str(calls))
    calls.unlink()
    tables.insert(place, docs(["new"], 1000))
    run(write(tmp_path / "in", *tables), tmp_path / "out", calls=str(calls))
    assert called(calls) == [f"{1000:032x}"]
    assert num_rows(tmp_path / "out" / "docs") + num_rows(tmp_path / "out" / "dropped") == 31


def test_other_params_and_damaged_memory_are_computed_again(tmp_path: Path) -> None:
    source, calls = corpus(tmp_path / "in"), tmp_path / "calls"
    run(source, tmp_path / "out", calls=str(calls))
    before = content(tmp_path / "out")
    memory = sorted((runtime.scratch() / "shards").rglob("0-*.parquet"))
    memory[0].write_bytes(memory[0].read_bytes()[:-1] + b"X")
    entry = memory[1].with_name("entry.json")
    entry.write_text(entry.read_text().replace('"seen": 5', '"seen": 6'))
    memory[2].unlink()
    calls.unlink()
    counts = run(source, tmp_path / "out", calls=str(calls))
    assert len(called(calls)) == 3
    assert counts["seen"] == 30
    assert content(tmp_path / "out") == before
    run(source, tmp_path / "out", calls=str(calls), seconds=0.001)
    assert len(called(calls)) == 9


def test_memory_holds_one_run_and_variants_do_not_share_it(tmp_path: Path) -> None:
    run(corpus(tmp_path / "in", 6), tmp_path / "a")
    run(corpus(tmp_path / "in", 4), tmp_path / "b")
    run(corpus(tmp_path / "in", 2), tmp_path / "a")
    assert sorted(len(list(folder.iterdir())) for folder in (runtime.scratch() / "shards").iterdir()) == [2, 4]


def test_a_changed_output_leaves_the_memory_as_it_was(tmp_path: Path) -> None:
    source = corpus(tmp_path / "in")
    run(source, tmp_path / "out")
    before = content(tmp_path / "out")
    for file in (tmp_path / "out").rglob("*.parquet"):
        file.write_bytes(b"written over in place")
    run(source, tmp_path / "out")
    assert content(tmp_path / "out") == before


SCRIPT = """
import sys
from pathlib import Path
from tests.test_engine import run
if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]), calls=sys.argv[3], seconds=float(sys.argv[4]))
"""


def start(source: Path, out: Path, calls: Path, seconds: float, **environment: str) -> subprocess.Popen[bytes]:
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    words = [sys.executable, "-c", SCRIPT, source, out, calls, str(seconds)]
    return subprocess.Popen(list(map(str, words)), env=variables, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path, workers: str) -> None:
    """What was not finished is computed, what was is not, and the bytes are those of a run that nobody killed."""
    source, calls = corpus(tmp_path / "in", 12), tmp_path / "calls"
    variables = {"DVC_ROOT": str(tmp_path / "scratch"), "HEDDLE_WORKERS": workers}
    process = start(source, tmp_path / "out", calls, 0.2, **variables)
    while len(called(calls)) < 5:
        time.sleep(0.02)
        assert process.poll() is None
    process.kill()
    process.wait()
    assert not (tmp_path / "out" / "docs").exists()
    done = list((tmp_path / "scratch").rglob("entry.json"))
    assert 2 <= len(done) <= 5
    before = called(calls)
    calls.unlink()
    assert start(source, tmp_path / "out", calls, 0.2, **variables).wait() == 0
    again = called(calls)
    assert len(again) == 12 - len([entry for entry in done if "." not in entry.parent.name])
    assert len(set(before) & set(again)) <= int(workers)
    run(source, tmp_path / "whole")
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_a_run_that_is_told_to_stop_does_so_at_once(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    process = start(corpus(tmp_path / "in", 60), tmp_path / "out", calls, 0.3, DVC_ROOT=str(tmp_path), HEDDLE_WORKERS="2")
    while len(called(calls)) < 2:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=5) != 0
    assert not list(tmp_path.glob("out/*"))


def test_bytes_depend_on_neither_workers_nor_hash_seed(tmp_path: Path) -> None:
    source = corpus(tmp_path / "in")
    runs = [("1", "0"), ("2", "1"), ("3", "2")]
    processes = [
        start(source, tmp_path / w / "out", tmp_path / "c", 0, HEDDLE_WORKERS=w, PYTHONHASHSEED=s, DVC_ROOT=str(tmp_path / w))
        for w, s in runs
    ]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert content(tmp_path / "1" / "out") == content(tmp_path / "2" / "out") == content(tmp_path / "3" / "out")


def test_a_second_process_on_the_same_output_is_refused(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    source = corpus(tmp_path / "in")
    process = start(source, tmp_path / "out", calls, 0.5, DVC_ROOT=os.environ["DVC_ROOT"], HEDDLE_WORKERS="1")
    while not called(calls):
        time.sleep(0.02)
    with pytest.raises(StageBusyError):
        run(source, tmp_path / "out")
    assert process.wait() == 0


def test_a_failed_run_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="told to fail"):
        run(corpus(tmp_path / "in"), tmp_path / "out", fail=True)
    assert not (tmp_path / "out").exists()


def test_row_groups_of_one_foreign_file_are_worked_on_one_by_one(tmp_path: Path) -> None:
    file = tmp_path / "one.parquet"
    pq.write_table(docs([f"text {n}" for n in range(1000)]), file, row_group_size=100)
    calls = tmp_path / "calls"
    assert run(file, tmp_path / "out", calls=str(calls))["seen"] == 1000
    assert len(called(calls)) == 10
    assert len(shards(tmp_path / "out" / "docs")) == 10
    ids = [row for table in read_shards(tmp_path / "out" / "docs", DOCS) for row in table["id"].to_pylist()]
    assert ids == [f"{n:032x}" for n in range(0, 1000, 2)]


def test_a_large_row_group_comes_in_slices_of_bounded_size(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(97, 123, 60_000_000, np.uint8).tobytes().decode()
    texts = [noise[i : i + 20_000] for i in range(0, len(noise), 20_000)]
    file = tmp_path / "one.parquet"
    pq.write_table(docs(texts), file, row_group_size=len(texts))
    assert len(row_groups(file)) == 1
    calls = tmp_path / "calls"
    run(file, tmp_path / "out", calls=str(calls))
    sizes = [int(line.split()[2]) for line in calls.read_text().splitlines()]
    assert len(sizes) >= 5
    assert max(sizes) <= 3 * BYTES_PER_SHARD


def test_tables_that_are_cut_elsewhere_are_mapped_row_by_row(tmp_path: Path) -> None:
    source = corpus(tmp_path / "in")
    map_shards(lengths, {source: DOCS}, {tmp_path / "lengths": LENGTHS})
    one = tmp_path / "one.parquet"
    pq.write_table(read_table(source, DOCS), one, row_group_size=7)
    for docs_path, length_path in [(source, tmp_path / "lengths"), (one, tmp_path / "lengths")]:
        counts = map_shards(check_lengths, {docs_path: DOCS, length_path: LENGTHS}, {tmp_path / "out": DOCS})
        assert counts == {"rows": 30}
    assert read_table(tmp_path / "out", DOCS) == read_table(source, DOCS)


def test_tables_of_other_rows_are_refused(tmp_path: Path) -> None:
    source = corpus(tmp_path / "in")
    map_shards(lengths, {corpus(tmp_path / "fewer", 5): DOCS}, {tmp_path / "lengths": LENGTHS})
    with pytest.raises(SchemaError, match="unequal length"):
        map_shards(check_lengths, {source: DOCS, tmp_path / "lengths": LENGTHS}, {tmp_path / "out": DOCS})
    other = write(tmp_path / "other", docs(["x"] * 25, 1))
    with pytest.raises(SchemaError, match="not the ids"):
        map_shards(check_lengths, {other: DOCS, tmp_path / "lengths": LENGTHS}, {tmp_path / "out": DOCS})


def test_tables_without_rows_or_row_groups_pass(tmp_path: Path) -> None:
    empty = tmp_path / "in"
    empty.mkdir()
    pq.write_table(DOCS.empty_table(), empty / "part-00000.parquet")
    pq.ParquetWriter(empty / "part-00001.parquet", DOCS).close()
    assert pq.read_metadata(empty / "part-00001.parquet").num_row_groups == 0
    assert run(empty, tmp_path / "out") == {}
    assert read_table(tmp_path / "out" / "docs", DOCS).num_rows == 0
    write(empty, docs(["x"]))
    pq.ParquetWriter(empty / "part-00001.parquet", DOCS).close()
    assert run(empty, tmp_path / "out")["seen"] == 1


def test_a_null_text_and_bytes_that_are_no_unicode_are_named(tmp_path: Path) -> None:
    table = docs(["a", "b"])
    nullable = pa.schema([field.with_nullable(True) for field in DOCS])
    file = tmp_path / "null.parquet"
    pq.write_table(table.cast(nullable).set_column(1, "text", pa.array(["a", None], pa.large_string())), file)
    with pytest.raises(SchemaError, match=r"null\.parquet.*null"):
        run(file, tmp_path / "out")
    lone = b"a\xed\xa0\x80"  # a lone surrogate
    buffers = [None, pa.py_buffer(np.array([0, 1, 4], np.int64)), pa.py_buffer(lone)]
    pq.write_table(table.set_column(1, "text", pa.Array.from_buffers(pa.large_string(), 2, buffers)), tmp_path / "lone.parquet")
    with pytest.raises(SchemaError, match=r"lone\.parquet.*UTF8"):
        run(tmp_path / "lone.parquet", tmp_path / "out")


def test_a_document_larger_than_a_shard_has_one_of_its_own(tmp_path: Path) -> None:
    source = tmp_path / "in"
    with ShardWriter(source, DOCS) as writer:
        writer.write(docs(["a", "b", "x" * 10_000_000, "c", "y" * 10_000_000, "d"]))
    assert [pq.read_metadata(shard).num_rows for shard in shards(source)] == [2, 1, 1, 1, 1]
    assert run(source, tmp_path / "out")["seen"] == 6


def test_shards_end_where_the_rows_say_whatever_the_batches(tmp_path: Path) -> None:
    table = docs([f"{n} " * (n % 500) for n in range(9000)])
    for name, rows in (("one", 9000), ("many", 7)):
        with ShardWriter(tmp_path / name, DOCS) as writer:
            for first in range(0, 9000, rows):
                writer.write(table.slice(first, rows))
    assert len(shards(tmp_path / "one")) > 1
    assert content(tmp_path / "one") == content(tmp_path / "many")
