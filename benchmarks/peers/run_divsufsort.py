"""The suffix array of a corpus's bytes and its common prefixes, in memory: ``run_divsufsort.py CORPUS``."""

from __future__ import annotations

import sys

import numpy as np
import pyarrow.parquet as pq
import pydivsufsort
from measure import answer, clock

LENGTH = 300  # bytes of the shortest repeat


def main() -> None:
    texts = pq.read_table(sys.argv[1], columns=["text"])["text"].to_pylist()
    data = b"\0".join(text.encode() for text in texts)
    with clock() as cost:
        suffixes = pydivsufsort.divsufsort(data)
        prefixes = pydivsufsort.kasai(data, suffixes)
        repeated = int((np.asarray(prefixes) >= LENGTH).sum())
    answer(cost, repeated=repeated)


if __name__ == "__main__":
    main()
