"""Where documents come from: a source yields Documents, Unreadable for what gave none, Counted for what is no document."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pipeline.sources import files, installed_docs
from pipeline.sources.rows import Counted, Document, Unreadable

# ``read(path, lock, **options)``: the file or folder and the lock file of the command line, and the source's params.
SOURCES: dict[str, Callable[..., Iterator[Document | Unreadable | Counted]]] = {
    "files": files.read,
    "installed_docs": installed_docs.read,
}
