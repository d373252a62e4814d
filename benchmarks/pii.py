"""Recall and precision by type of personal data on FILE.json[.gz], ours beside presidio; speed and finds on ordinary text.

python benchmarks/pii.py FILE.json.gz [--corpus CORPUS.parquet] [--look 50] [--json FILE]

FILE is laid out as by presidio-research: a list of {full_text, spans: [{entity_type, start_position, end_position}]}. A span is
recalled when finds of its type cover all of its letters and digits; a find is right when it touches a span of its type. Synthetic
sets hold numbers that were made up without their check digits, which no careful finder takes: hence a second recall, of the
spans that pass the check of their type. CORPUS (id, text) is by default the documentation of the installed packages, in which
nearly nothing is personal: what is found there, by kind and per MB, bounds the false finds; --look prints some to read.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import sys
import tempfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import measure
from environments import PeerUnavailableError, python_of

HERE = Path(__file__).resolve().parent
TYPES = {  # of presidio: ours
    "EMAIL_ADDRESS": "email",
    "IP_ADDRESS": "ip",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "US_SSN": "ssn",
    "US_PASSPORT": "passport",
}
COPIES = 100  # of the texts that ours is timed on, for the clock is too coarse for one
CONTEXT = 50  # characters shown on either side of a find
# What a quadratic pattern would choke on; 10 MB of each, as one text.
HOSTILE = (
    "1",
    "1 ",
    "1.1.1.1.",
    "@",
    "a@a.",
    "+1",
    "1:",
    "(1",
    "-----BEGIN PRIVATE KEY-----a",
    "eyJ",
    "_",
    "tel 1234567",
    "\n",
    "\0",
    "\u0301\u0316",
    "Ã©",
)
Span = tuple[int, int, str]  # first character, character after the last, type as presidio calls it
Columns = dict[str, Any]


def read(file: Path) -> tuple[list[str], list[list[Span]]]:
    """Texts and their spans of the types that are compared."""
    with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8") as stream:
        rows = json.load(stream)
    spans = [[(s["start_position"], s["end_position"], s["entity_type"]) for s in row["spans"]] for row in rows]
    return [row["full_text"] for row in rows], [[span for span in row if span[2] in TYPES] for row in spans]


def checks() -> dict[str, Callable[[str], bool]]:
    """What a value of a type must pass: check digits, or the ranges that are issued. None is known for the other types."""
    import ipaddress

    from stdnum import iban, luhn
    from stdnum.us import ssn

    def is_address(value: str) -> bool:
        try:
            return bool(ipaddress.ip_address(value))
        except ValueError:
            return False

    return {
        "CREDIT_CARD": lambda value: luhn.is_valid(re.sub(r"\D", "", value)),
        "IBAN_CODE": lambda value: iban.is_valid(value, check_country=False),
        "US_SSN": ssn.is_valid,
        "IP_ADDRESS": is_address,
    }


def find_all(texts: list[str]) -> None:
    """Time ours on the texts and answer with what it found."""
    import pyarrow as pa

    from pipeline import runtime

    runtime.cache_kernels()
    from pipeline.text.hashing import string_buffers
    from pipeline.text.pii import KINDS, find

    column = pa.array(texts, pa.large_string())
    finds = find(column, KINDS)  # reads the compiled kernels
    many = pa.concat_arrays([column] * COPIES)
    _, cost = measure.best(lambda: find(many, KINDS))
    cost.cpu_seconds /= COPIES
    names: dict[str, str] = {ours: theirs for theirs, ours in TYPES.items()}
    rows: list[list[Span]] = [[] for _ in texts]
    offsets, data = string_buffers(column)
    for start, end, kind in finds:
        text = bisect_right(offsets, start) - 1
        first = len(bytes(data[offsets[text] : start]).decode())
        rows[text].append((first, first + len(bytes(data[start:end]).decode()), names.get(kind, kind)))
    measure.answer(cost, finds=rows)


def score(system: str, command: Sequence[str | Path], texts: list[str], gold: list[list[Span]]) -> Iterator[Columns]:
    """Run one system on the texts in a process of its own: a row for each type that the set holds."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as handed:
        json.dump(texts, handed)
        handed.flush()
        ran = measure.run([*command, handed.name])
    tests, mb = checks(), sum(len(text.encode()) for text in texts)
    for name in TYPES:
        recalled: Counter[bool] = Counter()
        spans: Counter[bool] = Counter()
        right = total = 0
        for text, wanted, finds in zip(texts, gold, ran.facts["finds"], strict=True):
            found = [(start, end) for start, end, kind in finds if kind == name]
            meant = [(start, end) for start, end, kind in wanted if kind == name]
            for start, end in meant:
                valid = name in tests and tests[name](text[start:end])
                spans[valid] += 1
                recalled[valid] += _covered(text, start, end, found)
            total += len(found)
            right += sum(any(start < stop and begin < end for begin, stop in meant) for start, end in found)
        if spans:
            yield {
                "system": system,
                "type": name,
                "spans": spans.total(),
                "recall": recalled.total() / spans.total(),
                "valid": spans[True] if name in tests else None,
                "recall_valid": recalled[True] / spans[True] if spans[True] else None,
                "found": total,
                "precision": right / total if total else None,
                "mb_s": ran.clocked.mb_s(mb),
            }


