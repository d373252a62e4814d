"""What dedup_docs removes, what it names for it, and how much of a known truth it finds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.errors import DuplicateIdError, EmptyCorpusError, ParamsError
from pipeline.params import parse
from pipeline.schema import CLUSTERS, DROPPED
from pipeline.stages.dedup_docs import DedupDocsParams, dedup_docs
from pipeline.tables import read_table
from tests.corpora import files, ids, write_docs

WORDS = [f"word{i}" for i in range(400)]
LONG, OTHER = " ".join(WORDS[:200]), " ".join(WORDS[200:])
NEAR = LONG.replace("word100 ", "changed ")


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(docs: Path, folder: Path = Path("made"), **params: object) -> tuple[dict[str, float], dict[str, dict], dict[str, str]]:
    """The report, the DROPPED rows by id and the cluster of each kept document."""
    report = dedup_docs(docs, folder / "docs", folder / "dropped", folder / "clusters.parquet", params=DedupDocsParams(**params))
    dropped = {row["id"]: row for row in read_table(folder / "dropped", DROPPED).to_pylist()}
    clusters = read_table(folder / "clusters.parquet", CLUSTERS)
    assert ids(folder / "docs") == [i for i in ids(docs) if i not in dropped]
    assert sorted(ids(folder / "docs")) == clusters["id"].to_pylist()
    return report, dropped, dict(zip(*clusters.to_pydict().values(), strict=True))


def test_exact_and_near_duplicates_name_the_document_that_stays() -> None:
    docs = write_docs(Path("docs"), [LONG, f"  {OTHER}\n\n", NEAR, OTHER, LONG.replace(" ", "\n"), "Hello", "hello!", ""])
    report, dropped, clusters = run(docs)
    # LONG and NEAR are equally long, so the smaller id stays; "hello!" is longer than "Hello".
    assert {i: (row["rule"], row["duplicate_of"]) for i, row in dropped.items()} == {
        "d0002": ("near", "d0000"),
        "d0003": ("exact", "d0001"),
        "d0004": ("exact", "d0000"),
        "d0005": ("near", "d0006"),
    }
    near, exact = dropped["d0002"], dropped["d0003"]
    assert near["score"] == pytest.approx((196 - 5) / (196 + 5))
    assert (near["low"], near["high"], near["num_bytes"]) == (None, 0.5, len(NEAR))
    assert (exact["score"], exact["low"], exact["high"]) == (1.0, None, None)
    assert dropped["d0005"]["score"] == 1.0
    assert clusters == {"d0000": "d0000", "d0001": "d0001", "d0006": "d0005", "d0007": "d0007"}
    assert report["dropped/exact"] == report["dropped/near"] == 2
    assert (report["docs_in"], report["docs_out"], report["clusters"], report["largest_cluster"]) == (8, 4, 4, 1)


def test_the_longest_text_stays_and_exact_copies_of_a_lost_one_name_it_too() -> None:
    docs = write_docs(Path("docs"), [NEAR, f"{LONG} end", NEAR + " "])
    _, dropped, _ = run(docs)
    assert {i: (row["rule"], row["duplicate_of"]) for i, row in dropped.items()} == {
        "d0000": ("near", "d0001"),
        "d0002": ("near", "d0001"),
    }


def test_relatives_stay_in_one_cluster() -> None:
    cousin = " ".join(WORDS[:150] + WORDS[250:290])  # shares 146 of 242 shingles
    _, dropped, clusters = run(write_docs(Path("docs"), [LONG, OTHER, cousin]), bands=128, rows=2, max_similarity=0.8)
    assert not dropped
    assert clusters == {"d0000": "d0000", "d0001": "d0001", "d0002": "d0000"}


def test_the_bytes_depend_on_neither_workers_nor_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    texts = [" ".join(random.choice(WORDS, 60)) for _ in range(20)]
    texts += [text + " more" for text in texts[:10]] + texts[:5]
    monkeypatch.setenv("HEDDLE_WORKERS", "1")
    run(write_docs(Path("docs"), texts), Path("one"))
    run(write_docs(Path("wide"), texts, per_shard=100), Path("wider"))
    monkeypatch.setenv("HEDDLE_WORKERS", "2")
    run(Path("docs"), Path("two"))
    assert files(Path("one")) == files(Path("two"))
    assert files(Path("one"))["clusters.parquet"] == files(Path("wider"))["clusters.parquet"]
    assert not list(Path(".scratch").rglob("*.parquet")), "nothing is left behind"


def test_an_empty_corpus_and_a_double_id_are_errors() -> None:
    with pytest.raises(EmptyCorpusError, match="no document"):
        run(write_docs(Path("docs"), []))
    with pytest.raises(DuplicateIdError, match="same"):
        run(write_docs(Path("twice"), [LONG, OTHER], ids=["same", "same"]))


def test_bounds_out_of_order_name_the_section() -> None:
    Path("params.yaml").write_text("dedup_docs: {max_similarity: 0.4, related_similarity: 0.6}")
    with pytest.raises(ParamsError, match=r"related_similarity must be at most max_similarity \(0.4\)"):
        parse(Path("params.yaml"), "dedup_docs", DedupDocsParams)


def test_recall_and_precision_on_injected_copies(shared: Callable[[str], Path]) -> None:
    table = pq.read_table(shared("peers/near-dup-corpus.parquet"))
    truth = pq.read_table(shared("peers/near-dup-truth.parquet")).to_pydict()
    docs = write_docs(Path("docs"), table["text"].to_pylist(), ids=table["id"].to_pylist(), per_shard=3000)
    _, dropped, _ = run(docs)
    text, source = dict(zip(*table.to_pydict().values(), strict=True)), dict(zip(truth["id"], truth["dup_of"], strict=True))
    kept_texts = {t for i, t in text.items() if i not in dropped}
    caught = {
        rate: np.mean(
            [
                i in dropped or text[source[i]] not in kept_texts
                for i, kind, r in zip(truth["id"], truth["dup_kind"], truth["edit_rate"], strict=True)
                if (kind, r) == ("near", rate)
            ]
        )
        for rate in (0.01, 0.02, 0.05, 0.1)
    }
    exact = [i for i, kind in zip(truth["id"], truth["dup_kind"], strict=True) if kind == "exact"]
    assert all(i in dropped or source[i] in dropped for i in exact)
    # The S-curve of 14 bands of 8 rows lets 0.983, 0.962, 0.709 and 0.275 of these pairs meet, give or take 3 standard errors.
    assert caught[0.01] > 0.95
    assert caught[0.02] > 0.92
    assert caught[0.05] > 0.6
    assert caught[0.1] > 0.18
    assert all(row["score"] > 0.5 and row["duplicate_of"] not in dropped for row in dropped.values())
