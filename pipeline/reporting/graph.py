"""The DAG of record, read from dvc.yaml without DVC: ``foreach`` and ``${...}`` filled in from params.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from pipeline.errors import InputError, MissingInputError, ParamsError

_HOLE = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True)
class Node:
    """One stage that DVC runs, ``pretrain@gpt`` being one: what it reads, what it writes, where its counts are."""

    name: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]
    metrics: tuple[str, ...]

    @property
    def stage(self) -> str:
        """The name without its variant: ``pretrain`` of ``pretrain@gpt``."""
        return self.name.partition("@")[0]


@dataclass(frozen=True)
class Graph:
    """Stages in the order of dvc.yaml and the edges between them, (index, index), each once."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]

    def outs(self, stage: str) -> tuple[str, ...]:
        """Every output of a stage, its variants' together; empty for a stage that dvc.yaml does not have."""
        return tuple(out for node in self.nodes if node.stage == stage for out in node.outs)


def read_graph(dvc_yaml: Path, params_yaml: Path) -> Graph:
    """The graph of a dvc.yaml. Raises MissingInputError, InputError (no stages), ParamsError (a ``${...}`` that params lack)."""
    document, params = read_yaml(dvc_yaml), read_yaml(params_yaml)
    stages = document.get("stages")
    if not isinstance(stages, dict) or not stages:
        raise InputError(f"{dvc_yaml}: no stages; give the dvc.yaml of the pipeline")
    nodes = tuple(node for name, entry in stages.items() for node in _expand(name, entry, params, dvc_yaml))
    edges = {
        (source, target)
        for source, before in enumerate(nodes)
        for target, after in enumerate(nodes)
        if source != target and any(_feeds(out, dep) for out in before.outs for dep in after.deps)
    }
    return Graph(nodes, tuple(sorted(edges)))


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping. Raises MissingInputError, InputError."""
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file; run from the folder that holds it, or name it")
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: holds {type(value).__name__}, not a mapping of sections")
    return value


def reduced(graph: Graph) -> tuple[tuple[int, int], ...]:
    """The edges without those that a longer way implies (transitive reduction): what a person needs to see."""
    after: dict[int, set[int]] = {i: set() for i in range(len(graph.nodes))}
    for source, target in graph.edges:
        after[source].add(target)

    def reachable(start: int, seen: set[int]) -> set[int]:
        for step in after[start] - seen:
            seen.add(step)
            reachable(step, seen)
        return seen

    beyond = {i: set().union(*(reachable(j, set()) for j in after[i])) for i in after}
    return tuple((source, target) for source, target in graph.edges if target not in beyond[source])


def layers(graph: Graph) -> list[int]:
    """Each node's layer: the length of the longest way that leads to it. Raises InputError for a cycle."""
    depth = [0] * len(graph.nodes)
    for _ in range(len(graph.nodes) + 1):
        before = list(depth)
        for source, target in graph.edges:
            depth[target] = max(depth[target], depth[source] + 1)
        if depth == before:
            return depth
    raise InputError("dvc.yaml: its stages depend on one another in a circle")


def _feeds(out: str, dep: str) -> bool:
    """Whether an output is what another stage reads, or part of the folder that it reads."""
    a, b = PurePosixPath(out), PurePosixPath(dep)
    return a == b or b in a.parents or a in b.parents


def _expand(name: str, entry: Any, params: Mapping[str, Any], path: Path) -> Iterator[Node]:
    if not isinstance(entry, dict):
        raise InputError(f"{path}: stage {name} holds {entry!r}, not a mapping with cmd, deps and outs")
    if "foreach" not in entry:
        yield _node(name, entry, params, path)
        return
    over = entry["foreach"]
    if isinstance(over, str):
        over = _value(_HOLE.sub(r"\1", over), params, path)
    if not isinstance(over, dict | list | None):
        raise ParamsError(f"{path}: stage {name} repeats over {over!r}; want a mapping or a list in params.yaml")
    pairs = over.items() if isinstance(over, dict) else ((item, item) for item in over or ())
    for key, item in pairs:
        yield _node(f"{name}@{key}", entry["do"], {**params, "key": key, "item": item}, path)


def _node(name: str, entry: Mapping[str, Any], scope: Mapping[str, Any], path: Path) -> Node:
    def filled(*sections: str) -> tuple[str, ...]:
        listed = [item for section in sections for item in entry.get(section) or ()]
        paths = [next(iter(item)) if isinstance(item, dict) else item for item in listed]
        return tuple(_HOLE.sub(lambda hole: str(_value(hole[1], scope, path)), p) for p in paths)

    return Node(name, filled("deps"), filled("outs", "plots"), filled("metrics"))


def _value(dotted: str, scope: Mapping[str, Any], path: Path) -> Any:
    value: Any = scope
    for key in dotted.strip().split("."):
        if not isinstance(value, Mapping) or key not in value:
            raise ParamsError(f"{path}: ${{{dotted}}} has no value in params.yaml; add it there")
        value = value[key]
    return value
