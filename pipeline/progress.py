"""Progress on a terminal as a bar, elsewhere as a plain line every few seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track as rich_track

T = TypeVar("T")
SECONDS_BETWEEN_LINES = 5.0


def track(items: Iterable[T], description: str, total: int) -> Iterator[T]:
    """Yield ``items`` and show how many of ``total`` are done."""
    if sys.stderr.isatty():
        yield from rich_track(items, description, total, console=Console(stderr=True), transient=True)
        return
    shown = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        if time.monotonic() - shown >= SECONDS_BETWEEN_LINES and done < total:
            shown = time.monotonic()
            say(f"{description}: {done:,} of {total:,} ({100 * done / total:.0f} %)")
    say(f"{description}: {total:,} of {total:,}")


def say(line: str) -> None:
    """Print one line to standard error at once."""
    print(line, file=sys.stderr, flush=True)
