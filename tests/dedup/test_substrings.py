"""Repeated substrings against a suffix array that is sorted naively, and against every window kept as a tuple of words."""

from __future__ import annotations

import itertools
import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup.cuts import cut, repeated_spans
from pipeline.dedup.repeats import find_repeats
from pipeline.dedup.substrings import find_anchors, find_windows, tokens

WORDS = st.lists(st.lists(st.sampled_from(["a", "b", "é", "漢", "cc", "."]), max_size=30).map(" ".join), max_size=5)


def fast(texts: list[str], length: int, kind: str) -> tuple[pa.Table, list[bool]]:
    """The windows that come twice or more and which are first, by way of the anchors."""
    array = pa.array(texts, pa.large_string())
    anchors = find_anchors(array, length, kind)
    first, _ = find_repeats(*(anchors[name].to_numpy() for name in ("high", "low", "document")))
    windows = find_windows(array, length, kind, first >= 0)
    first, _ = find_repeats(*(windows[name].to_numpy() for name in ("high", "low", "document")))
    is_first = first == range(len(first)) if len(first) else first >= 0
    return windows.filter(pa.array(first >= 0)), is_first[first >= 0]


def split(texts: list[str], kind: str) -> list[list[tuple[object, int, int]]]:
    """(token, first byte, byte after) of each token of each text."""
    if kind == "bytes":
        return [[(b, i, i + 1) for i, b in enumerate(text.encode())] for text in texts]
    where = [[len(text[:i].encode()) for i in range(len(text) + 1)] for text in texts]
    return [
        [(m[0], at[m.start()], at[m.end()]) for m in re.finditer(r"\w+", text)] for text, at in zip(texts, where, strict=True)
    ]


def suffix_array(texts: list[str], length: int, kind: str) -> set[tuple[int, int]]:
    """(text, token) where a stretch of ``length`` tokens begins that stands at two places: neighbours in suffix order agree."""
    parts = split(texts, kind)
    suffixes = sorted(([str(t[0]) for t in part[i:]], text, i) for text, part in enumerate(parts) for i in range(len(part)))
    found = set()
    for (one, *here), (two, *there) in itertools.pairwise(suffixes):
        if len(one) >= length and one[:length] == two[:length]:
            found |= {tuple(here), tuple(there)}
    return found


def slow(texts: list[str], length: int, kind: str) -> list[str]:
    """The texts without every token of a later window that is in no first one that comes again."""
    parts = split(texts, kind)
    windows: dict[tuple[object, ...], list[tuple[int, int]]] = {}
    for text, part in enumerate(parts):
        for i in range(len(part) - length + 1):
            windows.setdefault(tuple(t[0] for t in part[i : i + length]), []).append((text, i))
    out = []
    for text, part in enumerate(parts):
        raw = texts[text].encode()
        gone, kept = set(), set()
        for places in windows.values():
            for number, (where, i) in enumerate(places):
                if where == text and len(places) > 1:
                    (gone if number else kept).update(range(part[i][1], part[i + length - 1][2]))
        gone -= kept
        starts = [i for i in range(len(raw)) if raw[i] & 0xC0 != 0x80]
        for first, last in itertools.pairwise([*starts, len(raw)]):
            if not all(i in gone for i in range(first, last)):
                gone -= set(range(first, last))
        out.append(bytes(b for i, b in enumerate(raw) if i not in gone).decode())
    return out


@pytest.mark.parametrize("kind", ["words", "bytes"])
@settings(deadline=None)
@given(texts=WORDS, length=st.integers(1, 6))
def test_the_windows_are_those_of_a_suffix_array(kind: str, texts: list[str], length: int) -> None:
    windows, _ = fast(texts, length, kind)
    starts = {(text, part[1]): i for text, parts in enumerate(split(texts, kind)) for i, part in enumerate(parts)}
    found = {(row["document"], starts[row["document"], row["start"]]) for row in windows.to_pylist()}
    assert found == suffix_array(texts, length, kind)


@pytest.mark.parametrize("kind", ["words", "bytes"])
@settings(deadline=None)
@given(texts=WORDS, length=st.integers(1, 6))
def test_what_is_left_is_what_the_slow_one_leaves(kind: str, texts: list[str], length: int) -> None:
    windows, is_first = fast(texts, length, kind)
    array = pa.array(texts, pa.large_string())
    spans = repeated_spans(array, windows, is_first)
    result = cut(array, spans)
    assert result.texts.to_pylist() == slow(texts, length, kind)
    assert result.num_bytes.sum() == (pc.sum(pc.subtract(spans["end"], spans["start"])).as_py() or 0)
    result.texts.validate(full=True)
    for row in spans.to_pylist():
        window = windows.slice(row["row"], 1).to_pylist()[0]
        assert window["document"] == row["document"]
        assert window["start"] <= row["start"] < window["end"]


def test_one_word_repeated_takes_linear_time_and_leaves_one_window() -> None:
    texts = ["no " * 300_000]
    windows, is_first = fast(texts, 50, "words")
    array = pa.array(texts, pa.large_string())
    (left,) = cut(array, repeated_spans(array, windows, is_first)).texts.to_pylist()
    assert left.split() == ["no"] * 50


def test_bytes_are_tokens_of_a_sliced_array_too() -> None:
    array = pa.array(["ab", "cd", "ce"], pa.large_string()).slice(1)
    found = tokens(array, "bytes")
    assert found.starts.tolist() == [0, 1, 0, 1]
    assert found.hashes[0] == found.hashes[2] != found.hashes[1]
