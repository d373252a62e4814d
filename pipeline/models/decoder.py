"""The layers of a Qwen3 decoder (arXiv:2505.09388), named as in ``Qwen3ForCausalLM``.

Pre-norm RMSNorm, grouped-query attention with RMSNorm on queries and keys, rotary positions, SwiGLU, no biases. In shapes: B
rows, T tokens, S tokens with those before, D width, H heads, G key and value heads, d width of a head, V vocabulary.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

EPS = 1e-6  # of RMSNorm, Qwen3's value


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
