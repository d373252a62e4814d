"""Documents pass through unchanged; weights even out groups and domains within their bounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import EmptyCorpusError, ParamsError
from pipeline.params import parse
from pipeline.schema import DOCS, WEIGHTS
from pipeline.stages.balance import BalanceParams, balance
from pipeline.tables import read_table
from tests.corpora import files, ids, write_docs

TEXTS = ["He is a doctor."] * 60 + ["She is a nurse."] * 30 + ["The river is long."] * 60


def run(tmp_path: Path, docs: Path, folder: str = "made", **params: object) -> tuple[dict[str, float], np.ndarray]:
    out, weights = tmp_path / folder / "docs", tmp_path / folder / "weights.parquet"
    report = balance(docs, out, weights, params=BalanceParams(**params))
    assert read_table(out, DOCS).equals(read_table(docs, DOCS))
    table = read_table(weights, WEIGHTS)
    assert table["id"].to_pylist() == ids(docs)
    return report, table["weight"].to_numpy()


def test_groups_even_out_and_the_report_says_from_what_to_what(tmp_path: Path) -> None:
    report, weights = run(tmp_path, write_docs(tmp_path / "docs", TEXTS, per_shard=50))
    assert weights.mean() == pytest.approx(1, abs=1e-5)
    assert weights[0] < 1 < weights[60]
    assert weights[100] == pytest.approx(1, abs=0.1)
    assert report["share_before/gender/female"] == pytest.approx(1 / 3, abs=1e-6)
    assert report["share_after/gender/female"] == pytest.approx(1 / 2, abs=1e-3)
    assert (report["ratio_before/gender"], report["ratio_after/gender"]) == (2.0, pytest.approx(1, abs=1e-3))
    assert (report["documents/gender/male"], report["mentions/gender/male"]) == (60, 60)
    assert report["association_bits_before/gender"] == pytest.approx(0.918, abs=0.02)  # work tells the group: H(1/3)
    assert 100 < report["effective_docs"] < 150
    assert report["docs_in"] == report["docs_out"] == 150


def test_bounds_hold(tmp_path: Path) -> None:
    report, weights = run(tmp_path, write_docs(tmp_path / "docs", TEXTS), low=0.9, high=1.1)
    assert (weights.min(), weights.max()) == (0.9, 1.1)
    assert 1 < report["ratio_after/gender"] < 2


def test_a_rare_group_and_an_axis_not_asked_for_are_left_alone(tmp_path: Path) -> None:
    docs = write_docs(tmp_path / "docs", TEXTS)
    for folder, params in (("rare", {"min_documents": 31}), ("axis", {"axes": ("age",)})):
        assert (run(tmp_path, docs, folder, **params)[1] == 1).all()


def test_a_mixture_gives_domains_their_shares(tmp_path: Path) -> None:
    texts = ["same size"] * 10
    docs = write_docs(tmp_path / "docs", texts, domains=["a"] * 8 + ["b"] * 2)
    assert run(tmp_path, docs, mixture={"b": 0.3})[1][[0, 9]] == pytest.approx([0.7 / 0.8, 0.3 / 0.2], abs=1e-5)
    assert run(tmp_path, docs, domain_temperature=0.5)[1][[0, 9]] == pytest.approx([(2 / 3) / 0.8, (1 / 3) / 0.2], abs=1e-5)
    with pytest.raises(ParamsError, match=r"balance.mixture names \['c'\].*it has a, b"):
        run(tmp_path, docs, mixture={"c": 0.3})


def test_the_same_bytes_again(tmp_path: Path) -> None:
    docs = write_docs(tmp_path / "docs", TEXTS)
    run(tmp_path, docs, "one")
    run(tmp_path, docs, "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_an_empty_corpus_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EmptyCorpusError, match="no document to weigh"):
        run(tmp_path, write_docs(tmp_path / "docs", []))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("axes: [height]", r"axes \['height'\] are not among"),
        ("mixture: {a: 0.7, b: 0.7}", "at most 1"),
        ("low: 2", "balance.low = 2"),
    ],
)
def test_wrong_params_are_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "params.yaml").write_text(f"balance:\n  {line}\n")
    with pytest.raises(ParamsError, match=message):
        parse(tmp_path / "params.yaml", "balance", BalanceParams)
