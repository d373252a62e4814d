"""Where the corpus begins: every document of a source, and an account of what could not be read."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal, TypeGuard

import pyarrow as pa
from pydantic import Field

from pipeline.errors import DuplicateIdError, EmptyCorpusError
from pipeline.params import Params
from pipeline.progress import say
from pipeline.schema import DOCS, DROPPED
from pipeline.sources import SOURCES
from pipeline.sources.rows import Counted, Document, Unreadable, row_id
from pipeline.tables import ShardWriter

ROWS_PER_BATCH = 64  # a shard is closed after the batch that fills it, so that small batches give even shards


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
    rows = SOURCES[params.source](files, lock, **options)
    counts: Counter[str] = Counter({"docs_out": 0, "bytes_out": 0})
    seen: set[str] = set()
    with ShardWriter(docs, DOCS) as kept, ShardWriter(dropped, DROPPED) as lost:
        while batch := list(islice(rows, ROWS_PER_BATCH)):
            for row in batch:
                _count(row, seen, counts)
            kept.write(pa.Table.from_pylist([row.row() for row in batch if _is_kept(row)], DOCS))
            lost.write(pa.Table.from_pylist([_loss(row) for row in batch if _is_lost(row)], DROPPED))
        if not counts["docs_out"]:
            raise EmptyCorpusError(
                f"{files}: no document: {params.source} gave {len(seen)} rows ({_rules(counts)}); see ingest in params.yaml"
            )
    say(f"ingest: {counts['docs_out']:,} documents, {counts['bytes_out'] / 1e6:.1f} MB")
    return {key: float(value) for key, value in counts.items()}


def _rules(counts: Counter[str]) -> str:
    rules = {key.removeprefix("dropped/"): number for key, number in sorted(counts.items()) if key.startswith("dropped/")}
    return ", ".join(f"{rule} {number}" for rule, number in rules.items()) or "no rule"


def _is_kept(row: Document | Unreadable | Counted) -> TypeGuard[Document]:
    return isinstance(row, Document) and bool(row.text.strip())


def _is_lost(row: Document | Unreadable | Counted) -> TypeGuard[Document | Unreadable]:
    return isinstance(row, Unreadable) or (isinstance(row, Document) and not row.text.strip())


def _count(row: Document | Unreadable | Counted, seen: set[str], counts: Counter[str]) -> None:
    if isinstance(row, Counted):
        counts[row.key] += row.number
        return
    identifier = row_id(row.source, row.locator)
    if identifier in seen:
        raise DuplicateIdError(
            f"{row.source}: {row.locator} comes more than once (id {identifier}); is ingest.files.id_field unique?"
        )
    seen.add(identifier)
    if _is_kept(row):
        size = len(row.text.encode("utf-8", "backslashreplace"))
        counts.update({"docs_out": 1, "bytes_out": size, f"docs_out/{row.source}": 1, f"bytes_out/{row.source}": size})
    else:
        counts[f"dropped/{_loss(row)['rule']}"] += 1


def _loss(row: Document | Unreadable) -> dict[str, object]:
    """The DROPPED row of what is no document, or an empty one."""
    loss: dict[str, object] = {"id": row_id(row.source, row.locator), "stage": "ingest"}
    if isinstance(row, Unreadable):
        return {**loss, "rule": row.rule, "num_bytes": row.num_bytes, "meta": row.meta()}
    document = row.row()
    return {**loss, "rule": "empty", "num_bytes": len(row.text.encode()), "meta": document["meta"]}
