"""``python -m pipeline train_classifier FILE OUT``: a classifier from labelled documents, measured on held-out ones."""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from rich.console import Console
from safetensors.numpy import save_file
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from pipeline.errors import InputError, MissingInputError, TooFewExamplesError, UsageError
from pipeline.filters.classifier import Classifier, counts_of, probability
from pipeline.manifest import write_manifest
from pipeline.quality import MODEL_TYPE
from pipeline.text.features import Features
from pipeline.text.hashing import hash_words

HELD_OUT = 51  # of 256: a fifth of the texts, chosen by their hash, so that equal texts lie on one side
FEWEST = 10  # held-out texts of each kind, below which a figure would say nothing
RESAMPLES = 200  # of the held-out texts, for a 95 % interval (percentile bootstrap, Efron & Tibshirani 1993, 13.3)
TRUE = ("1", "true", "True")


@dataclass(frozen=True)
class Examples:
    """Texts, whether each carries the wanted label, and which are held out."""

    texts: pa.LargeStringArray
    positive: npt.NDArray[np.bool_]
    held_out: npt.NDArray[np.bool_]


def main(argv: Sequence[str]) -> None:
    """Train, measure, write. Raises UsageError, MissingInputError, InputError, TooFewExamplesError."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline train_classifier", description="a classifier of documents, from labelled examples"
    )
    parser.add_argument("examples", metavar="FILE", type=Path, help=".jsonl or .csv, also with .gz: a text and a label each")
    parser.add_argument("out", metavar="OUT", type=Path, help="directory to write, such as data/quality/toxicity_classifier")
    parser.add_argument("--text", default="text", help="field of the text (default: text)")
    parser.add_argument("--label", default="label", help="field of the label (default: label)")
    parser.add_argument(
        "--positive", action="append", help=f"the label whose probability is the score; may be repeated (default: {TRUE})"
    )
    parser.add_argument("--c", type=float, default=3.0, help="inverse strength of the L2 penalty (default: 3)")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args(argv)
    if not arguments.c > 0:
        raise UsageError(f"--c {arguments.c}: want a positive number")
    wanted = tuple(arguments.positive or TRUE)
    examples = read_examples(arguments.examples, arguments.text, arguments.label, wanted)
    classifier = fit(examples, Features(), arguments.c)
    figures = measure(examples, classifier)
    settings = {"text": arguments.text, "label": arguments.label, "positive": list(wanted), "c": arguments.c}
    save(classifier, arguments.out, settings, arguments.examples, figures)
    for name, value in figures.items():
        Console(highlight=False).print(f"{name:32} {value:,.4g}" if isinstance(value, float) else f"{name:32} {value:,}")
    if arguments.json:
        arguments.json.write_text(json.dumps([figures], indent=1) + "\n", encoding="utf-8")


def read_examples(path: Path, text: str, label: str, positive: tuple[str, ...]) -> Examples:
    """The examples of a file. Raises MissingInputError, InputError (names file and line), TooFewExamplesError."""
    rows = [(str(row[text]), str(row[label])) for row in _rows(path, (text, label))]
    labels = Counter(name for _, name in rows)
    positives = np.array([name in positive for _, name in rows], np.bool_)
    held_out = np.array([hashlib.sha256(value.encode()).digest()[0] < HELD_OUT for value, _ in rows], np.bool_)
    for kind in (positives, ~positives):
        if min((kind & held_out).sum(), (kind & ~held_out).sum()) < FEWEST:
            raise TooFewExamplesError(
                f"{path}: labels {dict(labels.most_common(10))}, wanted {positive}: want at least {FEWEST} held-out examples "
                f"with and without it (a fifth of all); give more, or name the label by --positive"
            )
    return Examples(pa.array([value for value, _ in rows], pa.large_string()), positives, held_out)


def _rows(path: Path, fields: tuple[str, str]) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file; give a .jsonl or .csv of labelled texts")
    with gzip.open(path, "rt", encoding="utf-8-sig") if path.suffix == ".gz" else path.open(encoding="utf-8-sig") as file:
        try:
            for number, row in enumerate(_parse(file, ".csv" in path.suffixes), start=1):
                if not isinstance(row, dict) or any(row.get(field) is None for field in fields):
                    raise InputError(
                        f"{path}, record {number}: wants the fields {fields}, has {list(row)}; see --text and --label"
                    )
                yield row
        except (json.JSONDecodeError, UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{path}: {error}; want one JSON object per line, or CSV with a header, in UTF-8") from error


def _parse(file: TextIO, is_csv: bool) -> Iterator[Any]:  # noqa: FBT001
    if is_csv:
        yield from csv.DictReader(file)
    else:
        yield from (json.loads(line) for line in file if line.strip())


def fit(examples: Examples, features: Features, c: float) -> Classifier:
    """Logistic regression on the examples that are not held out, both kinds weighing the same in all."""
    texts = examples.texts.filter(pa.array(~examples.held_out))
    values, columns, bounds = counts_of(texts, hash_words(texts), features)
    matrix = csr_matrix((values, columns, bounds), shape=(len(texts), 1 << features.bits))
    matrix.sum_duplicates()
    model = LogisticRegression(C=c, class_weight="balanced", max_iter=1000).fit(matrix, examples.positive[~examples.held_out])
    return Classifier(features, model.coef_[0].astype(np.float32), float(np.float32(model.intercept_[0])))


def measure(examples: Examples, classifier: Classifier) -> dict[str, float | int]:
    """Area under the ROC curve with its interval, and average precision, on the held-out examples."""
    texts, truth = examples.texts.filter(pa.array(examples.held_out)), examples.positive[examples.held_out]
    scores = np.asarray(probability(texts, hash_words(texts), classifier))
    generator = np.random.default_rng(0)
    drawn = [generator.integers(0, len(truth), len(truth)) for _ in range(RESAMPLES)]
    areas = [roc_auc_score(truth[rows], scores[rows]) for rows in drawn if 0 < truth[rows].sum() < len(truth)]
    low, high = np.quantile(areas, (0.025, 0.975))
    return {
        "train_examples": int((~examples.held_out).sum()),
        "held_out_examples": len(truth),
        "held_out_positive": int(truth.sum()),
        "held_out_auroc": float(roc_auc_score(truth, scores)),
        "held_out_auroc_low": float(low),
        "held_out_auroc_high": float(high),
        "held_out_average_precision": float(average_precision_score(truth, scores)),
    }


def save(classifier: Classifier, out: Path, settings: dict[str, Any], examples: Path, figures: dict[str, float | int]) -> None:
    """Write config.json, model.safetensors and manifest.json; the directory is there when it is whole."""
    features, temporary = classifier.features, out.with_name(out.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    config = {"model_type": MODEL_TYPE, "words": features.words, "chars": list(features.chars), "bits": features.bits}
    (temporary / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    tensors = {"weights": classifier.weights, "bias": np.array([classifier.bias], np.float32)}
    save_file(tensors, temporary / "model.safetensors")
    write_manifest(temporary, stage="train_classifier", params=settings, inputs={"examples": examples}, facts=figures)
    shutil.rmtree(out, ignore_errors=True)
    temporary.rename(out)
