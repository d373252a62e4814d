"""Digests stand for texts without regard to white space, and for nothing less."""

from __future__ import annotations

import hashlib

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.dedup.exact import DIGEST_BYTES, digests

SPACES = [chr(code) for code in range(0x110000) if chr(code).isspace()]
texts = st.lists(st.one_of(st.text(), st.text(st.sampled_from([*SPACES, "a", "é", "\u200b", "\u2100"]))), max_size=5)


def slow_digest(text: str) -> bytes:
    return hashlib.sha256(" ".join(text.split()).encode()).digest()[:DIGEST_BYTES]


@given(texts)
@example(["", " ", "a", " a  b ", "\u3000a\u2028\u2029b\u00a0", "".join(SPACES), "\x1ca\x1d\x85b"])
@settings(max_examples=300, deadline=None)
def test_equals_the_slow_twin(texts: list[str]) -> None:
    whole = pa.array(["first", *texts], pa.large_string())
    assert digests(whole).to_pylist() == [slow_digest(text) for text in ["first", *texts]]
    assert digests(whole[1:]).to_pylist() == [slow_digest(text) for text in texts]


def test_every_white_space_character_of_unicode_counts() -> None:
    found = digests(pa.array([f"a{space}b" for space in SPACES] + ["ab"], pa.large_string())).to_pylist()
    assert len(set(found[:-1])) == 1
    assert found[-1] != found[0]
