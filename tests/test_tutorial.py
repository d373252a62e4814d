"""docs/tutorial.md is run, block by block, in a fresh clone; what it says is printed must be printed."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, clone, shell

BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which every command of the tutorial has run."""
    folder = clone(tmp_path_factory.mktemp("tutorial"))
    output = ""
    for kind, text in BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")):
        if kind == "sh":
            output = shell(text, folder)
            continue
        for line in filter(None, text.splitlines()):
            # "…" stands for what differs from machine to machine
            pattern = ".*".join(re.escape(part.strip()) for part in line.split("…"))
            assert re.search(pattern, output), f"the tutorial promises {line!r}, the command printed:\n{output[-3000:]}"
    return folder


def test_every_stage_ran(tutorial: Path) -> None:
    lock = yaml.safe_load((tutorial / "dvc.lock").read_text())
    assert {name.partition("@")[0] for name in lock["stages"]} == set(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])


def test_nothing_is_left_to_do(tutorial: Path) -> None:
    assert "Data and pipelines are up to date" in shell("dvc status", tutorial)
    before = (tutorial / "dvc.lock").read_bytes()
    assert "Running stage" not in shell("dvc repro", tutorial)
    assert (tutorial / "dvc.lock").read_bytes() == before


def test_a_second_clone_gives_the_same_lock(tutorial: Path, tmp_path: Path) -> None:
    twin = clone(tmp_path)
    for name in ("params.yaml", "data/raw/stdlib.jsonl"):
        (twin / name).write_bytes((tutorial / name).read_bytes())
    shell("dvc repro", twin)
    assert (twin / "dvc.lock").read_bytes() == (tutorial / "dvc.lock").read_bytes()


def test_documents_are_conserved_from_stage_to_stage(tutorial: Path) -> None:
    report = {name: json.loads((tutorial / "data" / name / "report.json").read_text()) for name in CHAIN}
    for earlier, later in pairwise(CHAIN):
        assert report[later]["docs_in"] == report[earlier]["docs_out"], (earlier, later)


CHAIN = ["ingest", "clean", "filter_docs", "dedup_docs", "dedup_passages", "decontaminate"]
