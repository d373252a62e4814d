from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import ValidationError

from pipeline.errors import EmptyCorpusError, MissingInputError, VocabularyError
from pipeline.params import parse
from pipeline.schema import DOCS
from pipeline.stages.train_tokenizer import TrainTokenizerParams, train_tokenizer
from pipeline.tables import ShardWriter

SETTINGS = {"vocab_size": 280, "split": "qwen2", "min_frequency": 2, "report_groups": 1}
PARAMS = TrainTokenizerParams.model_validate(SETTINGS)


def docs(path: Path, size: int = 30) -> Path:
    with ShardWriter(path, DOCS, bytes_per_shard=1000) as writer:
        for i in range(size):
            row = {"id": f"{i:032x}", "text": f"The cat and the dog sat on the mat, {i} times.", "source": "s", "locator": f"{i}"}
            row |= {"domain": "cats" if i % 3 else "dogs", "lang": "en" if i % 2 else None, "meta": "{}"}
            writer.write(pa.Table.from_pylist([row], DOCS))
    return path


def test_it_writes_a_vocabulary_of_the_size_asked_for_and_reports_its_fit(tmp_path: Path) -> None:
    out = tmp_path / "new" / "tokenizer.json"
    report = train_tokenizer(docs(tmp_path / "train"), out, params=PARAMS)
    assert len(json.loads(out.read_text())["model"]["vocab"]) == report["vocab_size"] == 280
    assert report["bytes_per_token"] == report["bytes"] / report["tokens"] > 1.5
    assert 1 <= report["tokens_per_word"] < 5
    assert {key for key in report if key.startswith(("tokens_per_word/domain", "tokens_per_word/lang"))} == {
        "tokens_per_word/domain/cats",  # the largest only, as params ask
        "tokens_per_word/lang/en",
    }
    assert report["tokens_per_term/gender/female"] > 1


def test_it_writes_the_same_bytes_twice(tmp_path: Path) -> None:
    train = docs(tmp_path / "train")
    reports = [train_tokenizer(train, tmp_path / name, params=PARAMS) for name in ("one", "two")]
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert list(reports[0].items()) == list(reports[1].items())


def test_a_corpus_that_cannot_be_used_is_refused_and_nothing_written(tmp_path: Path) -> None:
    out = tmp_path / "tokenizer.json"
    with pytest.raises(MissingInputError):
        train_tokenizer(tmp_path / "nowhere", out, params=PARAMS)
    with pytest.raises(EmptyCorpusError, match="no document"):
        train_tokenizer(docs(tmp_path / "empty", 0), out, params=PARAMS)
    with pytest.raises(VocabularyError, match=r"train_tokenizer\.vocab_size = 9999: this text allows"):
        train_tokenizer(docs(tmp_path / "train"), out, params=PARAMS.model_copy(update={"vocab_size": 9999}))
    assert not out.exists()


@pytest.mark.parametrize("change", [{"vocab_size": 258}, {"split": "gpt9"}, {"min_frequency": 0}, {"vocabsize": 300}])
def test_settings_out_of_bounds_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(change))):
        TrainTokenizerParams.model_validate(SETTINGS | change)


def test_the_default_parses() -> None:
    root = Path(__file__).parents[2]
    assert parse(root / "params.yaml", "train_tokenizer", TrainTokenizerParams).vocab_size > 258
