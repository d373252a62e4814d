"""Terms of word lists are found where a slow, obvious twin finds them."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.text.hashing import WORD, hash_words, unicode_tables
from pipeline.text.terms import compile_terms, count_terms

LETTERS = "aB ab_1é文字ไß\u0301.*  \n\u3000İ\u0085$"
texts = st.lists(st.one_of(st.text(), st.text(st.sampled_from(LETTERS), max_size=12)), max_size=4)
lists = st.lists(st.lists(st.one_of(st.text(max_size=3), st.text(st.sampled_from(LETTERS), max_size=4)), max_size=5), max_size=3)


def arrow(*values: str) -> pa.LargeStringArray:
    return pa.array(values, pa.large_string())


def fold(text: str) -> str:
    return "".join(folded if len(folded := c.casefold()) == 1 and c.isalnum() else c for c in text)


def num_words(text: str) -> int:
    return len(hash_words(arrow(text)).hashes)


def joins(character: str) -> bool:
    return character == "_" or bool(unicode_tables()[0][ord(character)] == WORD)


def match(text: str, at: int, term: str) -> int:
    """Where the folded term, begun at ``at``, ends; -1 if it does not stand there."""
    if at and joins(text[at - 1]) and joins(text[at]):
        return -1
    for place, character in enumerate(term):
        if character == " ":
            # White space at the term's first character is impossible: terms are stripped.
            if at >= len(text) or not text[at].isspace():
                return -1
            while at < len(text) and text[at].isspace():
                at += 1
        elif at < len(text) and fold(text[at]) == character:
            at += 1
        else:
            return -1
        if place == len(term) - 1 and joins(text[at - 1]) and at < len(text) and joins(text[at]):
            return -1
    return at


def slow_count(text: str, given: list[list[str]]) -> tuple[list[int], list[int]]:
    covered, occurrences = [], []
    for terms in given:
        wanted = sorted({" ".join(t.split()) for t in terms} - {""})
        words = found = free = 0
        for at in range(len(text)):
            ends = [(match(text, at, fold(term)), term) for term in wanted]
            best = max((end for end, _ in ends), default=-1)
            if best > 0 and at >= free:
                # Several terms may fold alike: the last in order names the node.
                words += max(1, num_words(next(term for end, term in reversed(ends) if end == best)))
                found += 1
                free = best
        covered.append(words)
        occurrences.append(found)
    return covered, occurrences


@given(texts, lists)
@example(["You ass-hole, ass\n hole; asshole", "a_b ab"], [["ass hole", "ass"], ["asshole", "a"]])
@example(["大傻逼了", "f*CK f *ck", "a文b"], [["傻逼", "f*ck", "b"]])
@settings(max_examples=300, deadline=None)
def test_equals_the_slow_twin(values: list[str], given_lists: list[list[str]]) -> None:
    counts = count_terms(arrow(*values), compile_terms(given_lists))
    for row, value in enumerate(values):
        assert counts.num_words[row] == num_words(value)
        assert (counts.covered[row].tolist(), counts.occurrences[row].tolist()) == slow_count(value, given_lists)


def test_edges_of_words_and_scripts_without_spaces() -> None:
    terms = compile_terms([["ass", "two girls", "$hit", "傻逼", "🖕"]])
    counts = count_terms(arrow("Ass!", "class", "ass_1", "two\n\tGIRLS", "a$hit", "他是傻逼吗", "x🖕🖕", "a ass b"), terms)
    assert counts.occurrences[:, 0].tolist() == [1, 0, 0, 1, 1, 1, 2, 1]
    assert counts.covered[:, 0].tolist() == [1, 0, 0, 2, 1, 2, 2, 1]


def test_no_list_and_no_term_find_nothing() -> None:
    assert count_terms(arrow("a b"), compile_terms([])).covered.shape == (1, 0)
    assert count_terms(arrow("a b", ""), compile_terms([["", "  "]])).covered.tolist() == [[0], [0]]
    with pytest.raises(ValueError, match="64 lists"):
        compile_terms([[]] * 64)


def test_the_decisions_of_the_regular_expression_that_is_used_for_c4(shared: Callable[[str], Path]) -> None:
    """``(\\W|^)term(\\W|$)`` on lower case, as in C4's code, on tweets full of bad words."""
    listed = [line for line in shared("data/noisy/ldnoobw/en").read_text(encoding="utf-8").splitlines() if line]
    with gzip.open(shared("data/noisy/toxicity/davidson-tweets.csv.gz"), "rt", encoding="utf-8") as file:
        tweets = [row["tweet"] for row in csv.DictReader(file)][:6000]
    pattern = re.compile(rf"(?:\W|^)({'|'.join(map(re.escape, listed))})(?:\W|$)")
    slow = np.array([pattern.search(tweet.lower()) is not None for tweet in tweets])
    fast = count_terms(arrow(*tweets), compile_terms([listed])).occurrences[:, 0] > 0
    assert slow.sum() > 3500
    assert np.mean(slow == fast) > 0.999
