"""What a fine-tuning task is: a module with these names.

The *plan* holds whatever the training split decides (the labels, which kind of pair) as a JSON object. It is written into the
``config.json`` of the fine-tuned model under ``heddle_task``, so that test examples are mined exactly as the training ones were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

Plan = dict[str, Any]
CurveRow = dict[str, float]


class Task(Protocol):
    """A module below ``pipeline.tasks``; nothing heavy is imported until ``fit`` or ``predict`` is called."""

    @property
    def METRICS(self) -> tuple[str, ...]:  # noqa: N802
        """Names in ``pipeline.evaluation.METRICS`` that compare answers with predictions."""
        ...

    @property
    def BASELINE(self) -> str:  # noqa: N802
        """What ``baseline`` does, for the results table."""
        ...

    @property
    def plan(self) -> Callable[..., Plan]:
        """``plan(docs, **bounds)``: decide on the training DOCS. Raises TooFewExamplesError."""
        ...

    @property
    def mine(self) -> Callable[[pa.Table, Plan], pa.Table]:
        """``mine(docs, plan)``: EXAMPLES of DOCS, in an order that is a random one but always the same."""
        ...

    @property
    def fit(self) -> Callable[..., list[CurveRow]]:
        """``fit(model, train, validation, plan, out, **settings)``: tune a copy of the model directory, write it to ``out``."""
        ...

    @property
    def predict(self) -> Callable[[Path, pa.Table], list[str]]:
        """``predict(directory, examples)``: one answer for each example, from a fine-tuned model directory."""
        ...

    @property
    def answers(self) -> Callable[[pa.Table], list[str]]:
        """``answers(examples)``: what the predictions should have been."""
        ...

    @property
    def baseline(self) -> Callable[[pa.Table, Plan], list[str]]:
        """``baseline(examples, plan)``: the answers of the trivial rule named BASELINE."""
        ...


def example_id(document_id: str, index: int) -> str:
    """32 hex digits for the ``index``-th example of a document; sorting by it is a random but fixed order."""
    return hashlib.sha256(f"{document_id}\0{index}".encode()).hexdigest()[:32]
