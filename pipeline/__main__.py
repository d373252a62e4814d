"""``python -m pipeline STAGE PATH... --report FILE`` runs a stage; ``generate``, ``explain`` and ``--help`` are for people."""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import json
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pipeline import runtime
from pipeline.errors import PipelineError, UsageError
from pipeline.params import parse

STAGES = Path(__file__).parent / "stages"
ORDER = [
    "ingest",
    "clean",
    "score_docs",
    "filter_docs",
    "dedup_docs",
    "dedup_passages",
    "decontaminate",
    "balance",
    "split_docs",
    "train_tokenizer",
    "tokenize_docs",
    "pretrain",
    "finetune",
    "compress",
    "evaluate",
    "report",
]
COMMANDS = {
    "generate": ("pipeline.serve.generate", "continue a text with a model"),
    "explain": ("pipeline.explain", "a document's way through the stages"),
    "impact": ("pipeline.impact", "what each filter did to texts about groups of people, to domains and to languages"),
    "preset": ("pipeline.preset", "named changes of params.yaml"),
    "train_classifier": ("pipeline.train_classifier", "a classifier of documents for data/quality, from labelled examples"),
}


def main(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code: 0, or 1 with one message on standard error."""
    runtime.quiet_libraries()
    runtime.cache_kernels()
    try:
        if not argv or argv[0] in {"-h", "--help"}:
            print(overview())
        elif argv[0] in COMMANDS:
            importlib.import_module(COMMANDS[argv[0]][0]).main(argv[1:])
        else:
            run_stage(argv)
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def overview() -> str:
    """The help text: every stage with the first line of its docstring, read without importing it."""
    lines = [__doc__ or "", "", "stages, in order:"]
    for name in ORDER:
        tree = ast.parse((STAGES / f"{name}.py").read_text(encoding="utf-8"))
        function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
        paths = " ".join(argument.arg.upper() for argument in function.args.args)
        summary = (ast.get_docstring(function) or "").split("\n\n")[0].replace("\n", " ").replace("``", "")
        lines += [f"  {name} {paths}", f"      {summary}"]
    lines += ["", "for people:", *(f"  {name:10} {what} (--help for more)" for name, (_, what) in COMMANDS.items())]
    return "\n".join(lines)


def run_stage(argv: Sequence[str]) -> None:
    """Parse ``STAGE[@VARIANT] PATH... --report FILE``, run the stage and write its report."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    parser.add_argument("stage", metavar="STAGE[@VARIANT]", help="a stage of dvc.yaml")
    parser.add_argument("paths", metavar="PATH", nargs="*", type=Path, help="inputs, then outputs")
    parser.add_argument("--report", required=True, type=Path, help="where the stage's counts go (JSON)")
    parser.add_argument("--params", default=Path("params.yaml"), type=Path, help="default: params.yaml")
    arguments = parser.parse_args(argv)
    function, signature = load_stage(arguments.stage.partition("@")[0])
    names = [p.name for p in signature.parameters.values() if p.name != "params"]
    if len(names) != len(arguments.paths):
        raise UsageError(f"{arguments.stage} takes {len(names)} paths ({' '.join(names)}), not {len(arguments.paths)}")
    section = arguments.stage.replace("@", ".")
    params = parse(arguments.params, section, signature.parameters["params"].annotation)
    runtime.die_with_parent()
    signal.signal(signal.SIGTERM, _stop)
    with runtime.hold(arguments.stage):
        started = time.perf_counter()
        report = function(*arguments.paths, params=params)
        write_json(dict(report), arguments.report)
        write_json(_cost(time.perf_counter() - started), runtime.scratch() / "costs" / f"{arguments.stage}.json")


def load_stage(name: str) -> tuple[Callable[..., dict[str, float]], inspect.Signature]:
    """The stage's function and its signature with real types. Raises UsageError for a name that is no stage."""
    if name not in ORDER:
        raise UsageError(f"no stage {name!r}; there are {', '.join(ORDER)}, and {', '.join(COMMANDS)}")
    function = getattr(importlib.import_module(f"pipeline.stages.{name}"), name)
    return function, inspect.signature(function, eval_str=True)


def write_json(value: dict[str, Any], path: Path) -> None:
    """Write a JSON object atomically: a temporary name, then a rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)


def _cost(seconds: float) -> dict[str, float]:
    """Wall and CPU seconds and peak memory (MB), children included: they differ each time, so no output holds them."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "wall_seconds": round(seconds, 2),
        "cpu_seconds": round(sum(u.ru_utime + u.ru_stime for u in (own, children)), 2),
        "peak_memory_mb": round(max(own.ru_maxrss, children.ru_maxrss) / 1024),
    }


def _stop(number: int, _frame: object) -> None:
    """End on SIGTERM the way Python ends on Ctrl-C: blocks are left, temporary files removed, exit code 143."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.exit(code)
