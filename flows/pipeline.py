"""The flow: every stage of dvc.yaml as a task named after it, independent ones side by side.

DVC decides whether a stage runs. Prefect decides when, tries again, keeps the logs and shows it all. No data passes through here.
"""

from __future__ import annotations

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

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.states import Cancelled, Completed, Failed, State
from prefect.task_runners import ThreadPoolTaskRunner

from flows import artifacts, stage, summary
from flows.dag import Graph, Stage
from flows.summary import Result
from pipeline.errors import PipelineError

ACCELERATOR = "accelerator"  # the tag of stages that need the GPU, or every core
MOST_TASKS = 256  # threads: a task that waits for another holds one
SECONDS_BETWEEN_LOOKS = 2.0  # at whether someone cancelled the run in the UI
_accelerator = threading.Semaphore(1)


@flow(name="heddle", task_runner=ThreadPoolTaskRunner(max_workers=MOST_TASKS), persist_result=False)
def heddle(targets: list[str] | None = None) -> State[None]:
    """Bring ``targets`` (default: every stage) and what they need up to date, in the DVC project of the working directory."""
    log = get_run_logger()
    try:
        graph = Graph(Path.cwd(), say=log.info)
        stages = graph.select(targets or [])
    except PipelineError as error:
        return Failed(message=str(error))
    with _stages_end_with_the_run():
        futures: dict[str, Any] = {}
        for each in stages:
            futures[each.name] = _task(each).submit(each, graph.root, [futures[name] for name in each.upstream])
        states = {name: _final_state(future) for name, future in futures.items()}
    results = [_result(name, state) for name, state in states.items()]
    artifacts.publish_results(results)
    summary.show(graph, results)
    return _verdict(results)


def _task(each: Stage) -> Any:
    return run_stage.with_options(
        name=each.name, task_run_name=each.name, tags=set(each.options.tags), retries=each.options.retries
    )


@task(cache_policy=NO_CACHE, persist_result=False)
def run_stage(each: Stage, root: Path, upstream: list[Result]) -> State[Result]:
    """Have DVC bring one stage up to date; ends Unchanged, Restored, Completed, Failed or Cancelled."""
    log, started = get_run_logger(), time.monotonic()
    why = each.changed or ", ".join(f"{r.stage} {r.did.lower()}" for r in upstream if r.did != stage.UNCHANGED)
    outcome = _reproduce(each, root, log) if why else stage.Outcome(stage.UNCHANGED)
    if outcome.name == stage.FAILED:
        return Failed(message=f"{each.name} failed:\n{outcome.message}")
    if outcome.name == stage.STOPPED:
        return Cancelled(message=outcome.message)
    artifacts.publish_report(each, root)
    result = Result(each.name, outcome.name, why, time.monotonic() - started)
    return Completed(name=outcome.name, message=why, data=result)


def _reproduce(each: Stage, root: Path, log: Any) -> stage.Outcome:
    with _accelerator if ACCELERATOR in each.options.tags else nullcontext():
        return stage.reproduce(each.name, root, log.info, each.options.timeout_seconds)


def _final_state(future: Any) -> State[Result]:
    future.wait()
    return future.state  # type: ignore[no-any-return]


def _result(name: str, state: State[Result]) -> Result:
    if state.is_completed():
        return state.result()  # type: ignore[no-any-return]
    return Result(name, state.name or state.type.value, state.message or "", 0.0)


def _verdict(results: list[Result]) -> State[None]:
    failures = [r.why for r in results if r.did == stage.FAILED]
    counts = summary.counts(results)
    if failures:
        return Failed(message="\n\n".join(failures))
    if any(r.did == "Cancelled" for r in results):
        return Cancelled(message=counts)
    return Completed(message=counts)


@contextmanager
def _stages_end_with_the_run() -> Iterator[None]:
    """Inside the block SIGTERM, SIGINT and a cancellation in the UI end the stages that run, and no other starts."""
    done = threading.Event()
    previous: dict[int, Any] = {}

    def stop(number: int, frame: FrameType | None) -> None:
        stage.stop_all()
        if callable(previous[number]):
            previous[number](number, frame)

    if threading.current_thread() is threading.main_thread():
        previous.update({number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)})
    context = FlowRunContext.get()
    if context and context.flow_run:
        threading.Thread(target=_watch, args=(context.flow_run.id, done), daemon=True).start()
    try:
        yield
    finally:
        done.set()
        for number, handler in previous.items():
            signal.signal(number, handler)


def _watch(run_id: Any, done: threading.Event) -> None:
    with get_client(sync_client=True) as client:
        while not done.wait(SECONDS_BETWEEN_LOOKS):
            state = client.read_flow_run(run_id).state
            if state and (state.is_cancelled() or state.is_cancelling()):
                stage.stop_all()
                return


if __name__ == "__main__":  # Prefect is imported by now, and reads its settings when it is: start over where they come first
    os.execv(sys.executable, [sys.executable, "-m", "flows", *sys.argv[1:]])
