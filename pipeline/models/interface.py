"""What every family of language model answers, neural or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt

END_OF_TEXT_ID = 0  # of <|endoftext|>, the first special token that the tokenizer is trained with
MASK_ID = 1  # of <|mask|>, the second


class LanguageModel(Protocol):
    """A model of token sequences that open with the end-of-text token; the only thing that stages know of a family."""

    family: ClassVar[str]
    """Its name in params.yaml: gpt, lstm, ngram."""
    model_type: ClassVar[str]
    """``model_type`` in its config.json: what a directory is loaded by."""
    is_causal: ClassVar[bool]
    """Whether it predicts from what comes before alone. Else its loglikelihoods are pseudo ones: no code for the text."""

    @property
    def vocab_size(self) -> int:
        """Number of token ids, 0 to ``vocab_size - 1``."""
        ...

    @property
    def num_parameters(self) -> int:
        """Numbers that training set: weights of a neural model (a tied one counts once), stored n-grams of a counted one."""
        ...

    def loglikelihood(self, input_ids: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Nats, log p(token t | the row's tokens before t), of shape (B, T).

        ``input_ids`` (B, T) are rows that open with the end-of-text token, ``lengths`` (B,) their lengths; what follows is
        padding of any value. T has no bound. Column 0 is 0.0 (the opening token is given, not predicted), and so is padding.
        """
        ...

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
        """``num_return_sequences`` continuations of ``prompt_ids``: new ids only, each ending before ``stop_id``.

        Samples among the ``top_k`` likeliest tokens (0: all) at ``temperature`` (0.0: the likeliest token always) from a
        private generator seeded with ``seed``. ``prompt_ids`` opens with the end-of-text token and is not empty.
        """
        ...

    def config(self) -> dict[str, Any]:
        """Return the content of config.json: ``model_type``, ``vocab_size`` and whatever ``from_state`` needs."""
        ...

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return the tensors of model.safetensors by name."""
        ...

    def companions(self) -> dict[str, tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]]:
        """Return config.json and tensors of networks that belong to it and load on their own, by the name of their folder."""
        ...

    @classmethod
    def from_state(cls, config: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Make the model that ``config()`` and ``state()`` came from. Raises ManifestError for missing or misshapen tensors."""
        ...
