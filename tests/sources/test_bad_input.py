"""Files that nobody should have written: every one of them is out, or accounted for, in memory and time that are bounded."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.sources.files import read
from pipeline.sources.rows import Counted, Document, Unreadable

OPTIONS: dict[str, Any] = {
    "text_field": "text",
    "id_field": None,
    "domain_field": None,
    "lang_field": None,
    "max_document_chars": 20_000,
    "max_document_bytes": 1 << 28,
    "main_text": "resiliparse",
    "hub": None,
}


def rows(path: Path, **options: Any) -> tuple[list[Document], list[Unreadable]]:
    found = [row for row in read(path, Path(), **{**OPTIONS, **options}) if not isinstance(row, Counted)]
    return [row for row in found if isinstance(row, Document)], [row for row in found if isinstance(row, Unreadable)]


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "utf-16", "utf-16-le", "utf-8-sig", "shift_jis"])
def test_text_files_in_legacy_encodings(tmp_path: Path, encoding: str) -> None:
    text = "吾輩は猫である。名前はまだ無い。" * 9 if encoding == "shift_jis" else "Съешь ещё этих мягких французских булок. " * 9
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    (document,), lost = rows(tmp_path)
    assert (document.text, lost) == (text, [])
    assert ("charset" in document.meta) == (encoding != "utf-8-sig")


def test_a_folder_of_pages(tmp_path: Path) -> None:
    prose = "A paragraph of prose that is long enough to be one of those that a page is about."
    (tmp_path / "b").mkdir()
    (tmp_path / "a.html").write_text(f"<title>A</title><p>{prose}</p>")
    (tmp_path / "b" / "c.htm.gz").write_bytes(gzip.compress(f"<meta charset=cp1252><p>{prose} caf\xe9</p>".encode("cp1252")))
    for name, data in {
        "empty.html": b"",
        "menu.html": b"<nav><a href=/>Home</a></nav>",
        "binary.html": bytes(range(32)) * 9,
    }.items():
        (tmp_path / name).write_bytes(data)
    documents, lost = rows(tmp_path)
    first, second = documents
    assert (first.locator, first.text, first.domain, first.meta["title"]) == ("a.html", prose, "a", "A")
    assert (second.locator, second.text, second.domain) == ("b/c.htm.gz", f"{prose} café", "c")
    rules = {row.locator: row.rule for row in lost}
    assert rules == {"binary.html": "undecodable", "empty.html": "empty", "menu.html": "empty"}


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".txt", ".html", ".parquet"])
def test_what_is_too_large_is_a_loss(tmp_path: Path, suffix: str) -> None:
    long, short = "word " * 5_000, "short"
    if suffix == ".jsonl":
        (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in (long, short, long)))
    elif suffix == ".csv":
        (tmp_path / "a.csv").write_text(f"text\n{long}\n{short}\n{long}\n")
    elif suffix == ".parquet":
        pq.write_table(pa.table({"text": [long, short, long]}), tmp_path / "a.parquet")
    else:
        (tmp_path / f"a{suffix}").write_text(long)
    documents, lost = rows(tmp_path, max_document_bytes=10_000)
    assert [row.text for row in documents] == ([] if suffix in {".txt", ".html"} else [short])
    assert {row.rule for row in lost} == {"too_large"}
    assert "ingest.files.max_document_bytes" in lost[0].error


@pytest.mark.parametrize("size", [1_000_000, 40_000_000])
def test_a_long_line_takes_time_in_proportion(tmp_path: Path, size: int) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "' + b"word " * (size // 5) + b'"}\n{"text": "next"}\n')
    started = time.process_time()
    documents, lost = rows(tmp_path)
    assert time.process_time() - started < 1 + size / 10**7  # seconds
    assert sum(len(row.text) for row in documents) == size + len("next")
    assert not lost


def test_ten_million_characters_of_one_word(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a" * 10**7)
    documents, _ = rows(tmp_path)
    assert len(documents) == 500
    assert documents[-1].locator == "a.txt#0500"


def test_odd_json(tmp_path: Path) -> None:
    lines = [
        b'{"text": "nul \\u0000 here"}',
        b'{"text": "lone \\ud800 surrogate"}',
        b'{"text": "' + b"\\ud83d\\ude00" + b'"}',
        b'{"text": "raw nul \x00"}',
        b"[" * 100_000,
        b'{"n": ' + b"1" * 5000 + b', "text": "x"}',
        b'{"text": "NaN too", "n": NaN}',
        b"\x00" * 100,
        b'{"text": ""}',
    ]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    documents, lost = rows(tmp_path)
    assert [row.row()["text"] for row in documents] == ["nul \0 here", "lone \\ud800 surrogate", "\U0001f600", "NaN too", ""]
    assert [row.locator for row in lost] == [f"a.jsonl:{number}" for number in (4, 5, 6, 8)]


def test_a_parquet_row_that_is_no_utf8_costs_itself(tmp_path: Path) -> None:
    broken = pa.array([b"good", b"caf\xe9", b"fine"]).cast(pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": broken}), tmp_path / "a.parquet")
    documents, lost = rows(tmp_path)
    assert [row.text for row in documents] == ["good", "fine"]
    assert [(row.locator, row.rule) for row in lost] == [("a.parquet:2", "undecodable")]


def test_a_gzip_bomb_is_a_loss(tmp_path: Path) -> None:
    (tmp_path / "a.html.gz").write_bytes(gzip.compress(bytes(50 << 20)))
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b" " * (50 << 20)))
    documents, lost = rows(tmp_path, max_document_bytes=1 << 20)
    assert not documents
    assert [row.rule for row in lost] == ["too_large", "too_large"]
