"""Figures as people read them."""

from __future__ import annotations


def count(value: float) -> str:
    """12,345; from a million on 3.42 M, from a billion on 1.2 B."""
    if abs(value) >= 1e9:
        return f"{value / 1e9:.2f} B"
    return f"{value / 1e6:.2f} M" if abs(value) >= 1e6 else f"{value:,.0f}"


def size(num_bytes: float) -> str:
    """Bytes in the decimal unit that leaves 1 to 999: 12.3 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(num_bytes) < 1000:
            return f"{num_bytes:.0f} B" if unit == "B" else f"{num_bytes:.1f} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:.1f} TB"


def percent(share: float, digits: int = 1) -> str:
    """0.123 as 12.3 %."""
    return f"{100 * share:.{digits}f} %"


def figure(value: float) -> str:
    """Three decimals below ten, fewer above, two significant digits for what is tiny: 0.048, 1.234, 12.35, 1,235, 1.2e-04."""
    if abs(value) >= 1000:
        return count(value)
    if abs(value) < 10:
        return f"{value:.3f}" if abs(value) >= 5e-3 or value == 0 else f"{value:.1e}"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.1f}"


def interval(low: float | None, high: float | None) -> str:
    """[1.40, 1.44], or nothing where there is no interval."""
    return "" if low is None or high is None else f"[{figure(low)}, {figure(high)}]"


def bound(low: float | None, high: float | None) -> str:
    """What a document's score must be to be kept: ``≥ 50``, ``≤ 0.2``, ``0.1 … 0.9``; empty without a bound."""
    if low is not None and high is not None:
        return f"{low:,g} … {high:,g}"
    return f"≥ {low:,g}" if low is not None else f"≤ {high:,g}" if high is not None else ""


def clipped(text: str, limit: int) -> str:
    """At most ``limit`` characters, the last an ellipsis if something was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
