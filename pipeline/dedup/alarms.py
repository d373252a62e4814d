"""Signs that de-duplication takes templates, or half of a source, for copies.

One peer merged 859,092 documents of a template into two and nothing said so; a bound makes such a result an alarm.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipeline.dedup.duplicates import KEPT, Outcome, Sources
from pipeline.dedup.pairs import U32

EXAMPLES = 3


def large_clusters(ids: pa.Array, order: U32, outcome: Outcome, bound: int) -> list[str]:
    """One sentence for each cluster of more than ``bound`` documents, the largest first. ``order``: row of each rank."""
    sizes = np.bincount(outcome.leader, minlength=len(order))
    large = np.flatnonzero(sizes > bound)
    found = []
    for leader in large[np.argsort(-sizes[large], kind="stable")]:
        members = np.flatnonzero(outcome.leader == leader)[:EXAMPLES]
        found.append(
            f"cluster {ids[int(order[leader])]} has {sizes[leader]} documents (bound {bound}): {_names(ids, order[members])}"
        )
    return found


def source_losses(ids: pa.Array, sources: Sources, order: U32, outcome: Outcome, bound: float) -> list[str]:
    """One sentence for each source that loses a larger share of its documents than ``bound``, the worst first."""
    codes, lost = sources.codes[order], outcome.rule != KEPT
    shares = np.bincount(codes, lost, len(sources.names)) / np.bincount(codes, minlength=len(sources.names))
    worse = np.flatnonzero(shares > bound)
    found = []
    for code in worse[np.argsort(-shares[worse], kind="stable")]:
        gone = np.flatnonzero(lost & (codes == code))[:EXAMPLES]
        found.append(f"source {sources.names[code]} loses {shares[code]:.1%} (bound {bound:.1%}): {_names(ids, order[gone])}")
    return found


def _names(ids: pa.Array, rows: U32) -> str:
    return ", ".join(ids.take(pa.array(rows)).to_pylist())
