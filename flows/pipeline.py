"""The flow: every stage of dvc.yaml as a task named after it, independent ones side by side.

DVC decides whether a stage runs. Prefect decides when, tries again, keeps the logs and shows it all. No data passes through here.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any
from uuid import UUID

from prefect import Task, allow_failure, flow, get_run_logger
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.context import FlowRunContext
from prefect.futures import wait
from prefect.states import Cancelled, Completed, Failed, State
from prefect.task_runners import ThreadPoolTaskRunner

from flows import artifacts, runs, summary
from flows.dag import Graph, Stage
from flows.stage import FAILED, STOPPED, UNCHANGED, Outcome, headline, reproduce, stop_all
from flows.summary import GOOD, Result
from pipeline.errors import PipelineError

ACCELERATOR = "accelerator"  # the tag of stages that need the GPU, or every core
MOST_TASKS = 256  # threads: a task that waits for another holds one
SECONDS_BETWEEN_LOOKS = 2.0  # at whether someone cancelled the run in the UI
SKIPPED = "Skipped"  # a stage that it needs failed
CRASHED = "Crashed"  # an error of the flow itself, which Prefect logs
_TYPES = {
    **dict.fromkeys(GOOD, StateType.COMPLETED),
    FAILED: StateType.FAILED,
    **dict.fromkeys((SKIPPED, STOPPED), StateType.CANCELLED),
}
_accelerator = threading.Semaphore(1)


@flow(name="heddle", task_runner=ThreadPoolTaskRunner(max_workers=MOST_TASKS), persist_result=False)  # type: ignore[untyped-decorator]
def heddle(targets: list[str] | None = None) -> State[None]:
    """Bring ``targets`` (default: every stage) and what they need up to date, in the DVC project of the working directory."""
    log = get_run_logger()
    logging.getLogger("prefect.task_runs").addFilter(_is_news)
    try:
        graph = Graph(Path.cwd(), say=log.info)
        stages = graph.select(targets or [])
    except PipelineError as error:
        return Failed(message=str(error))
    run, run_id = _Run(graph.root), FlowRunContext.get().flow_run.id
    for dead in runs.mark_dead():
        log.info("run %s had died; it is marked as crashed", dead)
    with runs.alive(run_id), _stages_end_with_the_run(run_id):
        futures: dict[str, Any] = {}
        for each in stages:
            futures[each.name] = run.submit(each, [futures[name] for name in each.upstream])
        wait(list(futures.values()))
    results = [run.results[each.name] for each in stages]
    artifacts.publish_results(results)
    artifacts.publish_page(graph, results)
    summary.show(graph, results)
    runs.wait_until_recorded(run_id, len(stages))
    return _verdict(results)


class _Run:
    """The stages of one flow run and what became of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.results: dict[str, Result] = {}

    def submit(self, each: Stage, upstream: list[Any]) -> Any:
        """A task named after the stage that starts when ``upstream`` has ended, however that may have been."""
        self.results[each.name] = Result(each.name, CRASHED, "ended without a result; see its log", 0.0)
        options: dict[str, Any] = {"tags": set(each.options.tags), "retries": each.options.retries}
        # Prefect's cache called a result good whose file had been deleted: DVC alone decides what is up to date.
        options |= {"cache_policy": NO_CACHE, "persist_result": False}
        task: Any = Task(self.bring_up_to_date, name=each.name, task_run_name=each.name, **options)
        return task.submit(each, wait_for=[allow_failure(future) for future in upstream])

    def bring_up_to_date(self, each: Stage) -> State[None]:
        """Have DVC make one stage, unless nothing about it changed or a stage that it needs failed."""
        upstream = [self.results[name] for name in each.upstream]
        broken = [r.stage for r in upstream if r.did not in GOOD]
        why = each.changed or ", ".join(f"{r.stage} {r.did.lower()}" for r in upstream if r.did != UNCHANGED)
        seconds = 0.0
        if broken:
            outcome = Outcome(SKIPPED, f"needs {', '.join(broken)}")
        elif not why:
            outcome = Outcome(UNCHANGED)
        else:
            with _accelerator if ACCELERATOR in each.options.tags else nullcontext():
                started = time.monotonic()
                outcome = reproduce(each.name, self.root, get_run_logger().info, each.options.timeout_seconds)
                seconds = time.monotonic() - started
        self.results[each.name] = Result(each.name, outcome.name, outcome.message or why, seconds)
        if outcome.name in GOOD:
            artifacts.publish_report(each, self.root)
        return State(type=_TYPES[outcome.name], name=outcome.name, message=outcome.message or why)


def _is_news(record: logging.LogRecord) -> bool:
    """False for a line that Prefect repeats, with an empty traceback, right before ``Finished in state Failed``."""
    return not record.getMessage().startswith("Task run failed with state")


def _verdict(results: list[Result]) -> State[None]:
    failures = [f"{r.stage} failed:\n{headline(r.why)}" for r in results if r.did in {FAILED, CRASHED}]
    if failures:
        return Failed(message="\n\n".join(failures))
    if any(r.did == STOPPED for r in results):
        return Cancelled(message=summary.counts(results))
    return Completed(message=summary.counts(results))


@contextmanager
def _stages_end_with_the_run(run_id: UUID) -> Iterator[None]:
    """Inside the block SIGTERM, SIGINT and a cancellation in the UI end the stages that run, and no other starts."""
    done = threading.Event()
    previous: dict[int, Any] = {}

    def stop(number: int, frame: FrameType | None) -> None:
        stop_all()
        if callable(previous[number]):
            previous[number](number, frame)

    if threading.current_thread() is threading.main_thread():
        previous.update({number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)})
    threading.Thread(target=_watch, args=(run_id, done), daemon=True).start()
    try:
        yield
    finally:
        done.set()
        for number, handler in previous.items():
            signal.signal(number, handler)


def _watch(run_id: UUID, done: threading.Event) -> None:
    with get_client(sync_client=True) as client:
        while not done.wait(SECONDS_BETWEEN_LOOKS):
            state = client.read_flow_run(run_id).state
            if state and (state.is_cancelled() or state.is_cancelling()):
                stop_all()
                return


if __name__ == "__main__":  # Prefect is imported by now, and reads its settings when it is: start where they come first
    os.execv(sys.executable, [sys.executable, "-m", "flows", *sys.argv[1:]])  # noqa: S606
