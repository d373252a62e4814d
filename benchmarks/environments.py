"""Peers are no dependencies: each has an environment of its own, .scratch/peers/<name>, made from benchmarks/peers/<name>.txt.

python benchmarks/environments.py datatrove rensa     set these up
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from shutil import which

from measure import Run, WorkFailedError, run

ROOT = Path(__file__).resolve().parent.parent
PINS = Path(__file__).resolve().parent / "peers"
WANTED = "# python "  # a first line "# python 3.12" asks for that version


class PeerUnavailableError(RuntimeError):
    """A peer cannot be set up on this machine; the message says why."""


def python_of(peer: str) -> Path:
    """The interpreter of a peer's environment, which is made first when it is absent or its pins have changed.

    Raises PeerUnavailableError without the Python version that the peer needs, or when pip cannot install the pins.
    """
    pins, folder = PINS / f"{peer}.txt", ROOT / ".scratch" / "peers" / peer
    stamp, python = folder / pins.name, folder / "bin" / "python"
    wanted = pins.read_text(encoding="utf-8")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    _call(peer, [_interpreter(peer, wanted), "-m", "venv", "--clear", str(folder)])
    # All that a work needs is pinned, so nothing is to be resolved; what else a peer asks for (torch, CUDA) is left out.
    options = ["--quiet", "--no-deps", "--prefer-binary", "--disable-pip-version-check"]
    _call(peer, [str(python), "-m", "pip", "install", *options, "--requirement", str(pins)])
    stamp.write_text(wanted, encoding="utf-8")
    return python


def ask_peers(environment: str, script: str, peers: Iterable[str], payload: object) -> Iterator[tuple[str, Run]]:
    """Run ``peers/SCRIPT PEER FILE`` for each peer, FILE holding the payload as JSON; one that fails is printed and left out."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(payload, file)
        file.flush()
        for peer in peers:
            try:
                yield peer, run([python_of(environment), PINS / script, peer, file.name])
            except (PeerUnavailableError, WorkFailedError) as error:
                print(error)


def _interpreter(peer: str, pins: str) -> str:
    version = pins.splitlines()[0].removeprefix(WANTED) if pins.startswith(WANTED) else ""
    if not version or version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for found in (which(f"python{version}"), *sorted(map(str, pyenv.glob(f"{version}.*/bin/python")))):
        if found and not subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode:
            return found
    raise PeerUnavailableError(f"{peer} needs python{version}, which is not on the PATH")


def _call(peer: str, command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        last = [line for line in done.stdout.splitlines() if "ERROR" in line][-1:] or done.stdout.splitlines()[-1:]
        raise PeerUnavailableError(f"{peer} cannot be installed: {' '.join(last)}")


def main() -> None:
    """Set up the peers named, or all; say of each whether it is there."""
    for peer in sys.argv[1:] or sorted(path.stem for path in PINS.glob("*.txt")):
        try:
            python_of(peer)
            print(f"{peer}: ready")
        except PeerUnavailableError as error:
            print(error)


if __name__ == "__main__":
    main()
