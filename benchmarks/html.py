"""Main text of pages: precision, recall, F1 and speed of ours beside peers, on data of three layouts.

python benchmarks/html.py PATH... [--json FILE] [--peers trafilatura trafilatura_precise readability]

PATH is a folder with ground-truth.json ({key: {articleBody}}) and html/*.html.gz: precision and recall over shingles of four
words, each page counting once, F1 of the two means (as the article extraction benchmark of Scrapinghub scores). Or a folder with
evaldata.json ({url: {file, with, without}}) and html.tar.gz: a text segment that must be there, or must not, counts once. Or a
.tar.gz of folders with source.html and expected.html (Mozilla's readability): shingles again. Pages are decoded by us for all.
The row ``ingest`` is the whole stage over the same pages: decoding, main text, Parquet.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import statistics
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
from environments import ask_peers

PEERS = ("trafilatura", "trafilatura_precise", "readability")
SHINGLE = 4
WORD = re.compile(r"\w+")
Score = Callable[[str], tuple[float, float, float]]  # found rightly, found wrongly, missed


@dataclass
class Pages:
    """Named pages as bytes, and a score for the text taken from each. ``macro``: each page counts once, else each segment."""

    name: str
    bodies: list[bytes]
    scores: list[Score]
    macro: bool


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """How often each run of four words occurs; of a shorter text, the text."""
    words = WORD.findall(text)
    return Counter(tuple(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1)) if words)


def by_shingles(gold: str) -> Score:
    """A score against a gold text."""
    right = shingles(gold)

    def score(text: str) -> tuple[float, float, float]:
        found = shingles(text)
        both = (right & found).total()
        return both, found.total() - both, right.total() - both

    return score


def by_segments(wanted: Sequence[str], unwanted: Sequence[str]) -> Score:
    """A score by segments that have to be in the text, or must not be."""

    def score(text: str) -> tuple[float, float, float]:
        hits, slips = sum(part in text for part in wanted), sum(part in text for part in unwanted)
        return hits, slips, len(wanted) - hits

    return score


def load(path: Path) -> Pages:
    """The pages of a path in one of the three layouts."""
    if (path / "ground-truth.json").is_file():
        gold = json.loads((path / "ground-truth.json").read_text(encoding="utf-8"))
        bodies = [gzip.decompress((path / "html" / f"{key}.html.gz").read_bytes()) for key in gold]
        return Pages(path.name, bodies, [by_shingles(entry["articleBody"]) for entry in gold.values()], macro=True)
    if (path / "evaldata.json").is_file():
        entries = json.loads((path / "evaldata.json").read_text(encoding="utf-8")).values()
        files = {Path(name).name: data for name, data in members(path / "html.tar.gz")}
        kept = [entry for entry in entries if entry["file"] in files]
        scores = [by_segments(entry["with"], entry["without"]) for entry in kept]
        return Pages(path.name, [files[entry["file"]] for entry in kept], scores, macro=False)
    files = dict(members(path))
    names = sorted(name.removesuffix("source.html") for name in files if name.endswith("source.html"))
    gold = [plain(files[f"{name}expected.html"]) for name in names]
    return Pages(path.name, [files[f"{name}source.html"] for name in names], [by_shingles(text) for text in gold], macro=True)


def members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of a tar archive."""
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and (stream := tar.extractfile(member)):
                yield member.name, stream.read()


def plain(body: bytes) -> str:
    """All text of a gold page."""
    from resiliparse.extract.html2text import extract_plain_text

    return str(extract_plain_text(body.decode("utf-8"), preserve_formatting=True, list_bullets=False, alt_texts=False))


def figures(pages: Pages, texts: Sequence[str]) -> measure.Row:
    """Precision, recall and F1 of the texts."""
    counts = [score(text) for score, text in zip(pages.scores, texts, strict=True)]
    if pages.macro:
        precision = statistics.mean(hit / (hit + slip) for hit, slip, _ in counts if hit + slip)
        recall = statistics.mean(hit / (hit + miss) for hit, _, miss in counts if hit + miss)
    else:
        hits, slips, misses = (sum(column) for column in zip(*counts, strict=True))
        precision, recall = hits / (hits + slips), hits / (hits + misses)
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / (precision + recall)}


def ingested(bodies: Sequence[bytes]) -> measure.Cost:
    """The cost of the ingest stage over the pages as a folder of files."""
    from pipeline.stages.ingest import IngestParams, ingest

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pages").mkdir()
        for number, body in enumerate(bodies):
            (folder / "pages" / f"{number:05d}.html").write_bytes(body)
        params = IngestParams.model_validate(
            {"source": "files", "installed_docs": {"packages": ["none"]}, "files": {"path": folder / "pages"}}
        )
        outs = (folder / "docs", folder / "dropped")
        costs = []
        for run in range(3):
            os.environ["DVC_ROOT"] = str(folder / f"scratch{run}")  # nothing is remembered from another run
            with measure.clock() as cost:
                ingest(folder / "pages", folder / "none.lock", *outs, params=params)
            costs.append(cost)
        return min(costs, key=lambda cost: cost.cpu_seconds)


def rows_of(path: Path, peers: Sequence[str]) -> Iterator[measure.Row]:
    """Ours, then the peers, then the whole stage."""
    from pipeline.text.encoding import decode
    from pipeline.text.html import main_text

    pages = load(path)
    documents = [decode(body).text for body in pages.bodies]
    size = sum(len(document.encode()) for document in documents)
    about: dict[str, Any] = {"data": pages.name, "pages": len(documents)}
    texts, cost = measure.best(lambda: [main_text(document).text for document in documents])
    yield {**about, "extractor": "ours", **figures(pages, texts), "mb_s": cost.mb_s(size)}
    for peer, done in ask_peers("web", "run_web.py", peers, documents):
        yield {**about, "extractor": peer, **figures(pages, done.facts["answers"]), "mb_s": done.clocked.mb_s(size)}
    yield {**about, "extractor": "ingest", "mb_s": ingested(pages.bodies).mb_s(size)}


def main() -> None:
    """Print and write the rows."""
    parser = measure.parser(__doc__)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    arguments = parser.parse_args()
    measure.pin()
    rows = [row for path in arguments.paths for row in rows_of(path, arguments.peers)]
    measure.show("Main text of pages", rows)
    measure.write_json(rows, arguments.json)


if __name__ == "__main__":
    main()
