"""A document's way through the stages, for each way it can end."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml

from pipeline.__main__ import main as command_line
from pipeline.errors import MissingInputError, UnknownDocumentError
from pipeline.explain import main
from pipeline.filters import FILTERS, SCORES
from pipeline.schema import CUTS, DOCS, SEQUENCES
from pipeline.tables import read_table, write_table
from tests.reporting.finished_run import finished_run, identifier


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("explain") / "run", total=240)


def explained(root: Path, capsys: pytest.CaptureFixture[str], wanted: str, *options: str) -> str:
    main([wanted, "--dvc", str(root / "dvc.yaml"), *options])
    return capsys.readouterr().out


def kept(root: Path, split: str, row: int = -1) -> str:
    ids: list[str] = read_table(root / "data/split_docs" / split, DOCS, ["id"])["id"].to_pylist()
    return ids[row]


def test_a_kept_document_is_followed_to_the_models(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = kept(root, "train")
    said = explained(root, capsys, wanted)
    documents = read_table(root / "data/tokenize_docs/train/documents.parquet", SEQUENCES)
    row = documents.filter(pc.equal(documents["id"], wanted)).to_pylist()[0]
    assert wanted in said
    assert "split_docs     in train" in said
    assert f"train/part-00000.npy, tokens {row['offset']:,} to {row['offset'] + row['length'] - 1:,}" in said
    assert "weight 1.0" in said or "weight 1.5" in said or "weight 0.5" in said
    assert "pretrain@gpt: trained on it" in said
    assert "pretrain@ngram: trained on it" in said


def test_every_score_stands_beside_its_bound(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = kept(root, "train")
    said = explained(root, capsys, wanted).splitlines()
    ledger = read_table(root / "data/score_docs/scores", SCORES)
    row = ledger.filter(pc.equal(ledger["id"], wanted)).to_pylist()[0]
    bounds = yaml.safe_load((root / "params.yaml").read_text())["filter_docs"]["bounds"]
    for name in FILTERS:
        lines = [line for line in said if line.split()[:1] == [name]]
        assert len(lines) == (row[name] is not None)
        for line in lines:
            limit = {"low": -math.inf, "high": math.inf, **bounds.get(name, {})}
            assert line.endswith("missed") != (limit["low"] <= row[name] <= limit["high"])
    assert any("no score by" in line and "bits_per_byte" in line for line in said)


def test_what_a_document_was_kept_in_place_of_is_said(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"kept in place of {identifier(8 + 2 + 102 + 1)} (exact" in explained(root, capsys, identifier(240))


def test_a_model_made_from_one_that_was_trained_on_it_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = explained(root, capsys, kept(root, "train"))
    assert "compress: made from a model trained on it" in said
    assert "finetune@classification: made from a model trained on it" in said


def test_a_held_out_document_is_said_to_be_that(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = explained(root, capsys, kept(root, "test"))
    assert "in test" in said
    assert "held out" in said
    assert "trained on it" not in said


def test_a_changed_and_dropped_document(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = explained(root, capsys, identifier(12))
    assert "clean          kept, changed by -19 bytes" in said
    assert "-Return the indices of the bins to which each value belongs. See also histogram." in said
    assert "filter_docs    dropped by gopher_repetition/dup_line_char_frac: score 0.300, kept if ≤ 0.2" in said
    assert "dedup_docs" not in said


def test_a_long_difference_is_cut_and_says_so(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = explained(root, capsys, identifier(12), "--lines", "1")
    assert "more lines" in said
    assert "See also" not in said


def test_a_duplicate_names_the_document_that_was_kept(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = explained(root, capsys, identifier(8 + 2 + 102 + 1))
    assert "dedup_docs     dropped by exact" in said
    assert f"a duplicate of {identifier(240)}  pkg/module_239.py" in said


def test_an_unreadable_input_says_why(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "ingest         dropped by unreadable" in explained(root, capsys, identifier(1))


def test_the_start_of_an_id_or_part_of_a_locator_will_do(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert identifier(200) in explained(root, capsys, identifier(200)[:24])
    assert identifier(200) in explained(root, capsys, "module_199.py")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("nothing-like-it", "no document 'nothing-like-it'"),
        ("module_19", "means 11 documents"),
        ("000000000000", "give more of the id"),
    ],
)
def test_what_names_no_single_document(root: Path, wanted: str, words: str) -> None:
    with pytest.raises(UnknownDocumentError, match=words):
        main([wanted, "--dvc", str(root / "dvc.yaml")])


def test_a_stage_that_has_not_run_yet_is_named(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = shutil.copytree(root, tmp_path / "run")
    wanted = kept(copy, "train")
    shutil.rmtree(copy / "data/pretrain")
    assert "models         none was trained on it yet" in explained(copy, capsys, wanted)
    shutil.rmtree(copy / "data/tokenize_docs/train")
    assert "tokenize_docs  has not run yet" in explained(copy, capsys, wanted)
    shutil.rmtree(copy / "data/split_docs/test")
    assert "split_docs     has not run yet" in explained(copy, capsys, wanted)
    shutil.rmtree(copy / "data/balance/docs")
    assert "balance        has not run yet" in explained(copy, capsys, wanted)
    shutil.rmtree(copy / "data")
    with pytest.raises(MissingInputError, match="no stage has written documents yet"):
        main([wanted, "--dvc", str(copy / "dvc.yaml")])


def test_tables_of_two_runs_are_not_believed(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = shutil.copytree(root, tmp_path / "run")
    wanted = kept(copy, "train")
    table = read_table(copy / "data/filter_docs/docs", DOCS)
    others = table.filter(pc.not_equal(table["id"], wanted))
    shutil.rmtree(copy / "data/filter_docs/docs")
    (copy / "data/filter_docs/docs").mkdir()
    pa.parquet.write_table(others, copy / "data/filter_docs/docs/part-00000.parquet")
    assert "filter_docs    neither kept nor dropped" in explained(copy, capsys, wanted)


def test_the_command_line_prints_an_error_and_no_traceback(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line(["explain", "nothing-like-it", "--dvc", str(root / "dvc.yaml")]) == 1
    assert capsys.readouterr().err.startswith("error: no document 'nothing-like-it'")
    assert json.dumps("") not in capsys.readouterr().out


def test_what_was_cut_from_a_document_is_said(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = kept(root, "train")
    row = {
        "id": wanted,
        "stage": "dedup_passages",
        "rule": "paragraph",
        "start": 5,
        "end": 1205,
        "first": "f" * 32,
        "documents": 7,
    }
    folder = root / "data/dedup_passages/cuts"
    write_table(pa.Table.from_pylist([{**row, "meta": '{"a": 1}'}], CUTS), folder / "part-00000.parquet")
    said = explained(root, capsys, wanted)
    assert f"cut as paragraph: bytes 5 to 1,204, which 7 documents held; kept in {'f' * 32}" in said
    assert "a: 1" in said
    shutil.rmtree(folder)
