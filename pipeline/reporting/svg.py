"""SVG as nested function calls, numbers and scales. Colours are CSS classes of the page, so one drawing serves light and dark.

>>> str(tag("text", "a < b", x=1.25, text_anchor="end"))
'<text x="1.2" text-anchor="end">a &lt; b</text>'
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from markupsafe import Markup, escape

NUM_COLOURS = 7  # of the palette, CSS classes c0 … c6


def tag(name: str, *children: str | None, **attributes: object) -> Markup:
    """One element. ``class_`` is class, ``text_anchor`` is text-anchor; None is left out; text is escaped, Markup is not."""
    given = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _number(value))
        for key, value in attributes.items()
        if value is not None
    )
    inner = Markup("").join(escape(child) for child in children if child is not None)
    return Markup("<{0}{1}>{2}</{0}>").format(name, given, inner)


def drawing(width: float, height: float, title: str, description: str, *children: Markup, class_: str = "") -> Markup:
    """A drawing that scales with the page, with the words that a screen reader says instead."""
    return tag(
        "svg",
        tag("title", title),
        tag("desc", description),
        *children,
        viewBox=f"0 0 {_number(width)} {_number(height)}",
        role="img",
        aria_label=f"{title}. {description}",
        class_=f"drawing {class_}".strip(),
        style=f"max-width:{_number(width)}px",
    )


def text(x: float, y: float, content: str, *, anchor: str | None = None, class_: str | None = None, tip: str = "") -> Markup:
    """One line of text; ``tip`` shows on hover."""
    hover = tag("title", tip) if tip else None
    return tag("text", content, hover, x=x, y=y, text_anchor=anchor, class_=class_)


def path(points: Iterable[tuple[float, float]]) -> str:
    """``d`` of a path along straight lines."""
    return "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)


def ribbon(x0: float, top0: float, x1: float, top1: float, thickness: float) -> str:
    """``d`` of a band of constant thickness that leaves and arrives horizontally."""
    middle, bottom0, bottom1 = (x0 + x1) / 2, top0 + thickness, top1 + thickness
    n = _number
    return (
        f"M{n(x0)} {n(top0)}C{n(middle)} {n(top0)} {n(middle)} {n(top1)} {n(x1)} {n(top1)}"
        f"L{n(x1)} {n(bottom1)}C{n(middle)} {n(bottom1)} {n(middle)} {n(bottom0)} {n(x0)} {n(bottom0)}Z"
    )


def scale(domain: tuple[float, float], extent: tuple[float, float]) -> Callable[[float], float]:
    """A linear map of ``domain`` onto ``extent``; a domain of one point maps to the middle."""
    (low, high), (start, end) = domain, extent
    if high == low:
        return lambda _: (start + end) / 2
    return lambda value: start + (value - low) / (high - low) * (end - start)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten) within [low, high], about ``count`` of them."""
    if not high > low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def spread(wanted: list[float], gap: float, low: float, high: float) -> list[float]:
    """Positions as near to ``wanted`` as labels ``gap`` apart allow, within [low, high] where they fit; same order as given."""
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    placed = [wanted[i] for i in order]
    for i in range(len(placed)):
        placed[i] = max(placed[i], low if i == 0 else placed[i - 1] + gap)
    for i in reversed(range(len(placed))):
        placed[i] = min(placed[i], high if i == len(placed) - 1 else placed[i + 1] - gap)
    positions = dict(zip(order, placed, strict=True))
    return [positions[i] for i in range(len(wanted))]


def colour(index: int) -> str:
    """CSS class of the index-th category."""
    return f"c{index % NUM_COLOURS}"


def _number(value: object) -> object:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value
