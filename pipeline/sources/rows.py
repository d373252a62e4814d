"""What a source yields: a document, or an account of something that could not be read as one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any


def row_id(source: str, locator: str) -> str:
    """32 hex digits of SHA-256 over source, NUL, locator: the same on every run, whatever the text."""
    return hashlib.sha256(f"{source}\0{locator}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Document:
    """A row of DOCS. ``lang`` is an ISO 639-1 code or None; ``meta`` holds what JSON can hold."""

    text: str
    source: str
    locator: str
    domain: str
    lang: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)

    def row(self) -> dict[str, object]:
        """The DOCS row. Lone surrogates, which are no Unicode text, are written as their escapes."""
        return {
            "id": row_id(self.source, self.locator),
            "text": encodable(self.text),
            "source": self.source,
            "locator": self.locator,
            "domain": encodable(self.domain),
            "lang": self.lang,
            "meta": json.dumps(self.meta, ensure_ascii=True, sort_keys=True),
        }


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Input that gave no document: a file, a row or a record of one, why, and how many bytes it has.

    ``rule``: ``unreadable``, or what it was instead of a document (see NoDocument). ``details`` go to the meta of DROPPED.
    """

    source: str
    locator: str
    error: str
    num_bytes: int
    rule: str = "unreadable"
    details: dict[str, Any] = field(default_factory=dict)

    def meta(self) -> str:
        """Source, locator, error and details as a JSON object, for the meta column of DROPPED."""
        given = {"source": self.source, "locator": self.locator, "error": self.error}
        return json.dumps({**self.details, **given}, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Counted:
    """Input that is neither a document nor the loss of one, such as a request in a web archive: only its number is reported."""

    key: str
    number: int = 1


class NoDocument(ValueError):  # noqa: N818  # no error of the run: it becomes a row of DROPPED
    """What was read is no document. ``rule``: status, content_type, empty, truncated, too_large, undecodable or unreadable."""

    def __init__(self, rule: str, error: str) -> None:
        super().__init__(error)
        self.rule = rule


def encodable(text: str) -> str:
    """``text`` with every lone surrogate written as its escape, so that it has a UTF-8 form."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
