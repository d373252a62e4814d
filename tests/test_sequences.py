from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ManifestError, MissingInputError, SchemaError, VocabularyError
from pipeline.schema import DROPPED
from pipeline.sequences import Sequences, SequenceWriter

DOCUMENTS = [[0, 5, 6], [0], [0, 7, 8, 9, 10], [0, 11], [0, 12, 13, 14]]
STREAM = [token for document in DOCUMENTS for token in document]


def write(path: Path, *, tokens_per_shard: int = 5, vocab_size: int = 100, at_once: int = 1) -> Path:
    with SequenceWriter(path, vocab_size=vocab_size, tokenizer_sha256="t", tokens_per_shard=tokens_per_shard) as writer:
        for first in range(0, len(DOCUMENTS), at_once):
            batch = DOCUMENTS[first : first + at_once]
            writer.write(
                [f"id{first + i}" for i in range(len(batch))],
                num_bytes=[10 * len(document) for document in batch],
                tokens=np.concatenate(batch),
                lengths=[len(document) for document in batch],
            )
    return path


@pytest.fixture(params=[1, 5, 1000], ids=["a shard per document", "three shards", "one shard"])
def split(request: pytest.FixtureRequest, tmp_path: Path) -> Sequences:
    return Sequences.open(write(tmp_path / "train", tokens_per_shard=request.param))


def test_documents_come_back_whole_and_in_order(split: Sequences) -> None:
    assert [split.tokens(row).tolist() for row in range(len(DOCUMENTS))] == DOCUMENTS
    assert split.documents["id"].to_pylist() == [f"id{i}" for i in range(5)]
    assert split.documents["num_bytes"].to_pylist() == [10 * len(d) for d in DOCUMENTS]
    assert split.document_starts.tolist() == [0, 3, 4, 9, 11]
    assert (split.num_tokens, len(split), split.vocab_size, split.tokenizer_sha256) == (15, 15, 100, "t")
    for row in split.documents.to_pylist():
        stored = np.load(split.path / row["shard"], allow_pickle=False)
        document = DOCUMENTS[int(row["id"][2:])]
        assert stored[row["offset"] : row["offset"] + row["length"]].tolist() == document


def test_the_stream_reads_like_an_array(split: Sequences) -> None:
    array = np.array(STREAM)
    for start in range(-16, 17):
        for stop in [*range(-16, 17), None]:
            assert split[start:stop].tolist() == array[start:stop].tolist()
            assert split[start:stop:2].tolist() == array[start:stop:2].tolist()
    assert split[::-1].tolist() == STREAM[::-1]
    assert [split[i] for i in range(-15, 15)] == STREAM * 2
    with pytest.raises(IndexError):
        split[15]


def test_windows_reach_across_shards(split: Sequences) -> None:
    starts = np.array([0, 2, 11, 3])
    assert split.windows(starts, 4).tolist() == [STREAM[s : s + 4] for s in starts]
    assert split.windows(np.array([], dtype=np.int64), 4).shape == (0, 4)
    for start in (-1, 12):
        with pytest.raises(IndexError, match="stream of 15"):
            split.windows(np.array([start]), 4)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(1, 5))
def test_the_stream_does_not_depend_on_how_it_was_cut(
    tmp_path_factory: pytest.TempPathFactory, per_shard: int, at_once: int
) -> None:
    split = Sequences.open(write(tmp_path_factory.mktemp("cut") / "s", tokens_per_shard=per_shard, at_once=at_once))
    assert split[:].tolist() == STREAM
    split.verify()


def test_small_vocabularies_take_two_bytes_and_large_ones_four(tmp_path: Path) -> None:
    assert Sequences.open(write(tmp_path / "small", vocab_size=1 << 16))[:].dtype == np.uint16
    assert Sequences.open(write(tmp_path / "large", vocab_size=(1 << 16) + 1))[:].dtype == np.uint32


def test_shards_are_mapped_not_read(tmp_path: Path) -> None:
    window = Sequences.open(write(tmp_path / "s", tokens_per_shard=1000))[3:9]
    assert isinstance(window, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        window[0] = 1


def test_the_same_documents_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one"), write(tmp_path / "two")
    assert {p.name: p.read_bytes() for p in one.iterdir()} == {p.name: p.read_bytes() for p in two.iterdir()}


def test_nothing_is_there_after_a_failure_and_the_old_split_stays(tmp_path: Path) -> None:
    path = write(tmp_path / "s")
    before = {p.name: p.read_bytes() for p in path.iterdir()}
    with (
        pytest.raises(VocabularyError, match="token 7 in a vocabulary of 5"),
        SequenceWriter(path, vocab_size=5, tokenizer_sha256="t") as writer,
    ):
        writer.write(["a"], num_bytes=[1], tokens=np.array([0, 7]), lengths=[2])
    assert {p.name: p.read_bytes() for p in path.iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


def test_documents_left_out_are_named(tmp_path: Path) -> None:
    row = {"id": "gone", "stage": "tokenize_docs", "rule": "weight", "score": 0.1, "low": 0.7, "num_bytes": 9, "meta": "{}"}
    with SequenceWriter(tmp_path / "s", vocab_size=5, tokenizer_sha256="t") as writer:
        writer.write(["a"], num_bytes=[1], tokens=np.array([0, 1]), lengths=[2])
        writer.leave_out(pa.Table.from_pylist([row], DROPPED))
    assert Sequences.open(tmp_path / "s").left_out()["id"].to_pylist() == ["gone"]
    assert Sequences.open(write(tmp_path / "t")).left_out().num_rows == 0


@pytest.mark.parametrize("name", ["part-00000.npy", "documents.parquet"])
def test_one_flipped_bit_is_found(tmp_path: Path, name: str) -> None:
    split = Sequences.open(write(tmp_path / "s"))
    split.verify()
    data = bytearray((tmp_path / "s" / name).read_bytes())
    data[-1] ^= 1
    (tmp_path / "s" / name).write_bytes(data)
    with pytest.raises(ManifestError, match=f"{name}: sha256 is .* index.json says"):
        split.verify()


def test_bad_splits_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"index.json: no such file; run tokenize_docs"):
        Sequences.open(tmp_path / "nowhere")
    path = write(tmp_path / "s")
    index = json.loads((path / "index.json").read_text())

    def expect(error: type[Exception], match: str, **changes: object) -> None:
        (path / "index.json").write_text(json.dumps(index | changes))
        with pytest.raises(error, match=match):
            Sequences.open(path)

    expect(SchemaError, "dtype", dtype="object")
    expect(SchemaError, "uint16", dtype="uint32")
    expect(SchemaError, "num_documents 6", num_documents=6)
    expect(MissingInputError, "part-9.npy: no such shard", shards={"part-9.npy": {"sha256": "", "num_tokens": 1}})
    (path / "index.json").write_text("{")
    with pytest.raises(SchemaError, match="not JSON"):
        Sequences.open(path)
    (path / "index.json").write_text("[]")
    with pytest.raises(SchemaError, match="keys missing"):
        Sequences.open(path)
    (path / "index.json").write_text(json.dumps(index))
    (path / "part-00000.npy").write_bytes(b"")
    with pytest.raises(SchemaError, match=r"not an \.npy file"):
        Sequences.open(path)


def test_a_pickled_shard_is_not_run(tmp_path: Path) -> None:
    path = write(tmp_path / "s", tokens_per_shard=1000)
    np.save(path / "part-00000.npy", np.array([{}] * 15, dtype=object), allow_pickle=True)
    with pytest.raises(SchemaError):
        Sequences.open(path)
