"""Drawings: geometry that a reader would misread if it were wrong, and text that must stay text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from pipeline.reporting import svg, words
from pipeline.reporting.charts import Series, Whisker, heat_map, line_chart, whisker_chart
from pipeline.reporting.dag import HEIGHT, NODE, draw
from pipeline.reporting.graph import Graph, Node
from pipeline.reporting.sankey import BAND, Leak, Station, sankey


def parsed(drawing: str) -> ET.Element:
    return ET.fromstring(str(drawing))


def boxes(root: ET.Element, class_: str) -> list[dict[str, float]]:
    found = [e for e in root.iter("rect") if class_ in (e.get("class") or "").split()]
    return [{key: float(e.get(key, "0")) for key in ("x", "y", "width", "height")} for e in found]


def test_text_and_attributes_are_escaped() -> None:
    drawn = svg.tag("text", "<script>&", data_name='"><b>')
    assert str(drawn) == '<text data-name="&#34;&gt;&lt;b&gt;">&lt;script&gt;&amp;</text>'


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (1.38, 1.66, [1.4, 1.5, 1.6]),
        (3, 3, [3]),
        (0, 4.2e6, [0, 1e6, 2e6, 3e6, 4e6]),
    ],
)
def test_ticks_are_round_and_inside(low: float, high: float, expected: list[float]) -> None:
    assert svg.ticks(low, high) == pytest.approx(expected)


def test_labels_are_spread_without_changing_their_order() -> None:
    placed = svg.spread([50.0, 51.0, 49.0, 100.0], 15, 0, 100)
    assert sorted(range(4), key=lambda i: placed[i]) == [2, 0, 1, 3]
    ordered = sorted(placed)
    assert all(b - a >= 14.99 for a, b in pairwise(ordered))
    assert ordered[-1] <= 100


def test_a_flow_is_as_thick_as_its_amount() -> None:
    stations = [
        Station("clean", 75.0, (Leak("rule/short", 20.0, "20"), Leak("rule/long", 5.0, "5"))),
        Station("dedup", 50.0, (Leak("near", 25.0, "25"),)),
    ]
    root = parsed(
        sankey(
            Leak("read", 100.0, "100"),
            stations,
            [Leak("train", 40.0, "40"), Leak("test", 10.0, "10")],
            title="t",
            description="d",
        )
    )
    assert [box["height"] for box in boxes(root, "flow")] == [BAND, BAND * 0.75, BAND * 0.5]
    edges = [box["x"] + box["width"] for box in boxes(root, "flow")]
    assert edges == sorted(edges)
    assert len([e for e in root.iter("path") if e.get("class") == "loss"]) == 3
    assert "rule/short: 20" in "".join(root.itertext())


def test_a_flow_that_loses_nothing_is_drawn() -> None:
    root = parsed(sankey(Leak("read", 3.0, "3"), [], [Leak("train", 3.0, "3")], title="t", description="d"))
    assert len(boxes(root, "flow")) == 1


def chain(count: int) -> Graph:
    nodes = tuple(Node(f"stage{i}", (), (), ()) for i in range(count))
    return Graph(nodes, tuple((i, i + 1) for i in range(count - 1)))


def test_boxes_of_the_dag_do_not_overlap_and_edges_run_forward() -> None:
    nodes = tuple(Node(name, (), (), ()) for name in ("a", "b@one", "b@two", "c", "d", "e"))
    graph = Graph(nodes, ((0, 1), (0, 2), (1, 3), (2, 4), (3, 4), (4, 5)))
    root = parsed(draw(graph, {"a": "1 doc"}, title="t", description="d"))
    placed = boxes(root, "node")
    assert len(placed) == 6
    for i, a in enumerate(placed):
        for b in placed[:i]:
            assert abs(a["x"] - b["x"]) >= NODE or abs(a["y"] - b["y"]) >= HEIGHT
    assert len([e for e in root.iter("path") if e.get("marker-end")]) == 6  # one arrow head for each edge


def test_a_long_dag_continues_on_a_second_row() -> None:
    placed = boxes(parsed(draw(chain(13), {}, title="t", description="d")), "node")
    assert len({box["y"] for box in placed}) == 2
    assert max(box["x"] + box["width"] for box in placed) <= 1100


def test_lines_keep_their_place_and_say_where_they_end() -> None:
    series = [Series("up", [(0, 1.0), (10, 2.0)], 0), Series("level", [(0, 1.5), (10, 1.5)], 1, dashed=True)]
    root = parsed(line_chart(series, title="t", description="d", x_label="tokens"))
    ends = {e[0].text: float(e.get("cy", "0")) for e in root.iter("circle")}
    assert ends["up: 1.000 → 2.000"] < ends["level: 1.500 → 1.500"]  # higher is nearer the top
    assert "dashed" in [e.get("class") for e in root.iter("path")][2]


def test_a_single_point_can_be_drawn() -> None:
    assert "nan" not in str(line_chart([Series("a", [(1, 0.0)], 0)], title="t", description="d"))
    assert "nan" not in str(whisker_chart([Whisker("a", 1.0, None, None)], title="t", description="d", x_label="x"))


def test_whiskers_cover_their_interval() -> None:
    rows = [Whisker("a", 1.0, 0.9, 1.1, accent=True), Whisker("b", 2.0, 1.5, 2.5)]
    root = parsed(whisker_chart(rows, title="t", description="d", x_label="x"))
    widths = [box["width"] for box in boxes(root, "band")]
    assert widths[1] == pytest.approx(5 * widths[0], rel=0.02)


def test_uncertain_cells_have_no_figure() -> None:
    root = parsed(heat_map([[(1.0, True), (-1.0, False), None]], ["g"], ["x", "y", "z"], title="t", description="d", limit=2.0))
    assert [e.text for e in root.iter("text") if e.get("class") == "cellvalue"] == ["+1.0"]
    assert "not significant" in str(ET.tostring(root, encoding="unicode"))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (words.count(12345), "12,345"),
        (words.count(3.2e6), "3.20 M"),
        (words.size(999), "999 B"),
        (words.size(12_345_678), "12.3 MB"),
        (words.figure(0.0481), "0.048"),
        (words.figure(1.4123), "1.412"),
        (words.figure(0.0), "0.000"),
        (words.figure(1.2e-4), "1.2e-04"),
        (words.figure(146.12), "146.1"),
        (words.bound(None, 0.2), "≤ 0.2"),
        (words.bound(50.0, None), "≥ 50"),
        (words.bound(3, 10), "3 … 10"),
        (words.bound(None, None), ""),
        (words.percent(0.7351), "73.5 %"),
        (words.clipped("abcdef", 4), "abc…"),
        (words.interval(1.0, None), ""),
    ],
)
def test_figures_read_well(said: str, expected: str) -> None:
    assert said == expected


def test_a_drawing_can_be_heard() -> None:
    drawn = str(line_chart([Series("a", [(0, 1.0), (1, 2.0)], 0)], title="Loss", description="From 1 to 2."))
    assert re.match(r'<svg><title>|<svg [^>]*role="img"[^>]*aria-label="Loss. From 1 to 2."', drawn)
    assert "<title>Loss</title><desc>From 1 to 2.</desc>" in drawn
