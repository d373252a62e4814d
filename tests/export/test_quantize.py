"""int8 weights: within the stated error, a quarter of the size, nearly the same logits."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pipeline.export.quantize import (
    LIMIT,
    dequantize_tensors,
    largest_relative_error,
    quantize_matrix,
    quantize_tensors,
)
from tests.tiny import decoder

MATRICES = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, max_side=8),
    elements=st.floats(-1000, 1000, width=32, allow_subnormal=False).map(lambda x: x if abs(x) > 1e-6 else 0.0),
)


@given(MATRICES)
def test_no_weight_is_further_off_than_half_a_step(weight: np.ndarray) -> None:
    values, scale = quantize_matrix(weight)
    assert values.dtype == np.int8
    assert np.abs(values.astype(int)).max() <= LIMIT
    assert scale.shape == (len(weight), 1)
    assert (np.abs(values * scale - weight) <= scale / 2 * (1 + 1e-4)).all()


def test_worked_by_hand() -> None:
    values, scale = quantize_matrix(np.array([[1.27, -0.635, 0.004], [0.0, 0.0, 0.0]], dtype=np.float32))
    assert values.tolist() == [[127, -64, 0], [0, 0, 0]]  # -63.5 rounds to the even neighbour
    np.testing.assert_allclose(scale, [[0.01], [0.0]])


def test_a_model_survives() -> None:
    model = decoder(320)
    tensors = model.state()
    stored = quantize_tensors(tensors)
    restored = dequantize_tensors(stored)
    assert restored.keys() == tensors.keys()
    assert largest_relative_error(tensors, restored) < (1 / 254) * 1.001
    assert sum(t.nbytes for t in stored.values()) < 0.4 * sum(t.nbytes for t in tensors.values())
    ids = torch.arange(40)[None]
    with torch.no_grad():
        logits, again = model(ids), type(model).from_state(model.config(), restored)(ids)
    assert 0 < (logits - again).square().mean().sqrt() < 0.04 * logits.std()


def test_vectors_stay_as_they_are() -> None:
    norm = np.ones(5, dtype=np.float32)
    assert quantize_tensors({"norm.weight": norm})["norm.weight"] is norm
