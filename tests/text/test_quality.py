"""The statistics against a slow twin in plain Python, on any Unicode text, and against values worked out by hand."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from unicodedata import category

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text.characters import WordRule
from pipeline.text.lines import LineRule, keep_lines
from pipeline.text.quality import COLUMNS, DUPLICATE_SIZES, TOP_SIZES, StopWords, measure
from tests.text.line_rules import keep_lines_twin, sentences_twin
from tests.text.word_rules import TERMINAL, group, is_plain, split, width

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")


def measured(text: str, words: WordRule = "unicode", lines: LineRule = "none") -> dict[str, float]:
    rows = measure(pa.array([text], pa.large_string()), words, lines, stops(1))
    return dict(zip(COLUMNS, rows[0].tolist(), strict=True))


def stops(texts: int) -> StopWords:
    return StopWords((("un", "de"), STOP_WORDS), np.ones(texts, np.int64))


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


def repetition_twin(text: str, words: list[str]) -> list[float]:
    values: list[float] = []
    for parts in (re.split(r"\n{2,}", text.strip()), re.split(r"\n+", text)):
        again, again_chars = duplicates(parts)
        values += [again / len(parts), again_chars / (len(text) or 1)]
    values += [top_ngram_chars(words, size) / (len(text) or 1) for size in TOP_SIZES]
    return values + [repeated_ngram_chars(words, size) / (len(text) or 1) for size in DUPLICATE_SIZES]


def quality_twin(text: str, words: list[str], rule: str) -> list[float]:
    plain, lines = [word for word in words if is_plain(word, rule)], text.splitlines()
    n, m = len(words) or 1, len(plain) or 1
    return [
        len(plain),
        sum(width(word, rule) for word in plain) / m,
        text.count("#") / n,
        (text.count("...") + text.count("…")) / n,
        sum(line.lstrip().startswith(("•", "-")) for line in lines) / (len(lines) or 1),
        sum(line.rstrip().endswith(("...", "…")) for line in lines) / (len(lines) or 1),
        sum(any(map(str.isalpha, word)) for word in words) / (len(words) - between(words, rule) or 1),
        len(set(words) & set(STOP_WORDS)),
        sum(word in STOP_WORDS for word in plain) / m,
    ]


def between(words: list[str], rule: str) -> int:
    """Marks of wide punctuation behind a word of a script without spaces."""
    return sum(
        rule == "unicode" and category(b)[0] == "P" and width(b, rule) == 2 and any(group(c) for c in a)
        for a, b in pairwise(words)
        if len(b) == 1
    )


def fineweb_twin(text: str, words: list[str]) -> list[float]:
    lines = [line for line in text.split("\n") if line.strip()]
    m = len(lines) or 1
    return [
        sum(line[-1] in TERMINAL for line in lines) / m,
        sum(len(line) <= 30 for line in lines) / m,
        duplicates(lines)[1] / (len(text.replace("\n", "")) or 1),
        text.count("\n") / (len(words) or 1),
    ]


def twin(text: str, rule: str, line_rule: str) -> list[float]:
    words, rest = split(text, rule), text
    c4 = [np.nan] * 3
    if line_rule != "none":
        kept, lorem, curly = keep_lines_twin(text, line_rule)
        c4 = [lorem, curly, sum(sentences_twin(line, rule) for line in kept)]
        rest = "\n".join(kept).strip()
    long_lines = sum(len(line) >= 200 for line in text.split("\n"))
    fineweb = fineweb_twin(rest, words if line_rule == "none" else split(rest, rule))
    return [*repetition_twin(text, words), *quality_twin(text, words, rule), *c4, long_lines, *fineweb]


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)
SHORT = 'a|ab|b|the|of|be| | |\n|\n\n|\r\n|\r|...|.|. |…|•|-|#|é|한|\u2028|\x1f|\u0301|😀|中|文字|。|カナ|ไทย|[|{|"|!|0|\xa0'
LONG = "[1]|[edit]| [citation needed]|[٣]|three words here. |Lorem Ipsum dolor |use JavaScript now |Privacy Policy"
PIECES = [*SHORT.split("|"), *LONG.split("|"), "uses coo\u212aies and ", "don't ", "U.S. ", "(e.g. ", "x=1, "]
REPETITIVE = st.lists(st.sampled_from(PIECES), max_size=120).map("".join)


@settings(deadline=None, max_examples=500)
@given(
    texts=st.lists(ANY_TEXT | REPETITIVE, min_size=1, max_size=3),
    rule=st.sampled_from(["unicode", "whitespace", "spacy"]),
    lines=st.sampled_from(["none", "c4", "fineweb"]),
)
def test_kernel_equals_its_twin_on_any_text(texts: list[str], rule: WordRule, lines: LineRule) -> None:
    expected = np.array([twin(text, rule, lines) for text in texts])
    np.testing.assert_array_equal(measure(pa.array(texts, pa.large_string()), rule, lines, stops(len(texts))), expected)


@settings(deadline=None, max_examples=300)
@given(texts=st.lists(ANY_TEXT | REPETITIVE, max_size=3), rule=st.sampled_from(["none", "c4", "fineweb"]))
def test_lines_are_kept_as_the_twin_keeps_them(texts: list[str], rule: LineRule) -> None:
    expected = ["\n".join(keep_lines_twin(text, rule)[0]).strip() if rule != "none" else text for text in texts]
    assert keep_lines(pa.array(texts, pa.large_string()), rule).to_pylist() == expected


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
    assert np.isfinite(measure(pa.array([text], pa.large_string()), "unicode", "c4", stops(1))).all()


def test_slices_chunks_and_nulls_are_measured_like_the_whole() -> None:
    texts = pa.array(["one two", None, "three ... four", "- five"], pa.large_string())
    whole = measure(texts)
    np.testing.assert_array_equal(measure(texts.slice(1, 2)), whole[1:3])
    np.testing.assert_array_equal(measure(pa.chunked_array([texts.slice(0, 1), texts.slice(1)])), whole)
    np.testing.assert_array_equal(np.nan_to_num(whole[1]), 0)
    assert measure(texts.slice(0, 0)).shape == (0, len(COLUMNS))


@pytest.mark.parametrize("rule", ["unicode", "spacy"])
def test_no_text_takes_quadratic_time(rule: WordRule) -> None:
    """A megabyte of each takes about as long as a megabyte of prose, some 0.05 s; quadratic time would be hours."""
    size = 1_000_000
    patterns = ["a", "word ", "(", "\x00", "\n", "中", "a\n", ". ", "- x", "[1", "{ "]
    texts = [(pattern * size)[:size] for pattern in patterns]
    rows = measure(pa.array(texts, pa.large_string()), rule, "fineweb")
    assert np.isfinite(rows[:, : COLUMNS.index("num_stop_words")]).all()


def test_a_chinese_page_is_not_one_long_word() -> None:
    values = measured("话说天下大势，分久必合，合久必分。")
    assert values["num_words"] == 7  # 话说 天下 大势 分久 必合 合久 必分
    assert values["mean_word_length"] == 4  # columns
    assert values["alpha_word_fraction"] == 1  # the marks between are no words
    assert measured("话说天下大势", "spacy")["num_words"] == 1


def test_c4_by_hand() -> None:
    lines = ["Short line.", "This one is kept[1]. It has two sentences.", " No full stop here", "We use JavaScript for this."]
    text = "\n".join([*lines, "The end of it {."])
    values = measured(text, lines="c4")
    assert values["num_sentences"] == 2
    assert values["curly_bracket_lines"] == 1
    assert values["lorem_ipsum_lines"] == 0
    texts = pa.array([text], pa.large_string())
    assert keep_lines(texts, "c4").to_pylist() == ["This one is kept. It has two sentences."]
    assert keep_lines(texts, "fineweb").to_pylist() == ["This one is kept. It has two sentences.\nNo full stop here"]
