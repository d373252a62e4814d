"""The Prefect server of this project: its settings, its start, and ``python -m flows.server``, which shows the last run.

Its database lies in ``.prefect/`` below the project. It listens on the loopback address only, sends nothing anywhere, and no web
page of another origin may talk to it. Prefect reads its settings when it is imported: call ``configure`` before that. A variable
that is set already, such as PREFECT_API_URL of a server elsewhere or PREFECT_SERVER_API_AUTH_STRING, wins.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flows import leash
from pipeline.errors import PipelineError

HOST = "127.0.0.1"
PORT = 4200  # Prefect's own
START_SECONDS = 120.0  # 7 s on an idle machine, more for the first one, which makes the database


class ServerError(PipelineError):
    """The Prefect server did not start."""


def configure(root: Path, port: int) -> None:
    """Settings for clients and server of ``root``, in the environment."""
    address = f"http://{HOST}:{port}"
    settings = {
        "PREFECT_HOME": str(root / ".prefect"),
        "PREFECT_API_URL": f"{address}/api",
        "PREFECT_SERVER_API_HOST": HOST,
        "PREFECT_SERVER_API_PORT": str(port),  # `prefect server start --port` leaves the UI calling port 4200
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": address,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_V2_ENABLED": "false",  # V2 calls a telemetry host whatever the settings
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_LOGGING_FORMATTERS_STANDARD_FLOW_RUN_FMT": "%(asctime)s │ %(message)s",
        "PREFECT_LOGGING_FORMATTERS_STANDARD_TASK_RUN_FMT": "%(asctime)s │ %(task_run_name)s │ %(message)s",
    }
    for name, value in settings.items():
        os.environ.setdefault(name, value)


def find(root: Path) -> int | None:
    """The port of the server that ``start`` started for ``root``, if it still runs."""
    server = _recorded(root)
    return server["port"] if server and Path(f"/proc/{server['pid']}").exists() and _healthy(server["port"]) else None


def ensure(root: Path) -> None:
    """Start a server that goes on after this process, unless one runs or PREFECT_API_URL names one elsewhere."""
    if "PREFECT_API_URL" not in os.environ and not find(root):
        start(root)


def stop(root: Path) -> bool:
    """End the server that ``start`` started for ``root``; whether there was one."""
    server = _recorded(root)
    if not server or not find(root):
        return False
    os.kill(server["pid"], signal.SIGTERM)
    return True


def start(root: Path) -> int:
    """Start a server that goes on after this process, and return its port.

    Raises ServerError if it does not answer within START_SECONDS.
    """
    port = int(os.environ.get("PREFECT_SERVER_API_PORT", "0")) or _free_port(PORT)
    process = _spawn(root, port, [])
    _record(root).write_text(json.dumps({"pid": process.pid, "port": port}), encoding="utf-8")
    return port


@contextmanager
def connected(root: Path) -> Iterator[None]:
    """Inside the block Prefect talks to the running server, or to one that ends with the block or this process.

    Raises ServerError if none runs and none starts.
    """
    if "PREFECT_API_URL" in os.environ:
        configure(root, PORT)
        yield
        return
    port = find(root)
    if port:
        configure(root, port)
        yield
        return
    port = _free_port(PORT)
    process = _spawn(root, port, [sys.executable, "-I", leash.__file__, "0"])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _record(root: Path) -> Path:
    return root / ".prefect" / "server.json"


def _recorded(root: Path) -> dict[str, int]:
    path = _record(root)
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _spawn(root: Path, port: int, prefix: list[str]) -> subprocess.Popen[bytes]:
    configure(root, port)
    home = root / ".prefect"
    home.mkdir(exist_ok=True)
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "prefect", "server", "start"],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while not _healthy(port):
        if process.poll() is not None or time.monotonic() > deadline:
            process.terminate()
            raise ServerError(f"the Prefect server did not start on port {port}; see {home / 'server.log'}")
        time.sleep(0.1)
    return process


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/api/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def _free_port(wanted: int) -> int:
    """``wanted`` if nobody listens there, else one that the system chooses."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def last_run_page(port: int) -> str:
    """Address of the page of the last flow run, or of the dashboard when there is none."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.client.schemas.sorting import FlowRunSort

    started = FlowRunFilter(start_time={"is_null_": False})
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=started, limit=1, sort=FlowRunSort.START_TIME_DESC)
    return f"http://{HOST}:{port}/" + (f"runs/flow-run/{runs[0].id}" if runs else "dashboard")


def main(argv: Sequence[str]) -> int:
    """Start the server if none runs, print the address of the last run's page and open it if there is a display."""
    parser = argparse.ArgumentParser(prog="python -m flows.server", description=main.__doc__)
    parser.add_argument("--stop", action="store_true", help="end the server instead")
    root = Path.cwd()
    if parser.parse_args(argv).stop:
        print("The server has ended." if stop(root) else "No server runs.")
        return 0
    try:
        port = find(root) or start(root)
    except ServerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    configure(root, port)
    from flows.runs import mark_dead

    mark_dead()
    page = last_run_page(port)
    print(f"The last run: {page}")
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
