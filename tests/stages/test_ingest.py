"""The ingest stage: documents and losses on disk, errors that say what to do."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.errors import DuplicateIdError, EmptyCorpusError, MissingInputError, ParamsError
from pipeline.params import parse
from pipeline.schema import DOCS, DROPPED
from pipeline.sources.rows import row_id
from pipeline.stages.ingest import IngestParams, ingest
from pipeline.tables import read_table

ROOT = Path(__file__).resolve().parents[2]


def params(source: str = "files", **files: object) -> IngestParams:
    return IngestParams.model_validate(
        {"source": source, "installed_docs": {"packages": ["attrs"]}, "files": {"path": "data/raw", **files}}
    )


def run(path: Path, folder: Path, settings: IngestParams) -> dict[str, float]:
    return ingest(path, ROOT / "requirements.lock", folder / "docs", folder / "dropped", params=settings)


def test_documents_and_losses_are_written_and_counted(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    source.write_bytes(b'{"text": "caf\xc3\xa9", "n": 1}\n{"text": " \\n"}\n{"te\n')
    counts = run(source, tmp_path, params())
    (document,) = read_table(tmp_path / "docs", DOCS).to_pylist()
    assert document == {
        "id": row_id("files", "a.jsonl:1"),
        "text": "café",
        "source": "files",
        "locator": "a.jsonl:1",
        "domain": "a",
        "lang": None,
        "meta": '{"n": 1}',
    }
    losses = read_table(tmp_path / "dropped", DROPPED).to_pylist()
    assert [(row["id"], row["stage"], row["rule"], row["num_bytes"]) for row in losses] == [
        (row_id("files", "a.jsonl:2"), "ingest", "empty", 2),
        (row_id("files", "a.jsonl:3"), "ingest", "unreadable", 5),
    ]
    assert json.loads(losses[1]["meta"])["error"].startswith("JSONDecodeError")
    assert counts == {
        "docs_out": 1,
        "bytes_out": 5,
        "docs_out/files": 1,
        "bytes_out/files": 5,
        "dropped/empty": 1,
        "dropped/unreadable": 1,
    }


def test_records_of_a_web_archive_are_counted_by_type_and_lost_ones_dropped_by_rule(
    tmp_path: Path, shared: Callable[[str], Path]
) -> None:
    counts = run(shared("data/web/warc"), tmp_path, params())
    documents = read_table(tmp_path / "docs", DOCS).to_pylist()
    losses = read_table(tmp_path / "dropped", DROPPED).to_pylist()
    responses = counts["records/response"] + counts["records/conversion"] + counts["records/damaged"]
    assert len({row["locator"].split("#")[0] for row in documents}) + len(losses) == responses
    assert {row["rule"] for row in losses} == {"truncated", "unreadable", "content_type"}
    assert json.loads(losses[0]["meta"])["url"].startswith("http")
    assert json.loads(documents[0]["meta"])["charset"] == "utf-8"


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = params("installed_docs")
    for workers in ("1", "2"):
        monkeypatch.setenv("HEDDLE_WORKERS", workers)
        run(tmp_path, tmp_path / workers, settings)
    one, two = ([(f.name, f.read_bytes()) for f in sorted((tmp_path / n / "docs").iterdir())] for n in "12")
    assert one == two
    ids = read_table(tmp_path / "1" / "docs", DOCS)["id"].to_pylist()
    assert ids == sorted(ids)


def test_a_duplicate_id_is_an_error_that_names_the_row(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x", "key": 1}\n{"text": "y", "key": 1}\n')
    with pytest.raises(DuplicateIdError, match=r"\(a\.jsonl:1\) comes more than once"):
        run(tmp_path / "a.jsonl", tmp_path, params(id_field="key"))
    assert not (tmp_path / "docs").exists()


@pytest.mark.parametrize("text", ["", '{"text": ""}\n', "no JSON\n"])
def test_a_corpus_without_a_document_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.jsonl").write_text(text)
    with pytest.raises(EmptyCorpusError, match="no document"):
        run(tmp_path / "a.jsonl", tmp_path, params())
    assert not (tmp_path / "docs").exists()


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="nowhere"):
        run(tmp_path / "nowhere", tmp_path, params())


def test_a_truncated_gzip_loses_its_end_alone(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"text": f"line {i * 7919 % 99_991}"}) + "\n" for i in range(100_000))
    whole = gzip.compress(lines.encode())
    (tmp_path / "a.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    counts = run(tmp_path / "a.jsonl.gz", tmp_path, params())
    assert counts["docs_out"] > 1000
    assert counts["dropped/unreadable"] == 1


def test_an_unknown_key_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(
        "ingest: {source: files, installed_docs: {packages: [attrs]}, files: {path: x, txt_field: body}}"
    )
    with pytest.raises(ParamsError, match=r"ingest\.files\.txt_field = 'body'"):
        parse(tmp_path / "params.yaml", "ingest", IngestParams)


def test_a_hub_dataset_needs_a_revision() -> None:
    with pytest.raises(ValidationError, match="revision"):
        params(hub={"name": "owner/data"})
    assert params(hub={"name": "owner/data", "revision": "abc"}).files.hub is not None


def test_the_default_params_parse_and_name_pinned_packages() -> None:
    settings = parse(ROOT / "params.yaml", "ingest", IngestParams)
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "requirements.lock").read_text().splitlines()}
    assert {name.lower() for name in settings.installed_docs.packages} <= pinned


def test_novels_with_their_authors_as_domains(tmp_path: Path, shared: Callable[[str], Path]) -> None:
    counts = run(shared("data/prose/novels-dev.jsonl.gz"), tmp_path, params(id_field="id", domain_field="author"))
    docs = read_table(tmp_path / "docs", DOCS)
    assert counts["docs_out"] == len(docs) > 5
    assert "dropped/unreadable" not in counts
    assert len(set(docs["domain"].to_pylist())) > 1
