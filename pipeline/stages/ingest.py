"""Where the corpus begins: every document of a source, and an account of what could not be read."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import Field

from pipeline.engine import ShardResult, map_parts
from pipeline.errors import DuplicateIdError, EmptyCorpusError
from pipeline.params import Params
from pipeline.progress import say
from pipeline.row_groups import BYTES_PER_SHARD
from pipeline.schema import DOCS, DROPPED
from pipeline.sources import SOURCES
from pipeline.sources.parts import Part
from pipeline.sources.rows import Counted, Document, Unreadable, row_id
from pipeline.tables import ROWS_PER_GROUP, check_unique


class InstalledDocsParams(Params):
    """Which installed packages are read; each has to be pinned by the lock file."""

    packages: Annotated[tuple[str, ...], Field(min_length=1)]


class HubParams(Params):
    """A dataset of the Hugging Face hub, or a local folder that is laid out like one.

    ``revision`` is a commit: without one, the same params would give another corpus after the next upload.
    """

    name: str
    config: str | None = None
    split: str = "train"
    revision: str


class FilesParams(Params):
    """Where the files are, which fields of a row are what (a null field is not looked for), and how pages are read.

    ``max_document_bytes``: a row, text or page with more is a loss, so that memory is bounded.
    """

    path: Path
    text_field: str = "text"
    id_field: str | None = None
    domain_field: str | None = None
    lang_field: str | None = None
    max_document_chars: Annotated[int, Field(ge=1_000)] = 20_000
    max_document_bytes: Annotated[int, Field(ge=1_000)] = 1 << 28
    main_text: Literal["resiliparse", "trafilatura"] = "resiliparse"
    hub: HubParams | None = None


class IngestParams(Params):
    """The source, and the options of each."""

    source: Literal["installed_docs", "files"]
    installed_docs: InstalledDocsParams
    files: FilesParams


def ingest(files: Path, lock: Path, docs: Path, dropped: Path, *, params: IngestParams) -> dict[str, float]:
    """Write the DOCS of the source that params name to ``docs`` and a DROPPED row for what is unreadable or empty to ``dropped``.

    Raises MissingInputError, InputError (see the sources), DuplicateIdError, EmptyCorpusError.
    """
    options = getattr(params, params.source).model_dump(exclude={"path"})
    parts = SOURCES[params.source].parts(files, lock, **options)
    function = partial(read_part, source=params.source, path=files, lock=lock, options=options)
    counts = {"docs_out": 0.0, "bytes_out": 0.0} | map_parts(function, parts, {docs: DOCS, dropped: DROPPED})
    try:
        check_unique({docs: DOCS, dropped: DROPPED})
    except DuplicateIdError:
        _remove(docs, dropped)
        raise
    if not counts["docs_out"]:
        _remove(docs, dropped)
        raise EmptyCorpusError(f"{files}: no document: {params.source} gave {_losses(counts)}; see ingest in params.yaml")
    say(f"ingest: {counts['docs_out']:,.0f} documents, {counts['bytes_out'] / 1e6:.1f} MB")
    return counts


def _remove(*tables: Path) -> None:
    for table in tables:
        shutil.rmtree(table)


def read_part(part: Part, *, source: str, path: Path, lock: Path, options: dict[str, Any]) -> Iterator[ShardResult]:
    """The documents and losses of one part, cut where BYTES_PER_SHARD are full; a larger document is alone in its shard."""
    kept: list[dict[str, object]] = []
    lost: list[dict[str, object]] = []
    counts: Counter[str] = Counter()
    size = 0
    for row in SOURCES[source].read(part, path, lock, **options):
        num_bytes = _count(row, counts)
        if kept and num_bytes >= BYTES_PER_SHARD:
            yield _tables(kept, lost), counts
            kept, lost, counts, size = [], [], Counter(), 0
        if isinstance(row, Document) and num_bytes:
            kept.append(row.row())
        elif not isinstance(row, Counted):
            lost.append(_loss(row))
        size += num_bytes
        if size >= BYTES_PER_SHARD or len(lost) >= ROWS_PER_GROUP:
            yield _tables(kept, lost), counts
            kept, lost, counts, size = [], [], Counter(), 0
    yield _tables(kept, lost), counts


def _tables(kept: list[dict[str, object]], lost: list[dict[str, object]]) -> tuple[pa.Table, pa.Table]:
    return pa.Table.from_pylist(kept, DOCS), pa.Table.from_pylist(lost, DROPPED)


def _losses(counts: dict[str, float]) -> str:
    rules = {key.removeprefix("dropped/"): number for key, number in counts.items() if key.startswith("dropped/")}
    return ", ".join(f"{number:.0f} {rule}" for rule, number in rules.items()) or "nothing"


def _count(row: Document | Unreadable | Counted, counts: Counter[str]) -> int:
    """Count the row; returns the bytes of a document's text, 0 for what is none."""
    if isinstance(row, Counted):
        counts[row.key] += row.number
        return 0
    if isinstance(row, Unreadable) or not row.text.strip():
        counts[f"dropped/{_loss(row)['rule']}"] += 1
        return 0
    size = len(row.text.encode("utf-8", "backslashreplace"))
    counts.update({"docs_out": 1, "bytes_out": size, f"docs_out/{row.source}": 1, f"bytes_out/{row.source}": size})
    return size


def _loss(row: Document | Unreadable) -> dict[str, object]:
    """The DROPPED row of what is no document, or an empty one."""
    loss: dict[str, object] = {"id": row_id(row.source, row.locator), "stage": "ingest"}
    if isinstance(row, Unreadable):
        return {**loss, "rule": row.rule, "num_bytes": row.num_bytes, "meta": row.meta()}
    document = row.row()
    return {**loss, "rule": "empty", "num_bytes": len(row.text.encode()), "meta": document["meta"]}
