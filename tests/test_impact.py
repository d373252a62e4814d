"""Which filter deletes text about whom: found where it is planted, and only there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from pipeline.errors import MissingInputError, SchemaError
from pipeline.impact import main
from pipeline.reporting.impact import ALL, OTHERS
from pipeline.schema import DOCS, DROPPED
from pipeline.stages.filter_docs import FilterDocsParams, filter_docs
from pipeline.stages.score_docs import ScoreDocsParams, score_docs
from pipeline.tables import dropped_rows, read_table, shard_name, shards, write_table
from tests.corpora import write_docs

GRAPH = {
    "clean": ["docs", "dropped"],
    "score_docs": ["scores"],
    "filter_docs": ["docs", "dropped"],
    "dedup_docs": ["docs", "dropped"],
}
WORDS = "the house stood near a river and they had bread with butter to eat that day of rain in spring".split()  # noqa: SIM905


def texts(count: int) -> Iterator[str]:
    """Sentences of 20 words; every fourth is about women, and half of those curse, as one in 50 others does."""
    generator = np.random.default_rng(5)
    for number in range(count):
        words = list(generator.choice(WORDS, 18))
        words += ["woman" if number % 4 == 0 else "table", "bastard" if number % 8 == 0 or number % 50 == 1 else "lamp"]
        yield " ".join(words)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run up to dedup_docs, of 800 documents."""
    root = tmp_path_factory.mktemp("impact")
    data = root / "data"
    domains = [f"d{number % 40 if number % 3 else 0}" for number in range(800)]
    docs = write_docs(data / "clean" / "docs", list(texts(800)), domains=domains, per_shard=300)
    (root / "quality").mkdir()
    bounds = {"toxicity": {"high": 0.01}, "num_words": {"low": 5}}
    score_docs(docs, root / "quality", data / "score_docs" / "scores", params=ScoreDocsParams())
    judged = data / "filter_docs"
    settings = FilterDocsParams.model_validate({"bounds": bounds})
    filter_docs(docs, data / "score_docs" / "scores", judged / "docs", judged / "dropped", params=settings)
    kept = read_table(judged / "docs", DOCS)
    lost = dropped_rows(kept.slice(0, 30), "dedup_docs", "near")
    write_table(lost.cast(DROPPED), data / "dedup_docs" / "dropped" / shard_name(0))
    write_table(kept.slice(30), data / "dedup_docs" / "docs" / shard_name(0))
    stages = {s: {"cmd": "true", "outs": [f"data/{s}/{out}" for out in outs]} for s, outs in GRAPH.items()}
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
    (root / "params.yaml").write_text(yaml.safe_dump({"filter_docs": {"bounds": bounds}}))
    return root


def run(root: Path, *options: str) -> list[dict[str, object]]:
    path = root / "impact.json"
    main(["--dvc", str(root / "dvc.yaml"), "--json", str(path), *options])
    found: list[dict[str, object]] = json.loads(path.read_text())
    return found


def test_the_planted_disparity_is_found_and_no_other(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(root)
    said = capsys.readouterr().out
    deleted = [(row["filter"], row["name"]) for row in found if row["deletes"] and row["axis"] == "group"]
    assert deleted == [("toxicity", "gender/female"), (ALL, "gender/female")]
    assert "Removed more often than other documents of their length: gender/female by toxicity" in said
    row = next(row for row in found if row["name"] == "gender/female" and row["filter"] == "toxicity")
    assert (row["inside"], row["inside_dropped"], row["outside"]) == (200, 100, 600)
    assert row["difference"] == pytest.approx(100 / 200 - 16 / 600)
    assert row["share_before"] == 0.25
    assert row["share_after"] == pytest.approx(100 / (100 + 584))


def test_a_stage_without_a_ledger_is_judged_by_what_it_dropped(root: Path) -> None:
    rows = [row for row in run(root) if row["stage"] == "dedup_docs"]
    assert {row["filter"] for row in rows} == {"near"}
    inside = next(row for row in rows if row["name"] == "d0")
    assert inside["inside_dropped"] + inside["outside_dropped"] == 30  # type: ignore[operator]


def test_small_domains_are_compared_as_one(root: Path) -> None:
    names = {row["name"] for row in run(root, "--domains", "1") if row["axis"] == "domain"}
    assert names == {"d0", OTHERS}
    assert {row["name"] for row in run(root, "--domains", "0") if row["axis"] == "domain"} == set()


def test_every_comparison_is_shown_on_request(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(root)
    few = len(capsys.readouterr().out.splitlines())
    run(root, "--all")
    assert len(capsys.readouterr().out.splitlines()) > few


def test_a_ledger_of_other_documents_is_refused(root: Path, tmp_path: Path) -> None:
    scores = root / "data" / "score_docs" / "scores"
    shard = shards(scores)[0]
    whole = shard.read_bytes()
    try:
        import pyarrow.parquet as pq

        write_table(pq.read_table(shard).slice(1), shard)
        with pytest.raises(SchemaError, match="other documents than"):
            run(root)
    finally:
        shard.write_bytes(whole)


def test_before_any_stage_has_run_the_error_says_so(root: Path, tmp_path: Path) -> None:
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).write_text((root / name).read_text())
    with pytest.raises(MissingInputError, match="run the pipeline first"):
        run(tmp_path)
