"""What the neural families share: scoring and sampling on top of two methods, ``hidden`` and ``advance``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pipeline.errors import ManifestError, VocabularyError
from pipeline.models.cross_entropy import cross_entropy


class NeuralModel(nn.Module):  # type: ignore[misc]
    """A language model with weights; master weights are float32, the arithmetic is in the type that ``hidden`` is asked for."""

    family: ClassVar[str]
    model_type: ClassVar[str]
    is_causal: ClassVar[bool] = True
    blocks_per_matrix: ClassVar[int] = 1
    """How many matrices of their own a 2-D weight stacks along its rows (4 gates in an LSTM): for optimizers that look at one."""

    vocab_size: int

    @abstractmethod
    def hidden(self, ids_BT: Tensor, documents_BT: Tensor | None = None, *, dtype: torch.dtype = torch.float32) -> Tensor:
        """States (B, T, D) in ``dtype``, which the head turns into logits of the next token.

        ``documents_BT`` numbers the document that each token belongs to, so that a family that can keeps them apart.
        """

    @abstractmethod
    def advance(self, ids_BT: Tensor, memory: Any) -> tuple[Tensor, Any]:
        """States (B, T, D) of the tokens that follow ``memory`` (None: the start of a row), and the memory after them."""

    @property
    @abstractmethod
    def head(self) -> Tensor:
        """The output matrix (V, D)."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return the content of config.json."""

    @classmethod
    @abstractmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make a model of this shape with weights yet to be set."""

    @abstractmethod
    def loglikelihood(self, input_ids: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Nats per token, (B, T): see ``pipeline.models.interface``."""

    def forward(self, ids_BT: Tensor, documents_BT: Tensor | None = None) -> Tensor:
        """Logits (B, T, V) of the token after each, float32."""
        logits: Tensor = self.hidden(ids_BT, documents_BT) @ self.head.T
        return logits

    def prepare(self, batch: tuple[Tensor, Tensor, Tensor], step: int) -> tuple[Tensor, ...]:  # noqa: ARG002
        """Return what ``loss`` is to be given for batch ``step``, (B, T) each: inputs, targets, documents, what else it needs.

        A pure function of the batch and the step, called before the batch is divided.
        """
        return batch

    def loss(self, *tensors_BT: Tensor, dtype: torch.dtype) -> Tensor:
        """Mean nats per token of what ``prepare`` gave, a scalar."""
        ids_BT, targets_BT, documents_BT = tensors_BT
        x_BTD = self.hidden(ids_BT, documents_BT, dtype=dtype)
        return cross_entropy(x_BTD.flatten(0, 1), self.head, targets_BT.flatten())

    @property
    def num_parameters(self) -> int:
        """Weights; a tied one counts once."""
        return sum(weight.numel() for weight in self.parameters())

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.head.device

    def generate(
        self,
        prompt_ids: Sequence[int],
        *,
        num_return_sequences: int,
        max_new_tokens: int,
        temperature: float,
        top_k: int,
        seed: int,
        stop_id: int,
    ) -> list[list[int]]:
        """Continuations, all at once as one batch, new ids only: see ``pipeline.models.interface``."""
        ids = self.check_ids(np.asarray(prompt_ids, dtype=np.int64)[None])
        generator = torch.Generator().manual_seed(seed)
        rows: list[list[int]] = [[] for _ in range(num_return_sequences)]
        with torch.no_grad():
            x_BTD, memory = self.advance(ids.expand(num_return_sequences, -1), None)
            for _ in range(max_new_tokens):
                picked = sample((x_BTD[:, -1] @ self.head.T).cpu(), temperature, top_k, generator)
                for row, token in zip(rows, picked.tolist(), strict=True):
                    row.append(token)
                if all(stop_id in row for row in rows):
                    break
                x_BTD, memory = self.advance(picked[:, None].to(self.device), memory)
        return [row[: row.index(stop_id)] if stop_id in row else row for row in rows]

    def check_ids(self, input_ids: npt.NDArray[np.int64]) -> Tensor:
        """Return the ids on the model's device. Raises VocabularyError for one outside the vocabulary."""
        if input_ids.size and not 0 <= int(input_ids.min()) <= int(input_ids.max()) < self.vocab_size:
            found = f"{int(input_ids.min())} to {int(input_ids.max())}"
            raise VocabularyError(
                f"token ids {found} in a vocabulary of {self.vocab_size}; encode with the model's own tokenizer"
            )
        return torch.from_numpy(np.ascontiguousarray(input_ids)).to(self.device)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return the weights by name, float32."""
        return {name: weight.detach().cpu().numpy() for name, weight in self.state_dict().items()}

    def companions(self) -> dict[str, tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]]:
        """None: see ``pipeline.models.interface``."""
        return {}

    @classmethod
    def from_state(cls, config: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Make the model that ``config()`` and ``state()`` came from. Raises ManifestError for missing or misshapen tensors."""
        model = cls.from_config(config)
        expected = {name: tuple(weight.shape) for name, weight in model.state_dict().items()}
        found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        lines = [
            f"  {name}: expected {expected.get(name, 'none')}, found {found.get(name, 'none')}"
            for name in sorted(expected.keys() | found.keys())
            if expected.get(name) != found.get(name)
        ]
        if lines:
            raise ManifestError("\n".join(["model.safetensors does not fit config.json; make the model again:", *lines]))
        weights = {name: torch.from_numpy(np.array(tensor, dtype=np.float32)) for name, tensor in tensors.items()}
        model.load_state_dict(weights)
        return model.eval()  # type: ignore[no-any-return]


def sample(logits_BV: Tensor, temperature: float, top_k: int, generator: torch.Generator) -> Tensor:
    """One token per row, (B,): among the ``top_k`` likeliest (0: all), the likeliest itself at temperature 0.0."""
    if temperature == 0.0:
        return logits_BV.argmax(1)
    scaled = logits_BV.double() / temperature
    if 0 < top_k < logits_BV.shape[1]:
        lowest_kept = scaled.topk(top_k, dim=1).values[:, -1:]
        scaled = scaled.masked_fill(scaled < lowest_kept, float("-inf"))
    return torch.multinomial(scaled.softmax(1), 1, generator=generator).squeeze(1)
