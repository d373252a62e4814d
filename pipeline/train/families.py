"""What params.yaml says of each family of language models: its shape and how it is trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from pipeline.models.bert import BERT
from pipeline.models.electra import ELECTRA
from pipeline.models.encoder import Shape
from pipeline.models.gpt import GPT
from pipeline.models.rnn import LSTM
from pipeline.params import Params
from pipeline.train.loop import TrainingParams


class GPTParams(Params):
    """Decoder Transformer."""

    family: Literal["gpt"]
    seed: int = Field(ge=0)
    dim: int = Field(ge=8, description="width of the residual stream")
    num_layers: int = Field(ge=1)
    num_heads: int = Field(ge=1)
    num_kv_heads: int = Field(ge=1, description="key and value heads; divides num_heads")
    head_dim: int = Field(ge=2, multiple_of=2)
    ffn_dim: int = Field(ge=1, description="width inside the feed-forward block")
    rope_theta: float = Field(gt=1)
    tie_embeddings: bool = Field(description="one matrix as embedding and head")
    training: TrainingParams

    @model_validator(mode="after")
    def _heads_divide(self) -> GPTParams:
        if self.num_heads % self.num_kv_heads:
            message = f"num_kv_heads = {self.num_kv_heads} does not divide num_heads = {self.num_heads}"
            raise ValueError(message)
        return self

    def build(self, vocab_size: int) -> GPT:
        """Make an untrained model."""
        shape = self.model_dump(exclude={"family", "training"})
        return GPT(vocab_size, context=self.training.context, **shape)


class LSTMParams(Params):
    """Recurrent network."""

    family: Literal["lstm"]
    seed: int = Field(ge=0)
    dim: int = Field(ge=1, description="width of the embedding")
    hidden_dim: int = Field(ge=1, description="width of a layer's state")
    num_layers: int = Field(ge=1)
    training: TrainingParams

    def build(self, vocab_size: int) -> LSTM:
        """Make an untrained model."""
        return LSTM(vocab_size, **self.model_dump(exclude={"family", "training"}))


class NGramParams(Params):
    """Interpolated modified Kneser–Ney."""

    family: Literal["ngram"]
    order: int = Field(ge=1, le=16, description="tokens of the longest n-gram")
    validation_tokens: int = Field(ge=1, description="of the validation split, scored for each order")


class EncoderParams(Params):
    """What the families that guess hidden tokens share."""

    seed: int = Field(ge=0)
    dim: int = Field(ge=8, description="width of the layers")
    num_layers: int = Field(ge=1)
    num_heads: int = Field(ge=1, description="divides dim")
    ffn_dim: int = Field(ge=1, description="width inside the feed-forward block")
    mask_share: float = Field(0.15, gt=0, lt=1, description="of the tokens of a window that are hidden")
    score_stride: int = Field(7, ge=0, description="every which token a scoring pass hides; 0: one at a time, slow and exact")
    training: TrainingParams

    @model_validator(mode="after")
    def _heads_divide_dim(self) -> Self:
        if self.dim % self.num_heads:
            message = f"num_heads = {self.num_heads} does not divide dim = {self.dim}"
            raise ValueError(message)
        return self

    def shape(self, vocab_size: int, embedding_dim: int | None = None) -> Shape:
        """Say what the encoder is made of."""
        return Shape(vocab_size, self.dim, self.num_layers, self.num_heads, self.ffn_dim, self.training.context, embedding_dim)

    def masking(self) -> dict[str, Any]:
        """How tokens are hidden, and the seed."""
        return self.model_dump(include={"mask_share", "score_stride", "seed"})


class BERTParams(EncoderParams):
    """Encoder that guesses hidden tokens."""

    family: Literal["bert"]
    whole_words: bool = Field(False, description="hide words rather than tokens")

    def build(self, vocab_size: int) -> BERT:
        """Make an untrained model."""
        return BERT(self.shape(vocab_size), **self.masking())


class ELECTRAParams(EncoderParams):
    """Encoder that tells replaced tokens, and the generator that replaces them."""

    family: Literal["electra"]
    embedding_dim: int = Field(ge=1, description="width of the embeddings, which both networks share")
    generator_share: float = Field(0.25, gt=0, le=1, description="width of the generator's layers over the discriminator's")
    discriminator_weight: float = Field(50.0, ge=0, description="of the discriminator's loss beside the generator's")

    def build(self, vocab_size: int) -> ELECTRA:
        """Make an untrained model."""
        own = {"generator_share": self.generator_share, "discriminator_weight": self.discriminator_weight}
        return ELECTRA(self.shape(vocab_size, self.embedding_dim), **own, **self.masking())


NeuralParams = GPTParams | LSTMParams | BERTParams | ELECTRAParams
PretrainParams = Annotated[NeuralParams | NGramParams, Field(discriminator="family")]
