"""Which package (or author, or parent document) is this passage from? Mined from any corpus, without annotation.

The label is given away by a package's own name, so the name is masked and the ``module`` line removed before the model sees a
passage. Labels are the domains with the most examples; in a corpus of one domain they are the documents that
``ingest`` cut in pieces.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.errors import TooFewExamplesError
from pipeline.schema import EXAMPLES
from pipeline.tasks.interface import CurveRow, Plan, example_id
from pipeline.tasks.training import train_classifier

METRICS = ("accuracy", "precision", "recall", "f1")
BASELINE = "majority"
MASK = "package"  # a plain word, so that a masked passage still reads as text
_PIECE = re.compile(r"#\d+$")  # ingest marks the pieces of a long document so
_HEADER = re.compile(r"^module ([\w.]+)\n")
_QUALIFIED = re.compile(r"^(?:def|class) (\w+)\.", re.MULTILINE)


def plan(
    docs: pa.Table,
    *,
    max_classes: int,
    min_examples_per_class: int,
    max_examples_per_class: int,
    max_passages_per_document: int,
    passage_chars: int,
) -> Plan:
    """Choose the labels: the ``max_classes`` domains with most examples, or the parent documents if there is one domain only.

    Raises TooFewExamplesError when neither gives two classes of at least ``min_examples_per_class``.
    """
    found = {}
    for label_by in ("domain", "document"):
        chosen: Plan = {
            "label_by": label_by,
            "passage_chars": passage_chars,
            "max_passages_per_document": max_passages_per_document,
            "max_examples_per_class": max_examples_per_class,
        }
        counts = Counter(label for label, *_ in _passages(docs, chosen))
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        found[label_by] = ranked[0] if ranked else ("", 0)
        enough = [(name, count) for name, count in ranked[:max_classes] if count >= min_examples_per_class]
        if len(enough) >= 2:
            return {**chosen, "labels": sorted(name for name, _ in enough), "majority": enough[0][0]}
    raise TooFewExamplesError(
        f"classification: fewer than 2 classes have {min_examples_per_class} passages of {passage_chars} characters in the "
        f"training split (largest domain: {found['domain'][0]!r} with {found['domain'][1]}; largest document: "
        f"{found['document'][1]}); lower finetune.classification.min_examples_per_class or passage_chars, or add documents"
    )


def mine(docs: pa.Table, plan: Plan) -> pa.Table:
    """EXAMPLES of the planned labels, at most ``max_examples_per_class`` of each, in the order of their ids."""
    known, taken = set(plan["labels"]), Counter[str]()
    rows = []
    for label, identity, document, passage, names in sorted(_passages(docs, plan), key=lambda found: found[1]):
        if label not in known or taken[label] >= plan["max_examples_per_class"]:
            continue
        taken[label] += 1
        rows.append({"id": identity, "document_id": document, "input": mask(passage, names), "target": None, "label": label})
    return pa.Table.from_pylist(rows, EXAMPLES)


def _passages(docs: pa.Table, plan: Plan) -> Iterator[tuple[str, str, str, str, frozenset[str]]]:
    """Label, example id, document id, passage and the names to mask in it."""
    columns = docs.select(["id", "text", "locator", "domain"]).to_pylist()
    for row in columns:
        label = row["domain"] if plan["label_by"] == "domain" else _PIECE.sub("", row["locator"])
        names = own_names(row["text"], row["domain"])
        body = _HEADER.sub("", row["text"])
        passages = cut(body, plan["passage_chars"])
        picked = sorted((example_id(row["id"], index), passage) for index, passage in enumerate(passages))
        for identity, passage in picked[: plan["max_passages_per_document"]]:
            yield label, identity, row["id"], passage, names


def own_names(text: str, domain: str) -> frozenset[str]:
    r"""Names that give the domain away: itself, in both spellings, and the root of the module and of qualified definitions.

    >>> sorted(own_names("module sklearn.svm\n\nSupport vectors.", "scikit-learn"))
    ['scikit-learn', 'scikit_learn', 'sklearn']
    """
    names = {domain, domain.replace("-", "_"), domain.replace("_", "-")}
    if header := _HEADER.match(text):
        names |= {header[1].split(".")[0], *_QUALIFIED.findall(text)}
    return frozenset(name for name in names if name)


def mask(passage: str, names: frozenset[str]) -> str:
    """Replace each of ``names`` that is not part of a longer word, in any case.

    >>> mask("Numpy arrays: numpy.ndarray, not mynumpy", frozenset({"numpy"}))
    'package arrays: package.ndarray, not mynumpy'
    """
    choices = "|".join(re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name)))
    return re.sub(rf"(?<![^\W_])(?:{choices})(?![^\W_])", MASK, passage, flags=re.IGNORECASE)


def cut(text: str, passage_chars: int) -> list[str]:
    """Whole lines collected to passages of at least ``passage_chars`` characters; a shorter rest is left out.

    A longer line is cut at ``passage_chars``, so a passage is always shorter than twice that.
    """
    passages, lines, size = [], [], 0
    for line in text.splitlines(keepends=True):
        for start in range(0, len(line), passage_chars):
            part = line[start : start + passage_chars]
            lines.append(part)
            size += len(part)
            if size >= passage_chars:
                passages.append("".join(lines).strip("\n"))
                lines, size = [], 0
    return passages


def fit(model: Path, train: pa.Table, validation: pa.Table, plan: Plan, out: Path, **settings: Any) -> list[CurveRow]:
    """Put a classification head on the decoder and tune all of it; see ``training.train_classifier`` for the settings."""
    return train_classifier(
        model,
        (train["input"].to_pylist(), train["label"].to_pylist()),
        (validation["input"].to_pylist(), validation["label"].to_pylist()),
        plan,
        out,
        **settings,
    )


def predict(directory: Path, examples: pa.Table) -> list[str]:
    """The likeliest label of each example."""
    from pipeline.tasks.inference import classify

    return classify(directory, examples["input"].to_pylist())


def answers(examples: pa.Table) -> list[str]:
    """The true labels."""
    labels: list[str] = examples["label"].to_pylist()
    return labels


def baseline(examples: pa.Table, plan: Plan) -> list[str]:
    """The label that most training examples have, for every example."""
    return [plan["majority"]] * examples.num_rows
