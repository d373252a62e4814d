"""Works of NeMo Curator on a CPU, Parquet to Parquet: ``run_nemo.py WORK CORPUS OUT``; runs in its own environment.

The filters are called on batches, without Ray, whose workers would cost more. Empty documents are left out: one of them makes a
filter divide by zero.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from loguru import logger
from measure import answer, clock
from nemo_curator.stages.text.filters import ScoreFilter
from nemo_curator.stages.text.filters.heuristic import string
from nemo_curator.stages.text.filters.heuristic.repetition import repetition
from nemo_curator.tasks import DocumentBatch

SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string())])
BATCH = 8192
TOP_NGRAMS = {2: 0.2, 3: 0.18, 4: 0.16}
DUPLICATE_NGRAMS = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.1}


def gopher_quality() -> list[Any]:
    return [
        string.WordCountFilter(),
        string.MeanWordLengthFilter(),
        string.SymbolsToWordsFilter(),
        string.BulletsFilter(),
        string.EllipsisFilter(),
        string.WordsWithoutAlphabetsFilter(),
        string.CommonEnglishWordsFilter(),
    ]


def gopher_repetition() -> list[Any]:
    """Bounds of lines and paragraphs are on the share that is unique: Gopher's, turned round."""
    lines = [
        repetition.RepeatedLinesFilter(0.7),
        repetition.RepeatedParagraphsFilter(0.7),
        repetition.RepeatedLinesByCharFilter(0.8),
        repetition.RepeatedParagraphsByCharFilter(0.8),
    ]
    tops = [repetition.RepeatingTopNGramsFilter(n=n, max_repeating_ngram_ratio=high) for n, high in TOP_NGRAMS.items()]
    copies = [
        repetition.RepeatingDuplicateNGramsFilter(n=n, max_repeating_duplicate_ngram_ratio=high)
        for n, high in DUPLICATE_NGRAMS.items()
    ]
    return [*lines, *tops, *copies]


def other_heuristics() -> list[Any]:
    return [
        string.NonAlphaNumericFilter(),
        string.NumbersFilter(),
        string.UrlsFilter(),
        string.WhiteSpaceFilter(),
        string.ParenthesesFilter(),
        string.LongWordFilter(),
        string.BoilerPlateStringFilter(),
        string.PunctuationFilter(),
    ]


WORKS = {
    "gopher_quality": gopher_quality,
    "gopher_repetition": gopher_repetition,
    "fineweb_chain": lambda: [*gopher_repetition(), *gopher_quality(), *other_heuristics()],
}


def main() -> None:
    work, corpus, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    logger.remove()
    stage = ScoreFilter(filter_obj=WORKS[work]())
    kept = 0
    with clock() as cost, pq.ParquetWriter(out / "kept.parquet", SCHEMA, compression="zstd") as writer:
        for batch in pq.ParquetFile(corpus).iter_batches(BATCH, columns=SCHEMA.names):
            frame = batch.to_pandas()
            done = stage.process(DocumentBatch(dataset_name="bench", data=frame[frame["text"] != ""]))
            if done is not None:
                table = pa.Table.from_pandas(done.to_pandas(), preserve_index=False).select(SCHEMA.names).cast(SCHEMA)
                writer.write_table(table)
                kept += table.num_rows
    answer(cost, kept=kept, version=version("nemo-curator"))


if __name__ == "__main__":
    main()
