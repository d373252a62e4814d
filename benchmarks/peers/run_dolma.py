"""Works of dolma's command line, one process: ``run_dolma.py WORK CORPUS OUT``; runs in its own environment.

dolma reads and writes gzip JSONL alone, so that is inside the clock in place of Parquet; making its input is outside. It only
annotates: what a reader would keep is not counted. Its start-up, some seconds, is taken off: that of a run over one document.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from measure import Cost, answer, clock

TAGGERS = {"gopher": "gopher_v1", "c4": "c4_v2", "personal_data": "pii_regex_with_counts_fast_v2"}
KEYS: dict[str, dict[str, Any]] = {
    "exact_duplicates": {"documents": {"attribute_name": "duplicate", "key": "$.text"}},
    "paragraph_duplicates": {"paragraphs": {"attribute_name": "duplicate"}},
}
DOLMA = Path(sys.executable).with_name("dolma")


def command(work: str, folder: Path) -> list[str]:
    """The command line for the documents below ``folder``."""
    documents = folder / "documents" / "corpus.jsonl.gz"
    if work in TAGGERS:
        return ["tag", "--documents", str(documents), "--taggers", TAGGERS[work], "--processes", "1", "--ignore_existing"]
    lines = gzip.decompress(documents.read_bytes()).count(b"\n")
    settings = {
        "documents": [str(documents)],
        "dedupe": {"name": work, "skip_empty": True, **KEYS[work]},
        "processes": 1,
        "bloom_filter": {
            "file": str(folder / "filter.bin"),
            "read_only": False,
            "estimated_doc_count": max(lines * 30, 1000),  # paragraphs, in the one work, are more than documents
            "desired_false_positive_rate": 1e-4,
        },
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    return ["-c", str(folder / "settings.json"), "dedupe"]


def run(work: str, rows: list[dict[str, str]], folder: Path) -> Cost:
    """The cost of one command over ``rows``."""
    (folder / "documents").mkdir(parents=True)
    with gzip.open(folder / "documents" / "corpus.jsonl.gz", "wt", compresslevel=1, encoding="utf-8") as file:
        file.writelines(json.dumps({**row, "source": "bench"}) + "\n" for row in rows)
    words = [str(DOLMA), *command(work, folder)]
    with clock() as cost:
        done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode or not list(folder.glob("attributes/**/*.gz")):
        raise SystemExit(f"{' '.join(words)}\n{done.stdout[-1500:]}")
    return cost


def main() -> None:
    work, corpus, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    starts = [run(work, [{"id": "1", "text": "One document."}], out / f"start{turn}") for turn in range(2)]
    start = min(starts, key=lambda cost: cost.cpu_seconds)
    cost = run(work, pq.read_table(corpus, columns=["id", "text"]).to_pylist(), out / "whole")
    cost.cpu_seconds -= start.cpu_seconds
    cost.wall_seconds -= start.wall_seconds
    answer(cost, start_up=start.cpu_seconds, version=version("dolma"))


if __name__ == "__main__":
    main()
