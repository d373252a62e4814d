"""``python -m flows [STAGE...]`` runs the pipeline through Prefect: the flow of ``flows/pipeline.py``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from flows import server
from pipeline.errors import MissingInputError, PipelineError


def main(argv: Sequence[str]) -> int:
    """Run the flow and return the exit code: 0, or 1 with the failing stage's own message on standard error."""
    parser = argparse.ArgumentParser(prog="python -m flows", description=__doc__)
    parser.add_argument("stages", metavar="STAGE", nargs="*", help="a stage of dvc.yaml, with all it needs; default: every stage")
    parser.add_argument("--ui", action="store_true", help="start a server that stays, to look at the run while it goes on")
    parser.add_argument("--files", metavar="PATH", help="your own text (a file or a folder); params.yaml is changed to say so")
    arguments = parser.parse_args(argv)
    root = Path.cwd()
    try:
        if arguments.files:
            read_files(root, arguments.files)
        if arguments.ui:
            server.ensure(root)
        with server.connected(root):
            from flows import runs
            from flows.pipeline import heddle

            state = heddle(arguments.stages, return_state=True)
            runs.send_logs()
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if state.is_completed():
        return 0
    print(f"error: {state.message}", file=sys.stderr)
    return 1


def read_files(root: Path, path: str) -> None:
    """Change params.yaml so that ``ingest`` reads ``path``. Raises MissingInputError if nothing is there."""
    from flows.dag import use_files

    if not Path(path).exists():
        raise MissingInputError(f"--files {path}: no such file or folder")
    use_files(root, path)
    print(f"params.yaml: ingest.source = files, ingest.files.path = {path}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
