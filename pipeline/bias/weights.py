"""Weights that let the groups of an axis be seen equally often, and domains in the mixture asked for, within bounds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from pipeline.text.hashing import I64

F64 = npt.NDArray[np.float64]


def domain_weights(domain: I64, amount: F64, *, temperature: float, mixture: Mapping[int, float]) -> F64:
    """(D,) how often to see each document so that domains come in the wanted proportions.

    ``domain``: (D,) number of each document's domain; ``amount``: (D,) its size. A domain's share is proportional to its natural
    share to the power of ``temperature``: 1 leaves it, 0 makes all domains equal (Conneau & Lample 2019, section 3.1).
    ``mixture`` gives some domains a share outright; the others divide what is left.
    """
    natural = np.bincount(domain, amount) / amount.sum()
    wanted: F64 = np.where(natural > 0, natural**temperature, 0.0)
    named = np.array(list(mixture), np.int64)
    wanted[named] = 0.0
    if wanted.any():
        wanted *= (1 - sum(mixture.values())) / wanted.sum()
    wanted[named] = list(mixture.values())
    factors: F64 = np.divide(wanted, natural, out=np.zeros_like(natural), where=natural > 0)
    return factors[domain]


def rake(present: npt.NDArray[np.bool_], axes: list[I64], start: F64, *, low: float, high: float, rounds: int = 200) -> F64:
    """(D,) weights in [low, high] of mean 1 that bring the groups of each axis to equal weighted document counts, or near.

    ``present``: (D, G) whether a document mentions a group; ``axes``: groups to make equal, one array per axis; ``start``: (D,)
    weights to begin with. Raking (Deming & Stephan 1940) as bounded calibration (Deville & Särndal 1992): a document's weight is
    ``start`` times a factor for each group that it mentions, clipped; each round corrects the factors by the ratio of wanted to
    present count. Groups share documents and bounds bind, so equality may be out of reach; then the groups end nearer, not equal.
    """
    factors = np.zeros(present.shape[1])
    members = present.astype(np.float64)  # sums by einsum: those of a matrix product depend on the number of threads
    weights = scale_to_mean_one(start, low, high)
    limit = np.log(high / low)  # a factor beyond it moves no weight further
    for _ in range(rounds):
        worst = 0.0
        for groups in axes:
            counts = np.einsum("d,dg->g", weights, members[:, groups])
            step = np.log(counts.mean() / counts)
            factors[groups] = np.clip(factors[groups] + step, -limit, limit)
            worst = max(worst, float(np.abs(step).max()))
            weights = scale_to_mean_one(start * np.exp(np.einsum("dg,g->d", members, factors)), low, high)
        if worst < 1e-4:
            break
    return weights


def scale_to_mean_one(weights: F64, low: float, high: float) -> F64:
    """Multiply by the one number that gives mean 1 after clipping to [low, high]; low <= 1 <= high, found by bisection."""
    small, large = 0.0, high / max(float(weights[weights > 0].min()), 1e-300)
    for _ in range(200):
        middle = (small + large) / 2
        if np.clip(weights * middle, low, high).mean() < 1:
            small = middle
        else:
            large = middle
    return np.clip(weights * large, low, high)


def effective_size(weights: F64) -> float:
    """Kish's effective sample size (1965): as many equally weighted documents carry as much information."""
    return float(weights.sum() ** 2 / (weights**2).sum())
