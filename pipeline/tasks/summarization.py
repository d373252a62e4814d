"""Say in one sentence what a text is about. Mined from any corpus, without annotation.

From documentation: a docstring without its first paragraph → that paragraph, which by convention (PEP 257) is its summary.
From prose: a paragraph without its first sentence → that sentence, the "lead" variant of gap-sentence generation
(Zhang et al. 2020, PEGASUS, https://arxiv.org/abs/1912.08777, §3.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.errors import TooFewExamplesError
from pipeline.schema import EXAMPLES
from pipeline.tasks.interface import CurveRow, Plan, example_id
from pipeline.tasks.training import train_summarizer

METRICS = ("rouge1", "rouge2", "rougeL")
BASELINE = "first_sentence"
KINDS = ("docstring", "gap_sentence")
_DEFINITION = re.compile(r"^(?:def|class) [\w.]+.*$")
_INDENT = "    "
_ABBREVIATIONS = ["Mr", "Mrs", "Ms", "Dr", "St", "Prof", "vs", "cf", "No", "Fig", "Eq", "Eqs", "Ref", "e.g", "i.e", "approx"]
_NOT_AFTER = "".join(rf"(?<!\b{re.escape(word)}\.)" for word in _ABBREVIATIONS)
_SENTENCE_END = re.compile(rf"""(?<=[.!?]){_NOT_AFTER}["'”’)]*\s+(?=["'“‘(]*[A-Z0-9])""")


def plan(
    docs: pa.Table,
    *,
    min_examples: int,
    max_examples: int,
    min_body_words: int,
    max_body_words: int,
    min_summary_words: int,
    max_summary_words: int,
) -> Plan:
    """Choose docstring pairs if there are ``min_examples`` of them, else gap sentences.

    Raises TooFewExamplesError when there are too few of either.
    """
    found = {}
    for kind in KINDS:
        chosen: Plan = {
            "kind": kind,
            "max_examples": max_examples,
            "min_body_words": min_body_words,
            "max_body_words": max_body_words,
            "min_summary_words": min_summary_words,
            "max_summary_words": max_summary_words,
        }
        found[kind] = mine(docs, chosen).num_rows
        if found[kind] >= min(min_examples, max_examples):
            return chosen
    raise TooFewExamplesError(
        f"summarization: {found['docstring']} docstring pairs and {found['gap_sentence']} gap-sentence pairs in the training "
        f"split, want {min_examples} of either; lower finetune.summarization.min_examples or min_body_words, or add documents"
    )


def mine(docs: pa.Table, plan: Plan) -> pa.Table:
    """EXAMPLES of the planned kind, in the order of their ids, at most ``max_examples``; a pair that comes again is left out."""
    pairs = docstring_pairs if plan["kind"] == "docstring" else gap_sentence_pairs
    rows = []
    for row in docs.select(["id", "text"]).to_pylist():
        for index, (summary, body) in enumerate(pairs(row["text"])):
            size, words = len(summary.split()), body.split()
            if plan["min_summary_words"] <= size <= plan["max_summary_words"] and len(words) >= plan["min_body_words"]:
                rows.append((example_id(row["id"], index), row["id"], first_words(body, plan["max_body_words"]), summary))
    rows.sort()
    seen: set[tuple[str, str]] = set()
    examples: list[dict[str, str | None]] = []
    for identity, document, body, summary in rows:
        if len(examples) < plan["max_examples"] and (body, summary) not in seen:
            seen.add((body, summary))
            examples.append({"id": identity, "document_id": document, "input": body, "target": summary, "label": None})
    return pa.Table.from_pylist(examples, EXAMPLES)


def docstring_pairs(text: str) -> Iterator[tuple[str, str]]:
    r"""First paragraph, joined to one line, and the rest of every docstring that has a rest.

    A docstring is what is indented below a line ``def name(...)`` or ``class name(...)``.

    >>> list(docstring_pairs("def f(x)\n\n    Add one.\n\n    The rest.\n\ndef g()\n\n    Alone.\n"))
    [('Add one.', 'The rest.')]
    """
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if _DEFINITION.match(line)]
    for start in starts:
        block = []
        for line in lines[start + 1 :]:
            if line and not line.startswith(_INDENT):
                break
            block.append(line.removeprefix(_INDENT))
        summary, _, body = "\n".join(block).strip("\n").partition("\n\n")
        if body.strip():
            yield " ".join(summary.split()), body.strip("\n")


def gap_sentence_pairs(text: str) -> Iterator[tuple[str, str]]:
    r"""First sentence and the rest of every paragraph of at least two sentences, each joined to one line.

    >>> list(gap_sentence_pairs("It rained. We stayed in.\n\nAlone."))
    [('It rained.', 'We stayed in.')]
    """
    for paragraph in re.split(r"\n\s*\n", text):
        sentences = _SENTENCE_END.split(" ".join(paragraph.split()), maxsplit=1)
        if len(sentences) == 2:
            yield sentences[0], sentences[1]


def first_words(text: str, limit: int) -> str:
    """The text up to its ``limit``-th word, its line breaks and indentation kept (a table of parameters needs them)."""
    ends = [match.end() for match in re.finditer(r"\S+", text)]
    return text if len(ends) <= limit else text[: ends[limit - 1]]


def fit(model: Path, train: pa.Table, validation: pa.Table, plan: Plan, out: Path, **settings: Any) -> list[CurveRow]:
    """Tune the decoder to continue a body with its summary; see ``training.train_summarizer`` for the settings."""
    return train_summarizer(
        model,
        (train["input"].to_pylist(), train["target"].to_pylist()),
        (validation["input"].to_pylist(), validation["target"].to_pylist()),
        plan,
        out,
        **settings,
    )


def predict(directory: Path, examples: pa.Table) -> list[str]:
    """The model's summary of each input, by greedy search."""
    from pipeline.tasks.inference import summarize

    return summarize(directory, examples["input"].to_pylist())


def answers(examples: pa.Table) -> list[str]:
    """The true summaries."""
    targets: list[str] = examples["target"].to_pylist()
    return targets


def baseline(examples: pa.Table, plan: Plan) -> list[str]:
    """The first sentence of each input, at most as long as a summary may be."""
    firsts = (_SENTENCE_END.split(" ".join(body.split()), maxsplit=1)[0] for body in examples["input"].to_pylist())
    return [first_words(sentence, plan["max_summary_words"]) for sentence in firsts]
