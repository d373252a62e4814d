"""Which tokens of a vocabulary begin a word."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, decoders


def word_starts(tokenizer_json: str) -> npt.NDArray[np.bool_]:
    """(V,) whether each token begins a word: all but those whose first character is a letter, a digit or part of a character.

    Raises ValueError for a tokenizer that does not work on bytes.
    """
    if json.loads(tokenizer_json)["decoder"]["type"] != "ByteLevel":
        raise ValueError("whole words are known of byte-level tokenizers only")
    tokenizer, decoder = Tokenizer.from_str(tokenizer_json), decoders.ByteLevel()
    out = np.ones(tokenizer.get_vocab_size(with_added_tokens=True), np.bool_)
    special = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    for token, number in tokenizer.get_vocab(with_added_tokens=True).items():
        first = "" if token in special else decoder.decode([token])[:1]
        out[number] = not (first.isalnum() or first == "\ufffd")
    return out
