"""The page: complete, self-contained, the same each time, and honest about what is missing."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.__main__ import ORDER
from pipeline.errors import InputError, ManifestError, MissingInputError, ParamsError, PipelineError, SchemaError
from pipeline.params import parse
from pipeline.schema import DOCS
from pipeline.stages.report import ReportParams, report
from pipeline.tables import read_table, write_table
from tests.reporting.finished_run import BITS, ROOT, finished_run

STAGES = ORDER[:-1]  # all but the report itself
VOID = {"meta", "link", "img", "br", "hr", "input"}


def make(root: Path, out: str = "report.html") -> str:
    params: ReportParams = parse(ROOT / "params.yaml", "report", ReportParams)
    folders = (root / "data" / stage for stage in STAGES)
    counts = report(root / "dvc.yaml", root / "params.yaml", root / "requirements.lock", *folders, root / out, params=params)
    page = (root / out).read_text(encoding="utf-8")
    assert counts["bytes"] == len(page.encode())
    return page


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("report") / "run")


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return make(root)


class Reader(HTMLParser):
    """Text outside style, every attribute, and whether each element that opens also closes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def text(page: str) -> str:
    return re.sub(r"\s+", " ", " ".join(Reader(page).words))


def test_the_page_loads_nothing_and_runs_nothing(page: str) -> None:
    reader = Reader(page)
    assert not reader.open
    tags = {tag for tag, _, _ in reader.attributes} | set(re.findall(r"<([a-z]+)", page))
    assert not tags & {"script", "link", "img", "iframe", "object", "image", "use"}
    assert not [a for a in reader.attributes if a[1] in {"src", "srcset", "xlink:href"} or a[1].startswith("on")]
    assert all(value.startswith("#") for _, name, value in reader.attributes if name == "href")
    assert not re.search(r"@import|url\((?!#)|https?://", page)
    assert len(page.encode()) < 1_000_000


def test_equal_inputs_give_equal_bytes_wherever_they_lie(page: str, tmp_path: Path) -> None:
    other = finished_run(tmp_path / "elsewhere" / "deeper")
    assert make(other) == page
    assert str(tmp_path) not in page
    assert str(ROOT) not in page


def test_the_figures_are_those_of_the_tables(page: str) -> None:
    said = text(page)
    assert "A decoder of 3.20 M parameters, trained on" in said
    assert "predicts unseen text at 1.412 bits per byte" in said
    assert "640 documents were read; 152 were removed" in said
    assert "76 % of the documents were kept" in said
    assert "632 docs, −8" in said  # ingest's box
    assert "452 / 12 / 24" in said  # split_docs's box
    assert "gopher_repetition/dup_line_char_frac" in said
    assert "50 … 100,000" in said  # a rule's bound
    assert "9.0 % fewer than the 5-gram model (1.551)" in said
    assert "The tuned model beats the baseline: accuracy 0.840 against 0.336, on 200 examples." in said
    assert "3.4 MB instead of 12.9 MB cost +0.0071 bits per byte" in said


def test_bias_is_shown_after_each_stage_and_as_weighted(page: str) -> None:
    said = text(page)
    row = re.search(r"gender/female ([\d. %]+)", said)
    assert row is not None
    shares = re.findall(r"([\d.]+) %", row[1])
    assert len(shares) == 7  # ingest, clean, filter_docs, dedup_docs, dedup_passages, decontaminate, balance
    assert shares[-1] != shares[-2]  # balance weighs, it does not drop
    assert "Nothing mentions disability or religion or sexuality." in said
    assert "gender/male × programmer" in said


def test_what_filters_did_to_groups_is_said_and_drawn(page: str) -> None:
    said = text(page)
    assert re.search(r"(Removed|No filter removes documents about a group) more often than other documents of their length", said)
    assert re.search(r"gender/female × num_words: [+-][\d.]+", said)


def test_every_drawing_has_words_and_every_section_is_there(page: str) -> None:
    drawings = re.findall(r"<svg .*?</svg>", page, re.DOTALL)
    assert len(drawings) >= 14
    assert all("<title>" in d and "<desc>" in d and 'role="img"' in d for d in drawings)
    for anchor in re.findall(r'href="#([a-z]+)"', page):
        assert f'<section id="{anchor}">' in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_what_a_model_wrote_stays_text(page: str) -> None:
    assert "<script>" not in page
    assert "&lt;script&gt;alert(0)&lt;/script&gt;" in page
    assert "Return the &lt;b&gt;sum&lt;/b&gt; of" in page


def test_provenance_names_versions_hashes_and_params(page: str, root: Path) -> None:
    manifest = json.loads((root / "data/pretrain/gpt/manifest.json").read_text())
    for digest in (manifest["files"]["model.safetensors"], manifest["inputs"]["train"]["part-00000.npy"]):
        assert digest in page
    lock = (root / "requirements.lock").read_text()
    version = re.search(r"^torch==(\S+)", lock, re.MULTILINE)
    assert version is not None
    assert f"torch</b> {version[1]}" in page
    assert "rules_per_stage: 10" in page
    assert "dvc repro" in page


