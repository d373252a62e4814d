"""Line charts, whiskers and heat maps as SVG. Each takes plain numbers and returns one drawing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.reporting import svg, words

Scale = Callable[[float], float]
Point = tuple[float, float]
Cell = tuple[float, bool]  # a value, and whether it is certain enough to be written out


@dataclass(frozen=True)
class Series:
    """One line: its name is written at its end. ``colour`` is an index into the palette; a dashed line is a reference."""

    name: str
    points: Sequence[Point]
    colour: int
    dashed: bool = False


@dataclass(frozen=True)
class Whisker:
    """One figure with its 95 % interval, if it has one."""

    label: str
    value: float
    low: float | None
    high: float | None
    accent: bool = False


def line_chart(
    series: Sequence[Series],
    *,
    title: str,
    description: str,
    x_label: str = "",
    y_format: str = "g",
    categories: Sequence[str] = (),
    size: tuple[int, int] = (520, 260),
    label_width: int = 120,
    from_zero: bool = False,
) -> Markup:
    """Lines over a common x, each named at its end. With ``categories`` x is an index into them. Amounts belong ``from_zero``."""
    width, height = size
    left, right, top, bottom = 46, width - label_width, 14, height - 40
    xs = [x for s in series for x, _ in s.points]
    ys = [y for s in series for _, y in s.points]
    margin = (max(ys) - min(ys)) * 0.06 or abs(max(ys)) * 0.1 or 1.0
    low = 0.0 if from_zero else max(0.0, min(ys) - margin) if min(ys) >= 0 else min(ys) - margin
    x_of, y_of = svg.scale((min(xs), max(xs)), (left, right)), svg.scale((low, max(ys) + margin), (bottom, top))
    grid = [_y_tick(value, y_of(value), left, right, y_format) for value in svg.ticks(low, max(ys) + margin, 4)]
    marks = [(float(i), name) for i, name in enumerate(categories)] or [
        (x, words.count(x)) for x in svg.ticks(min(xs), max(xs), 4)
    ]
    grid += [svg.text(x_of(x), bottom + 16, name, anchor="middle", class_="tick") for x, name in marks]
    grid.append(svg.text(right, bottom + 33, x_label, anchor="end", class_="tick"))
    return svg.drawing(width, height, title, description, *grid, *_lines(series, x_of, y_of, (top, bottom), right))


def _y_tick(value: float, y: float, left: float, right: float, y_format: str) -> Markup:
    line = svg.tag("line", x1=left, x2=right, y1=y, y2=y, class_="grid")
    return line + svg.text(left - 8, y + 4, f"{value:{y_format}}", anchor="end", class_="tick")


def _lines(series: Sequence[Series], x_of: Scale, y_of: Scale, extent: tuple[float, float], right: float) -> list[Markup]:
    ends = [y_of(s.points[-1][1]) for s in series]
    labels = svg.spread(ends, 15, *extent)
    parts = []
    for s, end, at in zip(series, ends, labels, strict=True):
        x = x_of(s.points[-1][0])
        tip = svg.tag("title", f"{s.name}: {words.figure(s.points[0][1])} → {words.figure(s.points[-1][1])}")
        d = svg.path((x_of(a), y_of(b)) for a, b in s.points)
        parts.append(svg.tag("path", tip, d=d, class_=f"line {svg.colour(s.colour)}{' dashed' if s.dashed else ''}"))
        parts.append(svg.tag("circle", tip, cx=x, cy=end, r=3, class_=f"dot {svg.colour(s.colour)}"))
        parts.append(svg.tag("path", d=svg.path([(x + 5, end), (right + 10, at)]), class_="leader"))
        parts.append(svg.text(right + 13, at + 4, s.name, class_=f"label t{svg.colour(s.colour)}"))
    return parts


def whisker_chart(rows: Sequence[Whisker], *, title: str, description: str, x_label: str, width: int = 720) -> Markup:
    """A dot per row on a common scale, a bar for its interval, its value at the end."""
    left, right, step = 190, width - 150, 34
    ends = [v for r in rows for v in (r.value, r.low, r.high) if v is not None]
    margin = (max(ends) - min(ends)) * 0.08 or abs(max(ends)) * 0.1 or 1.0
    domain = (min(ends) - margin, max(ends) + margin)
    x_of, height = svg.scale(domain, (left, right)), step * len(rows) + 46
    parts = []
    for value in svg.ticks(*domain, 5):
        parts.append(svg.tag("line", x1=x_of(value), x2=x_of(value), y1=8, y2=height - 36, class_="grid"))
        parts.append(svg.text(x_of(value), height - 20, f"{value:g}", anchor="middle", class_="tick"))
    for index, row in enumerate(rows):
        parts += _whisker(row, 8 + step * (index + 0.5), x_of, left, right)
    parts.append(svg.text(right, height - 3, x_label, anchor="end", class_="tick"))
    return svg.drawing(width, height, title, description, *parts)


def _whisker(row: Whisker, y: float, x_of: Scale, left: float, right: float) -> list[Markup]:
    kind = "accent" if row.accent else "plain"
    tip = svg.tag("title", f"{row.label}: {words.figure(row.value)} {words.interval(row.low, row.high)}".rstrip())
    parts = [
        svg.text(left - 14, y + 4, words.clipped(row.label, 24), anchor="end", class_=f"label {'strong' if row.accent else ''}")
    ]
    if row.low is not None and row.high is not None:
        a, b = x_of(row.low), x_of(row.high)
        parts.append(svg.tag("rect", tip, x=a, y=y - 4, width=max(b - a, 1.0), height=8, rx=4, class_=f"band {kind}"))
    parts.append(svg.tag("circle", tip, cx=x_of(row.value), cy=y, r=5.5, class_=f"point {kind}"))
    parts.append(svg.text(right + 14, y + 4, words.figure(row.value), class_="label strong"))
    parts.append(svg.text(right + 62, y + 4, words.interval(row.low, row.high), class_="tick"))
    return parts


def heat_map(
    values: Sequence[Sequence[Cell | None]],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str,
    description: str,
    limit: float,
) -> Markup:
    """Cells from −limit (one colour) over nothing at 0 to +limit (another), with figures where they are certain; None is grey."""
    reach = 6 * max(map(len, columns), default=0)  # pixels of the longest label, which is turned by 40 degrees
    left, top, width, height = 150, max(84, 20 + int(0.65 * reach)), 40, 24
    parts = [
        svg.tag("text", name, transform=f"translate({left + width * (i + 0.5):.0f} {top - 8}) rotate(-40)", class_="tick")
        for i, name in enumerate(columns)
    ]
    for r, name in enumerate(rows):
        y = float(top + height * r)
        parts.append(svg.text(left - 10, y + 16, name, anchor="end", class_="label"))
        for c, cell in enumerate(values[r]):
            box = {"x": left + width * c + 1, "y": y + 1, "width": width - 2, "height": height - 2, "rx": 3}
            parts.append(_cell(cell, box, limit, f"{name} × {columns[c]}"))
            if cell is not None and cell[1]:
                middle = left + width * (c + 0.5)
                parts.append(svg.text(middle, y + 16, f"{cell[0]:+.1f}".replace("-", "−"), anchor="middle", class_="cellvalue"))
    size = left + width * len(columns) + max(60, int(0.77 * reach)), top + height * len(rows) + 8
    return svg.drawing(*size, title, description, *parts)


def _cell(cell: Cell | None, box: Mapping[str, object], limit: float, name: str) -> Markup:
    if cell is None:
        return svg.tag("rect", svg.tag("title", f"{name}: too few"), **box, class_="cell none")
    value, certain = cell
    tip = svg.tag("title", f"{name}: {value:+.2f}{'' if certain else ' (not significant)'}")
    strength = f"{0.06 + 0.74 * min(abs(value) / limit, 1.0):.2f}"
    return svg.tag("rect", tip, **box, class_=f"cell {'more' if value > 0 else 'less'}", fill_opacity=strength)
