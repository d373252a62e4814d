"""The folder of a user's own scoring files: a word list, classifiers, an n-gram model. Every part is optional.

toxic_terms.txt         one term per line, # begins a comment; in place of the terms that Heddle brings
toxicity_classifier/    what ``python -m pipeline train_classifier`` wrote
quality_classifier/     the same, of any label
ngram/                  a model directory of the family ngram, as ``pretrain`` writes it
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from pipeline import manifest
from pipeline.errors import InputError, ManifestError, MissingInputError
from pipeline.filters.classifier import Classifier
from pipeline.text.backoff import Backoff, from_tensors
from pipeline.text.features import Features

TERMS, NGRAM = "toxic_terms.txt", "ngram"
CLASSIFIERS = ("toxicity_classifier", "quality_classifier")
MODEL_TYPE = "heddle-linear"
NGRAM_TYPE = "heddle-ngram"


@dataclass(frozen=True)
class Quality:
    """What the folder holds; None for what it lacks."""

    toxic_terms: frozenset[str] | None
    toxicity: Classifier | None
    quality: Classifier | None
    ngram: tuple[Backoff, str] | None
    """The model and its tokenizer.json."""


def read_quality(folder: Path) -> Quality:
    """Read and verify the folder. Raises MissingInputError without it, InputError for a term list that is not UTF-8 or has no
    term, ManifestError for a model that is not what its manifest says.
    """
    if not folder.is_dir():
        raise MissingInputError(f"{folder}: no such folder; it holds word lists and models for filters, and may be empty")
    toxicity, quality = (read_classifier(folder / name) if (folder / name).exists() else None for name in CLASSIFIERS)
    ngram = read_ngram(folder / NGRAM) if (folder / NGRAM).exists() else None
    return Quality(_read_terms(folder / TERMS) if (folder / TERMS).exists() else None, toxicity, quality, ngram)


@functools.lru_cache(maxsize=1)
def read_once(folder: Path, digest: str) -> Quality:
    """``read_quality``, kept while the process works on documents; ``digest`` (of ``folder_digest``) stands for the content."""
    if (found := folder_digest(folder)) != digest:
        raise InputError(f"{folder}: changed while it was read ({digest} became {found}); run the stage again")
    return read_quality(folder)


def folder_digest(folder: Path) -> str:
    """One hash of all that ``read_quality`` may read, to tell one content from another."""
    if not folder.is_dir():
        raise MissingInputError(f"{folder}: no such folder; it holds word lists and models for filters, and may be empty")
    files = [folder / TERMS, *(folder / name / manifest.NAME for name in (*CLASSIFIERS, NGRAM))]
    return " ".join(manifest.sha256(file)[:16] if file.is_file() else "-" for file in files)


def read_classifier(directory: Path) -> Classifier:
    """Load what ``train_classifier`` wrote. Raises MissingInputError, ManifestError."""
    config = _read_config(directory, MODEL_TYPE, "python -m pipeline train_classifier")
    tensors = load_file(directory / "model.safetensors")
    try:
        features = Features(config["words"], tuple(config["chars"]), config["bits"])
        weights, bias = tensors["weights"], float(tensors["bias"][0])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ManifestError(f"{directory}/config.json: {error!r}; train the classifier again") from error
    if weights.shape != (1 << features.bits,):
        raise ManifestError(f"{directory}/model.safetensors: weights {weights.shape}, want {1 << features.bits}; train it again")
    return Classifier(features, weights, bias)


def read_ngram(directory: Path) -> tuple[Backoff, str]:
    """Load an n-gram model directory and its tokenizer.json. Raises MissingInputError, ManifestError."""
    config = _read_config(directory, NGRAM_TYPE, "the stage pretrain, with a variant of family ngram")
    try:
        model = from_tensors(load_file(directory / "model.safetensors"), int(config["order"]), int(config["vocab_size"]))
    except (KeyError, ValueError) as error:
        raise ManifestError(f"{directory}/model.safetensors: {error!r}; train the model again") from error
    return model, (directory / "tokenizer.json").read_text(encoding="utf-8")


def _read_config(directory: Path, wanted: str, maker: str) -> dict[str, Any]:
    manifest.verify(directory)
    config: dict[str, Any] = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") != wanted:
        raise ManifestError(f"{directory}/config.json: model_type = {config.get('model_type')!r}, want {wanted}; made by {maker}")
    return config


def _read_terms(path: Path) -> frozenset[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8: {error}; save it as UTF-8, one term per line") from error
    terms = frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))
    if not terms:
        raise InputError(f"{path}: no term in it; write one per line, or remove the file to use the terms that Heddle brings")
    return terms
