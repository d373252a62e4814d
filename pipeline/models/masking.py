"""Which tokens a masked language model has to guess, and how the guesses become a score.

Masks are a pure function of (seed, step), drawn for a whole batch before it is divided, so that neither a resumed run nor another
micro-batch size sees other ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pipeline.models.gpt import Window, scoring_windows
from pipeline.models.interface import END_OF_TEXT_ID, MASK_ID

IGNORED = -1  # target of a token that is not to be guessed
MASKED, RANDOM = 0.8, 0.1  # shares of the chosen tokens that become [MASK] or any token; the others stay (arXiv:1810.04805)


class Masked(NamedTuple):
    """What an encoder reads, what it is to guess (IGNORED elsewhere), document numbers, and a uniform number; (B, T) each."""

    ids: Tensor
    targets: Tensor
    documents: Tensor
    uniform: Tensor


def num_chosen(length: int, share: float) -> int:
    """How many tokens of a window of ``length`` are to be guessed."""
    return max(1, round(share * length))


def mask(
    ids_BT: Tensor,
    documents_BT: Tensor,
    *,
    seed: int,
    step: int,
    share: float,
    vocab_size: int,
    always: bool,
    word_starts: npt.NDArray[np.bool_] | None,
) -> Masked:
    """Choose ``share`` of each row's tokens, end-of-text apart, and hide them.

    ``always``: each becomes [MASK], else 80 % do, 10 % become any token and 10 % stay. ``word_starts`` (V,) says which tokens
    begin a word: words are then chosen whole, until the number is reached or passed.
    """
    ids = ids_BT.numpy()
    generator = np.random.default_rng([seed, step])
    keys = generator.random(ids.shape)
    if word_starts is not None:
        keys = np.take_along_axis(keys, np.maximum(np.cumsum(word_starts[ids], axis=1) - 1, 0), axis=1)
    keys[ids == END_OF_TEXT_ID] = 2.0  # after every key below 1
    bound = np.partition(keys, num_chosen(ids.shape[1], share) - 1, axis=1)[:, num_chosen(ids.shape[1], share) - 1, None]
    chosen = (keys <= bound) & (keys < 1.0)
    fate = np.zeros(ids.shape) if always else generator.random(ids.shape)
    other = generator.integers(0, vocab_size, ids.shape)
    hidden = np.where(fate < MASKED, MASK_ID, np.where(fate < MASKED + RANDOM, other, ids))
    uniform = generator.random(ids.shape, dtype=np.float32)
    parts = (np.where(chosen, hidden, ids), np.where(chosen, ids, IGNORED))
    read, targets = map(torch.from_numpy, parts)
    return Masked(read, targets, documents_BT, torch.from_numpy(uniform))


Score = Callable[[Tensor, Tensor], Tensor]


def pseudo_loglikelihood(
    ids: Tensor, lengths: npt.NDArray[np.int64], score: Score, *, context: int, stride: int, rows_at_once: int
) -> npt.NDArray[np.float64]:
    """Nats of each token given those on both sides of it, (B, T): the pseudo-log-likelihood of Salazar et al. 2020.

    ``score(ids_NT, targets_NT)`` gives the log probability of each target that is not IGNORED. Each pass hides every
    ``stride``-th token of a window, so that a window takes ``stride`` passes; 0 hides one at a time, as in the paper, at a pass
    for each token. Hiding more can only take information away. Rows longer than ``context`` are read in overlapping windows.
    """
    out = np.zeros(ids.shape, dtype=np.float64)
    passes = [
        (window, offset, stride or context)
        for window in scoring_windows(lengths, context - 1)
        for offset in range(min(stride or context, window.stop - window.start))
    ]
    for first in range(0, len(passes), rows_at_once):
        _score(ids, passes[first : first + rows_at_once], score, out)
    return out


def _score(ids: Tensor, passes: list[tuple[Window, int, int]], score: Score, out: npt.NDArray[np.float64]) -> None:
    width = max(window.stop - window.start for window, _, _ in passes)
    read = torch.full((len(passes), width), END_OF_TEXT_ID, dtype=ids.dtype, device=ids.device)
    targets = torch.full_like(read, IGNORED)
    for row, (window, offset, stride) in enumerate(passes):
        tokens = ids[window.row, window.start : window.stop]
        places = torch.arange(window.start + offset, window.stop, stride)
        places = places[places >= window.scored_from] - window.start
        read[row, : len(tokens)] = tokens
        targets[row, places] = tokens[places]
        read[row, places] = MASK_ID
    scores, hidden = score(read, targets).cpu().numpy(), (targets != IGNORED).cpu().numpy()
    for row, (window, _, _) in enumerate(passes):
        places = np.flatnonzero(hidden[row])
        out[window.row, window.start + places] = scores[row, places]
