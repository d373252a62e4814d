"""Near-duplicates that people found: ``near_dup_gold.py FOLDER [--json FILE]``.

FOLDER holds ``edition-pairs.jsonl.gz`` (pair_id, a, b: a chapter in two digital editions of a novel, of the English novels of
computationalstylistics and ELTeC) and ``plagiarised-short-answers.jsonl.gz`` (file, task, category, text: Clough & Stevenson
2009).
All texts go through dedup_docs at once, with the section of params.yaml. A pair is found when one of the two goes and names the
other, or both go for the same document; related when they share a cluster, so that no split parts them.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import measure
import numpy as np
import pyarrow as pa

from pipeline.dedup.groups import jaccard
from pipeline.params import parse
from pipeline.schema import CLUSTERS, DROPPED
from pipeline.stages.dedup_docs import DedupDocsParams
from pipeline.tables import read_table
from pipeline.text.shingles import shingles

Pair = tuple[str, str, str]  # kind, and the ids of both texts


def main() -> None:
    parser = measure.parser(__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    texts, pairs = read_gold(arguments.folder)
    with tempfile.TemporaryDirectory() as folder:
        rows = score(texts, pairs, Path(folder))
    measure.show("Near-duplicates that people found", rows)
    measure.write_json(rows, arguments.json)


def read_gold(folder: Path) -> tuple[dict[str, str], list[Pair]]:
    """Every text by id, and the pairs: both editions of a chapter, each answer and the article it was to be taken from."""
    texts: dict[str, str] = {}
    pairs = []
    for row in read_rows(folder / "edition-pairs.jsonl.gz"):
        texts |= {f"{row['pair_id']}/{side}": row[side] for side in "ab"}
        pairs.append(("two editions", f"{row['pair_id']}/a", f"{row['pair_id']}/b"))
    answers = list(read_rows(folder / "plagiarised-short-answers.jsonl.gz"))
    originals = {row["task"]: row["file"] for row in answers if row["category"] == "orig"}
    for row in answers:
        texts[row["file"]] = row["text"]
        if row["category"] != "orig":
            pairs.append((f"answer, {row['category']}", row["file"], originals[row["task"]]))
    return texts, pairs


def read_rows(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def score(texts: dict[str, str], pairs: list[Pair], folder: Path) -> list[measure.Row]:
    """One row for each kind of pair, and what was removed for a text that is no partner of it."""
    docs, out = write_docs(texts, folder / "docs"), folder / "out"
    measure.run([sys.executable, measure.ROOT / "benchmarks" / "ours.py", "near_duplicates", docs, out])
    stands = dict.fromkeys(texts) | {r["id"]: r["duplicate_of"] for r in read_table(out / "dropped", DROPPED).to_pylist()}
    cluster = {row["id"]: row["cluster"] for row in read_table(out / "clusters", CLUSTERS).to_pylist()}
    ngram = parse(measure.ROOT / "params.yaml", "dedup_docs", DedupDocsParams).ngram
    values, bounds = shingles(pa.array(texts.values(), pa.large_string()), ngram)
    sets = dict(zip(texts, np.split(values, bounds[1:-1]), strict=True))
    kinds: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for kind, one, other in pairs:
        kinds[kind].append((one, other))
    rows = []
    for kind, members in kinds.items():
        similarity = [jaccard(sets[a], sets[b]) for a, b in members]
        rows.append(
            {
                "pairs of": kind,
                "pairs": len(members),
                "found": sum((stands[a] or a) == (stands[b] or b) for a, b in members),
                "related": sum(cluster[a] == cluster[b] for a, b in members),
                "median_similarity": round(float(np.median(similarity)), 3),
                "highest_similarity": round(float(np.max(similarity)), 3),
            }
        )
    group = {text: topic(text) for text in texts}
    wrong = [text for text, keeper in stands.items() if keeper is not None and group[text] != group[keeper]]
    return [*rows, {"pairs of": "different texts", "found": len(wrong)}]


def topic(name: str) -> str:
    """What texts are about: the pair of an edition, the task of an answer (its file name ends with it)."""
    return name.rpartition("/")[0] if "/" in name else f"task {name.removesuffix('.txt')[-1]}"


def write_docs(texts: dict[str, str], folder: Path) -> Path:
    from pipeline.schema import DOCS
    from pipeline.tables import ShardWriter

    size = len(texts)
    columns = {name: pa.repeat("bench", size) for name in ("source", "locator", "domain")}
    columns |= {"id": pa.array(texts), "text": pa.array(texts.values(), pa.large_string())}
    columns |= {"lang": pa.nulls(size, pa.string()), "meta": pa.repeat("{}", size)}
    with ShardWriter(folder, DOCS) as writer:
        writer.write(pa.table({name: columns[name] for name in DOCS.names}))
    return folder


if __name__ == "__main__":
    main()
