"""Which first-party modules a stage imports, directly or not; ``python tests/closure.py`` writes them into dvc.yaml."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
# Changing one of these changes no output, so it must not retrain a model.
PLUMBING = {"pipeline/__main__.py", "pipeline/errors.py", "pipeline/progress.py", "pipeline/runtime.py"}


def closure(stage: str) -> list[str]:
    """Paths of the modules and templates that ``pipeline/stages/<stage>.py`` needs, itself included, without PLUMBING; sorted."""
    waiting, seen = [f"pipeline.stages.{stage}"], set()
    while waiting:
        name = waiting.pop()
        path = _path(name)
        if path is None or path in seen:
            continue
        seen.add(path)
        waiting += [".".join(name.split(".")[:n]) for n in range(1, name.count(".") + 1)]
        waiting += _imports(path)
    modules = {path for path in seen if _relative(path) not in PLUMBING and not _is_bare(path)}
    templates = {template for path in modules for template in path.parent.glob("templates/*")}
    return sorted(_relative(path) for path in modules | templates)


def _path(name: str) -> Path | None:
    base = ROOT.joinpath(*name.split("."))
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _is_bare(path: Path) -> bool:
    return path.name == "__init__.py" and len(ast.parse(path.read_text()).body) <= 1


def _imports(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.split(".")[0] == "pipeline"]


def write() -> None:
    """Replace the code dependencies of every stage in dvc.yaml, after its data dependencies."""
    yaml = YAML()
    yaml.width, yaml.preserve_quotes = 140, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    path = ROOT / "dvc.yaml"
    document = yaml.load(path)
    for name, entry in document["stages"].items():
        stage = entry.get("do", entry)
        data = [d for d in stage["deps"] if not d.startswith("pipeline/")]
        stage["deps"][:] = [*data, *closure(name)]
    yaml.dump(document, path)


if __name__ == "__main__":
    sys.exit(write())
