"""The LSTM: equal to a cell written out, its state carried over any length."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.errors import ManifestError
from pipeline.models import rnn
from pipeline.models.rnn import LSTM

VOCAB = 41


def network(num_layers: int = 2) -> LSTM:
    return LSTM(VOCAB, dim=12, hidden_dim=20, num_layers=num_layers, seed=1)


def token_ids(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).integers(1, VOCAB, shape)


def test_logits_equal_a_cell_written_out() -> None:
    model, ids = network(num_layers=1), torch.from_numpy(token_ids(1, 9))
    weights = {name: weight.double() for name, weight in model.state_dict().items()}
    h, c, expected = torch.zeros(20).double(), torch.zeros(20).double(), []
    for token in ids[0]:
        gates = weights["lstm.weight_ih_l0"] @ weights["embedding"][token] + weights["lstm.bias_ih_l0"]
        gates = gates + weights["lstm.weight_hh_l0"] @ h + weights["lstm.bias_hh_l0"]
        i, f, g, o = gates.chunk(4)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        expected.append(weights["embedding"] @ weights["projection"] @ h)
    with torch.no_grad():
        torch.testing.assert_close(model(ids)[0].double(), torch.stack(expected), atol=1e-5, rtol=1e-5)


def test_loglikelihood_does_not_depend_on_segments_or_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    model, ids = network(), token_ids(2, 50)
    whole = model.loglikelihood(ids, np.array([50, 20]))
    with torch.no_grad():
        expected = model(torch.from_numpy(ids)).log_softmax(-1).numpy()
    assert whole[0, 1:] == pytest.approx([expected[0, t - 1, ids[0, t]] for t in range(1, 50)], abs=1e-5)
    assert not whole[:, 0].any()
    assert not whole[1, 20:].any()
    monkeypatch.setattr(rnn, "TOKENS_AT_ONCE", 14)  # seven tokens of each row at a time
    np.testing.assert_allclose(model.loglikelihood(ids, np.array([50, 20])), whole, atol=1e-5)


def test_generation_carries_the_state() -> None:
    model, ids = network(), [0, 3, 8]
    for _ in range(12):
        with torch.no_grad():
            ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
    arguments = {"max_new_tokens": 12, "temperature": 0.0, "top_k": 0, "seed": 0, "stop_id": VOCAB}
    assert model.generate(ids[:3], num_return_sequences=2, **arguments) == [ids[3:], ids[3:]]


def test_a_state_round_trip_scores_alike_and_a_wrong_one_is_refused() -> None:
    model, ids = network(), token_ids(1, 10)
    again = LSTM.from_state(model.config(), model.state())
    assert np.array_equal(again.loglikelihood(ids, np.array([10])), model.loglikelihood(ids, np.array([10])))
    with pytest.raises(ManifestError, match="projection: expected"):
        LSTM.from_state({**model.config(), "embedding_size": 13}, model.state())


def test_the_forget_gate_starts_open() -> None:
    bias = network().state()["lstm.bias_ih_l1"]
    assert bias[20:40].tolist() == [1.0] * 20
    assert not bias[:20].any()
    assert not bias[40:].any()
