"""The layers of a BERT encoder (arXiv:1810.04805), named as in transformers' ``BertModel`` and ``ElectraModel``.

Learned positions, post-norm LayerNorm, biases, GELU. In shapes: B rows, T tokens, D width, E width of the embedding, H heads, V
vocabulary. Attention goes both ways within a document and never across documents; positions count from a document's first token,
so a document's states do not depend on what it is packed with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from pipeline.models.decoder import attend
from pipeline.models.interface import END_OF_TEXT_ID

EPS = 1e-12  # of LayerNorm, BERT's value
STD = 0.02  # of every matrix at the start, BERT's value


@dataclass(frozen=True)
class Shape:
    """What an encoder is made of. ``context``: the longest window it reads, tokens. Without ``embedding_dim`` that is ``dim``."""

    vocab_size: int
    dim: int
    num_layers: int
    num_heads: int
    ffn_dim: int
    context: int
    embedding_dim: int | None = None

    def config(self) -> dict[str, Any]:
        """What config.json states of it, in the words of transformers."""
        return {
            "vocab_size": self.vocab_size,
            "hidden_size": self.dim,
            **({} if self.embedding_dim is None else {"embedding_size": self.embedding_dim}),
            "num_hidden_layers": self.num_layers,
            "num_attention_heads": self.num_heads,
            "intermediate_size": self.ffn_dim,
            "max_position_embeddings": self.context,
            "type_vocab_size": 1,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
            "layer_norm_eps": EPS,
            "tie_word_embeddings": True,
            "dtype": "float32",
            **dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), END_OF_TEXT_ID),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Read what ``config`` stated."""
        return cls(
            config["vocab_size"],
            dim=config["hidden_size"],
            num_layers=config["num_hidden_layers"],
            num_heads=config["num_attention_heads"],
            ffn_dim=config["intermediate_size"],
            context=config["max_position_embeddings"],
            embedding_dim=config.get("embedding_size"),
        )


class Affine(nn.Module):  # type: ignore[misc]
    """x @ weight.T + bias, computed in the type of x; weight (outputs, inputs) and bias (outputs,) are float32."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) → (..., outputs)."""
        return F.linear(x, self.weight.to(x.dtype), self.bias.to(x.dtype))


class LayerNorm(nn.Module):  # type: ignore[misc]
    """Layer normalisation over the last dimension (arXiv:1607.06450), computed in float32."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Any shape that ends in the dimension; same type out."""
        return F.layer_norm(x.float(), self.weight.shape, self.weight, self.bias, EPS).to(x.dtype)


class Table(nn.Module):  # type: ignore[misc]
    """A row of weight (rows, E) for each id."""

    def __init__(self, rows: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(rows, dim))


class Embeddings(nn.Module):  # type: ignore[misc]
    """Token, position and (always the first) segment vectors, added and normalised."""

    def __init__(self, vocab_size: int, dim: int, context: int) -> None:
        super().__init__()
        self.word_embeddings = Table(vocab_size, dim)
        self.position_embeddings = Table(context, dim)
        self.token_type_embeddings = Table(1, dim)
        self.LayerNorm = LayerNorm(dim)

    def forward(self, ids_BT: Tensor, positions_BT: Tensor, dtype: torch.dtype) -> Tensor:
        """(B, T, E)."""
        x_BTE = F.embedding(ids_BT, self.word_embeddings.weight) + self.token_type_embeddings.weight[0]
        return self.LayerNorm(x_BTE + F.embedding(positions_BT, self.position_embeddings.weight)).to(dtype)


class Attend(nn.Module):  # type: ignore[misc]
    """Queries, keys and values of all heads."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query, self.key, self.value = Affine(dim, dim), Affine(dim, dim), Affine(dim, dim)

    def forward(self, x_BTD: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D)."""
        heads = (*x_BTD.shape[:2], self.num_heads, -1)
        q, k, v = (part(x_BTD).view(heads).transpose(1, 2) for part in (self.query, self.key, self.value))
        return attend(q, k, v, mask).transpose(1, 2).flatten(2)


class Output(nn.Module):  # type: ignore[misc]
    """norm(x + dense(y))."""

    def __init__(self, inputs: int, dim: int) -> None:
        super().__init__()
        self.dense, self.LayerNorm = Affine(inputs, dim), LayerNorm(dim)

    def forward(self, y: Tensor, x_BTD: Tensor) -> Tensor:
        """(B, T, D)."""
        return self.LayerNorm(x_BTD + self.dense(y))


class Layer(nn.Module):  # type: ignore[misc]
    """Attention, then a feed-forward block with GELU."""

    def __init__(self, dim: int, num_heads: int, ffn_dim: int) -> None:
        super().__init__()
        self.attention = nn.ModuleDict({"self": Attend(dim, num_heads), "output": Output(dim, dim)})
        self.intermediate = nn.ModuleDict({"dense": Affine(dim, ffn_dim)})
        self.output = Output(ffn_dim, dim)

    def forward(self, x_BTD: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D)."""
        x_BTD = self.attention["output"](self.attention["self"](x_BTD, mask), x_BTD)
        return self.output(F.gelu(self.intermediate["dense"](x_BTD)), x_BTD)


class Encoder(nn.Module):  # type: ignore[misc]
    """Embeddings, a projection where their width is another than the layers', and layers."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.embedding_dim or shape.dim
        self.embeddings = Embeddings(shape.vocab_size, width, shape.context)
        if width != shape.dim:
            self.embeddings_project = Affine(width, shape.dim)
        layers = (Layer(shape.dim, shape.num_heads, shape.ffn_dim) for _ in range(shape.num_layers))
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(layers)})

    def forward(self, ids_BT: Tensor, documents_BT: Tensor | None, dtype: torch.dtype) -> Tensor:
        """States (B, T, D); without document numbers a row is one document."""
        documents = torch.zeros_like(ids_BT) if documents_BT is None else documents_BT
        mask = document_mask(documents, dtype)
        x_BTD = self.embeddings(ids_BT, positions_in_document(documents), dtype)
        if hasattr(self, "embeddings_project"):
            x_BTD = self.embeddings_project(x_BTD)
        for layer in self.encoder["layer"]:
            x_BTD = layer(x_BTD, mask)
        return x_BTD


def document_mask(documents_BT: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where two tokens are of one document, else -inf: (B, 1, T, T)."""
    apart = documents_BT[:, :, None] != documents_BT[:, None, :]
    return torch.zeros(apart.shape, dtype=dtype, device=apart.device).masked_fill_(apart, float("-inf"))[:, None]


def positions_in_document(documents_BT: Tensor) -> Tensor:
    """How many tokens of the same document stand before each in its row, (B, T); documents are runs of one number."""
    place = torch.arange(documents_BT.shape[1], device=documents_BT.device).expand_as(documents_BT)
    begins = F.pad(documents_BT[:, 1:] != documents_BT[:, :-1], (1, 0), value=True)
    return place - torch.where(begins, place, 0).cummax(1).values


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Matrices normal with BERT's deviation, gains one, biases zero."""
    for name, weight in module.named_parameters():
        if weight.ndim == 2:
            nn.init.normal_(weight, std=STD, generator=generator)
        elif name.endswith("bias"):
            nn.init.zeros_(weight)
        else:
            nn.init.ones_(weight)
