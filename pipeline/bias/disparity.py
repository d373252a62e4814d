"""Does a filter remove texts about a group more often than other texts? Counts, differences of rates and their intervals.

The unit is the document: it is what a filter removes, and words of one document are not independent, so a document that mentions
a group ten times counts once. Documents about a group (inside) are compared with all others (outside).

- The difference of the two removal rates has Newcombe's interval, the hybrid of two Wilson score intervals, which holds for small
  counts and rates near 0 (Newcombe 1998, "Interval estimation for the difference between independent proportions", method 10).
- p is Fisher's exact test, two-sided; q is p adjusted for all comparisons made together, by the procedure of Benjamini &
  Hochberg (1995): of the comparisons with q <= 0.05 at most one in twenty is expected to be chance.
- Long documents mention more groups, and length alone decides many filters. So the difference is also given at equal length: the
  Mantel-Haenszel risk difference over classes of length, with the variance of Sato (1989, Biometrics 45, 1323-1324), which holds
  for many small classes as for few large ones, and the test of Mantel & Haenszel (1959) with its correction for continuity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2, false_discovery_control, fisher_exact

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Z = 1.959963984540054  # of a two-sided interval of 95 %
LENGTH_CLASSES = 48  # a document of 2**k bytes and more, but less than 2**(k + 1), is in class k


@dataclass(frozen=True)
class Tally:
    """Documents by class of length (S), by what they are about (K) and by which filters remove them (F)."""

    inside_dropped: Floats
    """(S, K, F)"""
    inside: Floats
    """(S, K)"""
    dropped: Floats
    """(S, F)"""
    docs: Floats
    """(S,)"""

    def __add__(self, other: Tally) -> Tally:
        """Tally of both batches together."""
        return Tally(
            self.inside_dropped + other.inside_dropped,
            self.inside + other.inside,
            self.dropped + other.dropped,
            self.docs + other.docs,
        )


@dataclass(frozen=True)
class Effect:
    """What one filter did to one group; rates and shares are 0 to 1, ``difference`` is the rate inside less that outside."""

    inside: int
    inside_dropped: int
    outside: int
    outside_dropped: int
    share_before: float
    """Of all documents, those inside."""
    share_after: float
    """The same of the documents that the filter keeps; 0 when it keeps none."""
    difference: float
    low: float
    high: float
    ratio: float | None
    """Rate inside over rate outside; None when nothing outside is removed."""
    at_equal_length: float
    at_equal_length_low: float
    at_equal_length_high: float
    p: float
    p_at_equal_length: float


def tally(about: Bools, dropped: Bools, num_bytes: npt.NDArray[np.int64]) -> Tally:
    """Count a batch of D documents: ``about`` (D, K), ``dropped`` (D, F), their UTF-8 bytes (D,)."""
    lengths = np.minimum(np.log2(np.maximum(num_bytes, 1)).astype(np.int64), LENGTH_CLASSES - 1)
    of_class = (lengths[None, :] == np.arange(LENGTH_CLASSES)[:, None]).astype(np.float64)
    inside, out = about.astype(np.float64), dropped.astype(np.float64)
    crossed = np.stack([inside[lengths == s].T @ out[lengths == s] for s in range(LENGTH_CLASSES)])
    return Tally(crossed, of_class @ inside, of_class @ out, of_class.sum(axis=1))


def effect(counts: Tally, about: int, by: int) -> Effect:
    """The effect of filter ``by`` (of F) on group ``about`` (of K)."""
    a, inside = counts.inside_dropped[:, about, by], counts.inside[:, about]
    b, outside = counts.dropped[:, by] - a, counts.docs - inside
    (a_sum, n_in), (b_sum, n_out) = (a.sum(), inside.sum()), (b.sum(), outside.sum())
    low, high = newcombe(a_sum, n_in, b_sum, n_out)
    rate_in, rate_out = a_sum / max(n_in, 1), b_sum / max(n_out, 1)
    adjusted, error = mantel_haenszel(a, inside, b, outside)
    table = [[int(a_sum), int(n_in - a_sum)], [int(b_sum), int(n_out - b_sum)]]
    kept = n_in + n_out - a_sum - b_sum
    return Effect(
        inside=int(n_in),
        inside_dropped=int(a_sum),
        outside=int(n_out),
        outside_dropped=int(b_sum),
        share_before=float(n_in / max(n_in + n_out, 1)),
        share_after=float((n_in - a_sum) / kept) if kept else 0.0,
        difference=float(rate_in - rate_out),
        low=low,
        high=high,
        ratio=float(rate_in / rate_out) if rate_out else None,
        at_equal_length=adjusted,
        at_equal_length_low=adjusted - Z * error,
        at_equal_length_high=adjusted + Z * error,
        p=float(fisher_exact(table).pvalue),
        p_at_equal_length=cochran_mantel_haenszel(a, inside, b, outside),
    )


def adjusted(p_values: list[float]) -> list[float]:
    """Q of each p (Benjamini & Hochberg 1995)."""
    return [float(q) for q in false_discovery_control(np.array(p_values), method="bh")] if p_values else []


def wilson(hits: float, size: float) -> tuple[float, float]:
    """Score interval of a proportion (Wilson 1927); 0 to 1 when nothing was seen."""
    if not size:
        return 0.0, 1.0
    rate = hits / size
    middle = (rate + Z**2 / (2 * size)) / (1 + Z**2 / size)
    half = Z / (1 + Z**2 / size) * np.sqrt(rate * (1 - rate) / size + Z**2 / (4 * size**2))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def newcombe(a: float, inside: float, b: float, outside: float) -> tuple[float, float]:
    """Interval of a/inside - b/outside; -1 to 1 when one side is empty."""
    if not (inside and outside):
        return -1.0, 1.0
    (low_in, high_in), (low_out, high_out) = wilson(a, inside), wilson(b, outside)
    rate_in, rate_out = a / inside, b / outside
    low = rate_in - rate_out - np.hypot(rate_in - low_in, high_out - rate_out)
    high = rate_in - rate_out + np.hypot(high_in - rate_in, rate_out - low_out)
    return float(low), float(high)


def mantel_haenszel(a: Floats, inside: Floats, b: Floats, outside: Floats) -> tuple[float, float]:
    """Risk difference common to all classes and its standard error; (0, 0) when no class has documents on both sides."""
    both = (inside > 0) & (outside > 0)
    a, inside, b, outside = a[both], inside[both], b[both], outside[both]
    total = inside + outside
    weight = (inside * outside / total).sum()
    if not weight:
        return 0.0, 0.0
    difference = ((a * outside - b * inside) / total).sum() / weight
    p = ((inside**2 * b - outside**2 * a + inside * outside * (outside - inside) / 2) / total**2).sum()
    q = ((a * (outside - b) + b * (inside - a)) / (2 * total)).sum()
    return float(difference), float(np.sqrt(max(difference * p + q, 0.0)) / weight)


def cochran_mantel_haenszel(a: Floats, inside: Floats, b: Floats, outside: Floats) -> float:
    """Two-sided p of no difference in any class, counts of each class given its margins; 1 when nothing could differ."""
    total, hits = inside + outside, a + b
    some = total > 1
    a, inside, outside, total, hits = a[some], inside[some], outside[some], total[some], hits[some]
    variance = (inside * outside * hits * (total - hits) / (total**2 * (total - 1))).sum()
    if not variance:
        return 1.0
    surplus = max(abs((a - inside * hits / total).sum()) - 0.5, 0.0)
    return float(chi2.sf(surplus**2 / variance, 1))
