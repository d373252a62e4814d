"""Corpus work, ours and each peer on the same file, held to one core: MB/s per CPU second, peak memory, ratio.

    python benchmarks/corpus.py [--corpus FILE.parquet] [--json FILE]

The corpus is a table (id, text); the default one is made of the documentation in this environment (see corpora.py). Peers that
read less than some MB a second get a random part of it, of --limit-mb, and ours gets the same part beside them. Start-up is
left out on both sides; what the whole process took, with it, stands in the columns that end in ``cold``.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import alone
import corpora
from environments import PeerUnavailableError, python_of
from measure import MB, ROOT, Row, Run, WorkFailedError, parser, run, show, write_json

HERE = Path(__file__).resolve().parent
NO_INSTALL = {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1"}  # data-juicer installs packages when an operator is first used
RUNS, ENOUGH_SECONDS = 3, 5.0  # the best of up to three runs, no further one once they took five CPU seconds
COLUMNS = ["work", "mb", "ours_mb_s", "peer", "peer_mb_s", "ratio", "peak_mb", "peer_peak_mb", "kept", "peer_kept", "note"]


@dataclass(frozen=True)
class Work:
    """A row's name, our work, the peers' works; ``slow`` peers get a part. ``copies``: over the corpus with copies added."""

    name: str
    ours: str
    peers: dict[str, str]
    slow: frozenset[str] = frozenset()
    copies: bool = False
    notes: dict[str, str] = field(default_factory=dict)


def slow(*peers: str) -> frozenset[str]:
    """Peers that get a part of the corpus."""
    return frozenset(peers)


OTHER_RULES = "similar rules, whitespace words"
ANNOTATES = "annotates only, gzip JSONL"
WORKS = [
    Work("read and write Parquet", "parquet", {"datatrove": "parquet", "datajuicer": "parquet"}),
    Work("Gopher repetition, spaCy words", "gopher_repetition_spacy", {"datatrove": "gopher_repetition"}, slow("datatrove")),
    Work(
        "Gopher repetition, unicode words",
        "gopher_repetition_unicode",
        {"nemo": "gopher_repetition"},
        slow("nemo"),
        notes={"nemo": OTHER_RULES},
    ),
    Work("Gopher quality, spaCy words", "gopher_quality_spacy", {"datatrove": "gopher_quality"}, slow("datatrove")),
    Work(
        "Gopher quality, unicode words",
        "gopher_quality_unicode",
        {"nemo": "gopher_quality", "dolma": "gopher"},
        slow("nemo", "dolma"),
        notes={"nemo": OTHER_RULES, "dolma": f"all of Gopher, {OTHER_RULES}, {ANNOTATES}"},
    ),
    Work("C4, spaCy sentences", "c4_spacy", {"datatrove": "c4"}, slow("datatrove")),
    Work("C4, unicode words", "c4_unicode", {"dolma": "c4"}, slow("dolma"), notes={"dolma": ANNOTATES}),
    Work("FineWeb quality, spaCy words", "fineweb_quality_spacy", {"datatrove": "fineweb_quality"}, slow("datatrove")),
    Work("FineWeb chain, spaCy words", "fineweb_chain_spacy", {"datatrove": "fineweb_chain"}, slow("datatrove")),
    Work(
        "FineWeb chain, unicode words",
        "fineweb_chain_unicode",
        {"datatrove": "fineweb_chain", "nemo": "fineweb_chain", "datajuicer": "fineweb_chain"},
        slow("datatrove", "nemo", "datajuicer"),
        notes={"datatrove": "spaCy words", "nemo": "28 heuristics, whitespace words", "datajuicer": "8 filters"},
    ),
    Work(
        "personal data",
        "personal_data",
        {"datatrove": "personal_data", "dolma": "personal_data", "datajuicer": "personal_data"},
        notes={
            "datatrove": "e-mail and IP",
            "dolma": f"e-mail, IP, phone; {ANNOTATES}",
            "datajuicer": "e-mail and IP",
        },
    ),
    Work(
        "near-duplicates",
        "near_duplicates",
        {
            "datatrove": "near_duplicates",
            "rensa": "near_duplicates",
            "datajuicer": "near_duplicates",
            "textdedup": "near_duplicates",
        },
        slow("datatrove", "datajuicer", "textdedup"),
        copies=True,
        notes={"rensa": "whole run, clusters in Python"},
    ),
    Work(
        "exact duplicates",
        "exact_duplicates",
        {"datatrove": "exact_duplicates", "dolma": "exact_duplicates", "datajuicer": "exact_duplicates"},
        slow("datajuicer"),
        copies=True,
        notes={"dolma": "bloom filter, gzip JSONL"},
    ),
    Work(
        "paragraph duplicates",
        "paragraph_duplicates",
        {"dolma": "paragraph_duplicates"},
        copies=True,
        notes={"dolma": "bloom filter, gzip JSONL"},
    ),
]


class Bench:
    """Runs works over the corpus, its part, and both with copies; ours over one file is run once for all peers."""

    def __init__(self, corpus: Path, limit_mb: float, folder: Path) -> None:
        part = corpora.cut(corpus, folder / "part.parquet", int(limit_mb * MB))
        self.files = {
            (False, False): corpus,
            (True, False): part,
            (False, True): corpora.with_copies(corpus, folder / "copies.parquet"),
            (True, True): corpora.with_copies(part, folder / "part_copies.parquet"),
        }
        self.sizes = {file: corpora.size(file) for file in self.files.values()}
        self.docs = {file: corpora.docs_table(file, folder / "docs" / file.stem) for file in self.files.values()}
        self.ours, self.theirs = cache(self._ours), cache(self._theirs)

    def _ours(self, work: str, file: Path) -> Run:
        return best([sys.executable, HERE / "ours.py", work, self.docs[file]])

    def _theirs(self, peer: str, work: str, file: Path) -> Run:
        return best([python_of(peer), HERE / "peers" / f"run_{peer}.py", work, file])

    def rows(self, work: Work) -> list[Row]:
        """Ours over the whole corpus, then beside each peer."""
        whole = self.files[False, work.copies]
        rows = [self._row(work, whole, self.ours(work.ours, whole))]
        for peer, name in work.peers.items():
            file = self.files[peer in work.slow, work.copies]
            row = self._row(work, file, self.ours(work.ours, file)) | {"peer": peer, "note": work.notes.get(peer)}
            try:
                row |= self._beside(row, self.theirs(peer, name, file), file)
            except (PeerUnavailableError, WorkFailedError) as error:
                row["note"] = str(error).strip().splitlines()[-1]
            rows.append(row)
        return rows

    def _row(self, work: Work, file: Path, ours: Run) -> Row:
        documents, num_bytes = self.sizes[file]
        return {
            "work": work.name,
            "ours_mb_s": ours.clocked.mb_s(num_bytes),
            "peer": None,
            "peer_mb_s": None,
            "ratio": None,
            "peak_mb": ours.clocked.peak_mb,
            "ours_mb_s_cold": ours.whole.mb_s(num_bytes),
            "mb": num_bytes / MB,
            "documents": documents,
            "kept": ours.facts["kept"],
        }

    def _beside(self, row: Row, theirs: Run, file: Path) -> Row:
        num_bytes = self.sizes[file][1]
        return {
            "peer_mb_s": theirs.clocked.mb_s(num_bytes),
            "ratio": row["ours_mb_s"] / theirs.clocked.mb_s(num_bytes),
            "peer_mb_s_cold": theirs.whole.mb_s(num_bytes),
            "peer_peak_mb": theirs.clocked.peak_mb,
            "peer_kept": theirs.facts.get("kept"),
            "peer_version": theirs.facts["version"],
        }


def best(command: list[str | Path]) -> Run:
    """The cheapest of a few runs; each gets an empty folder as its last argument."""
    runs: list[Run] = []
    while len(runs) < RUNS and sum(r.clocked.cpu_seconds for r in runs) < ENOUGH_SECONDS:
        with tempfile.TemporaryDirectory(dir=ROOT / ".scratch") as out:
            runs.append(run([*command, out], environment=NO_INSTALL))
    return min(runs, key=lambda r: r.clocked.cpu_seconds)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--corpus", type=Path, metavar="FILE", help="a Parquet table with columns id and text")
    arguments.add_argument("--limit-mb", type=float, default=8, help="size of the part that slow peers get (default: 8)")
    arguments.add_argument("--works", nargs="*", default=[], help="only works whose name holds one of these")
    arguments.add_argument("--peers", nargs="*", help="only these peers; none at all: ours alone")
    given = arguments.parse_args()
    folder = ROOT / ".scratch" / "bench"
    bench = Bench(given.corpus or corpora.documentation(folder / "corpus.parquet"), given.limit_mb, folder)
    rows: list[Row] = []
    for work in WORKS:
        if given.works and not any(word in work.name for word in given.works):
            continue
        peers = {p: w for p, w in work.peers.items() if given.peers is None or p in given.peers}
        rows += bench.rows(Work(**{**vars(work), "peers": peers}))
        for row in rows[-len(peers) - 1 :]:
            print({name: row[name] for name in COLUMNS if row.get(name) is not None}, flush=True)
    if not given.works:
        rows += alone.rows(bench.files[False, False], bench.files[True, False], folder)
    show("MB/s per CPU second, one core", rows, COLUMNS)
    write_json(rows, given.json)


if __name__ == "__main__":
    main()
