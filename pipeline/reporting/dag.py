"""The DAG as a drawing: layers from left to right, in rows that fit the page, as in Sugiyama, Tagawa & Toda (1981).

A long edge gets a waypoint in every layer that it crosses, so that it runs around nodes; the order within a layer follows the
mean position of the neighbours before it (the barycentre rule).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from markupsafe import Markup

from pipeline.reporting import svg, words
from pipeline.reporting.graph import Graph, layers, reduced

WIDTH, NODE, HEIGHT, GAP, WAYPOINT, ROW_GAP = 1100, 132, 58, 14, 8, 46  # pixels
LAYERS_PER_ROW = 7

Slot = int | tuple[int, int, int]  # a node, or the waypoint (source, target, layer) of an edge


def draw(graph: Graph, notes: Mapping[str, str], *, title: str, description: str) -> Markup:
    """Every node with its name and, below it, what ``notes`` says of it; edges that others imply are left out."""
    depth, edges = layers(graph), reduced(graph)
    columns, links = _columns(depth, edges)
    rows = _rows(len(columns))
    places, bottom = _places(columns, rows)
    parts = [_edge(places[a], places[b], rows, ends=isinstance(b, int)) for a, b in links]
    for index, node in enumerate(graph.nodes):
        x, y, _ = places[index]
        parts.append(_node(x, y, node.name, notes.get(node.name, "")))
    marker = svg.tag("path", d="M0 0L7 3.5L0 7z", class_="arrow")
    head = svg.tag(
        "defs", svg.tag("marker", marker, id="head", markerWidth="7", markerHeight="7", refX="6.5", refY="3.5", orient="auto")
    )
    return svg.drawing(WIDTH, bottom, title, description, head, *parts, class_="dag")


def _columns(depth: Sequence[int], edges: Sequence[tuple[int, int]]) -> tuple[list[list[Slot]], list[tuple[Slot, Slot]]]:
    """The slots of each layer in order, and the links between slots of neighbouring layers."""
    columns: list[list[Slot]] = [[] for _ in range(max(depth) + 1)]
    for index, layer in enumerate(depth):
        columns[layer].append(index)
    links: list[tuple[Slot, Slot]] = []
    for source, target in edges:
        way: list[Slot] = [source, *((source, target, layer) for layer in range(depth[source] + 1, depth[target])), target]
        for layer, slot in enumerate(way[1:-1], start=depth[source] + 1):
            columns[layer].append(slot)
        links += pairwise(way)
    for before, column in pairwise(columns):
        rank = {slot: i for i, slot in enumerate(before)}
        mean = {s: [rank[a] for a, b in links if b == s and a in rank] or [0] for s in column}
        column.sort(key=lambda s: (isinstance(s, tuple), sum(mean[s]) / len(mean[s]), s if isinstance(s, tuple) else (s,)))
    return columns, links


def _rows(num_layers: int) -> list[int]:
    """The row of each layer: as few rows as fit, filled evenly."""
    num_rows = -(-num_layers // LAYERS_PER_ROW)
    per_row = -(-num_layers // num_rows)
    return [layer // per_row for layer in range(num_layers)]


def _places(columns: Sequence[Sequence[Slot]], rows: Sequence[int]) -> tuple[dict[Slot, tuple[float, float, int]], float]:
    """Left edge, middle and layer of each slot, and the height of the whole; a column is centred in its row."""
    heights = [sum(HEIGHT if isinstance(s, int) else WAYPOINT for s in c) + GAP * (len(c) - 1) for c in columns]
    places: dict[Slot, tuple[float, float, int]] = {}
    top = 8.0
    for row in range(rows[-1] + 1):
        members = [layer for layer, r in enumerate(rows) if r == row]
        tallest = max(heights[layer] for layer in members)
        step = (WIDTH - NODE - 4) / max(len(members) - 1, 1)
        for position, layer in enumerate(members):
            y = top + (tallest - heights[layer]) / 2
            for slot in columns[layer]:
                height = HEIGHT if isinstance(slot, int) else WAYPOINT
                places[slot] = (2 + step * position, y + height / 2, layer)
                y += height + GAP
        top += tallest + ROW_GAP
    return places, top - ROW_GAP + 8


def _edge(source: tuple[float, float, int], target: tuple[float, float, int], rows: Sequence[int], *, ends: bool) -> Markup:
    """An edge to a node, or to a waypoint, which it then crosses."""
    (x0, y0, a), (x1, y1, b) = (source[0] + NODE, source[1], source[2]), target
    if rows[a] == rows[b]:
        bend = (x1 - x0) / 2
        d = f"M{x0:.1f} {y0:.1f}C{x0 + bend:.1f} {y0:.1f} {x1 - bend:.1f} {y1:.1f} {x1 - 1:.1f} {y1:.1f}"
        d += "" if ends else f"H{x1 + NODE + 1:.1f}"
    else:  # down into the gap between the rows, back to the left, and in from above
        x0, gutter = x0 - NODE / 2, y0 + HEIGHT / 2 + ROW_GAP * 0.5
        y0, x1, y1 = y0 + HEIGHT / 2, x1 + NODE / 2, y1 - HEIGHT / 2
        d = f"M{x0:.1f} {y0:.1f}V{gutter - 8:.1f}q0 8 -8 8H{x1 + 8:.1f}q-8 0 -8 8V{y1 - 1:.1f}"
    return svg.tag("path", d=d, class_="edge", marker_end="url(#head)" if ends else None)


def _node(x: float, y: float, name: str, note: str) -> Markup:
    """A box: the stage, its variant in bold if it has one, and the note."""
    stage, _, variant = name.partition("@")
    lines = [(stage, "tick"), (variant, "label strong")] if variant else [(stage, "label strong")]
    lines += [(note, "tick")] if note else []
    top = y + 4 - 8 * (len(lines) - 1)
    texts = [svg.text(x + 10, top + 16 * i, words.clipped(line, 22), class_=kind) for i, (line, kind) in enumerate(lines)]
    box = svg.tag("rect", x=x, y=y - HEIGHT / 2, width=NODE, height=HEIGHT, rx=7, class_="node")
    return svg.tag("g", svg.tag("title", f"{name}: {note}" if note else name), box, *texts)
