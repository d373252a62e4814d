"""A Sankey diagram of the corpus: the kept documents flow to the right, each rule's losses bend away below its stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.reporting import svg, words

WIDTH, LEFT, TOP, BAND = 1100, 8, 44, 190  # pixels; BAND: the height of everything that came
LINE, BRANCH, CHARACTER = 17, 44, 6.4  # pixels: from one lost rule's label to the next, of a ribbon's way, of a character
LONGEST = 26  # characters of a rule's name


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
    gates = _gates(stations)
    parts = [_band(LEFT, gates[0], start.amount / per_pixel)]
    labels = [svg.text(LEFT, TOP - 26, start.name, class_="label strong"), svg.text(LEFT, TOP - 11, start.note, class_="tick")]
    level, depth = start.amount, float(TOP + BAND)
    for station, x, following in zip(stations, gates, gates[1:], strict=False):
        parts.append(_band(x, following, station.kept / per_pixel))
        drawn, names, bottom = _leaks(station, x, level / per_pixel, per_pixel)
        parts += [*drawn, svg.tag("rect", x=x - 2, y=TOP, width=4, height=max(level / per_pixel, 1.0), class_="gate")]
        labels += [*names, svg.text(x - 2, TOP - 11, station.name, class_="label strong")]
        level, depth = station.kept, max(depth, bottom)
    drawn, names, bottom = _ends(ends, gates[-1], per_pixel)
    return svg.drawing(WIDTH, max(depth, bottom) + 8, title, description, *parts, *drawn, *labels, *names, class_="sankey")


def _gates(stations: Sequence[Station]) -> list[float]:
    """Where each station stands, and where the last one's column ends: columns as wide as their labels need, stretched to fit."""
    wanted = [float(max([len(s.name), *(BRANCH / CHARACTER + len(_label(x)) + len(x.note) for x in s.leaks)])) for s in stations]
    first, last = LEFT + 70.0, WIDTH - 170.0
    if not stations:
        return [first]
    stretch, gates = (last - first) / (sum(wanted) + 2 * len(wanted)), [first]
    for width in wanted:
        gates.append(gates[-1] + (width + 2) * stretch)
    return gates


def _label(leak: Leak) -> str:
    """The last part of a rule's name says enough beside its stage; hovering shows all of it."""
    return words.clipped(leak.name.rpartition("/")[2], LONGEST)


def _band(x0: float, x1: float, thickness: float) -> Markup:
    return svg.tag("rect", x=x0, y=TOP, width=x1 - x0, height=max(thickness, 1.0), class_="flow")


def _leaks(station: Station, x: float, level: float, per_pixel: float) -> tuple[list[Markup], list[Markup], float]:
    """Ribbons from the bottom of the band to a list of labels below it; the lowest slice goes to the lowest label."""
    thick = [max(leak.amount / per_pixel, 1.0) for leak in station.leaks]
    source, y = TOP + level - sum(thick), max(TOP + station.kept / per_pixel, TOP + level) + 18
    parts, labels = [], []
    for leak, width in zip(station.leaks, thick, strict=True):
        tip = svg.tag("title", f"{station.name}, {leak.name}: {leak.note}")
        parts.append(svg.tag("path", tip, d=svg.ribbon(x, source, x + BRANCH, y, width), class_="loss"))
        note = svg.tag("tspan", f" {leak.note}", class_="tick")
        labels.append(svg.tag("text", tip, _label(leak), note, x=x + BRANCH + 6, y=y + width / 2 + 4, class_="small"))
        source, y = source + width, y + max(width + 4, LINE)
    return parts, labels, y


def _ends(ends: Sequence[Leak], x: float, per_pixel: float) -> tuple[list[Markup], list[Markup], float]:
    parts, labels, source, y = [], [], float(TOP), float(TOP)
    for index, leak in enumerate(ends):
        width = max(leak.amount / per_pixel, 1.0)
        tip = svg.tag("title", f"{leak.name}: {leak.note}")
        parts.append(svg.tag("path", tip, d=svg.ribbon(x, source, x + 76, y, width), class_=f"end {svg.colour(3 * index % 4)}"))
        labels.append(svg.text(x + 84, y + width / 2 + 1, leak.name, class_="label strong"))
        labels.append(svg.text(x + 84, y + width / 2 + 16, leak.note, class_="tick"))
        source, y = source + width, y + max(width + 10, 38)
    return parts, labels, y
