"""How many pages of ordinary text in a language pass the rules of a preset, by each word rule, and which rule drops the others.

usage: python benchmarks/pages.py LANG FILE... [--preset gopher] [--characters 2000] [--json FILE]

LANG: ISO 639-1, whose stop words are looked for. FILE: a text (.txt), or lines of {lang, text} of which those of LANG count
(.jsonl), also with .gz. Texts are put together, cut into pages at line ends and normalized as the stage clean does.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import yaml
from measure import ROOT, parser, pin, show, write_json

from pipeline import runtime
from pipeline.filters import FILTERS
from pipeline.filters.batch import Batch
from pipeline.stages.filter_docs import FilterDocsParams
from pipeline.text.characters import WordRule
from pipeline.text.normalize import normalize


def lines_of(path: Path, language: str) -> Iterator[str]:
    """The lines of a text, or the texts of one language."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8", newline="\n") as file:
        for line in file:
            if ".jsonl" not in path.name:
                yield line
            elif (row := json.loads(line))["lang"] == language:
                yield row["text"] + "\n"


def pages(paths: list[Path], language: str, characters: int) -> list[str]:
    """Pages of at least so many characters; what is left over at the end is none."""
    made, page = [], ""
    for path in paths:
        for line in lines_of(path, language):
            page += line
            if len(page) >= characters:
                made.append(page)
                page = ""
    return normalize(pa.array(made, pa.large_string()))[0].to_pylist()


def judge(texts: list[str], language: str, words: WordRule, preset: str) -> dict[str, Any]:
    """Share of pages that pass, and the first rule that each other one breaks."""
    found = yaml.safe_load((ROOT / "conf" / f"{preset}.yaml").read_text(encoding="utf-8"))
    bounds = FilterDocsParams.model_validate(found["filter_docs"]).bounds
    lines = found.get("score_docs", {}).get("c4_lines", "none")
    batch = Batch(pa.array(texts, pa.large_string()), words, lines=lines, stop_words=language)
    reasons: list[str | None] = [None] * len(texts)
    for name in (name for name in FILTERS if name in bounds):
        held = bounds[name].hold(pa.chunked_array([FILTERS[name](batch)]))
        reasons = [reason or (None if keeps else name) for reason, keeps in zip(reasons, held, strict=True)]
    dropped = Counter(reason for reason in reasons if reason)
    passed = 1 - dropped.total() / max(len(texts), 1)
    rules = ", ".join(f"{name} {count}" for name, count in dropped.most_common())
    return {"language": language, "preset": preset, "words": words, "pages": len(texts), "pass": passed, "dropped_by": rules}


def main() -> None:
    made = parser(__doc__)
    made.add_argument("language", metavar="LANG")
    made.add_argument("files", metavar="FILE", type=Path, nargs="+")
    made.add_argument("--preset", default="gopher")
    made.add_argument("--characters", type=int, default=2000)
    arguments = made.parse_args()
    pin()
    runtime.cache_kernels()
    texts = pages(arguments.files, arguments.language, arguments.characters)
    rows = [judge(texts, arguments.language, words, arguments.preset) for words in get_args(WordRule)]
    show(f"Pages that pass {arguments.preset}", rows)
    write_json(rows, arguments.json)


if __name__ == "__main__":
    main()
