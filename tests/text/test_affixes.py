"""The kernel for runs of ASCII against spaCy's own tokenizer, its twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.lang.char_classes import UNITS

from pipeline.text.affixes import UNDECIDED, Rules, make_rules, split
from tests.text.word_rules import english

EXCEPTIONS = sorted(text for text in english().rules if text.isascii() and not any(map(str.isspace, text)))
PARTS = [
    "...",
    "..",
    "US$",
    "A$",
    "'s",
    "10",
    "km",
    "m/s",
    "%",
    "--",
    "np.array",
    "foo.Bar",
    "U.S.A.",
    "a.b/c",
    "://",
    "@",
    "e.g.",
]
RUN = st.one_of(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=14),
    st.text("aBc.,-+*^$%'\"`~:<>=/()[]_#&!?0129kmsS", min_size=1, max_size=10),
    st.lists(st.sampled_from([*PARTS, *EXCEPTIONS, *"().,;:'\"`-_=/+aZ7"]), min_size=1, max_size=6).map("".join),
)


def rules() -> Rules:
    tokenizer = english()
    counts = {text: len(words) for text, words in tokenizer.rules.items()}
    return make_rules(tokenizer.prefix_search, tokenizer.suffix_search, UNITS.split("|"), counts)


RULES = rules()


def kernel(*runs: str) -> list[list[int] | None]:
    encoded = [run.encode() for run in runs]
    lengths = np.array([len(run) for run in encoded], np.int64)
    spans = np.stack([np.cumsum(lengths) - lengths, np.cumsum(lengths)], axis=1)
    counts, sizes = split(np.frombuffer(b"".join(encoded), np.uint8), spans, RULES)
    ends = np.cumsum(np.maximum(counts, 0))
    return [None if n == UNDECIDED else sizes[end - n : end].tolist() for n, end in zip(counts, ends, strict=True)]


@settings(deadline=None, max_examples=3000)
@given(RUN)
def test_what_is_decided_is_as_by_spacy(run: str) -> None:
    (sizes,) = kernel(run)
    assert sizes is None or sizes == [len(token.text) for token in english()(run)]


@pytest.mark.parametrize(
    "run", ["(see", "np.arange(3,", "foo.Bar", "well-known,", "3-4", "``x``:", "Wagner's", "...", "10km", "U.S.A"]
)
def test_ordinary_runs_are_decided(run: str) -> None:
    assert kernel(run) == [[len(token.text) for token in english()(run)]]


@pytest.mark.parametrize("run", ["dont", "it's", ":)", "(a):", "e.g.,", "http://example.org/a-b", "caf\u00e9", "a\tb"])
def test_what_is_rare_is_left(run: str) -> None:
    assert kernel(run) == [None]


def test_runs_stand_for_themselves() -> None:
    assert kernel("(a", "dont", "b)") == [[1, 1], None, [1, 1]]
    assert kernel() == []


def test_a_long_run_takes_no_longer_than_its_length() -> None:
    for character in ".(-a'":
        (sizes,) = kernel(character * 16_384)
        assert sizes is None or sum(sizes) == 16_384
