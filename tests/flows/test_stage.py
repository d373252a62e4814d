"""What DVC does about a stage, told from what it prints; the canary for DVC's English."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from flows.stage import COMPLETED, FAILED, RESTORED, UNCHANGED, headline, reproduce
from tests.flows.projects import Project, wait_for

DVC_YAML = """
stages:
  double:
    cmd: python -c "print('doubling'); open('double.txt', 'w').write(str(2 * $(grep -o '[0-9]*' params.yaml)))"
    params: [bound]
    outs: [double.txt]
  broken:
    cmd: "for n in $(seq 30); do echo line $n; done; echo 'error: params.yaml: broken.x = 3' >&2; exit 1"
    outs: [broken.txt]
  silent:
    cmd: exit 9
    outs: [silent.txt]
  slow:
    cmd: touch begun; sleep 2; touch slow.txt
    outs: [slow.txt]
  interpreter:
    cmd: python -c "import sys; open('interpreter.txt', 'w').write(sys.executable)"
    outs: [interpreter.txt]
"""


@pytest.fixture(scope="module")
def project(new_project: Callable[..., Project]) -> Project:
    return new_project(DVC_YAML, "bound: 1")


def test_ran_unchanged_and_restored_are_told_apart(project: Project) -> None:
    lines: list[str] = []
    assert reproduce("double", project.root, lines.append).name == COMPLETED
    assert "doubling" in lines
    assert not [line for line in lines if "git add" in line or not line]
    assert reproduce("double", project.root, print).name == UNCHANGED
    project.write("params.yaml", "bound: 2")
    assert reproduce("double", project.root, print).name == COMPLETED
    project.write("params.yaml", "bound: 1")
    assert reproduce("double", project.root, print).name == RESTORED
    assert (project.root / "double.txt").read_text() == "2"


def test_failure_carries_the_last_lines_of_the_stage_and_none_of_dvc(project: Project) -> None:
    outcome = reproduce("broken", project.root, print)
    assert outcome.name == FAILED
    assert outcome.message.splitlines() == [*(f"line {n}" for n in range(12, 31)), "error: params.yaml: broken.x = 3"]
    assert headline(outcome.message) == "error: params.yaml: broken.x = 3"


def test_failure_of_a_stage_that_prints_nothing_tells_what_dvc_says(project: Project) -> None:
    assert "exited with 9" in reproduce("silent", project.root, print).message


def test_time_limit_is_enforced_and_named(project: Project) -> None:
    outcome = reproduce("slow", project.root, print, timeout_seconds=1.5)
    assert outcome.name == FAILED
    assert outcome.message.endswith("ended after its limit of 1.5 seconds")
    assert not (project.root / "slow.txt").exists()


def test_a_stage_that_another_dvc_makes_is_waited_for(project: Project) -> None:
    (project.root / "begun").unlink(missing_ok=True)
    other = project.start("dvc", "repro", "--single-item", "slow")
    wait_for((project.root / "begun").exists, 20)
    lines: list[str] = []
    outcome = reproduce("slow", project.root, lines.append)
    assert other.wait(20) == 0
    assert outcome.name == UNCHANGED
    busy = [line for line in lines if "is busy, it is being blocked by" in line]
    assert len(busy) == 1, "waiting is said once, not at each try"


def test_python_of_a_stage_is_this_interpreter(project: Project) -> None:
    reproduce("interpreter", project.root, print)
    assert (project.root / "interpreter.txt").read_text() == sys.executable


def test_stopping_ends_the_stage_and_starts_no_other(project: Project) -> None:
    code = """
import sys, threading, time
from pathlib import Path
from flows import stage
Path("begun").unlink(missing_ok=True)
threading.Thread(target=lambda: print(stage.reproduce("slow", Path.cwd(), str).name)).start()
while not Path("begun").exists(): time.sleep(0.05)
stage.stop_all()
print(stage.reproduce("double", Path.cwd(), print).name)
"""
    project.write("dvc.yaml", DVC_YAML.replace("sleep 2", "sleep 30"))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project.root, env=project.env, capture_output=True, text=True, timeout=20, check=True
    )
    assert sorted(done.stdout.split()) == ["Stopped", "Stopped"], done.stderr
