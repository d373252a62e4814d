"""A Sankey diagram of the corpus: the kept documents flow to the right, each rule's losses bend away below its stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.reporting import svg, words

WIDTH, LEFT, TOP, BAND = 1100, 8, 44, 190  # pixels; BAND: the height of everything that came
LINE = 17  # pixels from one lost rule's label to the next


@dataclass(frozen=True)
class Leak:
    """What leaves the flow: its amount, and the words for it."""

    name: str
    amount: float
    note: str


@dataclass(frozen=True)
class Station:
    """A stage that the flow passes: what it kept, and what it lost, largest first."""

    name: str
    kept: float
    leaks: tuple[Leak, ...]


def sankey(start: Leak, stations: Sequence[Station], ends: Sequence[Leak], *, title: str, description: str) -> Markup:
    """Draw the flow of ``start`` through ``stations`` into ``ends``. Amounts are documents or bytes; thickness is amount."""
    per_pixel = max(start.amount, 1.0) / BAND
    step = (WIDTH - LEFT - 150) / (len(stations) + 0.55)
    parts, labels = [], [svg.text(LEFT, TOP - 26, start.name, class_="label strong")]
    labels.append(svg.text(LEFT, TOP - 11, start.note, class_="tick"))
    x, level, depth = float(LEFT), start.amount, float(TOP + BAND)
    for station in stations:
        bend = x + step * 0.42
        parts.append(_band(x, bend, level / per_pixel, "flow"))
        drawn, names, bottom = _leaks(station, bend, level / per_pixel, per_pixel, step)
        parts += drawn
        labels += names
        parts.append(_band(bend, x + step, station.kept / per_pixel, "flow"))
        parts.append(svg.tag("rect", x=bend - 2, y=TOP, width=4, height=max(level / per_pixel, 1.0), class_="gate"))
        labels.append(svg.text(bend - 2, TOP - 26, station.name, class_="label strong"))
        x, level, depth = x + step, station.kept, max(depth, bottom)
    drawn, names, bottom = _ends(ends, x, level, per_pixel)
    return svg.drawing(WIDTH, max(depth, bottom) + 12, title, description, *parts, *drawn, *labels, *names, class_="sankey")


def _band(x0: float, x1: float, thickness: float, class_: str) -> Markup:
    return svg.tag("rect", x=x0, y=TOP, width=x1 - x0 + 0.5, height=max(thickness, 1.0), class_=class_)


def _leaks(
    station: Station, bend: float, level: float, per_pixel: float, step: float
) -> tuple[list[Markup], list[Markup], float]:
    """Ribbons from the bottom of the band to a list of labels below it; the lowest slice goes to the lowest label."""
    thick = [max(leak.amount / per_pixel, 1.0) for leak in station.leaks]
    source = TOP + level - sum(thick)
    end, y = bend + min(step * 0.3, 46.0), max(TOP + station.kept / per_pixel, source) + 30
    parts, labels = [], []
    for leak, width in zip(station.leaks, thick, strict=True):
        tip = svg.tag("title", f"{station.name}, {leak.name}: {leak.note}")
        parts.append(svg.tag("path", tip, d=svg.ribbon(bend, source, end, y, width), class_="loss"))
        note = svg.tag("tspan", f" {leak.note}", class_="tick")
        name = words.clipped(leak.name, max(8, int((step - 60) / 6.2) - len(leak.note)))
        labels.append(svg.tag("text", tip, name, note, x=end + 6, y=y + width / 2 + 4, class_="small"))
        source, y = source + width, y + max(width + 3, LINE)
    return parts, labels, y


def _ends(ends: Sequence[Leak], x: float, level: float, per_pixel: float) -> tuple[list[Markup], list[Markup], float]:
    parts, labels, source, y = [], [], float(TOP), float(TOP)
    for index, leak in enumerate(ends):
        width = max(leak.amount / per_pixel, 1.0)
        tip = svg.tag("title", f"{leak.name}: {leak.note}")
        parts.append(svg.tag("path", tip, d=svg.ribbon(x, source, x + 60, y, width), class_=f"end {svg.colour(index)}"))
        labels.append(svg.text(x + 68, y + width / 2, leak.name, class_="label strong"))
        labels.append(svg.text(x + 68, y + width / 2 + 15, leak.note, class_="tick"))
        source, y = source + width, y + max(width + 10, 36)
    return parts, labels, y if level else float(TOP)
