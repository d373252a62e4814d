"""Small files beside the tables: reports, curves, configurations, samples, the lock file."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import InputError, MissingInputError

MAIN_LIBRARIES = (
    "torch", "transformers", "trl", "tokenizers", "safetensors", "datasets", "daft", "pyarrow", "numba", "numpy", "scikit-learn",
    "dvc", "prefect", "pydantic",
)  # fmt: skip
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;#]+)")


@dataclass(frozen=True)
class Curve:
    """A training curve: column name → its (x, y) points, x being tokens where the file has them for each step, else steps."""

    x_label: str
    columns: dict[str, list[tuple[float, float]]]


def read_json(path: Path) -> Any:
    """A JSON file. Raises MissingInputError, InputError when it is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingInputError(f"{path}: no such file; run the stage that writes it (dvc repro)") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid JSON: {error}; run the stage that writes it again") from error


def read_report(path: Path) -> dict[str, float]:
    """A stage's counts. Raises MissingInputError, InputError unless it is a flat object of numbers."""
    report = read_json(path)
    if not isinstance(report, dict) or not all(isinstance(v, int | float) for v in report.values()):
        raise InputError(f"{path}: not a flat object of numbers; run the stage that writes it again")
    return {str(key): float(value) for key, value in report.items()}


def read_curve(path: Path, most: int) -> Curve:
    """Every numeric column of a CSV with a column ``step``, thinned to ``most`` points; blank cells are left out.

    Raises MissingInputError, InputError for a file without that column or with a cell that is no number.
    """
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file; run the stage that writes it (dvc repro)")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if rows and "step" not in rows[0]:
        raise InputError(f"{path}: columns {list(rows[0])} have no step; run the stage that writes it again")
    axis = "tokens" if len({row.get("tokens") or "" for row in rows} - {""}) == len(rows) else "step"
    columns: dict[str, list[tuple[float, float]]] = {}
    for number, row in enumerate(rows, start=2):
        for name, cell in row.items():
            if name not in {"step", "tokens"} and cell:
                columns.setdefault(name, []).append((_number(row[axis], path, number), _number(cell, path, number)))
    return Curve(axis, {name: thinned(points, most) for name, points in columns.items()})


def thinned(points: list[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """At most ``most`` of the points, evenly chosen, the first and the last among them."""
    if len(points) <= most:
        return points
    return [points[round(i * (len(points) - 1) / (most - 1))] for i in range(most)]


def read_lock(path: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(name, version) of the libraries that results hang on, and of all others. Raises MissingInputError, InputError."""
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file; give the lock file that the environment was made from")
    pins = [(m[1], m[2]) for line in path.read_text(encoding="utf-8").splitlines() if (m := _PIN.match(line))]
    if not pins:
        raise InputError(f"{path}: no line name==version in it; give the lock file that the environment was made from")
    versions = dict(pins)
    main = [(name, versions[name]) for name in MAIN_LIBRARIES if name in versions]
    return main, [pin for pin in sorted(pins) if pin[0] not in MAIN_LIBRARIES]


def _number(cell: str, path: Path, line: int) -> float:
    try:
        return float(cell)
    except ValueError as error:
        raise InputError(f"{path}, line {line}: {cell!r} is no number; run the stage that writes it again") from error
