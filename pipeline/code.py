"""Which code a function depends on: the hash that tells whether a remembered result is still what it would compute."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib.metadata
import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

ROOT = Path(__file__).resolve().parent.parent
# Changing one of these changes no output, so it must not retrain a model.
PLUMBING = {"pipeline/__main__.py", "pipeline/errors.py", "pipeline/progress.py", "pipeline/runtime.py"}


def closure(path: Path) -> list[Path]:
    """The first-party files that the module ``path`` needs, itself included, without PLUMBING; sorted.

    Imports are followed also where they stand in a function. A file beside a module that is no Python (a template, a word
    list in ``templates`` or ``data``) counts as part of it; a package file that holds no more than a docstring does not.
    """
    waiting, seen = [path.resolve()], set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        for name in _imports(module):
            parents = (".".join(name.split(".")[:n]) for n in range(1, name.count(".") + 2))
            waiting += [found for parent in parents if (found := _path(parent)) is not None]
    modules = {module for module in seen if relative(module) not in PLUMBING and not _is_bare(module)}
    data = {file for module in modules for folder in ("templates", "data") for file in module.parent.glob(f"{folder}/*")}
    return sorted(modules | {file for file in data if file.is_file()})


def relative(path: Path) -> str:
    """The path below the repository root; of a file outside of it, its name."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


@cache
def _path(name: str) -> Path | None:
    base = ROOT.joinpath(*name.split("."))
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _is_bare(path: Path) -> bool:
    return path.name == "__init__.py" and len(_tree(path).body) <= 1


@cache
def _imports(path: Path) -> list[str]:
    names = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.split(".")[0] == "pipeline"]


def fingerprint(function: Callable[..., Any]) -> str:
    """Hex digits that change with the function's name, its bound arguments, any code it depends on, or any installed version.

    ``function`` is a module-level function or a ``functools.partial`` of one whose arguments are plain values, Arrow or numpy
    arrays, or dataclasses and pydantic models of such. Raises TypeError for anything else.
    """
    bound: list[Any] = []
    while isinstance(function, partial):
        bound += [function.args, function.keywords]
        function = function.func
    if getattr(function, "__closure__", None) or "<lambda>" in function.__qualname__:
        raise TypeError(f"{function.__qualname__} is no module-level function, so that what it depends on cannot be told")
    digest = hashlib.sha256(f"{sys.version}\n{function.__module__}.{function.__qualname__}\n".encode())
    source = Path(inspect.getfile(function)).resolve()
    for file in closure(source):
        digest.update(relative(file).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    digest.update(_installed())
    for piece in _pieces(bound):
        digest.update(len(piece).to_bytes(8, "little") + piece)
    return digest.hexdigest()


@cache
def _installed() -> bytes:
    """Names and versions of all installed packages, from the names of their folders alone."""
    folders = {Path(d._path).name for d in importlib.metadata.distributions()}  # type: ignore[attr-defined]
    return "\n".join(sorted(folders)).encode()


def _pieces(value: Any) -> Iterator[bytes]:
    """The value as byte strings, one value's never another's."""
    yield type(value).__name__.encode()
    if value is None or isinstance(value, (bool, int, float, str)):
        yield json.dumps(value).encode()
    elif isinstance(value, bytes):
        yield value
    elif isinstance(value, (set, frozenset)):
        yield from sorted(b"\0".join(_pieces(part)) for part in value)
    elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
        yield from (f"{value.dtype.str}{value.shape}".encode(), np.ascontiguousarray(value).tobytes())
    elif isinstance(value, partial) or inspect.isfunction(value):
        yield fingerprint(value).encode()
    else:
        parts = _parts(value)
        yield b"%d" % len(parts)
        for part in parts:
            yield from _pieces(part)


def _parts(value: Any) -> list[Any]:
    """What a value that holds others holds. Raises TypeError for one that is not known."""
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, Mapping):
        return [part for item in value.items() for part in item]
    if isinstance(value, BaseModel):
        return _parts(value.model_dump())
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, (pa.Array, pa.ChunkedArray, pa.Table)):
        return [str(value.type if hasattr(value, "type") else value.schema), value.to_pylist()]
    if isinstance(value, (pa.Schema, Path, slice)):
        return [str(value)]
    raise TypeError(f"a {type(value).__name__} cannot be told from another; bind plain values, arrays or dataclasses of them")
