"""dvc.yaml is read as DVC reads it, as far as the report and explain need."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import InputError, MissingInputError, ParamsError
from pipeline.reporting.graph import layers, read_graph, reduced

DVC = """
stages:
  read:
    cmd: run
    deps: ["${source.path}"]
    outs: [data/read/docs]
  train:
    foreach: ${train}
    do:
      cmd: run
      deps: [data/read]
      outs: ["data/train/${key}"]
      plots: [{"data/train/${key}.csv": {x: step}}]
      metrics: [{"data/train/${key}.json": {cache: false}}]
  score:
    cmd: run
    deps: [data/read/docs, data/train]
    outs: [data/score.parquet]
"""
PARAMS = "source: {path: raw}\ntrain: {small: {}, large: {}}\n"


def write(folder: Path, dvc: str = DVC, params: str = PARAMS) -> tuple[Path, Path]:
    (folder / "dvc.yaml").write_text(dvc)
    (folder / "params.yaml").write_text(params)
    return folder / "dvc.yaml", folder / "params.yaml"


def test_foreach_and_interpolation_are_filled_in(tmp_path: Path) -> None:
    graph = read_graph(*write(tmp_path))
    assert [node.name for node in graph.nodes] == ["read", "train@small", "train@large", "score"]
    assert graph.nodes[0].deps == ("raw",)
    assert graph.nodes[2].outs == ("data/train/large", "data/train/large.csv")
    assert graph.nodes[2].metrics == ("data/train/large.json",)
    assert graph.outs("train")[0] == "data/train/small"
    assert graph.outs("absent") == ()


def test_a_folder_feeds_what_reads_a_part_of_it_and_the_reverse(tmp_path: Path) -> None:
    graph = read_graph(*write(tmp_path))
    assert graph.edges == ((0, 1), (0, 2), (0, 3), (1, 3), (2, 3))
    assert reduced(graph) == ((0, 1), (0, 2), (1, 3), (2, 3))  # read → score is implied
    assert layers(graph) == [0, 1, 1, 2]


def test_an_empty_foreach_is_no_stage(tmp_path: Path) -> None:
    graph = read_graph(*write(tmp_path, params="source: {path: raw}\ntrain: {}\n"))
    assert [node.name for node in graph.nodes] == ["read", "score"]


@pytest.mark.parametrize(
    ("dvc", "params", "error", "words"),
    [
        (DVC, "train: {}\n", ParamsError, "source.path"),
        ("a: 1\n", PARAMS, InputError, "no stages"),
        ("stages: [", PARAMS, InputError, "not valid YAML"),
        ("stages: {a: 3}\n", PARAMS, InputError, "stage a"),
        (DVC, "- 1\n", InputError, "not a mapping"),
        (DVC, "source: {path: raw}\ntrain: 3\n", ParamsError, "train"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, dvc: str, params: str, error: type[InputError], words: str) -> None:
    with pytest.raises(error, match=words):
        read_graph(*write(tmp_path, dvc, params))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"dvc\.yaml"):
        read_graph(tmp_path / "dvc.yaml", tmp_path / "params.yaml")


def test_a_circle_is_an_error(tmp_path: Path) -> None:
    circle = "stages:\n  a: {cmd: x, deps: [b], outs: [a]}\n  b: {cmd: x, deps: [a], outs: [b]}\n"
    with pytest.raises(InputError, match="circle"):
        layers(read_graph(*write(tmp_path, circle)))
