"""How well term lists and a trained classifier tell toxic texts (or any label) apart, and how fast: ours beside scikit-learn.

python benchmarks/toxicity.py FILE [--text text] [--label label] [--positive 1 ...] [--terms FILE] [--json FILE]

FILE is .jsonl or .csv, also with .gz. A fifth of the texts, chosen by their hash, is held out; the areas under the ROC curve are
of these, with 95 % intervals (bootstrap). Speed is that of scoring the texts joined to documents of some 10 kB.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import measure
import numpy as np
import pyarrow as pa

DOCUMENT_CHARS = 10_000
LEAST_BYTES = 8_000_000  # scored for the speed: the texts over and over


def documents(texts: list[str]) -> list[str]:
    """The texts joined to long documents, repeated until they are LEAST_BYTES."""
    joined = "\n".join(texts)
    parts = [joined[at : at + DOCUMENT_CHARS] for at in range(0, len(joined), DOCUMENT_CHARS)]
    size = sum(len(part.encode()) for part in parts)
    return parts * (LEAST_BYTES // size + 1)


def row(system: str, truth: Any, scores: Any, work: Callable[[], Any], num_bytes: int) -> measure.Row:
    """Area with its interval, and speed."""
    from sklearn.metrics import roc_auc_score

    generator = np.random.default_rng(0)
    drawn = [generator.integers(0, len(truth), len(truth)) for _ in range(200)]
    low, high = np.quantile([roc_auc_score(truth[rows], scores[rows]) for rows in drawn], (0.025, 0.975))
    work()
    _, cost = measure.best(work)
    auroc = float(roc_auc_score(truth, scores))
    return {
        "system": system, "held_out": len(truth), "positive": int(truth.sum()),
        "auroc": auroc, "low": float(low), "high": float(high), "mb_s": cost.mb_s(num_bytes),
    }  # fmt: skip


def main() -> None:
    """Print one row per system."""
    parser = measure.parser(__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--text", default="text")
    parser.add_argument("--label", default="label")
    parser.add_argument("--positive", action="append")
    parser.add_argument("--terms", type=Path, help="a term list, one per line")
    arguments = parser.parse_args()
    measure.pin()
    from pipeline import runtime

    runtime.cache_kernels()
    rows = compare(arguments)
    measure.show(f"{arguments.file.name}: {', '.join(arguments.positive or ['1'])} against the rest", rows)
    measure.write_json(rows, arguments.json)


def compare(arguments: Any) -> list[measure.Row]:
    """Every system on the same held-out texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    from pipeline.filters.batch import Batch
    from pipeline.filters.classifier import probability
    from pipeline.filters.lexicon import toxicity
    from pipeline.filters.toxicity_words import TOXIC_WORDS
    from pipeline.text.features import Features
    from pipeline.text.hashing import hash_words
    from pipeline.train_classifier import TRUE, fit, read_examples

    examples = read_examples(arguments.file, arguments.text, arguments.label, tuple(arguments.positive or TRUE))
    held_out = examples.texts.filter(pa.array(examples.held_out))
    train = examples.texts.filter(pa.array(~examples.held_out)).to_pylist()
    truth = examples.positive[examples.held_out]
    long = documents(examples.texts.to_pylist())
    column, num_bytes = pa.array(long, pa.large_string()), sum(len(text.encode()) for text in long)
    lists = {"term list of Heddle": TOXIC_WORDS}
    if arguments.terms:
        lines = arguments.terms.read_text(encoding="utf-8").splitlines()
        lists[f"term list {arguments.terms.name}"] = frozenset(filter(None, lines))
    rows = [
        row(
            name,
            truth,
            np.asarray(toxicity(Batch(held_out, toxic_terms=terms))),
            lambda terms=terms: toxicity(Batch(column, toxic_terms=terms)),  # type: ignore[misc]
            num_bytes,
        )
        for name, terms in lists.items()
    ]
    ours = fit(examples, Features(), 3.0)
    scored = np.asarray(probability(held_out, hash_words(held_out), ours))
    rows.append(row("classifier", truth, scored, lambda: probability(column, hash_words(column), ours), num_bytes))
    peer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = LogisticRegression(C=3.0, class_weight="balanced", max_iter=1000)
    model.fit(peer.fit_transform(train), examples.positive[~examples.held_out])
    scored = model.decision_function(peer.transform(held_out.to_pylist()))
    rows.append(
        row("scikit-learn, tf-idf of 1-2 words", truth, scored, lambda: model.predict_proba(peer.transform(long)), num_bytes)
    )
    return rows


if __name__ == "__main__":
    main()
