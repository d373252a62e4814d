"""The normal form of a text."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.normalize import normalize


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
    assert normalize(before)[0] == after


def test_only_lines_that_show_wrong_decoding_are_repaired() -> None:
    text, repaired = normalize("日本語のテキスト\nThe cafÃ© â€” closed\nnaïve")
    assert text == "日本語のテキスト\nThe café — closed\nnaïve"
    assert repaired
    assert not normalize("Ça va, naïve Ångström — “so” it is…")[1]


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \t\n\r\x00Ã©")))
def test_the_normal_form_is_normal(text: str) -> None:
    once = normalize(text)[0]
    assert unicodedata.is_normalized("NFC", once)
    assert not any(unicodedata.category(c) == "Cc" for c in once.replace("\n", "").replace("\t", ""))
    assert "\n\n\n" not in once
    assert all(line == line.rstrip() for line in once.split("\n"))


def test_real_mojibake_is_repaired_and_good_text_is_not_touched(shared: Callable[[str], Path]) -> None:
    def share(name: str) -> float:
        cases = json.loads(shared(f"data/noisy/mojibake/{name}.json").read_text(encoding="utf-8"))
        return sum(normalize(case["original"])[0] == normalize(case["fixed"])[0] for case in cases) / len(cases)

    assert share("language-names") == 1
    assert share("in-the-wild") >= 0.75
    assert share("negative") >= 0.9
