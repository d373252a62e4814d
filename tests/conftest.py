"""Fixtures that every test may use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import runtime

runtime.quiet_libraries()
runtime.cache_kernels()
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def scratch(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scratch folder for each test, so that none finds what another has computed."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path_factory.mktemp("scratch")))


@pytest.fixture
def shared() -> Callable[[str], Path]:
    """A file of the corpus collection beside the checkout; the test skips where it is absent."""

    def find(name: str) -> Path:
        path = ROOT.parent / "shared" / name
        if not path.exists():
            pytest.skip(f"needs the corpus collection beside the checkout: {name}")
        return path

    return find


def clone(folder: Path) -> Path:
    """A git repository in ``folder`` with the files of this checkout as they are now, committed; nothing that was built."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "clone"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def shell(script: str, cwd: Path) -> str:
    """Run a shell script with this environment's programs first on the path; returns its output, fails with it.

    NUMBA_CACHE_DIR is inherited: kernels are compiled once for all clones, which hold the same sources.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=cwd,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout[-8000:]}"
    return done.stdout
