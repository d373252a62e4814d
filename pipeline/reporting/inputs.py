"""Where the report finds what dvc.yaml says that each stage writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.errors import InputError
from pipeline.reporting import corpus, records
from pipeline.reporting.graph import Graph, read_graph, read_yaml
from pipeline.reporting.models import Results, read_results
from pipeline.sequences import Sequences


@dataclass(frozen=True)
class Inputs:
    """The pipeline's description, its params, its lock file, and one folder per stage."""

    dvc_yaml: Path
    params_yaml: Path
    lock: Path
    folders: Mapping[str, Path]

    @cached_property
    def graph(self) -> Graph:
        """The stages of dvc.yaml. Raises InputError for one that was given a folder but is not there."""
        graph = read_graph(self.dvc_yaml, self.params_yaml)
        absent = sorted(set(self.folders) - {node.stage for node in graph.nodes} - {"pretrain", "finetune"})
        if absent:
            raise InputError(f"{self.dvc_yaml}: has no stage {', '.join(absent)}; give the dvc.yaml that made these folders")
        return graph

    @cached_property
    def params(self) -> dict[str, Any]:
        """All of params.yaml."""
        return read_yaml(self.params_yaml)

    def out(self, stage: str, name: str) -> Path:
        """The output of a stage that dvc.yaml calls ``name`` (without its folder). Raises InputError when it declares none."""
        if name not in {PurePosixPath(out).name for out in self.graph.outs(stage)}:
            raise InputError(f"{self.dvc_yaml}: stage {stage} declares no output {name}")
        return self.folders[stage] / name

    def has_out(self, stage: str, name: str) -> bool:
        """Whether a stage declares an output of that name."""
        return name in {PurePosixPath(out).name for out in self.graph.outs(stage)}

    def models(self, stage: str) -> dict[str, Path]:
        """Model directories of a stage by variant (or by folder name), in the order of dvc.yaml."""
        found = {}
        for node in self.graph.nodes:
            for name in (PurePosixPath(out).name for out in node.outs if node.stage == stage):
                if not PurePosixPath(name).suffix:
                    found[node.name.partition("@")[2] or name] = self.folders[stage] / name
        return found

    def report(self, node_name: str) -> dict[str, float]:
        """The counts that one stage (or ``stage@variant``) reported."""
        node = next(node for node in self.graph.nodes if node.name == node_name)
        return records.read_report(self.folders[node.stage] / PurePosixPath(node.metrics[0]).name)

    @cached_property
    def steps(self) -> tuple[corpus.Step, ...]:
        """The effect of each stage that hands documents on, in the order of dvc.yaml."""
        stages = [node.stage for node in self.graph.nodes if self.has_out(node.stage, "docs") and node.stage in self.folders]
        dropped = {s: self.out(s, "dropped") if self.has_out(s, "dropped") else None for s in stages}
        return corpus.read_steps([(stage, self.out(stage, "docs"), dropped[stage]) for stage in stages])

    @cached_property
    def splits(self) -> tuple[corpus.Split, ...]:
        """The parts that the corpus was split into."""
        names = [PurePosixPath(out).name for out in self.graph.outs("split_docs")]
        return tuple(corpus.read_split(name, self.out("split_docs", name)) for name in names)

    @cached_property
    def results(self) -> Results:
        """What evaluation measured."""
        return read_results(self.out("evaluate", "results.parquet"))

    @cached_property
    def train(self) -> Sequences:
        """The tokens that models were trained on, a repeated document as often as it is repeated."""
        return Sequences.open(self.out("tokenize_docs", "train"))
