"""A real DVC project, as many as a test wants, and one real Prefect server for all of them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dvc.repo import Repo

from tests.flows.projects import Project, Server

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def new_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Project]:
    """Makes a project: git, DVC, dvc.yaml and params.yaml; further environment variables by keyword."""

    def make(dvc_yaml: str, params_yaml: str = "{}", **env: str) -> Project:
        root = tmp_path_factory.mktemp("project")
        bare = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
        project = Project(root, {**bare, "PYTHONPATH": str(ROOT), "DO_NOT_TRACK": "1", **env})
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
        Repo.init(str(root)).close()
        project.write(".dvc/config", "[core]\n    analytics = false\n")
        project.write("dvc.yaml", dvc_yaml)
        project.write("params.yaml", params_yaml)
        return project

    return make


@pytest.fixture(scope="session")
def server(new_project: Callable[..., Project]) -> Iterator[Server]:
    """Started as a person starts it: ``python -m flows.server``."""
    from flows.server import _free_port, configure

    port = _free_port(0)
    project = new_project("stages: {}", PREFECT_SERVER_API_PORT=str(port))
    started = project.run("flows.server")
    assert started.returncode == 0, started.stderr
    record = json.loads((project.root / ".prefect" / "server.json").read_text())
    assert record["port"] == port
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PREFECT_")]:
            patch.delenv(name)
        before = dict(os.environ)
        configure(project.root, port)
        from prefect.client.orchestration import get_client
        from prefect.settings import PREFECT_API_URL, temporary_settings

        with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{port}/api"}), get_client(sync_client=True) as client:
            yield Server(project.root, port, client)
        for name in set(os.environ) - set(before):
            del os.environ[name]
    assert project.run("flows.server", "--stop").stdout == "The server has ended.\n"
