"""Presets: what they change is said, and written with every comment that stays true."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipeline.errors import MissingInputError, ParamsError, UsageError
from pipeline.preset import main

PARAMS = """\
# Everything.
ingest:
  source: docs  # where from
  path: null  # none
filter_docs:
  # why
  bounds:
    num_words: {low: 5}  # few
    toxicity: {high: 0.1}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "params.yaml").write_text(PARAMS)
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "strict.yaml").write_text(
        "# The strict rules.\nfilter_docs:\n  bounds:\n    num_words: {low: 50}  # many\n    alpha: {low: 0.8}\n"
    )
    (tmp_path / "conf" / "files.yaml").write_text("# Files.\ningest: {source: files}\n")
    return tmp_path


def run(project: Path, *arguments: str) -> None:
    main([*arguments, "--params", str(project / "params.yaml"), "--folder", str(project / "conf")])


def test_changes_are_said_and_nothing_is_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(project, "strict")
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == [
        "filter_docs.bounds.num_words: {low: 5} → {low: 50}",
        "filter_docs.bounds.toxicity: {high: 0.1} → –",
        "filter_docs.bounds.alpha: – → {low: 0.8}",
    ]
    assert said[3].startswith("3 changes for")
    assert (project / "params.yaml").read_text() == PARAMS


def test_several_apply_in_order_and_comments_stay(project: Path) -> None:
    run(project, "strict", "files", "--apply")
    text = (project / "params.yaml").read_text()
    assert yaml.safe_load(text) == {
        "ingest": {"source": "files", "path": None},
        "filter_docs": {"bounds": {"num_words": {"low": 50}, "alpha": {"low": 0.8}}},
    }
    for words in ("# Everything.", "source: files # where from", "path: null  # none", "# why", "# many"):
        assert words.replace(" ", "") in text.replace(" ", "")


def test_a_preset_applied_twice_changes_nothing_more(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(project, "strict", "--apply")
    text = (project / "params.yaml").read_text()
    capsys.readouterr()
    run(project, "strict", "--apply")
    assert capsys.readouterr().out.startswith("0 changes")
    assert (project / "params.yaml").read_text() == text


def test_presets_are_listed_with_their_first_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(project)
    assert [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()] == [
        ["files", "Files."],
        ["strict", "The strict rules."],
    ]


def test_what_cannot_be_applied_is_an_error(project: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no preset 'lax'.*files, strict"):
        run(project, "lax")
    (project / "conf" / "old.yaml").write_text("filter: {a: 1}\n")
    with pytest.raises(ParamsError, match="no section 'filter'"):
        run(project, "old")
    (project / "conf" / "bad.yaml").write_text("a: [\n")
    with pytest.raises(ParamsError, match=r"bad\.yaml: not valid YAML"):
        run(project, "bad")
    with pytest.raises(MissingInputError, match="no preset here"):
        main(["--folder", str(tmp_path / "absent")])
