"""Passages and their labels: chosen, masked, bounded, and the same in every split."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError, TooFewExamplesError
from pipeline.schema import DOCS, EXAMPLES
from pipeline.tasks import classification
from tests.tiny import documents

BOUNDS = {
    "max_classes": 3,
    "min_examples_per_class": 5,
    "max_examples_per_class": 12,
    "max_passages_per_document": 3,
    "passage_chars": 150,
}


def novel(pieces: int, title: str) -> list[dict[str, str]]:
    text = "\n".join(f"Line {n} of the book, which goes on and on about nothing at all." for n in range(12))
    return [
        {
            "id": f"{title}{n}",
            "text": f"{text}\n{title} {n}",
            "source": "files",
            "locator": f"{title}#{n:04d}",
            "domain": "novels",
            "lang": "en",
            "meta": "{}",
        }
        for n in range(pieces)
    ]


def table(rows: list[dict[str, str]]) -> pa.Table:
    return pa.Table.from_pylist(rows, DOCS)


def test_labels_are_the_domains() -> None:
    plan = classification.plan(documents(range(6)), **BOUNDS)
    assert (plan["label_by"], plan["labels"]) == ("domain", ["harbour", "kitchen", "weather"])
    examples = classification.mine(documents(range(6)), plan)
    assert examples.schema == EXAMPLES
    assert set(Counter(examples["label"].to_pylist()).values()) == {12}  # bounded
    assert max(Counter(examples["document_id"].to_pylist()).values()) <= 3
    assert examples["id"].to_pylist() == sorted(set(examples["id"].to_pylist()))


def test_the_name_of_the_package_is_masked() -> None:
    docs = documents(range(6))
    examples = classification.mine(docs, classification.plan(docs, **BOUNDS))
    for text, label in zip(examples["input"].to_pylist(), examples["label"].to_pylist(), strict=True):
        assert label not in text.lower()
        assert not text.startswith("module ")
    assert any("package" in text for text in examples["input"].to_pylist())


@pytest.mark.parametrize(
    ("passage", "masked"),
    [
        ("import numpy as np", "import package as np"),
        ("numpy_config and NumPy.linalg", "package_config and package.linalg"),
        ("numpydoc stays, mynumpy too, numpy2 too", "numpydoc stays, mynumpy too, numpy2 too"),
    ],
)
def test_mask(passage: str, masked: str) -> None:
    assert classification.mask(passage, frozenset({"numpy"})) == masked


def test_a_name_of_special_characters_is_no_pattern() -> None:
    assert classification.mask("a.b axb", frozenset({"a.b"})) == "package axb"


def test_with_one_domain_the_labels_are_the_parent_documents() -> None:
    docs = table(novel(6, "emma") + novel(6, "dubliners"))
    plan = classification.plan(docs, **BOUNDS)
    assert (plan["label_by"], plan["labels"]) == ("document", ["dubliners", "emma"])
    assert set(classification.mine(docs, plan)["label"].to_pylist()) == {"dubliners", "emma"}


def test_one_novel_is_too_little() -> None:
    with pytest.raises(TooFewExamplesError, match=r"fewer than 2 classes.*novels") as caught:
        classification.plan(table(novel(6, "emma")), **BOUNDS)
    assert isinstance(caught.value, InputError)


def test_no_document() -> None:
    with pytest.raises(TooFewExamplesError):
        classification.plan(DOCS.empty_table(), **BOUNDS)


def test_another_split_has_no_new_label() -> None:
    plan = classification.plan(documents(range(6)), **BOUNDS) | {"labels": ["kitchen", "weather"]}
    assert set(classification.mine(documents(range(6, 8)), plan)["label"].to_pylist()) == {"kitchen", "weather"}


def test_the_order_of_documents_does_not_matter() -> None:
    docs = documents(range(6))
    backwards = docs.take(list(range(docs.num_rows))[::-1])
    plan = classification.plan(docs, **BOUNDS)
    assert classification.plan(backwards, **BOUNDS) == plan
    assert classification.mine(backwards, plan) == classification.mine(docs, plan)


def test_the_baseline_is_the_biggest_class() -> None:
    docs = pa.concat_tables([documents(range(3)), documents(range(3, 6)).slice(6, 3)])  # more of the third domain
    plan = classification.plan(docs, **BOUNDS)
    assert plan["majority"] == "harbour"
    assert classification.baseline(documents(range(2)), plan) == ["harbour"] * 6


@given(st.text(), st.integers(1, 30))
def test_passages_are_the_text_in_order(text: str, size: int) -> None:
    passages = classification.cut(text, size)
    assert all(len(passage) < 2 * size for passage in passages)
    position = 0
    for passage in passages:
        position = text.index(passage, position) + len(passage)
