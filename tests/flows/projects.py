"""Projects, a server and processes, as the tests of flows see them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Project:
    """A DVC project and the environment that its commands run in."""

    root: Path
    env: dict[str, str]

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, encoding="utf-8")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.root, env=self.env, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@dataclass(frozen=True)
class Server:
    """A running server and a client of it."""

    root: Path
    port: int
    client: Any

    @property
    def env(self) -> dict[str, str]:
        """What a flow needs to use it, and to share its list of running flows."""
        return {"PREFECT_API_URL": f"http://127.0.0.1:{self.port}/api", "PREFECT_HOME": str(self.root / ".prefect")}

    def last_run(self) -> Any:
        from prefect.client.schemas.sorting import FlowRunSort

        return self.client.read_flow_runs(limit=1, sort=FlowRunSort.EXPECTED_START_TIME_DESC)[0]

    def tasks(self, run: Any) -> dict[str, Any]:
        """Task runs by name."""
        from prefect.client.schemas.filters import FlowRunFilter

        found = self.client.read_task_runs(flow_run_filter=FlowRunFilter(id={"any_": [run.id]}))
        return {task.name: task for task in found}


def wait_for(condition: Callable[[], Any], seconds: float) -> Any:
    """What ``condition`` returns as soon as it is true; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s")


def is_gone(process: int) -> bool:
    """Whether no process of this id runs; one that is dead but not yet waited for does not."""
    stat = Path(f"/proc/{process}/stat")
    return not stat.exists() or stat.read_text().split(")")[1].split()[0] == "Z"


def process_id(path: Path) -> int:
    """The process id that somebody writes to ``path`` soon."""
    return int(wait_for(lambda: path.is_file() and path.read_text(), 30))
