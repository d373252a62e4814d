"""One DVC stage run by DVC, in processes that end with the flow; needs no Prefect."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flows import leash

UNCHANGED, RESTORED, COMPLETED, FAILED, STOPPED = "Unchanged", "Restored", "Completed", "Failed", "Stopped"
LINES_KEPT = 20
SECONDS_BETWEEN_TRIES = 2.0

# What DVC 3.67 prints; tests/flows/test_stage.py notices when a release says it in other words.
_SAYS_UNCHANGED = "Stage '{name}' didn't change, skipping"
_SAYS_RESTORED = "Stage '{name}' is cached - skipping run"
_SAYS_BUSY = "is busy, it is being blocked by"
_SAYS_COMMAND = "> "
_SAYS_FAILED = "ERROR: failed to reproduce"
_HINTS = (
    "To track the changes with git",
    "\tgit add",
    "To enable auto staging",
    "\tdvc config core.autostage",
    "Use `dvc push` to send",
    "Data and pipelines are up to date",
)

_running: set[subprocess.Popen[str]] = set()
_stopping = threading.Event()


@dataclass(frozen=True)
class Outcome:
    """What DVC did about a stage."""

    name: str
    """UNCHANGED, RESTORED (outputs came from the cache of earlier runs), COMPLETED (it ran), FAILED, or STOPPED with the flow."""
    message: str = ""
    """The last LINES_KEPT lines of a stage that failed."""


def reproduce(name: str, root: Path, log: Callable[[str], None], timeout_seconds: float = 0) -> Outcome:
    """``dvc repro --single-item NAME`` in ``root``, each line it prints passed to ``log``; 0 seconds are no limit.

    Waits while another DVC process holds the repository or a file of this stage; nothing else is tried again here.
    """
    dvc = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item", name]
    command = [sys.executable, "-I", leash.__file__, str(timeout_seconds), *dvc]
    said: set[str] = set()
    while not _stopping.is_set():
        code, lines = _run(command, root, lambda line: None if line in said else log(line))
        if code and _stopping.is_set():
            break
        if not code or not any(_SAYS_BUSY in line for line in lines):
            return _outcome(name, code, lines, timeout_seconds)
        said.update(lines)
        _stopping.wait(SECONDS_BETWEEN_TRIES)
    return Outcome(STOPPED, f"{name} was stopped with the flow")


def stop_all() -> None:
    """End every stage that runs and start no other. Safe in a signal handler."""
    _stopping.set()
    for process in list(_running):
        process.terminate()


def _run(command: list[str], root: Path, log: Callable[[str], None]) -> tuple[int, list[str]]:
    """Exit code and the last lines. The thread that calls this must stay: the leash ends when it does."""
    last: deque[str] = deque(maxlen=2 * LINES_KEPT)
    with subprocess.Popen(
        command,
        cwd=root,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        _running.add(process)
        if _stopping.is_set():
            process.terminate()
        assert process.stdout is not None
        for line in map(str.rstrip, process.stdout):
            if line and not line.startswith(_HINTS):
                last.append(line)
                log(line)
        code = process.wait()
        _running.discard(process)
    return code, list(last)


def _environment() -> dict[str, str]:
    """The environment of a stage: this one, but ``python`` means this interpreter, and what a stage prints arrives at once."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}


def _outcome(name: str, code: int, lines: list[str], timeout_seconds: float) -> Outcome:
    if code == leash.TIMED_OUT:
        return Outcome(FAILED, "\n".join([*_own_lines(lines), f"ended after its limit of {timeout_seconds:g} seconds"]))
    if code:
        return Outcome(FAILED, "\n".join(_own_lines(lines)) or f"exit code {code}")
    for outcome, says in ((RESTORED, _SAYS_RESTORED), (UNCHANGED, _SAYS_UNCHANGED)):
        if any(line.startswith(says.format(name=name)) for line in lines):
            return Outcome(outcome)
    return Outcome(COMPLETED)


def _own_lines(lines: list[str]) -> list[str]:
    """The last lines that the stage itself printed, or DVC's where the stage printed nothing."""
    command = max((n for n, line in enumerate(lines) if line.startswith(_SAYS_COMMAND)), default=-1)
    own = [line for line in lines[command + 1 :] if not line.startswith(_SAYS_FAILED)]
    return (own or lines)[-LINES_KEPT:]


def headline(message: str) -> str:
    """The stage's own error in the lines that it left: from its last ``error: …`` on, or else all of them."""
    lines = message.splitlines()
    start = max((n for n, line in enumerate(lines) if line.startswith("error: ")), default=0)
    return "\n".join(lines[start:])
