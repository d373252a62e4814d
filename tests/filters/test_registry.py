"""The registry: what each filter gives, and the order in which they are asked."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pytest

from pipeline.filters import FILTERS
from pipeline.filters.batch import Batch
from pipeline.text.quality import C4_LINES, COLUMNS

OF_THE_USER = ["toxicity_probability", "quality_probability", "bits_per_byte"]  # null without a model of the user's own


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_gives_one_number_per_text(name: str) -> None:
    scores = FILTERS[name](Batch(pa.array(["Some words, and more.", "", "x"], pa.large_string()), languages=("en",)))
    assert scores.type == pa.float64()
    assert len(scores) == 3
    assert scores.null_count == (3 if name in {*OF_THE_USER, *C4_LINES} else 0)


@pytest.mark.parametrize("name", C4_LINES)
def test_a_line_rule_gives_the_scores_of_c4(name: str) -> None:
    assert FILTERS[name](Batch(pa.array(["A line of words."], pa.large_string()), lines="c4")).null_count == 0


def test_language_is_asked_first_then_the_published_rules_then_word_lists() -> None:
    assert list(FILTERS) == [
        "language",
        "language_probability",
        *COLUMNS,
        "identity_rate",
        "toxicity",
        "toxic_terms",
        *OF_THE_USER,
    ]


def test_filters_start_without_torch() -> None:
    code = "import sys, pipeline.filters; sys.exit('torch' in sys.modules or 'datasets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
