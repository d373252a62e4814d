"""Pieces of a long text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.paragraphs import pieces


def test_cuts_at_the_best_end_that_fits() -> None:
    assert list(pieces("one two\nthree\n\nfour five", 20)) == ["one two\nthree\n\n", "four five"]
    assert list(pieces("one two\nthree four", 12)) == ["one two\n", "three four"]
    assert list(pieces("one two three", 9)) == ["one two ", "three"]
    assert list(pieces("abcdefgh", 3)) == ["abc", "def", "gh"]
    assert list(pieces("", 3)) == [""]


@given(st.text(alphabet="ab \n", max_size=60), st.integers(1, 20))
def test_pieces_add_up_and_fit(text: str, max_chars: int) -> None:
    cut = list(pieces(text, max_chars))
    assert "".join(cut) == text
    assert all(0 < len(piece) <= max_chars for piece in cut) or text == ""
