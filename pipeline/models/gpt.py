"""Decoder Transformer in the function class of Qwen3 (arXiv:2505.09388): weights and config.json are those of transformers.

Pre-norm RMSNorm, grouped-query attention with RMSNorm on queries and keys, rotary positions, SwiGLU, no biases. Module names are
those of ``Qwen3ForCausalLM``, so the state dict is the export.

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
from pipeline.models.interface import END_OF_TEXT_ID
from pipeline.models.neural import NeuralModel

EPS = 1e-6  # of RMSNorm, Qwen3's value
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


class Linear(nn.Module):  # type: ignore[misc]
    """x @ weight.T without bias, computed in the type of x; weight (outputs, inputs) is float32."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) → (..., outputs)."""
        return F.linear(x, self.weight.to(x.dtype))


class RMSNorm(nn.Module):  # type: ignore[misc]
    """x / rms(x) · weight over the last dimension (arXiv:1910.07467), computed in float32."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Any shape that ends in the dimension; same type out."""
        wide = x.float()
        return (wide * (wide.square().mean(-1, keepdim=True) + EPS).rsqrt() * self.weight).to(x.dtype)


class Decoder(nn.Module):  # type: ignore[misc]
    """Embedding, layers, final norm."""

    def __init__(
        self, vocab_size: int, dim: int, num_layers: int, num_heads: int, num_kv_heads: int, head_dim: int, ffn_dim: int
    ) -> None:
        super().__init__()
        self.embed_tokens = Linear(dim, vocab_size)  # only its weight (V, D) is used
        self.layers = nn.ModuleList(Layer(dim, num_heads, num_kv_heads, head_dim, ffn_dim) for _ in range(num_layers))
        self.norm = RMSNorm(dim)

    def forward(
        self,
        ids_BT: Tensor,
        positions: tuple[Tensor, Tensor],
        mask: Tensor,
        past: list[tuple[Tensor, Tensor]] | None,
        dtype: torch.dtype,
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """States (B, T, D) and each layer's keys and values, ``past`` included."""
        x_BTD = F.embedding(ids_BT, self.embed_tokens.weight).to(dtype)
        positions = (positions[0].to(dtype), positions[1].to(dtype))
        caches = []
        for index, layer in enumerate(self.layers):
            x_BTD, cache = layer(x_BTD, positions, mask, None if past is None else past[index])
            caches.append(cache)
        return self.norm(x_BTD), caches


class Layer(nn.Module):  # type: ignore[misc]
    """x + attention(norm(x)), then x + SwiGLU(norm(x))."""

    def __init__(self, dim: int, num_heads: int, num_kv_heads: int, head_dim: int, ffn_dim: int) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(dim)
        self.self_attn = Attention(dim, num_heads, num_kv_heads, head_dim)
        self.post_attention_layernorm = RMSNorm(dim)
        self.mlp = MLP(dim, ffn_dim)

    def forward(
        self, x_BTD: Tensor, positions: tuple[Tensor, Tensor], mask: Tensor, past: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the new states, and the keys and values up to here."""
        attended, cache = self.self_attn(self.input_layernorm(x_BTD), positions, mask, past)
        x_BTD = x_BTD + attended
        return x_BTD + self.mlp(self.post_attention_layernorm(x_BTD)), cache


class Attention(nn.Module):  # type: ignore[misc]
    """Grouped-query attention; queries and keys are normalised per head, then rotated."""

    def __init__(self, dim: int, num_heads: int, num_kv_heads: int, head_dim: int) -> None:
        super().__init__()
        self.head_dim = head_dim
        self.q_proj = Linear(dim, num_heads * head_dim)
        self.k_proj = Linear(dim, num_kv_heads * head_dim)
        self.v_proj = Linear(dim, num_kv_heads * head_dim)
        self.o_proj = Linear(num_heads * head_dim, dim)
        self.q_norm = RMSNorm(head_dim)
        self.k_norm = RMSNorm(head_dim)

    def forward(
        self, x_BTD: Tensor, positions: tuple[Tensor, Tensor], mask: Tensor, past: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return what each token reads (B, T, D), and the keys and values up to here."""
        heads = (*x_BTD.shape[:2], -1, self.head_dim)
        q_BHTd = rotate(self.q_norm(self.q_proj(x_BTD).view(heads)).transpose(1, 2), positions)
        k_BGSd = rotate(self.k_norm(self.k_proj(x_BTD).view(heads)).transpose(1, 2), positions)
        v_BGSd = self.v_proj(x_BTD).view(heads).transpose(1, 2)
        if past is not None:
            k_BGSd, v_BGSd = torch.cat([past[0], k_BGSd], 2), torch.cat([past[1], v_BGSd], 2)
        y_BHTd = attend(q_BHTd, k_BGSd, v_BGSd, mask)
        return self.o_proj(y_BHTd.transpose(1, 2).flatten(2)), (k_BGSd, v_BGSd)


class MLP(nn.Module):  # type: ignore[misc]
    """SwiGLU (arXiv:2002.05202): down(silu(gate(x)) · up(x))."""

    def __init__(self, dim: int, ffn_dim: int) -> None:
        super().__init__()
        self.gate_proj = Linear(dim, ffn_dim)
        self.up_proj = Linear(dim, ffn_dim)
        self.down_proj = Linear(ffn_dim, dim)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """(B, T, D) → (B, T, D)."""
        return self.down_proj(F.silu(self.gate_proj(x_BTD)) * self.up_proj(x_BTD))


def attend(q_BHTd: Tensor, k_BGSd: Tensor, v_BGSd: Tensor, mask: Tensor) -> Tensor:
    """softmax(q kᵀ / √d + mask) v, (B, H, T, d); H is a multiple of G.

    On a CPU the matrices are written out: at 256 tokens in bfloat16 forward and backward take half the time of the fused kernel.
    """
    if q_BHTd.device.type != "cpu":
        return F.scaled_dot_product_attention(q_BHTd, k_BGSd, v_BGSd, attn_mask=mask, enable_gqa=True)
    groups = q_BHTd.shape[1] // k_BGSd.shape[1]
    k, v = (k_BGSd, v_BGSd) if groups == 1 else (t.repeat_interleave(groups, 1) for t in (k_BGSd, v_BGSd))
    scores_BHTS = (q_BHTd * q_BHTd.shape[-1] ** -0.5) @ k.mT
    return scores_BHTS.add_(mask).softmax(-1) @ v


def causal_mask(new: int, total: int, documents_BT: Tensor | None, dtype: torch.dtype, device: torch.device) -> Tensor:
    """0 where one of the last ``new`` of ``total`` tokens may look, else -inf: (1 or B, 1, new, total)."""
    visible = torch.ones(new, total, dtype=torch.bool, device=device).tril(total - new)[None]
    if documents_BT is not None:
        visible = visible & (documents_BT[:, :, None] == documents_BT[:, None, :])
    return torch.zeros(visible.shape, dtype=dtype, device=device).masked_fill_(~visible, float("-inf"))[:, None]


def rotary(start: int, stop: int, head_dim: int, theta: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosine and sine (positions, head_dim) of the rotary embedding (arXiv:2104.09864), the two halves of a head paired."""
    frequencies = 1.0 / theta ** (torch.arange(0, head_dim, 2, dtype=torch.float32, device=device) / head_dim)
    angles = torch.arange(start, stop, dtype=torch.float32, device=device)[:, None] * frequencies
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()


def rotate(x_BHTd: Tensor, positions: tuple[Tensor, Tensor]) -> Tensor:
    """Turn each pair (x[i], x[i + d/2]) by its position's angle."""
    first, second = x_BHTd.chunk(2, -1)
    return x_BHTd * positions[0] + torch.cat([-second, first], -1) * positions[1]


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
