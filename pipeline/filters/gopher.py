"""Gopher's quality and repetition rules (Rae et al. 2021, section A1.1 and table A1), one score each.

All come from one pass over the text, whose columns are documented in ``pipeline.text.quality``.
"""

from __future__ import annotations

from functools import partial

import pyarrow as pa

from pipeline.filters.batch import Batch
from pipeline.text.quality import COLUMNS


def score(batch: Batch, *, column: str) -> pa.DoubleArray:
    """The statistic ``column`` of each text."""
    return pa.array(batch.statistics[:, COLUMNS.index(column)])


SCORES = {column: partial(score, column=column) for column in COLUMNS}
