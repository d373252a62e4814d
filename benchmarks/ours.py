"""Our side of a benchmark: ``ours.py WORK DOCS OUT`` runs a work through the real stages and answers what it cost.

The work is done first over a few documents, so that the clock leaves out what happens once per process (imports, kernels from
the cache, the word tokenizer), as it does for peers. Scratch is a folder of this run: nothing is remembered from another.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from measure import ROOT, answer, clock

from pipeline import runtime

CONF = ROOT / "conf"
REPETITION = ("dup_", "top_")  # first letters of the names of Gopher's repetition rules


def parquet(docs: Path, out: Path) -> None:
    """Read and write, the ceiling of every stage."""
    from pipeline.engine import map_shards
    from pipeline.schema import DOCS

    map_shards(same, {docs: DOCS}, {out / "kept": DOCS})


def same(table: Any) -> Any:
    """A shard as it is."""
    return (table,), {}


def filters(docs: Path, out: Path, *, preset: str, words: str, keep: Callable[[str], bool] = lambda _: True) -> None:
    """The filter chain with the bounds of a preset, or those of them that ``keep`` names. The ledger has every score anyway."""
    from pipeline.params import parse
    from pipeline.stages.filter_docs import FilterDocsParams, filter_docs
    from pipeline.stages.score_docs import ScoreDocsParams, score_docs

    scoring = parse(CONF / f"{preset}.yaml", "score_docs", ScoreDocsParams).model_copy(update={"words": words})
    bounds = parse(CONF / f"{preset}.yaml", "filter_docs", FilterDocsParams)
    bounds = bounds.model_copy(update={"bounds": {name: b for name, b in bounds.bounds.items() if keep(name)}})
    score_docs(docs, ROOT / "data" / "quality", out / "scores", params=scoring)
    filter_docs(docs, out / "scores", out / "kept", out / "dropped", params=bounds)


def clean(docs: Path, out: Path) -> None:
    """The clean stage: repair and redaction, with the params of params.yaml."""
    from pipeline.params import parse
    from pipeline.stages.clean import CleanParams
    from pipeline.stages.clean import clean as stage

    stage(docs, out / "kept", out / "dropped", params=parse(ROOT / "params.yaml", "clean", CleanParams))


def duplicates(docs: Path, out: Path, **options: Any) -> None:
    """Duplicate removal with the params of params.yaml, but for ``options``."""
    from pipeline.params import parse
    from pipeline.stages.dedup_docs import DedupDocsParams, dedup_docs

    params = parse(ROOT / "params.yaml", "dedup_docs", DedupDocsParams).model_copy(update=options)
    dedup_docs(docs, out / "kept", out / "dropped", out / "clusters", params=params)


def is_repetition(name: str) -> bool:
    """Whether a rule of the Gopher preset is one of the repetition rules."""
    return name.startswith(REPETITION)


def is_fineweb(name: str) -> bool:
    """Whether a rule is one of the four that FineWeb added."""
    from pipeline.filters import FILTERS

    return FILTERS[name].__module__ == "pipeline.filters.fineweb"


WORKS: dict[str, Callable[[Path, Path], None]] = {
    "parquet": parquet,
    "personal_data": clean,
    "near_duplicates": duplicates,
    "exact_duplicates": partial(duplicates, bands=0),
}
for words in ("spacy", "unicode", "whitespace"):
    WORKS[f"gopher_repetition_{words}"] = partial(filters, preset="gopher", words=words, keep=is_repetition)
    WORKS[f"gopher_quality_{words}"] = partial(filters, preset="gopher", words=words, keep=lambda name: not is_repetition(name))
    WORKS[f"c4_{words}"] = partial(filters, preset="c4", words=words)
    WORKS[f"fineweb_quality_{words}"] = partial(filters, preset="fineweb", words=words, keep=is_fineweb)
    WORKS[f"fineweb_chain_{words}"] = partial(filters, preset="fineweb", words=words)


def main() -> None:
    work, docs, out = WORKS[sys.argv[1]], Path(sys.argv[2]).absolute(), Path(sys.argv[3]).absolute()
    os.chdir(ROOT)
    runtime.quiet_libraries()
    runtime.cache_kernels()
    from pipeline.schema import DOCS
    from pipeline.tables import num_rows, read_shards, write_table

    os.environ["DVC_ROOT"] = str(out / "warm" / "scratch")
    few = out / "warm" / "docs" / "part-00000.parquet"
    write_table(next(read_shards(docs, DOCS)).slice(0, 100), few)
    work(few.parent, out / "warm")
    os.environ["DVC_ROOT"] = str(out / "scratch")
    with clock() as cost:
        work(docs, out)
    answer(cost, kept=num_rows(out / "kept"))


if __name__ == "__main__":
    main()
