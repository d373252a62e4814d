"""Bands meet as often as the S-curve says, and never for documents that share nothing."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.dedup.minhash import NO_BAND, band_hashes


def sets(pairs: int, common: int, own: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of sorted random sets with ``common`` values in both and ``own`` in each alone."""
    random = np.random.Generator(np.random.PCG64(seed))
    parts = []
    for _ in range(pairs):
        values = random.integers(0, 1 << 64, common + 2 * own, np.uint64)
        parts += [np.sort(values[: common + own]), np.sort(np.delete(values, np.s_[common : common + own]))]
    return np.concatenate(parts), np.cumsum([0, *map(len, parts)])


@pytest.mark.parametrize(("common", "own"), [(60, 20), (70, 15), (80, 10), (90, 5)])
def test_candidates_come_as_often_as_theory_says(common: int, own: int) -> None:
    values, bounds = sets(800, common, own, seed=1)
    bands = band_hashes(values, bounds, bands=14, rows=8, seed=7)
    met = (bands[::2] == bands[1::2]).any(axis=1).mean()
    similarity = common / (common + 2 * own)
    expected = 1 - (1 - similarity**8) ** 14
    assert met == pytest.approx(expected, abs=4 * np.sqrt(0.25 / 800))


def test_equal_sets_meet_in_every_band_and_others_in_none() -> None:
    values = np.arange(1, 41, dtype=np.uint64) << np.uint64(40)
    bands = band_hashes(
        np.concatenate([values, values, values + np.uint64(1)]), np.array([0, 40, 80, 120]), bands=5, rows=4, seed=0
    )
    assert (bands[0] == bands[1]).all()
    assert not (bands[0] == bands[2]).any()


def test_another_seed_gives_other_bands() -> None:
    values, bounds = sets(1, 10, 1, seed=2)
    assert not np.array_equal(*(band_hashes(values, bounds, bands=4, rows=2, seed=seed) for seed in (0, 1)))


def test_a_document_without_shingles_has_no_band() -> None:
    bands = band_hashes(np.array([5], np.uint64), np.array([0, 0, 1, 1]), bands=3, rows=2, seed=0)
    assert (bands[[0, 2]] == NO_BAND).all()
    assert (bands[1] != NO_BAND).all()
