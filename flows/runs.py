"""Runs whose process was killed: Prefect would show them as Running for ever.

Each run holds a lock on a file of its own below the Prefect home; the kernel lets go of it however the process ends. A file that
is still there and that nobody holds belongs to a run that died. Only runs of this machine have such files.
"""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.settings import PREFECT_HOME
from prefect.states import Crashed

RECORD_SECONDS = 30.0


@contextmanager
def alive(run_id: UUID) -> Iterator[None]:
    """Show other processes that the run goes on, for as long as the block or this process does."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / str(run_id)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            path.unlink()


def mark_dead() -> list[UUID]:
    """Set every run that died, and its tasks, to Crashed; returns the runs."""
    dead = [UUID(path.name) for path in sorted(_folder().glob("*")) if not _held(path)]
    with get_client(sync_client=True) as client:
        for run_id in dead:
            state = Crashed(message="its process ended without a word (killed, or out of memory)")
            for task in _task_runs(client, run_id):
                if not task.state.is_final():
                    client.set_task_run_state(task.id, state, force=True)
            client.set_flow_run_state(run_id, state, force=True)
            (_folder() / str(run_id)).unlink(missing_ok=True)
    return dead


def wait_until_recorded(run_id: UUID, num_tasks: int) -> None:
    """Wait, at most RECORD_SECONDS, until the server has written how each task ended: it does so some time after it happened."""
    deadline = time.monotonic() + RECORD_SECONDS
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            if sum(task.state.is_final() for task in _task_runs(client, run_id)) >= num_tasks:
                return
            time.sleep(0.1)


def send_logs() -> None:
    """Wait until the server has every line that was logged: Prefect sends them in batches, behind the run."""
    for handler in logging.getLogger("prefect.flow_runs").handlers:
        handler.flush()


def _task_runs(client: SyncPrefectClient, run_id: UUID) -> list[Any]:
    return list(client.read_task_runs(flow_run_filter=FlowRunFilter(id={"any_": [run_id]})))


def _folder() -> Path:
    return Path(PREFECT_HOME.value()) / "running"


def _held(path: Path) -> bool:
    try:
        with path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
