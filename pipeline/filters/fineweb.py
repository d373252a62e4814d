"""FineWeb's own rules (Penedo et al. 2024, section 3.6), taken of the text that the line rule leaves.

``punctuated_line_fraction: {low: 0.12}, short_line_fraction: {high: 0.67}, dup_full_line_char_fraction: {high: 0.01},
line_feed_ratio: {high: 0.3}``; the last is in datatrove, not in the paper.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyarrow as pa

from pipeline.filters.batch import Batch, statistic
from pipeline.text.quality import FINEWEB

SCORES: dict[str, Callable[[Batch], pa.DoubleArray]] = {column: partial(statistic, column=column) for column in FINEWEB}
