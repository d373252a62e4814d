from __future__ import annotations

import numpy as np
import pytest

from pipeline.tokenizer.pack import copies, draws, open_documents, shuffle

IDS = [f"{n:032x}" for n in range(4000)]


def test_every_document_is_opened_an_empty_one_too() -> None:
    tokens, lengths = open_documents(np.array([7, 8, 9], np.uint32), np.array([1, 0, 2]), 0)
    assert tokens.tolist() == [0, 7, 0, 0, 8, 9]
    assert lengths.tolist() == [2, 1, 3]


def test_copies_average_to_the_weight() -> None:
    draw = draws(IDS, seed=1)
    assert 0 <= draw.min() < draw.max() < 1
    for weight in (0.0, 0.25, 1.0, 1.7, 3.0):
        counts = copies(np.full(len(IDS), weight), draw)
        assert set(counts.tolist()) <= {int(weight), int(weight) + 1}
        assert counts.mean() == pytest.approx(weight, abs=0.03)
    assert (copies(np.full(len(IDS), 2.0), draw) == 2).all()


def test_draws_depend_on_id_and_seed_alone() -> None:
    draw = draws(IDS, seed=1)
    np.testing.assert_array_equal(draws(IDS[::-1], seed=1)[::-1], draw)
    assert np.corrcoef(draws(IDS, seed=2), draw)[0, 1] == pytest.approx(0, abs=0.06)
    assert draws(["a"], seed=1)[0] == 0.7002002964634413  # pinned: another value would draw every corpus anew


def test_the_order_is_a_shuffle_of_every_copy() -> None:
    counts = np.arange(len(IDS)) % 3
    rows = shuffle(IDS, counts, seed=1)
    np.testing.assert_array_equal(np.bincount(rows, minlength=len(IDS)), counts)
    assert np.corrcoef(rows, np.arange(len(rows)))[0, 1] == pytest.approx(0, abs=0.06)
    assert (np.diff(rows) == 0).sum() < 10  # copies lie apart
    assert shuffle(IDS, counts, seed=2).tolist() != rows.tolist()
    backwards = len(IDS) - 1 - shuffle(IDS[::-1], counts[::-1], seed=1)
    np.testing.assert_array_equal(backwards, rows)
