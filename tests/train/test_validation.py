"""Validation: nats and bytes added up over whole documents, batches notwithstanding."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import EmptyCorpusError
from pipeline.models.ngram import NGram
from pipeline.sequences import Sequences, SequenceWriter
from pipeline.train import validation
from pipeline.train.validation import Validator
from tests.train.streams import VOCAB, write_stream


def test_bits_per_byte_add_up_document_by_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sequences = write_stream(tmp_path / "s")
    model = NGram.fit(sequences[:], sequences.document_starts, vocab_size=VOCAB, order=2)
    nats, tokens = 0.0, 0
    for row in range(sequences.documents.num_rows):
        ids = sequences.tokens(row).astype(np.int64)[None]
        nats -= float(model.loglikelihood(ids, np.array([ids.shape[1]])).sum())
        tokens += ids.shape[1] - 1
    monkeypatch.setattr(validation, "TOKENS_AT_ONCE", 100)
    found = Validator(sequences, max_tokens=10**9).measure(model)
    num_bytes = sum(sequences.documents["num_bytes"].to_pylist())
    assert found.nats_per_token == pytest.approx(nats / tokens)
    assert found.bits_per_byte == pytest.approx(nats / num_bytes / math.log(2))


def test_the_budget_takes_the_first_documents_and_at_least_one(tmp_path: Path) -> None:
    sequences = write_stream(tmp_path / "s")
    lengths = sequences.documents["length"].to_pylist()
    assert sorted(map(len, Validator(sequences, max_tokens=sum(lengths[:3])).documents)) == sorted(lengths[:3])
    assert len(Validator(sequences, max_tokens=1).documents) == 1


def test_nothing_to_predict_is_an_error(tmp_path: Path) -> None:
    with SequenceWriter(tmp_path / "s", vocab_size=VOCAB, tokenizer_sha256="0") as writer:
        writer.write(["a"], num_bytes=[0], tokens=np.array([0]), lengths=[1])
    with pytest.raises(EmptyCorpusError, match="no token to predict"):
        Validator(Sequences.open(tmp_path / "s"), max_tokens=100)
