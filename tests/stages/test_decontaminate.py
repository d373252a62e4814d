"""Planted evaluation texts are found; broken evaluation files are errors."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from pipeline.errors import EmptyCorpusError, InputError, MissingInputError
from pipeline.schema import DROPPED
from pipeline.stages.decontaminate import DecontaminateParams, decontaminate, read_items
from pipeline.tables import read_table
from tests.corpora import ids, write_docs

QUESTION = "Which of the seven rivers that cross the old province carries the most water in a dry summer year?"
SHORT = "The women answered the phones while the managers talked."
FILLER = " ".join(f"filler{i}" for i in range(60))
CLEAN = [f"Document {i} tells of {FILLER} and ends with number {i}." for i in range(4)]


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("eval/deep").mkdir(parents=True)
    Path("eval/README.md").write_text("no evaluation file")


def run(docs: Path, folder: Path = Path("made"), **params: object) -> tuple[dict[str, float], list[dict]]:
    report = decontaminate(docs, Path("eval"), folder / "docs", folder / "dropped", params=DecontaminateParams(**params))
    return report, read_table(folder / "dropped", DROPPED).to_pylist()


def write_items() -> None:
    rows = [{"id": 1, "question": "Too short"}, {"id": 2, "question": QUESTION, "choices": {"text": ["one", "two"]}}]
    Path("eval/deep/quiz.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    Path("eval/pairs.json").write_text(json.dumps([{"pair": [SHORT, SHORT.replace("women", "men")]}]))


def test_planted_texts_are_found_and_named() -> None:
    write_items()
    leak = QUESTION.upper().replace(" ", "\n  ")
    docs = write_docs(Path("docs"), [*CLEAN, f"{FILLER} — {leak} — {FILLER}", f"Page one. {SHORT} {FILLER}"])
    report, dropped = run(docs)
    assert ids(Path("made/docs")) == ids(docs)[:4]
    assert [row["id"] for row in dropped] == ["d0004", "d0005"]
    assert {(row["stage"], row["rule"], row["score"], row["low"], row["high"]) for row in dropped} == {
        ("decontaminate", "contaminated", 1.0, None, 0.2)
    }
    first, second = (json.loads(row["meta"]) for row in dropped)
    assert (first["file"], first["row"], first["span"]) == ("deep/quiz.jsonl.gz", 1, leak.rstrip("?"))
    assert (second["file"], second["row"], second["span"]) == ("pairs.json", 0, SHORT.rstrip("."))
    assert (report["dropped/contaminated"], report["evaluation_texts"], report["evaluation_texts_too_short"]) == (2, 6, 3)


def test_a_long_overlap_with_a_long_text_reports_the_ngrams() -> None:
    article = " ".join(f"fact{i}" for i in range(2000))
    Path("eval/articles.json").write_text(json.dumps({"article": article}))
    docs = write_docs(Path("docs"), [*CLEAN, " ".join(article.split()[500:600])])
    _, (row,) = run(docs)
    assert (row["id"], row["score"], row["high"]) == ("d0004", 88.0, 50.0)
    assert json.loads(row["meta"])["containment"] == pytest.approx(88 / 1988)
    assert len(json.loads(row["meta"])["span"]) == 300


def test_boilerplate_is_no_contamination() -> None:
    write_items()
    docs = write_docs(Path("docs"), [f"{QUESTION} {i}" for i in range(5)] + CLEAN)
    report, dropped = run(docs, max_documents=4)
    assert not dropped
    assert report["evaluation_ngrams_common"] == 7  # 19 words hold seven 13-grams
    assert len(run(docs, Path("again"), max_documents=5)[1]) == 5


@pytest.mark.parametrize("folder", ["eval", "nowhere"])
def test_no_evaluation_file_is_an_error(folder: str) -> None:
    with pytest.raises(MissingInputError, match=f"{folder}: no evaluation file"):
        decontaminate(write_docs(Path("docs"), CLEAN), Path(folder), Path("o"), Path("d"), params=DecontaminateParams())


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", b'{"x": "fine"}\n{"x": '),
        ("b.json", b'{"x": "\xff"}'),
        ("c.json.gz", gzip.compress(b'{"x": "a text of some length"}' * 99)[:-12]),
        ("d.jsonl.gz", b"not compressed"),
    ],
)
def test_a_broken_evaluation_file_is_named(name: str, data: bytes) -> None:
    Path("eval", name).write_bytes(data)
    with pytest.raises(InputError, match=f"eval/{name}: not a readable evaluation file"):
        list(read_items(Path("eval")))


def test_a_corpus_of_nothing_and_one_of_leaks_are_errors() -> None:
    write_items()
    with pytest.raises(EmptyCorpusError, match="no document to look at"):
        run(write_docs(Path("none"), []))
    with pytest.raises(EmptyCorpusError, match="every one of 1 documents was dropped"):
        run(write_docs(Path("all"), [QUESTION]))
