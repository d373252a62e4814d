"""Bytes to text: what names the charset, in which order, and what is no text."""

from __future__ import annotations

import codecs
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.encoding import SUPERSETS, codec, decode

RUSSIAN = "Съешь ещё этих мягких французских булок, да выпей чаю. Широкая электрификация южных губерний даст мощный толчок. " * 3
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。" * 3


@pytest.mark.parametrize(
    ("data", "declared", "charset", "found"),
    [
        (codecs.BOM_UTF8 + b"a", "windows-1251", "utf-8", "bom"),
        (codecs.BOM_UTF16_LE + "é".encode("utf-16-le"), "utf-8", "utf-16-le", "bom"),
        (codecs.BOM_UTF32_LE + "é".encode("utf-32-le"), None, "utf-32-le", "bom"),
        ("naïve".encode(), "iso-8859-1", "utf-8", "utf-8"),  # a header that the bytes contradict
        (b"plain", "shift_jis", "utf-8", "utf-8"),
        ("naïve".encode("latin-1"), "ISO-8859-1", "cp1252", "header"),
        (b'<meta charset="koi8-r">' + RUSSIAN.encode("koi8-r"), "windows-1251", "cp1251", "header"),
        (b'<meta charset="koi8-r">' + RUSSIAN.encode("koi8-r"), None, "koi8-r", "meta"),
        (b'<meta http-equiv=x content="text/html; charset=koi8-r">' + RUSSIAN.encode("koi8-r"), "none", "koi8-r", "meta"),
        (b"<?xml version='1.0' encoding='euc-jp'?>" + JAPANESE.encode("euc-jp"), None, "euc_jp", "meta"),
        (RUSSIAN.encode("koi8-r"), None, "koi8-r", "bytes"),
        (JAPANESE.encode("shift_jis"), None, "cp932", "bytes"),
        (JAPANESE.encode("iso-2022-jp"), None, "iso2022_jp", "bytes"),
        ("Plain English words, no mark.".encode("utf-16-be"), None, "utf-16-be", "bytes"),
        ("Plain English words, no mark.".encode("utf-32-le"), None, "utf-32-le", "bytes"),
    ],
)
def test_what_names_the_charset(data: bytes, declared: str | None, charset: str, found: str) -> None:
    decoded = decode(data, declared)
    assert (decoded.charset, decoded.found, decoded.replaced) == (charset, found, 0)
    assert decoded.text.encode(charset) in data


def test_a_declaration_that_does_not_fit_is_passed_over() -> None:
    decoded = decode(RUSSIAN.encode("cp1251"), "utf-8")
    assert (decoded.text, decoded.found) == (RUSSIAN, "bytes")


def test_a_slip_in_a_long_text_costs_one_character() -> None:
    decoded = decode("größer und höher ".encode() * 50 + b"\xff.", "utf-8")
    assert (decoded.charset, decoded.found, decoded.replaced) == ("utf-8", "header", 1)
    assert decode("\ufffd given by its author ä".encode()).replaced == 0


@pytest.mark.parametrize("data", [bytes(range(32)) * 40, b"\x89PNG\r\n\x1a\n" + bytes(200), b"\0" * 1000, b"text" + b"\1" * 9])
def test_what_is_no_text_is_an_error(data: bytes) -> None:
    with pytest.raises(UnicodeError, match="control characters"):
        decode(data)


def test_a_nul_or_two_do_no_harm() -> None:
    assert decode(b"a\0b" + b"c" * 100).text == "a\0b" + "c" * 100


@pytest.mark.parametrize("label", ["zlib", "rot13", "idna", "unicode_escape", "utf-7", "undefined", "none", "", "\0", "ü"])
def test_codecs_that_are_no_charsets_are_none(label: str) -> None:
    assert codec(label) is None


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff"), min_size=1))
def test_utf8_comes_back(text: str) -> None:
    decoded = decode(text.encode())
    assert (decoded.text, decoded.replaced) == (text, 0)


@given(st.binary(max_size=200))
def test_any_bytes_give_text_or_an_error(data: bytes) -> None:
    with suppress(UnicodeError):
        assert len(decode(data).text.encode()) <= 4 * len(data)


def test_real_files_of_45_encodings(shared: Callable[[str], Path]) -> None:
    right = total = 0
    with tarfile.open(shared("data/noisy/encodings.tar.gz")) as tar:
        for member in tar:
            if not member.isfile() or (stream := tar.extractfile(member)) is None:
                continue
            data, total = stream.read(), total + 1
            label = Path(member.name).parent.name.lower()
            while label and codec(label) is None:
                label = label.rpartition("-")[0]
            try:
                found = decode(data).text
                name = codecs.lookup(label).name
                golds = {data.decode(charset, "replace") for charset in (name, SUPERSETS.get(name, name))}
            except (UnicodeError, LookupError):
                continue
            right += found.lstrip("\ufeff") in {gold.lstrip("\ufeff") for gold in golds}
    assert total == 197
    assert right >= 190
