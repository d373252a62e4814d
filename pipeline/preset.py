"""``python -m pipeline preset NAME...``: what a preset changes in params.yaml; with ``--apply``, change it.

A preset is a file of the folder conf: the part of a params file that it sets. Mappings are merged key by key, all else replaces
what was there, and so do the mappings of REPLACED, which are whole answers. Several presets apply in the order given.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.errors import MissingInputError, ParamsError, UsageError

REPLACED = ("bounds", "mixture")  # a filter's bounds, a domain's share: what is not named is not wanted
Change = tuple[str, Any, Any]
ABSENT = object()


def main(argv: Sequence[str]) -> None:
    """Print or apply presets. Raises UsageError, MissingInputError, ParamsError."""
    parser = argparse.ArgumentParser(prog="python -m pipeline preset", description="named changes of params.yaml")
    parser.add_argument("names", metavar="NAME", nargs="*", help="presets, applied in this order; none lists them")
    parser.add_argument("--apply", action="store_true", help="write the params file, its comments kept")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="default: params.yaml")
    parser.add_argument("--folder", type=Path, default=Path("conf"), help="where presets lie (default: conf)")
    arguments = parser.parse_args(argv)
    console = Console(highlight=False, soft_wrap=True)
    if not arguments.names:
        for path in presets(arguments.folder):
            console.print(f"{path.stem:16} {summary(path)}", markup=False)
        return
    params = read(arguments.params)
    changes = [
        change for name in arguments.names for change in merge(params, read_preset(arguments.folder, name), arguments.params)
    ]
    for key, old, new in changes:
        console.print(Text(f"{key}: ") + Text(_shown(old), "red") + Text(" → ") + Text(_shown(new), "green"))
    if arguments.apply:
        write(params, arguments.params)
    console.print(f"{len(changes)} changes {'written to' if arguments.apply else 'for'} {arguments.params}", markup=False)


def presets(folder: Path) -> list[Path]:
    """The files of presets by name. Raises MissingInputError when there is none."""
    found = sorted(folder.glob("*.yaml"))
    if not found:
        raise MissingInputError(f"{folder}: no preset here; run from the folder that holds it, or name it by --folder")
    return found


def read_preset(folder: Path, name: str) -> Any:
    """A preset by name. Raises UsageError for an unknown one."""
    names = {path.stem: path for path in presets(folder)}
    if name not in names:
        raise UsageError(f"no preset {name!r} in {folder}; there are {', '.join(names)}")
    return read(names[name])


def summary(path: Path) -> str:
    """The first comment of a preset."""
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    return first.lstrip("# ") if first.startswith("#") else ""


def merge(params: Any, preset: Any, path: Path, *, within: str = "") -> Iterator[Change]:
    """Change ``params`` in place and yield what changed: dotted key, old value, new value. Raises ParamsError."""
    for key, new in preset.items():
        dotted = f"{within}{key}"
        if not within and key not in params:
            raise ParamsError(f"{path}: no section {key!r}, which a preset sets; update the preset")
        old = params.get(key, ABSENT)
        if isinstance(new, dict) and isinstance(old, dict) and key not in REPLACED:
            yield from merge(old, new, path, within=f"{dotted}.")
        elif old != new:
            params[key] = new
            yield from _differences(dotted, old, new)


def _differences(key: str, old: Any, new: Any) -> Iterator[Change]:
    """One change for each value below a mapping that was replaced."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        yield key, old, new
        return
    for name in [*old, *(name for name in new if name not in old)]:
        before, after = old.get(name, ABSENT), new.get(name, ABSENT)
        if before != after:
            yield f"{key}.{name}", before, after


def read(path: Path) -> Any:
    """A YAML file with its comments. Raises MissingInputError, ParamsError."""
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file; run from the folder that holds it, or name it")
    try:
        value = _yaml().load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(value, dict):
        raise ParamsError(f"{path}: holds {type(value).__name__}, not a mapping of sections")
    return value


def write(params: Any, path: Path) -> None:
    """Write a params file atomically, comments kept."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        _yaml().dump(params, file)
    temporary.replace(path)


def _yaml() -> YAML:
    """A round trip that leaves what it does not change as it was."""
    yaml = YAML()
    yaml.width, yaml.preserve_quotes = 160, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(type(None), lambda r, _: r.represent_scalar("tag:yaml.org,2002:null", "null"))
    return yaml


def _shown(value: Any) -> str:
    if value is ABSENT:
        return "–"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(part)}" for key, part in value.items()) + "}"
    return "null" if value is None else str(value)
