"""One form for each page, and two for two pages."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dedup.urls import normalize_url, url_digests

SAME = [
    "https://example.org/a/b?x=1&y=2",
    "http://example.org/a/b?x=1&y=2",
    "HTTP://WWW.Example.ORG:80/a/b/?y=2&x=1#part",
    "https://example.org.:443/a/b?utm_source=news&x=1&UTM_Medium=mail&y=2&fbclid=abc",
    "https://user:word@example.org/%61/b?x=%31&y=2",
    " https://example.org/a/b;jsessionid=1A2B?x=1&y=2\n",
]
DIFFERENT = [
    "https://example.org/A/b?x=1&y=2",
    "https://example.org/a/b",
    "https://example.org/a/b?x=1&y=3",
    "https://example.org/a/b?x=1&x=1&y=2",
    "https://example.org:8080/a/b?x=1&y=2",
    "https://sub.example.org/a/b?x=1&y=2",
    "https://example.org/a%2Fb?x=1&y=2",
    "https://example.org/a%25/b?x=1&y=2",
]


@pytest.mark.parametrize("url", SAME)
def test_spellings_of_one_page_have_one_form(url: str) -> None:
    assert normalize_url(url) == SAME[0]


def test_other_pages_keep_their_own() -> None:
    assert len({normalize_url(url) for url in [SAME[0], *DIFFERENT]}) == 1 + len(DIFFERENT)


def test_hosts_of_any_script() -> None:
    assert normalize_url("http://www.bücher.example/ä b") == "https://xn--bcher-kva.example/%C3%A4%20b"
    assert normalize_url("https://example.org") == normalize_url("https://example.org/") == "https://example.org"


@pytest.mark.parametrize(
    "url", ["", "example.org/a", "mailto:a@b.c", "javascript:x()", "https://", "http://a:b/", "http://[::1", "ü"]
)
def test_what_is_no_page_has_no_form(url: str) -> None:
    assert normalize_url(url) is None


@given(st.text(max_size=40), st.text(max_size=20))
def test_any_text_is_answered_and_a_form_is_its_own_form(path: str, query: str) -> None:
    form = normalize_url(f"http://example.org/{path}?{query}")
    assert form is not None
    assert normalize_url(form) == form


def test_digests_follow_the_form() -> None:
    metas = [
        json.dumps(meta) for meta in ({"url": SAME[0]}, {"url": SAME[1]}, {"url": DIFFERENT[0]}, {}, {"url": 3}, {"a": "url"})
    ]
    one, two, other, *rest = url_digests(pa.chunked_array([metas[:2], metas[2:]])).to_pylist()
    assert one == two != other
    assert rest == [None, None, None]
    assert len(one) == 16
