"""Metrics against figures worked by hand."""

from __future__ import annotations

import pytest

from pipeline.evaluation import METRICS
from pipeline.evaluation.metrics import accuracy, distinct_n, f1, precision, recall, rouge1, rouge2, rouge_l

TARGETS = ["a", "a", "a", "b"]
SAID = ["a", "a", "b", "b"]


def test_classification() -> None:
    assert accuracy(TARGETS, SAID).tolist() == [1, 1, 0, 1]
    assert precision(TARGETS, SAID) == pytest.approx((1 + 1 / 2) / 2)
    assert recall(TARGETS, SAID) == pytest.approx((2 / 3 + 1) / 2)
    assert f1(TARGETS, SAID) == pytest.approx((4 / 5 + 2 / 3) / 2)


def test_a_label_that_is_never_predicted_counts_as_zero() -> None:
    assert f1(["a", "b"], ["a", "a"]) == pytest.approx((2 / 3 + 0) / 2)
    assert precision(["a", "b"], ["a", "a"]) == pytest.approx((1 / 2 + 0) / 2)


def test_rouge() -> None:
    targets, said = ["the cat sat", "one two"], ["the cat ran", "three"]
    assert rouge1(targets, said) == pytest.approx([2 / 3, 0])
    assert rouge2(targets, said) == pytest.approx([1 / 2, 0])
    assert rouge_l(["a b c d"], ["a c b d"]) == pytest.approx([3 / 4])
    assert rouge1(["computes arrays"], ["computed array"]) == pytest.approx([1])  # stems


def test_distinct_n() -> None:
    assert distinct_n(["a b a b"], 2) == pytest.approx(2 / 3)
    assert distinct_n(["a b", "a b"], 2) == pytest.approx(1 / 2)
    assert distinct_n(["a b", "c d"], 2) == 1
    assert distinct_n(["a", ""], 2) == 0


@pytest.mark.parametrize("name", METRICS)
def test_a_perfect_answer(name: str) -> None:
    targets = ["add two numbers", "sort a list"]
    result = METRICS[name](targets, targets)
    assert result == pytest.approx(1.0) if isinstance(result, float) else (result == 1).all()
