"""One training loop for every neural family: steps, validation, checkpoints, exact resume.

A run is a pure function of its params, its data and the number of threads: batches come from the step, the learning rate too,
and nothing draws random numbers after initialisation. So weights and optimizer buffers are all that a checkpoint needs, and a run
killed at any moment ends with the bits of one that was not.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from pipeline import runtime
from pipeline.errors import TrainingError, UsageError
from pipeline.models.neural import NeuralModel
from pipeline.params import Params
from pipeline.progress import say
from pipeline.train.batches import Batches
from pipeline.train.checkpoint import Checkpoints
from pipeline.train.optimizer import Optimizer, OptimizerParams
from pipeline.train.schedule import SCHEDULES

Row = dict[str, float | None]
COLUMNS = ("step", "tokens", "loss", "lr", "grad_norm", "val_bits_per_byte")
SECONDS_BETWEEN_LINES = 10.0
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class TrainingParams(Params):
    """How a neural family is trained."""

    context: int = Field(ge=2, le=1 << 20, description="tokens per window")
    batch_size: int = Field(ge=1, description="windows per step")
    micro_batch_size: int | None = Field(None, ge=1, description="windows per forward pass; null: all of a step at once")
    max_tokens: int = Field(ge=1, description="tokens to train on at most, repetitions counted")
    max_epochs: float = Field(gt=0, description="passes over the training tokens at most")
    dtype: Literal["float32", "bfloat16"] = Field(description="of the arithmetic; weights are float32")
    clip_norm: float = Field(gt=0, description="gradients of a larger norm are scaled down to it")
    optimizer: OptimizerParams
    schedule: Literal["wsd", "cosine"] = "wsd"
    warmup_steps: int = Field(0, ge=0)
    cooldown: float = Field(0.5, gt=0, le=1, description="share of the steps over which wsd falls")
    final_lr: float = Field(0.0, ge=0, le=1, description="of the last step, as a share of lr")
    log_every: int = Field(10, ge=1, description="steps between rows of the curve")
    validation_every: int = Field(ge=1, description="steps between validations, and between checkpoints")
    validation_tokens: int = Field(ge=1, description="of the validation split, scored each time")


def prepare() -> torch.device:
    """Make torch deterministic, give it the threads that the environment allows, and return the device to train on.

    Raises UsageError when the environment asks for CUDA and there is none.
    """
    wanted, available = runtime.device(), torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise UsageError("HEDDLE_DEVICE=cuda, but torch finds no CUDA device; install a driver or use cpu")
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(runtime.workers())
    return torch.device("cuda" if available and wanted != "cpu" else "cpu")


def train(
    model: NeuralModel,
    batches: Batches,
    params: TrainingParams,
    *,
    validate: Callable[[NeuralModel], float],
    checkpoints: Checkpoints,
) -> list[Row]:
    """Train ``model`` in place, from its latest checkpoint if there is one, and return the curve (COLUMNS; None: not measured).

    ``validate`` gives bits per byte. SIGTERM ends the run after the current step with a checkpoint and exit code 143.
    Raises TrainingError, naming the step, when a loss or a gradient is no number; the last good checkpoint stays.
    """
    total = batches.num_steps(max_tokens=params.max_tokens, max_epochs=params.max_epochs)
    optimizer = Optimizer(model, params.optimizer)
    step, rows = _resume(model, optimizer, checkpoints)
    log = _Log(total, step, batches.tokens_per_batch)
    with _sigterm() as stopped:
        while step < total:
            factor = SCHEDULES[params.schedule](
                step, total, warmup=params.warmup_steps, cooldown=params.cooldown, final=params.final_lr
            )
            loss, grad_norm = _gradients(model, model.prepare(batches[step], step), params)
            _check_finite(step + 1, total, {"loss": loss, "grad_norm": grad_norm}, checkpoints)
            optimizer.step(factor)
            step += 1
            validating = step % params.validation_every == 0 or step == total
            bits = validate(model) if validating else None
            _check_finite(step, total, {"loss": loss, "val_bits_per_byte": bits or 0.0}, checkpoints)
            if validating or step % params.log_every == 0 or step == 1:
                figures = (step, step * batches.tokens_per_batch, loss, optimizer.lr * factor, grad_norm, bits)
                rows.append(dict(zip(COLUMNS, figures, strict=True)))
            log.step(step, loss, bits)
            if validating or stopped:
                checkpoints.save(step, _tensors(model, optimizer), rows)
            if stopped:
                raise SystemExit(128 + signal.SIGTERM)
    return rows


def _check_finite(step: int, total: int, figures: dict[str, float], checkpoints: Checkpoints) -> None:
    """Raise TrainingError for a figure that is no number, before it reaches the weights or a checkpoint."""
    if not all(math.isfinite(value) for value in figures.values()):
        raise TrainingError(
            f"step {step} of {total}: {', '.join(f'{name} = {value}' for name, value in figures.items())}; "
            f"the last good checkpoint is in {checkpoints.folder}; lower training.optimizer.lr, embedding_lr or clip_norm"
        )


def _gradients(model: NeuralModel, batch: tuple[Tensor, ...], params: TrainingParams) -> tuple[float, float]:
    """Leave the batch's mean gradient, clipped, in the weights; its loss (nats per token) and its norm before clipping."""
    model.train()
    model.zero_grad(set_to_none=True)
    rows = len(batch[0])
    size = params.micro_batch_size or rows
    loss = torch.zeros((), device=model.device)
    for start in range(0, rows, size):
        tensors = [tensor[start : start + size].to(model.device) for tensor in batch]
        part = model.loss(*tensors, dtype=DTYPES[params.dtype]) * (len(tensors[0]) / rows)
        part.backward()
        loss += part.detach()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), params.clip_norm)
    return float(loss), float(norm)


def _tensors(model: NeuralModel, optimizer: Optimizer) -> dict[str, Tensor]:
    weights = {f"model.{name}": weight for name, weight in model.named_parameters()}  # a shared one once
    return weights | {f"optimizer.{name}": tensor for name, tensor in optimizer.state().items()}


def _resume(model: NeuralModel, optimizer: Optimizer, checkpoints: Checkpoints) -> tuple[int, list[Row]]:
    """Set model and optimizer to the latest checkpoint; the steps done and the curve so far."""
    found = checkpoints.load()
    if found is None:
        return 0, []
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "optimizer": {}}
    for name, tensor in found.tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = tensor
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(parts["model"][name])
    optimizer.load_state(parts["optimizer"])
    say(f"resuming after step {found.step} from {checkpoints.folder}")
    return found.step, found.rows


@contextmanager
def _sigterm() -> Iterator[list[int]]:
    """Give a list that is empty until SIGTERM comes: a step is finished before the run ends."""
    received: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, before)


class _Log:
    """Speed and loss for whoever watches, every few seconds; never part of an output."""

    def __init__(self, total: int, done: int, tokens_per_step: int) -> None:
        self.total, self.tokens_per_step = total, tokens_per_step
        self._since, self._at, self._bits = done, time.monotonic(), ""

    def step(self, step: int, loss: float, bits: float | None) -> None:
        """Say how the run stands, unless that was said a moment ago."""
        self._bits = self._bits if bits is None else f", validation {bits:.4f} bits per byte"
        elapsed = time.monotonic() - self._at
        if elapsed < SECONDS_BETWEEN_LINES and step < self.total:
            return
        speed = (step - self._since) * self.tokens_per_step / max(elapsed, 1e-9)
        say(f"step {step:,} of {self.total:,}: loss {loss:.4f}{self._bits}, {speed:,.0f} tokens/s")
        self._since, self._at = step, time.monotonic()
