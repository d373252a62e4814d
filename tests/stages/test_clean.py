"""The clean stage: texts change, documents stay, what ends up empty is accounted for."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import EmptyCorpusError, ParamsError
from pipeline.params import parse
from pipeline.schema import DOCS, DROPPED
from pipeline.stages.clean import CleanParams, PresidioParams, clean
from pipeline.tables import read_table, shard_name, write_table
from pipeline.text.pii import KINDS

ALL = CleanParams(redact=KINDS, presidio=False)


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


def test_texts_are_cleaned_redacted_and_counted(tmp_path: Path) -> None:
    texts = ("plain", "mail a@x.org\r\nand b@x.org", "cafÃ©", "\x00\n ", "212-555-0187")
    counts = clean(corpus(tmp_path, *texts), tmp_path / "docs", tmp_path / "dropped", params=ALL)
    kept = read_table(tmp_path / "docs", DOCS).to_pylist()
    assert {row["id"]: row["text"] for row in kept} == {
        "0": "plain",
        "1": "mail <EMAIL>\nand <EMAIL>",
        "2": "café",
        "4": "<PHONE>",
    }
    (lost,) = read_table(tmp_path / "dropped", DROPPED).to_pylist()
    assert (lost["id"], lost["stage"], lost["rule"], lost["num_bytes"]) == ("3", "clean", "empty", 3)
    assert (counts["docs_in"], counts["docs_out"]) == (5, 4)
    assert (counts["redacted/email"], counts["redacted/phone"], counts["repaired"], counts["changed"]) == (2, 1, 1, 4)
    assert counts["bytes_out"] == sum(len(row["text"].encode()) for row in kept)


def test_what_is_not_to_be_redacted_stays(tmp_path: Path) -> None:
    clean(
        corpus(tmp_path, "a@x.org", "b"), tmp_path / "docs", tmp_path / "dropped", params=CleanParams(redact=(), presidio=False)
    )
    assert read_table(tmp_path / "docs", DOCS)["text"].to_pylist() == ["a@x.org", "b"]


def test_presidio_looks_again_where_it_is_asked_to(tmp_path: Path) -> None:
    presidio = PresidioParams(entities=("US_DRIVER_LICENSE",), min_score=0.4, model=None)
    params = CleanParams(redact=("email",), presidio=presidio)
    docs = corpus(tmp_path, "a@x.org: my driver's license number is F1628235", "b")
    counts = clean(docs, tmp_path / "docs", tmp_path / "dropped", params=params)
    assert read_table(tmp_path / "docs", DOCS)["text"][0].as_py() == "<EMAIL>: my driver's license number is <US_DRIVER_LICENSE>"
    assert (counts["redacted/email"], counts["redacted/presidio/US_DRIVER_LICENSE"]) == (1, 1)


def test_cleaning_twice_changes_nothing(tmp_path: Path) -> None:
    first, second = tmp_path / "docs", tmp_path / "again"
    clean(corpus(tmp_path, "mail a@x.org \n\n\n\nx", "  cafÃ©", "b"), first, tmp_path / "dropped", params=ALL)
    counts = clean(first, second, tmp_path / "dropped2", params=ALL)
    assert counts["changed"] == 0
    assert [f.read_bytes() for f in sorted(first.iterdir())] == [f.read_bytes() for f in sorted(second.iterdir())]


def test_a_corpus_that_ends_up_empty_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EmptyCorpusError, match="every one of 3 documents was dropped"):
        clean(corpus(tmp_path, " ", "\x00", "\n"), tmp_path / "docs", tmp_path / "dropped", params=ALL)


def test_params(tmp_path: Path) -> None:
    assert parse(Path(__file__).parents[2] / "params.yaml", "clean", CleanParams).redact == ALL.redact
    (tmp_path / "params.yaml").write_text("clean: {redact: [email, names], presidio: false}")
    with pytest.raises(ParamsError, match=r"clean\.redact\.1 = 'names'"):
        parse(tmp_path / "params.yaml", "clean", CleanParams)
