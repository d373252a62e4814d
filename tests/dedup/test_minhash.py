"""Bands equal those of a slow twin, and meet as often as the S-curve says."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dedup.minhash import NO_BAND, band_hashes
from tests.text.test_hashing import SAMPLES, slow_mix
from tests.text.test_shingles import slow_shingles

texts = st.lists(st.one_of(st.text(), st.text(st.sampled_from(SAMPLES))), max_size=4)


def bands_of(texts: list[str], **options: int) -> np.ndarray:
    return band_hashes(pa.array(texts, pa.large_string()), **{"ngram": 5, "bands": 14, "rows": 8, "seed": 0, **options})


def slow_bands(text: str, *, ngram: int, bands: int, rows: int, seed: int) -> list[int]:
    random = np.random.Generator(np.random.PCG64(seed))
    factors = [int(f) | 1 for f in random.integers(0, 1 << 32, bands * rows, np.uint32)]
    shifts = [int(s) for s in random.integers(0, 1 << 32, bands * rows, np.uint32)]
    upper = [shingle >> 32 for shingle in slow_shingles(text, ngram)]
    if not upper:
        return [int(NO_BAND)] * bands
    minima = [min((x * a + b) % (1 << 32) for x in upper) for a, b in zip(factors, shifts, strict=True)]
    out = []
    for band in range(bands):
        state = 0
        for value in minima[band * rows : (band + 1) * rows]:
            state = slow_mix(state ^ value)
        out.append(min(state, int(NO_BAND) - 1))
    return out


@given(texts, st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 9))
@settings(deadline=None)
def test_equals_the_slow_twin(texts: list[str], ngram: int, bands: int, rows: int, seed: int) -> None:
    options = {"ngram": ngram, "bands": bands, "rows": rows, "seed": seed}
    assert bands_of(["one two", *texts], **options).tolist() == [slow_bands(text, **options) for text in ["one two", *texts]]


def test_a_text_of_several_blocks() -> None:
    text = " ".join(f"w{i * i % 7919}" for i in range(3000))
    options = {"ngram": 3, "bands": 2, "rows": 2, "seed": 1}
    assert bands_of([text], **options)[0].tolist() == slow_bands(text, **options)


@pytest.mark.parametrize(("common", "own"), [(60, 20), (70, 15), (80, 10), (90, 5)])
def test_candidates_come_as_often_as_theory_says(common: int, own: int) -> None:
    pairs, random = 800, np.random.Generator(np.random.PCG64(1))
    names = random.integers(0, 1 << 60, (pairs, common + 2 * own))
    texts = []
    for row in names:
        words = [f"w{value}" for value in row]
        texts += [" ".join(words[: common + own]), " ".join(words[:common] + words[common + own :])]
    bands = bands_of(texts, ngram=1, seed=7)
    met = (bands[::2] == bands[1::2]).any(axis=1).mean()
    similarity = common / (common + 2 * own)
    assert met == pytest.approx(1 - (1 - similarity**8) ** 14, abs=4 * np.sqrt(0.25 / pairs))


def test_equal_sets_meet_in_every_band_and_others_in_none() -> None:
    words = [f"w{i}" for i in range(40)]
    bands = bands_of([" ".join(words), " ".join(reversed(words)).upper(), " ".join(f"v{i}" for i in range(40))], ngram=1)
    assert (bands[0] == bands[1]).all()
    assert not (bands[0] == bands[2]).any()


def test_another_seed_gives_other_bands() -> None:
    assert not np.array_equal(*(bands_of(["a b c d e f"], seed=seed) for seed in (0, 1)))


def test_a_document_without_words_has_no_band() -> None:
    bands = bands_of(["", "a", "..."])
    assert (bands[[0, 2]] == NO_BAND).all()
    assert (bands[1] != NO_BAND).all()
