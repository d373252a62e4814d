"""Main text of pages: blocks, what is kept of them, hostile markup."""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.text.html import Block, main_text, parse_blocks, select, trafilatura_text

PROSE = "The heddle lifts every second thread so that the weft can pass below it in a single throw."
OTHER = "A second paragraph of the same kind says something else, and ends with a full stop as well."


def test_blocks_of_the_reduced_form() -> None:
    markup = (
        '<h2>Head</h2>\n\n<p>a &lt;b&gt; <a href="/x">link</a> c</p>\n\n<ul>\n  <li>one</li>\n'
        '  <li><a href="/y">two</a></li>\n</ul>\n'
        '<a href="">\nbare<br>\nbroken\nnext\n<pre>  code\n    more</pre>'
    )
    assert parse_blocks(markup) == [
        Block("h2", "Head", 0),
        Block("p", "a <b> link c", 4),
        Block("li", "one", 0),
        Block("li", "two", 3),
        Block("", "bare\nbroken", 0),
        Block("", "next", 0),
        Block("pre", "  code\n    more", 0),
    ]


@pytest.mark.parametrize(
    ("block", "kind"),
    [
        (Block("p", PROSE, 0), "prose"),
        (Block("p", PROSE, len(PROSE)), "links"),
        (Block("p", "Short, but a paragraph", 0), "paragraph"),
        (Block("", "Home", 0), "line"),
        (Block("h2", "Where it began", 0), "heading"),
        (Block("pre", "x = 1", 0), "prose"),
        (Block("p", "Advertisement", 0), "boilerplate"),
        (Block("p", "Advertisements pay for what we read, which is why their makers decide what we are told.", 0), "prose"),
        (Block("p", "© 2019 The Weavers. All rights reserved.", 0), "boilerplate"),
        (Block("", "字" * 70, 0), "prose"),  # bytes, not characters: a script that says more with fewer
    ],
)
def test_kinds_of_blocks(block: Block, kind: str) -> None:
    assert block.kind() == kind


def test_from_the_first_prose_to_the_last() -> None:
    blocks = [
        Block("", "Menu", 0),
        Block("h2", "Head", 0),
        Block("p", PROSE, 0),
        Block("", "Photo: A. Weaver", 0),
        Block("", "A line between", 0),
        Block("li", "see the loom", 12),
        Block("p", OTHER, 0),
        Block("p", "The end", 0),
        Block("", "Imprint", 0),
    ]
    assert [block.text for block in select(blocks)] == ["Head", PROSE, "A line between", OTHER, "The end"]


def test_scattered_blocks_give_the_densest_run() -> None:
    teasers = [Block("p", OTHER, 0), *[Block("", f"Teaser {n}", 9) for n in range(9)]]
    article = [Block("p", f"{PROSE} Part {n} of it.", 0) for n in range(4)]
    assert select([*teasers, *article, *reversed(teasers)], scattered=True) == article


def test_a_page() -> None:
    page = main_text(
        f"<html><head><title>On\n looms</title></head><body><nav><a href='/'>Home</a><a href='/b'>B</a></nav><h1>On looms</h1>"
        f"<main><p>{PROSE}</p><p>Share this</p><ol><li>{OTHER}</li><li>{OTHER} Twice.</li></ol></main>"
        f"<footer>{PROSE} In the footer.</footer></body></html>"
    )
    assert page.title == "On looms"
    assert page.text == f"{PROSE}\n\n- {OTHER}\n- {OTHER} Twice."


def test_a_page_whose_main_part_is_not_marked_is_read_as_a_whole() -> None:
    hidden = f"<div class='sidebar'><p>{PROSE}</p><p>{OTHER}</p></div>"
    assert main_text(f"<body>{hidden}</body>").text == f"{PROSE}\n\n{OTHER}"


@pytest.mark.parametrize(
    "document",
    [
        "<div>" * 50_000 + f"<p>{PROSE}</p>" + "</div>" * 50_000,
        "<b>" * 50_000 + PROSE,
        "<a href='/x'>" * 50_000,
        "<table><tr><td>" * 20_000 + PROSE,
        "<p><font>" * 20_000 + PROSE,
        "<" * 200_000,
        "&amp;" * 200_000,
        "<p>" + ")" * 500_000 + "x",
        "<meta " * 100_000,
        "<p>" + "word " * 200_000,
        "<select>" + "<option>" * 50_000,
        "<p>" + "".join(f"<b id={n}>" for n in range(3000)) + "</p>" + "<p>x</p>" * 3000,
        "\0" * 100_000,
        "",
    ],
)
def test_hostile_markup_takes_linear_time(document: str) -> None:
    started = time.process_time()
    main_text(document)
    assert time.process_time() - started < 5  # seconds; without the guard against depth the first takes a minute


def test_what_is_nested_deep_is_still_read() -> None:
    assert PROSE in main_text("<div>" * 50_000 + f"<p>{PROSE}</p>" + "</div>" * 50_000).text


@given(st.text(alphabet=st.sampled_from("<>/=\"' &;#x\nabp\0é字"), max_size=80))
def test_any_markup_gives_a_page(document: str) -> None:
    page = main_text(document)
    assert "\n" not in page.title
    page.text.encode()


def test_trafilatura_by_name_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    with pytest.raises(InputError, match=r"pip install heddle\[trafilatura\]"):
        trafilatura_text("<p>x</p>")


def test_gold_articles(shared: Callable[[str], Path]) -> None:
    folder = shared("data/web/article-extraction")
    gold = json.loads((folder / "ground-truth.json").read_text(encoding="utf-8"))
    found = wanted = 0
    for key in sorted(gold)[:20]:
        page = main_text(gzip.decompress((folder / "html" / f"{key}.html.gz").read_bytes()).decode())
        lines = [" ".join(line.split()) for line in gold[key]["articleBody"].split("\n") if len(line) > 80]
        wanted += len(lines)
        found += sum(line[:60] in " ".join(page.text.split()) for line in lines)
    assert found > 0.9 * wanted > 100
