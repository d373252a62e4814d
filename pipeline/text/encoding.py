"""Bytes of an unknown encoding to text.

The order is that of the WHATWG (HTML standard, "determining the character encoding"): byte order mark, transport header, the
document's own declaration, then the bytes. One thing comes before a declaration: bytes that are valid UTF-8 and hold a multi-byte
sequence are UTF-8, whatever is declared; legacy text is so by accident only when it is a few words long.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from charset_normalizer import from_bytes
from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

BOMS = (  # UTF-32 first: its little-endian mark begins like that of UTF-16
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
# Where writers of one charset use characters of a larger one under its name (WHATWG Encoding Standard, 4.2, in Python's names).
SUPERSETS = {
    "ascii": "cp1252",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "shift_jis": "cp932",
    "tis-620": "cp874",
}
NO_CHARSETS = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}  # Python calls them codecs
DECLARATION = re.compile(
    rb"<meta[^>]{0,500}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w.:-]{2,40})"
    rb"|<\?xml[^>]{0,200}?encoding\s{0,9}=\s{0,9}[\"']([\w.:-]{2,40})",
    re.IGNORECASE,
)
DECLARED_WITHIN = 4096  # bytes; the standard asks for 1024, pages are less careful
SAMPLE = 64 << 10  # bytes that the statistical detectors see
MAX_DAMAGE = 0.1  # of the characters that are not ASCII: a wrong charset damages most of them, an editor's slip a few
MAX_CONTROLS = 0.05  # of the characters: more, and it is no text (resiliparse's detect_mime draws the line there)
LOW = bytes(range(32))
CONTROLS = bytes(sorted(set(range(32)) - set(b"\t\n\v\f\r\x0e\x0f\x1b")))  # shifts and escape belong to ISO 2022


@dataclass(frozen=True, slots=True)
class Decoded:
    """``found``: what named the charset: ``bom``, ``utf-8`` (valid as such), ``header``, ``meta`` or ``bytes``.

    ``replaced``: undecodable sequences, each now U+FFFD. ``charset``: Python's name of the codec.
    """

    text: str
    charset: str
    found: str
    replaced: int = 0


def decode(data: bytes, declared: str | None = None) -> Decoded:
    r"""The text of ``data``, whose transport header named the charset ``declared``, if any.

    Raises UnicodeError when it is no text: more than 5 % control characters, or no charset fits nine tenths of what is not ASCII.

    >>> decode("größe".encode("latin-1"), "iso-8859-1")
    Decoded(text='größe', charset='cp1252', found='header', replaced=0)
    """
    for mark, charset in BOMS:
        if data.startswith(mark):
            return _checked(data[len(mark) :], charset, "bom")
    if not (is_plain := data.isascii() and b"\x1b" not in data and b"~{" not in data):
        try:
            if not data.isascii():
                return _checked(data, "utf-8", "utf-8", "strict")
        except UnicodeDecodeError:
            pass  # not UTF-8, then
    elif not _wide(data):
        return _checked(data, "utf-8", "utf-8")
    for charset, found in _candidates(data, declared, is_plain):
        decoded = _checked(data, charset, found)
        if decoded.replaced <= MAX_DAMAGE * sum(not character.isascii() for character in decoded.text):
            return decoded
    raise UnicodeError(f"no charset fits {len(data)} bytes")


def _checked(data: bytes, charset: str, found: str, errors: str = "replace") -> Decoded:
    text = data.decode(charset, errors)
    narrow = text.encode("utf-8", "replace") if charset.startswith(("utf-16", "utf-32")) else data
    controls = len(narrow) - len(narrow.translate(None, CONTROLS))
    if controls > MAX_CONTROLS * len(text):
        raise UnicodeError(f"{controls} control characters among {len(text)}: no text")
    given = data.count(b"\xef\xbf\xbd") if charset == "utf-8" else 0  # its author's, not ours
    return Decoded(text, charset, found, text.count("\ufffd") - given)


def _candidates(data: bytes, declared: str | None, is_plain: bool) -> Iterator[tuple[str, str]]:  # noqa: FBT001
    """Charsets to try, each with what names it."""
    if (wide := _wide(data)) is not None:
        yield wide, "bytes"
    named = DECLARATION.search(data, 0, DECLARED_WITHIN)
    for label, found in ((declared, "header"), (_label(named), "meta")):
        if label and (charset := codec(label)) and not charset.startswith(("utf-16", "utf-32")):
            yield charset, found
    if is_plain:
        return
    quick = detect_encoding(data, max_len=SAMPLE, html5_compatible=False)
    if quick and map_encoding_to_html5(quick, fallback_utf8=False) and (charset := codec(quick)):
        yield charset, "bytes"
    best = from_bytes(data[:SAMPLE]).best()  # slow, so only when the first sees none, or one that the web does not use
    for label in (best.encoding if best else None, quick):
        if label and (charset := codec(label)):
            yield charset, "bytes"
    yield "cp1252", "bytes"


def _label(match: re.Match[bytes] | None) -> str | None:
    return (match[1] or match[2]).decode("ascii", "ignore") if match else None


def _wide(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, told by where bytes below 32 stand: the high halves of all alphabets."""
    sample = data[: min(len(data), 4096) // 4 * 4]
    quarter = max(len(sample) // 4, 1)
    low = [1 - len(sample[start::4].translate(None, LOW)) / quarter if sample else 0.0 for start in range(4)]
    zero = [sample[start::4].count(0) / quarter for start in range(4)]
    for charset, high, rest in (("utf-32-le", (2, 3), (0,)), ("utf-32-be", (0, 1), (3,))):
        if all(zero[place] > 0.9 for place in high) and all(zero[place] < 0.1 for place in rest):
            return charset
    for charset, first in (("utf-16-le", 1), ("utf-16-be", 0)):
        if min(low[first::2]) > 0.9 and max(low[1 - first :: 2]) < 0.7:
            return charset
    return None


def codec(label: str) -> str | None:
    """Python's name of the charset that the web means by ``label``; None when there is none.

    >>> codec("x-sjis"), codec("GB2312"), codec("none")
    ('cp932', 'gb18030', None)
    """
    try:
        name = codecs.lookup(map_encoding_to_html5(label, fallback_utf8=False) or label).name
        "a".encode(name)  # raises LookupError for a codec that is none of text, such as zlib
    except (LookupError, UnicodeError, ValueError):
        return None
    return None if name in NO_CHARSETS else SUPERSETS.get(name, name)
