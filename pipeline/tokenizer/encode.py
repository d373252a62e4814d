"""Text to token ids, as fast as exactness allows: by gigatoken where it agrees with ``tokenizers``, else by ``tokenizers``."""

from __future__ import annotations

import json
from typing import Any

import awkward as ak
import gigatoken
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from tokenizers import Tokenizer

from pipeline.errors import VocabularyError
from pipeline.tokenizer.train import END_OF_TEXT, MASK

Ids = npt.NDArray[np.uint32]
Lengths = npt.NDArray[np.int64]

# Where encoders have been seen to differ: nothing at all, spelt-out special tokens, runs of white space and of digits, combining
# marks, scripts without spaces, joined emoji, control characters, contractions in capitals.
HARD_TEXTS = (
    "",
    f"a{END_OF_TEXT}b{MASK}c",
    "  \n\n\t x 1234567",
    "e\u0301é 日本語 ไทย",
    "👩\u200d👩\u200d👧 \u200b",
    "\x00\x7f\u2028I'LL",
)
SAMPLE_DOCUMENTS, SAMPLE_CHARACTERS = 50, 5000  # checked in well under a second


class Encoder:
    """Encodes Arrow text. END_OF_TEXT within a text is encoded as plain characters: only the pipeline opens documents.

    ``name`` says which library encodes: gigatoken if it takes the split pattern and gives the ids of tokenizers for HARD_TEXTS
    and for the beginnings of the first of ``texts``, else tokenizers. ``end_id`` is END_OF_TEXT.
    Raises VocabularyError for a tokenizer without it.
    """

    def __init__(self, tokenizer_json: str, texts: pa.ChunkedArray) -> None:
        self._reference = Tokenizer.from_str(tokenizer_json)
        self._reference.encode_special_tokens = True
        end_id = self._reference.token_to_id(END_OF_TEXT)
        if end_id is None:
            raise VocabularyError(f"tokenizer.json: no token {END_OF_TEXT}, which opens every document; train it again")
        self.end_id = int(end_id)
        self.vocab_size = int(self._reference.get_vocab_size(with_added_tokens=True))
        self._fast = _load_fast(tokenizer_json)
        if self._fast is not None and not self._agree(texts):
            self._fast = None
        self.name = "tokenizers" if self._fast is None else "gigatoken"

    def encode(self, texts: pa.LargeStringArray | pa.ChunkedArray) -> tuple[Ids, Lengths]:
        """The ids of all ``texts``, back to back, and how many each has. No null among them."""
        array = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        if self._fast is None or not len(array):
            return self._encode_exactly(array)
        lists = self._fast.encode_batch(ak.from_arrow(array))
        return np.asarray(ak.flatten(lists), dtype=np.uint32), np.asarray(ak.num(lists), dtype=np.int64)

    def _encode_exactly(self, array: pa.LargeStringArray) -> tuple[Ids, Lengths]:
        lists = [encoding.ids for encoding in self._reference.encode_batch_fast(array.to_pylist(), add_special_tokens=False)]
        lengths = np.array([len(ids) for ids in lists], dtype=np.int64)
        return np.concatenate([np.empty(0, np.uint32), *(np.array(ids, np.uint32) for ids in lists)]), lengths

    def _agree(self, texts: pa.ChunkedArray) -> bool:
        sample = pc.utf8_slice_codeunits(texts.slice(0, SAMPLE_DOCUMENTS), 0, SAMPLE_CHARACTERS)
        array = pa.array([*HARD_TEXTS, *sample.to_pylist()], pa.large_string())
        (ids, lengths), (exact_ids, exact_lengths) = self.encode(array), self._encode_exactly(array)
        return np.array_equal(ids, exact_ids) and np.array_equal(lengths, exact_lengths)


def _load_fast(tokenizer_json: str) -> Any | None:
    """A gigatoken tokenizer without special tokens, so that they are encoded as text; None for a kind it does not know."""
    plain = json.dumps(json.loads(tokenizer_json) | {"added_tokens": [], "post_processor": None})
    try:
        return gigatoken.Tokenizer.from_json(plain)
    except (RuntimeError, ValueError):  # "Unknown pre_tokenizer Split regexes", "Unsupported model type"
        return None
