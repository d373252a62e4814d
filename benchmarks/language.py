"""Accuracy and speed of language identification on FILE.jsonl[.gz] of {lang, text}: ours beside peers.

python benchmarks/language.py FILE.jsonl.gz [--json FILE] [--peers fasttext py3langid cld2 lingua]

Texts of one language are also joined by twos, fives and tens, in the order of the file. Peers run in an environment of their own.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import measure
from environments import PeerUnavailableError, python_of

JOINED = (1, 2, 5, 10)
HERE = Path(__file__).resolve().parent
PEERS = ("fasttext", "py3langid", "cld2", "lingua")


def samples(file: Path, size: int) -> tuple[list[str], list[str]]:
    """Languages and texts, ``size`` texts of one language joined; what is left over at the end is not used."""
    by_language: dict[str, list[str]] = defaultdict(list)
    with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            by_language[row["lang"]].append(row["text"])
    pairs = [
        (code, " ".join(texts[i : i + size]))
        for code, texts in sorted(by_language.items())
        for i in range(0, len(texts) - size + 1, size)
    ]
    return [code for code, _ in pairs], [text for _, text in pairs]


def identify_all(texts: list[str]) -> None:
    """Time ours on the texts and answer with the codes."""
    import pyarrow as pa

    from pipeline import runtime

    runtime.cache_kernels()
    from pipeline.filters.lid import identify

    column = pa.array(texts, pa.large_string())
    identify(column[:1])  # reads the model and the compiled kernels
    found, cost = measure.best(lambda: identify(column))
    measure.answer(cost, codes=found.code.to_pylist())


def score(system: str, python: Sequence[str | Path], file: Path, size: int) -> dict[str, Any]:
    """Run one system on the joined texts, in a process of its own."""
    gold, texts = samples(file, size)
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as handed:
        json.dump(texts, handed)
        handed.flush()
        ran = measure.run([*python, handed.name])
    right = Counter(code for code, found in zip(gold, ran.facts["codes"], strict=True) if code == found)
    total = Counter(gold)
    return {
        "system": system,
        "joined": size,
        "texts": len(texts),
        "accuracy": right.total() / len(texts),
        "mb_s": ran.clocked.mb_s(sum(len(text.encode()) for text in texts)),
        "peak_mb": ran.whole.peak_mb,
        "languages": {code: right[code] / total[code] for code in sorted(total)},
    }


def main() -> None:
    """Print a table of all systems, and how ours does by language."""
    parser = measure.parser(__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    arguments = parser.parse_args()
    systems: dict[str, list[str | Path]] = {"heddle": [sys.executable, HERE / "language.py", "--work"]}
    try:
        systems |= {peer: [python_of("language"), HERE / "peers" / "run_language.py", peer] for peer in arguments.peers}
    except PeerUnavailableError as error:
        print(error)
    rows = [score(system, command, arguments.file, size) for system, command in systems.items() for size in JOINED]
    measure.show("Language identification", rows, ["system", "joined", "texts", "accuracy", "mb_s", "peak_mb"])
    ours = [row for row in rows if row["system"] == "heddle"]
    by_language = [
        {"language": code, **{f"{r['joined']} joined": r["languages"][code] for r in ours}} for code in ours[0]["languages"]
    ]
    measure.show("Ours by language: accuracy", by_language)
    measure.write_json(rows, arguments.json)


if __name__ == "__main__":
    if sys.argv[1] == "--work":
        identify_all(json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
    else:
        main()
