"""Memory and speed of duplicate removal against size: ``near_dup_scale.py CORPUS.parquet COPIES... [--json FILE]``.

CORPUS.parquet has columns id and text. For each number of COPIES it is repeated: each even copy with the letters of the alphabet
exchanged at random, so that it resembles no other, each odd one as the one before with 0.5 % of its letters replaced, so that its
documents are near-duplicates. Needs about 1.5 times the size of the text on disk, in the folder for temporary files.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import measure
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.schema import DOCS
from pipeline.tables import ShardWriter, num_rows

EDITED = 0.005  # of the letters
SECONDS = 3600


def main() -> None:
    parser = measure.parser(__doc__)
    parser.add_argument("corpus", type=Path, metavar="CORPUS.parquet")
    parser.add_argument("copies", type=int, nargs="+", metavar="COPIES")
    parser.add_argument("--work", choices=["near_duplicates", "exact_duplicates"], default="near_duplicates")
    parser.add_argument("--cores", type=int, default=1, help="to work on (default: 1)")
    parser.add_argument("--memory-mb", type=int, default=512, help="HEDDLE_MEMORY_MB (default: 512)")
    arguments = parser.parse_args()
    rows = []
    for copies in arguments.copies:
        with tempfile.TemporaryDirectory() as folder:
            docs, out = Path(folder) / "docs", Path(folder) / "out"
            num_bytes = repeat(arguments.corpus, copies, docs)
            command = [sys.executable, measure.ROOT / "benchmarks" / "ours.py", arguments.work, docs, out]
            limit = {"HEDDLE_MEMORY_MB": str(arguments.memory_mb)}
            run = measure.run(command, cores=arguments.cores, environment=limit, seconds=SECONDS)
            documents = num_rows(docs)
        rows.append(
            {
                "work": arguments.work,
                "cores": arguments.cores,
                "memory_mb": arguments.memory_mb,
                "gigabytes": round(num_bytes / 1e9, 3),
                "documents": documents,
                "kept": run.facts["kept"],
                "mb_s": round(run.clocked.mb_s(num_bytes), 2),
                "wall_mb_s": round(num_bytes / measure.MB / run.clocked.wall_seconds, 2),
                "peak_mb": round(run.clocked.peak_mb),
                "peak_mb_less_200_bytes_per_document": round(run.clocked.peak_mb - 200 * documents / measure.MB),
            }
        )
    measure.show("Duplicate removal against size", rows)
    measure.write_json(rows, arguments.json)


def repeat(corpus: Path, copies: int, folder: Path) -> int:
    """Write the repeated corpus as DOCS; returns the bytes of its text."""
    table = pq.read_table(corpus, columns=["id", "text"])
    ids, texts = table["id"].cast(pa.string()).combine_chunks(), table["text"].cast(pa.large_string()).combine_chunks()
    _, offsets, data = texts.buffers()
    original = np.frombuffer(data, np.uint8)
    random = np.random.default_rng(1)
    with ShardWriter(folder, DOCS) as writer:
        for copy in range(copies):
            if copy % 2 == 0:
                letters = original if copy == 0 else shuffled(original, random)
            changed = letters if copy % 2 == 0 else edited(letters, random)
            text = pa.LargeStringArray.from_buffers(len(texts), offsets, pa.py_buffer(changed))
            names = pc.binary_join_element_wise(ids, str(copy), "~")
            same = {name: pa.repeat("bench", len(ids)) for name in ("source", "domain")}
            columns = {"id": names, "text": text, "locator": names, "meta": pa.repeat("{}", len(ids)), **same}
            columns["lang"] = pa.nulls(len(ids), pa.string())
            writer.write(pa.table({name: columns[name] for name in DOCS.names}))
    return int(pc.sum(pc.binary_length(texts)).as_py()) * copies


def shuffled(letters: npt.NDArray[np.uint8], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Each letter of the alphabet exchanged for another, everywhere the same."""
    order, table = random.permutation(26).astype(np.uint8), np.arange(256, dtype=np.uint8)
    table[ord("a") : ord("z") + 1], table[ord("A") : ord("Z") + 1] = order + ord("a"), order + ord("A")
    return table[letters]


def edited(letters: npt.NDArray[np.uint8], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Some small letters replaced by others."""
    places = random.integers(0, len(letters), int(len(letters) * EDITED))
    places = places[(letters[places] >= ord("a")) & (letters[places] <= ord("z"))]
    changed = letters.copy()
    changed[places] = random.integers(ord("a"), ord("z") + 1, len(places), np.uint8)
    return changed


if __name__ == "__main__":
    main()
