"""Checkpoints: whole or absent, refused by another run, the one before survives a kill while writing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pipeline.errors import CheckpointMismatchError
from pipeline.train.checkpoint import Checkpoints

IDENTITY = {"params": {"lr": 0.1}, "inputs": {"train": "aa"}}


def test_a_checkpoint_comes_back_and_only_the_latest_is_kept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, IDENTITY)
    assert checkpoints.load() is None
    for step in (9, 10):
        checkpoints.save(step, {"w": torch.full((3,), float(step)), "n": torch.tensor(2.5)}, [{"step": 1, "loss": None}])
    found = Checkpoints(tmp_path, IDENTITY).load()
    assert found is not None
    assert (found.step, found.rows) == (10, [{"step": 1, "loss": None}])
    assert found.tensors["w"].tolist() == [10.0] * 3
    assert [path.name for path in checkpoints.folder.iterdir()] == ["step-00000010"]
    checkpoints.remove()
    assert checkpoints.load() is None


def test_another_run_does_not_find_it(tmp_path: Path) -> None:
    Checkpoints(tmp_path, IDENTITY).save(1, {"w": torch.zeros(1)}, [])
    assert Checkpoints(tmp_path, {**IDENTITY, "params": {"lr": 0.2}}).load() is None


def test_a_checkpoint_moved_from_another_run_is_refused_with_each_difference(tmp_path: Path) -> None:
    theirs = Checkpoints(tmp_path, {**IDENTITY, "inputs": {"train": "bb"}})
    theirs.save(1, {"w": torch.zeros(1)}, [])
    ours = Checkpoints(tmp_path, IDENTITY)
    theirs.folder.rename(ours.folder)
    with pytest.raises(
        CheckpointMismatchError, match=r"inputs: this run has \{'train': 'aa'\}, the checkpoint \{'train': 'bb'\}"
    ):
        ours.load()


def test_a_flipped_byte_is_refused(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, IDENTITY)
    checkpoints.save(1, {"w": torch.zeros(8)}, [])
    path = checkpoints.folder / "step-00000001" / "state.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointMismatchError, match="sha256: this run has"):
        checkpoints.load()


def test_a_kill_while_writing_leaves_the_one_before(tmp_path: Path) -> None:
    script = f"""
import os, signal, torch
from pathlib import Path
from pipeline.train import checkpoint
checkpoints = checkpoint.Checkpoints(Path({str(tmp_path)!r}), {IDENTITY!r})
checkpoints.save(5, {{"w": torch.ones(1000)}}, [])
checkpoint._reach_disk = lambda path: os.kill(os.getpid(), signal.SIGKILL)
checkpoints.save(6, {{"w": torch.zeros(1000)}}, [])
"""
    killed = subprocess.run([sys.executable, "-c", script], env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
    assert killed.returncode == -signal.SIGKILL
    checkpoints = Checkpoints(tmp_path, IDENTITY)
    assert (checkpoints.folder / "step-00000006.tmp").is_dir()  # the kill came in the middle
    found = checkpoints.load()
    assert found is not None
    assert found.step == 5
    checkpoints.save(6, {"w": torch.zeros(1)}, [])
    assert [path.name for path in checkpoints.folder.iterdir()] == ["step-00000006"]
