"""What repeats is cut once, kept once and accounted for, the same in memory and beyond it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import EmptyCorpusError
from pipeline.schema import CUTS, DOCS, DROPPED
from pipeline.stages.dedup_passages import DedupPassagesParams, dedup_passages
from pipeline.tables import read_table
from tests.corpora import files, write_docs

NOTICE = "Permission is granted to anyone to use this text for any purpose."
OWN = [
    "Rain falls on the hills above the town.",
    "Boats lie in the harbour until the tide.",
    "Bread is baked before the sun is up.",
]
PASSAGES = {"min_chars": 20, "max_documents": 1, "keep": "first"}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEDDLE_WORKERS", "1")


def run(texts: list[str], folder: str = "made", **params: object) -> tuple[dict[str, float], list[str], list[dict], list[dict]]:
    """Report, texts left, DROPPED rows and CUTS rows."""
    shutil.rmtree("docs", ignore_errors=True)
    docs = write_docs(Path("docs"), texts)
    given = DedupPassagesParams(**{"paragraphs": None, "lines": None, "substrings": None, "min_left_chars": 4} | params)
    out, dropped, cuts = (Path(folder, name) for name in ("docs", "dropped", "cuts"))
    report = dedup_passages(docs, out, dropped, cuts, params=given)
    tables = (read_table(path, schema).to_pylist() for path, schema in ((dropped, DROPPED), (cuts, CUTS)))
    return report, read_table(out, DOCS)["text"].to_pylist(), *tables


def test_a_paragraph_stays_in_the_first_document_that_has_it() -> None:
    texts = [f"{OWN[0]}\n\n{NOTICE}\n", f"{NOTICE}\n \n{OWN[1]}", f"{OWN[2]}\n\n{NOTICE.replace(' to ', '  to ')}"]
    report, left, dropped, cuts = run(texts, paragraphs=PASSAGES)
    assert left == [texts[0], OWN[1], f"{OWN[2]}\n\n"]
    assert not dropped
    assert [(c["id"], c["rule"], c["first"], c["documents"]) for c in cuts] == [
        ("d0001", "paragraph", "d0000", 3),
        ("d0002", "paragraph", "d0000", 3),
    ]
    assert [texts[i][c["start"] : c["end"]].split() for i, c in enumerate(cuts, 1)] == [NOTICE.split()] * 2
    assert (report["docs_cut"], report["cuts/paragraph"]) == (2, 2)
    assert report["bytes_cut"] == sum(map(len, texts)) - sum(map(len, left))


def test_boilerplate_may_go_everywhere_and_what_few_hold_stays() -> None:
    texts = [f"{own}\n{NOTICE}\n{OWN[0] if i < 2 else ''}" for i, own in enumerate(["one", "two", "three"])]
    _, left, _, cuts = run(texts, lines=PASSAGES | {"max_documents": 2, "keep": "none"}, min_left_chars=1)
    assert left == [f"{own}\n{OWN[0] if i < 2 else ''}" for i, own in enumerate(["one", "two", "three"])]
    assert {(c["first"], c["documents"]) for c in cuts} == {(None, 3)}


def test_a_document_repeats_itself_only_where_asked() -> None:
    text = f"{NOTICE}\n{OWN[0]}\n{NOTICE}"
    assert run([text], lines=PASSAGES)[1] == [text]
    assert run([text], lines=PASSAGES | {"max_documents": 0})[1] == [f"{NOTICE}\n{OWN[0]}\n"]


def test_a_document_of_nothing_else_goes_and_says_whose_it_was() -> None:
    _, left, (row,), cuts = run([f"{OWN[0]}\n\n{NOTICE}", f"x.\n\n{NOTICE}", OWN[1]], paragraphs=PASSAGES)
    assert left == [f"{OWN[0]}\n\n{NOTICE}", OWN[1]]
    assert (row["id"], row["rule"], row["score"], row["low"], row["duplicate_of"]) == ("d0001", "paragraph", 2.0, 4.0, "d0000")
    assert [c["id"] for c in cuts] == ["d0001"]


def test_the_copy_that_is_kept_cannot_go_with_its_document() -> None:
    with pytest.raises(ValueError, match="min_left_chars must be at most 10"):
        run(OWN, paragraphs=PASSAGES, min_left_chars=11)


def test_substrings_across_documents() -> None:
    middle = " ".join(f"word{i}" for i in range(12))
    texts = [f"{OWN[0]} {middle} {OWN[1]}", f"Then {middle.upper()}, and more.", middle + " end of it"]
    _, left, _, cuts = run(texts, substrings={"length": 10, "tokens": "words"})
    assert left == [texts[0], "Then , and more.", " end of it"]
    assert [(c["rule"], c["first"]) for c in cuts] == [("substring", "d0000")] * 2
    assert texts[1][cuts[0]["start"] : cuts[0]["end"]] == middle.upper()


def test_beyond_memory_and_by_two_processes_the_bytes_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    lines = [" ".join(random.choice(["wind", "sail", "rope", "tide", "oar"], 6)) for _ in range(400)]
    texts = ["\n".join(random.choice(lines, 300)) for _ in range(60)]
    rules = {"lines": PASSAGES | {"min_chars": 8}, "substrings": {"length": 8, "tokens": "words"}}
    report, *_ = run(texts, "one", **rules)
    assert min(report["cuts/line"], report["cuts/substring"]) > 100
    monkeypatch.setenv("HEDDLE_MEMORY_MB", "1")
    monkeypatch.setenv("HEDDLE_WORKERS", "2")
    assert run(texts, "two", **rules)[0] == report
    assert files(Path("one")) == files(Path("two"))


def test_bad_documents_pass_and_none_is_an_error() -> None:
    texts = ["", "\0", " \n" * 50, "no " * 100_000, "\n".join(["same line of text again"] * 1000), "x" * 10**6]
    rules = {"paragraphs": PASSAGES, "lines": PASSAGES | {"max_documents": 0}, "substrings": {"length": 50}}
    _, left, _, _ = run(texts, **rules)
    assert (left[:3], left[5]) == (texts[:3], texts[5])
    with pytest.raises(EmptyCorpusError, match="no document to compare"):
        run([], **rules)


def test_without_a_rule_nothing_changes() -> None:
    report, left, dropped, cuts = run(OWN)
    assert (left, dropped, cuts) == (OWN, [], [])
    assert report["docs_cut"] == report["bytes_cut"] == 0
