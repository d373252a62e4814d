"""BERT and ELECTRA: equal to transformers' own, blind to other documents, masks that depend on seed and step alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.errors import UsageError
from pipeline.export.directory import write_weights
from pipeline.models.bert import BERT, MaskedModel
from pipeline.models.electra import ELECTRA
from pipeline.models.encoder import Shape
from pipeline.models.interface import END_OF_TEXT_ID, MASK_ID
from pipeline.models.masking import IGNORED, mask

VOCAB, CONTEXT = 40, 24
SHAPE = Shape(VOCAB, dim=16, num_layers=2, num_heads=2, ffn_dim=32, context=CONTEXT)
FAMILIES: dict[str, Callable[..., MaskedModel]] = {
    "bert": lambda **changes: BERT(SHAPE, seed=1, **changes),
    "electra": lambda **changes: ELECTRA(replace(SHAPE, embedding_dim=8), generator_share=0.5, seed=1, **changes),
}


def tokens(*shape: int, seed: int = 2) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(2, VOCAB, shape))


def stirred(model: MaskedModel) -> MaskedModel:
    """Weights of a trained model's size, so that a missing term shows."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.2)
    return model


def save(model: MaskedModel, folder: Path) -> None:
    for name, (config, tensors) in {"": (model.config(), model.state()), **model.companions()}.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        write_weights(config, tensors, folder / name)


def test_bert_equals_transformers(tmp_path: Path) -> None:
    from transformers import AutoModelForMaskedLM

    model = stirred(FAMILIES["bert"]())
    save(model, tmp_path / "bert")
    theirs = AutoModelForMaskedLM.from_pretrained(tmp_path / "bert").eval()
    ids = tokens(3, 17)
    with torch.no_grad():
        torch.testing.assert_close(model(ids), theirs(ids).logits, atol=1e-4, rtol=0)


