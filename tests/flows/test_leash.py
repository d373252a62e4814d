"""Nothing that a leash runs outlives the leash, whatever ends first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows import leash
from tests.flows.projects import is_gone, process_id, wait_for

ROOT = Path(leash.__file__).parent.parent
# A shell whose child writes its process id and goes on for a minute, as a trainer below DVC's shell does.
GRANDCHILD = "sh -c 'echo $$ > pid.tmp; mv pid.tmp pid; exec sleep 60'; true"


def start(folder: Path, script: str, seconds: float = 0) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-I", leash.__file__, str(seconds), "sh", "-c", script], cwd=folder)


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("true", 0), ("kill -9 $$", 128 + 9)])
def test_leash_returns_the_exit_code_of_the_command(tmp_path: Path, script: str, code: int) -> None:
    assert start(tmp_path, script).wait(10) == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_to_the_leash_ends_what_the_shell_started(tmp_path: Path, number: signal.Signals) -> None:
    process = start(tmp_path, GRANDCHILD)
    grandchild = process_id(tmp_path / "pid")
    process.send_signal(number)
    assert process.wait(2) == leash.STOPPED
    assert is_gone(grandchild)


def test_time_limit_ends_what_the_shell_started(tmp_path: Path) -> None:
    process = start(tmp_path, GRANDCHILD, seconds=1)
    grandchild = process_id(tmp_path / "pid")
    assert process.wait(5) == leash.TIMED_OUT
    assert is_gone(grandchild)


def test_a_child_left_behind_by_a_command_that_ended_is_ended_too(tmp_path: Path) -> None:
    process = start(tmp_path, "sh -c 'echo $$ > pid; exec sleep 60' & sleep 0.5; exit 3")
    assert process.wait(5) == 3
    assert is_gone(process_id(tmp_path / "pid"))


def test_death_of_the_starter_by_sigkill_ends_everything(tmp_path: Path) -> None:
    starter = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-I', {leash.__file__!r}, '0', 'sh', '-c', {GRANDCHILD!r}])"
    )
    parent = subprocess.Popen([sys.executable, "-c", starter], cwd=tmp_path)
    grandchild = process_id(tmp_path / "pid")
    parent.kill()
    parent.wait()
    wait_for(lambda: is_gone(grandchild), 2)


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    stubborn = "trap '' TERM; echo $$ > pid; while :; do sleep 0.1; done"
    code = f"from flows import leash; leash.GRACE_SECONDS = 1.0; leash.main(['0', 'sh', '-c', {stubborn!r}])"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
    child = process_id(tmp_path / "pid")
    process.terminate()
    started = time.monotonic()
    process.wait(5)
    assert time.monotonic() - started >= 1.0
    assert is_gone(child)
