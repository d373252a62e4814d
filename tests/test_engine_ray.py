"""On a Ray cluster of two workers the engine writes the bytes that it writes here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.test_engine import content, corpus

pytest.importorskip("ray", reason="the extra ray is not installed")

# A cluster of two nodes on this machine, two stages of the pipeline and a join; relative paths, as dvc.yaml has them.
SCRIPT = """
import json, os, sys
from pathlib import Path
from pipeline import runtime
runtime.quiet_libraries()
runtime.cache_kernels()

def work(out):
    from pipeline.engine import frame, map_shards
    from pipeline.schema import DOCS
    from pipeline.stages.clean import CleanParams, clean
    from tests.test_engine import run, who
    counts = run(Path("in"), out, calls=str(out) + ".calls")
    clean(Path("in"), out / "clean", out / "lost", params=CleanParams(redact=("email",), presidio=False))
    map_shards(who, {Path("in"): DOCS}, {out / "who": DOCS})
    joined = frame(Path("in")).join(frame(out / "docs"), on="id").sort("id").select("id").to_pydict()
    print(json.dumps([counts, joined]))

if sys.argv[1] == "here":
    work(Path("here"))
else:
    from ray.cluster_utils import Cluster
    node = {"num_cpus": 1, "object_store_memory": 80 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        cluster.add_node(**node)
        os.environ["HEDDLE_RAY_ADDRESS"] = cluster.address
        work(Path("ray"))
    finally:
        import ray
        ray.shutdown()
        cluster.shutdown()
"""


def run(folder: Path, where: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DVC_ROOT": str(folder / f"scratch-{where}"), "HEDDLE_WORKERS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, where],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.splitlines()[-1]


def test_a_ray_cluster_writes_the_same_bytes(tmp_path: Path) -> None:
    corpus(tmp_path / "in", 8)
    assert run(tmp_path, "here") == run(tmp_path, "ray")
    here, there = content(tmp_path / "here"), content(tmp_path / "ray")
    processes = [{meta for name, meta in notes} for notes in (pids(tmp_path / "here"), pids(tmp_path / "ray"))]
    assert len(processes[0]) == 1
    assert len(processes[1]) > 1
    assert {name: data for name, data in here.items() if "who" not in name} == {
        name: data for name, data in there.items() if "who" not in name
    }


def pids(folder: Path) -> list[tuple[str, str]]:
    """Document and the process that mapped it."""
    from pipeline.schema import DOCS
    from pipeline.tables import read_table

    table = read_table(folder / "who", DOCS)
    return list(zip(table["id"].to_pylist(), table["meta"].to_pylist(), strict=True))
