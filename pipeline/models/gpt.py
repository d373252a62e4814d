"""Decoder Transformer in the function class of Qwen3 (arXiv:2505.09388): weights and config.json are those of transformers.

Module names are those of ``Qwen3ForCausalLM``, so the state dict is the export.

Documents packed in one window do not see one another (``documents_BT``); rotary attention depends on distances only, so a token's
state is then what it would be if its document stood alone, which is how documents are scored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from pipeline.models.cross_entropy import token_log_probs
from pipeline.models.decoder import EPS, Decoder, Linear, causal_mask, rotary
from pipeline.models.interface import END_OF_TEXT_ID
from pipeline.models.neural import NeuralModel

TOKENS_AT_ONCE = 8192  # scored in one forward pass


class Cache(NamedTuple):
    """The last ids of each row (B, S), and per layer their keys and values (B, kv heads, S, head_dim)."""

    ids: Tensor
    layers: list[tuple[Tensor, Tensor]]


class GPT(NeuralModel):
    """The decoder. ``context`` is the longest window it is trained and scored on."""

    family: ClassVar[str] = "gpt"
    model_type: ClassVar[str] = "qwen3"

    def __init__(
        self,
        vocab_size: int,
        *,
        dim: int,
        num_layers: int,
        num_heads: int,
        num_kv_heads: int,
        head_dim: int,
        ffn_dim: int,
        context: int,
        rope_theta: float = 10_000.0,
        tie_embeddings: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.vocab_size, self.context, self.tie_embeddings = vocab_size, context, tie_embeddings
        self.shape = {
            "hidden_size": dim,
            "intermediate_size": ffn_dim,
            "num_hidden_layers": num_layers,
            "num_attention_heads": num_heads,
            "num_key_value_heads": num_kv_heads,
            "head_dim": head_dim,
        }
        self.rope_theta = rope_theta
        self.model = Decoder(vocab_size, dim, num_layers, num_heads, num_kv_heads, head_dim, ffn_dim)
        if not tie_embeddings:
            self.lm_head = Linear(dim, vocab_size)
        self._initialise(torch.Generator().manual_seed(seed))

    def _initialise(self, generator: torch.Generator) -> None:
        """Make matrices normal with variance 1 / fan-in, zero those that write into the stream: layers start as identity."""
        for name, weight in self.named_parameters():
            if weight.ndim == 1:
                nn.init.ones_(weight)
            elif name.endswith(("o_proj.weight", "down_proj.weight", "lm_head.weight")):
                nn.init.zeros_(weight)
            else:
                std = 0.02 if "embed_tokens" in name else weight.shape[1] ** -0.5
                nn.init.normal_(weight, std=std, generator=generator)

    @property
    def head(self) -> Tensor:
        """The output matrix (V, D): the embedding itself where it is tied."""
        return self.model.embed_tokens.weight if self.tie_embeddings else self.lm_head.weight

    def hidden(self, ids_BT: Tensor, documents_BT: Tensor | None = None, *, dtype: torch.dtype = torch.float32) -> Tensor:
        """States (B, T, D); a token sees those before it in its window that have its document number."""
        length = ids_BT.shape[1]
        mask = causal_mask(length, length, documents_BT, dtype, ids_BT.device)
        x_BTD, _ = self.model(
            ids_BT, rotary(0, length, self.shape["head_dim"], self.rope_theta, ids_BT.device), mask, None, dtype
        )
        return x_BTD

    def advance(self, ids_BT: Tensor, memory: Cache | None) -> tuple[Tensor, Cache]:
        """States of the new tokens, with a key-value cache; at the end of the context the last half of it is read anew."""
        seen = ids_BT if memory is None else torch.cat([memory.ids, ids_BT], 1)
        past = None if memory is None else memory.layers
        new, total = ids_BT.shape[1], seen.shape[1]
        if total > self.context:
            seen, past = seen[:, -max(self.context // 2, 1) :], None
            new = total = seen.shape[1]
        mask = causal_mask(new, total, None, torch.float32, ids_BT.device)
        positions = rotary(total - new, total, self.shape["head_dim"], self.rope_theta, ids_BT.device)
        x_BTD, layers = self.model(seen[:, -new:], positions, mask, past, torch.float32)
        return x_BTD, Cache(seen, layers)

    def loglikelihood(self, input_ids: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Nats per token, (B, T): see ``pipeline.models.interface``.

        A row longer than the context is read in windows of ``context`` that overlap by half; the first gives all its tokens,
        each later one its second half, so that every token has at least ``context // 2`` tokens of history, or all there are.
        """
        ids = self.check_ids(np.where(np.arange(input_ids.shape[1]) < lengths[:, None], input_ids, 0))
        out = np.zeros(input_ids.shape, dtype=np.float64)
        windows = scoring_windows(lengths, self.context)
        at_once = max(1, TOKENS_AT_ONCE // self.context)
        with torch.no_grad():
            for first in range(0, len(windows), at_once):
                self._score(ids, windows[first : first + at_once], out)
        return out

    def _score(self, ids: Tensor, windows: list[Window], out: npt.NDArray[np.float64]) -> None:
        width = max(w.stop - w.start for w in windows)
        padded = F.pad(ids, (0, width))
        x_BTD = self.hidden(torch.stack([padded[w.row, w.start : w.start + width - 1] for w in windows]))
        targets = torch.stack([padded[w.row, w.start + 1 : w.start + width] for w in windows])
        scores = token_log_probs(x_BTD.flatten(0, 1), self.head, targets.flatten()).view(targets.shape).cpu().numpy()
        for window, score in zip(windows, scores, strict=True):
            kept = slice(window.scored_from - window.start - 1, window.stop - window.start - 1)
            out[window.row, window.scored_from : window.stop] = score[kept]

    def config(self) -> dict[str, Any]:
        """config.json of a ``Qwen3ForCausalLM``."""
        return {
            "architectures": ["Qwen3ForCausalLM"],
            "model_type": self.model_type,
            "vocab_size": self.vocab_size,
            **self.shape,
            "hidden_act": "silu",
            "attention_bias": False,
            "rms_norm_eps": EPS,
            "max_position_embeddings": self.context,
            "rope_parameters": {"rope_type": "default", "rope_theta": self.rope_theta},
            "rope_theta": self.rope_theta,  # where transformers 4 and other engines look for it
            "tie_word_embeddings": self.tie_embeddings,
            "dtype": "float32",
            **dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), END_OF_TEXT_ID),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make a model of the shape that config.json states, weights yet to be set."""
        return cls(
            config["vocab_size"],
            dim=config["hidden_size"],
            num_layers=config["num_hidden_layers"],
            num_heads=config["num_attention_heads"],
            num_kv_heads=config["num_key_value_heads"],
            head_dim=config["head_dim"],
            ffn_dim=config["intermediate_size"],
            context=config["max_position_embeddings"],
            rope_theta=config["rope_parameters"]["rope_theta"],
            tie_embeddings=config["tie_word_embeddings"],
        )


class Window(NamedTuple):
    """Tokens ``start`` to ``stop`` of a row, read to score those from ``scored_from`` on."""

    row: int
    start: int
    scored_from: int
    stop: int


def scoring_windows(lengths: npt.NDArray[np.int64], context: int) -> list[Window]:
    """Windows of at most ``context + 1`` tokens (the last one is only predicted) that score each token but the first once."""
    stride = max(context // 2, 1)
    out = []
    for row, length in enumerate(lengths.tolist()):
        scored = 1
        while scored < length:
            start = 0 if scored == 1 else scored - 1 - (context - stride)
            out.append(Window(row, start, scored, min(start + context + 1, length)))
            scored = out[-1].stop
    return out
