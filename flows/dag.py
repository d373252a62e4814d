"""The DVC graph, what must run and why, and each stage's flow options: the only module that imports DVC."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.stage import PipelineStage
from dvc.utils.serialize import modify_yaml
from pydantic import Field, ValidationError

from pipeline.errors import MissingInputError, ParamsError, UsageError
from pipeline.params import Params

SECONDS_BETWEEN_TRIES = 1.0


class FlowOptions(Params):
    """``meta.prefect`` of a stage in dvc.yaml. It does not invalidate the stage."""

    tags: tuple[str, ...] = ()
    """``accelerator``: needs the GPU, or every core, so that one such stage runs at a time."""
    retries: int = Field(0, ge=0, le=10)
    """How often to try again after a failure. DVC deletes the outputs before each try."""
    timeout_seconds: float = Field(0, ge=0)
    """After this long the stage's processes are ended and the try has failed; 0 is no limit."""


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml, as the flow needs it."""

    name: str
    """``clean``, or ``pretrain@gpt`` for one of a group."""
    upstream: tuple[str, ...]
    """Stages whose outputs it reads."""
    options: FlowOptions
    outs: tuple[Path, ...]
    """What it writes, relative to the project: data, metrics and plots."""
    metrics: tuple[Path, ...]
    """The JSON reports among ``outs``."""
    changed: str
    """Why it must run whatever happens upstream, in words; empty when nothing about it changed."""


class Graph:
    """Stages in topological order, those that dvc.yaml names first coming first.

    Raises MissingInputError outside a DVC project, ParamsError for dvc.yaml or a ``meta.prefect`` that does not parse.
    """

    def __init__(self, root: Path, *, say: Callable[[str], None] = print) -> None:
        # After a kill DVC clears the dead process's entries in its lock file and says so for each of them.
        logging.getLogger("dvc.rwlock").setLevel(logging.ERROR)
        try:
            with Repo(str(root), _wait_for_lock=True) as repo:
                self.root = Path(repo.root_dir)
                status = _status(repo, say)
                nodes = {node.name: node for node in repo.index.stages if isinstance(node, PipelineStage)}
                edges = {name: _upstream(repo, node, nodes) for name, node in nodes.items()}
        except NotDvcRepoError as error:
            raise MissingInputError(f"{root}: no DVC project here; run `dvc init` in the folder of dvc.yaml") from error
        except DvcException as error:
            raise ParamsError(f"{root / 'dvc.yaml'}: {error}") from error
        order = _sorted(edges)
        self.stages = {
            name: _stage(nodes[name], edges[name], status.get(nodes[name].addressing, []), self.root) for name in order
        }

    def select(self, targets: list[str]) -> list[Stage]:
        """The targets and all they need, in order; everything for no targets. ``pretrain`` means every ``pretrain@…``.

        Raises UsageError for a name that is no stage.
        """
        wanted: set[str] = set()
        for target in targets or list(self.stages):
            names = [name for name in self.stages if target in {name, name.partition("@")[0]}]
            if not names:
                raise UsageError(f"no stage {target!r} in dvc.yaml; there are {', '.join(self.stages)}")
            wanted.update(names)
        for stage in reversed(self.stages.values()):
            if stage.name in wanted:
                wanted.update(stage.upstream)
        return [stage for stage in self.stages.values() if stage.name in wanted]


def use_files(root: Path, path: str) -> None:
    """Have ``ingest`` read the files under ``path``: set it in params.yaml, comments kept, as `dvc exp run --set-param` would."""
    with modify_yaml(str(root / "params.yaml")) as params:
        params["ingest"]["source"] = "files"
        params["ingest"]["files"]["path"] = path


def _status(repo: Repo, say: Callable[[str], None]) -> dict[str, list[Any]]:
    """What DVC reports as changed, per stage; waits while another DVC process holds a file (DVC itself would give up at once)."""
    said = False
    while True:
        try:
            return dict(repo.status())
        except LockError as error:
            if not said:
                say(f"waiting for another DVC process: {str(error).splitlines()[0]}")
                said = True
            time.sleep(SECONDS_BETWEEN_TRIES)


def _upstream(repo: Repo, node: Any, nodes: dict[str, Any]) -> tuple[str, ...]:
    reads_from = set(repo.index.graph.successors(node))
    return tuple(name for name, other in nodes.items() if other in reads_from)


def _sorted(edges: dict[str, tuple[str, ...]]) -> list[str]:
    order: list[str] = []
    while len(order) < len(edges):
        order.append(next(n for n, upstream in edges.items() if n not in order and set(upstream) <= set(order)))
    return order


def _stage(node: Any, upstream: tuple[str, ...], status: list[Any], root: Path) -> Stage:
    try:
        options = FlowOptions.model_validate((node.meta or {}).get("prefect", {}))
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, e['loc']))} = {e['input']!r}: {e['msg']}" for e in error.errors()]
        raise ParamsError("\n".join([f"dvc.yaml: meta.prefect of {node.name}:", *lines])) from error
    outs = {Path(out.fs_path).relative_to(root): bool(out.metric) for out in node.outs}
    metrics = tuple(path for path, is_metric in outs.items() if is_metric)
    return Stage(node.name, upstream, options, tuple(outs), metrics, _why(node, status))


def _why(node: Any, status: list[Any]) -> str:
    never = status and not any(out.hash_info for out in node.outs)
    return "not made yet" if never else _in_words(status)


def _in_words(status: list[Any]) -> str:
    """DVC's status of one stage as a phrase: ``params.yaml clean.form modified; data/raw modified; changed command``."""
    reasons: list[str] = []
    for entry in status:
        if isinstance(entry, str):  # "changed command"
            reasons.append(entry)
        else:
            reasons += [_change(path, what) for changes in entry.values() for path, what in changes.items()]
    return "; ".join(reasons)


def _change(path: str, what: str | dict[str, str]) -> str:
    if isinstance(what, str):
        return f"{path} {what}"
    return f"{path} " + ", ".join(f"{key} {change}" for key, change in what.items())
