"""Schedules against factors worked out by hand."""

from __future__ import annotations

import pytest

from pipeline.train.schedule import cosine, warmup_stable_decay


def test_warmup_stable_decay() -> None:
    factors = [warmup_stable_decay(step, 10, warmup=3, cooldown=0.4, final=0.2) for step in range(10)]
    # rises in quarters, stands at 1, then the last 4 of 10 steps fall from 1 towards 0.2, which step 10 would have
    assert factors == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1, 1.0, 0.8, 0.6, 0.4])


def test_without_warmup_the_first_step_is_at_full_rate() -> None:
    assert warmup_stable_decay(0, 10, warmup=0, cooldown=0.5, final=0.0) == 1.0


def test_a_run_that_is_all_cooldown() -> None:
    assert [warmup_stable_decay(s, 4, warmup=0, cooldown=1.0, final=0.0) for s in range(4)] == [1.0, 0.75, 0.5, 0.25]


def test_cosine() -> None:
    factors = [cosine(step, 6, warmup=2, cooldown=0.5, final=0.1) for step in range(6)]
    half = 0.1 + 0.9 * 0.5
    slope = 0.9 * 0.5 * 2**-0.5  # cos(45°)
    assert factors == pytest.approx([1 / 3, 2 / 3, 1.0, half + slope, half, half - slope])
