"""Muon for the matrices of hidden layers, AdamW for everything else; or AdamW for all.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) replaces a matrix's momentum by its nearest semi-orthogonal
one. ``torch.optim.Muon`` is the same update one matrix at a time; here all matrices of one shape are one batch.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from pipeline.models.neural import NeuralModel
from pipeline.params import Params

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # quintic coefficients of Jordan et al.: steepest at zero
_NEWTON_SCHULZ_STEPS = 5
_EPS = 1e-7


class OptimizerParams(Params):
    """How weights are updated."""

    name: Literal["muon", "adamw"] = Field(description="what updates the matrices of hidden layers")
    lr: float = Field(gt=0, le=1, description="of the matrices")
    embedding_lr: float = Field(gt=0, le=1, description="of embedding, head, gains and biases: always AdamW")
    weight_decay: float = Field(0.0, ge=0, le=1, description="decoupled, of the matrices")
    momentum: float = Field(0.95, ge=0, lt=1, description="Muon's, and AdamW's first beta for the matrices")


class Optimizer:
    """Both optimizers as one, with a state that is a flat dict of tensors."""

    def __init__(self, model: NeuralModel, params: OptimizerParams) -> None:
        matrices = {name: weight for name, weight in model.named_parameters() if _is_matrix(name, weight)}
        others = {name: weight for name, weight in model.named_parameters() if name not in matrices}
        self.lr = params.lr
        # Betas and eps as in the decoder recipes of Muon's authors; no decay on embeddings and gains.
        groups: list[dict[str, Any]] = [
            {"params": list(others.values()), "lr": params.embedding_lr, "weight_decay": 0.0, "betas": (0.9, 0.95)}
        ]
        self._adamw_names = list(others)
        self._muon: Muon | None = None
        if params.name == "muon":
            self._muon = Muon(matrices, params, blocks=model.blocks_per_matrix)
        else:
            betas = (params.momentum, 0.95)
            groups.append(
                {"params": list(matrices.values()), "lr": params.lr, "weight_decay": params.weight_decay, "betas": betas}
            )
            self._adamw_names += list(matrices)
        self._base_lrs = [group["lr"] for group in groups]
        self._adamw = torch.optim.AdamW(groups, eps=1e-10, fused=True)

    def step(self, factor: float) -> None:
        """Update every weight at ``factor`` times the base rates."""
        for group, lr in zip(self._adamw.param_groups, self._base_lrs, strict=True):
            group["lr"] = lr * factor
        self._adamw.step()
        if self._muon is not None:
            self._muon.step(factor)

    def state(self) -> dict[str, Tensor]:
        """Every buffer by name; empty before the first step."""
        moments = self._adamw.state_dict()["state"]
        out = {f"adamw.{self._adamw_names[i]}.{key}": value for i, entry in moments.items() for key, value in entry.items()}
        return out | ({} if self._muon is None else self._muon.state())

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Set every buffer to what ``state`` gave."""
        state = self._adamw.state_dict()
        keys = ("step", "exp_avg", "exp_avg_sq")
        state["state"] = {i: {k: tensors[f"adamw.{name}.{k}"] for k in keys} for i, name in enumerate(self._adamw_names)}
        self._adamw.load_state_dict(state)
        if self._muon is not None:
            self._muon.load_state(tensors)


class Muon:
    """Nesterov momentum, orthogonalized, per matrix; a weight that stacks ``blocks`` matrices is updated as that many."""

    def __init__(self, matrices: dict[str, Tensor], params: OptimizerParams, *, blocks: int = 1) -> None:
        self.params, self.blocks = params, blocks
        self._groups: dict[tuple[int, int], list[Tensor]] = {}
        for weight in matrices.values():
            self._groups.setdefault(tuple(weight.shape), []).append(weight)
        self._momentum = {
            shape: torch.zeros(len(weights) * blocks, shape[0] // blocks, shape[1], device=weights[0].device)
            for shape, weights in self._groups.items()
        }

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self, factor: float) -> None:
        """Update every matrix at ``factor`` times the base rate."""
        lr, momentum = self.params.lr * factor, self.params.momentum
        for shape, weights in self._groups.items():
            buffer_NAB = self._momentum[shape]
            grad_NAB = torch.stack([weight.grad for weight in weights]).view_as(buffer_NAB)
            buffer_NAB.lerp_(grad_NAB, 1 - momentum)
            update_NAB = orthogonalize(grad_NAB.lerp(buffer_NAB, momentum)).to(buffer_NAB.dtype)
            # An A × B update has root-mean-square 1 / sqrt(max(A, B)): tall matrices are scaled back to the size of square ones.
            scale = max(1.0, buffer_NAB.shape[1] / buffer_NAB.shape[2]) ** 0.5
            torch._foreach_mul_(weights, 1 - lr * self.params.weight_decay)
            torch._foreach_add_(weights, list(update_NAB.reshape(-1, *shape)), alpha=-lr * scale)

    def state(self) -> dict[str, Tensor]:
        """Return the momentum of each group, named after its shape."""
        return {f"muon.{rows}x{columns}": buffer for (rows, columns), buffer in self._momentum.items()}

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Set the momentum to what ``state`` gave."""
        for (rows, columns), buffer in self._momentum.items():
            buffer.copy_(tensors[f"muon.{rows}x{columns}"])


def orthogonalize(matrices_NAB: Tensor) -> Tensor:
    """U Vᵀ of each matrix's singular value decomposition, roughly: singular values come out between 0.5 and 1.5. bfloat16."""
    x = matrices_NAB.bfloat16()
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=_EPS)
    a, b, c = _NEWTON_SCHULZ
    for _ in range(_NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def _is_matrix(name: str, weight: Tensor) -> bool:
    return weight.ndim == 2 and "embed" not in name and "lm_head" not in name
