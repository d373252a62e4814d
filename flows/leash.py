"""``python leash.py SECONDS COMMAND...`` runs a command that cannot outlive whoever started it.

DVC starts stages through a shell, so a signal to DVC, or its death, leaves the trainer running and a rerun starts a second one in
the same folder. The leash gives the command a process group of its own and ends the whole group when its parent thread ends (even
by SIGKILL), when it is told to (SIGTERM, SIGINT, SIGHUP), when SECONDS have passed (0: no limit), or when the command itself has
ended and left something behind. Linux only. It imports the standard library alone and starts in 30 ms.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

TIMED_OUT = 124  # the exit code of coreutils timeout(1)
STOPPED = 128 + signal.SIGTERM
GRACE_SECONDS = 10.0  # to write a checkpoint between SIGTERM and SIGKILL
_STOP = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_WATCHED = {*_STOP, signal.SIGCHLD}
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_CHILD_SUBREAPER = 36


def main(argv: Sequence[str]) -> int:
    """Run ``argv[1:]`` for at most ``argv[0]`` seconds; the command's exit code, 143 if stopped, 124 if out of time."""
    limit, command = float(argv[0]), list(argv[1:])
    prctl, parent = ctypes.CDLL(None).prctl, os.getppid()
    # Blocked signals wait until they are asked for, so that none is lost between two statements.
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before the kernel knew that we care
        return STOPPED
    # Orphans of the command become children of the leash, which can so see when the last one has gone.
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    child = subprocess.Popen(command, process_group=0, stdin=subprocess.DEVNULL, preexec_fn=_unblock)  # noqa: PLW1509
    code = _wait(child, time.monotonic() + limit if limit else None)
    end_group(child.pid)
    return code


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)


def _wait(child: subprocess.Popen[bytes], deadline: float | None) -> int:
    while child.poll() is None:
        if deadline is None:
            number = signal.sigwait(_WATCHED)
        else:
            info = signal.sigtimedwait(_WATCHED, max(0.0, deadline - time.monotonic()))
            if info is None:
                return TIMED_OUT
            number = signal.Signals(info.si_signo)
        if number in _STOP:
            return STOPPED
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def end_group(group: int) -> None:
    """SIGTERM to every process of the group, then SIGKILL to those that are left after GRACE_SECONDS."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + GRACE_SECONDS
        if not _signal(group, number):
            return
        while time.monotonic() < deadline:
            _reap()
            if not _signal(group, 0):
                return
            time.sleep(0.02)


def _signal(group: int, number: int) -> bool:
    """Whether the group still has a process to send ``number`` to."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
