"""A bound can be changed without scanning the text again: shown by DVC itself, in a project of its own."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from pipeline.schema import DROPPED
from pipeline.tables import read_table
from tests.conftest import clone, shell

STORY = "It was late, and the man of the house had to be quick: with bread, and with a cup that he took to the old door."


def test_a_new_bound_reruns_the_filter_and_not_the_scan(tmp_path: Path) -> None:
    root = clone(tmp_path)
    texts = [f"{STORY} Number {number}." for number in range(8)] + ["Too short a text, and that is all of it."]
    (root / "data/raw/texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    params = yaml.safe_load((root / "params.yaml").read_text())
    params["ingest"]["source"] = "files"
    params["filter_docs"]["bounds"] = {"num_words": {"low": 5}}
    (root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    first = shell("dvc repro filter_docs", root)
    assert "Running stage 'score_docs'" in first
    ledger = yaml.safe_load((root / "dvc.lock").read_text())["stages"]["score_docs"]
    params["filter_docs"]["bounds"] = {"num_words": {"low": 20}}
    (root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    second = shell("dvc repro filter_docs", root)
    assert "Running stage 'filter_docs'" in second
    assert "Running stage 'score_docs'" not in second
    assert "'score_docs' didn't change, skipping" in second
    assert yaml.safe_load((root / "dvc.lock").read_text())["stages"]["score_docs"] == ledger
    (row,) = read_table(root / "data/filter_docs/dropped", DROPPED).to_pylist()
    assert (row["rule"], row["score"], row["low"], row["high"]) == ("num_words", 10, 20, None)
