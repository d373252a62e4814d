"""Small files: curves, reports, lock files, and what is said of those that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import InputError, MissingInputError
from pipeline.reporting.records import read_curve, read_json, read_lock, read_report, thinned


def test_blank_cells_of_a_curve_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("step,tokens,loss,val_bits_per_byte\n1,100,5.0,\n2,200,4.0,2.5\n")
    curve = read_curve(path, 10)
    assert curve.x_label == "tokens"
    assert curve.columns == {"loss": [(100.0, 5.0), (200.0, 4.0)], "val_bits_per_byte": [(200.0, 2.5)]}


def test_a_curve_over_the_same_tokens_is_one_over_steps(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("step,tokens,loss\n1,900,5.0\n2,900,4.0\n")
    assert read_curve(path, 10).columns == {"loss": [(1.0, 5.0), (2.0, 4.0)]}


@pytest.mark.parametrize(("text", "words"), [("epoch,loss\n1,2\n", "no step"), ("step,loss\n1,2\n2,nine\n", "line 3: 'nine'")])
def test_a_curve_that_is_none(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "c.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_curve(path, 10)


def test_thinning_keeps_both_ends() -> None:
    points = [(float(i), float(i)) for i in range(1000)]
    some = thinned(points, 7)
    assert (len(some), some[0], some[-1]) == (7, points[0], points[-1])
    assert thinned(points[:5], 7) == points[:5]


def test_a_lock_file_lists_what_results_hang_on_first(tmp_path: Path) -> None:
    path = tmp_path / "requirements.lock"
    path.write_text("# made by\nzipp==1.0\nnumpy==2.1.0  # why\ntorch==2.11.0\nabsl-py==2.0\n")
    assert read_lock(path) == ([("torch", "2.11.0"), ("numpy", "2.1.0")], [("absl-py", "2.0"), ("zipp", "1.0")])
    path.write_text("torch>=2\n")
    with pytest.raises(InputError, match="name==version"):
        read_lock(path)


def test_reports_are_flat_objects_of_numbers(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text('{"a": {"b": 1}}')
    with pytest.raises(InputError, match=r"report\.json.*flat"):
        read_report(path)
    path.write_text("{")
    with pytest.raises(InputError, match="not valid JSON"):
        read_json(path)
    with pytest.raises(MissingInputError, match="absent"):
        read_json(tmp_path / "absent.json")
