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
    """Input that gave no document: a file or a row of one, why, and how many bytes it has."""

    source: str
    locator: str
    error: str
    num_bytes: int

    def meta(self) -> str:
        """Source, locator and error as a JSON object, for the meta column of DROPPED."""
        return json.dumps({"source": self.source, "locator": self.locator, "error": self.error}, sort_keys=True)


def encodable(text: str) -> str:
    """``text`` with every lone surrogate written as its escape, so that it has a UTF-8 form."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
