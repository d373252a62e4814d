"""What dedup_docs removes, what it names for it, and how much of a known truth it finds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import runtime
from pipeline.errors import DuplicateAlarmError, DuplicateIdError, EmptyCorpusError, ParamsError
from pipeline.params import parse
from pipeline.schema import CLUSTERS, DOCS, DROPPED
from pipeline.stages.dedup_docs import DedupDocsParams, dedup_docs
from pipeline.tables import read_table, write_table
from tests.corpora import files, ids, write_docs

WORDS = [f"word{i}" for i in range(400)]
LONG, OTHER = " ".join(WORDS[:200]), " ".join(WORDS[200:])
NEAR = LONG.replace("word100 ", "changed ")


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEDDLE_WORKERS", "1")


def run(docs: Path, folder: Path = Path("made"), **params: object) -> tuple[dict[str, float], dict[str, dict], dict[str, str]]:
    """The report, the DROPPED rows by id and the cluster of each kept document."""
    report = dedup_docs(docs, folder / "docs", folder / "dropped", folder / "clusters", params=DedupDocsParams(**params))
    dropped = {row["id"]: row for row in read_table(folder / "dropped", DROPPED).to_pylist()}
    clusters = read_table(folder / "clusters", CLUSTERS)
    assert ids(folder / "docs") == [i for i in ids(docs) if i not in dropped]
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
    assert (near["low"], near["high"], near["num_bytes"]) == (None, 0.55, len(NEAR))
    assert (exact["score"], exact["low"], exact["high"]) == (1.0, None, None)
    assert dropped["d0005"]["score"] == 1.0
    groups = {"d0000": ["d0000", "d0002", "d0004"], "d0001": ["d0001", "d0003"], "d0006": ["d0005", "d0006"], "d0007": ["d0007"]}
    assert clusters == {member: name for name, members in groups.items() for member in members}
    assert report["dropped/exact"] == report["dropped/near"] == 2
    assert (report["docs_in"], report["docs_out"], report["clusters"], report["largest_cluster"]) == (8, 4, 4, 3)


def test_the_text_with_most_copies_stays_then_the_longest() -> None:
    longer = f"{LONG} end"
    _, dropped, _ = run(write_docs(Path("docs"), [NEAR, longer]))
    assert {i: (row["rule"], row["duplicate_of"]) for i, row in dropped.items()} == {"d0000": ("near", "d0001")}
    _, dropped, _ = run(write_docs(Path("copied"), [NEAR, longer, NEAR + " "]))
    assert {i: (row["rule"], row["duplicate_of"]) for i, row in dropped.items()} == {
        "d0000": ("exact", "d0002"),
        "d0001": ("near", "d0002"),
    }


def test_an_exact_copy_of_a_near_duplicate_names_the_document_that_stays_too() -> None:
    _, dropped, _ = run(write_docs(Path("docs"), [NEAR, LONG, NEAR, LONG, LONG]))
    assert {i: (row["rule"], row["duplicate_of"]) for i, row in dropped.items()} == {
        "d0000": ("near", "d0001"),
        "d0002": ("near", "d0001"),
        "d0003": ("exact", "d0001"),
        "d0004": ("exact", "d0001"),
    }


def rewrite(docs: Path, **columns: list[str]) -> Path:
    """The same table with other values, in one shard."""
    table = read_table(docs, DOCS)
    for name, values in columns.items():
        table = table.set_column(DOCS.names.index(name), DOCS.field(name), pa.array(values, DOCS.field(name).type))
    shutil.rmtree(docs)
    write_table(table, docs / "part-00000.parquet")
    return docs


def test_a_preferred_source_stays() -> None:
    docs = rewrite(write_docs(Path("docs"), [LONG, NEAR + " x", LONG]), source=["wiki", "crawl", "books"])
    assert set(run(docs)[1]) == {"d0001", "d0000"}, "of equals the first source"
    assert set(run(docs, prefer=["crawl"])[1]) == {"d0000", "d0002"}
    assert set(run(docs, prefer=["none", "wiki", "crawl"])[1]) == {"d0001", "d0002"}


def test_one_document_per_address() -> None:
    urls = ["http://a.org/x?utm_source=y", "https://www.a.org/x", "https://a.org/z", ""]
    docs = rewrite(write_docs(Path("docs"), [LONG, OTHER + " more", OTHER, NEAR]), meta=[f'{{"url": "{url}"}}' for url in urls])
    _, dropped, _ = run(docs)
    # Of the first two the longer stays, which is a near copy of the third; the fourth has lost its twin.
    assert {i: (row["rule"], row["duplicate_of"], row["score"]) for i, row in dropped.items()} == {
        "d0000": ("url", "d0001", None),
        "d0002": ("near", "d0001", pytest.approx(196 / 197)),
    }
    assert set(run(docs, urls=False)[1]) == {"d0002", "d0003"}


def test_exact_copies_only_and_candidates_unverified() -> None:
    docs = write_docs(Path("docs"), [LONG, NEAR, OTHER, OTHER])
    report, dropped, _ = run(docs, bands=0)
    assert (set(dropped), report["candidates"]) == ({"d0003"}, 0)
    _, dropped, _ = run(docs, verify=False)
    assert (dropped["d0001"]["rule"], dropped["d0001"]["score"], dropped["d0001"]["high"]) == ("near", None, None)


def test_alarms_name_the_cluster_or_the_source_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    docs = write_docs(Path("docs"), [LONG, LONG, LONG, LONG, OTHER])
    report, _, _ = run(docs, max_cluster=3, max_source_loss=0.5)
    assert report["alarms"] == 2
    said = capsys.readouterr().err
    assert "cluster d0000 has 4 documents (bound 3): d0000, d0001, d0002" in said
    assert "source test loses 60.0% (bound 50.0%): d0001, d0002, d0003" in said
    assert run(docs, max_cluster=4, max_source_loss=0.6)[0]["alarms"] == 0
    with pytest.raises(DuplicateAlarmError, match="cluster d0000 has 4 documents"):
        run(docs, max_cluster=3, alarm="fail")


def test_relatives_stay_in_one_cluster() -> None:
    cousin = " ".join(WORDS[:150] + WORDS[250:290])  # shares 146 of 242 shingles
    _, dropped, clusters = run(write_docs(Path("docs"), [LONG, OTHER, cousin]), bands=128, rows=2, max_similarity=0.8)
    assert not dropped
    assert clusters == {"d0000": "d0000", "d0001": "d0001", "d0002": "d0000"}, "the longer one names the cluster"


def test_the_bytes_depend_on_neither_workers_nor_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    texts = [" ".join(random.choice(WORDS, 60)) for _ in range(20)]
    texts += [text + " more" for text in texts[:10]] + texts[:5]
    monkeypatch.setenv("HEDDLE_WORKERS", "1")
    run(write_docs(Path("docs"), texts), Path("one"))
    run(write_docs(Path("wide"), texts, per_shard=100), Path("wider"))
    monkeypatch.setenv("HEDDLE_WORKERS", "2")
    run(Path("docs"), Path("two"))
    monkeypatch.setattr(runtime, "memory_bytes", lambda: 0)
    run(Path("docs"), Path("spilled"))
    assert files(Path("one")) == files(Path("two")) == files(Path("spilled"))
    assert run(Path("docs"))[1:] == run(Path("wide"))[1:]
    assert not [path for path in Path(".scratch").rglob("*.parquet") if "dedup_docs" in path.parts], "nothing is left behind"


def test_the_order_of_the_documents_does_not_matter() -> None:
    random = np.random.default_rng(2)
    base = [" ".join(random.choice(WORDS, 60)) for _ in range(12)]
    texts = [*base, *(text + " more" for text in base), *base[:4], *(text.replace("1 ", "2 ", 3) for text in base), "", " ", "!"]
    names, order = [f"n{i:02d}" for i in range(len(texts))], random.permutation(len(texts))
    one = run(write_docs(Path("docs"), texts, ids=names))
    other = run(write_docs(Path("shuffled"), [texts[i] for i in order], ids=[names[i] for i in order]), Path("again"))
    assert one[1:] == other[1:]
    assert one[0] == other[0]
    assert len(one[1]) > 20


@pytest.mark.parametrize("text", ["", "spam", "the same document, word by word, as every other"])
def test_many_identical_documents_take_no_quadratic_time(text: str) -> None:
    size = 100_000  # pairs of pairs would be 10**10
    report, _, _ = run(write_docs(Path("docs"), [text] * size, per_shard=50_000))
    assert (report["docs_out"], report["largest_cluster"]) == (1, size)


def test_many_documents_of_one_shingle_set_take_no_quadratic_time() -> None:
    texts = [f"spam spam spam spam spam spam{'!' * (i % 300)}{'?' * (i // 300)}" for i in range(60_000)]
    report, dropped, _ = run(write_docs(Path("docs"), texts, per_shard=30_000))
    assert report["docs_out"] == 1
    assert {row["score"] for row in dropped.values()} == {1.0}


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