def test_a_decoder_that_loses_is_said_to_lose(tmp_path: Path) -> None:
    said = text(make(finished_run(tmp_path / "run", bits={**BITS, "ngram": 1.30})))
    assert "A 5-gram model of 8.40 M n-grams" in said
    assert "The 5-gram model predicts best" in said
    assert "The decoder does not beat the 5-gram model at this budget." in said
    assert "It saw 5.73 M tokens" in said


def test_absent_families_and_tasks_leave_a_note(tmp_path: Path) -> None:
    root = finished_run(tmp_path / "run", families=("gpt",), tasks=())
    shutil.rmtree(root / "data" / "finetune")
    said = text(make(root))
    assert "No LSTM was trained: params.yaml has none under pretrain." in said
    assert "No n-gram model was trained" in said
    assert "No task was fine-tuned: params.yaml has none under finetune." in said
    assert "there is no other family to compare it with" in said


def test_a_family_without_the_decoder(tmp_path: Path) -> None:
    root = finished_run(tmp_path / "run", families=("lstm", "ngram"), tasks=())
    (root / "data/compress").mkdir(exist_ok=True)
    dvc = (root / "dvc.yaml").read_text()
    (root / "dvc.yaml").write_text(dvc.replace("      - data/compress/gpt-int8\n", ""))
    assert "An LSTM" in text(make(root)) or "an LSTM" in text(make(root))


def breakages() -> Iterator[tuple[str, type[PipelineError], str]]:
    yield "rm data/evaluate/results.parquet", MissingInputError, "results.parquet"
    yield "rm -r data/clean/dropped", MissingInputError, "clean/dropped"
    yield "rm data/pretrain/lstm.csv", MissingInputError, "lstm.csv"
    yield "rm data/pretrain/gpt/manifest.json", MissingInputError, "manifest.json"
    yield "cp data/balance/weights.parquet data/evaluate/results.parquet", SchemaError, "results.parquet"
    yield "cp data/dedup_docs/clusters/part-00000.parquet data/balance/weights.parquet", SchemaError, "weights.parquet"
    yield "echo [] > data/evaluate/samples.json", InputError, "samples.json"
    yield "echo {} > data/pretrain/gpt/manifest.json", ManifestError, "manifest.json"
    yield "echo {} > params.yaml", ParamsError, "no value in params.yaml"
    yield "echo nothing > requirements.lock", InputError, "requirements.lock"


@pytest.mark.parametrize(("command", "error", "words"), list(breakages()), ids=[b[0] for b in breakages()])
def test_what_cannot_be_used_is_named(root: Path, tmp_path: Path, command: str, error: type[PipelineError], words: str) -> None:
    copy = shutil.copytree(root, tmp_path / "run")
    (copy / "report.html").unlink(missing_ok=True)
    subprocess.run(["sh", "-c", command], cwd=copy, check=True)
    with pytest.raises(error, match=words):
        make(copy)
    assert not (copy / "report.html").exists()


CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)


def browse(page: Path, profile: Path) -> tuple[str, set[str], list[str]]:
    """The DOM that Chromium makes of a page, the hosts that it asks for, and its console's lines; no name is resolved."""
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--enable-logging=stderr",
        "--virtual-time-budget=2000",
        "--dump-dom",
    ]
    log = profile / "net.json"
    command = [
        str(CHROMIUM),
        *flags,
        f"--user-data-dir={profile}",
        f"--log-net-log={log}",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ]
    done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=50, check=False)
    hosts = set(re.findall(r'"url":"https?://([^/"]+)', log.read_text(errors="replace")))
    browser = {host for host in hosts if host.endswith((".google.com", ".googleapis.com"))}  # what Chromium asks for by itself
    return done.stdout, hosts - browser, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium to look at the page")
def test_a_browser_shows_it_without_a_request_or_a_complaint(page: str, root: Path, tmp_path: Path) -> None:
    dom, hosts, console = browse(root / "report.html", tmp_path)
    assert (hosts, console) == (set(), [])
    assert dom.count("<svg") == page.count("<svg")
    assert "What the models write" in dom
    loud = tmp_path / "loud.html"
    loud.write_text('<img src="http://heddle.invalid/x.png"><script>console.error("seen")</script>')
    _, hosts, console = browse(loud, tmp_path)
    assert (hosts, len(console)) == ({"heddle.invalid"}, 1)  # the check above would have seen a request or a complaint


def test_a_corpus_that_speaks_of_nobody(tmp_path: Path) -> None:
    root = finished_run(tmp_path / "run", total=220)
    for table in (root / "data").glob("*/docs/*.parquet"):
        docs = read_table(table, DOCS)
        write_table(docs.set_column(1, DOCS.field("text"), pa.repeat("return x", docs.num_rows).cast(pa.large_string())), table)
    said = text(make(root))
    assert "Nothing mentions age or disability or gender or origin or religion or sexuality." in said
    assert "0 times: too seldom to tell an association." in said
