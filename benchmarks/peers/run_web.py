"""Times a peer of pages or encodings on the JSON list in a file (pages as text, bytes as base64): run_web.py PEER FILE."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measure

Work = Callable[[Any], str | None]


def trafilatura() -> Work:
    """As installed, without the comments below an article."""
    from trafilatura import extract

    return lambda page: extract(page, include_comments=False) or ""


def trafilatura_precise() -> Work:
    """The setting that FineWeb and datatrove take."""
    from trafilatura import extract

    return lambda page: extract(page, include_comments=False, favor_precision=True) or ""


def readability() -> Work:
    """readability-lxml, its HTML turned into text by lxml."""
    from lxml.html import fromstring
    from readability import Document

    def text(page: str) -> str:
        summary = Document(page).summary()
        return str(fromstring(summary).text_content()) if summary.strip() else ""

    return text


def chardet() -> Work:
    """All the encodings that it knows, not only those of today's web."""
    import chardet as library
    from chardet.enums import EncodingEra

    every = ~EncodingEra(0)
    return lambda data: library.detect(data, encoding_era=every)["encoding"]


def charset_normalizer() -> Work:
    """Its best guess."""
    from charset_normalizer import from_bytes

    def detect(data: bytes) -> str | None:
        best = from_bytes(data).best()
        return best.encoding if best else None

    return detect


def uchardet() -> Work:
    """The C++ detector in resiliparse, alone."""
    from resiliparse.parse.encoding import detect_encoding

    return lambda data: detect_encoding(data, html5_compatible=False)


DETECTORS: dict[str, Callable[[], Work]] = {"chardet": chardet, "charset_normalizer": charset_normalizer, "uchardet": uchardet}
EXTRACTORS: dict[str, Callable[[], Work]] = {
    "trafilatura": trafilatura,
    "trafilatura_precise": trafilatura_precise,
    "readability": readability,
}


def main() -> None:
    """Work through every item once; one before the clock starts, for what loads late."""
    peer = sys.argv[1]
    items = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    items = [base64.b64decode(item) for item in items] if peer in DETECTORS else items
    work = (DETECTORS | EXTRACTORS)[peer]()
    work(items[0])
    with measure.clock() as cost:
        answers = [work(item) for item in items]
    measure.answer(cost, answers=answers)


if __name__ == "__main__":
    main()
