"""A section of params.yaml as a frozen pydantic model; an unknown key is an error that names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from pipeline.errors import MissingInputError, ParamsError


class Params(BaseModel):
    """Base of every stage's params: immutable, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def read_section(path: Path, section: str) -> Any:
    """The value at dotted ``section`` of the YAML file ``path``.

    Raises MissingInputError without the file, ParamsError without the section or if the file is no YAML.
    """
    if not path.is_file():
        raise MissingInputError(f"{path}: no such params file")
    try:
        value = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)  # libyaml: seven times faster
    except yaml.YAMLError as error:
        raise ParamsError(f"{path}: not valid YAML: {error}") from error
    for key in section.split("."):
        if not isinstance(value, dict) or key not in value:
            raise ParamsError(f"{path}: no section {section!r}; add it, or name another stage")
        value = value[key]
    return value


def parse(path: Path, section: str, model: Any) -> Any:
    """The section of ``path`` as ``model``, a Params class or a union of them.

    Raises ParamsError that lists every offending key with its value.
    """
    value = read_section(path, section)
    try:
        return TypeAdapter(model).validate_python(value)
    except ValidationError as error:
        lines = [f"  {section}.{_dotted(e['loc'])} = {e['input']!r}: {e['msg']}" for e in error.errors()]
        raise ParamsError("\n".join([f"{path}: {len(lines)} invalid value(s):", *lines])) from error


def _dotted(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)
