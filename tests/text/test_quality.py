"""The statistics against a slow twin in plain Python, on any Unicode text, and against values worked out by hand."""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text.quality import COLUMNS, DUPLICATE_SIZES, STOP_WORDS, TOP_SIZES, WordRule, measure


def measured(text: str, words: WordRule = "unicode") -> dict[str, float]:
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
def test_kernel_equals_its_twin_on_any_text(texts: list[str], rule: WordRule) -> None:
    expected = np.array([twin(text, rule) for text in texts])
    np.testing.assert_array_equal(measure(pa.array(texts, pa.large_string()), rule), expected)


def test_quality_statistics_by_hand() -> None:
    values = measured("The cat, the dog #1...\n- to be …\n")
    # words: The cat , the dog # 1 . . . - to be … are 14, of which 7 are plain: 3 + 3 + 3 + 3 + 1 + 2 + 2 = 17 characters
    assert values["num_words"] == 7
    assert values["mean_word_length"] == 17 / 7
    assert values["hash_ratio"] == 1 / 14
    assert values["ellipsis_ratio"] == 2 / 14
    assert values["bullet_line_fraction"] == 1 / 2
    assert values["ellipsis_line_fraction"] == 1
    assert values["alpha_word_fraction"] == 6 / 14
    assert values["num_stop_words"] == 3  # the, to, be; "The" is another word


def test_the_word_rule_decides() -> None:
    text = "f(x) = y_1 + 2"
    assert measured(text)["num_words"] == 4  # f x y_1 2; the rest are symbols
    assert measured(text)["alpha_word_fraction"] == 3 / 8
    assert measured(text, "whitespace")["num_words"] == 3  # f(x) y_1 2
    assert measured(text, "whitespace")["alpha_word_fraction"] == 2 / 5


def test_marks_belong_to_their_word() -> None:
    assert measured("हिन्दी भाषा")["num_words"] == 2
    assert measured("e\u0301te\u0301")["num_words"] == 1


def test_repeated_paragraphs_and_lines_by_hand() -> None:
    values = measured("\n\nab\ncd\n\nab\ncd\n\n\nef\n\n")  # 21 characters
    assert values["dup_paragraph_fraction"] == 1 / 3  # of "ab\ncd", "ab\ncd", "ef"
    assert values["dup_paragraph_char_fraction"] == 5 / 21
    assert values["dup_line_fraction"] == 3 / 7  # of "", ab, cd, ab, cd, ef, ""
    assert values["dup_line_char_fraction"] == 4 / 21


def test_the_most_frequent_ngram_by_hand() -> None:
    text = "a b a b ccc"
    values = measured(text)
    assert values["top_2_gram_char_fraction"] == 2 * len("a b") / len(text)
    assert values["top_3_gram_char_fraction"] == len("a b a") / len(text)  # each occurs once: the first one seen
    assert values["top_4_gram_char_fraction"] == len("a b a b") / len(text)
    # b c and c d both occur twice; "b c" is seen first although "c d" is not longer
    assert measured("a bb c d bb c d")["top_2_gram_char_fraction"] == 2 * len("bb c") / 15


def test_repeated_ngrams_by_hand() -> None:
    text = "a b c d e a b c d e f"
    values = measured(text)
    assert values["dup_5_gram_char_fraction"] == 5 / len(text)  # the second "abcde", stepped over whole
    assert values["dup_6_gram_char_fraction"] == 0
    # An n-gram is compared without its spaces: "ab c d e f" and "a bc d e f" are one.
    assert measured("ab c d e f | a bc d e f")["dup_5_gram_char_fraction"] == 6 / 23


@pytest.mark.parametrize("text", ["", " ", "\n", "\r\n\t", "!", "a"])
def test_hardly_any_text_gives_numbers(text: str) -> None:
    assert np.isfinite(measure(pa.array([text], pa.large_string()))).all()


def test_slices_chunks_and_nulls_are_measured_like_the_whole() -> None:
    texts = pa.array(["one two", None, "three ... four", "- five"], pa.large_string())
    whole = measure(texts)
    np.testing.assert_array_equal(measure(texts.slice(1, 2)), whole[1:3])
    np.testing.assert_array_equal(measure(pa.chunked_array([texts.slice(0, 1), texts.slice(1)])), whole)
    np.testing.assert_array_equal(whole[1], 0)
    assert measure(texts.slice(0, 0)).shape == (0, len(COLUMNS))


def test_decisions_of_a_published_implementation(shared: Callable[[str], Path]) -> None:
    """Lines and paragraphs are exactly datatrove's; words differ (it uses spaCy's), so most decisions are the same."""
    with gzip.open(shared("peers/fidelity-corpus.jsonl.gz"), "rt") as file:
        texts = pa.array([json.loads(line)["text"] for line in file], pa.large_string())
    theirs = pq.read_table(shared("peers/datatrove-statistics.parquet"))
    ours = dict(zip(COLUMNS, measure(texts).T, strict=True))
    same = {
        "bullet_line_fraction": "bullet_line_fraction",
        "ellipsis_line_fraction": "ellipsis_line_fraction",
        "dup_paragraph_fraction": "dup_para_fraction",
        "dup_paragraph_char_fraction": "dup_para_char_fraction",
        "dup_line_fraction": "dup_line_fraction",
        "dup_line_char_fraction": "dup_line_char_fraction",
    }
    for mine, their in same.items():
        np.testing.assert_allclose(ours[mine], np.nan_to_num(theirs[their].to_numpy()), rtol=1e-12, err_msg=mine)
    decisions = pq.read_table(shared("peers/datatrove-decisions.parquet"), filters=[("filter", "=", "gopher_rep")])
    bounds = dict(zip(list(COLUMNS)[8:], [0.3, 0.2, 0.3, 0.2, 0.2, 0.18, 0.16, 0.15, 0.14, 0.13, 0.12, 0.11, 0.1], strict=True))
    keep = np.all([ours[column] <= bound for column, bound in bounds.items()], axis=0)
    assert np.mean(keep == decisions["keep"].to_numpy()) > 0.89
