"""Brings a text to one form: repaired encoding, NFC, line feeds, no control characters, no trailing or surplus white space."""

from __future__ import annotations

import re
import unicodedata

import ftfy
from ftfy.badness import is_bad

# CR LF, CR, vertical tab, form feed, NEL, line and paragraph separator: what ends a line, but for the line feed itself.
_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
# The other control characters but the tab (category Cc), and the byte order mark.
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff]")
_BLANK_LINES = re.compile("\n{3,}")


def normalize(text: str) -> tuple[str, bool]:
    r"""Give the normal form of ``text`` and whether its encoding was repaired. Indentation is kept: documentation lives by it.

    >>> normalize("  a\u0301 \r\n\n\n\nb\x00")
    ('  á\n\nb', False)
    """
    repaired = False
    if not text.isascii():
        fixed = _repair(text)
        repaired = fixed != text
        text = unicodedata.normalize("NFC", fixed)
    text = _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))
    text = "\n".join([line.rstrip() for line in text.split("\n")])
    return _BLANK_LINES.sub("\n\n", text).strip("\n"), repaired


def _repair(text: str) -> str:
    """Undo decoding with the wrong codec, in the lines that show it: pairs of characters that hardly ever meet otherwise."""
    if not is_bad(text):
        return text
    return "".join(ftfy.fix_encoding(line) if is_bad(line) else line for line in text.splitlines(keepends=True))
