"""Documents from files in a folder, by suffix, or from the hub.

Data files (JSONL, CSV, text, Parquet), pages (HTML) and web archives (WARC, WET, ARC), each plain or compressed (.gz, .zst). What
cannot be read costs that row or record, not its file: it is yielded as Unreadable. So local files are opened by Arrow and parsed
row by row, while ``datasets`` reads the hub: its JSON and CSV readers give up a whole file at the first bad line,
and the fsspec stream below them takes a truncated .zst file for a short one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.errors import InputError, MissingInputError
from pipeline.sources import archives
from pipeline.sources.formats import READERS, Row, too_large
from pipeline.sources.paragraphs import pieces
from pipeline.sources.rows import Counted, Document, NoDocument, Unreadable, encodable
from pipeline.sources.web import Capture, page

SOURCE = "files"
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
PAGES = {".html", ".htm", ".xhtml"}
ARCHIVES = {".warc", ".wet", ".wat", ".arc"}
NOT_DATA = {"README.md"}  # a data folder explains itself; hidden files and DVC's pointers are no data either
NOT_DATA_SUFFIXES = {".dvc"}
Found = Document | Unreadable | Counted


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of a row hold what; None is not looked for."""

    text: str
    id: str | None
    domain: str | None
    lang: str | None


@dataclass(frozen=True, slots=True)
class DataFile:
    """``name``: below the folder read. ``kind``: the suffix before that of a compression. ``stem``: without both."""

    path: Path
    name: str
    stem: str
    kind: str
    compression: str | None

    @property
    def num_bytes(self) -> int:
        """Its size on disk."""
        return self.path.stat().st_size


def read(
    path: Path,
    lock: Path,  # noqa: ARG001  # one form for all sources
    *,
    text_field: str,
    id_field: str | None,
    domain_field: str | None,
    lang_field: str | None,
    max_document_chars: int,
    max_document_bytes: int,
    main_text: str,
    hub: Mapping[str, Any] | None,
    only: Sequence[DataFile] | None = None,
    row_groups: Sequence[int] | None = None,
    first_row: int = 0,
) -> Iterator[Found]:
    """The documents of ``path``, files by name and rows in their order, or of the ``hub`` dataset when one is named.

    ``only`` these of its files, and of a Parquet file only some ``row_groups`` that come after ``first_row`` others.

    A document's locator is ``file:row`` (rows are counted from 1), ``file:id`` with ``id_field``, ``file`` for a text or a page,
    ``file:record:url`` in an archive. Its domain is the value of ``domain_field``, the registered domain of a page, or else the
    file's stem; other scalar fields go to its meta. A text longer than ``max_document_chars`` comes in pieces ``…#0001``, cut at
    paragraph ends; what has more than ``max_document_bytes`` is not read. Raises MissingInputError without ``path``, InputError
    for a hub dataset that does not load.
    """
    fields = Fields(text_field, id_field, domain_field, lang_field)
    rows = {"groups": row_groups, "first_row": first_row} if row_groups else {}
    files = data_files(path) if only is None else only
    for found in _hub(hub, fields) if hub else _local(files, fields, main_text, max_document_bytes, rows):
        if isinstance(found, Document) and len(found.text) > max_document_chars:
            for number, piece in enumerate(pieces(found.text, max_document_chars), start=1):
                yield replace(found, text=piece, locator=f"{found.locator}#{number:04d}")
        else:
            yield found


def _hub(hub: Mapping[str, Any], fields: Fields) -> Iterator[Found]:
    """The split of a hub dataset, or of a local folder that is laid out like one."""
    import datasets  # 0.6 s that only hub users pay

    try:
        stream = datasets.load_dataset(hub["name"], hub["config"], split=hub["split"], revision=hub["revision"], streaming=True)
    except (OSError, ValueError) as error:
        raise InputError(f"ingest.files.hub = {dict(hub)}: {type(error).__name__}: {error}") from error
    for number, row in enumerate(stream, start=1):
        yield _document((row, str(number), 0), f"{hub['name']}/{hub['split']}", Path(hub["name"]).name, fields)


