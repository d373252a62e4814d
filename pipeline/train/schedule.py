"""Learning-rate schedules: pure functions of the step, so that a resumed run needs no state of theirs.

Each gives the factor that the base rate is multiplied with at ``step`` (0-based) of ``total`` steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable


def warmup_stable_decay(step: int, total: int, *, warmup: int, cooldown: float, final: float) -> float:
    """Rise linearly for ``warmup`` steps, stay at 1, fall linearly to ``final`` over the last ``cooldown`` share.

    Hu et al. 2024, arXiv:2404.06395.
    """
    falling = max(1, round(cooldown * total))
    fall = final + (1.0 - final) * (total - step) / falling
    return min((step + 1) / (warmup + 1), 1.0, fall)


def cosine(step: int, total: int, *, warmup: int, cooldown: float, final: float) -> float:  # noqa: ARG001
    """Rise linearly for ``warmup`` steps, then fall to ``final`` along half a cosine; ``cooldown`` is not used.

    Loshchilov and Hutter 2016, arXiv:1608.03983.
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    progress = (step - warmup) / max(1, total - warmup)
    return final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * progress))


SCHEDULES: dict[str, Callable[..., float]] = {"wsd": warmup_stable_decay, "cosine": cosine}
