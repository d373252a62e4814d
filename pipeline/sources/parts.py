"""The parts that a folder of files is read in, such that a file that comes or goes leaves the other parts as they are.

A large file is a part, a Parquet file one for each few row groups; small files share one. Which share is decided by their names:
the files, in order of name, are cut behind each whose hash is below a bound that grows with its size, so that parts have some
BYTES_PER_PART and an added file changes no more than the part it falls into (content-defined chunking, as in LBFS: Muthitacharoen
et al. 2001).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import SchemaError
from pipeline.row_groups import RowGroup, groups
from pipeline.sources.files import DataFile, Found, data_files, read

BYTES_PER_PART = 4 << 20  # on disk
MOST_BYTES = 8 * BYTES_PER_PART  # so that an unlucky run of names ends


@dataclass(frozen=True, slots=True)
class Part:
    """Files below a folder, or row groups of one Parquet file with ``first_row`` rows before them."""

    files: tuple[DataFile, ...]
    row_groups: tuple[RowGroup, ...] = ()
    first_row: int = 0

    def fingerprint(self) -> str:
        """A hash of names and contents."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(f"{file.name}\0{file.stem}\0{file.kind}\0{file.compression}\0{self.first_row}\0".encode())
            content = "".join(group.sha256() for group in self.row_groups) or _sha256(file.path)
            digest.update(content.encode())
        return digest.hexdigest()


def of_files(path: Path, lock: Path, *, hub: Mapping[str, Any] | None, **_: Any) -> list[Part]:  # noqa: ARG001  # one form for all
    """The parts of a folder or file; a hub dataset is one part, whose content is its revision, or its files if it is a folder.

    Raises MissingInputError.
    """
    if hub is None:
        return list(divide(list(data_files(path))))
    return [Part(tuple(data_files(Path(hub["name"]))) if Path(hub["name"]).exists() else ())]


def read_files(part: Part, path: Path, lock: Path, *, hub: Mapping[str, Any] | None, **options: Any) -> Iterator[Found]:
    """The documents of one part."""
    if hub is not None:
        return read(path, lock, hub=hub, **options)
    numbers = [group.number for group in part.row_groups]
    return read(path, lock, hub=None, only=part.files, row_groups=numbers, first_row=part.first_row, **options)


def of_lock(path: Path, lock: Path, **_: Any) -> list[Part]:  # noqa: ARG001
    """One part, which changes with the lock file. Raises MissingInputError."""
    return [Part(tuple(data_files(lock)))]


def divide(files: Sequence[DataFile]) -> Iterator[Part]:
    """The parts of files that are sorted by name."""
    pending: list[DataFile] = []
    for file in files:
        size = file.num_bytes
        if size >= BYTES_PER_PART:
            if pending:
                yield Part(tuple(pending))
                pending = []
            yield from _parts_of(file)
            continue
        pending.append(file)
        if _fraction(file.name) < size / BYTES_PER_PART or sum(f.num_bytes for f in pending) >= MOST_BYTES:
            yield Part(tuple(pending))
            pending = []
    if pending:
        yield Part(tuple(pending))


def _parts_of(file: DataFile) -> Iterator[Part]:
    """A large file: a Parquet file by row groups, every other whole."""
    try:
        found = list(groups(file.path)) if file.kind == ".parquet" and not file.compression else []
    except SchemaError:  # the reader will say what is wrong with it
        found = []
    if not found:
        yield Part((file,))
    pending: list[RowGroup] = []
    first = row = 0
    for group in found:
        pending.append(group)
        row += group.num_rows
        if sum(g.stop - g.start for g in pending) >= BYTES_PER_PART or group is found[-1]:
            yield Part((file,), tuple(pending), first)
            pending, first = [], row


def _fraction(name: str) -> float:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
