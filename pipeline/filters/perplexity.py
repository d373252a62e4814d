"""How well an n-gram model of reference text foresees a text, in bits per byte of its UTF-8.

Text unlike the reference (menus, word salad, another language) costs more bits; text that says the same thing over and over costs
few (Wenzek et al. 2020, "CCNet", 3.3, keeps the middle). Bits per byte compare any two tokenizers; perplexity per byte is 2 to
that power.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.text.backoff import Backoff, log_likelihoods

MAX_CHARS = 100_000  # of a text: the figure does not change after that, and memory stays bounded
Encode = Callable[[pa.LargeStringArray], tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]]


@dataclass(frozen=True)
class Reference:
    """A model of reference text, how it reads a text as token ids, and the id that opens every document."""

    model: Backoff
    encode: Encode
    opening: int


def bits_per_byte(text: pa.LargeStringArray, reference: Reference) -> pa.DoubleArray:
    """Bits per byte of the first MAX_CHARS characters of each text; null for an empty one."""
    part = pc.utf8_slice_codeunits(pc.fill_null(text, ""), 0, MAX_CHARS)
    ids, lengths = reference.encode(part)
    nats = log_likelihoods(reference.model, ids, lengths, reference.opening)
    sizes = pc.binary_length(part).to_numpy().astype(np.float64)
    bits = -nats / np.log(2) / np.maximum(sizes, 1)
    return pa.array(bits, mask=sizes == 0)
