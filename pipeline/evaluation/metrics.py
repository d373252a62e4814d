"""Figures of quality. Pure functions.

A metric of a task takes targets and predictions, one string each per example. It returns one value per example when the figure is
their mean, or one float when it is not (macro averages): ``intervals.estimate`` tells the two apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Metric = Callable[[Sequence[str], Sequence[str]], "Floats | float"]


def accuracy(targets: Sequence[str], predictions: Sequence[str]) -> Floats:
    """1.0 for each prediction that is the target, else 0.0."""
    return np.array([float(a == b) for a, b in zip(targets, predictions, strict=True)])


def precision(targets: Sequence[str], predictions: Sequence[str]) -> float:
    """Mean over the labels of the targets; 0 for a label that is never predicted."""
    return _macro(targets, predictions)[0]


def recall(targets: Sequence[str], predictions: Sequence[str]) -> float:
    """Mean over the labels of the targets."""
    return _macro(targets, predictions)[1]


def f1(targets: Sequence[str], predictions: Sequence[str]) -> float:
    """Mean over the labels of the targets of 2PR / (P + R)."""
    return _macro(targets, predictions)[2]


def _macro(targets: Sequence[str], predictions: Sequence[str]) -> tuple[float, float, float]:
    from sklearn.metrics import precision_recall_fscore_support

    labels = sorted(set(targets))
    figures = precision_recall_fscore_support(targets, predictions, labels=labels, average="macro", zero_division=0.0)
    return float(figures[0]), float(figures[1]), float(figures[2])


def rouge1(targets: Sequence[str], predictions: Sequence[str]) -> Floats:
    """F1 of shared words, stemmed, for each example (Lin 2004, https://aclanthology.org/W04-1013)."""
    return _rouge("rouge1", targets, predictions)


def rouge2(targets: Sequence[str], predictions: Sequence[str]) -> Floats:
    """F1 of shared pairs of words, stemmed, for each example."""
    return _rouge("rouge2", targets, predictions)


def rouge_l(targets: Sequence[str], predictions: Sequence[str]) -> Floats:
    """F1 of the longest common subsequence of words, stemmed, for each example."""
    return _rouge("rougeL", targets, predictions)


def _rouge(kind: str, targets: Sequence[str], predictions: Sequence[str]) -> Floats:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer([kind], use_stemmer=True)
    pairs = zip(targets, predictions, strict=True)
    return np.array([scorer.score(target, prediction)[kind].fmeasure for target, prediction in pairs])


def distinct_n(texts: Sequence[str], n: int) -> float:
    """Different n-grams of words as a share of all, over the texts together; 0.0 when they are too short to have one.

    1 means that nothing was repeated (Li et al. 2016, https://arxiv.org/abs/1510.03055, §5).
    """
    grams = [tuple(words[i : i + n]) for words in (text.split() for text in texts) for i in range(len(words) - n + 1)]
    return len(set(grams)) / len(grams) if grams else 0.0