def _covered(text: str, start: int, end: int, finds: list[tuple[int, int]]) -> bool:
    return all(any(a <= i < b for a, b in finds) for i in range(start, end) if text[i].isalnum())


def ordinary(file: Path, look: int) -> list[Columns]:
    """Speed of the pattern pass and of the whole stage on a table (id, text); finds by kind, ``look`` of them printed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipeline import runtime

    runtime.cache_kernels()
    from pipeline.text.pii import KINDS, find, redact

    texts = pq.read_table(file, columns=["text"])["text"].cast(pa.large_string()).combine_chunks()
    num_bytes = texts.buffers()[2].size
    redact(texts[:10], KINDS)
    finds, _ = measure.best(lambda: find(texts, KINDS), times=1)
    _, cost = measure.best(lambda: redact(texts, KINDS))
    with tempfile.TemporaryDirectory() as folder:
        stage = _stage(texts, Path(folder))
    _print(texts.buffers()[2].to_pybytes(), random.Random(0).sample(finds, min(look, len(finds))))
    kinds = Counter(kind for _, _, kind in finds)
    rates: list[Columns] = [
        {"work": "pattern pass", "mb_s": cost.mb_s(num_bytes)},
        {"work": "clean, Parquet to Parquet", "mb_s": stage.mb_s(num_bytes), "peak_mb": stage.peak_mb},
    ]
    return rates + [
        {"work": f"found: {kind}", "finds": kinds[kind], "finds_per_mb": kinds[kind] / num_bytes * measure.MB} for kind in KINDS
    ]


def hostile() -> Iterator[Columns]:
    """Seconds that normalising and redacting 10 MB of one text takes."""
    import pyarrow as pa

    from pipeline.text.normalize import normalize
    from pipeline.text.pii import KINDS, redact

    for unit in HOSTILE:
        texts = pa.array([unit * (10 * measure.MB // len(unit.encode()))], pa.large_string())
        with measure.clock() as cost:
            redact(normalize(texts)[0], KINDS)
        yield {"work": f"10 MB of {unit!r}", "seconds": cost.cpu_seconds}


def _stage(texts: Any, folder: Path) -> measure.Cost:
    """The best of three runs of the clean stage over the texts as DOCS, one core."""
    import pyarrow as pa

    from pipeline.schema import DOCS
    from pipeline.stages.clean import CleanParams, clean
    from pipeline.tables import ShardWriter
    from pipeline.text.pii import KINDS

    size = len(texts)
    ids, same = pa.array([f"{i:032x}" for i in range(size)]), pa.repeat("{}", size)
    columns = {"id": ids, "text": texts, "source": same, "locator": ids, "domain": same, "meta": same}
    table = pa.table([columns.get(name, pa.nulls(size, pa.string())) for name in DOCS.names], schema=DOCS)
    with ShardWriter(folder / "in", DOCS) as writer:
        for batch in table.to_batches(max_chunksize=1024):
            writer.write(pa.Table.from_batches([batch]))
    params = CleanParams(redact=KINDS, presidio=False)

    costs = []
    for number in "0123":  # the first reads the compiled kernels
        work = folder / number
        os.environ["DVC_ROOT"] = str(work)  # what the engine remembers of a shard lies there
        with measure.clock() as cost:
            clean(folder / "in", work / "docs", work / "dropped", params=params)
        costs.append(cost)
    return min(costs, key=lambda c: c.cpu_seconds)


def _print(data: bytes, finds: list[tuple[int, int, str]]) -> None:
    for start, end, kind in finds:
        before = data[max(0, start - CONTEXT) : start].decode(errors="ignore")
        behind = data[end : end + CONTEXT // 2].decode(errors="ignore")
        print(f"{kind:12} {before!r} [{data[start:end].decode()[:80]}] {behind!r}")


def main() -> None:
    """Print a table of both systems by type, and one of ordinary text."""
    parser = measure.parser(__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--corpus", type=Path, help="table (id, text); default: the documentation of the installed packages")
    parser.add_argument("--look", type=int, default=0, metavar="N", help="print N finds in the corpus to read")
    arguments = parser.parse_args()
    texts, gold = read(arguments.file)
    systems: dict[str, list[str | Path]] = {"heddle": [sys.executable, HERE / "pii.py", "--work"]}
    try:
        systems["presidio"] = [python_of("presidio"), HERE / "peers" / "run_presidio.py"]
    except PeerUnavailableError as error:
        print(error)
    rows = [row for system, command in systems.items() for row in score(system, command, texts, gold)]
    rows.sort(key=lambda row: list(TYPES).index(row["type"]))
    measure.show(f"Personal data in {len(texts)} texts", rows)
    measure.pin()
    if arguments.corpus is None:
        import corpora

        arguments.corpus = corpora.documentation(measure.ROOT / ".scratch" / "bench" / "corpus.parquet")
    found = ordinary(arguments.corpus, arguments.look)
    measure.show("Ordinary text", found)
    slow = list(hostile())
    measure.show("Hostile text", slow)
    measure.write_json([*rows, *found, *slow], arguments.json)


if __name__ == "__main__":
    if sys.argv[1] == "--work":
        find_all(json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
    else:
        main()
