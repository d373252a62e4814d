"""Shared n-grams, counted by hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipeline.dedup.contamination import Index, common_grams, index_texts, match, worst_overlaps


def docs(**texts: str) -> pa.Table:
    return pa.table({"id": list(texts), "text": pa.array(texts.values(), pa.large_string())})


def index(*texts: str, ngram: int = 4, shortest: int = 3) -> Index:
    return index_texts(pa.array(texts, pa.large_string()), ngram=ngram, shortest=shortest)


def overlaps(table: pa.Table, found: Index, **options: object) -> list[dict[str, object]]:
    bounds = {"ignored": np.zeros(0, np.int64), "max_containment": 0.2, "max_shared": 50} | options
    return worst_overlaps(match(table, found), found, **bounds).to_pylist()


def test_containment_is_the_share_of_the_evaluation_text() -> None:
    table = docs(x="Well: C, d E f! and so on", y="nothing of the kind is in here")
    (row,) = overlaps(table, index("a b c d e f g"))  # abcd bcde CDEF defg
    assert row == {"id": "x", "item": 0, "shared": 1, "containment": 0.25, "start": 6, "end": 14}
    assert not overlaps(table, index("a b c d e f g"), max_containment=0.25)


def test_the_span_is_the_longest_stretch() -> None:
    text = "a b c d . x . b c d e f"
    (row,) = overlaps(docs(x=text), index("a b c d e f g"))
    assert (text[row["start"] : row["end"]], row["shared"]) == ("b c d e f", 3)


def test_the_most_contained_text_is_named_even_if_another_shares_more() -> None:
    long = " ".join(f"w{i}" for i in range(40))
    table = docs(x=" ".join(f"w{i}" for i in range(20)) + " . p q r s")
    (row,) = overlaps(table, index(long, "p q r s"))
    assert (row["item"], row["containment"]) == (1, 1.0)


def test_many_shared_ngrams_of_a_long_text_are_too_many() -> None:
    found = index(" ".join(f"w{i}" for i in range(1003)))  # 1,000 n-grams
    table = docs(x=" ".join(f"w{i}" for i in range(30)))  # 27 of them: little of the text, but a lot
    assert not overlaps(table, found)
    (row,) = overlaps(table, found, max_shared=26)
    assert (row["shared"], row["containment"]) == (27, 0.027)


def test_a_short_text_matches_as_a_whole_and_a_shorter_one_never() -> None:
    found = index("one two three", "one two")
    assert found.sizes.tolist() == [1, 0]
    assert [row["item"] for row in overlaps(docs(x="so one two three go", y="one two"), found)] == [0]
    assert not overlaps(docs(x="one two four three"), found)


def test_common_stock_does_not_count() -> None:
    found = index("a b c d e")
    table = docs(**{f"d{i}": "a b c d" for i in range(3)}, x="b c d e", twice="a b c d - a b c d")
    matches = match(table, found)
    assert len(common_grams(matches, found, 4)) == 0
    common = common_grams(matches, found, 3)
    assert len(common) == 1
    assert [row["id"] for row in overlaps(table, found, ignored=common)] == ["x"]


def test_repeats_in_a_document_count_once() -> None:
    (row,) = overlaps(docs(x="a b c d . a b c d"), index("a b c d e f"))
    assert row["shared"] == 1


def test_nothing_to_look_for_finds_nothing() -> None:
    assert not overlaps(docs(x="a b c d"), index())
    assert not overlaps(docs(x="a b c d"), index("a", "b"))
