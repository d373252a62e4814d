"""The scoring stage: one row per document and one column per filter, sharded like the documents."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import MissingInputError, ParamsError
from pipeline.filters import FILTERS, SCORES
from pipeline.params import parse
from pipeline.schema import DOCS
from pipeline.stages.score_docs import ScoreDocsParams, score_docs
from pipeline.tables import read_table, shards
from tests.stages.test_filter_docs import FRENCH, PROSE, corpus, score


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDDLE_WORKERS", "1")


def test_every_document_has_every_score_in_a_shard_of_the_same_name(tmp_path: Path) -> None:
    docs = corpus(tmp_path, PROSE, FRENCH, "")
    scores = score(docs, ScoreDocsParams(languages=("en",)))
    assert [shard.name for shard in shards(scores)] == [shard.name for shard in shards(docs)]
    ledger = read_table(scores, SCORES)
    assert ledger["id"].to_pylist() == ["0", "1", "2"]
    assert ledger["lang"].to_pylist()[:2] == ["en", "fr"]
    assert ledger["num_words"].to_pylist() == [24, 23, 0]
    assert ledger.column_names[3:] == list(FILTERS)


def test_only_the_filters_asked_for_are_scored(tmp_path: Path) -> None:
    docs = corpus(tmp_path, PROSE, FRENCH)
    ledger = read_table(score(docs, ScoreDocsParams(languages=("en",), filters=("num_words", "toxicity"))), SCORES)
    assert ledger["num_words"].to_pylist() == [24, 23]
    assert ledger["toxicity"].null_count == 0
    assert all(ledger[name].null_count == 2 for name in FILTERS if name not in {"num_words", "toxicity"})
    assert ledger["lang"].to_pylist() == read_table(docs, DOCS)["lang"].to_pylist()


def test_without_a_folder_of_lists_and_models_the_error_names_it(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"nowhere: no such folder"):
        score_docs(corpus(tmp_path, PROSE), tmp_path / "nowhere", tmp_path / "scores", params=ScoreDocsParams())


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{languages: [english]}", "cannot identify english"),
        ("{filters: [num_wrods]}", "no filter named num_wrods"),
        ("{words: letters}", r"score_docs\.words = 'letters'"),
    ],
)
def test_params_that_make_no_sense_are_errors(tmp_path: Path, section: str, message: str) -> None:
    (tmp_path / "params.yaml").write_text(f"score_docs: {section}")
    with pytest.raises(ParamsError, match=message):
        parse(tmp_path / "params.yaml", "score_docs", ScoreDocsParams)


def test_the_stage_starts_soon_and_without_torch() -> None:
    code = (
        "import sys, time; t = time.perf_counter(); import pipeline.stages.score_docs;"
        "assert 'torch' not in sys.modules; print(time.perf_counter() - t)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True) for _ in range(3)]
    assert min(float(run.stdout) for run in runs) < 2  # half that on an idle machine
