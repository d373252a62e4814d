"""Tables: atomic, the same bytes for the same rows, and no document lost without a row that says so."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.engine import frame, map_shards
from pipeline.errors import ConservationError, DuplicateIdError, EmptyCorpusError, MissingInputError, SchemaError
from pipeline.row_groups import shards
from pipeline.schema import DOCS, DROPPED
from pipeline.tables import ShardWriter, check_conservation, dropped_rows, num_rows, read_table, write_rows, write_table


def docs(*ids: str, text: str = "some words") -> pa.Table:
    rows = [{"id": i, "text": text, "source": "s", "locator": i, "domain": "d", "lang": None, "meta": "{}"} for i in ids]
    return pa.Table.from_pylist(rows, DOCS)


def write(path: Path, *tables: pa.Table, schema: pa.Schema = DOCS) -> Path:
    with ShardWriter(path, schema) as writer:
        for table in tables:
            writer.write(table)
            writer.end_shard()
    return path


def keep_even(table: pa.Table, *, fail: str = "") -> tuple[tuple[pa.Table, pa.Table], Counter[str]]:
    """A mapped function at module level, so that worker processes can import it."""
    if fail and fail in table["id"].to_pylist():
        raise SchemaError(f"document {fail} cannot be read")
    mask = pa.array([int(i) % 2 == 0 for i in table["id"].to_pylist()])
    kept = table.filter(mask)
    lost = dropped_rows(table.filter(pa.compute.invert(mask)), "keep_even", "odd")
    return (kept, lost), Counter(seen=table.num_rows)


def test_rows_come_back_in_order_and_shards_are_named_in_order(tmp_path: Path) -> None:
    path = write(tmp_path / "t", docs("a", "b"), docs("c"))
    assert [s.name for s in shards(path)] == ["part-00000.parquet", "part-00001.parquet"]
    assert read_table(path, DOCS)["id"].to_pylist() == ["a", "b", "c"]
    assert num_rows(path) == 3


def test_an_error_leaves_the_old_table_and_no_temporary_one(tmp_path: Path) -> None:
    path = write(tmp_path / "t", docs("a"))

    def fail() -> None:
        with ShardWriter(path, DOCS) as writer:
            writer.write(docs("b"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert read_table(path, DOCS)["id"].to_pylist() == ["a"]
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


def test_an_empty_table_is_one_shard_without_rows(tmp_path: Path) -> None:
    assert write_rows(iter(()), DOCS, tmp_path / "t") == 0
    assert read_table(tmp_path / "t", DOCS).num_rows == 0


def test_a_missing_table_and_a_foreign_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="nothing"):
        read_table(tmp_path / "nothing", DOCS)
    write_table(pa.table({"id": [1]}), tmp_path / "t.parquet")
    with pytest.raises(SchemaError, match=r"t\.parquet"):
        read_table(tmp_path / "t.parquet", DOCS)
    (tmp_path / "x.parquet").write_bytes(b"no parquet")
    with pytest.raises(SchemaError, match=r"x\.parquet"):
        read_table(tmp_path / "x.parquet", DOCS)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_map_shards_writes_the_same_bytes_for_any_number_of_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setenv("HEDDLE_WORKERS", workers)
    source = write(tmp_path / "docs", docs("1", "2"), docs("3", "4"), docs("5"))
    out, dropped = tmp_path / "out", tmp_path / "dropped"
    assert map_shards(keep_even, {source: DOCS}, {out: DOCS, dropped: DROPPED}) == {"seen": 5.0}
    assert read_table(out, DOCS)["id"].to_pylist() == ["2", "4"]
    assert [pq.read_metadata(s).num_rows for s in shards(out)] == [1, 1]
    counts = check_conservation(source, out, dropped)
    assert counts == {"docs_in": 5, "docs_out": 2, "dropped": 3, "dropped/odd": 3, "dropped_bytes/odd": 30}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_deliberate_error_of_a_mapped_function_arrives_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setenv("HEDDLE_WORKERS", workers)
    source = write(tmp_path / "docs", docs("1"), docs("2"), docs("3"))
    with pytest.raises(SchemaError, match="document 3 cannot be read"):
        map_shards(partial(keep_even, fail="3"), {source: DOCS}, {tmp_path / "out": DOCS, tmp_path / "dropped": DROPPED})
    assert [p.name for p in tmp_path.iterdir()] == ["docs"]


def test_a_document_that_vanishes_or_appears_is_an_error(tmp_path: Path) -> None:
    source = write(tmp_path / "docs", docs("1", "2"))
    nothing = write(tmp_path / "dropped", DROPPED.empty_table(), schema=DROPPED)
    with pytest.raises(ConservationError, match="2 documents in, 1 out and 0 dropped"):
        check_conservation(source, write(tmp_path / "out", docs("1")), nothing)
    with pytest.raises(ConservationError):
        check_conservation(source, write(tmp_path / "out", docs("1", "3")), nothing)


def test_the_same_id_twice_is_named(tmp_path: Path) -> None:
    source = write(tmp_path / "docs", docs("1", "2"), docs("1"))
    nothing = write(tmp_path / "dropped", DROPPED.empty_table(), schema=DROPPED)
    with pytest.raises(DuplicateIdError, match="document id 1 "):
        check_conservation(source, source, nothing)


def test_a_corpus_that_loses_every_document_is_an_error_that_says_where_to_look(tmp_path: Path) -> None:
    source = write(tmp_path / "docs", docs("1"))
    out = write(tmp_path / "out", DOCS.empty_table())
    dropped = write(tmp_path / "dropped", dropped_rows(docs("1"), "s", "short"), schema=DROPPED)
    with pytest.raises(EmptyCorpusError, match="dropped says by which rule"):
        check_conservation(source, out, dropped)


def test_a_frame_joins_what_is_on_disk_with_what_is_in_memory(tmp_path: Path) -> None:
    source = write(tmp_path / "docs", docs("1", "2"), docs("3"))
    joined = frame(source).join(frame(pa.table({"id": ["3", "1"], "n": [30, 10]})), on="id").sort("id")
    assert joined.select("id", "n").to_pydict() == {"id": ["1", "3"], "n": [10, 30]}
