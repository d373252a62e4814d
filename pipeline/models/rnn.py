"""The LSTM (Hochreiter and Schmidhuber 1997), its output matrix tied to the embedding (arXiv:1608.05859)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from pipeline.models.cross_entropy import token_log_probs
from pipeline.models.interface import END_OF_TEXT_ID
from pipeline.models.neural import NeuralModel

State = tuple[Tensor, Tensor]
TOKENS_AT_ONCE = 8192  # scored in one pass


class LSTM(NeuralModel):
    """Embedding, LSTM layers, projection to the embedding's width, tied head.

    Training starts each window from a zero state and runs through document boundaries: the end-of-text token is what it learns
    to forget at. Scoring starts each document from a zero state and carries it to the end, however long the document.
    """

    family: ClassVar[str] = "lstm"
    model_type: ClassVar[str] = "heddle-lstm"
    blocks_per_matrix: ClassVar[int] = 4  # input, forget, cell and output gate, stacked by torch

    def __init__(self, vocab_size: int, *, dim: int, hidden_dim: int, num_layers: int, seed: int = 0) -> None:
        super().__init__()
        self.vocab_size, self.dim, self.hidden_dim, self.num_layers = vocab_size, dim, hidden_dim, num_layers
        self.embedding = nn.Parameter(torch.empty(vocab_size, dim))
        self.lstm = nn.LSTM(dim, hidden_dim, num_layers, batch_first=True)
        self.projection = nn.Parameter(torch.empty(dim, hidden_dim))
        self._initialise(torch.Generator().manual_seed(seed))

    def _initialise(self, generator: torch.Generator) -> None:
        """Matrices normal with variance 1 / fan-in; biases zero but the forget gate's 1 (Jozefowicz et al. 2015)."""
        for name, weight in self.named_parameters():
            if weight.ndim == 1:
                nn.init.zeros_(weight)
            else:
                nn.init.normal_(weight, std=0.02 if name == "embedding" else weight.shape[1] ** -0.5, generator=generator)
        for layer in range(self.num_layers):
            bias = getattr(self.lstm, f"bias_ih_l{layer}")
            nn.init.ones_(bias[self.hidden_dim : 2 * self.hidden_dim])

    @property
    def head(self) -> Tensor:
        """The output matrix (V, D): the embedding."""
        return self.embedding

    def hidden(self, ids_BT: Tensor, documents_BT: Tensor | None = None, *, dtype: torch.dtype = torch.float32) -> Tensor:  # noqa: ARG002
        """States (B, T, D) from a zero state on; document numbers are not used (see the class)."""
        return self._run(ids_BT, None, dtype)[0]

    def advance(self, ids_BT: Tensor, memory: State | None) -> tuple[Tensor, State]:
        """States of the new tokens, and the cell after them."""
        return self._run(ids_BT, memory, torch.float32)

    def _run(self, ids_BT: Tensor, state: State | None, dtype: torch.dtype) -> tuple[Tensor, State]:
        x_BTD = F.embedding(ids_BT, self.embedding).to(dtype)
        with torch.autocast(ids_BT.device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            y_BTH, state = self.lstm(x_BTD, state)
        return F.linear(y_BTH.to(dtype), self.projection.to(dtype)), state

    def loglikelihood(self, input_ids: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Nats per token, (B, T): see ``pipeline.models.interface``. The state is carried from segment to segment."""
        padding = np.arange(input_ids.shape[1]) >= lengths[:, None]
        ids = self.check_ids(np.where(padding, 0, input_ids))
        out = np.zeros(input_ids.shape, dtype=np.float64)
        segment = max(1, TOKENS_AT_ONCE // max(len(ids), 1))
        state: State | None = None
        with torch.no_grad():
            for start in range(0, ids.shape[1] - 1, segment):
                targets = ids[:, start + 1 : start + 1 + segment]
                x_BTD, state = self.advance(ids[:, start : start + targets.shape[1]], state)
                scores = token_log_probs(x_BTD.flatten(0, 1), self.head, targets.flatten())
                out[:, start + 1 : start + 1 + segment] = scores.view(targets.shape).cpu().numpy()
        out[padding] = 0.0
        return out

    def config(self) -> dict[str, Any]:
        """Return the content of config.json."""
        return {
            "architectures": ["HeddleLSTM"],
            "model_type": self.model_type,
            "vocab_size": self.vocab_size,
            "embedding_size": self.dim,
            "hidden_size": self.hidden_dim,
            "num_hidden_layers": self.num_layers,
            **dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), END_OF_TEXT_ID),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make a model of the shape that config.json states, weights yet to be set."""
        return cls(
            config["vocab_size"],
            dim=config["embedding_size"],
            hidden_dim=config["hidden_size"],
            num_layers=config["num_hidden_layers"],
        )
