"""Documents from files of each kind, and what becomes of rows and files that cannot be read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from pipeline.errors import InputError, MissingInputError
from pipeline.sources.files import read
from pipeline.sources.rows import Document, Unreadable

OPTIONS: dict[str, Any] = {
    "text_field": "text",
    "id_field": None,
    "domain_field": None,
    "lang_field": None,
    "max_document_chars": 1000,
    "max_document_bytes": 10**7,
    "main_text": "resiliparse",
    "hub": None,
}
PACK: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}


def rows(path: Path, **options: Any) -> tuple[list[Document], list[Unreadable]]:
    found = list(read(path, Path(), **{**OPTIONS, **options}))
    return [row for row in found if isinstance(row, Document)], [row for row in found if isinstance(row, Unreadable)]


def parquet(folder: Path) -> bytes:
    pq.write_table(pa.table({"text": ["one", "two"], "year": [1, 2], "tags": [["x"], []]}), folder / "made")
    data = (folder / "made").read_bytes()
    (folder / "made").unlink()
    return data


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".txt", ".md", ".parquet"])
def test_every_kind_is_read_plain_and_compressed(tmp_path: Path, suffix: str, packing: str) -> None:
    data = {
        ".jsonl": b'{"text": "one", "year": 1}\n\n{"text": "two", "year": 2}',
        ".csv": b'\xef\xbb\xbfyear,text\n1,one\n2,"two"\n',
        ".txt": b"one",
        ".md": b"one",
        ".parquet": parquet(tmp_path),
    }[suffix]
    (tmp_path / f"some.data{suffix}{packing}").write_bytes(PACK[packing](data))
    documents, lost = rows(tmp_path)
    assert not lost
    assert [row.text for row in documents] == (["one"] if suffix in {".txt", ".md"} else ["one", "two"])
    assert {row.domain for row in documents} == {"some"} or {row.domain for row in documents} == {"some.data"}
    if suffix in {".jsonl", ".parquet"}:
        assert documents[0].meta == {"year": 1}


def test_fields_name_id_domain_and_language(tmp_path: Path) -> None:
    row = {"body": "x", "key": 7, "author": "Ann", "language": "en", "title": "T", "nested": [1], "none": None}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({"body": "y"}))
    options = {"text_field": "body", "id_field": "key", "domain_field": "author", "lang_field": "language"}
    (first,), (second,) = rows(tmp_path / "a.jsonl", **options)
    assert first == Document("x", "files", "a.jsonl:7", "Ann", "en", {"title": "T"})
    assert (second.locator, second.error) == ("a.jsonl:2", "no value in the field 'key' (ingest.files.id_field)")


def test_locators_are_row_numbers_in_files_sorted_by_name(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.jsonl").write_text('{"text": "2"}')
    (tmp_path / "a.jsonl").write_text('{"text": "0"}\n\n{"text": "1"}')
    (tmp_path / "c.txt").write_text("3")
    for name in ("README.md", ".gitignore", "c.txt.dvc"):
        (tmp_path / name).write_text("no data")
    documents, lost = rows(tmp_path)
    assert [(row.locator, row.text) for row in documents] == [
        ("a.jsonl:1", "0"),
        ("a.jsonl:3", "1"),
        ("b/x.jsonl:1", "2"),
        ("c.txt", "3"),
    ]
    assert not lost


def test_a_bad_row_costs_that_row_alone(tmp_path: Path) -> None:
    lines = [
        b'{"text": "good"}',
        b'{"text": "caf\xe9"}',
        b'{"text": ',
        b"[1]",
        b'{"text": 5}',
        b'{"other": "x"}',
        b'{"text": "also"}',
    ]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    documents, lost = rows(tmp_path)
    assert [row.text for row in documents] == ["good", "also"]
    assert [(row.locator, row.error.split(":")[0]) for row in lost] == [
        ("a.jsonl:2", "UnicodeDecodeError"),
        ("a.jsonl:3", "JSONDecodeError"),
        ("a.jsonl:4", "a JSON list, not an object"),
        ("a.jsonl:5", "no string in the field 'text' (ingest.files.text_field)"),
        ("a.jsonl:6", "no string in the field 'text' (ingest.files.text_field)"),
    ]
    assert lost[0].num_bytes == len(lines[1]) + 1


def test_a_bad_csv_record_costs_that_record_alone(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'n,text\n1,"two\nlines"\n2,caf\xe9\n3\n4,a,b\n5,"x"y\n6,good\n7,"never closed\n')
    documents, lost = rows(tmp_path)
    assert [row.text for row in documents] == ["two\nlines", "good"]
    assert [row.error for row in lost] == [
        "UnicodeDecodeError: not UTF-8",
        "1 fields under 2 names",
        "3 fields under 2 names",
        "csv.Error: ',' expected after '\"'",
        "csv.Error: unexpected end of data",
    ]


def test_a_csv_field_may_be_longer_than_the_library_default(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\n" + "x" * 200_000 + "\n")
    assert len(rows(tmp_path, max_document_chars=10**6)[0][0].text) == 200_000


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_a_truncated_file_counts_as_far_as_it_can_be_read(tmp_path: Path, packing: str) -> None:
    lines = b"".join(json.dumps({"text": f"{i * 7919 % 10**9}"}).encode() + b"\n" for i in range(200_000))
    whole = PACK[packing](lines)
    (tmp_path / f"a.jsonl{packing}").write_bytes(whole[: len(whole) // 2])
    documents, lost = rows(tmp_path)
    assert 0 < len(documents) < 200_000
    assert documents[1].text == "7919"
    assert [(row.locator, row.num_bytes) for row in lost] == [(f"a.jsonl{packing}", len(whole) // 2)]
    assert "Truncated" in lost[0].error


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("a.txt", b"\0\1\2\3" * 9, "control characters"),
        ("a.txt.gz", gzip.compress(b"some text" * 100, mtime=0)[:-12], "Truncated"),
        ("a.txt.gz", b"not gzip", "OSError"),
        ("a.parquet", b"PAR1 no", "ArrowInvalid"),
        ("a.docx", b"PK", "unknown suffix '.docx'"),
        ("noname", b"x", "unknown suffix ''"),
    ],
)
def test_an_unreadable_file_is_accounted_for(tmp_path: Path, name: str, data: bytes, error: str) -> None:
    (tmp_path / name).write_bytes(data)
    (tmp_path / "z.txt").write_text("still read")
    documents, (lost,) = rows(tmp_path)
    assert [row.text for row in documents] == ["still read"]
    assert error in lost.error
    assert (lost.locator, lost.num_bytes) == (name, len(data))
    assert str(tmp_path) not in lost.error


def test_long_documents_come_in_numbered_pieces(tmp_path: Path) -> None:
    paragraphs = [f"{number} " + "word " * 100 for number in range(5)]
    (tmp_path / "a.txt").write_text("\n\n".join(paragraphs))
    documents, _ = rows(tmp_path, max_document_chars=1100)
    assert [row.locator for row in documents] == ["a.txt#0001", "a.txt#0002", "a.txt#0003"]
    assert "".join(row.text for row in documents) == "\n\n".join(paragraphs)
    assert documents[1].text.startswith("2 word")


def test_lone_surrogates_become_escapes(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a\\ud800b"}')
    (document,), _ = rows(tmp_path)
    assert document.row()["text"] == "a\\ud800b"


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="nowhere"):
        rows(tmp_path / "nowhere")


def test_a_hub_dataset_streams_through_datasets(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"text": "one", "n": 1}\n{"text": "two", "n": 2}\n')
    hub = {"name": str(tmp_path), "config": None, "split": "train", "revision": "0123abc"}
    documents, lost = rows(Path("unused"), hub=hub)
    assert [(row.text, row.meta, row.locator) for row in documents] == [
        ("one", {"n": 1}, f"{tmp_path}/train:1"),
        ("two", {"n": 2}, f"{tmp_path}/train:2"),
    ]
    assert not lost


def test_a_hub_dataset_that_does_not_load_is_an_error(tmp_path: Path) -> None:
    hub = {"name": str(tmp_path / "none"), "config": None, "split": "train", "revision": "0123abc"}
    with pytest.raises(InputError, match=r"ingest\.files\.hub"):
        rows(Path("unused"), hub=hub)


def test_novels_are_read_whole(shared: Callable[[str], Path]) -> None:
    path = shared("data/prose/novels-dev.jsonl.gz")
    documents, lost = rows(path, id_field="id", domain_field="author", max_document_chars=100_000)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        novels = [json.loads(line) for line in file]
    assert not lost
    assert "".join(row.text for row in documents) == "".join(novel["text"] for novel in novels)
    assert max(len(row.text) for row in documents) <= 100_000
    assert documents[0].domain == novels[0]["author"]
    assert documents[0].meta["title"] == novels[0]["title"]
