"""Evaluation files of every form: each text is found with its place."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InputError, MissingInputError
from pipeline.evaluation_files import read_items


def items(folder: Path, *fields: str) -> list[tuple[str, int, str, str]]:
    return [tuple(item) for item in read_items(folder, fields)]


@pytest.mark.parametrize(
    ("name", "data", "wanted"),
    [
        ("a.jsonl", '{"q": "Question: one?", "n": 3, "choices": ["two", "https://x.y/z"]}\n\n{"q": "é"}',
         [(0, "q", "one?"), (0, "choices.0", "two"), (1, "q", "é")]),
        ("a.json", '[["she", "he"], "word"]', [(0, "0", "she"), (0, "1", "he"), (1, "", "word")]),
        ("a.json", '{"group": {"A": ["one", "two"], "B": ["three"]}}', [(0, "0", "one"), (0, "1", "two"), (1, "0", "three")]),
        ("a.json", '{"article": "text", "x": {"y": ["z"]}}', [(0, "article", "text"), (0, "x.y.0", "z")]),
        ("a.csv", 'm,l\n"a, ""b""",c\n', [(0, "m", "m"), (0, "l", "l"), (1, "m", 'a, "b"'), (1, "l", "c")]),
        ("a.tsv", "x\ty\nz", [(0, "x", "x"), (0, "y", "y"), (1, "x", "z")]),
        ("set.txt.dev", "1 [The nurse] left.\n\n12. Two\n", [(0, "", "[The nurse] left."), (1, "", "Two")]),
        ("words", "one\r\ntwo", [(0, "", "one"), (1, "", "two")]),
        ("a.json", '["\\ud800x"]', [(0, "", "?x")]),
    ],
)  # fmt: skip
def test_each_form(tmp_path: Path, name: str, data: str, wanted: list[tuple[int, str, str]]) -> None:
    (tmp_path / name).write_text(data, encoding="utf-8", newline="")
    assert items(tmp_path) == [(name, *item) for item in wanted]
    (tmp_path / name).unlink()
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(data.encode()))
    assert items(tmp_path) == [(f"{name}.gz", *item) for item in wanted]


def test_archives_tables_and_what_is_no_data(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "names.zip", "w") as archive:
        archive.writestr("names/README", "about")
        archive.writestr("names/b.txt", "Bo")
        archive.writestr("names/a.jsonl", '{"n": "Al"}')
    pq.write_table(pa.table({"q": ["one"], "n": [1]}), tmp_path / "t.parquet")
    with pa.CompressedOutputStream(str(tmp_path / "z.txt.zst"), "zstd") as stream:
        stream.write(b"line")
    for name in ("README.md", ".hidden", "LICENSE", "x.dvc"):
        (tmp_path / name).write_text("no item")
    assert items(tmp_path) == [
        ("names.zip/names/a.jsonl", 0, "n", "Al"),
        ("names.zip/names/b.txt", 0, "", "Bo"),
        ("t.parquet", 0, "q", "one"),
        ("z.txt.zst", 0, "", "line"),
    ]


def test_fields_choose_where_a_row_has_them(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"q": "one", "c": {"text": ["two"]}, "source": "three"}) + '\n{"x": "four"}')
    assert [item[3] for item in items(tmp_path, "q", "text")] == ["one", "two", "four"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", b'{"x": "fine"}\n{"x": '),
        ("b.json", b'{"x": "\xff"}'),
        ("c.json.gz", gzip.compress(b'{"x": "a text of some length"}' * 99, mtime=0)[:-12]),
        ("d.jsonl.gz", b"not compressed"),
        ("e.zip", b"PK\x03\x04"),
        ("f.parquet", b"PAR1"),
        ("g.txt", b"\xff\xfe"),
        ("h.json", b"[" * 100_000),
        ("i.zst", b"none"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=f"{name}: not a readable evaluation file"):
        items(tmp_path)


def test_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="no evaluation file here"):
        items(tmp_path)


def test_every_file_of_the_collection_is_read(shared: Callable[[str], Path]) -> None:
    for name in ("data/eval", "data/bias"):
        folder = shared(name)
        files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        read = {item.file.split(".zip/")[0] + ".zip" * (".zip/" in item.file) for item in read_items(folder)}
        assert read == files
