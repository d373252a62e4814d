"""What ``decontaminate`` finds of evaluation items planted in a corpus, and what it takes from the corpus without them.

    python benchmarks/decontamination.py EVALUATION_FOLDER CORPUS.parquet [--items 300] [--set max_containment=0.3] [--json FILE]

``EVALUATION_FOLDER`` is any folder of evaluation files, ``CORPUS.parquet`` a table (id, text). Items (rows of the files) are
drawn at random; each is planted at a random line end of a document of its own, in one of the ways below, and the stage runs once
over all of them together with the rest of the corpus, and once over the corpus as it is, which is taken to be clean: whatever
goes there is a false positive (look at each: the corpus may hold a benchmark). The rate leaves out what a single document
costs, which is reading and indexing the evaluation files. Random numbers have a fixed seed.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from measure import MB, ROOT, Row, clock, parser, pin, show

RATES = (0.01, 0.02, 0.05, 0.10)  # of the words that are changed
WAYS = ("verbatim", *(f"edited {rate:.0%}" for rate in RATES), "question only", "answer only")
ANSWERS = re.compile(
    r"(^|\.)(answers?|ans\d|choices?|continuation|completion|target|output|solution|ending\d?)(\.|$)", re.IGNORECASE
)
SEED = 20261124
Text = dict[str, Any]  # an evaluation row: file, row, texts by field


def main() -> None:
    """Plant, run, compare."""
    arguments = parser(__doc__)
    arguments.add_argument("evaluation", type=Path, metavar="EVALUATION_FOLDER")
    arguments.add_argument("corpus", type=Path, metavar="CORPUS.parquet")
    arguments.add_argument("--items", type=int, default=300, help="planted in each way (default: 300)")
    arguments.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="another value of a param")
    given = arguments.parse_args()
    pin()
    from pipeline import runtime

    runtime.cache_kernels()
    params = read_params(given.set)
    rng = random.Random(SEED)
    texts = read_corpus(given.corpus)
    planted = plant(read_rows(given.evaluation, params), texts, given.items, rng)
    rows = recall(decontaminated(given.evaluation, texts, params, planted)[1], planted, params.shortest)
    start, _ = decontaminated(given.evaluation, texts[:1], params, [])
    cost, lost = decontaminated(given.evaluation, texts, params, [])
    num_bytes = sum(len(text.encode()) for text in texts)
    clean = {
        "documents": len(texts),
        "mb": num_bytes / MB,
        "start_seconds": start.cpu_seconds,
        "mb_s": num_bytes / MB / (cost.cpu_seconds - start.cpu_seconds),
        "false_positives": len(lost),
        "per_million_documents": 1e6 * len(lost) / len(texts),
        "flagged": list(lost.values()),
    }
    show("Planted items that were found", rows)
    show("The corpus as it is", [clean], [name for name in clean if name != "flagged"])
    for name, meta in list(lost.items())[:10]:
        print(f"{name}: {meta['file']} row {meta['row']} {meta['field']}: {meta['span'][:100]!r}")
    if given.json:
        given.json.write_text(json.dumps([*rows, {"way": "clean corpus", **clean}], indent=1, ensure_ascii=False) + "\n")


def read_params(changes: list[str]) -> Any:
    """The section of params.yaml with what the command line changes."""
    import yaml

    from pipeline.stages.decontaminate import DecontaminateParams

    section = yaml.safe_load((ROOT / "params.yaml").read_text())["decontaminate"]
    section |= {key: yaml.safe_load(value) for key, _, value in (change.partition("=") for change in changes)}
    return DecontaminateParams(**section)


def read_corpus(path: Path) -> list[str]:
    """The texts of a table (id, text)."""
    import pyarrow.parquet as pq

    return pq.read_table(path, columns=["text"])["text"].to_pylist()


def read_rows(folder: Path, params: Any) -> list[Text]:
    """Rows of the evaluation files that hold a text of ``shortest`` words or more."""
    from pipeline.evaluation_files import read_items

    rows: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    for item in read_items(folder, params.fields):
        rows[item.file, item.row][item.field] = item.text
    found = [{"file": file, "row": row, "texts": texts} for (file, row), texts in rows.items()]
    return [row for row in found if max(map(num_words, row["texts"].values())) >= params.shortest]


def num_words(text: str) -> int:
    """Words by the scan that the stage uses."""
    import pyarrow as pa

    from pipeline.text.hashing import hash_words

    return len(hash_words(pa.array([text], pa.large_string())).hashes)


def plant(rows: list[Text], texts: list[str], items: int, rng: random.Random) -> list[Row]:
    """``items`` documents for each way: a text of the corpus with an item in it."""
    out = []
    for way in WAYS:
        able = [row for row in rows if part_of(row, way, rng)]
        for row in rng.sample(able, min(items, len(able))):
            piece = part_of(row, way, rng)
            host = rng.choice(texts)
            ends = [match.end() for match in re.finditer("\n", host)]
            at = rng.choice([0, *ends, len(host)])
            before = f"{host[:at]}\n\n"
            place = (len(before.encode()), len((before + piece).encode()))
            text = f"{before}{piece}\n\n{host[at:]}"
            out.append({"way": way, "text": text, "piece": piece, "place": place, "file": row["file"], "row": row["row"]})
    return out


def part_of(row: Text, way: str, rng: random.Random) -> str:
    """What is planted of a row; empty if it has no such part."""
    texts = row["texts"]
    answers = [text for field, text in texts.items() if ANSWERS.search(field)]
    questions = [text for field, text in texts.items() if not ANSWERS.search(field)]
    if way == "answer only":
        return rng.choice(answers) if answers else ""
    if way == "question only":
        return max(questions, key=len, default="")
    whole = "\n".join(texts.values())
    return edit(whole, float(way.split()[1].rstrip("%")) / 100, rng) if way.startswith("edited") else whole


def edit(text: str, rate: float, rng: random.Random) -> str:
    """Replace, leave out or double each word with probability ``rate``, a third of it each."""
    words = re.split(r"(\s+)", text)
    own = [word for word in words if word.strip()]
    for i, word in enumerate(words):
        if word.strip() and rng.random() < rate:
            words[i] = rng.choice([rng.choice(own)[::-1], "", f"{word} {word}"])
    return "".join(words)


def decontaminated(evaluation: Path, texts: list[str], params: Any, planted: list[Row]) -> tuple[Any, dict[str, Row]]:
    """Run the stage; what it cost and the meta of each document that went, planted ones as ``planted0`` and on."""
    import pyarrow as pa

    from pipeline.schema import DOCS, DROPPED
    from pipeline.stages.decontaminate import decontaminate
    from pipeline.tables import ShardWriter, read_table

    all_texts = {f"planted{i}": row["text"] for i, row in enumerate(planted)} | {f"corpus{i}": t for i, t in enumerate(texts)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        os.environ["DVC_ROOT"] = folder  # scratch of this run: nothing is remembered from another
        blank = {"source": "benchmark", "locator": "", "domain": "", "lang": None, "meta": "{}"}
        with ShardWriter(path / "docs", DOCS) as writer:
            names = list(all_texts)
            for first in range(0, len(names), 1000):
                rows = [{"id": name, "text": all_texts[name], **blank} for name in names[first : first + 1000]]
                writer.write(pa.Table.from_pylist(rows, DOCS))
        with clock() as cost:
            decontaminate(path / "docs", evaluation, path / "out", path / "dropped", path / "cuts", params=params)
        dropped = read_table(path / "dropped", DROPPED).to_pylist()
    return cost, {row["id"]: json.loads(row["meta"]) for row in dropped}


def recall(lost: dict[str, Row], planted: list[Row], shortest: int) -> list[Row]:
    """One row per way. ``named_right``: the text named is of the planted row or says the same; ``span``: share of it found."""
    by_way: dict[str, list[tuple[Row, Row | None]]] = defaultdict(list)
    for i, row in enumerate(planted):
        by_way[row["way"]].append((row, lost.get(f"planted{i}")))
    out = []
    for way, pairs in by_way.items():
        found = [(row, meta) for row, meta in pairs if meta]
        long = [(row, meta) for row, meta in pairs if num_words(row["piece"]) >= shortest]
        overlaps = [min(m["end"], r["place"][1]) - max(m["start"], r["place"][0]) for r, m in found]
        out.append(
            {
                "way": way,
                "planted": len(pairs),
                "recall": len(found) / len(pairs),
                f"of_{shortest}_words": len(long),
                "recall_of_these": sum(meta is not None for _, meta in long) / max(1, len(long)),
                "span_right": sum(o > 0 for o in overlaps) / max(1, len(found)),
                "row_right": sum((m["file"], m["row"]) == (r["file"], r["row"]) for r, m in found) / max(1, len(found)),
            }
        )
    return out


if __name__ == "__main__":
    sys.exit(main())
