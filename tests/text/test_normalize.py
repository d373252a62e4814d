"""The normal form of a text."""

from __future__ import annotations

import json
import re
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from ftfy.badness import is_bad
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.mojibake import repair
from pipeline.text.normalize import normalize


def normal(text: str) -> tuple[str, bool]:
    """One text, between two others that must not matter."""
    texts, repaired = normalize(pa.array(["é", text, "x"], pa.large_string()))
    return texts[1].as_py(), bool(repaired[1])


def slow(text: str) -> tuple[str, bool]:
    """The twin: expressions over a Python string."""
    fixed = repair(text)
    lines = re.sub("\r\n|[\r\v\f\x85\u2028\u2029]", "\n", fixed)
    plain = re.sub("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff]", "", lines)
    trimmed = "\n".join(line.rstrip() for line in plain.split("\n"))
    blank = re.sub("\n{3,}", "\n\n", trimmed).strip("\n")
    safe, run = "", 0
    for character in blank:
        run = run + 1 if unicodedata.combining(character) else 0
        safe += "\u034f" * (run > 30) + character
        run = 1 if run > 30 else run
    return unicodedata.normalize("NFC", safe), fixed != text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("e\u0301", "é"),  # canonical composition
        ("ﬁ ²", "ﬁ ²"),  # compatibility characters stay: NFC, not NFKC
        ("a\r\nb\rc\x0bd\x0ce\u2028f\u2029g", "a\nb\nc\nd\ne\nf\ng"),
        ("a\x00b\x1bc\x7fd\ufeffe", "abcde"),
        ("don\x92t", "don’t"),  # a C1 control is a byte of Windows-1252 that was taken for Latin-1,
        ("a\tb", "a\tb"),
        ("a \t\nb\u00a0\n", "a\nb"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("a\n \n\t\n \nb", "a\n\nb"),
        ("\n\n    indented\n      more\n\n", "    indented\n      more"),
        (" \n\x00\n ", ""),
        ("Füße sind schÃ¶n", "Füße sind schön"),
    ],
)
def test_normal_form(before: str, after: str) -> None:
    assert normal(before)[0] == slow(before)[0] == after


def test_only_lines_that_show_wrong_decoding_are_repaired() -> None:
    text, repaired = normal("日本語のテキスト\nThe cafÃ© â€” closed\nnaïve")
    assert text == "日本語のテキスト\nThe café — closed\nnaïve"
    assert repaired
    assert not normal("Ça va, naïve Ångström — “so” it is…")[1]


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \t\n\r\x00Ã©")))
def test_the_normal_form_is_normal(text: str) -> None:
    once = normal(text)[0]
    assert unicodedata.is_normalized("NFC", once)
    assert not any(unicodedata.category(c) == "Cc" for c in once.replace("\n", "").replace("\t", ""))
    assert "\n\n\n" not in once
    assert all(line == line.rstrip() for line in once.split("\n"))


ODD = "".join(chr(code) for code in (*range(0x80, 0x180), *range(0x370, 0x460), *range(0x2010, 0x2040), *range(0x2200, 0x2270)))
ODD += "€™ƒˆ˜√≈⁄│┌═╬▀█░◊\uf8ff\ufffdﬁ"


@given(st.text() | st.text(st.sampled_from(ODD + "aZ .,\n\t\r\u0301\u1161\u11a8\u1100각\u09c7\u09be\u3000\x1c")))
def test_the_kernels_do_what_the_expressions_do(text: str) -> None:
    assert normal(text) == slow(text)


@given(st.text(st.sampled_from(ODD + "aZ .1"), max_size=6))
def test_no_text_that_shows_wrong_decoding_is_missed(text: str) -> None:
    if is_bad(text):
        assert normal(text)[1] == (repair(text) != text)


@pytest.mark.parametrize("unit", ["\u0301\u0316", " ", " \n", "\n", "\r", "\x00", "Ã©", "é", "a\u0301"])
def test_time_grows_with_the_text_and_no_faster(unit: str) -> None:
    text = unit * (500_000 // len(unit))
    start = time.process_time()
    once = normal(text)[0]
    assert time.process_time() - start < 5  # quadratic, marks out of order would take an hour
    assert normal(once)[0] == once


@given(st.text(st.sampled_from("a\u0301\u0316\u05b0\u0345"), min_size=25, max_size=100))
def test_marks_in_a_row_are_joined(text: str) -> None:
    assert normal(text) == slow(text)


def test_a_text_in_normal_form_is_not_copied() -> None:
    texts = pa.array(["plain", "", "naïve – “so”", "日本\n\n  x"], pa.large_string())
    assert normalize(texts)[0] is texts


def test_slices_and_chunks() -> None:
    texts = pa.array(["a ", "b\r", "ok", "c\x00"], pa.large_string())
    assert normalize(texts[1:])[0].to_pylist() == ["b", "ok", "c"]
    assert normalize(pa.chunked_array([texts[:1], texts[2:]]))[0].to_pylist() == ["a", "ok", "c"]
    assert normalize(pa.chunked_array([], pa.large_string()))[0].to_pylist() == []


def test_real_mojibake_is_repaired_and_good_text_is_not_touched(shared: Callable[[str], Path]) -> None:
    def share(name: str) -> float:
        cases = json.loads(shared(f"data/noisy/mojibake/{name}.json").read_text(encoding="utf-8"))
        return sum(normal(case["original"])[0] == normal(case["fixed"])[0] for case in cases) / len(cases)

    assert share("language-names") == 1
    assert share("in-the-wild") >= 0.75
    assert share("negative") >= 0.9
