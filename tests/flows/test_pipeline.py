"""The flow over a real DVC project and a real Prefect server: what ran, what it shows, and what it leaves when it is ended."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.flows.projects import Project, Server, is_gone, process_id, wait_for

DVC_YAML = """
stages:
  fetch:
    cmd: echo text > fetch.txt; echo '{"docs_out":4}' > fetch.json
    outs: [fetch.txt]
    metrics: [{fetch.json: {cache: false}}]
  clean:
    cmd: |
      echo "cleaning on"; cat fetch.txt params.yaml > clean.txt
      echo '{"docs_in":4,"docs_out":3,"dropped/short":1}' > clean.json
    deps: [fetch.txt]
    params: [clean.bound]
    outs: [clean.txt]
    metrics: [{clean.json: {cache: false}}]
  count:
    foreach: [words, lines]
    do:
      cmd: sleep 2; cp clean.txt count-${item}.txt
      deps: [clean.txt]
      outs: ["count-${item}.txt"]
  fit:
    foreach: [a, b]
    do:
      cmd: sleep 1; cp clean.txt fit-${item}.txt
      deps: [clean.txt]
      outs: ["fit-${item}.txt"]
      meta: {prefect: {tags: [accelerator]}}
  report:
    cmd: cat count-words.txt count-lines.txt fit-a.txt fit-b.txt > report.html
    deps: [count-words.txt, count-lines.txt, fit-a.txt, fit-b.txt]
    outs: [report.html]
"""
NAMES = ["fetch", "clean", "count@words", "count@lines", "fit@a", "fit@b", "report"]
TRAINER = "sh -c 'echo $$ > pid.tmp; mv pid.tmp pid; exec sleep 60'; true"


@pytest.fixture(scope="module")
def project(new_project: Callable[..., Project], server: Server) -> Project:
    return new_project(DVC_YAML, "clean: {bound: 1}", **server.env)


@pytest.fixture
def training(new_project: Callable[..., Project], server: Server) -> Project:
    """A project whose one stage trains for a minute, and writes its process id."""
    return new_project(f'stages: {{train: {{cmd: "{TRAINER}", outs: [model]}}}}', **server.env)


@pytest.fixture(scope="module")
def first(project: Project, server: Server) -> tuple[str, Any]:
    """What the first run printed, and the run."""
    done = project.run("flows")
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr, server.last_run()


def states(tasks: dict[str, Any]) -> dict[str, str]:
    return {name: task.state.name for name, task in tasks.items()}


def overlap(one: Any, other: Any) -> float:
    """Seconds that two task runs went on at the same time."""
    return (min(one.end_time, other.end_time) - max(one.start_time, other.start_time)).total_seconds()


def test_every_stage_is_a_task_of_its_name_that_completed(first: tuple[str, Any], server: Server) -> None:
    _, run = first
    assert states(server.tasks(run)) == dict.fromkeys(NAMES, "Completed")
    assert (run.name, run.state.name, run.state.message) == (run.name, "Completed", "7 completed")


def test_independent_stages_overlap(first: tuple[str, Any], server: Server) -> None:
    tasks = server.tasks(first[1])
    assert overlap(tasks["count@words"], tasks["count@lines"]) > 1


def test_one_stage_at_a_time_has_the_accelerator(first: tuple[str, Any], project: Project) -> None:
    made = sorted((project.root / f"fit-{item}.txt").stat().st_mtime for item in "ab")
    assert made[1] - made[0] >= 1


def test_log_lines_of_a_stage_reach_its_task_and_the_terminal(first: tuple[str, Any], server: Server) -> None:
    from prefect.client.schemas.filters import LogFilter

    printed, run = first
    task = server.tasks(run)["clean"]
    logs = server.client.read_logs(LogFilter(task_run_id={"any_": [task.id]}))
    assert "cleaning on" in [log.message for log in logs]
    assert "│ clean │ cleaning on" in printed


def test_reports_and_what_ran_are_artifacts(first: tuple[str, Any], server: Server) -> None:
    from prefect.client.schemas.filters import ArtifactFilter

    run = first[1]
    found = {a.key: a for a in server.client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id={"any_": [run.id]}))}
    assert set(found) == {"fetch", "clean", "stages", "report-page"}
    assert found["clean"].task_run_id == server.tasks(run)["clean"].id
    assert {"measure": "dropped/short", "value": 1} in json.loads(found["clean"].data)
    rows = json.loads(found["stages"].data)
    assert [row["stage"] for row in rows] == NAMES
    assert rows[0]["why"] == "not made yet"
    assert "report.html" in found["report-page"].data


def test_the_terminal_ends_with_stages_and_the_report(first: tuple[str, Any], project: Project) -> None:
    printed = first[0]
    clean = next(line.split("│") for line in printed.splitlines() if line.startswith("│ clean "))
    assert [cell.strip() for cell in clean[4:6]] == ["4", "3"]
    assert f"Report: {project.root / 'report.html'}" in printed


def test_afterwards_dvc_finds_nothing_to_do(first: tuple[str, Any], project: Project) -> None:
    again = project.run("dvc", "repro")
    assert again.stdout.count("didn't change, skipping") == len(NAMES)
    assert "up to date" in project.run("dvc", "status").stdout


def test_ran_restored_and_unchanged_are_told_apart(first: tuple[str, Any], project: Project, server: Server) -> None:
    project.write("params.yaml", "clean: {bound: 2}")
    assert project.run("flows", "fit@a").returncode == 0
    assert states(server.tasks(server.last_run())) == {"fetch": "Unchanged", "clean": "Completed", "fit@a": "Completed"}
    project.write("params.yaml", "clean: {bound: 1}")
    assert project.run("flows", "fit@a").returncode == 0
    assert states(server.tasks(server.last_run())) == {"fetch": "Unchanged", "clean": "Restored", "fit@a": "Restored"}
    done = project.run("flows.pipeline")
    assert done.returncode == 0
    assert states(server.tasks(server.last_run())) == dict.fromkeys(NAMES, "Unchanged")
    assert "Running stage" not in done.stderr


def test_a_failure_ends_the_flow_with_the_stage_s_own_message(new_project: Callable[..., Project], server: Server) -> None:
    project = new_project(
        """
