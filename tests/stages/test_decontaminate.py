"""Planted evaluation texts are found, named and taken out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from pipeline.errors import EmptyCorpusError
from pipeline.schema import CUTS, DOCS, DROPPED
from pipeline.stages.decontaminate import DecontaminateParams, decontaminate
from pipeline.tables import read_table
from tests.corpora import files, ids, write_docs

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
    out, dropped, cuts = (folder / name for name in ("docs", "dropped", "cuts"))
    report = decontaminate(docs, Path("eval"), out, dropped, cuts, params=DecontaminateParams(**params))
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
    assert (first["file"], first["row"], first["field"], first["span"]) == ("deep/quiz.jsonl.gz", 1, "question", leak.rstrip("?"))
    assert (second["file"], second["row"], second["field"], second["span"]) == ("pairs.json", 0, "pair.0", SHORT.rstrip("."))
    place = len(f"{FILLER} — ".encode())
    assert (first["start"], first["end"]) == (place, place + len(leak) - 1)
    assert (first["shared"], first["words"], first["span_jaccard"], first["evaluation_text"]) == (14, 19, 1.0, QUESTION)
    assert first["jaccard"] == 14 / (60 + 19 + 60 - 5 - 55)  # those of the filler come twice
    assert (report["dropped/contaminated"], report["evaluation_texts"], report["evaluation_texts_too_short"]) == (2, 6, 3)


def test_an_edited_copy_and_a_short_question_beside_its_answer() -> None:
    write_items()
    row = {"q": "Who planted the old bomb?", "choices": ["the young farmer", "the baker"]}
    Path("eval/short.jsonl").write_text(json.dumps(row))
    edited = QUESTION.replace("seven", "eight").replace("dry", "hot")
    texts = [
        f"{edited} {FILLER}",
        f"Q. {row['q']} A. The young farmer. {FILLER}",
        f"{row['q']} {FILLER}",
        f"the young farmer {FILLER}",
    ]
    docs = write_docs(Path("docs"), texts)
    _, dropped = run(docs)
    assert [row["id"] for row in dropped] == ["d0000", "d0001"]
    first, second = (json.loads(row["meta"]) for row in dropped)
    assert (first["containment"], first["span"]) == (7 / 14, "rivers that cross the old province carries the most water in a")
    assert (second["field"], second["beside"]) == ("q", ["choices.0"])


def test_a_long_overlap_with_a_long_text_reports_the_ngrams() -> None:
    article = " ".join(f"fact{i}" for i in range(2000))
    Path("eval/articles.json").write_text(json.dumps({"article": article}))
    docs = write_docs(Path("docs"), [*CLEAN, " ".join(article.split()[500:600])])
    _, (row,) = run(docs)
    assert (row["id"], row["score"], row["high"]) == ("d0004", 95.0, 50.0)
    assert json.loads(row["meta"])["containment"] == pytest.approx(95 / 1995)
    assert len(json.loads(row["meta"])["span"]) == 300


def test_what_holds_the_text_can_be_cut_instead() -> None:
    write_items()
    texts = [CLEAN[0], f"{FILLER}. {QUESTION} {FILLER}. {SHORT} {FILLER}", f"{QUESTION} And so on."]
    docs = write_docs(Path("docs"), texts)
    report, (row,) = run(docs, action="cut")
    left = read_table(Path("made/docs"), DOCS)["text"].to_pylist()
    assert left == [CLEAN[0], f"{FILLER}. ? {FILLER}. . {FILLER}"]
    assert (row["id"], report["docs_cut"]) == ("d0002", 1)
    cuts = read_table(Path("made/cuts"), CUTS).to_pylist()
    assert [(c["id"], c["rule"], texts[int(c["id"][1:])][c["start"] : c["end"]]) for c in cuts] == [
        ("d0001", "contaminated", QUESTION[:-1]),
        ("d0001", "contaminated", SHORT[:-1]),
        ("d0002", "contaminated", QUESTION[:-1]),
    ]
    assert json.loads(cuts[1]["meta"])["file"] == "pairs.json"


def test_boilerplate_is_no_contamination() -> None:
    write_items()
    docs = write_docs(Path("docs"), [f"{QUESTION} {i}" for i in range(5)] + CLEAN)
    report, dropped = run(docs, max_documents=4)
    assert not dropped
    assert report["evaluation_ngrams_common"] == 14  # 19 words hold 14 6-grams
    assert len(run(docs, Path("again"), max_documents=5)[1]) == 5


def test_by_two_processes_the_bytes_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    write_items()
    docs = write_docs(Path("docs"), [f"{CLEAN[i % 4]} {QUESTION if i % 3 else ''} {FILLER * (i % 2)}" for i in range(20)])
    for workers in ("1", "2"):
        monkeypatch.setenv("HEDDLE_WORKERS", workers)
        monkeypatch.setenv("DVC_ROOT", f"scratch{workers}")
        run(docs, Path(workers), action="cut", max_documents=100)
    assert files(Path("1")) == files(Path("2"))


def test_bad_documents_pass() -> None:
    write_items()
    texts = ["", "\0", "no " * 200_000, "x" * 10**6, f"{QUESTION} " * 2000, CLEAN[0]]
    _, dropped = run(write_docs(Path("docs"), texts))
    assert [row["id"] for row in dropped] == ["d0004"]


def test_a_corpus_of_nothing_and_one_of_leaks_are_errors() -> None:
    write_items()
    with pytest.raises(EmptyCorpusError, match="no document to look at"):
        run(write_docs(Path("none"), []))
    with pytest.raises(EmptyCorpusError, match="every one of 1 documents was dropped"):
        run(write_docs(Path("all"), [QUESTION]))
