"""The rules of C4 that drop documents (Raffel et al. 2020, section 2.2), and mC4's (Xue et al. 2021, section 3.1).

``lorem_ipsum_lines: {high: 0}, curly_bracket_lines: {high: 0}, num_sentences: {low: 5}`` is C4; ``num_long_lines: {low: 3}`` mC4.
The rules that take lines out are in ``pipeline.text.lines``; what is left is the document, and its sentences are counted. Without
a line rule (``c4_lines: none``) the first three have no score.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyarrow as pa

from pipeline.filters.batch import Batch, statistic
from pipeline.text.quality import C4_LINES, MC4

SCORES: dict[str, Callable[[Batch], pa.DoubleArray]] = {column: partial(statistic, column=column) for column in (*C4_LINES, *MC4)}
