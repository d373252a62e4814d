"""A page as it was captured, in an archive or a folder, to a document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from resiliparse.parse.encoding import detect_mime
from tld import get_fld

from pipeline.sources.rows import Document, NoDocument, encodable
from pipeline.text.encoding import decode
from pipeline.text.html import EXTRACTORS

DOCUMENTS = {"response", "resource", "conversion"}  # record types that hold what was captured; the others tell about it
HTML = {"text/html", "application/xhtml+xml"}
PLAIN = {"text/plain"}


@dataclass(frozen=True, slots=True)
class Record:
    """``kind``: its WARC type. ``data``: its block, cut above the limit. ``num_bytes``: what its header says that it has.

    ``damage``: why it could not be read whole.
    """

    number: int
    kind: str
    data: bytes
    num_bytes: int
    content_type: str | None = None
    damage: NoDocument | None = None
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Capture:
    """``content_type``: the value of that header, None to have it told from the bytes. ``meta``: url, date and the like."""

    body: bytes
    content_type: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)


def page(capture: Capture, source: str, locator: str, domain: str, *, main_text: str) -> Document:
    """The document of a page; its meta gains content type, charset, what named the charset, and the title.

    The domain is the registered one of its URL (the name below a public suffix), else its host, else ``domain``.
    Raises NoDocument: content_type, empty, undecodable, unreadable.
    """
    kind, charset = _content_type(capture)
    if not capture.body.strip():
        raise NoDocument("empty", "no byte in the body")
    if kind not in HTML | PLAIN:
        raise NoDocument("content_type", f"{kind}: neither HTML nor plain text")
    try:
        decoded = decode(capture.body, charset)
    except UnicodeError as error:
        raise NoDocument("undecodable", str(error)) from error
    meta = {**capture.meta, "content_type": kind, "charset": decoded.charset, "charset_from": decoded.found}
    text = decoded.text
    if kind in HTML:
        found = EXTRACTORS[main_text](encodable(text))
        text = found.text
        if found.title:
            meta["title"] = found.title
    if not text.strip():
        raise NoDocument("empty", "no main text in the page")
    return Document(text, source, locator, registered_domain(str(meta.get("url", ""))) or domain, meta=meta)


def _content_type(capture: Capture) -> tuple[str, str | None]:
    """Media type and charset, in lower case."""
    if not capture.content_type:
        return detect_mime(capture.body), None
    kind, *parameters = (part.strip().lower() for part in capture.content_type.split(";"))
    charsets = [part.partition("=")[2].strip("\"' ") for part in parameters if part.startswith("charset")]
    return kind, charsets[0] if charsets else None


def registered_domain(url: str) -> str | None:
    """The name that its owner registered; the host where there is none, such as an address.

    >>> registered_domain("https://www.example.co.uk/a"), registered_domain("http://127.0.0.1/")
    ('example.co.uk', '127.0.0.1')
    """
    try:
        return get_fld(url, fail_silently=True) or urlsplit(url).hostname
    except ValueError:  # an address in brackets that is none
        return None
