"""The graph that DVC reads from dvc.yaml, as the flow uses it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.dag import Graph, use_files
from pipeline.errors import MissingInputError, ParamsError, UsageError
from tests.flows.projects import Project

DVC_YAML = """
stages:
  fit:
    foreach: [a, b]
    do:
      cmd: cp clean.txt fit-${item}.txt && echo '{}' > fit-${item}.json
      deps: [clean.txt]
      outs: ["fit-${item}.txt"]
      metrics: [{"fit-${item}.json": {cache: false}}]
      meta: {prefect: {tags: [accelerator], retries: 2, timeout_seconds: 60}}
  clean:
    cmd: cp raw.txt clean.txt
    deps: [raw.txt]
    params: [clean.bound]
    outs: [clean.txt]
  other:
    cmd: touch other.txt
    outs: [other.txt]
"""


@pytest.fixture(scope="module")
def project(new_project: Callable[..., Project]) -> Project:
    project = new_project(DVC_YAML, "clean: {bound: 1}")
    project.write("raw.txt", "text")
    assert project.run("dvc", "repro", "clean", "other").returncode == 0
    return project


def test_stages_come_after_what_they_read(project: Project) -> None:
    stages = Graph(project.root).stages
    assert list(stages) == ["clean", "fit@a", "fit@b", "other"]
    assert stages["fit@a"].upstream == ("clean",)
    assert stages["clean"].upstream == ()


def test_names_do_not_depend_on_the_working_directory(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert list(Graph(project.root).stages) == ["clean", "fit@a", "fit@b", "other"]


def test_options_outputs_and_metrics_are_those_of_dvc_yaml(project: Project) -> None:
    fit = Graph(project.root).stages["fit@b"]
    assert fit.options.model_dump() == {"tags": ("accelerator",), "retries": 2, "timeout_seconds": 60}
    assert set(fit.outs) == {Path("fit-b.txt"), Path("fit-b.json")}
    assert fit.metrics == (Path("fit-b.json"),)


def test_changed_stages_say_why_and_others_nothing(project: Project) -> None:
    assert {name: stage.changed for name, stage in Graph(project.root).stages.items()} == {
        "clean": "",
        "fit@a": "not made yet",
        "fit@b": "not made yet",
        "other": "",
    }
    project.write("params.yaml", "clean: {bound: 2}")
    project.write("dvc.yaml", DVC_YAML.replace("touch other.txt", "touch  other.txt; true"))
    (project.root / "clean.txt").unlink()
    stages = Graph(project.root).stages
    assert stages["clean"].changed == "params.yaml clean.bound modified; clean.txt deleted"
    assert stages["other"].changed == "changed command"


def test_selection_takes_groups_and_what_the_targets_need(project: Project) -> None:
    graph = Graph(project.root)
    assert [stage.name for stage in graph.select(["fit"])] == ["clean", "fit@a", "fit@b"]
    assert [stage.name for stage in graph.select(["fit@b"])] == ["clean", "fit@b"]
    assert [stage.name for stage in graph.select([])] == list(graph.stages)
    with pytest.raises(UsageError, match=r"no stage 'fti' in dvc.yaml; there are clean, fit@a"):
        graph.select(["fti"])


def test_an_unknown_flow_option_is_named(new_project: Callable[..., Project]) -> None:
    project = new_project("stages: {one: {cmd: touch x, outs: [x], meta: {prefect: {retrys: 1}}}}")
    with pytest.raises(ParamsError, match=r"meta.prefect of one:\n  retrys = 1"):
        Graph(project.root)


@pytest.mark.parametrize("text", ["stages: {one: {outs: [x]}}", "stages: [", "stages: {one: {cmd: a, deps: [dvc.yaml]}}"])
def test_a_dvc_yaml_that_does_not_parse_is_named(new_project: Callable[..., Project], text: str) -> None:
    project = new_project(text)
    with pytest.raises(ParamsError, match=r"dvc\.yaml"):
        Graph(project.root)


def test_a_folder_without_dvc_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="no DVC project here"):
        Graph(tmp_path)


def test_own_files_are_set_in_params_and_comments_stay(new_project: Callable[..., Project]) -> None:
    text = "# The corpus.\ningest:\n  source: installed_docs  # or files\n  files:\n    path: data/raw  # a folder\n"
    project = new_project("stages: {}", text)
    use_files(project.root, "../texts")
    expected = text.replace("installed_docs", "files").replace("data/raw", "../texts")
    assert "".join((project.root / "params.yaml").read_text().split()) == "".join(expected.split())
