"""Documents from files: JSONL, CSV, text and Parquet, plain or compressed (.gz, .zst), in a file or a folder; or from the hub.

A row that cannot be read costs that row, not its file: it is yielded as Unreadable. This is why local files are opened by Arrow
and parsed here row by row, while ``datasets`` reads the hub: its JSON and CSV readers give up a whole file at the first bad line,
and the fsspec stream below them takes a truncated .zst file for a short one.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError, MissingInputError
from pipeline.sources.paragraphs import pieces
from pipeline.sources.rows import Document, Unreadable, encodable

SOURCE = "files"
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
NOT_DATA = {"README.md"}  # a data folder explains itself; hidden files and DVC's pointers are no data either
NOT_DATA_SUFFIXES = {".dvc"}
BYTES_PER_READ = 1 << 20
# A row as read (field to value), or what is wrong with it; where it stands in its file; its size in bytes.
Row = tuple[Mapping[str, Any] | str, str, int]


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of a row hold what; None is not looked for."""

    text: str
    id: str | None
    domain: str | None
    lang: str | None


def read(
    path: Path,
    lock: Path,  # noqa: ARG001  # one form for all sources
    *,
    text_field: str,
    id_field: str | None,
    domain_field: str | None,
    lang_field: str | None,
    max_document_chars: int,
    hub: Mapping[str, Any] | None,
) -> Iterator[Document | Unreadable]:
    """The documents of ``path``, files by name and rows in their order, or of the ``hub`` dataset when one is named.

    A document's locator is ``file:row`` (rows are counted from 1) or ``file:id`` with ``id_field``; its domain is the value of
    ``domain_field`` or else the file's stem; other scalar fields go to its meta. A text longer than ``max_document_chars`` comes
    in pieces ``…#0001``, cut at paragraph ends. Raises MissingInputError without ``path``, InputError for a hub dataset that does
    not load.
    """
    fields = Fields(text_field, id_field, domain_field, lang_field)
    for name, stem, rows in _hub(hub) if hub else _local(path, text_field):
        for row, position, num_bytes in rows:
            found = row if isinstance(row, str) else _document(row, name, stem, position, fields)
            if isinstance(found, str):
                yield Unreadable(SOURCE, f"{name}:{position}" if position else name, found, num_bytes)
                continue
            cut = pieces(found.text, max_document_chars)
            for number, piece in enumerate(cut, start=1):
                locator = f"{found.locator}#{number:04d}" if len(cut) > 1 else found.locator
                yield replace(found, text=piece, locator=locator)


def _document(row: Mapping[str, Any], name: str, stem: str, position: str, fields: Fields) -> Document | str:
    """The row's document, or what it lacks. A text file is one row, which has no position and needs no id."""
    rest = dict(row)
    text = rest.pop(fields.text, None)
    if not isinstance(text, str):
        return f"no string in the field {fields.text!r} (ingest.files.text_field)"
    identifier = rest.pop(fields.id, None) if fields.id and position else position
    if identifier is None:
        return f"no value in the field {fields.id!r} (ingest.files.id_field)"
    domain = rest.pop(fields.domain, None) if fields.domain else None
    lang = rest.pop(fields.lang, None) if fields.lang else None
    locator = encodable(f"{name}:{identifier}" if position else name)
    meta = {key: value for key, value in sorted(rest.items()) if _is_scalar(value)}
    return Document(text, SOURCE, locator, str(domain or stem), str(lang) if lang else None, meta)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def _hub(hub: Mapping[str, Any]) -> Iterator[tuple[str, str, Iterator[Row]]]:
    """One stream: the split of a hub dataset, or of a local folder that is laid out like one."""
    import datasets  # 0.6 s that only hub users pay

    try:
        stream = datasets.load_dataset(hub["name"], hub["config"], split=hub["split"], revision=hub["revision"], streaming=True)
    except (OSError, ValueError) as error:
        raise InputError(f"ingest.files.hub = {dict(hub)}: {type(error).__name__}: {error}") from error
    rows = ((row, str(number), 0) for number, row in enumerate(stream, start=1))
    yield f"{hub['name']}/{hub['split']}", Path(hub["name"]).name, rows


