"""The kernel gives the probabilities that fastText's own code gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.filters.lid import model, model_file
from pipeline.text.fasttext_model import read_model
from pipeline.text.languages import probabilities

UNLIMITED = 1 << 40
SAMPLES = [
    "The quick brown fox jumps over the lazy dog.",
    "Der schnelle braune Fuchs springt über den faulen Hund.",
    "若计入军队代表的模糊量，总的官员代表大于94%无疑！",
    "ภาษาไทยเป็นภาษาที่มีระดับเสียง",
    "def f(x): return x ** 2  # naïve",
    "🙂 emoji 👩‍👩‍👧 and \x00 zero",
]


@pytest.fixture(scope="module")
def library() -> Any:
    import fasttext

    return fasttext.load_model(str(model_file()))


def expected(library: Any, text: str) -> dict[str, float]:
    labels, values = library.predict(text, k=-1, threshold=-1.0)
    return {label.removeprefix("__label__"): value for label, value in zip(labels, values, strict=True)}


def check(library: Any, text: str) -> None:
    (found,), _ = probabilities(pa.array([text], pa.large_string()), model(), max_bytes=UNLIMITED)
    wanted = expected(library, text)
    np.testing.assert_allclose(found, [wanted[label] for label in model().labels], atol=1e-5)


@pytest.mark.parametrize("text", SAMPLES)
def test_equal_to_the_library(library: Any, text: str) -> None:
    check(library, text)


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=80))
@settings(max_examples=300, deadline=None)
def test_equal_to_the_library_on_any_text(library: Any, text: str) -> None:
    assume("__label__" not in text and "</s>" not in text)  # commands to the library, words to us
    check(library, text)


def test_a_batch_gives_what_each_text_gives_alone() -> None:
    """Words are remembered from text to text: that must not show."""
    together, _ = probabilities(pa.array(SAMPLES * 3, pa.large_string()), model(), max_bytes=UNLIMITED)
    alone = [probabilities(pa.array([text], pa.large_string()), model(), max_bytes=UNLIMITED)[0][0] for text in SAMPLES * 3]
    assert np.array_equal(together, np.array(alone))


def test_only_the_first_bytes_count() -> None:
    english, german = SAMPLES[:2]
    both = pa.array([english + " " + german * 100], pa.large_string())
    first, _ = probabilities(both, model(), max_bytes=len(english))
    alone, _ = probabilities(pa.array([english], pa.large_string()), model(), max_bytes=UNLIMITED)
    assert np.array_equal(first, alone)


def test_a_text_without_a_known_feature_says_so() -> None:
    _, known = probabilities(pa.array(["", " \n\t", None, "word"], pa.large_string()), model(), max_bytes=UNLIMITED)
    assert known[:3].tolist() == [0, 0, 0]
    assert known[3] > 0


@pytest.mark.parametrize("data", [b"\x00" * 100, b"PK\x03\x04" + b"\x00" * 100])
def test_another_file_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="fastText"):
        read_model(data)
