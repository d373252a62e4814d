"""ELECTRA (arXiv:2003.10555): a small generator replaces hidden tokens, a discriminator tells which tokens were replaced.

The discriminator is what one fine-tunes: its weights and config.json are those of transformers' ``ElectraForPreTraining``. The
generator, an ``ElectraForMaskedLM``, is written beside it (``generator/``) and scores texts, for only it has a distribution over
tokens. Both share the embeddings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from pipeline.models.bert import MaskedModel
from pipeline.models.encoder import Affine, Encoder, LayerNorm, Shape, initialise
from pipeline.models.masking import IGNORED

GENERATOR = "generator"


class Generator(nn.Module):  # type: ignore[misc]
    """``ElectraForMaskedLM`` without its head, which is the embedding."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.embedding_dim or shape.dim
        self.electra = Encoder(shape)
        self.generator_predictions = nn.ModuleDict({"LayerNorm": LayerNorm(width), "dense": Affine(shape.dim, width)})

    def forward(self, ids_BT: Tensor, documents_BT: Tensor | None, dtype: torch.dtype) -> Tensor:
        """States (B, T, E)."""
        parts = self.generator_predictions
        return parts["LayerNorm"](F.gelu(parts["dense"](self.electra(ids_BT, documents_BT, dtype))))


class ELECTRA(MaskedModel):
    """Both networks. The generator's layers are ``generator_share`` as wide as the discriminator's."""

    family: ClassVar[str] = "electra"
    model_type: ClassVar[str] = "electra"
    always_mask: ClassVar[bool] = True

    def __init__(
        self, shape: Shape, *, generator_share: float = 0.25, discriminator_weight: float = 50.0, **training: Any
    ) -> None:
        super().__init__(shape, **training)
        self.generator_share, self.discriminator_weight = generator_share, discriminator_weight
        self.electra = Encoder(shape)
        self.discriminator_predictions = nn.ModuleDict(
            {"dense": Affine(shape.dim, shape.dim), "dense_prediction": Affine(shape.dim, 1)}
        )
        self.generator_shape = _narrow(shape, generator_share)
        self.generator = Generator(self.generator_shape)
        self.generator.electra.embeddings = self.electra.embeddings
        initialise(self, torch.Generator().manual_seed(self.seed))

    @property
    def head(self) -> Tensor:
        """The generator's output matrix (V, E): the embedding."""
        return self.electra.embeddings.word_embeddings.weight

    def hidden(self, ids_BT: Tensor, documents_BT: Tensor | None = None, *, dtype: torch.dtype = torch.float32) -> Tensor:
        """The generator's states (B, T, E), which the head turns into logits of the token at each place itself."""
        return self.generator(ids_BT, documents_BT, dtype)

    def replaced(self, ids_BT: Tensor, documents_BT: Tensor | None = None, *, dtype: torch.dtype = torch.float32) -> Tensor:
        """Logit (B, T), float32, that a token is not the one that stood there."""
        parts = self.discriminator_predictions
        y_BTD = F.gelu(parts["dense"](self.electra(ids_BT, documents_BT, dtype)))
        return parts["dense_prediction"](y_BTD).squeeze(-1).float()

    def loss(self, *tensors_BT: Tensor, dtype: torch.dtype) -> Tensor:
        """Nats per hidden token of the generator, plus ``discriminator_weight`` times nats per token of the discriminator."""
        ids_BT, targets_BT, documents_BT, uniform_BT = tensors_BT
        x_BTE = self.hidden(ids_BT, documents_BT, dtype=dtype)
        hidden_BT = targets_BT != IGNORED
        truth_BT = torch.where(hidden_BT, targets_BT, ids_BT)
        seen_BT = ids_BT.masked_scatter(hidden_BT, self._sample(x_BTE[hidden_BT], uniform_BT[hidden_BT]))
        logits_BT = self.replaced(seen_BT, documents_BT, dtype=dtype)
        nats_BT = F.binary_cross_entropy_with_logits(logits_BT, (seen_BT != truth_BT).float(), reduction="none")
        return self.guess_loss(x_BTE, targets_BT) + self.discriminator_weight * nats_BT.mean()

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def _sample(self, x_NE: Tensor, uniform_N: Tensor) -> Tensor:
        """A token of the generator's distribution for each state: the first whose cumulative probability passes the number."""
        reached_NV = (x_NE.float() @ self.head.T).softmax(1).cumsum(1)
        return torch.searchsorted(reached_NV, uniform_N[:, None] * reached_NV[:, -1:]).squeeze(1).clamp_max(self.vocab_size - 1)

    def config(self) -> dict[str, Any]:
        """config.json of an ``ElectraForPreTraining``."""
        own = {"heddle_generator_share": self.generator_share, "heddle_discriminator_weight": self.discriminator_weight}
        return {"architectures": ["ElectraForPreTraining"], **super().config(), **own}

    def companions(self) -> dict[str, tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]]:
        """The generator as a directory of its own: config.json of an ``ElectraForMaskedLM``, and its weights."""
        config = {"architectures": ["ElectraForMaskedLM"], "model_type": self.model_type, **self.generator_shape.config()}
        weights = {name: weight.detach().cpu().numpy() for name, weight in self.generator.state_dict().items()}
        weights |= {"generator_lm_head.bias": np.zeros(self.vocab_size, np.float32)}
        return {GENERATOR: (config, weights)}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return the weights by name, float32, the shared embeddings once."""
        return {
            name: weight for name, weight in super().state().items() if not name.startswith(f"{GENERATOR}.electra.embeddings.")
        }

    @classmethod
    def from_state(cls, config: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Make the model that ``config()`` and ``state()`` came from. Raises ManifestError for missing or misshapen tensors."""
        shared = {f"{GENERATOR}.{name}": value for name, value in tensors.items() if name.startswith("electra.embeddings.")}
        return super().from_state(config, {**tensors, **shared})


def _narrow(shape: Shape, share: float) -> Shape:
    """A narrower network with heads of the same width."""
    heads = max(1, round(shape.num_heads * share))
    dim, ffn_dim = shape.dim // shape.num_heads * heads, max(1, round(shape.ffn_dim * share))
    return replace(shape, dim=dim, num_heads=heads, ffn_dim=ffn_dim, embedding_dim=shape.embedding_dim or shape.dim)
