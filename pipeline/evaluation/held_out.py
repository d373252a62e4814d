"""Held-out documents of a bounded size, the same for every model."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from pipeline.errors import EmptyCorpusError, VocabularyError
from pipeline.evaluation.metrics import Floats
from pipeline.evaluation.scoring import Ids
from pipeline.sequences import Sequences


class HeldOut(NamedTuple):
    """Token ids of each document, its opening token first, and the UTF-8 bytes (D,) that the tokens after it spell."""

    documents: list[Ids]
    num_bytes: Floats


def select(sequences: Sequences, tokenizer: Tokenizer, *, max_tokens: int, max_document_tokens: int) -> HeldOut:
    """Documents in the order of their ids (hashes, so a random but fixed order) until ``max_tokens``, at least one.

    A document longer than ``max_document_tokens`` is cut there, so that a few long ones do not crowd out the others.
    Raises EmptyCorpusError without a document, VocabularyError when tokens do not spell as many bytes as the text has:
    bits per byte of a tokenizer that loses text would mean nothing.
    """
    sizes = token_bytes(tokenizer)
    rows = sequences.documents.select(["id", "num_bytes"]).to_pylist()
    documents: list[Ids] = []
    spelt: list[int] = []
    taken = 0
    for row in sorted(range(len(rows)), key=lambda row: (rows[row]["id"], row)):
        ids = np.asarray(sequences.tokens(row), dtype=np.int64)
        if int(sizes[ids[1:]].sum()) != rows[row]["num_bytes"]:
            raise VocabularyError(
                f"{sequences.path}: document {rows[row]['id']} has {rows[row]['num_bytes']} bytes, but its tokens spell "
                f"{int(sizes[ids[1:]].sum())}; evaluate needs a byte-level tokenizer without a normalizer"
            )
        ids = ids[:max_document_tokens]
        taken += len(ids)
        if documents and taken > max_tokens:
            break
        if len(ids) > 1:
            documents.append(ids)
            spelt.append(int(sizes[ids[1:]].sum()))
    if not documents:
        raise EmptyCorpusError(f"{sequences.path}: no document with a token to predict; the test split must not be empty")
    return HeldOut(documents, np.array(spelt, dtype=np.float64))


def token_bytes(tokenizer: Tokenizer) -> npt.NDArray[np.int64]:
    """How many UTF-8 bytes each token of a byte-level tokenizer spells, of shape (V,).

    Its alphabet writes one character for each byte; a special token spells its own name.
    """
    special = {index: token.content for index, token in tokenizer.get_added_tokens_decoder().items()}
    vocabulary = sorted(tokenizer.get_vocab(with_added_tokens=True).items(), key=lambda item: item[1])
    return np.array([len(special[i].encode()) if i in special else len(token) for token, i in vocabulary], dtype=np.int64)