def test_electra_equals_transformers(tmp_path: Path) -> None:
    from transformers import ElectraForMaskedLM, ElectraForPreTraining

    model = stirred(FAMILIES["electra"]())
    save(model, tmp_path / "electra")
    discriminator = ElectraForPreTraining.from_pretrained(tmp_path / "electra").eval()
    generator = ElectraForMaskedLM.from_pretrained(tmp_path / "electra" / "generator").eval()
    ids = tokens(3, 17)
    with torch.no_grad():
        torch.testing.assert_close(model.replaced(ids), discriminator(ids).logits, atol=1e-4, rtol=0)
        torch.testing.assert_close(model(ids), generator(ids).logits, atol=1e-4, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_state_comes_back(family: str) -> None:
    model = stirred(FAMILIES[family]())
    again = type(model).from_state(json.loads(json.dumps(model.config())), model.state())
    ids = tokens(2, 9)
    with torch.no_grad():
        assert torch.equal(model(ids), again(ids))
    assert model.num_parameters == sum(weight.size for weight in model.state().values())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_token_sees_both_sides_of_its_own_document_only(family: str) -> None:
    model, ids = stirred(FAMILIES[family]()), tokens(1, 12)
    documents = torch.tensor([[4] * 5 + [5] * 7])
    with torch.no_grad():
        packed, first, second = model(ids, documents), model(ids[:, :5]), model(ids[:, 5:])
        torch.testing.assert_close(packed, torch.cat([first, second], 1), atol=1e-5, rtol=1e-5)
        changed = ids.clone()
        changed[0, 11] = 2 if ids[0, 11] != 2 else 3
        assert not torch.allclose(model(changed, documents)[0, 5], packed[0, 5])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("stride", [0, 7])
def test_the_score_of_a_token_is_that_of_a_mask_in_its_place(family: str, stride: int) -> None:
    model = stirred(FAMILIES[family](score_stride=stride))
    ids = tokens(2, 15).numpy()
    ids[:, 0] = END_OF_TEXT_ID
    scores = model.loglikelihood(ids, np.array([15, 9]))
    hidden = torch.from_numpy(ids[1:, :9].copy())
    hidden[0, [i for i in range(1, 9) if (i - 3) % (stride or 15) == 0]] = MASK_ID
    with torch.no_grad():
        expected = model(hidden).log_softmax(-1)[0, 3, ids[1, 3]]
    assert scores[1, 3] == pytest.approx(float(expected), abs=1e-5)
    assert not scores[:, 0].any()
    assert not scores[1, 9:].any()
    assert (scores[0, 1:] < 0).all()


def test_a_row_longer_than_the_context_is_scored_in_windows() -> None:
    model = stirred(FAMILIES["bert"]())
    ids = tokens(1, 70).numpy()
    ids[:, 0] = END_OF_TEXT_ID
    assert (model.loglikelihood(ids, np.array([70]))[0, 1:] < 0).all()


def choose(rows: int = 400, length: int = 40, **changes: object) -> tuple[np.ndarray, ...]:
    ids = tokens(rows, length)
    ids[:, ::8] = END_OF_TEXT_ID
    options = {"seed": 1, "step": 5, "share": 0.15, "vocab_size": VOCAB, "always": False, "word_starts": None, **changes}
    found = mask(ids, torch.zeros_like(ids), **options)  # type: ignore[arg-type]
    return ids.numpy(), *(tensor.numpy() for tensor in found)


def test_fifteen_percent_are_chosen_of_which_eighty_are_masked_ten_change_and_ten_stay() -> None:
    ids, read, targets, _, _ = choose()
    chosen = targets != IGNORED
    assert (chosen.sum(axis=1) == 6).all()
    assert not chosen[ids == END_OF_TEXT_ID].any()
    assert (targets[chosen] == ids[chosen]).all()
    assert (read[~chosen] == ids[~chosen]).all()
    masked, stayed = (read == MASK_ID)[chosen].mean(), (read == ids)[chosen].mean()
    assert masked == pytest.approx(0.8 + 0.1 / VOCAB, abs=0.03)
    assert stayed == pytest.approx(0.1 + 0.1 / VOCAB, abs=0.03)


def test_masks_depend_on_seed_and_step_alone() -> None:
    _, first, *_ = choose()
    assert (choose()[1] == first).all()
    assert (choose(step=6)[1] != first).any()
    assert (choose(seed=2)[1] != first).any()


def test_words_are_hidden_whole() -> None:
    starts = np.arange(VOCAB) % 3 == 0
    ids, _, targets, _, _ = choose(word_starts=starts)
    words = np.cumsum(starts[ids], axis=1)
    for row in range(len(ids)):
        for word in np.unique(words[row]):
            inside = (words[row] == word) & (ids[row] != END_OF_TEXT_ID)
            assert len(set((targets[row] != IGNORED)[inside])) <= 1


@pytest.mark.parametrize("family", FAMILIES)
def test_micro_batches_add_up(family: str) -> None:
    model, ids = FAMILIES[family](), tokens(6, 20)
    tensors = model.prepare((ids, ids, torch.zeros_like(ids)), step=3)
    whole = model.loss(*tensors, dtype=torch.float32)
    parts = [model.loss(*(t[rows] for t in tensors), dtype=torch.float32) for rows in (slice(0, 2), slice(2, 6))]
    assert float(whole.detach()) == pytest.approx(float(parts[0].detach()) / 3 + float(parts[1].detach()) * 2 / 3, rel=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_one_batch_is_learnt_by_heart(family: str) -> None:
    model, ids = FAMILIES[family](), tokens(4, 16)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    losses = []
    for _ in range(300):
        loss = model.loss(*model.prepare((ids, ids, torch.zeros_like(ids)), step=0), dtype=torch.float32)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.05 * losses[0]


def test_it_says_that_it_cannot_continue_a_text() -> None:
    arguments = {"num_return_sequences": 1, "max_new_tokens": 2, "temperature": 0.0, "top_k": 0, "seed": 0, "stop_id": 0}
    with pytest.raises(UsageError, match="bert guesses hidden tokens"):
        FAMILIES["bert"]().generate([0, 5], **arguments)
