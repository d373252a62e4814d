"""What repeated paragraphs, lines and substrings cost, and how much of a corpus they are, beside a suffix array's cost.

    python benchmarks/passages.py CORPUS.parquet [--limit-mb 20] [--no-peer] [--json FILE]

``CORPUS.parquet`` is a table (id, text). Each rule runs alone, in a fresh process on one core, over the whole stage: Parquet in,
Parquet out. The peer is the suffix array that Lee et al. 2022 find repeated substrings with, by libdivsufsort, and its array of
common prefixes, in memory, over the same bytes: what comes before (reading) and after it (cutting, writing) is not counted.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import corpora
from environments import PeerUnavailableError, python_of
from measure import MB, ROOT, Row, answer, clock, parser, run, show

PASSAGE = {"min_chars": 100, "max_documents": 1, "keep": "first"}
RULES: dict[str, dict[str, Any]] = {
    "paragraphs": {"paragraphs": PASSAGE},
    "lines": {"lines": {**PASSAGE, "min_chars": 60}, "min_left_chars": 30},
    "substrings of 50 words": {"substrings": {"length": 50, "tokens": "words"}},
    "substrings of 300 bytes": {"substrings": {"length": 300, "tokens": "bytes"}},
}


def main() -> None:
    """Run every rule and the peer."""
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
        return
    arguments = parser(__doc__)
    arguments.add_argument("corpus", type=Path, metavar="CORPUS.parquet")
    arguments.add_argument("--limit-mb", type=float, default=20, help="of the corpus that is used (default: 20)")
    arguments.add_argument("--no-peer", action="store_true", help="leave the suffix array out, which is installed otherwise")
    given = arguments.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        part = corpora.cut(given.corpus, Path(folder) / "part.parquet", int(given.limit_mb * MB))
        documents, num_bytes = corpora.size(part)
        docs = corpora.docs_table(part, Path(folder) / "docs")
        for rule in RULES:
            out = Path(folder) / rule.replace(" ", "_")
            done = run([sys.executable, __file__, "--work", rule, docs, out])
            rows.append({"work": rule, "mb_s": done.clocked.mb_s(num_bytes), "peak_mb": done.clocked.peak_mb, **done.facts})
        if not given.no_peer:
            rows += peer(part, num_bytes)
    show(f"{documents:,} documents, {num_bytes / MB:.1f} MB", rows)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")


def peer(part: Path, num_bytes: int) -> list[Row]:
    """What the suffix array costs, unless it cannot be installed."""
    try:
        done = run([python_of("divsufsort"), ROOT / "benchmarks" / "peers" / "run_divsufsort.py", part])
    except PeerUnavailableError as error:
        print(error)
        return []
    return [{"work": "suffix array of bytes", "mb_s": done.clocked.mb_s(num_bytes), "peak_mb": done.clocked.peak_mb}]


def work(rule: str, docs: Path, out: Path) -> None:
    """Run one rule, first over a few documents: kernels and imports are no part of the rate."""
    os.chdir(ROOT)
    from pipeline import runtime

    runtime.quiet_libraries()
    runtime.cache_kernels()
    from pipeline.stages.dedup_passages import DedupPassagesParams, dedup_passages
    from pipeline.tables import read_shards, write_table

    params = DedupPassagesParams(**{"paragraphs": None, "lines": None, "substrings": None} | RULES[rule])
    few = next(read_shards(docs, corpora.docs_rows([]).schema)).slice(0, 200)
    write_table(few, out / "few" / "part-00000.parquet")
    for name, source in (("few", out / "few"), ("all", docs)):
        os.environ["DVC_ROOT"] = str(out / f"scratch-{name}")
        paths = [out / name / kind for kind in ("docs", "dropped", "cuts")]
        with clock() as cost:
            report = dedup_passages(source, *paths, params=params)
    facts = {"docs_cut": int(report["docs_cut"]), "docs_dropped": int(report["dropped"]), "mb_cut": report["bytes_cut"] / MB}
    answer(cost, **facts)


if __name__ == "__main__":
    main()
