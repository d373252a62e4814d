"""Where documents come from: a source yields Documents, Unreadable for what gave none, Counted for what is no document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from pipeline.sources import installed_docs, parts
from pipeline.sources.parts import Part
from pipeline.sources.rows import Counted, Document, Unreadable


class Source(NamedTuple):
    """How a source is divided and read; ``options`` are the source's params.

    ``parts(path, lock, **options)``: what is read at a time and remembered, from the file or folder and the lock file of the
    command line. ``read(part, path, lock, **options)``: the rows of one.
    """

    parts: Callable[..., list[Part]]
    read: Callable[..., Iterator[Document | Unreadable | Counted]]


SOURCES = {
    "files": Source(parts.of_files, parts.read_files),
    "installed_docs": Source(parts.of_lock, lambda _, path, lock, **options: installed_docs.read(path, lock, **options)),
}
