"""Works of data-juicer, one process, Parquet to Parquet: ``run_datajuicer.py WORK CORPUS OUT``; runs in its own environment.

It would download word lists and install packages when an operator is first used; the environment's variables forbid both
(see benchmarks/corpus.py), and its two filters that need a downloaded list are left out.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from measure import answer, clock

FILTERS = [
    "alphanumeric_filter",
    "average_line_length_filter",
    "character_repetition_filter",
    "word_repetition_filter",
    "maximum_line_length_filter",
    "special_characters_filter",
    "text_length_filter",
    "words_num_filter",
]
MINHASH = {"window_size": 5, "num_permutations": 112, "num_bands": 14, "num_rows_per_band": 8}  # FineWeb's
WORKS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "parquet": [],
    "fineweb_chain": [(name, {}) for name in FILTERS],
    "personal_data": [("clean_email_mapper", {}), ("clean_ip_mapper", {})],
    "exact_duplicates": [("document_deduplicator", {})],
    "near_duplicates": [("document_minhash_deduplicator", MINHASH)],
}


def main() -> None:
    work, corpus, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    os.environ.update(HF_DATASETS_CACHE=str(out / "cache"), DATA_JUICER_CACHE_HOME=str(out / "cache"))
    import data_juicer.ops.deduplicator
    import data_juicer.ops.filter
    import data_juicer.ops.mapper  # noqa: F401  # these three register the operators
    import datasets
    from data_juicer.core.data import NestedDataset
    from data_juicer.ops import OPERATORS, base_op
    from loguru import logger

    base_op.free_models = lambda: None  # no operator here has a model, and this would import torch after each of them
    logger.remove()
    datasets.disable_progress_bars()
    datasets.disable_caching()
    operators = [OPERATORS.modules[name](**options, num_proc=1) for name, options in WORKS[work]]
    with clock() as cost:
        data = NestedDataset(
            datasets.load_dataset("parquet", data_files=str(corpus), split="train", cache_dir=str(out / "cache"))
        )
        for operator in operators:
            data = operator.run(data)
        data.to_parquet(str(out / "kept.parquet"))
    answer(cost, kept=len(data), version=version("py-data-juicer"))


if __name__ == "__main__":
    main()
