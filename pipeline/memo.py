"""What a stage has computed, one folder per unit of work, so that a unit is computed once for the same input, params and code.

An entry holds the tables of each output and ``entry.json``: the sum of what was counted, and the sha-256 of every file. It gets
its name when it is whole, so that a killed process leaves no half of one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.tables import write_table

ENTRY = "entry.json"
_FICLONE = 0x40049409  # linux/fs.h: share the blocks of a file until either is written


@dataclass(frozen=True, slots=True)
class Memo:
    """The entries below ``folder``, each under its key."""

    folder: Path

    def has(self, key: str) -> bool:
        """Whether there is an entry and every file of it is what was written."""
        try:
            files = self._entry(key)["files"]
            return all(_sha256(self.folder / key / name) == digest for name, digest in files.items())
        except (OSError, ValueError, TypeError, KeyError):  # not there, no JSON, or JSON of another shape
            return False

    def store(self, key: str, results: Iterable[tuple[Sequence[pa.Table], Counter[str]]], schemas: Sequence[pa.Schema]) -> None:
        """Make the entry of what ``results`` yields: for each shard a table per output, and what was counted."""
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f"{key}.", dir=self.folder))
        counts: Counter[str] = Counter()
        files = {}
        try:
            for number, (tables, counted) in enumerate(results):
                counts.update(counted)
                for out, (table, schema) in enumerate(zip(tables, schemas, strict=True)):
                    if table.num_rows:
                        name = f"{out}-{number:06d}.parquet"
                        write_table(table.cast(schema), temporary / name)
                        files[name] = _sha256(temporary / name)
            body = json.dumps({"counts": counts, "files": files}, sort_keys=True)
            (temporary / ENTRY).write_text(f"{hashlib.sha256(body.encode()).hexdigest()}\n{body}", encoding="utf-8")
            shutil.rmtree(self.folder / key, ignore_errors=True)
            temporary.rename(self.folder / key)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def counts(self, key: str) -> Counter[str]:
        """What was counted."""
        return Counter(self._entry(key)["counts"])

    def files(self, key: str, out: int) -> list[Path]:
        """The tables of output number ``out``, in order."""
        return sorted((self.folder / key).glob(f"{out}-*.parquet"))

    def keep(self, keys: Collection[str]) -> None:
        """Delete every other entry, and what killed processes left."""
        for path in self.folder.iterdir():
            if path.name not in keys:
                shutil.rmtree(path)

    def _entry(self, key: str) -> dict[str, Any]:
        digest, _, body = (self.folder / key / ENTRY).read_text(encoding="utf-8").partition("\n")
        if hashlib.sha256(body.encode()).hexdigest() != digest:
            raise ValueError(f"{self.folder / key / ENTRY} is damaged")
        entry: dict[str, Any] = json.loads(body)
        return entry


def copy(source: Path, target: Path) -> None:
    """Copy a file, sharing its blocks where the file system can; never a hard link, through which a writer would reach both."""
    with source.open("rb") as read, target.open("wb") as write:
        try:
            fcntl.ioctl(write, _FICLONE, read.fileno())
        except OSError:  # another file system, or one that cannot
            shutil.copyfileobj(read, write, 1 << 20)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
