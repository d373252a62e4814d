"""Web archives, WARC, WET or ARC: each capture of a page gives a document or an account of why not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.sources import arc, warc
from pipeline.sources.http import decoded_body, parse_response
from pipeline.sources.rows import Counted, Document, NoDocument, Unreadable, encodable
from pipeline.sources.web import DOCUMENTS, Capture, Record, page


def read(file: Path, name: str, source: str, *, main_text: str, limit: int) -> Iterator[Document | Unreadable | Counted]:
    """The documents of an archive in its order; locators are ``name:number:url``, records being counted from 1."""
    records = arc.records(file, limit) if ".arc" in file.suffixes[-2:] else warc.records(file, limit)
    for record in records:
        yield Counted(f"records/{record.kind}")
        url = record.meta.get("url")
        locator = encodable(f"{name}:{record.number}:{url}" if url else f"{name}:{record.number}")
        try:
            if record.damage:
                raise record.damage
            if record.kind in DOCUMENTS and not str(url).startswith("metadata:"):  # the crawler's own log files
                yield page(_capture(record, limit), source, locator, Path(name).name.partition(".")[0], main_text=main_text)
        except NoDocument as loss:
            yield Unreadable(source, locator, str(loss), record.num_bytes, loss.rule, record.meta)


def _capture(record: Record, limit: int) -> Capture:
    """The body of a record, content codings undone. Raises NoDocument."""
    if record.num_bytes > limit:
        raise NoDocument("too_large", f"more than {limit} bytes (ingest.files.max_document_bytes)")
    if "truncated" in record.meta:
        raise NoDocument("truncated", f"the crawler cut it: {record.meta['truncated']}")
    if not (record.content_type or "").startswith("application/http"):
        return Capture(record.data, record.content_type, record.meta)
    response = parse_response(record.data)
    if response.status != 200:
        raise NoDocument("status", f"HTTP status {response.status}")
    return Capture(decoded_body(response, limit), response.headers.get("content-type"), record.meta)
