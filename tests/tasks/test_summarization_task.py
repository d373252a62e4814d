"""Pairs of a body and its summary, from docstrings or from prose."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipeline.errors import TooFewExamplesError
from pipeline.schema import DOCS, EXAMPLES
from pipeline.tasks import summarization
from tests.tiny import documents

BOUNDS = {
    "min_examples": 2,
    "max_examples": 100,
    "min_body_words": 4,
    "max_body_words": 12,
    "min_summary_words": 3,
    "max_summary_words": 8,
}

MODULE = """module numpy.linalg

Linear algebra in general.

And more of it, which is the module's own text and no pair.

def numpy.linalg.solve(a, b)

    Solve a linear matrix equation,
    or a system of them.

    Computes the "exact" solution of the well-determined equation.

    Parameters
    ----------
    a : (..., M, M) array_like
        Coefficient matrix.

class numpy.linalg.LinAlgError(ValueError)

    Raised by functions of this module.

def numpy.linalg.short(x)

    Tiny thing here.

    Too short.
"""


def table(*texts: str) -> pa.Table:
    head = {"source": "s", "locator": "l", "domain": "d", "lang": None, "meta": "{}"}
    return pa.Table.from_pylist([{"id": str(n), "text": text, **head} for n, text in enumerate(texts)], DOCS)


def test_a_docstring_gives_its_summary() -> None:
    pairs = list(summarization.docstring_pairs(MODULE))
    assert [summary for summary, _ in pairs] == [
        "Solve a linear matrix equation, or a system of them.",
        "Tiny thing here.",
    ]
    body = pairs[0][1]
    assert body.startswith('Computes the "exact"')
    assert "Parameters\n----------\na : (..., M, M)" in body  # its own indentation is kept, the docstring's is not
    assert "LinAlgError" not in body


def test_bounds_of_quality() -> None:
    plan = {**BOUNDS, "kind": "docstring", "max_summary_words": 10}
    examples = summarization.mine(table(MODULE), plan)
    assert examples.schema == EXAMPLES
    assert examples["target"].to_pylist() == ["Solve a linear matrix equation, or a system of them."]
    assert len(examples["input"][0].as_py().split()) == 12
    assert summarization.mine(table(MODULE), {**plan, "max_summary_words": 9}).num_rows == 0


def test_prose_without_docstrings_gives_gap_sentences() -> None:
    text = (
        'The rain had stopped by noon. "We go," she said. Nobody moved at all.\n\n'
        "Alone here.\n\nMr. Ito ran to the door. It was locked from inside."
    )
    plan = summarization.plan(table(text), **BOUNDS)
    assert plan["kind"] == "gap_sentence"
    examples = summarization.mine(table(text), plan).to_pylist()
    assert sorted((row["target"], row["input"]) for row in examples) == [
        ("Mr. Ito ran to the door.", "It was locked from inside."),
        ("The rain had stopped by noon.", '"We go," she said. Nobody moved at all.'),
    ]


def test_docstrings_come_first() -> None:
    assert summarization.plan(documents(range(2)), **{**BOUNDS, "max_summary_words": 20})["kind"] == "docstring"


def test_too_few() -> None:
    with pytest.raises(TooFewExamplesError, match="0 docstring pairs and 0 gap-sentence pairs"):
        summarization.plan(table("One line."), **BOUNDS)


def test_a_repeated_pair_comes_once() -> None:
    plan = summarization.plan(table(MODULE, MODULE), **{**BOUNDS, "max_summary_words": 10, "min_examples": 1})
    assert summarization.mine(table(MODULE, MODULE), plan).num_rows == 1


def test_no_more_than_asked_for() -> None:
    plan = summarization.plan(documents(range(4)), **{**BOUNDS, "max_summary_words": 20, "max_examples": 7})
    assert summarization.mine(documents(range(4)), plan).num_rows == 7


def test_the_baseline_is_the_first_sentence() -> None:
    rows = [{"id": "1", "document_id": "d", "input": "One two.\nThree four. Five.", "target": "x", "label": None}]
    rows += [{**rows[0], "id": "2", "input": "a b c d e f g h i j"}]
    examples = pa.Table.from_pylist(rows, EXAMPLES)
    assert summarization.baseline(examples, BOUNDS) == ["One two.", "a b c d e f g h"]
