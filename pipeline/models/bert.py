"""BERT (arXiv:1810.04805): an encoder that guesses hidden tokens; weights and config.json are those of transformers.

Module names are those of ``BertForMaskedLM``, so the state dict is the export. There is no loss on pairs of sentences, as in
RoBERTa (arXiv:1907.11692), and no bias on the output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from pipeline.errors import UsageError
from pipeline.models.cross_entropy import cross_entropy, token_log_probs
from pipeline.models.encoder import Affine, Encoder, LayerNorm, Shape, initialise
from pipeline.models.interface import END_OF_TEXT_ID
from pipeline.models.masking import IGNORED, mask, num_chosen, pseudo_loglikelihood
from pipeline.models.neural import NeuralModel

TOKENS_AT_ONCE = 8192  # scored in one forward pass


class MaskedModel(NeuralModel):
    """What families that guess hidden tokens share.

    ``mask_share``: of each window, hidden in training. ``score_stride``: see ``masking.pseudo_loglikelihood``.
    """

    is_causal: ClassVar[bool] = False
    always_mask: ClassVar[bool] = False
    word_starts: npt.NDArray[np.bool_] | None = None
    """(V,) which tokens begin a word: given, words are hidden whole."""

    def __init__(self, shape: Shape, *, mask_share: float = 0.15, score_stride: int = 7, seed: int = 0) -> None:
        super().__init__()
        self.shape, self.vocab_size, self.context = shape, shape.vocab_size, shape.context
        self.mask_share, self.score_stride, self.seed = mask_share, score_stride, seed

    def config(self) -> dict[str, Any]:
        """Return the content of config.json, without the class that transformers loads it as."""
        own = {"heddle_mask_share": self.mask_share, "heddle_score_stride": self.score_stride}
        return {"model_type": self.model_type, **self.shape.config(), **own}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make a model of the shape that config.json states, weights yet to be set."""
        own = {name.removeprefix("heddle_"): value for name, value in config.items() if name.startswith("heddle_")}
        return cls(Shape.from_config(config), **own)

    def prepare(self, batch: tuple[Tensor, Tensor, Tensor], step: int) -> tuple[Tensor, ...]:
        """Hide tokens of the batch."""
        ids_BT, _, documents_BT = batch
        return mask(
            ids_BT,
            documents_BT,
            seed=self.seed,
            step=step,
            share=self.mask_share,
            vocab_size=self.vocab_size,
            always=self.always_mask,
            word_starts=self.word_starts,
        )

    def guess_loss(self, x_BTD: Tensor, targets_BT: Tensor) -> Tensor:
        """Nats of the hidden tokens, over the number that each window is to have, so that micro-batches add up."""
        places = (targets_BT.flatten() != IGNORED).nonzero().squeeze(1)
        if not len(places):  # windows of nothing but end-of-text tokens
            return (x_BTD * 0).sum().float()
        wanted = len(targets_BT) * num_chosen(targets_BT.shape[1], self.mask_share)
        mean = cross_entropy(x_BTD.flatten(0, 1)[places], self.head, targets_BT.flatten()[places])
        return mean * (len(places) / wanted)

    def loglikelihood(self, input_ids: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Nats per token given both sides, (B, T): a pseudo-log-likelihood (``masking.pseudo_loglikelihood``)."""
        ids = self.check_ids(np.where(np.arange(input_ids.shape[1]) < lengths[:, None], input_ids, END_OF_TEXT_ID))
        options = {"context": self.context, "stride": self.score_stride, "rows_at_once": max(1, TOKENS_AT_ONCE // self.context)}
        with torch.no_grad():
            return pseudo_loglikelihood(ids, lengths, self._score, **options)

    def _score(self, ids_NT: Tensor, targets_NT: Tensor) -> Tensor:
        places = (targets_NT.flatten() != IGNORED).nonzero().squeeze(1)
        # A row that is shorter than the widest one is padded; padding is no part of its document.
        documents = (ids_NT == END_OF_TEXT_ID).flip(1).cumprod(1).flip(1)
        x_ND = self.hidden(ids_NT, documents).flatten(0, 1)[places]
        out = torch.zeros(targets_NT.numel(), device=ids_NT.device)
        out[places] = token_log_probs(x_ND, self.head, targets_NT.flatten()[places])
        return out.view(targets_NT.shape)

    def advance(self, ids_BT: Tensor, memory: Any) -> tuple[Tensor, Any]:  # noqa: ARG002
        """Raise UsageError: what a token is like depends on what follows it here."""
        raise UsageError(f"{self.family} guesses hidden tokens and cannot continue a text; name a gpt, rnn or ngram model")


class BERT(MaskedModel):
    """The encoder with the head that guesses."""

    family: ClassVar[str] = "bert"
    model_type: ClassVar[str] = "bert"

    def __init__(self, shape: Shape, **training: Any) -> None:
        super().__init__(shape, **training)
        self.bert = Encoder(shape)
        dim = shape.dim
        self.cls = nn.ModuleDict(
            {"predictions": nn.ModuleDict({"transform": nn.ModuleDict({"dense": Affine(dim, dim), "LayerNorm": LayerNorm(dim)})})}
        )
        initialise(self, torch.Generator().manual_seed(self.seed))

    @property
    def head(self) -> Tensor:
        """The output matrix (V, D): the embedding."""
        return self.bert.embeddings.word_embeddings.weight

    def hidden(self, ids_BT: Tensor, documents_BT: Tensor | None = None, *, dtype: torch.dtype = torch.float32) -> Tensor:
        """States (B, T, D) that the head turns into logits of the token at each place itself."""
        transform = self.cls["predictions"]["transform"]
        return transform["LayerNorm"](F.gelu(transform["dense"](self.bert(ids_BT, documents_BT, dtype))))

    def loss(self, *tensors_BT: Tensor, dtype: torch.dtype) -> Tensor:
        """Mean nats per hidden token, a scalar."""
        ids_BT, targets_BT, documents_BT, _ = tensors_BT
        return self.guess_loss(self.hidden(ids_BT, documents_BT, dtype=dtype), targets_BT)

    def config(self) -> dict[str, Any]:
        """config.json of a ``BertForMaskedLM``."""
        return {"architectures": ["BertForMaskedLM"], **super().config()}
