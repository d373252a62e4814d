from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tokenizers import Tokenizer

from pipeline.errors import EmptyCorpusError, SchemaError, VocabularyError
from pipeline.schema import DOCS, WEIGHTS
from pipeline.sequences import Sequences
from pipeline.stages.tokenize_docs import TokenizeDocsParams, tokenize_docs
from pipeline.tables import ShardWriter, write_table
from pipeline.tokenizer.train import train_bpe

PARAMS = TokenizeDocsParams(seed=1)
SIZES = {"train": 60, "validation": 5, "test": 4}


def text(name: str, i: int) -> str:
    return f"{name} document {i} of a <|endoftext|> café. " * (1 + i % 4)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    for name, size in SIZES.items():
        with ShardWriter(tmp_path / name, DOCS, bytes_per_shard=2000) as writer:
            for i in range(size):
                row = {"id": f"{name}{i}", "text": text(name, i), "source": "s", "locator": f"{i}", "domain": "d", "meta": "{}"}
                writer.write(pa.Table.from_pylist([row], DOCS))
    texts = [text(name, i) for name, size in SIZES.items() for i in range(size)]
    (tmp_path / "tokenizer.json").write_text(train_bpe([texts], vocab_size=290, split="qwen2", min_frequency=2))
    weigh(tmp_path, lambda _: 1.0)
    return tmp_path


def weigh(root: Path, weight: object) -> None:
    ids = [f"{name}{i}" for name, size in SIZES.items() for i in range(size)][::-1]
    write_table(pa.table({"id": ids, "weight": [weight(i) for i in ids]}, schema=WEIGHTS), root / "weights.parquet")  # type: ignore[operator]


def run(root: Path, out: str = "out", params: TokenizeDocsParams = PARAMS) -> tuple[dict[str, float], dict[str, Sequences]]:
    names = ("train", "validation", "test")
    inputs = [*(root / name for name in names), root / "weights.parquet", root / "tokenizer.json"]
    report = tokenize_docs(*inputs, *(root / out / name for name in names), params=params)
    return report, {name: Sequences.open(root / out / name) for name in names}


def test_every_document_decodes_to_its_text(made: Path) -> None:
    report, splits = run(made)
    tokenizer = Tokenizer.from_file(str(made / "tokenizer.json"))
    for name, split in splits.items():
        split.verify()
        assert sorted(split.documents["id"].to_pylist()) == sorted(f"{name}{i}" for i in range(SIZES[name]))
        for row, document in enumerate(split.documents.to_pylist()):
            first, *ids = split.tokens(row).tolist()
            expected = text(name, int(document["id"].removeprefix(name)))
            assert (first, 0 in ids) == (0, False)
            assert tokenizer.decode(ids, skip_special_tokens=False) == expected
            assert document["num_bytes"] == len(expected.encode())
        assert report[f"{name}/tokens"] == split.num_tokens
        assert report[f"{name}/documents"] == SIZES[name]
        assert report[f"{name}/bytes_per_token"] == pytest.approx(report[f"{name}/bytes"] / (split.num_tokens - SIZES[name]))
    assert (report["train/documents_left_out"], report["train/copies_added"]) == (0, 0)


def test_only_the_training_documents_are_shuffled(made: Path) -> None:
    _, splits = run(made)
    numbers = [int(i.removeprefix("train")) for i in splits["train"].documents["id"].to_pylist()]
    assert abs(np.corrcoef(numbers, range(60))[0, 1]) < 0.4
    assert splits["test"].documents["id"].to_pylist() == [f"test{i}" for i in range(4)]
    _, other = run(made, "other", TokenizeDocsParams(seed=2))
    assert other["train"].documents["id"].to_pylist() != splits["train"].documents["id"].to_pylist()
    assert other["test"][:].tolist() == splits["test"][:].tolist()


def test_weights_repeat_and_leave_out_training_documents_alone(made: Path) -> None:
    weigh(made, lambda i: {"0": 0.0, "5": 3.0}.get(i[-1], 1.4))
    report, splits = run(made)
    ids = splits["train"].documents["id"].to_pylist()
    count = {f"train{i}": ids.count(f"train{i}") for i in range(60)}
    assert {count[f"train{i}"] for i in range(5, 60, 10)} == {3}
    assert {count[f"train{i}"] for i in range(0, 60, 10)} == {0}
    assert {count[f"train{i}"] for i in range(60) if i % 5} == {1, 2}
    left_out = splits["train"].left_out().to_pylist()
    assert [row["id"] for row in left_out] == [f"train{i}" for i in range(0, 60, 10)]
    assert all(row["rule"] == "weight" and row["score"] == 0.0 < row["low"] <= 1 for row in left_out)
    assert report["train/documents_left_out"] == 6
    assert report["train/documents"] == 60 - 6 + report["train/copies_added"] == len(ids)
    assert [splits[name].documents.num_rows for name in ("validation", "test")] == [5, 4]
    weigh(made, lambda _: 1.0)
    plain, _ = run(made, "plain")
    lengths = {row["id"]: row["length"] for row in Sequences.open(made / "plain" / "train").documents.to_pylist()}
    assert report["train/tokens_left_out"] == sum(lengths[f"train{i}"] for i in range(0, 60, 10))
    assert report["train/tokens"] == sum(lengths[i] for i in ids)
    assert plain["validation/tokens"] == report["validation/tokens"]


def test_it_writes_the_same_bytes_twice_and_leaves_nothing_else(made: Path) -> None:
    weigh(made, lambda i: 0.5 + len(i) % 3)
    for out in ("one", "two"):
        run(made, out)
    files = {
        out: {p.relative_to(made / out).as_posix(): p.read_bytes() for p in (made / out).rglob("*.*")} for out in ("one", "two")
    }
    assert files["one"] == files["two"]
    assert sorted(p.name for p in (made / "one").iterdir()) == ["test", "train", "validation"]


def test_what_cannot_be_used_is_refused(made: Path) -> None:
    weigh(made, lambda i: -1.0 if i == "train7" else 1.0)
    with pytest.raises(SchemaError, match=r"document train7 has weight -1.0"):
        run(made)
    weigh(made, lambda i: float("nan") if i == "train8" else 1.0)
    with pytest.raises(SchemaError, match=r"document train8 has weight nan"):
        run(made)
    write_table(pa.table({"id": ["x"], "weight": [1.0]}, schema=WEIGHTS), made / "weights.parquet")
    with pytest.raises(SchemaError, match=r"document train0 has weight None"):
        run(made)
    weigh(made, lambda _: 0.0)
    with pytest.raises(EmptyCorpusError, match="no token in 0 documents"):
        run(made)
    (made / "tokenizer.json").write_text(
        Tokenizer.from_file(str(made / "tokenizer.json")).to_str().replace("<|endoftext|>", "<|x|>")
    )
    with pytest.raises(VocabularyError, match="endoftext"):
        run(made)
    assert {p.name for p in (made / "out").iterdir()} <= {"train", "validation", "test"}