stages:
  bad:
    cmd: "echo trying; echo 'error: params.yaml: bad.rate = -1: must be positive' >&2; exit 1"
    outs: [bad.txt]
    meta: {prefect: {retries: 1}}
  next: {cmd: cp bad.txt next.txt, deps: [bad.txt], outs: [next.txt]}
  aside: {cmd: touch aside.txt, outs: [aside.txt]}
""",
        **server.env,
    )
    done = project.run("flows")
    assert done.returncode == 1
    assert done.stderr.endswith("error: bad failed:\nerror: params.yaml: bad.rate = -1: must be positive\n")
    assert "Traceback" not in done.stderr
    assert "NoneType" not in done.stderr
    assert done.stderr.count("bad │ trying") == 2, "one retry"
    run = server.last_run()
    assert (run.state.name, run.state.message) == ("Failed", "bad failed:\nerror: params.yaml: bad.rate = -1: must be positive")
    assert states(server.tasks(run)) == {"bad": "Failed", "next": "Skipped", "aside": "Completed"}


def test_what_is_wrong_before_a_stage_starts_is_one_message(project: Project) -> None:
    done = project.run("flows", "no_such_stage")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: no stage 'no_such_stage' in dvc.yaml; there are fetch, clean")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_flow_ends_the_trainer(training: Project, number: signal.Signals) -> None:
    flow = training.start("flows")
    trainer = process_id(training.root / "pid")
    flow.send_signal(number)
    wait_for(lambda: is_gone(trainer), 2)
    flow.communicate(timeout=20)
    assert flow.returncode != 0


def test_a_killed_flow_takes_its_trainer_along_and_is_marked_by_the_next(training: Project, server: Server) -> None:
    flow = training.start("flows")
    trainer = process_id(training.root / "pid")
    run = server.last_run()
    flow.kill()
    wait_for(lambda: is_gone(trainer), 2)
    flow.communicate()
    assert server.client.read_flow_run(run.id).state.name == "Running"
    training.write("dvc.yaml", "stages: {train: {cmd: touch model, outs: [model]}}")
    done = training.run("flows")
    assert done.returncode == 0, done.stderr
    assert server.client.read_flow_run(run.id).state.name == "Crashed"
    assert states(server.tasks(run)) == {"train": "Crashed"}


def test_a_cancellation_in_the_ui_ends_the_trainer(training: Project, server: Server) -> None:
    from prefect.states import Cancelling

    flow = training.start("flows")
    trainer = process_id(training.root / "pid")
    run = server.last_run()
    server.client.set_flow_run_state(run.id, Cancelling())  # what the button of the run's page sends
    wait_for(lambda: is_gone(trainer), 5)
    flow.communicate(timeout=20)
    assert flow.returncode == 1
    assert server.client.read_flow_run(run.id).state.name == "Cancelled"
