"""Gopher's quality and repetition rules (Rae et al. 2021, section A1.1 and table A1), one score each.

All come from one pass over the text, whose columns are documented in ``pipeline.text.quality``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyarrow as pa

from pipeline.filters import stop_words
from pipeline.filters.batch import Batch, statistic
from pipeline.text.quality import QUALITY, REPETITION

# In the order in which FineWeb asks them.
SCORES: dict[str, Callable[[Batch], pa.DoubleArray]] = {
    **{column: partial(statistic, column=column) for column in (*REPETITION, *QUALITY)},
    "num_stop_words": stop_words.num_stop_words,
    "stop_word_fraction": stop_words.stop_word_fraction,
}
