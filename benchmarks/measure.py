"""What a piece of work costs, measured alike for ours and for a peer: CPU seconds, peak memory, MB/s.

A script calls ``run`` to start each work in a fresh process that is held to one core, one thread per library. The work calls
``clock`` around what counts and ``answer`` at its end, so that start-up (imports, models, kernels from the cache) is known apart.
Small works that share a process call ``best``. Importing this module makes ``pipeline`` importable from a script of this folder.
Only the standard library at the top: a peer's environment has little else.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# This folder behind the standard library, which has an html too.
sys.path[:] = [str(ROOT), *(entry for entry in sys.path if Path(entry).resolve() != HERE), str(HERE)]
ANSWER = "HEDDLE_BENCH_ANSWER"  # names the file that a started work leaves its figures in
MB = 1_000_000
POLL_SECONDS = 0.05
LIBRARIES = ("OMP", "OPENBLAS", "MKL", "NUMBA", "NUMEXPR", "POLARS_MAX", "RAYON")
ONE_THREAD = {f"{name}_THREADS" if "_" in name else f"{name}_NUM_THREADS": "1" for name in LIBRARIES} | {"HEDDLE_WORKERS": "1"}
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "DO_NOT_TRACK": "1"}

T = TypeVar("T")
Row = dict[str, Any]


class WorkFailedError(RuntimeError):
    """A work ended with an error or gave no answer; the message ends with what it printed last."""


@dataclass
class Cost:
    """Seconds of CPU (user and system, children that were waited for included) and of wall time; peak resident memory in MB."""

    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_mb: float = 0.0

    def mb_s(self, num_bytes: int) -> float:
        """Megabytes (1e6 bytes) per CPU second."""
        return num_bytes / MB / max(self.cpu_seconds, 1e-9)


@dataclass
class Run:
    """A work in a process of its own: the part it clocked, the whole process with its start-up, and what else it answered."""

    clocked: Cost
    whole: Cost
    facts: Row = field(default_factory=dict)


@contextmanager
def clock() -> Iterator[Cost]:
    """Measure the block. A process that nobody waits for, such as a Ray worker, is not in the CPU seconds: see ``run``."""
    cost = Cost()
    cpu, wall = _cpu(), time.perf_counter()
    yield cost
    cost.cpu_seconds, cost.wall_seconds, cost.peak_mb = _cpu() - cpu, time.perf_counter() - wall, peak_mb()


def best(function: Callable[[], T], times: int = 3) -> tuple[T, Cost]:
    """Call ``function`` a few times in this process: its last result and the cost of the call with the least CPU time."""
    costs = []
    for _ in range(times):
        with clock() as cost:
            result = function()
        costs.append(cost)
    return result, min(costs, key=lambda c: c.cpu_seconds)


def pin() -> None:
    """Hold this process to one core and libraries that are imported later to one thread: for works that share a process."""
    os.environ.update(ONE_THREAD)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def peak_mb() -> float:
    """Peak resident memory of this process. Not ru_maxrss, which starts at that of the process that started this one."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024 / MB


def answer(cost: Cost, **facts: object) -> None:
    """Leave a work's figures where ``run`` finds them; printed when nothing waits for them."""
    text = json.dumps({"cost": asdict(cost), "facts": facts})
    if ANSWER in os.environ:
        Path(os.environ[ANSWER]).write_text(text, encoding="utf-8")
    else:
        print(text)


def run(
    command: Sequence[str | Path], *, cores: int = 1, environment: Mapping[str, str] | None = None, seconds: float = 600
) -> Run:
    """Run a command on ``cores`` cores and read its ``answer``.

    CPU seconds and memory of ``whole`` are those of all its descendants, looked at 20 times a second and added up, so that
    Ray's workers count too. Raises WorkFailedError when it fails, takes longer than ``seconds`` or answers nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        log, file = Path(folder) / "log", Path(folder) / "answer"
        # Not this folder on the path, whose encodings.py would hide the one that Python starts with.
        (Path(folder) / "measure.py").symlink_to(Path(__file__).resolve())
        threads = ONE_THREAD if cores == 1 else {**ONE_THREAD, "HEDDLE_WORKERS": str(cores)}
        variables = {**os.environ, **threads, **OFFLINE, "PYTHONPATH": folder, ANSWER: str(file)}
        chosen = sorted(os.sched_getaffinity(0))[-cores:]
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [str(word) for word in command],
                env={**variables, **(environment or {})},
                stdout=stream,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, chosen),  # noqa: PLW1509  # this process has one thread
            )
            whole = _watch(process, seconds)
        tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        if process.returncode or not file.exists():
            raise WorkFailedError(f"{' '.join(map(str, command))}: exit code {process.returncode}\n{tail}")
        said = json.loads(file.read_text(encoding="utf-8"))
    clocked = Cost(**said["cost"])
    clocked.peak_mb = max(clocked.peak_mb, whole.peak_mb)
    return Run(clocked, whole, said["facts"])


def _watch(process: subprocess.Popen[bytes], seconds: float) -> Cost:
    """Wait for the process; its cost and that of its descendants. They are all killed after ``seconds``, or when it has ended."""
    import psutil

    started, waited, times, peak = time.perf_counter(), _waited(), {}, 0
    family = [psutil.Process(process.pid)]
    while process.poll() is None:
        memory = 0
        with suppress(psutil.NoSuchProcess):
            family = [family[0], *family[0].children(recursive=True)]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                spent = member.cpu_times()
                times[member.pid, member.create_time()] = spent.user + spent.system
                memory += member.memory_info().rss
        peak = max(peak, memory)
        if time.perf_counter() - started > seconds:
            process.kill()
        time.sleep(POLL_SECONDS)
    wall = time.perf_counter() - started
    for member in reversed(family[1:]):
        with suppress(psutil.NoSuchProcess):
            member.kill()
    return Cost(max(_waited() - waited, sum(times.values())), wall, peak / MB)


def _cpu() -> float:
    """CPU seconds of this process and of the children that it has waited for."""
    return time.process_time() + _waited()


def _waited() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def parser(description: str | None) -> argparse.ArgumentParser:
    """An argument parser that knows ``--json FILE``."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", type=Path, metavar="FILE", help="write the rows as a list of objects too")
    return made


def show(title: str, rows: Sequence[Row], columns: Sequence[str] | None = None) -> None:
    """Print rows as a table, ``columns`` of them or all; figures to three digits, long lists as their length."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold")
    names = columns or list(dict.fromkeys(name for row in rows for name in row))
    for name in names:
        figures = all(isinstance(row.get(name), int | float | None) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if figures else "left")
    for row in rows:
        table.add_row(*(_shown(row.get(name)) for name in names))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _shown(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list) and len(value) > 5:
        return f"{len(value):,} of them"
    return str(value)


def write_json(rows: Sequence[Row], file: Path | None) -> None:
    """Write the rows as a JSON list; nothing without a file."""
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(list(rows), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
