"""The chunked loss is plain cross-entropy, gradients included."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from pipeline.models.cross_entropy import CHUNK, cross_entropy, token_log_probs


def problem(count: int, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(count, 12, generator=generator).to(dtype).requires_grad_()
    head = torch.randn(37, 12, generator=generator).requires_grad_()
    return states, head, torch.randint(0, 37, (count,), generator=generator)


@pytest.mark.parametrize("count", [1, CHUNK, CHUNK + 1, 2 * CHUNK + 5])
def test_loss_and_gradients_equal_those_of_torch(count: int) -> None:
    states, head, target = problem(count)
    (3.0 * cross_entropy(states, head, target)).backward()
    ours = states.grad.clone(), head.grad.clone()
    states.grad = head.grad = None
    expected = F.cross_entropy(states @ head.T, target)
    (3.0 * expected).backward()
    torch.testing.assert_close(cross_entropy(states, head, target), expected)
    torch.testing.assert_close(ours, (states.grad, head.grad))


def test_bfloat16_states_give_close_gradients_and_a_float32_head_gradient() -> None:
    states, head, target = problem(700, torch.bfloat16)
    cross_entropy(states, head, target).backward()
    narrow = head.grad.clone()
    head.grad = None
    F.cross_entropy(states.float() @ head.T, target).backward()
    assert narrow.dtype == torch.float32
    assert float((narrow - head.grad).norm() / head.grad.norm()) < 0.02


def test_a_hopeless_target_gives_a_finite_loss_and_a_nan_stays_one() -> None:
    states, head = torch.tensor([[1e4]]), torch.tensor([[1.0], [-1.0]])
    assert torch.isfinite(cross_entropy(states, head, torch.tensor([1])))
    assert torch.isnan(cross_entropy(states * torch.nan, head, torch.tensor([1])))


def test_token_log_probs_are_the_log_softmax() -> None:
    states, head, target = problem(CHUNK + 9)
    expected = (states @ head.T).log_softmax(1).gather(1, target[:, None]).squeeze(1)
    torch.testing.assert_close(token_log_probs(states.detach(), head.detach(), target), expected.detach())
