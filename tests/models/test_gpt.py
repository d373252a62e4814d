"""The decoder: causal, blind to other documents, equal to transformers, scored alike however long the row."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from transformers import AutoModelForCausalLM

from pipeline.errors import ManifestError, VocabularyError
from pipeline.models.gpt import GPT, scoring_windows

VOCAB = 61


def decoder(*, context: int = 16, num_kv_heads: int = 2, tie_embeddings: bool = True) -> GPT:
    """A small decoder whose every weight was moved away from its initial value."""
    model = GPT(
        VOCAB,
        dim=32,
        num_layers=2,
        num_heads=4,
        num_kv_heads=num_kv_heads,
        head_dim=8,
        ffn_dim=48,
        context=context,
        tie_embeddings=tie_embeddings,
        seed=3,
    )
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.2)
    return model


def token_ids(*shape: int, seed: int = 5) -> torch.Tensor:
    return torch.randint(1, VOCAB, shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("tie_embeddings", [True, False])
@pytest.mark.parametrize("num_kv_heads", [1, 4])
def test_logits_equal_those_of_transformers(tmp_path: Path, num_kv_heads: int, *, tie_embeddings: bool) -> None:
    model = decoder(num_kv_heads=num_kv_heads, tie_embeddings=tie_embeddings)
    (tmp_path / "config.json").write_text(json.dumps(model.config()))
    save_file(model.state(), tmp_path / "model.safetensors", metadata={"format": "pt"})
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path)
    ids = token_ids(3, 16)
    with torch.no_grad():
        logits = model(ids)
        assert logits.std() > 0.5  # logits near zero would be equal whatever the model
        torch.testing.assert_close(logits, theirs(ids).logits, atol=1e-4, rtol=0)


def test_a_token_changes_nothing_before_it() -> None:
    model, ids = decoder(), token_ids(1, 12)
    changed = ids.clone()
    changed[0, 7] = (ids[0, 7] + 1) % VOCAB
    with torch.no_grad():
        before, after = model(ids), model(changed)
    assert torch.equal(before[:, :7], after[:, :7])
    assert not torch.allclose(before[:, 7:], after[:, 7:])


def test_a_packed_document_is_scored_as_if_it_stood_alone() -> None:
    model, ids = decoder(), token_ids(1, 12)
    documents = torch.tensor([[4] * 5 + [5] * 7])
    with torch.no_grad():
        packed = model(ids, documents)
        torch.testing.assert_close(packed[:, 5:], model(ids[:, 5:]), atol=1e-5, rtol=1e-5)
        assert not torch.allclose(packed[:, 5:], model(ids)[:, 5:], atol=1e-2)


def test_loglikelihood_is_the_log_softmax_of_the_logits() -> None:
    model = decoder()
    ids = token_ids(2, 11).numpy()
    scores = model.loglikelihood(ids, np.array([11, 6]))
    with torch.no_grad():
        expected = model(torch.from_numpy(ids)).log_softmax(-1).numpy()
    for row, length in ((0, 11), (1, 6)):
        for column in range(1, length):
            assert scores[row, column] == pytest.approx(expected[row, column - 1, ids[row, column]], abs=1e-5)
    assert not scores[:, 0].any()
    assert not scores[1, 6:].any()


@pytest.mark.parametrize("length", [17, 18, 24, 25, 33, 100])
def test_a_row_longer_than_the_context_is_scored_from_overlapping_windows(length: int) -> None:
    model = decoder(context=16)
    ids = token_ids(1, length).numpy()
    scores = model.loglikelihood(ids, np.array([length]))[0]
    for token in range(1, length):
        start = 0 if token <= 16 else (token - 17) // 8 * 8 + 8
        history = torch.from_numpy(ids[:, start:token])
        assert 8 <= history.shape[1] <= 16 or start == 0
        with torch.no_grad():
            expected = model(history)[0, -1].log_softmax(-1)[ids[0, token]]
        assert scores[token] == pytest.approx(float(expected), abs=1e-5)


@pytest.mark.parametrize("context", [2, 3, 16])
def test_windows_score_every_token_but_the_first_once(context: int) -> None:
    lengths = np.array([1, 2, context, context + 1, context + 2, 5 * context + 3])
    scored = [[0] * length for length in lengths]
    for window in scoring_windows(lengths, context):
        assert window.stop - window.start <= context + 1
        assert window.scored_from - window.start >= min(window.scored_from, context // 2)
        for token in range(window.scored_from, window.stop):
            scored[window.row][token] += 1
    assert scored == [[0] + [1] * (length - 1) for length in lengths]


def test_greedy_generation_with_a_cache_is_that_without() -> None:
    model = decoder(context=32)
    prompt = [0, 5, 9]
    ids = list(prompt)
    for _ in range(20):
        with torch.no_grad():
            ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
    arguments = {"max_new_tokens": 20, "temperature": 0.0, "top_k": 0, "seed": 0, "stop_id": VOCAB}
    assert model.generate(prompt, num_return_sequences=2, **arguments) == [ids[3:], ids[3:]]


def test_sampling_is_seeded_differs_between_sequences_and_runs_past_the_context() -> None:
    model = decoder(context=8)
    arguments = {"num_return_sequences": 3, "max_new_tokens": 30, "temperature": 1.0, "top_k": 20, "stop_id": VOCAB}
    first = model.generate([0, 5], seed=1, **arguments)
    assert first == model.generate([0, 5], seed=1, **arguments)
    assert first != model.generate([0, 5], seed=2, **arguments)
    assert len({tuple(row) for row in first}) == 3
    assert [len(row) for row in first] == [30, 30, 30]


def test_generation_ends_before_the_stop_token() -> None:
    model = decoder()
    arguments = {"num_return_sequences": 8, "max_new_tokens": 40, "temperature": 1.0, "top_k": 0, "seed": 0}
    free = model.generate([0, 5], stop_id=VOCAB, **arguments)
    stop = free[0][3]
    assert model.generate([0, 5], stop_id=stop, **arguments)[0] == free[0][: free[0].index(stop)]


def test_top_k_of_one_is_greedy() -> None:
    arguments = {"num_return_sequences": 1, "max_new_tokens": 10, "seed": 0, "stop_id": VOCAB}
    model = decoder()
    greedy = model.generate([0, 5], temperature=0.0, top_k=0, **arguments)
    assert model.generate([0, 5], temperature=1.0, top_k=1, **arguments) == greedy


def test_an_id_outside_the_vocabulary_is_named() -> None:
    with pytest.raises(VocabularyError, match=rf"0 to {VOCAB} in a vocabulary of {VOCAB}"):
        decoder().loglikelihood(np.array([[0, VOCAB]]), np.array([2]))


def test_state_of_another_shape_is_refused_by_name() -> None:
    model = decoder()
    tensors = model.state()
    tensors["model.norm.weight"] = np.ones(7, np.float32)
    del tensors["model.layers.1.mlp.up_proj.weight"]
    with pytest.raises(ManifestError, match=r"(?s)up_proj.weight: expected \(48, 32\), found none.*norm.weight.*\(7,\)"):
        GPT.from_state(model.config(), tensors)


def test_bfloat16_arithmetic_is_close_to_float32() -> None:
    model, ids, documents = decoder(), token_ids(4, 16), torch.zeros(4, 16, dtype=torch.int64)
    wide, narrow = (model.loss(ids, ids.roll(-1), documents, dtype=t).item() for t in (torch.float32, torch.bfloat16))
    assert narrow == pytest.approx(wide, rel=0.02)
