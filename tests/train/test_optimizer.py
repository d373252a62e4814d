"""The batched Muon against torch's, both optimizers together, and their state through a round trip."""

from __future__ import annotations

import pytest
import torch

from pipeline.models.gpt import GPT
from pipeline.models.rnn import LSTM
from pipeline.train.optimizer import Muon, Optimizer, OptimizerParams, orthogonalize

SHAPES = ((16, 16), (48, 16), (16, 48), (16, 16))


def matrices(seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {f"w{i}": torch.randn(shape, generator=generator) for i, shape in enumerate(SHAPES)}


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_muon_is_that_of_torch(weight_decay: float) -> None:
    ours = matrices(0)
    theirs = [weight.clone().requires_grad_() for weight in ours.values()]
    reference = torch.optim.Muon(theirs, lr=0.02, weight_decay=weight_decay, momentum=0.9)
    muon = Muon(ours, OptimizerParams(name="muon", lr=0.02, embedding_lr=0.1, weight_decay=weight_decay, momentum=0.9))
    for step in range(5):
        for weight, twin, gradient in zip(ours.values(), theirs, matrices(step + 1).values(), strict=True):
            weight.grad, twin.grad = gradient, gradient.clone()
        reference.step()
        muon.step(1.0)
    for weight, twin, start in zip(ours.values(), theirs, matrices(0).values(), strict=True):
        moved = float((twin.detach() - start).norm())
        assert float((weight - twin.detach()).norm()) < 0.01 * moved  # both round to bfloat16, in another order


def test_a_stacked_weight_is_updated_as_its_blocks() -> None:
    params = OptimizerParams(name="muon", lr=0.02, embedding_lr=0.1)
    stacked, gradient = matrices(0)["w1"], matrices(1)["w1"]
    blocks = {f"b{i}": block.clone() for i, block in enumerate(stacked.chunk(3))}
    stacked.grad = gradient
    for block, part in zip(blocks.values(), gradient.chunk(3), strict=True):
        block.grad = part.clone()
    Muon({"w": stacked}, params, blocks=3).step(1.0)
    Muon(blocks, params).step(1.0)
    torch.testing.assert_close(stacked, torch.cat(list(blocks.values())))


@pytest.mark.parametrize("shape", [(3, 24, 60), (2, 40, 10), (2, 10, 40)])
def test_orthogonalize_brings_singular_values_near_one_and_keeps_the_singular_vectors(shape: tuple[int, ...]) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    out = orthogonalize(x).float()
    values = torch.linalg.svdvals(out)
    assert float(values.min()) > 0.3
    assert float(values.max()) < 1.3
    u, _, vh = torch.linalg.svd(x, full_matrices=False)
    for ours, ideal in zip(out, u @ vh, strict=True):
        assert float(torch.nn.functional.cosine_similarity(ours.flatten(), ideal.flatten(), dim=0)) > 0.95


@pytest.mark.parametrize("name", ["muon", "adamw"])
def test_a_restored_optimizer_goes_on_as_the_first(name: str) -> None:
    params = OptimizerParams(name=name, lr=0.02, embedding_lr=0.01, weight_decay=0.1)

    def run(model: GPT, optimizer: Optimizer, steps: range) -> None:
        for step in steps:
            generator = torch.Generator().manual_seed(step)
            for weight in model.parameters():
                weight.grad = torch.randn(weight.shape, generator=generator)
            optimizer.step(1.0 - step / 10)

    def build() -> tuple[GPT, Optimizer]:
        model = GPT(11, dim=8, num_layers=1, num_heads=1, num_kv_heads=1, head_dim=8, ffn_dim=16, context=8)
        return model, Optimizer(model, params)

    straight, optimizer = build()
    run(straight, optimizer, range(6))
    first, optimizer = build()
    run(first, optimizer, range(3))
    second, restored = build()
    second.load_state_dict(first.state_dict())
    restored.load_state({key: value.clone() for key, value in optimizer.state().items()})
    run(second, restored, range(3, 6))
    for name_, weight in straight.state_dict().items():
        assert torch.equal(weight, second.state_dict()[name_]), name_


def test_embeddings_gains_and_biases_belong_to_adamw() -> None:
    params = OptimizerParams(name="muon", lr=0.02, embedding_lr=0.01)
    for model in (
        GPT(11, dim=8, num_layers=1, num_heads=1, num_kv_heads=1, head_dim=8, ffn_dim=16, context=8, tie_embeddings=False),
        LSTM(11, dim=8, hidden_dim=8, num_layers=1),
    ):
        optimizer = Optimizer(model, params)
        for weight in model.parameters():
            weight.grad = torch.ones_like(weight)
        optimizer.step(1.0)
        adamw = {key.removeprefix("adamw.").rsplit(".", 1)[0] for key in optimizer.state() if key.startswith("adamw.")}
        expected = {n for n, w in model.named_parameters() if w.ndim == 1 or "embed" in n or "lm_head" in n}
        assert adamw == expected
