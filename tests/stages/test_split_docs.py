"""No duplicate group crosses a split, nothing is lost, and no split is empty."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import EmptyCorpusError, InputError, ParamsError
from pipeline.params import parse
from pipeline.schema import CLUSTERS
from pipeline.stages.split_docs import SPLITS, SplitDocsParams, split_docs
from pipeline.tables import write_table
from tests.corpora import files, ids, write_docs


def run(
    tmp_path: Path, docs: Path, clusters: dict[str, str], folder: str = "made", **params: object
) -> tuple[dict[str, float], dict[str, list[str]]]:
    path = tmp_path / "clusters.parquet"
    write_table(pa.table({"id": list(clusters), "cluster": list(clusters.values())}).cast(CLUSTERS), path)
    outs = [tmp_path / folder / split for split in SPLITS]
    report = split_docs(docs, path, *outs, params=SplitDocsParams(**params))
    return report, {out.name: ids(out) for out in outs}


def grouped(size: int, several: int) -> dict[str, str]:
    """Clusters of ``several`` documents each."""
    return {f"d{i:04d}": f"d{i - i % several:04d}" for i in range(size)}


def test_groups_stay_together_and_nothing_is_lost(tmp_path: Path) -> None:
    docs, clusters = write_docs(tmp_path / "docs", ["text"] * 400, per_shard=90), grouped(400, 3)
    clusters["d9999"] = "d9999"  # of a document that a later stage dropped
    report, splits = run(tmp_path, docs, clusters, test=0.1, validation=0.05)
    assert sorted(i for members in splits.values() for i in members) == ids(docs)
    sides = {split: {clusters[i] for i in members} for split, members in splits.items()}
    assert not sides["train"] & sides["test"]
    assert not sides["train"] & sides["validation"]
    assert not sides["test"] & sides["validation"]
    assert 36 <= report["docs/test"] <= 40
    assert 17 <= report["docs/validation"] <= 20
    assert (report["docs_in"], report["clusters"], report["bytes/test"]) == (400, 134, 4 * report["docs/test"])


def test_a_small_corpus_still_fills_every_split(tmp_path: Path) -> None:
    docs = write_docs(tmp_path / "docs", ["text"] * 60)
    _, splits = run(tmp_path, docs, grouped(60, 1))
    assert {split: len(members) for split, members in splits.items()} == {"train": 55, "validation": 2, "test": 3}
    _, splits = run(tmp_path, write_docs(tmp_path / "three", ["text"] * 3), grouped(3, 1))
    assert {split: len(members) for split, members in splits.items()} == {"train": 1, "validation": 1, "test": 1}


def test_a_giant_group_trains(tmp_path: Path) -> None:
    docs = write_docs(tmp_path / "docs", ["text"] * 60)
    clusters = grouped(60, 1) | {f"d{i:04d}": "d0000" for i in range(40)}
    for seed in range(5):
        _, splits = run(tmp_path, docs, clusters, seed=seed)
        assert set(ids(docs)[:40]) <= set(splits["train"])
        assert len(splits["test"]) == 3


def test_the_seed_decides_and_the_order_of_documents_does_not(tmp_path: Path) -> None:
    docs, clusters = write_docs(tmp_path / "docs", ["text"] * 100), grouped(100, 1)
    mixed = write_docs(tmp_path / "mixed", ["text"] * 100, ids=ids(docs)[::-1])
    one, two = run(tmp_path, docs, clusters, "one"), run(tmp_path, docs, clusters, "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert one == two
    assert set(run(tmp_path, mixed, clusters)[1]["test"]) == set(one[1]["test"])
    assert set(run(tmp_path, docs, clusters, seed=1)[1]["test"]) != set(one[1]["test"])


def test_a_corpus_of_one_group_says_what_to_change(tmp_path: Path) -> None:
    docs = write_docs(tmp_path / "docs", ["text"] * 10)
    with pytest.raises(EmptyCorpusError, match=r"no document for validation and test: 10 documents in 1 .*related_similarity"):
        run(tmp_path, docs, grouped(10, 10))
    assert not (tmp_path / "made").exists(), "nothing is written then"
    with pytest.raises(EmptyCorpusError, match="no document for train and validation and test"):
        run(tmp_path, write_docs(tmp_path / "none", []), {})


def test_a_document_without_a_cluster_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no cluster for document d0003 .*dedup_docs"):
        run(tmp_path, write_docs(tmp_path / "docs", ["text"] * 4), grouped(3, 1))


def test_shares_must_leave_something(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("split_docs: {validation: 0.5, test: 0.5}")
    with pytest.raises(ParamsError, match="must leave documents to train on"):
        parse(tmp_path / "params.yaml", "split_docs", SplitDocsParams)
