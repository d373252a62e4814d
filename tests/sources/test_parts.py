"""The parts of a folder: a file that comes changes no more than the part that it falls into."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.schema import DOCS
from pipeline.sources.files import DataFile, data_files
from pipeline.sources.parts import BYTES_PER_PART, Part, divide
from pipeline.stages.ingest import IngestParams, ingest
from pipeline.tables import read_table, shards
from tests.conftest import ROOT

Fake = Callable[[dict[str, int]], list[DataFile]]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Files of a given size that are not there."""
    sizes: dict[str, int] = {}
    monkeypatch.setattr(DataFile, "num_bytes", property(lambda self: sizes[self.name]))

    def make(files: dict[str, int]) -> list[DataFile]:
        sizes.update(files)
        return [DataFile(Path(name), name, name, ".txt", None) for name in sorted(files)]

    return make


def names(parts: list[Part]) -> list[tuple[str, ...]]:
    return [tuple(file.name for file in part.files) for part in parts]


def test_small_files_share_parts_of_some_megabytes(fake: Fake) -> None:
    files = fake({f"{n:05d}": 20_000 for n in range(10_000)})
    parts = names(list(divide(files)))
    assert [name for part in parts for name in part] == [file.name for file in files]
    assert 25 <= len(parts) <= 100
    assert max(len(part) for part in parts) * 20_000 <= 8 * BYTES_PER_PART + 20_000


def test_an_added_file_changes_one_part(fake: Fake) -> None:
    sizes = {f"{n:05d}": 20_000 for n in range(5_000)}
    before = set(names(list(divide(fake(sizes)))))
    for added in ("00000a", "02500a", "09999"):
        after = set(names(list(divide(fake({**sizes, added: 30_000})))))
        assert len(before - after) <= 1
        assert len(after - before) <= 2


@given(st.lists(st.integers(0, 3 * BYTES_PER_PART), max_size=40))
def test_every_file_is_in_one_part_and_a_large_one_alone(sizes: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DataFile, "num_bytes", property(lambda self: sizes[int(self.name)]))
        files = [DataFile(Path(f"{n:03d}"), f"{n:03d}", "s", ".txt", None) for n in range(len(sizes))]
        parts = names(list(divide(files)))
    assert [name for part in parts for name in part] == [file.name for file in files]
    assert all(len(part) == 1 for part in parts for name in part if sizes[int(name)] >= BYTES_PER_PART)


def run(path: Path, folder: Path) -> dict[str, float]:
    values = {"source": "files", "installed_docs": {"packages": ["attrs"]}, "files": {"path": "x"}}
    settings = IngestParams.model_validate(values)
    return ingest(path, ROOT / "requirements.lock", folder / "docs", folder / "dropped", params=settings)


def test_a_parquet_file_is_read_by_row_groups_with_its_rows_counted_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.sources.parts.BYTES_PER_PART", 2000)
    monkeypatch.setenv("HEDDLE_WORKERS", "2")
    folder = tmp_path / "raw"
    folder.mkdir()
    texts = [f"text {n * 7919} and more {n * n}" for n in range(1000)]
    pq.write_table(pa.table({"text": pa.array(texts)}), folder / "a.parquet", row_group_size=100)
    assert len(list(divide(list(data_files(folder))))) > 1
    run(folder, tmp_path)
    docs = read_table(tmp_path / "docs", DOCS)
    assert docs["text"].to_pylist() == texts
    assert docs["locator"].to_pylist() == [f"a.parquet:{n}" for n in range(1, 1001)]


def test_only_a_new_file_is_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    line = json.dumps({"text": "x" * 100_000}) + "\n"
    for name in "abc":
        (folder / f"{name}.jsonl").write_text(line * 50)
    run(folder, tmp_path)
    before = {shard.read_bytes() for shard in shards(tmp_path / "docs")}
    (folder / "aa.jsonl").write_text(line * 50)
    capfd.readouterr()
    run(folder, tmp_path)
    assert "3 of 4 parts are unchanged" in capfd.readouterr().err
    assert before < {shard.read_bytes() for shard in shards(tmp_path / "docs")}
