"""Checkpoints: written whole or not at all, found again only by the run that wrote them.

    <scratch>/<stage>/<fingerprint>/step-00000010/state.safetensors    weights and optimizer
                                                  state.json           step, curve, identity, sha-256 of the tensors

The fingerprint is a hash of the run's identity: params, inputs and code, never the machine. A folder gets its name by a rename
after everything in it has reached the disk, so what has a name is complete; a kill at any moment leaves the one before it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from safetensors.torch import load_file, save_file
from torch import Tensor

from pipeline.errors import CheckpointMismatchError


class Checkpoint(NamedTuple):
    """A run after ``step`` steps."""

    step: int
    tensors: dict[str, Tensor]
    rows: list[dict[str, float | None]]


class Checkpoints:
    """The checkpoints of the one run that ``identity`` describes; only the latest is kept."""

    def __init__(self, scratch: Path, identity: Mapping[str, Any]) -> None:
        self.identity = json.loads(json.dumps(identity, sort_keys=True))
        fingerprint = hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()
        self.folder = scratch / fingerprint[:32]

    def save(self, step: int, tensors: Mapping[str, Tensor], rows: list[dict[str, float | None]]) -> None:
        """Write a checkpoint and, once it is safe on disk, remove those before it."""
        final = self.folder / f"step-{step:08d}"
        temporary = final.with_suffix(".tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        save_file({name: tensors[name].contiguous() for name in sorted(tensors)}, temporary / "state.safetensors")
        digest = _sha256(temporary / "state.safetensors")
        record = {"step": step, "rows": rows, "sha256": digest, "identity": self.identity}
        (temporary / "state.json").write_text(json.dumps(record), encoding="utf-8")
        for path in (*temporary.iterdir(), temporary):
            _reach_disk(path)
        shutil.rmtree(final, ignore_errors=True)
        temporary.rename(final)
        _reach_disk(self.folder)
        for older in self._steps()[:-1]:
            shutil.rmtree(older)

    def load(self) -> Checkpoint | None:
        """Load the latest checkpoint, or None when there is none.

        Raises CheckpointMismatchError, naming each difference, when it is of another run or its bytes have changed.
        """
        found = self._steps()
        if not found:
            return None
        record = json.loads((found[-1] / "state.json").read_text(encoding="utf-8"))
        expected = {**self.identity, "sha256": _sha256(found[-1] / "state.safetensors")}
        there = {**record["identity"], "sha256": record["sha256"]}
        lines = [
            f"  {key}: this run has {expected.get(key)}, the checkpoint {there.get(key)}"
            for key in sorted(expected.keys() | there.keys())
            if expected.get(key) != there.get(key)
        ]
        if lines:
            raise CheckpointMismatchError("\n".join([f"{found[-1]}: not of this run; delete the folder to start anew:", *lines]))
        return Checkpoint(record["step"], load_file(found[-1] / "state.safetensors"), record["rows"])

    def remove(self) -> None:
        """Delete every checkpoint of this run."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _steps(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("step-*") if path.suffix != ".tmp")


def _reach_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
