"""Where a stage runs: workers, device, scratch folder. The only reader of environment variables; nothing here changes a result.

HEDDLE_WORKERS      processes or threads to use (default: the cores this process may use)
HEDDLE_DEVICE       cpu, cuda or auto (default: auto)
HEDDLE_MEMORY_MB    megabytes that the duplicate join keeps beside what it holds per document (default: 512); the rest is spilled
HEDDLE_RAY_ADDRESS  a Ray cluster for text stages (default: none, the local engine)
DVC_ROOT            set by DVC for the commands it runs; scratch lies below it, also under ``dvc exp run --temp``
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import StageBusyError, UsageError

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def workers() -> int:
    """How many processes or threads a stage may use. Raises UsageError for a value below 1."""
    value = os.environ.get("HEDDLE_WORKERS", str(len(os.sched_getaffinity(0))))
    if not value.isdigit() or int(value) < 1:
        raise UsageError(f"HEDDLE_WORKERS={value!r}: want a whole number of at least 1")
    return int(value)


def memory_bytes() -> int:
    """Bytes that buffers of a relational step may take before they are spilled. Raises UsageError for a value below 1 MB."""
    value = os.environ.get("HEDDLE_MEMORY_MB", "512")
    if not value.isdigit() or int(value) < 1:
        raise UsageError(f"HEDDLE_MEMORY_MB={value!r}: want a whole number of megabytes, at least 1")
    return int(value) << 20


def device() -> str:
    """``cpu``, ``cuda`` or ``auto``. Raises UsageError for anything else."""
    value = os.environ.get("HEDDLE_DEVICE", "auto")
    if value not in {"cpu", "cuda", "auto"}:
        raise UsageError(f"HEDDLE_DEVICE={value!r}: want cpu, cuda or auto")
    return value


def ray_address() -> str | None:
    """Address of the Ray cluster that text stages run on, or None for the local engine."""
    return os.environ.get("HEDDLE_RAY_ADDRESS")


def scratch() -> Path:
    """Folder for checkpoints, locks and timings: outside DVC outputs, which DVC deletes before a stage runs."""
    return Path(os.environ.get("DVC_ROOT", ".")) / ".scratch"


def quiet_libraries() -> None:
    """Keep telemetry, hub look-ups and progress bars of libraries off, and their threads apart. Call before they are imported."""
    defaults = {
        "DO_NOT_TRACK": "1",
        "DAFT_ANALYTICS_ENABLED": "0",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "DAFT_PROGRESS_BAR": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
        "TOKENIZERS_PARALLELISM": "true",
        "GOMP_SPINCOUNT": "20000",  # short waits spin, long ones sleep: no loss alone, and room for a stage beside
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # without it torch refuses deterministic matrix products on CUDA
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def cache_kernels() -> None:
    """Keep compiled kernels in scratch, by the hash of all kernel sources. Call before numba is imported.

    numba compiles a function again when its own file has changed, but not when a function of another file that it calls has.
    """
    package = Path(__file__).parent
    sources = sorted(path for folder in ("text", "dedup", "bias") for path in package.joinpath(folder).glob("*.py"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    os.environ.setdefault("NUMBA_CACHE_DIR", str((scratch() / "numba" / digest).absolute()))


def shared_variables() -> dict[str, str]:
    """What a worker on a cluster has to find as this process does: modules, compiled kernels, scratch."""
    found = {name: os.environ[name] for name in ("NUMBA_CACHE_DIR", "DVC_ROOT", "DO_NOT_TRACK") if name in os.environ}
    return {**found, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "HEDDLE_WORKERS": "1"}


def die_with_parent() -> None:
    """Ask the kernel to send this process SIGTERM when its parent ends, so that no trainer outlives its run (Linux)."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def hold(stage: str) -> Iterator[None]:
    """Hold the stage's lock while the block runs; the kernel lets go of it however the process ends.

    Raises StageBusyError when another process holds it.
    """
    path = scratch() / "locks" / stage
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StageBusyError(f"{stage} already runs in this workspace ({path} is locked); wait for it") from error
        yield
