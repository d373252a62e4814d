from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import measure

SPIN = """
import os, subprocess, sys, time
import measure
start_up = time.process_time()
while time.process_time() - start_up < 0.3:
    pass
with measure.clock() as cost:
    child = "import time; b = b'x' * 200_000_000\\nwhile time.process_time() < 0.5: pass"
    subprocess.run([sys.executable, "-c", child], check=True)
measure.answer(cost, kept=7, cores=len(os.sched_getaffinity(0)), threads=os.environ["OMP_NUM_THREADS"])
"""


def test_a_work_is_clocked_with_its_children_and_without_its_start_up(tmp_path: Path) -> None:
    (tmp_path / "spin.py").write_text(SPIN)
    done = measure.run([sys.executable, tmp_path / "spin.py"])
    assert done.facts == {"kept": 7, "cores": 1, "threads": "1"}
    assert 0.4 < done.clocked.cpu_seconds < 0.75
    assert done.whole.cpu_seconds > done.clocked.cpu_seconds + 0.25
    assert 200 < done.clocked.peak_mb < 400


def test_a_work_that_fails_says_what_it_printed(tmp_path: Path) -> None:
    with pytest.raises(measure.WorkFailedError, match="ZeroDivisionError"):
        measure.run([sys.executable, "-c", "1 / 0"])


def test_a_work_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = f"import subprocess; p = subprocess.Popen(['sleep', '60']); open({str(note)!r}, 'w').write(str(p.pid)); p.wait()"
    started = time.monotonic()
    with pytest.raises(measure.WorkFailedError, match="exit code -9"):
        measure.run([sys.executable, "-c", script], seconds=0.5)
    assert time.monotonic() - started < 10
    stat = Path(f"/proc/{note.read_text()}/stat")
    while stat.exists() and stat.read_text().split()[2] != "Z":
        assert time.monotonic() - started < 20
        time.sleep(0.05)


def test_the_cheapest_call_counts() -> None:
    waits = iter([0.2, 0.05, 0.1])

    def spin() -> str:
        until = time.process_time() + next(waits)
        while time.process_time() < until:
            pass
        return "done"

    result, cost = measure.best(spin)
    assert result == "done"
    assert 0.04 <= cost.cpu_seconds < 0.1


def test_peak_memory_is_of_this_process() -> None:
    assert measure.peak_mb() > 10
    assert measure.Cost(cpu_seconds=2.0).mb_s(10_000_000) == 5.0


def test_rows_are_shown_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"work": "read", "mb_s": 12.345, "kept": 12345}, {"work": "write", "mb_s": None, "ids": list("abcdefgh")}]
    measure.show("Speed", rows)
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("Speed", "12.3", "12,345", "–", "8 of them"))
    measure.write_json(rows, tmp_path / "deep" / "rows.json")
    measure.write_json(rows, None)
    assert json.loads((tmp_path / "deep" / "rows.json").read_text()) == rows
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
