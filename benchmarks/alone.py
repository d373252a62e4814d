"""What has no peer beside it: two workers against one, memory against the size of the corpus, compilation of the kernels."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import corpora
from measure import MB, ROOT, Row, Run, run

OURS = Path(__file__).resolve().parent / "ours.py"
TIMES = 4  # the corpus, again and again: large enough that starting two processes is a small part
WORKS = {
    "personal data": "personal_data",
    "FineWeb chain, spaCy words": "fineweb_chain_spacy",
    "FineWeb chain, unicode words": "fineweb_chain_unicode",
    "near-duplicates": "near_duplicates",
}


def rows(corpus: Path, part: Path, folder: Path) -> list[Row]:
    """All of them, kernels over the ``part`` of the corpus; two workers only where there are two cores."""
    made = [compilation(corpora.docs_table(part, folder / "docs" / "part"))]
    docs = corpora.docs_table(corpus, folder / "docs" / "times", TIMES)
    documents, num_bytes = corpora.size(corpus)
    facts = {"peer": None, "peer_mb_s": None, "ratio": None, "documents": TIMES * documents, "mb": TIMES * num_bytes / MB}
    for name, work in WORKS.items():
        one = _ours(work, docs)
        row = {"work": f"{name}, {TIMES} times the corpus", "ours_mb_s": one.clocked.mb_s(TIMES * num_bytes), **facts}
        made.append(row | {"peak_mb": one.clocked.peak_mb, "kept": one.facts["kept"]})
        if len(os.sched_getaffinity(0)) > 1:
            two = _ours(work, docs, cores=2)
            faster = one.clocked.wall_seconds / two.clocked.wall_seconds
            row = {"work": f"{name}, two workers", "ours_mb_s": TIMES * num_bytes / MB / two.clocked.wall_seconds, **facts}
            note = f"{faster:.2f} times one worker; MB/s of wall time"
            made.append(row | {"peak_mb": two.clocked.peak_mb, "kept": two.facts["kept"], "speed_up": faster, "note": note})
    return made


def compilation(docs: Path) -> Row:
    """CPU seconds to compile all kernels of these works: with an empty cache less with the cache that this has filled."""
    total = 0.0
    with tempfile.TemporaryDirectory(dir=ROOT / ".scratch") as empty:
        for work in ("fineweb_chain_spacy", "near_duplicates", "personal_data"):
            cold = _ours(work, docs, environment={"NUMBA_CACHE_DIR": empty})
            total += cold.whole.cpu_seconds - _ours(work, docs, environment={"NUMBA_CACHE_DIR": empty}).whole.cpu_seconds
    facts = {"ours_mb_s": None, "peer": None, "peer_mb_s": None, "ratio": None, "peak_mb": cold.clocked.peak_mb}
    return {"work": "compilation of the kernels, once", **facts, "seconds": total, "note": f"{total:.1f} CPU seconds"}


def _ours(work: str, docs: Path, cores: int = 1, environment: dict[str, str] | None = None) -> Run:
    with tempfile.TemporaryDirectory(dir=ROOT / ".scratch") as out:
        return run([sys.executable, OURS, work, docs, out], cores=cores, environment=environment)
