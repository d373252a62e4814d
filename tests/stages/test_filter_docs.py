"""The filter stage: who is kept, and the rule, score and bounds of who is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.errors import EmptyCorpusError, ParamsError
from pipeline.filters import FILTERS, SCORES
from pipeline.params import parse
from pipeline.schema import DOCS, DROPPED
from pipeline.stages.filter_docs import FilterDocsParams, filter_docs
from pipeline.stages.ingest import IngestParams, ingest
from pipeline.stages.score_docs import ScoreDocsParams, score_docs
from pipeline.tables import read_table, shard_name, shards, write_table

ROOT = Path(__file__).resolve().parents[2]
PROSE = "It was the best of times, and it was the worst of times; they had everything to be glad of, and nothing to lose."
FRENCH = "C'est une nuit d'hiver, et la neige tombe sur les toits de la ville pendant que tout le monde dort encore."


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDDLE_WORKERS", "1")


def corpus(folder: Path, *texts: str) -> Path:
    """DOCS with ids 0, 1, ... in two shards."""
    rows = [
        {"id": str(i), "text": text, "source": "s", "locator": str(i), "domain": "d", "lang": None, "meta": "{}"}
        for i, text in enumerate(texts)
    ]
    for number, part in enumerate((rows[:2], rows[2:])):
        write_table(pa.Table.from_pylist(part, DOCS), folder / "in" / shard_name(number))
    return folder / "in"


def params(**values: Any) -> FilterDocsParams:
    return FilterDocsParams.model_validate({"bounds": {}, **values})


def run(folder: Path, settings: FilterDocsParams, *texts: str, languages: tuple[str, ...] = ()) -> dict[str, float]:
    score(corpus(folder, *texts), ScoreDocsParams(languages=languages))
    return filter_docs(folder / "in", folder / "scores", folder / "docs", folder / "dropped", params=settings)


def score(docs: Path, settings: ScoreDocsParams) -> Path:
    (docs.parent / "quality").mkdir(exist_ok=True)
    score_docs(docs, docs.parent / "quality", docs.parent / "scores", params=settings)
    return docs.parent / "scores"


def losses(folder: Path) -> dict[str, tuple[Any, ...]]:
    table = read_table(folder / "dropped", DROPPED).to_pylist()
    return {row["id"]: (row["rule"], row["score"], row["low"], row["high"], row["num_bytes"]) for row in table}


def test_each_loss_has_its_first_rule_score_and_bounds(tmp_path: Path) -> None:
    bounds = {"toxicity": {"high": 0.1}, "num_words": {"low": 3, "high": 30}, "language": {"low": 0.5}}
    texts = (PROSE, FRENCH, "too short", "You bastard", PROSE + " word" * 30, "They are all bastards, and bitches, to be sure")
    counts = run(tmp_path, params(bounds=bounds), *texts, languages=("en",))
    assert read_table(tmp_path / "docs", DOCS)["id"].to_pylist() == ["0"]
    found = losses(tmp_path)
    french = found.pop("1")
    assert (french[0], french[2:]) == ("language", (0.5, None, len(FRENCH.encode())))
    assert french[1] < 0.5
    assert found == {
        "2": ("num_words", 2, 3, 30, 9),
        "3": ("num_words", 2, 3, 30, 11),  # toxic too, but that is asked later
        "4": ("num_words", 54, 3, 30, len(texts[4])),
        "5": ("toxicity", 2 / 9, None, 0.1, len(texts[5])),
    }
    assert (counts["docs_in"], counts["docs_out"], counts["dropped/num_words"], counts["lang/en"]) == (6, 1, 3, 1)


def test_a_score_on_the_bound_is_kept(tmp_path: Path) -> None:
    run(tmp_path, params(bounds={"num_words": {"low": 2, "high": 2}}), "a b", "a b c", "a")
    assert read_table(tmp_path / "docs", DOCS)["id"].to_pylist() == ["0"]


def test_without_bounds_nothing_is_dropped_and_languages_are_filled_in(tmp_path: Path) -> None:
    run(tmp_path, params(), PROSE, FRENCH, "")
    assert read_table(tmp_path / "docs", DOCS)["lang"].to_pylist()[:2] == ["en", "fr"]
    assert losses(tmp_path) == {}


def test_two_workers_write_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    for workers in ("1", "2"):
        monkeypatch.setenv("HEDDLE_WORKERS", workers)
        run(tmp_path / workers, params(bounds={"language": {"low": 0.5}}), PROSE, FRENCH, PROSE, languages=("en",))
        files = sorted((tmp_path / workers).glob("[ds]*/*"))
        written.append([(file.relative_to(tmp_path / workers), file.read_bytes()) for file in files])
    assert len(written[0]) == 5
    assert written[0] == written[1]


def test_a_corpus_that_is_all_dropped_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EmptyCorpusError, match="every one of 3 documents was dropped"):
        run(tmp_path, params(bounds={"num_words": {"low": 1000}}), PROSE, FRENCH, "x")


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{bounds: {num_word: {low: 1}}}", "no filter named num_word"),
        ("{bounds: {num_words: {lo: 1}}}", r"filter_docs\.bounds\.num_words\.lo"),
        ("{bounds: {num_words: {low: 2, high: 1}}}", r"low 2\.0 is above high 1\.0"),
    ],
)
def test_params_that_make_no_sense_are_errors(tmp_path: Path, section: str, message: str) -> None:
    (tmp_path / "params.yaml").write_text(f"filter_docs: {section}")
    with pytest.raises(ParamsError, match=message):
        parse(tmp_path / "params.yaml", "filter_docs", FilterDocsParams)


def test_the_default_bounds_keep_most_documentation(tmp_path: Path) -> None:
    settings = parse(ROOT / "params.yaml", "filter_docs", FilterDocsParams)
    assert list(settings.bounds) == [name for name in FILTERS if name in settings.bounds]  # in the order in which they are asked
    source = IngestParams.model_validate(
        {"source": "installed_docs", "installed_docs": {"packages": ["click", "networkx"]}, "files": {"path": "x"}}
    )
    counts = ingest(tmp_path, ROOT / "requirements.lock", tmp_path / "in", tmp_path / "unreadable", params=source)
    scores = score(tmp_path / "in", parse(ROOT / "params.yaml", "score_docs", ScoreDocsParams))
    report = filter_docs(tmp_path / "in", scores, tmp_path / "docs", tmp_path / "dropped", params=settings)
    lost = sum(value for key, value in report.items() if key.startswith("dropped_bytes/"))
    assert 0.6 < 1 - lost / counts["bytes_out"] < 0.95


def without(scores: Path, name: str, *, shard: int) -> None:
    """Make a column of one shard null."""
    path = shards(scores)[shard]
    table = read_table(path, SCORES)
    write_table(table.set_column(SCORES.get_field_index(name), SCORES.field(name), pa.nulls(len(table), pa.float64())), path)


def test_a_null_score_drops_nothing(tmp_path: Path) -> None:
    docs = corpus(tmp_path, PROSE, FRENCH, "x")
    scores = score(docs, ScoreDocsParams())
    without(scores, "num_words", shard=1)
    bounds = params(bounds={"num_words": {"low": 3}, "mean_word_length": {"low": 2}})
    filter_docs(docs, scores, tmp_path / "docs", tmp_path / "dropped", params=bounds)
    assert {key: row[0] for key, row in losses(tmp_path).items()} == {"2": "mean_word_length"}


def test_a_bound_on_a_filter_that_scored_nothing_is_an_error(tmp_path: Path) -> None:
    docs = corpus(tmp_path, PROSE, FRENCH, "x")
    scores = score(docs, ScoreDocsParams())
    with pytest.raises(ParamsError, match=r"bounds\.bits_per_byte: .*holds no score of this filter.*data/quality"):
        filter_docs(docs, scores, tmp_path / "docs", tmp_path / "dropped", params=params(bounds={"bits_per_byte": {"high": 3}}))


def test_the_users_terms_and_models_decide(tmp_path: Path) -> None:
    docs = corpus(tmp_path, PROSE, "fine words, you bastard", "the foo bar of it")
    (tmp_path / "quality").mkdir()
    (tmp_path / "quality" / "toxic_terms.txt").write_text("foo bar\n")
    scores = score(docs, ScoreDocsParams())
    assert read_table(scores, SCORES)["toxic_terms"].to_pylist() == [0, 0, 1]
    filter_docs(docs, scores, tmp_path / "docs", tmp_path / "dropped", params=params(bounds={"toxic_terms": {"high": 0}}))
    assert losses(tmp_path) == {"2": ("toxic_terms", 1, None, 0, 17)}
