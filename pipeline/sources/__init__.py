"""Where documents come from: each source yields what it could read as Document and what it could not as Unreadable."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pipeline.sources import files, installed_docs
from pipeline.sources.rows import Document, Unreadable

# ``read(path, lock, **options)``: the file or folder and the lock file of the command line, and the source's params.
SOURCES: dict[str, Callable[..., Iterator[Document | Unreadable]]] = {
    "files": files.read,
    "installed_docs": installed_docs.read,
}
