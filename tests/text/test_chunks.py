"""spaCy's words, looked up by the run between white space, against spaCy itself."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text import chunks
from pipeline.text.characters import TERMINATOR, classes
from pipeline.text.hashing import string_buffers
from tests.text.word_rules import TERMINATORS, english

PARTS = [
    "don", "'t", "s", "U.S", ".", ",", "(", ")", "-", "_", "http://a.b", "e.g", "Mr", "1", "km", "$", "…", "é", "中", ":", "]",
    '"', "cannot", "/", "`",
]  # fmt: skip
RUN = st.text(st.characters(exclude_categories=["Cs", "Z", "C"]), min_size=1, max_size=12) | st.lists(
    st.sampled_from(PARTS), min_size=1, max_size=8
).map("".join)
SIMPLE = st.from_regex(
    r"""(?:["(\[]?[A-Za-z]{1,7}(?:-[A-Za-z]{1,4}|(?:_+[A-Za-z]{1,4}){1,2})?[,;:)?!\]".]?|[0-9]{1,5}[,;:)]?)""", fullmatch=True
)


def looked_up(texts: list[str]) -> list[list[str]]:
    offsets, data = string_buffers(pa.array(texts, pa.large_string()))
    table = chunks.memo()
    ids, bounds, _ = table.look_up(offsets, data)
    found = []
    for i, text in enumerate(texts):
        words, at, raw = [], 0, b"".join(text.encode().split()) if text.isascii() else "".join(text.split()).encode()
        for entry in ids[bounds[i] : bounds[i + 1]]:
            for size in table.sizes[table.entries[entry] : table.entries[entry + 1]]:
                words.append(raw[at : at + size].decode())
                at += size
        found.append(words)
    return found


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(RUN | SIMPLE, max_size=6), min_size=1, max_size=3))
def test_words_of_runs_are_those_of_spacy(texts: list[list[str]]) -> None:
    expected = [[token.text for run in runs for token in english()(run)] for runs in texts]
    assert looked_up(["\n".join(runs) for runs in texts]) == expected


@pytest.mark.parametrize("run", ["dont", "Im", "a.m.", "co.uk.", "Mr.", "(8)", "x)", "it's", "e.g.,", "D:"])
def test_exceptions_are_left_to_spacy(run: str) -> None:
    assert looked_up([run]) == [[token.text for token in english()(run)]]


def test_the_table_grows_and_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    table = chunks.Chunks()
    offsets, data = string_buffers(pa.array([" ".join(f"w{i}x" for i in range(40_000))], pa.large_string()))
    ids, bounds, _ = table.look_up(offsets, data)
    assert (len(np.unique(ids)), bounds.tolist()) == (40_000, [0, 40_000])
    np.testing.assert_array_equal(table.look_up(offsets, data)[0], ids)
    monkeypatch.setattr(chunks, "MAX_ENTRIES", 1000)
    few, ends = string_buffers(pa.array(["a b a"], pa.large_string()))
    assert table.look_up(few, ends)[0].tolist() == [0, 1, 0]


def test_terminators_are_those_of_spacy() -> None:
    assert {c for c in map(chr, range(0x110000)) if classes("spacy")[ord(c)] & TERMINATOR} == TERMINATORS
