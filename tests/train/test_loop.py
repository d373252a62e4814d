"""The loop: learns, resumes to the bit after any end, stops at a loss that is no number."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pipeline.errors import TrainingError, UsageError
from pipeline.models.neural import NeuralModel
from pipeline.train.batches import Batch, Batches
from pipeline.train.checkpoint import Checkpoints
from pipeline.train.loop import Row, TrainingParams, prepare, train
from pipeline.train.optimizer import OptimizerParams
from tests.conftest import ROOT
from tests.train import resumable
from tests.train.resumable import BATCH_SIZE, CONTEXT, build, digest, params
from tests.train.streams import write_stream


def interrupt(family: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.train.resumable", family, str(folder), *arguments]
    environment = {**os.environ, "HEDDLE_WORKERS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def checkpoint_names(folder: Path) -> list[str]:
    return [path.name for path in (folder / "scratch").glob("*/*")]


@pytest.mark.parametrize(
    ("family", "ending", "code", "checkpoint"),
    [
        ("gpt", "SIGKILL", -signal.SIGKILL, 10),  # what a validation saved
        ("lstm", "SIGKILL", -signal.SIGKILL, 10),
        ("bert", "SIGKILL", -signal.SIGKILL, 10),
        ("electra", "SIGKILL", -signal.SIGKILL, 10),
        ("gpt", "SIGTERM", 128 + signal.SIGTERM, 14),  # the step that was under way is finished and saved
    ],
)
def test_a_run_that_was_ended_resumes_to_the_bits_of_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str, ending: str, code: int, checkpoint: int
) -> None:
    monkeypatch.setenv("HEDDLE_WORKERS", "1")
    for name in ("straight", "ended"):
        write_stream(tmp_path / name / "stream")
    ended = interrupt(family, tmp_path / "ended", ending, "13")
    assert ended.returncode == code, ended.stderr
    assert checkpoint_names(tmp_path / "ended") == [f"step-{checkpoint:08d}"]
    assert resumable.run(family, tmp_path / "ended") == resumable.run(family, tmp_path / "straight")


def run(
    folder: Path, settings: TrainingParams, validate: Callable[[NeuralModel], float] = lambda _: 1.0, family: str = "gpt"
) -> tuple[NeuralModel, list[Row]]:
    prepare()
    model = build(family)
    sequences = write_stream(folder / "stream")
    batches = Batches(sequences, context=CONTEXT, batch_size=BATCH_SIZE, seed=3)
    return model, train(model, batches, settings, validate=validate, checkpoints=Checkpoints(folder / "scratch", {}))


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("family", ["gpt", "lstm"])
def test_it_learns_to_count(tmp_path: Path, family: str, optimizer: str) -> None:
    rates = OptimizerParams(name=optimizer, lr={"muon": 0.03, "adamw": 0.01}[optimizer], embedding_lr=0.02)
    _, rows = run(tmp_path, params(150, dtype="float32", optimizer=rates, validation_every=150), family=family)
    first, last = float(rows[0]["loss"] or 0), float(rows[-1]["loss"] or 0)
    assert first == pytest.approx(math.log(32), rel=0.05)  # nothing known: all 32 tokens alike
    assert last < 0.6 * first


def test_rows_are_the_first_every_logged_and_every_validated_step(tmp_path: Path) -> None:
    _, rows = run(tmp_path, params(12, log_every=5, validation_every=4))
    assert [row["step"] for row in rows] == [1, 4, 5, 8, 10, 12]
    assert [row["step"] for row in rows if row["val_bits_per_byte"] is not None] == [4, 8, 12]
    assert [row["tokens"] for row in rows] == [64 * int(row["step"] or 0) for row in rows]


def test_micro_batches_add_up_to_the_batch(tmp_path: Path) -> None:
    whole, rows = run(tmp_path / "a", params(1, dtype="float32", micro_batch_size=None))
    parts, rows_in_parts = run(tmp_path / "b", params(1, dtype="float32", micro_batch_size=3))
    assert rows_in_parts[0]["loss"] == pytest.approx(rows[0]["loss"])
    assert rows_in_parts[0]["grad_norm"] == pytest.approx(rows[0]["grad_norm"], rel=1e-4)
    for name, weight in whole.state_dict().items():  # Muon's bfloat16 may round one entry the other way
        torch.testing.assert_close(parts.state_dict()[name], weight, atol=2e-3, rtol=0.0)


def test_two_runs_give_the_same_bits_and_another_seed_others(tmp_path: Path) -> None:
    one, two = (digest(run(tmp_path / name, params(3))[0]) for name in "ab")
    assert one == two
    assert digest(build("gpt")) != one


class Poisoned(Batches):
    """Batches that put a NaN into the model with the one of step 13 (0-based)."""

    model: NeuralModel

    def __getitem__(self, step: int) -> Batch:
        if step == 13:
            with torch.no_grad():
                self.model.head[0, 0] = torch.nan
        return super().__getitem__(step)


def test_a_loss_that_is_no_number_names_the_step_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    prepare()
    batches = Poisoned(write_stream(tmp_path / "s"), context=CONTEXT, batch_size=BATCH_SIZE, seed=3)
    batches.model = build("gpt")
    checkpoints = Checkpoints(tmp_path / "scratch", {})
    with pytest.raises(TrainingError, match=r"step 14 of 20: loss = nan.*lower training.optimizer.lr"):
        train(batches.model, batches, params(20), validate=lambda _: 1.0, checkpoints=checkpoints)
    found = checkpoints.load()
    assert found is not None
    assert found.step == 10
    assert all(bool(tensor.isfinite().all()) for tensor in found.tensors.values())


def test_a_validation_that_is_no_number_is_not_saved(tmp_path: Path) -> None:
    figures = iter([1.0, math.nan])
    with pytest.raises(TrainingError, match=r"step 20 of 20: loss = .*val_bits_per_byte = nan"):
        run(tmp_path, params(20), validate=lambda _: next(figures))
    assert checkpoint_names(tmp_path) == ["step-00000010"]


def test_a_device_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    monkeypatch.setenv("HEDDLE_DEVICE", "cuda")
    with pytest.raises(UsageError, match="HEDDLE_DEVICE=cuda"):
        prepare()
