"""The corpora of the benchmarks: tables (id, text) in one Parquet file, the same bytes for the same lock file.

The default one is the documentation in the packages of this project's own environment: the docstring of each module, class and
function of at least ``SHORTEST`` bytes, and each README, licence, Markdown and reST file, in a random order. Short technical
text is unlike the web, so rates say how tools compare, not how long a crawl takes.
"""

from __future__ import annotations

import ast
import csv
import random
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from measure import ROOT

if TYPE_CHECKING:
    import pyarrow as pa

SEED = 20261124
SHORTEST = 200  # bytes; a third of all docstrings are one line
COPIED = 0.1  # of the documents come again as they are, as many again edited
EDIT_RATES = (0.01, 0.02, 0.05, 0.1)  # share of a copy's words that are changed
SHORTEST_COPIED = 30  # words: an edit of a shorter text leaves little alike
Rows = list[tuple[str, str]]


def documentation(file: Path) -> Path:
    """The default corpus, made once: ``file`` is kept while the lock file is the same."""
    from pipeline.sources.installed_docs import read_pins

    lock = ROOT / "requirements.lock"
    stamp = file.with_suffix(".lock")
    if file.is_file() and stamp.is_file() and stamp.read_bytes() == lock.read_bytes():
        return file
    with ProcessPoolExecutor() as pool:
        rows = [row for rows in pool.map(_package, sorted(read_pins(lock))) for row in rows]
    random.Random(SEED).shuffle(rows)
    _write(rows, file)
    stamp.write_bytes(lock.read_bytes())
    return file


def _package(name: str) -> Rows:
    """Documents of an installed package; none for torch, whose builds differ, and for what is not installed here."""
    from pipeline.sources.installed_docs import _kind as kind_of  # benchmarks read the packages as the pipeline does

    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return []
    if name == "torch":
        return []
    rows: Rows = []
    record = csv.reader((distribution.read_text("RECORD") or "").splitlines())
    for path in sorted(row[0] for row in record):
        if kind := kind_of(PurePosixPath(path)):
            data = Path(str(distribution.locate_file(path)))
            texts = _docstrings(data) if kind == "module" else _whole(data)
            rows += [(f"{name}/{path}:{where}", text) for where, text in texts if len(text.encode()) >= SHORTEST]
    return rows


def _docstrings(path: Path) -> Iterator[tuple[str, str]]:
    """Name or line, and text, of each docstring that can be written as UTF-8."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = (ast.get_docstring(node) or "").encode("utf-8", "replace").decode()
            yield str(getattr(node, "lineno", 0)), text


def _whole(path: Path) -> Iterator[tuple[str, str]]:
    try:
        yield "", path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return


def cut(corpus: Path, file: Path, num_bytes: int) -> Path:
    """A random part of a corpus, of at least ``num_bytes`` bytes of text when it has as many."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(corpus, columns=["id", "text"])
    order = list(range(len(table)))
    random.Random(SEED).shuffle(order)
    sizes = pc.binary_length(table["text"]).to_pylist()
    taken, total = [], 0
    for row in order:
        if total >= num_bytes:
            break
        taken.append(row)
        total += sizes[row]
    _write_table(table.take(sorted(taken)), file)
    return file


def with_copies(corpus: Path, file: Path) -> Path:
    """A corpus with exact and edited copies of its documents added, in a random order."""
    import pyarrow.parquet as pq

    table = pq.read_table(corpus, columns=["id", "text"])
    rows = list(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))
    number, generator = int(len(rows) * COPIED), random.Random(SEED)
    long = [row for row in rows if len(row[1].split(None, SHORTEST_COPIED)) > SHORTEST_COPIED]
    chosen = iter(generator.sample(long, min(2 * number, len(long))))
    copies = [(f"{name}#exact", text) for name, text in islice(chosen, min(number, len(long) // 2))]
    for position, (name, text) in enumerate(chosen):
        rate = EDIT_RATES[position % len(EDIT_RATES)]
        copies.append((f"{name}#{rate}", edit(text, rate, generator)))
    rows += copies
    generator.shuffle(rows)
    _write(rows, file)
    return file


def edit(text: str, rate: float, generator: random.Random) -> str:
    """The text with about ``rate`` of its words, at least one, left out, said twice or replaced by another of its words."""
    words = text.split(" ")
    changed = [i for i in range(len(words)) if generator.random() < rate] or [generator.randrange(len(words))]
    for i in changed:
        words[i] = generator.choice(("", f"{words[i]} {words[i]}", generator.choice(words)))
    return " ".join(words)


def docs_table(corpus: Path, folder: Path, times: int = 1) -> Path:
    """The corpus as DOCS in shards, as the pipeline's own stages write them; ids are made of the rows' numbers.

    With ``times`` above one it comes again and again, each time with a last line of its own: nothing is the same twice.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from pipeline.schema import DOCS
    from pipeline.tables import ShardWriter

    with ShardWriter(folder, DOCS) as writer:
        for turn in range(times):
            for batch in pq.ParquetFile(corpus).iter_batches(columns=["text"]):
                texts = batch["text"].cast(pa.large_string())
                if turn:
                    ending, line = (pa.scalar(word, pa.large_string()) for word in (f"This is copy {turn}.", "\n"))
                    texts = pc.binary_join_element_wise(texts, ending, line)
                writer.write(docs_rows(texts, writer.num_rows))
    return folder


def docs_rows(texts: pa.Array, first: int = 0) -> pa.Table:
    """DOCS rows of these texts, numbered from ``first``."""
    import pyarrow as pa

    from pipeline.schema import DOCS
    from pipeline.sources.rows import row_id

    size, numbers = len(texts), [str(first + n) for n in range(len(texts))]
    columns = {
        "id": pa.array([row_id("bench", number) for number in numbers]),
        "text": texts,
        "source": pa.repeat("bench", size),
        "locator": pa.array(numbers),
        "domain": pa.repeat("bench", size),
        "lang": pa.nulls(size, pa.string()),
        "meta": pa.repeat("{}", size),
    }
    return pa.table(columns).cast(DOCS)


def size(corpus: Path) -> tuple[int, int]:
    """Documents and UTF-8 bytes of text."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    text = pq.read_table(corpus, columns=["text"])["text"]
    return len(text), int(pc.sum(pc.binary_length(text)).as_py() or 0)


def _write(rows: Sequence[tuple[str, str]], file: Path) -> None:
    import pyarrow as pa

    _write_table(pa.table({"id": [name for name, _ in rows], "text": [text for _, text in rows]}), file)


def _write_table(table: pa.Table, file: Path) -> None:
    import pyarrow.parquet as pq

    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, file, compression="zstd", row_group_size=8192)
