"""The statistics against a slow twin in plain Python, on any Unicode text, and against values worked out by hand."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text.quality import COLUMNS, DUPLICATE_SIZES, STOP_WORDS, TOP_SIZES, measure


def measured(text: str, words: str = "unicode") -> dict[str, float]:
    return dict(zip(COLUMNS, measure(pa.array([text], pa.large_string()), words)[0].tolist(), strict=True))


def is_word_character(c: str) -> bool:
    return c == "_" or c.isalnum() or unicodedata.category(c)[0] == "M"


def split(text: str, rule: str) -> list[str]:
    if rule == "whitespace":
        return text.split()
    words: list[str] = []
    inside = False
    for c in text:
        if is_word_character(c):
            words[-1:] = [words[-1] + c] if inside else [*words[-1:], c]
            inside = True
        else:
            inside = False
            words += [] if c.isspace() else [c]
    return words


def duplicates(parts: list[str]) -> tuple[int, int]:
    again = [part for i, part in enumerate(parts) if part in parts[:i]]
    return len(again), sum(map(len, again))


def repeated_ngram_chars(words: list[str], n: int) -> int:
    seen, chars, i = set(), 0, 0
    while i + n <= len(words):
        gram = "".join(words[i : i + n])
        chars += len(gram) * (gram in seen)
        i += n if gram in seen else 1
        seen.add(gram)
    return chars


def top_ngram_chars(words: list[str], n: int) -> int:
    grams = Counter(" ".join(words[i : i + n]) for i in range(len(words) - n + 1))
    gram, count = next(iter(grams.most_common(1)), ("", 0))
    return len(gram) * count


def twin(text: str, rule: str) -> list[float]:
    words, lines = split(text, rule), text.splitlines()
    plain = [word for word in words if any(map(is_word_character, word))]
    n, m, chars = len(words) or 1, len(plain) or 1, len(text) or 1
    values = [
        len(plain),
        sum(map(len, plain)) / m,
        text.count("#") / n,
        (text.count("...") + text.count("…")) / n,
        sum(line.lstrip().startswith(("•", "-")) for line in lines) / (len(lines) or 1),
        sum(line.rstrip().endswith(("...", "…")) for line in lines) / (len(lines) or 1),
        sum(any(map(str.isalpha, word)) for word in words) / n,
        len(set(words) & set(STOP_WORDS)),
    ]
    for parts in (re.split(r"\n{2,}", text.strip()), re.split(r"\n+", text)):
        again, again_chars = duplicates(parts)
        values += [again / len(parts), again_chars / chars]
    values += [top_ngram_chars(words, size) / chars for size in TOP_SIZES]
    return values + [repeated_ngram_chars(words, size) / chars for size in DUPLICATE_SIZES]


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)
PIECES = [
    "a",
    "ab",
    "b",
    "the",
    "of",
    "be",
    " ",
    " ",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    "...",
    ".",
    "…",
    "•",
    "-",
    "#",
    "é",
    "한",
    "\u2028",
    "\x1f",
    "\u0301",
    "😀",
]
REPETITIVE = st.lists(st.sampled_from(PIECES), max_size=150).map("".join)


@settings(deadline=None, max_examples=400)
@given(texts=st.lists(ANY_TEXT | REPETITIVE, min_size=1, max_size=3), rule=st.sampled_from(["unicode", "whitespace"]))
def test_kernel_equals_its_twin_on_any_text(texts: list[str], rule: str) -> None:
    expected = np.array([twin(text, rule) for text in texts])
    np.testing.assert_array_equal(measure(pa.array(texts, pa.large_string()), rule), expected)
