"""Counts and associations, by hand and against a slow twin."""

from __future__ import annotations

import re
from math import log, log2

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.bias.lexicons import IDENTITY_TERMS, OCCUPATION_FORMS
from pipeline.bias.measures import AXES, GROUPS, OCCUPATION_NAMES, WINDOW, association_bits, join, log_odds, measure, shares

FEMALE, MALE = GROUPS.index("gender/female"), GROUPS.index("gender/male")
NURSE, DOCTOR = OCCUPATION_NAMES.index("nurse"), OCCUPATION_NAMES.index("doctor")


def strings(*texts: str) -> pa.Array:
    return pa.array(texts, pa.large_string())


def test_mentions_and_documents() -> None:
    measures = measure(strings("She met her mother.", "HE and she", "nobody"))
    assert measures.mentions[:, FEMALE].tolist() == [3, 1, 0]
    assert measures.documents()[[FEMALE, MALE]].tolist() == [2, 1]
    assert measures.documents(np.array([0.5, 2.0, 9.0]))[[FEMALE, MALE]].tolist() == [2.5, 2.0]
    assert measures.num_words == 8
    assert shares(measures.documents())[FEMALE] == pytest.approx(2 / 3)


def test_plural_and_singular_are_one_occupation_within_the_window() -> None:
    near, far = " x" * (WINDOW - 1), " x" * WINDOW
    measures = measure(strings(f"she{near} nurse", f"nurses{near} she", f"she{far} nurse", "she.", "nurse"))
    assert measures.cooccurrence()[FEMALE, NURSE] == 2
    assert measures.cooccurrence(np.array([1.0, 0.25, 1, 1, 1]))[FEMALE, NURSE] == 1.25


words = st.sampled_from(["she", "he", "nurse", "Doctors", "Muslim", "x", "y"])


@given(st.lists(st.lists(words, max_size=40).map(" ".join), max_size=4))
@settings(deadline=None)
def test_pairs_equal_the_slow_twin(texts: list[str]) -> None:
    group_of = {word: group for group, words in IDENTITY_TERMS.items() for word in words}
    expected = np.zeros((len(GROUPS), len(OCCUPATION_NAMES)))
    for text in texts:
        found = re.findall(r"\w+", text.lower())
        for i, one in enumerate(found):
            for j, other in enumerate(found):
                if abs(i - j) <= WINDOW and one in group_of and other in OCCUPATION_FORMS:
                    expected[GROUPS.index(group_of[one]), OCCUPATION_NAMES.index(OCCUPATION_FORMS[other])] += 1
    assert np.array_equal(measure(strings(*texts)).cooccurrence(), expected)


def test_batches_join_to_the_whole() -> None:
    texts = ["she is a nurse", "he", "he, the doctor", "the nurses and him"]
    whole, parts = measure(strings(*texts)), [measure(strings(*texts[:1])), measure(strings(*texts[1:]))]
    joined = join(parts)
    assert np.array_equal(joined.mentions, whole.mentions)
    assert np.array_equal(joined.pairs, whole.pairs)
    assert joined.num_words == whole.num_words


def test_log_odds_by_hand() -> None:
    counts = np.zeros((len(GROUPS), len(OCCUPATION_NAMES)))
    counts[FEMALE, [NURSE, DOCTOR]] = 8, 2
    counts[MALE, [NURSE, DOCTOR]] = 3, 7
    odds, scores = log_odds(counts)
    assert odds[FEMALE, NURSE] == pytest.approx(log(8.5 * 7.5 / (2.5 * 3.5)))
    assert odds[MALE, NURSE] == pytest.approx(-odds[FEMALE, NURSE])
    assert scores[FEMALE, NURSE] == pytest.approx(odds[FEMALE, NURSE] / np.sqrt(1 / 8.5 + 1 / 7.5 + 1 / 2.5 + 1 / 3.5))


def test_association_is_a_bit_if_work_tells_the_group_and_nothing_if_not() -> None:
    apart, alike = np.zeros((2, len(GROUPS), len(OCCUPATION_NAMES)))
    apart[FEMALE, NURSE] = apart[MALE, DOCTOR] = 500_000
    alike[[FEMALE, FEMALE, MALE, MALE], [NURSE, DOCTOR, NURSE, DOCTOR]] = 500_000
    assert association_bits(apart)["gender"] == pytest.approx(1, abs=1e-4)
    assert association_bits(alike)["gender"] == pytest.approx(0, abs=1e-4)
    assert association_bits(apart)["age"] == 0
    assert set(association_bits(apart)) == set(AXES)


def test_association_is_corrected_for_few_counts() -> None:
    counts = np.zeros((len(GROUPS), len(OCCUPATION_NAMES)))
    counts[FEMALE, [NURSE, DOCTOR]] = 6, 2
    counts[MALE, [NURSE, DOCTOR]] = 2, 6
    raw = 2 * (6 / 16 * log2(1.5) + 2 / 16 * log2(0.5))
    assert association_bits(counts)["gender"] == pytest.approx(raw - 1 / (2 * 16 * log(2)))


def test_lexicons_name_each_word_once_in_lower_case() -> None:
    terms = [word for words in IDENTITY_TERMS.values() for word in words]
    assert len(terms) == len(set(terms))
    assert not set(terms) & set(OCCUPATION_FORMS)
    assert all(word.isalpha() and word == word.casefold() for word in [*terms, *OCCUPATION_FORMS])
    assert all(len(group.split("/")) == 2 for group in IDENTITY_TERMS)
    assert {OCCUPATION_FORMS[form] for form in ("policewomen", "actuaries", "bosses", "midwives")} == {
        "policewoman",
        "actuary",
        "boss",
        "midwife",
    }
