"""The benches of decontamination and of repeated passages over tiny data; no peer is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT

WORDS = "warp weft loom heddle reed shuttle bobbin thread cloth selvedge pattern beam harness treadle".split()  # noqa: SIM905


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    notice = (
        "This text may be copied by anyone who names its author and leaves this notice in it, word for word, as it stands here."
    )
    texts = [" ".join(WORDS[(n * k + k * k) % 14] for k in range(3, 60)) + f" {n}\n\n{notice}\n" for n in range(120)]
    file = tmp_path / "corpus.parquet"
    pq.write_table(pa.table({"id": [str(n) for n in range(120)], "text": texts}), file)
    return file


def bench(script: str, *words: object) -> list[dict[str, object]]:
    out = Path(str(words[-1]))
    command = [sys.executable, ROOT / "benchmarks" / script, *words[:-1], "--json", out]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(out.read_text())


def test_planted_items_are_counted(corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "evaluation"
    folder.mkdir()
    rows = [
        {"query": f"What is made of {a} and {b} if the weaver of room {n} has no {c} left?", "choices": [f"a {d} of {n}", c]}
        for n, (a, b, c, d) in enumerate(zip(WORDS, WORDS[3:], WORDS[6:], WORDS[9:], strict=False))
    ]
    (folder / "quiz.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = bench("decontamination.py", folder, corpus, "--items", 5, tmp_path / "out.json")
    by_way = {row["way"]: row for row in found}
    assert by_way["verbatim"]["recall"] == by_way["question only"]["recall"] == 1
    assert by_way["answer only"]["recall"] == 0  # four words are no evidence
    assert (by_way["clean corpus"]["false_positives"], by_way["clean corpus"]["documents"]) == (0, 120)


def test_every_rule_runs(corpus: Path, tmp_path: Path) -> None:
    rows = bench("passages.py", corpus, "--no-peer", tmp_path / "out.json")
    assert [row["work"] for row in rows][:2] == ["paragraphs", "lines"]
    assert len(rows) == 4
    assert rows[0]["docs_cut"] == 119
