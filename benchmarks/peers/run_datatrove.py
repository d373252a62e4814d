"""Works of datatrove, Parquet to Parquet: ``run_datatrove.py WORK CORPUS OUT``; runs in its own environment."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    ExactDedupFilter,
    ExactDedupSignature,
    ExactFindDedups,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.exact_dedup import ExactDedupConfig
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.formatters import PIIFormatter
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from datatrove.utils.hashing import HashConfig
from datatrove.utils.text import split_into_words
from loguru import logger
from measure import answer, clock


def c4() -> C4QualityFilter:
    """C4 as in FineWeb: lines may end without punctuation."""
    return C4QualityFilter(filter_no_terminal_punct=False)


STEPS: dict[str, list[Callable[[], Any]]] = {
    "parquet": [],
    "gopher_repetition": [GopherRepetitionFilter],
    "gopher_quality": [GopherQualityFilter],
    "c4": [c4],
    "fineweb_quality": [FineWebQualityFilter],
    "fineweb_chain": [GopherRepetitionFilter, GopherQualityFilter, c4, FineWebQualityFilter],
    "personal_data": [PIIFormatter],
}
MINHASH = {"num_buckets": 14, "hashes_per_bucket": 8, "n_grams": 5}  # FineWeb's


def text_of(document: Any) -> str:
    """What exact deduplication compares."""
    return str(document.text)


class Works:
    """Pipelines over one corpus, one task and one worker each, one after the other."""

    def __init__(self, corpus: Path, out: Path) -> None:
        self.corpus, self.out = corpus, out

    def execute(self, *steps: Any, tasks: int = 1) -> None:
        logs = self.out / "logs" / str(len(list(self.out.glob("logs/*"))))
        LocalPipelineExecutor(pipeline=list(steps), tasks=tasks, workers=1, logging_dir=str(logs)).run()

    def filtered(self, *steps: Any) -> None:
        """The documents of the corpus that pass the steps, written as zstd Parquet."""
        reader = ParquetReader(str(self.corpus.parent), glob_pattern=self.corpus.name)
        self.execute(reader, *steps, ParquetWriter(str(self.out / "kept"), compression="zstd"))

    def near_duplicates(self) -> None:
        # The 64-bit xxhash is faster than the sha1 that FineWeb took, and finds as many.
        config = MinhashConfig(hash_config=HashConfig(hash_fc="xxhash", precision=64), **MINHASH)
        signatures, buckets, remove = (str(self.out / name) for name in ("signatures", "buckets", "remove"))
        reader = ParquetReader(str(self.corpus.parent), glob_pattern=self.corpus.name)
        self.execute(reader, MinhashDedupSignature(signatures, config=config))
        self.execute(MinhashDedupBuckets(signatures, buckets, config=config), tasks=config.num_buckets)
        self.execute(MinhashDedupCluster(buckets, remove, config=config))
        self.filtered(MinhashDedupFilter(remove))

    def exact_duplicates(self) -> None:
        config = ExactDedupConfig(content_getter=text_of)
        signatures, duplicates = str(self.out / "signatures"), str(self.out / "duplicates")
        reader = ParquetReader(str(self.corpus.parent), glob_pattern=self.corpus.name)
        self.execute(reader, ExactDedupSignature(signatures, config=config))
        self.execute(ExactFindDedups(signatures, duplicates, config=config))
        self.filtered(ExactDedupFilter(duplicates, config=config))


def main() -> None:
    work, corpus, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    logger.remove()
    split_into_words("Load the word tokenizer before the clock starts.")
    works = Works(corpus, out)
    with clock() as cost:
        if work in STEPS:
            works.filtered(*(make() for make in STEPS[work]))
        else:
            getattr(works, work)()
    answer(cost, kept=pq.read_table(out / "kept", columns=["id"]).num_rows, version=version("datatrove"))


if __name__ == "__main__":
    main()
