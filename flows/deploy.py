"""``python -m flows.deploy --cron "0 3 * * *"`` runs the pipeline on a schedule, for as long as this process goes on.

Run it in a git worktree of its own that shares the DVC cache (docs/howto/operate.md): so it never fights a person's checkout.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from flows import server
from pipeline.errors import PipelineError, UsageError


def main(argv: Sequence[str]) -> int:
    """Serve the flow until stopped and return the exit code: 0, or 1 with one message on standard error."""
    parser = argparse.ArgumentParser(prog="python -m flows.deploy", description=__doc__)
    parser.add_argument(
        "--cron", required=True, metavar="EXPRESSION", help='when, as in crontab(5): "0 3 * * *" is each night at three'
    )
    parser.add_argument("--timezone", default="UTC", help="a name of the tz database (default: UTC)")
    arguments = parser.parse_args(argv)
    root = Path.cwd()
    try:
        server.ensure(root)
        with server.connected(root):
            serve_on(arguments.cron, arguments.timezone)
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def serve_on(cron: str, timezone: str) -> None:
    """Register the schedule and start its runs, one at a time. Raises UsageError for an expression or time zone that is none."""
    from prefect import serve
    from prefect.deployments.runner import EntrypointType
    from prefect.schedules import Cron
    from pydantic import ValidationError

    from flows.pipeline import heddle

    try:
        # By module: loaded as a script, flows/pipeline.py would itself be what `import pipeline` finds.
        by_module = EntrypointType.MODULE_PATH
        deployment = heddle.to_deployment("scheduled", schedules=[Cron(cron, timezone=timezone)], entrypoint_type=by_module)
    except (ValidationError, ValueError) as error:
        raise UsageError(f"--cron {cron!r} --timezone {timezone!r}: {error}") from error
    serve(deployment, limit=1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