def _local(path: Path, text_field: str) -> Iterator[tuple[str, str, Iterator[Row]]]:
    """Name, stem and rows of each data file, names sorted."""
    if not path.exists():
        raise MissingInputError(f"{path}: no such file or folder; ingest.files.path names it")
    found = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file() and _is_data(file, path))
    for file in found:
        name = encodable(file.relative_to(path).as_posix() if path.is_dir() else file.name)
        suffixes = [suffix.lower() for suffix in file.suffixes[-2:]]
        compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
        kind = (suffixes[-2:-1] if compression else suffixes[-1:]) or [""]
        stem = file.name.removesuffix(file.suffix) if compression else file.name
        yield name, Path(stem).stem, _rows(file, kind[0], compression, text_field)


def _is_data(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return not hidden and file.name not in NOT_DATA and file.suffix not in NOT_DATA_SUFFIXES


def _rows(file: Path, kind: str, compression: str | None, text_field: str) -> Iterator[Row]:
    """The file's rows; what cannot be decompressed or opened any further ends them with an account of it."""
    if kind not in READERS:
        yield (
            f"unknown suffix {kind!r}: want {', '.join(READERS)}, each also with {' or '.join(COMPRESSIONS)}",
            "",
            file.stat().st_size,
        )
        return
    try:
        with pa.input_stream(str(file), compression=compression) as stream:
            yield from READERS[kind](stream, text_field)
    except (OSError, EOFError, pa.ArrowException, UnicodeDecodeError) as error:
        reason = str(getattr(error, "strerror", None) or error).splitlines()[0].replace(str(file), file.name)
        yield f"{type(error).__name__}: {reason}", "", file.stat().st_size


def _lines(stream: Any) -> Iterator[bytes]:
    """The stream's lines, line feeds kept; only LF ends a line, for JSON strings may hold any other line end."""
    rest = b""
    while block := stream.read(BYTES_PER_READ):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield line + b"\n"
    if rest:
        yield rest


def _jsonl(stream: Any, text_field: str) -> Iterator[Row]:  # noqa: ARG001
    for number, line in enumerate(_lines(stream), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            yield f"{type(error).__name__}: {error}", str(number), len(line)
            continue
        yield (value if isinstance(value, dict) else f"a JSON {type(value).__name__}, not an object"), str(number), len(line)


def _csv(stream: Any, text_field: str) -> Iterator[Row]:  # noqa: ARG001
    csv.field_size_limit(sys.maxsize)  # the library's default of 131,072 characters is less than a chapter
    # surrogateescape carries undecodable bytes through the parser, so that one of them costs one record
    lines = (line.decode("utf-8-sig" if first else "utf-8", "surrogateescape") for first, line in _mark_first(_lines(stream)))
    reader = csv.reader(lines, strict=True)
    header: list[str] | None = None
    number = 0
    while True:
        number += 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"csv.Error: {error}", str(number), 0
            continue
        if header is None:
            header, number = record, 0
        elif record:
            yield _record(header, record), str(number), sum(len(value.encode("utf-8", "surrogateescape")) for value in record)


def _record(header: list[str], record: list[str]) -> Mapping[str, Any] | str:
    if len(record) != len(header):
        return f"{len(record)} fields under {len(header)} names"
    if any("\udc80" <= character <= "\udcff" for value in record if not value.isascii() for character in value):
        return "UnicodeDecodeError: not UTF-8"
    return dict(zip(header, record, strict=True))


def _mark_first(lines: Iterator[bytes]) -> Iterator[tuple[bool, bytes]]:
    return ((number == 0, line) for number, line in enumerate(lines))


def _text(stream: Any, text_field: str) -> Iterator[Row]:
    data = stream.read()
    yield {text_field: data.decode("utf-8-sig")}, "", len(data)


def _parquet(stream: Any, text_field: str) -> Iterator[Row]:  # noqa: ARG001
    # The footer is at the end, so that a compressed file has to be whole in memory.
    file = pq.ParquetFile(stream if stream.seekable() else pa.BufferReader(stream.read()))
    number = 0
    for batch in file.iter_batches(batch_size=1024):
        for row in batch.to_pylist():
            number += 1
            yield row, str(number), 0


READERS: dict[str, Callable[[Any, str], Iterator[Row]]] = {
    ".jsonl": _jsonl,
    ".csv": _csv,
    ".txt": _text,
    ".md": _text,
    ".parquet": _parquet,
}
