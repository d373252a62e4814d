"""The texts of evaluation files, each with the place that it is from: what a training corpus must not hold.

Any folder will do. JSON, JSONL, CSV, TSV and Parquet are read by their names; every other file is text, a line an item. A file
may be compressed (.gz, .zst), and a .zip holds files. Files that explain the folder (README, LICENSE, hidden ones) are left out.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError, MissingInputError

NOT_DATA = re.compile(r"\..*|(README|LICEN[CS]E|NOTICE|CITATION)(\..*)?|.*\.dvc", re.IGNORECASE)
_NUMBER = re.compile(r"^\d+[.):]?\s+")  # of a line, as WinoBias has it
# Words of a prompt that a copy of its text elsewhere will lack.
_LABEL = re.compile(
    r"\s*(question|answer|query|prompt|passage|context|article|premise|hypothesis|sentence|[qa])\s*\d*:\s+", re.IGNORECASE
)
_ADDRESS = re.compile(r"\s*[a-z]+://\S*\s*", re.IGNORECASE)
MOST_DEPTH = 40  # of nested JSON


class Item(NamedTuple):
    """A text of an evaluation file: ``row`` counts the file's records from 0, ``field`` leads to the text, as ``choices.0``."""

    file: str
    row: int
    field: str
    text: str


def read_items(folder: Path, fields: Sequence[str] = ()) -> Iterator[Item]:
    """Every text of every file below ``folder``, files in order of name; web addresses are no texts.

    ``fields``: names of fields; where a row has any of them, only what is below one of them counts. Raises MissingInputError
    without a file, InputError for one that cannot be read.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not NOT_DATA.fullmatch(path.name))
    if not paths:
        raise MissingInputError(f"{folder}: no evaluation file here; put the sets you score on into it")
    for path in paths:
        name = path.relative_to(folder).as_posix()
        try:
            for file, data in _unpack(name, path.read_bytes()):
                for row, value in enumerate(_records(file, data)):
                    yield from (Item(file, row, *text) for text in _chosen(list(_texts(value)), fields))
        except (
            OSError,
            EOFError,
            ValueError,
            RecursionError,
            csv.Error,
            zlib.error,
            zipfile.BadZipFile,
            pa.ArrowException,
        ) as error:
            message = f"{path}: not a readable evaluation file: {error}; repair it or take it out of the folder"
            raise InputError(message) from error


def _unpack(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """A file, or the files of an archive."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = sorted(info.filename for info in archive.infolist() if not info.is_dir())
            for member in members:
                if not NOT_DATA.fullmatch(PurePosixPath(member).name):
                    yield from _unpack(f"{name}/{member}", archive.read(member))
    elif suffix == ".gz":
        yield name, gzip.decompress(data)
    elif suffix == ".zst":
        yield name, pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()
    else:
        yield name, data


def _records(name: str, data: bytes) -> Iterator[Any]:
    """What a file holds, row by row."""
    suffixes = [suffix.lower() for suffix in PurePosixPath(name).suffixes]
    if ".parquet" in suffixes:
        yield from pq.read_table(pa.BufferReader(data)).to_pylist()
        return
    text = data.decode("utf-8-sig")
    if ".jsonl" in suffixes or ".ndjson" in suffixes:
        yield from (json.loads(line) for line in text.split("\n") if line.strip())
    elif ".json" in suffixes:
        yield from _json_records(json.loads(text))
    elif ".csv" in suffixes or ".tsv" in suffixes:
        yield from _table(text, "," if ".csv" in suffixes else "\t")
    else:
        yield from (_NUMBER.sub("", line) for line in text.splitlines() if line.strip())


def _json_records(value: Any, depth: int = 0) -> Iterator[Any]:
    """The parts of a JSON file that belong together: members of the outermost list, else whatever holds a string itself."""
    children = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    if depth == 0 and isinstance(value, list):
        yield from children
    elif depth < MOST_DEPTH and children and not any(isinstance(child, str) for child in children):
        for child in children:
            yield from _json_records(child, depth + 1)
    else:
        yield value


def _table(text: str, delimiter: str) -> Iterator[dict[str, str]]:
    """Rows by the names in the first, which is a row as well: a file may have no names."""
    csv.field_size_limit(sys.maxsize)
    names: list[str] = []
    for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        names = names or [cell if cell and len(cell) <= 40 else str(i) for i, cell in enumerate(cells)]
        yield {names[i] if i < len(names) else str(i): cell for i, cell in enumerate(cells)}


def _texts(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Where each string of a row is, and the string; lone surrogates, which are no text, become question marks."""
    if isinstance(value, str):
        if not _ADDRESS.fullmatch(value):
            text = value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
            yield path, _LABEL.sub("", text, count=1) if _LABEL.match(text) else text
    elif isinstance(value, (list, dict)) and depth < MOST_DEPTH:
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(part, f"{path}.{key}" if path else str(key), depth + 1)


def _chosen(texts: list[tuple[str, str]], fields: Sequence[str]) -> list[tuple[str, str]]:
    """The texts below one of the fields, or all if the row has none of them."""
    wanted = set(fields)
    return [text for text in texts if wanted & set(text[0].split("."))] or texts if wanted else texts
