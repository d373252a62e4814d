"""The server: who may talk to it, and that it schedules runs (with the wrong SQLAlchemy it looks healthy and does not)."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from tests.flows.projects import Project, Server, wait_for


def ask(server: Server, path: str, *, origin: str | None = None, body: bytes | None = None) -> tuple[int, dict[str, str], str]:
    """Status, headers and text of an answer."""
    headers = {"Content-Type": "application/json", "Accept": "text/html", **({"Origin": origin} if origin else {})}
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), ""


def test_the_page_of_a_run_is_served(server: Server) -> None:
    status, _, text = ask(server, "/dashboard")
    assert status == 200
    assert "<title>Prefect" in text


def test_a_page_of_another_origin_reads_nothing(server: Server) -> None:
    own = f"http://127.0.0.1:{server.port}"
    assert ask(server, "/api/admin/version", origin=own)[1]["access-control-allow-origin"] == own
    assert "access-control-allow-origin" not in ask(server, "/api/admin/version", origin="http://evil.example")[1]


def test_a_request_without_csrf_token_changes_nothing(server: Server) -> None:
    assert ask(server, "/api/flows/", body=b'{"name": "planted"}')[0] == 403
    assert "planted" not in [flow.name for flow in server.client.read_flows()]


def test_usage_data_is_not_sent_and_the_plain_ui_is_the_default(server: Server) -> None:
    settings = server.client.request("GET", "/admin/settings").json()["server"]
    assert settings["analytics_enabled"] is False
    assert settings["ui"]["v2_enabled"] is False
    assert settings["api"]["host"] == "127.0.0.1"


def test_a_cron_schedule_makes_runs_and_the_flow_starts(new_project: Callable[..., Project], server: Server) -> None:
    from prefect.client.schemas.filters import FlowRunFilter

    project = new_project("stages: {one: {cmd: touch one.txt, outs: [one.txt]}}", **server.env)
    serving = project.start("flows.deploy", "--cron", "0 3 * * *")
    try:
        scheduled = FlowRunFilter(state={"type": {"any_": ["SCHEDULED"]}})
        runs = wait_for(lambda: server.client.read_flow_runs(flow_run_filter=scheduled), 90)
        assert (runs[0].expected_start_time.hour, runs[0].expected_start_time.minute) == (3, 0)
        triggered = server.client.create_flow_run_from_deployment(runs[0].deployment_id)
        wait_for(lambda: server.client.read_flow_run(triggered.id).state.is_completed() or None, 90)
        assert (project.root / "one.txt").exists()
    finally:
        serving.terminate()
        serving.communicate(timeout=30)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cron", "every night"], "--cron 'every night'"),
        (["--cron", "0 3 * * *", "--timezone", "Mars/Olympus"], "Mars/Olympus"),
    ],
)
def test_a_schedule_that_is_none_is_named(
    new_project: Callable[..., Project], server: Server, arguments: list[str], message: str
) -> None:
    done = new_project("stages: {}", **server.env).run("flows.deploy", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
