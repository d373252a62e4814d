"""Passages against ``str``'s own idea of lines and white space."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup.passages import RULES, find_passages

TEXTS = st.lists(st.text(st.one_of(st.sampled_from("ab \n\t\r\x85\u2003\u3000é漢"), st.characters(codec="utf-8"))), max_size=4)


def slow(text: str, rule: str) -> list[tuple[int, int, int, str]]:
    """(start, end, next, content) of each passage, in bytes, character by character."""
    blocks: list[list[int]] = []
    feeds = 0
    for i, character in enumerate(text):
        if character.isspace():
            feeds += character == "\n"
            continue
        if not blocks or feeds >= (2 if rule == "paragraph" else 1):
            blocks.append([])
        blocks[-1].append(i)
        feeds = 0
    spans = [(block[0], block[-1] + 1) for block in blocks]
    following = [start for start, _ in spans[1:]] + [len(text)] * bool(spans)
    where = [len(text[:i].encode()) for i in range(len(text) + 1)]
    return [(where[a], where[b], where[n], " ".join(text[a:b].split())) for (a, b), n in zip(spans, following, strict=True)]


@pytest.mark.parametrize("rule", ["paragraph", "line"])
@settings(deadline=None)
@given(texts=TEXTS, min_chars=st.integers(1, 6))
def test_as_the_slow_one(rule: str, texts: list[str], min_chars: int) -> None:
    found = find_passages(pa.array(texts, pa.large_string()), rule, min_chars).to_pylist()
    wanted = [(row, *p) for row, text in enumerate(texts) for p in slow(text, rule) if len(p[3]) >= min_chars]
    assert [(f["document"], f["start"], f["end"], f["next"]) for f in found] == [w[:4] for w in wanted]
    assert {f["rule"] for f in found} <= {RULES.index(rule)}
    contents: dict[tuple[int, int], str] = {}
    for f, w in zip(found, wanted, strict=True):
        assert contents.setdefault((f["high"], f["low"]), w[4]) == w[4]
    assert len(contents) == len({w[4] for w in wanted})


def test_a_line_and_a_paragraph_of_one_content_differ() -> None:
    texts = pa.array(["some words"], pa.large_string())
    (line,), (paragraph,) = (find_passages(texts, rule, 1).to_pylist() for rule in ("line", "paragraph"))
    assert (line["high"], line["low"]) != (paragraph["high"], paragraph["low"])


def test_white_space_is_what_str_says() -> None:
    codes = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000 and (chr(c).isspace() or c % 97 == 0)]
    found = find_passages(pa.array([f"a{chr(c)}b" for c in [32, *codes]], pa.large_string()), "paragraph", 1).to_pylist()
    same = [row["high"] == found[0]["high"] for row in found[1:]]
    assert same == [chr(c).isspace() for c in codes]
