"""The corpus bench over a tiny corpus: our side alone, for peers are installed by ``make bench-corpus`` only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import corpora
import corpus as bench
import environments

SENTENCE = "The shuttle carries the weft from one side of the loom to the other, and the reed beats it into place. "


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    texts = [f"Chapter {n}. {SENTENCE * (n % 7 + 1)}\nIt took {n * n} days to weave, and {n} people." for n in range(400)]
    file = tmp_path / "corpus.parquet"
    pq.write_table(pa.table({"id": [f"d{n}" for n in range(400)], "text": texts}), file)
    return file


def texts(file: Path) -> dict[str, str]:
    table = pq.read_table(file)
    return dict(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))


def test_a_part_is_random_and_the_same_each_time(corpus: Path, tmp_path: Path) -> None:
    part = corpora.cut(corpus, tmp_path / "part.parquet", 20_000)
    documents, num_bytes = corpora.size(part)
    assert 20_000 <= num_bytes < 21_000
    assert 20 < documents < 100
    assert texts(part).items() <= texts(corpus).items()
    assert list(texts(part)) != list(texts(corpus))[:documents]
    assert corpora.cut(corpus, tmp_path / "again.parquet", 20_000).read_bytes() == part.read_bytes()


def test_copies_are_exact_and_edited(corpus: Path, tmp_path: Path) -> None:
    before = texts(corpus)
    after = texts(corpora.with_copies(corpus, tmp_path / "copies.parquet"))
    exact = [name for name in after if name.endswith("#exact")]
    edited = [name for name in after if name[-1].isdigit() and "#" in name]
    assert (len(exact), len(edited), len(after)) == (40, 40, 480)
    assert all(after[name] == before[name.partition("#")[0]] for name in exact)
    assert sum(after[name] != before[name.partition("#")[0]] for name in edited) >= 38
    assert before.items() <= after.items()
    assert list(after)[:400] != list(before)


def test_documents_become_shards_of_the_pipeline(tmp_path: Path) -> None:
    from pipeline.schema import DOCS
    from pipeline.tables import read_table

    file = tmp_path / "same_ids.parquet"
    pq.write_table(pa.table({"id": ["a", "a"], "text": ["one", "two"]}), file)
    docs = read_table(corpora.docs_table(file, tmp_path / "docs"), DOCS)
    assert docs["text"].to_pylist() == ["one", "two"]
    assert len(set(docs["id"].to_pylist())) == 2


def test_ours_runs_and_is_written_beside_the_peers(corpus: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DVC_ROOT"}
    command = [sys.executable, "benchmarks/corpus.py", "--corpus", corpus, "--json", tmp_path / "rows.json"]
    works = ["--works", "Parquet", "near", "--peers"]
    done = subprocess.run([*command, *works], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    parquet, near = json.loads((tmp_path / "rows.json").read_text())
    assert parquet.keys() >= {"work", "ours_mb_s", "peer", "peer_mb_s", "ratio", "peak_mb"}
    assert (parquet["kept"], parquet["documents"]) == (400, 400)
    assert near["documents"] == 480
    assert near["kept"] <= 400
    assert parquet["ours_mb_s"] > parquet["ours_mb_s_cold"] > 0
    assert parquet["peak_mb"] > 20
    assert "near-duplicates" in done.stdout


def test_a_peer_that_cannot_be_set_up_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "PINS", tmp_path)
    (tmp_path / "future.txt").write_text("# python 9.9\nfuture==1\n")
    with pytest.raises(environments.PeerUnavailableError, match=r"future needs python9\.9"):
        environments.python_of("future")


def test_every_work_has_ours_and_a_driver_for_each_peer() -> None:
    import ours

    for work in bench.WORKS:
        assert work.ours in ours.WORKS
        for peer in work.peers:
            assert (ROOT / "benchmarks" / "peers" / f"run_{peer}.py").is_file()
            assert (ROOT / "benchmarks" / "peers" / f"{peer}.txt").is_file()
        assert set(work.notes) | work.slow <= set(work.peers)
        assert not work.slow - set(work.peers)


@pytest.mark.parametrize("pins", sorted((ROOT / "benchmarks" / "peers").glob("*.txt")), ids=lambda path: path.stem)
def test_pins_are_names_and_versions(pins: Path) -> None:
    lines = [line for line in pins.read_text().splitlines() if not line.startswith("#")]
    assert lines
    assert [line for line in lines if "==" not in line or any(mark in line for mark in "@/ ")] == []
