"""One name, four places: module, function, DVC stage, params section; and dvc.yaml declares all that a stage reads and runs."""

from __future__ import annotations

import ast
import inspect
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.__main__ import ORDER, load_stage
from pipeline.params import parse
from pipeline.preset import main as preset
from tests.closure import ROOT, closure

DOCUMENT = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
KEYS = ["cmd", "deps", "params", "outs", "metrics", "plots", "meta"]


def expand() -> dict[str, dict[str, Any]]:
    """Every stage by its DVC name with ``foreach`` and the few interpolations written out."""
    stages = {}
    for name, entry in DOCUMENT.items():
        for key in PARAMS[name] if "foreach" in entry else [None]:
            text = yaml.safe_dump(entry.get("do", entry), sort_keys=False)
            text = text.replace("${ingest.files.path}", PARAMS["ingest"]["files"]["path"])
            stages[name if key is None else f"{name}@{key}"] = yaml.safe_load(text.replace("${key}", str(key)))
    return stages


STAGES = expand()


def paths(entries: list[Any]) -> list[str]:
    return [next(iter(e)) if isinstance(e, dict) else e for e in entries]


def test_stages_modules_and_params_have_the_same_names_in_the_same_order() -> None:
    modules = {p.stem for p in (ROOT / "pipeline" / "stages").glob("*.py")} - {"__init__"}
    assert list(DOCUMENT) == ORDER == list(PARAMS)
    assert modules == set(ORDER)


@pytest.mark.parametrize("name", STAGES)
def test_the_params_section_parses(name: str) -> None:
    _, signature = load_stage(name.partition("@")[0])
    parse(ROOT / "params.yaml", name.replace("@", "."), signature.parameters["params"].annotation)
    assert STAGES[name]["params"] == [name.replace("@", ".")]


@pytest.mark.parametrize("name", STAGES)
def test_the_command_names_exactly_the_declared_paths_inputs_first(name: str) -> None:
    stage = STAGES[name]
    words = shlex.split(stage["cmd"])
    assert words[:4] == ["python", "-m", "pipeline", name]
    data = [d for d in stage["deps"] if not d.startswith("pipeline/")]
    outputs = paths(stage["outs"]) + paths(stage.get("plots", []))
    if name == "report":  # it draws the graph, but DVC refuses its own file as a dependency
        data = ["dvc.yaml", *data]
    assert words[4:] == [*data, *outputs, "--report", *paths(stage["metrics"])]


@pytest.mark.parametrize("name", STAGES)
def test_the_function_takes_one_path_per_declared_path(name: str) -> None:
    function, signature = load_stage(name.partition("@")[0])
    words = shlex.split(STAGES[name]["cmd"])
    positional = [p for p in signature.parameters.values() if p.name != "params"]
    assert all(p.annotation is Path for p in positional)
    assert len(positional) == len(words) - 6, f"{name}: {[p.name for p in positional]} against {words[4:-2]}"
    assert signature.parameters["params"].kind is inspect.Parameter.KEYWORD_ONLY
    assert function.__doc__, f"{name}: `python -m pipeline --help` shows the docstring"


@pytest.mark.parametrize("name", ORDER)
def test_deps_cover_every_module_that_the_stage_imports(name: str) -> None:
    entry = DOCUMENT[name]
    code = [d for d in entry.get("do", entry)["deps"] if d.startswith("pipeline/")]
    assert code == closure(name), "run `make deps`"


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_has_the_same_keys_in_the_same_order(name: str) -> None:
    keys = list(STAGES[name])
    assert keys == [k for k in KEYS if k in keys]
    assert {"cmd", "deps", "params", "outs", "metrics"} <= set(keys)


@pytest.mark.parametrize("name", STAGES)
def test_no_output_persists(name: str) -> None:
    """``persist: true`` lets a stage find its old output and DVC record it as the new result (docs/architecture.md)."""
    assert "persist" not in yaml.safe_dump(STAGES[name])


def test_decontaminate_sees_every_evaluation_file_that_evaluate_sees() -> None:
    raw = {d for d in STAGES["evaluate"]["deps"] if not any(d == o or o.startswith(f"{d}/") for o in all_outputs())}
    assert {d for d in raw if not d.startswith("pipeline/")} <= set(STAGES["decontaminate"]["deps"])


def all_outputs() -> set[str]:
    return {path for stage in STAGES.values() for path in paths(stage["outs"])}


@pytest.mark.parametrize("path", sorted((ROOT / "conf").glob("*.yaml")), ids=lambda p: p.stem)
def test_params_with_any_preset_parse(path: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    preset(["--params", str(tmp_path / "params.yaml"), "--folder", str(path.parent), "--apply", path.stem])
    assert list(yaml.safe_load((tmp_path / "params.yaml").read_text())) == list(PARAMS)
    for section in STAGES:
        _, signature = load_stage(section.partition("@")[0])
        parse(tmp_path / "params.yaml", section.replace("@", "."), signature.parameters["params"].annotation)


def test_no_path_of_data_stands_in_the_code() -> None:
    for path in (ROOT / "pipeline").rglob("*.py"):
        strings = [n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant)]
        assert not [s for s in strings if isinstance(s, str) and s.startswith("data/")], path
