"""n-grams: the count-based baseline that a neural model has to beat, with interpolated modified Kneser–Ney smoothing.

A document is scored from its opening end-of-text token on, and the token that opens the next one is trained as its end.

Storage is a trie: n-gram ``g`` of length k is row ``g`` of level k; its key is (row of its first k-1 tokens) · V + last token,
so that one binary search over sorted int64 keys per level answers any number of look-ups. Probabilities and γ are kept as in an
ARPA file: log p of a stored n-gram is fully interpolated, and an unseen one takes log γ(c) + log p(w | c').
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from pipeline.errors import EmptyCorpusError, ManifestError, TrainingError, VocabularyError
from pipeline.models.kneser_ney import Floats, Ints, Level, close_documents, count_ngrams, smooth


class NGram:
    """A trained model: ``order`` levels, the first of them with one row per token of the vocabulary."""

    family: ClassVar[str] = "ngram"
    model_type: ClassVar[str] = "heddle-ngram"
    is_causal: ClassVar[bool] = True

    def __init__(self, levels: Sequence[Level], vocab_size: int) -> None:
        self.levels, self._vocab_size = tuple(levels), vocab_size

    @classmethod
    def fit(cls, tokens: npt.NDArray[Any], starts: Ints, *, vocab_size: int, order: int) -> Self:
        """Count and smooth the documents that lie in ``tokens`` from ``starts`` on, each opened by the end-of-text token.

        The order is lowered to the longest n-gram that the documents hold.
        Memory: some 100 bytes per token at order 5. Raises EmptyCorpusError without a token to predict, TrainingError for an
        order below 1, VocabularyError for a token outside the vocabulary.
        """
        if order < 1:
            raise TrainingError(f"order = {order}: an n-gram has at least one token; set pretrain.ngram.order to 1 or more")
        if len(tokens) <= len(starts):
            raise EmptyCorpusError(f"{len(tokens)} tokens in {len(starts)} documents: nothing to predict; add documents")
        _check_ids(tokens, vocab_size)
        words, position = close_documents(tokens, starts)
        return cls(smooth(count_ngrams(words, position, vocab_size=vocab_size, order=order), vocab_size), vocab_size)

    @property
    def order(self) -> int:
        """Length of the longest n-gram."""
        return len(self.levels)

    @property
    def vocab_size(self) -> int:
        """Number of token ids."""
        return self._vocab_size

    @property
    def num_parameters(self) -> int:
        """Stored probabilities and backoff weights."""
        return sum(len(level.log_prob) + len(level.log_backoff) for level in self.levels)

    def loglikelihood(self, input_ids: Ints, lengths: Ints) -> Floats:
        """Nats per token, (B, T): see ``pipeline.models.interface``."""
        ids = np.where(np.arange(input_ids.shape[1]) < np.asarray(lengths)[:, None], input_ids, 0)
        _check_ids(ids, self._vocab_size)
        score = self.levels[0].log_prob[ids].astype(np.float64)
        rows = ids  # (B, T) row of the n-gram that ends here in the level below, -1 where there is none
        for below, level in zip(self.levels, self.levels[1:], strict=False):
            context = _shift(rows)
            rows = _look_up(level.keys, context, ids, self._vocab_size)
            backed_off = score + np.where(context >= 0, below.log_backoff[context], 0.0)
            score = np.where(rows >= 0, level.log_prob[rows], backed_off)
        score[np.arange(ids.shape[1]) >= np.asarray(lengths)[:, None]] = 0.0
        score[:, :1] = 0.0
        return score

    def next_log_probs(self, context: Sequence[int]) -> Floats:
        """Nats of every token after ``context``, (V,): exp of it sums to one."""
        score = self.levels[0].log_prob.astype(np.float64)
        history = np.asarray(context[len(context) - min(len(context), self.order - 1) :], dtype=np.int64)
        for k in range(1, min(self.order, len(history) + 1)):
            row = self._row(history[len(history) - k :])
            if row < 0:
                continue
            level = self.levels[k]
            first, last = np.searchsorted(level.keys, [row * self._vocab_size, (row + 1) * self._vocab_size])
            score += self.levels[k - 1].log_backoff[row]
            score[level.keys[first:last] - row * self._vocab_size] = level.log_prob[first:last]
        return score

    def _row(self, ngram: Ints) -> int:
        """Row of an n-gram in the level of its length, -1 if it was never seen."""
        row = int(ngram[0])
        for level, word in zip(self.levels[1:], ngram[1:].tolist(), strict=False):
            row = int(_look_up(level.keys, np.array([row]), np.array([word]), self._vocab_size)[0])
        return row

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
        """Continuations, new ids only: see ``pipeline.models.interface``. Each has its own generator, seeded [seed, index]."""
        _check_ids(np.asarray(prompt_ids), self._vocab_size)
        out = []
        for index in range(num_return_sequences):
            generator = np.random.default_rng([seed, index])
            ids = list(prompt_ids)
            for _ in range(max_new_tokens):
                word = _sample(self.next_log_probs(ids), temperature, top_k, generator)
                if word == stop_id:
                    break
                ids.append(word)
            out.append(ids[len(prompt_ids) :])
        return out

    def config(self) -> dict[str, Any]:
        """The content of config.json."""
        return {"model_type": self.model_type, "vocab_size": self._vocab_size, "order": self.order}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """``keys.K`` int64, ``log_prob.K`` and ``log_backoff.K`` float32 for each length K from 1; no ``keys.1``."""
        out: dict[str, npt.NDArray[Any]] = {}
        for k, level in enumerate(self.levels, start=1):
            out |= {f"keys.{k}": level.keys} if k > 1 else {}
            out |= {f"log_prob.{k}": level.log_prob}
            out |= {f"log_backoff.{k}": level.log_backoff} if k < self.order else {}
        return out

    def companions(self) -> dict[str, tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]]:
        """None: see ``pipeline.models.interface``."""
        return {}

    @classmethod
    def from_state(cls, config: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The model that ``config()`` and ``state()`` came from. Raises ManifestError for missing or misshapen tensors."""
        vocab_size, order = int(config["vocab_size"]), int(config["order"])
        levels = []
        for k in range(1, order + 1):
            names = [f"log_prob.{k}"] + [f"keys.{k}"] * (k > 1) + [f"log_backoff.{k}"] * (k < order)
            shapes = {name: tensors[name].shape if name in tensors else None for name in names}
            size = (vocab_size,) if k == 1 else shapes[f"keys.{k}"]
            if any(shape is None or shape != size for shape in shapes.values()):
                raise ManifestError(f"model.safetensors: {shapes}, want {size} for order {k} of {order}; train the model again")
            keys = tensors[f"keys.{k}"] if k > 1 else np.arange(vocab_size)
            backoff = tensors[f"log_backoff.{k}"] if k < order else np.empty(0, np.float32)
            levels.append(Level(keys, tensors[f"log_prob.{k}"], backoff))
        return cls(levels, vocab_size)


