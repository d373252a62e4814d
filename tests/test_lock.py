"""requirements.lock pins all that runs here, and nothing in it is an address."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions

from tests.conftest import ROOT

LOCK = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if line]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


PINNED = {normal(line.partition("==")[0]): line.partition("==")[2] for line in LOCK}


def test_every_line_is_a_name_and_a_version() -> None:
    assert [line for line in LOCK if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._!-]+", line)] == []


def test_the_lock_pins_every_direct_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert {normal(re.split(r"[<>=\[]", name)[0]) for name in names} - set(PINNED) == set()


def test_what_is_installed_is_what_the_lock_says() -> None:
    """A CUDA build of torch brings libraries that requirements-cuda.lock holds; its own version has a +suffix."""
    cuda = {normal(line.partition("==")[0]) for line in (ROOT / "requirements-cuda.lock").read_text().splitlines()}
    installed = {normal(d.name): d.version.partition("+")[0] for d in distributions()}
    ours = {name: version for name, version in installed.items() if name not in cuda | {"pip", "wheel"}}
    assert ours == PINNED
