"""What a person types and sees: help, wrong words, wrong params; one message, exit code 1, no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.__main__ import ORDER
from tests.conftest import ROOT


def heddle(*words: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_error(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
    for part in parts:
        assert part in done.stderr


def test_help_lists_every_stage_and_command_within_a_second_of_cpu() -> None:
    done = heddle("--help")
    assert done.returncode == 0
    positions = [done.stdout.index(f"\n  {name} ") for name in [*ORDER, "generate", "explain"]]
    assert positions == sorted(positions)


def test_help_does_not_import_torch() -> None:
    code = "import sys; from pipeline.__main__ import main; main(['--help']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_an_unknown_stage_is_named_with_the_stages_there_are() -> None:
    assert_error(heddle("filter", "--report", "r.json"), "'filter'", "filter_docs")


def test_a_missing_path_argument_is_named(tmp_path: Path) -> None:
    assert_error(heddle("clean", "docs", "--report", tmp_path / "r.json"), "docs out dropped", "not 1")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("clean: {spel: 1}", ["params.yaml", "clean.spel = 1", "not permitted"]),
        ("other: {}", ["params.yaml", "'clean'"]),
        ("clean: {", ["params.yaml", "YAML"]),
    ],
)
def test_bad_params_name_file_key_and_value(tmp_path: Path, text: str, parts: list[str]) -> None:
    (tmp_path / "params.yaml").write_text(text)
    assert_error(heddle("clean", "docs", "out", "dropped", "--report", "r.json", cwd=tmp_path), *parts)
    assert not (tmp_path / "r.json").exists()


def test_a_missing_params_file_is_named(tmp_path: Path) -> None:
    assert_error(heddle("clean", "docs", "out", "dropped", "--report", "r.json", cwd=tmp_path), "params.yaml", "no such")


def test_a_missing_input_says_which_stage_makes_it(tmp_path: Path) -> None:
    params = ROOT / "params.yaml"
    done = heddle("clean", "docs", "out", "dropped", "--report", "r.json", "--params", params, cwd=tmp_path)
    assert_error(done, "docs", "dvc repro")
    assert not list(tmp_path.iterdir()), "no output, not even a temporary one"


def test_a_stage_that_runs_already_is_refused_until_it_ends(tmp_path: Path) -> None:
    code = "from pipeline import runtime; import time\nwith runtime.hold('clean'):\n print(1, flush=True); time.sleep(60)"
    holder = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )
    assert holder.stdout
    holder.stdout.readline()
    words = ("clean", "docs", "out", "dropped", "--report", "r.json", "--params", ROOT / "params.yaml")
    assert_error(heddle(*words, cwd=tmp_path), "already runs")
    holder.kill()
    holder.wait()
    assert_error(heddle(*words, cwd=tmp_path), "docs", "no Parquet file")


def test_a_stage_ends_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'from pipeline import runtime; import time; runtime.die_with_parent();"
        " print(1, flush=True); time.sleep(60)'], stdout=subprocess.PIPE)\n"
        "child.stdout.readline(); print(child.pid, flush=True); time.sleep(60)"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=env, cwd=tmp_path)
    assert parent.stdout
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(pid)


def alive(pid: int) -> bool:
    """Whether a process runs: gone and zombie both count as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
