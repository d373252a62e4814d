"""The back-off kernel gives what the model itself gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.models.ngram import NGram
from pipeline.text.backoff import Backoff, from_tensors, log_likelihoods

VOCAB = 6
documents = st.lists(st.lists(st.integers(1, VOCAB - 1), max_size=12), min_size=1, max_size=8)


def fit(docs: list[list[int]], order: int) -> NGram:
    lengths = np.array([len(doc) + 1 for doc in docs])
    tokens = np.concatenate([[0, *doc] for doc in docs]).astype(np.uint16)
    return NGram.fit(tokens, np.cumsum(lengths) - lengths, vocab_size=VOCAB, order=order)


def compiled(model: NGram) -> Backoff:
    return from_tensors(model.state(), model.order, model.vocab_size)


@given(documents.filter(any), documents, st.integers(1, 5))
@settings(max_examples=200, deadline=None)
def test_equals_the_model(trained: list[list[int]], scored: list[list[int]], order: int) -> None:
    model = fit(trained, order)
    lengths = np.array([len(doc) for doc in scored])
    ids = np.array([token for doc in scored for token in doc], np.uint32)
    found = log_likelihoods(compiled(model), ids, lengths, 0)
    for row, doc in enumerate(scored):
        expected = model.loglikelihood(np.array([[0, *doc]]), np.array([len(doc) + 1])).sum()
        assert found[row] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_missing_tensor_is_named() -> None:
    tensors = fit([[1, 2, 3]], 2).state()
    del tensors["log_prob.2"]
    with pytest.raises(KeyError, match=r"log_prob\.2"):
        from_tensors(tensors, 2, VOCAB)