def _local(files: Iterable[DataFile], fields: Fields, main_text: str, limit: int, rows: Mapping[str, Any]) -> Iterator[Found]:
    """What each data file gives. What cannot be opened or decompressed further ends it with an account of it."""
    for file in files:
        try:
            if file.kind in ARCHIVES:
                yield from archives.read(file.path, file.name, SOURCE, main_text=main_text, limit=limit)
            elif file.kind in PAGES:
                yield _page(file, main_text, limit)
            elif file.kind in READERS:
                with pa.input_stream(str(file.path), compression=file.compression) as stream:
                    for row in READERS[file.kind](stream, fields.text, limit, **rows):
                        yield _document(row, file.name, file.stem, fields)
            else:
                known = ", ".join([*READERS, *sorted(PAGES | ARCHIVES)])
                error = f"unknown suffix {file.kind!r}: want {known}, each also with {' or '.join(COMPRESSIONS)}"
                yield Unreadable(SOURCE, file.name, error, file.num_bytes)
        except (OSError, EOFError, pa.ArrowException) as error:
            reason = str(getattr(error, "strerror", None) or error).splitlines()[0].replace(str(file.path), file.path.name)
            yield Unreadable(SOURCE, file.name, f"{type(error).__name__}: {reason}", file.num_bytes)


def data_files(path: Path) -> Iterator[DataFile]:
    """Every data file of a folder, names sorted, or the one file. Raises MissingInputError."""
    if not path.exists():
        raise MissingInputError(f"{path}: no such file or folder; ingest.files.path names it")
    below = sorted(found for found in path.rglob("*") if found.is_file() and _is_data(found, path))
    for file in [path] if path.is_file() else below:
        name = encodable(file.relative_to(path).as_posix() if path.is_dir() else file.name)
        suffixes = [suffix.lower() for suffix in file.suffixes[-2:]]
        compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
        kind = (suffixes[-2:-1] if compression else suffixes[-1:]) or [""]
        stem = Path(file.name.removesuffix(file.suffix) if compression else file.name).stem
        yield DataFile(file, name, encodable(stem), kind[0], compression)


def _is_data(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return not hidden and file.name not in NOT_DATA and file.suffix not in NOT_DATA_SUFFIXES


def _page(file: DataFile, main_text: str, limit: int) -> Document | Unreadable:
    with pa.input_stream(str(file.path), compression=file.compression) as stream:
        body = stream.read(limit + 1)
    try:
        if len(body) > limit:
            raise too_large(limit)
        return page(Capture(body, "text/html"), SOURCE, file.name, file.stem, main_text=main_text)
    except NoDocument as loss:
        return Unreadable(SOURCE, file.name, str(loss), len(body), loss.rule)


def _document(found: Row, name: str, stem: str, fields: Fields) -> Document | Unreadable:
    """The row's document, or what it lacks. A text file is one row, which has no position and needs no id."""
    row, position, num_bytes = found
    try:
        text, identifier, rest = _parts(row, position, fields)
    except NoDocument as loss:
        return Unreadable(SOURCE, f"{name}:{position}" if position else name, str(loss), num_bytes, loss.rule)
    domain = rest.pop(fields.domain, None) if fields.domain else None
    lang = rest.pop(fields.lang, None) if fields.lang else None
    locator = encodable(f"{name}:{identifier}" if position else name)
    meta = {key: value for key, value in sorted(rest.items()) if _is_scalar(value)}
    return Document(text, SOURCE, locator, str(domain or stem), str(lang) if lang else None, meta)


def _parts(row: Mapping[str, Any] | NoDocument, position: str, fields: Fields) -> tuple[str, Any, dict[str, Any]]:
    """Text, id and the other fields of a row. Raises NoDocument."""
    if isinstance(row, NoDocument):
        raise row
    rest = dict(row)
    text = rest.pop(fields.text, None)
    if not isinstance(text, str):
        raise NoDocument("unreadable", f"no string in the field {fields.text!r} (ingest.files.text_field)")
    identifier = rest.pop(fields.id, None) if fields.id and position else position
    if identifier is None:
        raise NoDocument("unreadable", f"no value in the field {fields.id!r} (ingest.files.id_field)")
    return text, identifier, rest


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
