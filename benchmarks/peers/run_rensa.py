"""Near-duplicates with rensa's signatures, Parquet to Parquet: ``run_rensa.py near_duplicates CORPUS OUT``.

rensa makes signatures and an index, no clusters; the shingles, the join of documents that share a band and the union are the
few lines of Python that its user has to write.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import rensa
from measure import answer, clock

PERMUTATIONS, BANDS, ROWS, NGRAM, SEED = 112, 14, 8, 5, 42  # FineWeb's shape


def near_duplicates(corpus: Path, kept: Path) -> int:
    """Write the first document of each cluster; returns how many there are."""
    table = pq.read_table(corpus, columns=["id", "text"])
    shingles = [ngrams(text) for text in table["text"].to_pylist()]
    signatures = rensa.RMinHash.digests_from_token_sets(shingles, num_perm=PERMUTATIONS, seed=SEED)
    roots = clusters(signatures)
    first = pa.array([document for document, root in enumerate(roots) if root == document])
    pq.write_table(table.take(first), kept, compression="zstd")
    return len(first)


def ngrams(text: str) -> list[str]:
    """Word n-grams of the lower-cased text; a shorter text is one."""
    words = text.lower().split()
    return [" ".join(words[i : i + NGRAM]) for i in range(len(words) - NGRAM + 1)] or [" ".join(words)]


def clusters(signatures: list[list[int]]) -> list[int]:
    """The first document of each document's cluster: documents that share a band, closed transitively."""
    parent = list(range(len(signatures)))

    def root(document: int) -> int:
        while parent[document] != document:
            parent[document] = document = parent[parent[document]]
        return document

    for band in range(0, BANDS * ROWS, ROWS):
        seen: dict[tuple[int, ...], int] = {}
        for document, signature in enumerate(signatures):
            other = seen.setdefault(tuple(signature[band : band + ROWS]), document)
            low, high = sorted((root(other), root(document)))
            parent[high] = low
    return [root(document) for document in range(len(parent))]


def main() -> None:
    corpus, out = Path(sys.argv[2]), Path(sys.argv[3])
    with clock() as cost:
        kept = near_duplicates(corpus, out / "kept.parquet")
    answer(cost, kept=kept, version=version("rensa"))


if __name__ == "__main__":
    main()