def _look_up(keys: Ints, context: Ints, words: Ints, vocab_size: int) -> Ints:
    """Row of each (context row, word) in a level, -1 where the context is -1 or the n-gram was never seen."""
    wanted = context * vocab_size + words
    rows = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((context >= 0) & (keys[rows] == wanted), rows, -1)


def _shift(rows: Ints) -> Ints:
    """Each row's value one token earlier, -1 before the first."""
    return np.concatenate([np.full((len(rows), 1), -1, dtype=np.int64), rows[:, :-1]], axis=1)


def _sample(log_probs: Floats, temperature: float, top_k: int, generator: np.random.Generator) -> int:
    if temperature == 0.0:
        return int(np.argmax(log_probs))
    kept = np.arange(len(log_probs))
    if 0 < top_k < len(log_probs):
        kept = np.sort(np.argsort(-log_probs, kind="stable")[:top_k])
    scaled = log_probs[kept] / temperature
    cumulative = np.cumsum(np.exp(scaled - scaled.max()))
    return int(kept[np.searchsorted(cumulative, generator.random() * cumulative[-1], side="right")])


def _check_ids(ids: npt.NDArray[Any], vocab_size: int) -> None:
    if ids.size and not 0 <= int(ids.min()) <= int(ids.max()) < vocab_size:
        raise VocabularyError(f"token ids {int(ids.min())} to {int(ids.max())} in a vocabulary of {vocab_size}; encode again")
