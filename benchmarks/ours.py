"""Our side of a benchmark: ``ours.py WORK DOCS OUT`` runs a work through the real stages and answers what it cost.

The work is done first over a few documents, so that the clock leaves out what happens once per process (imports, kernels from
the cache, the word tokenizer), as it does for peers. Scratch is a folder of this run: nothing is remembered from another.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from corpora import docs_rows
from measure import ROOT, answer, clock

from pipeline import runtime


def parquet(docs: Path, out: Path) -> None:
    """Read and write, the ceiling of every stage."""
    from pipeline.engine import map_shards
    from pipeline.schema import DOCS

    map_shards(same, {docs: DOCS}, {out / "kept": DOCS})


def same(table: Any) -> Any:
    """A shard as it is."""
    return (table,), {}


def filters(docs: Path, out: Path, *, rules: Sequence[str], words: str) -> None:
    """Sets of rules with the bounds of the preset for FineWeb: every score first, then the decisions.

    Lines are taken out by C4's rule only where C4 is one of the sets.
    """
    from pipeline.stages.filter_docs import FilterDocsParams, filter_docs
    from pipeline.stages.score_docs import ScoreDocsParams, score_docs

    params = fineweb_params()
    wanted = {name for rule in rules for name in RULES[rule]()}
    bounds = {name: bound for name, bound in params["filter_docs"]["bounds"].items() if name in wanted}
    if not bounds:
        raise SystemExit(f"conf/fineweb.yaml bounds no filter of {', '.join(rules)}")
    changed = {"words": words, "filters": tuple(bounds)} | ({} if "c4" in rules else {"c4_lines": "none"})
    scoring = ScoreDocsParams.model_validate({**params["score_docs"], **changed})
    score_docs(docs, ROOT / "data" / "quality", out / "scores", params=scoring)
    deciding = FilterDocsParams.model_validate({**params["filter_docs"], "bounds": bounds})
    filter_docs(docs, out / "scores", out / "kept", out / "dropped", params=deciding)


def fineweb_params() -> Any:
    """params.yaml with the preset for FineWeb applied."""
    from pipeline.preset import merge, read, read_preset

    params = read(ROOT / "params.yaml")
    list(merge(params, read_preset(ROOT / "conf", "fineweb"), ROOT / "params.yaml"))
    return params


def paragraphs(docs: Path, out: Path) -> None:
    """Paragraphs that stand elsewhere in the corpus cut, with the params of params.yaml."""
    from pipeline.params import parse
    from pipeline.stages.dedup_passages import DedupPassagesParams, dedup_passages

    params = parse(ROOT / "params.yaml", "dedup_passages", DedupPassagesParams)
    dedup_passages(docs, out / "kept", out / "dropped", out / "cuts", params=params)


def gopher(*, repetition: bool) -> list[str]:
    """Names of Gopher's rules on repetition, or of its others."""
    from pipeline.filters.gopher import SCORES

    return [name for name in SCORES if name.startswith(("dup_", "top_")) == repetition]


def c4() -> list[str]:
    """Names of C4's rules on documents."""
    from pipeline.filters.c4 import SCORES

    return list(SCORES)


def fineweb() -> list[str]:
    """Names of the rules that FineWeb added."""
    from pipeline.filters.fineweb import SCORES

    return list(SCORES)


RULES: dict[str, Callable[[], list[str]]] = {
    "gopher_repetition": partial(gopher, repetition=True),
    "gopher_quality": partial(gopher, repetition=False),
    "c4": c4,
    "fineweb_quality": fineweb,
}


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


WORKS: dict[str, Callable[[Path, Path], None]] = {
    "parquet": parquet,
    "personal_data": clean,
    "near_duplicates": duplicates,
    "exact_duplicates": partial(duplicates, bands=0),
    "paragraph_duplicates": paragraphs,
}
for words in ("spacy", "unicode", "whitespace"):
    WORKS |= {f"{rule}_{words}": partial(filters, rules=[rule], words=words) for rule in RULES}
    WORKS[f"fineweb_chain_{words}"] = partial(filters, rules=list(RULES), words=words)


def warm_up(docs: Path, folder: Path) -> Path:
    """A table that makes a stage do all that it does: the first documents, some of them twice, and rare characters."""
    import pyarrow as pa

    from pipeline.schema import DOCS
    from pipeline.tables import read_shards, write_table

    texts = next(read_shards(docs, DOCS))["text"].to_pylist()[:100]
    again = [text + " Once more." for text in texts[:20]]
    table = docs_rows(pa.array([*texts, *texts[:20], *again, *RARE], pa.large_string()))
    write_table(table, folder / "part-00000.parquet")
    return folder


RARE = [
    "Write to ann@example.org or call +44 20 7946 0958; 8.8.8.8 answers. Card 4111 1111 1111 1111.\x00\ufeff \u200b\r\nEnd.",
    "Ткань ткут на станке. \u7ec7\u5e03\u673a\u7ec7\u5e03\u3002 \u0e1c\u0e49\u0e32\u0e44\u0e2b\u0e21 e\u0301te\u0301 \U0001f9f5",
]


def main() -> None:
    work, docs, out = WORKS[sys.argv[1]], Path(sys.argv[2]).absolute(), Path(sys.argv[3]).absolute()
    os.chdir(ROOT)
    runtime.quiet_libraries()
    runtime.cache_kernels()
    from pipeline.tables import num_rows

    os.environ["DVC_ROOT"] = str(out / "warm" / "scratch")
    work(warm_up(docs, out / "warm" / "docs"), out / "warm")
    os.environ["DVC_ROOT"] = str(out / "scratch")
    with clock() as cost:
        work(docs, out)
    answer(cost, kept=num_rows(out / "kept"))


if __name__ == "__main__":
    main()
