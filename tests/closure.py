"""``python tests/closure.py`` writes the first-party modules that each stage imports into dvc.yaml."""

from __future__ import annotations

import sys

from ruamel.yaml import YAML

from pipeline import code

ROOT = code.ROOT


def closure(stage: str) -> list[str]:
    """Paths of the modules and templates that ``pipeline/stages/<stage>.py`` needs, without plumbing; sorted."""
    return [code.relative(path) for path in code.closure(ROOT / "pipeline" / "stages" / f"{stage}.py")]


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
