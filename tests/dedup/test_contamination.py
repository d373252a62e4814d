"""Shared n-grams, counted by hand and by a slow twin."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup.contamination import Index, count_documents, index_texts, match
from pipeline.dedup.overlaps import Bounds, Overlap, find_overlaps

WORDS = st.lists(st.sampled_from("abcd"), max_size=24).map(" ".join)
ABC = "a b c d e f g h i j"


def strings(texts: list[str]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(texts, pa.large_string())])


def index(*texts: str, ngram: int = 6, rows: list[int] | None = None) -> Index:
    return index_texts(strings(list(texts)).chunk(0), np.array(rows or range(len(texts)), np.int64), ngram=ngram)


def overlaps(
    texts: list[str], found: Index, *, common: tuple[int, ...] = (), worst_only: bool = False, **options: float
) -> list[Overlap]:
    bounds = Bounds(**{"containment": 0.2, "shared": 50, "shortest": 6, "near": 10} | options)
    ignored = np.isin(np.arange(found.num_grams), common)
    return find_overlaps(strings(texts), match(strings(texts), found), found, ignored, bounds, worst_only=worst_only)


@settings(deadline=None)
@given(texts=st.lists(WORDS, max_size=4), wanted=st.lists(WORDS, max_size=4))
def test_matches_are_those_of_a_slow_search(texts: list[str], wanted: list[str]) -> None:
    found = index(*wanted)
    got = match(strings(texts), found).to_pylist()
    slow = set()
    for item, text in enumerate(wanted):
        words = text.split()
        length = min(len(words), 6)
        for i in range(len(words) - length + 1 if length >= 5 else 0):
            for number, document in enumerate(texts):
                parts = document.split()
                for at in range(len(parts) - length + 1):
                    if parts[at : at + length] == words[i : i + length]:
                        slow.add((number, item, at, 2 * at, 2 * (at + length) - 1))
    pairs = {(row["gram"], int(i)) for row in got for i in found.items[found.bounds[row["gram"]] : found.bounds[row["gram"] + 1]]}
    assert {(r["document"], i, r["word"], r["start"], r["end"]) for r in got for g, i in pairs if g == r["gram"]} == slow


def test_containment_and_jaccard_are_those_of_sets() -> None:
    text = f"x y {ABC.upper()[:13]} - z"  # A to G: 2 of 5 n-grams; the document has 5, all others its own
    (one,) = overlaps([text], index(ABC))
    assert (one.document, one.item, one.shared, one.words, one.containment) == (0, 0, 2, 7, 0.4)
    assert (one.jaccard, one.span_jaccard) == (2 / 8, 2 / 5)
    assert one.spans == ((4, 17),)
    assert not overlaps([text], index(ABC), containment=0.4)
    assert not overlaps([text], index(ABC), shortest=8)


def test_parts_that_are_near_are_one_stretch_and_others_are_not() -> None:
    part, other = "a b c d e f", "e f g h i j"
    near, far = f"{part} x {other}", f"{part} {'x ' * 30}{other}"
    (one,) = overlaps([near], index(ABC))
    assert (one.spans, one.shared, one.words) == (((0, len(near)),), 2, 12)
    assert not overlaps([far], index(ABC), shortest=7)
    (two,) = overlaps([f"{near} {'x ' * 30}{part}"], index(ABC))
    assert (len(two.spans), two.longest) == (2, 0)


def test_the_most_contained_text_comes_first_even_if_another_shares_more() -> None:
    long = " ".join(f"w{i}" for i in range(40))
    text = " ".join(f"w{i}" for i in range(20)) + " . p q r s t u"
    found = index(long, "p q r s t u")
    assert [(o.item, o.containment) for o in overlaps([text], found)] == [(1, 1.0), (0, 15 / 35)]
    assert [o.item for o in overlaps([text], found, worst_only=True)] == [1]


def test_many_shared_ngrams_of_a_long_text_are_too_many() -> None:
    found = index(" ".join(f"w{i}" for i in range(1005)))  # 1,000 n-grams
    text = " ".join(f"w{i}" for i in range(30))  # 25 of them: little of the text, but a lot
    assert not overlaps([text], found)
    (one,) = overlaps([text], found, shared=24)
    assert (one.shared, one.containment) == (25, 0.025)


def test_a_short_text_counts_beside_another_of_its_row() -> None:
    found = index("who was not good at maths", "the old man", "anna", "who was not good at chess", rows=[0, 0, 0, 1])
    assert not overlaps(["Who was not good at maths ?"], found, shortest=8)
    (one,) = overlaps(["Q: who was not good at maths? A: The old man!"], found, shortest=8)
    assert (one.item, one.beside) == (0, (1,))
    assert not overlaps(["Anna asked who was not good at maths"], found, shortest=8)  # seven words
    assert not overlaps(["who was not good at chess? the old man"], found, shortest=8)  # the answer of another row
    assert not overlaps([f"who was not good at maths {'x ' * 20} the old man"], found, shortest=8)
    assert not overlaps(["who was not so good at maths? the old man"], found, shortest=8)


def test_common_stock_counts_neither_as_shared_nor_in_the_size() -> None:
    found = index(ABC)
    texts = [f"{ABC[:11]} {i}" for i in range(3)] + ["b c d e f g h"] + [f"{ABC[:11]} {ABC[:11]}"]
    counts = np.zeros(found.num_grams, np.int64)
    for table in (match(strings(texts[:2]), found), match(strings(texts[2:]), found)):
        count_documents(table, counts)
    assert sorted(counts.tolist()) == [0, 0, 1, 1, 4]
    assert [o.document for o in overlaps(texts, found, containment=0.4, common=tuple(np.flatnonzero(counts > 3)))] == [3]
    assert overlaps(texts, found, common=tuple(np.flatnonzero(counts > 3)))[0].containment == 0.5


def test_nothing_to_look_for_finds_nothing() -> None:
    assert not overlaps(["a b c d e f"], index())
    assert not overlaps(["a b c d e f"], index("a", "b c"))
    assert not overlaps([], index(ABC))
