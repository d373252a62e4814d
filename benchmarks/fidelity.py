"""How often ours and datatrove decide alike about a document, for each word rule and filter.

usage: python benchmarks/fidelity.py CORPUS.jsonl.gz DECISIONS.parquet [--json FILE]

CORPUS: lines of {id, text}. DECISIONS: rows (id, filter, keep, reason, out_sha1) of datatrove 0.10.1, its filters being
gopher_rep, gopher_quality, c4 (lines need no terminal punctuation), c4_default, fineweb, each applied to the original text, and
fineweb_chain, all of them one after the other. Our bounds are those of the presets gopher, c4 and fineweb.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from measure import ROOT, parser, pin, show, write_json

from pipeline import runtime
from pipeline.filters import FILTERS
from pipeline.filters.batch import Batch
from pipeline.stages.filter_docs import FilterDocsParams
from pipeline.stages.score_docs import ScoreDocsParams
from pipeline.text.characters import WordRule
from pipeline.text.lines import keep_lines
from pipeline.text.quality import C4_LINES, FINEWEB, QUALITY, REPETITION

# Filter of the decisions: the preset of the same rules, those of its filters that count (none: all), and its line rule.
CHAINS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "gopher_rep": ("gopher", REPETITION, "none"),
    "gopher_quality": ("gopher", QUALITY, "none"),
    "c4": ("fineweb", C4_LINES, "fineweb"),
    "c4_default": ("c4", (), "c4"),
    "fineweb": ("fineweb", FINEWEB, "none"),
    "fineweb_chain": ("fineweb", (), "fineweb"),
}
# datatrove's word for a score below and above its bounds.
REASONS = {
    "dup_paragraph_fraction": ("", "dup_para_frac"),
    "dup_paragraph_char_fraction": ("", "dup_para_char_frac"),
    "dup_line_fraction": ("", "dup_line_frac"),
    "dup_line_char_fraction": ("", "dup_line_char_frac"),
    **{f"top_{n}_gram_char_fraction": ("", f"top_{n}_gram") for n in range(2, 5)},
    **{f"dup_{n}_gram_char_fraction": ("", f"duplicated_{n}_n_grams") for n in range(5, 11)},
    "num_words": ("gopher_short_doc", "gopher_long_doc"),
    "mean_word_length": ("gopher_below_avg_threshold", "gopher_above_avg_threshold"),
    "hash_ratio": ("", "gopher_too_many_hashes"),
    "ellipsis_ratio": ("", "gopher_too_many_ellipsis"),
    "bullet_line_fraction": ("", "gopher_too_many_bullets"),
    "ellipsis_line_fraction": ("", "gopher_too_many_end_ellipsis"),
    "alpha_word_fraction": ("gopher_below_alpha_threshold", ""),
    "num_stop_words": ("gopher_enough_stop_words", ""),
    "lorem_ipsum_lines": ("", "lorem_ipsum"),
    "curly_bracket_lines": ("", "curly_bracket"),
    "num_sentences": ("too_few_sentences", ""),
    "punctuated_line_fraction": ("line_punct_ratio", ""),
    "short_line_fraction": ("", "short_line_ratio"),
    "dup_full_line_char_fraction": ("", "char_dup_ratio"),
    "line_feed_ratio": ("", "list_ratio"),
}


def main() -> None:
    arguments = arguments_of()
    pin()
    runtime.cache_kernels()
    ids, text = read_corpus(arguments.corpus)
    decisions = pq.read_table(arguments.decisions)
    rows = []
    for words in get_args(WordRule):
        batches = {lines: Batch(text, words, lines=lines) for lines in ("none", "fineweb", "c4")}
        rows += [compare(name, ids, batches[chain[2]], *chain, decisions) for name, chain in CHAINS.items()]
    show(f"The same decision as datatrove 0.10.1, of {len(ids):,} documents", rows)
    write_json(rows, arguments.json)


def arguments_of() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("corpus", type=Path, metavar="CORPUS.jsonl.gz")
    made.add_argument("decisions", type=Path, metavar="DECISIONS.parquet")
    return made.parse_args()


def read_corpus(path: Path) -> tuple[list[str], pa.LargeStringArray]:
    """Ids and texts; lines end at line feeds alone."""
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        rows = [json.loads(line) for line in file]
    return [row["id"] for row in rows], pa.array([row["text"] for row in rows], pa.large_string())


def preset(name: str) -> tuple[FilterDocsParams, ScoreDocsParams]:
    """Bounds and line rule of a preset."""
    found = yaml.safe_load((ROOT / "conf" / f"{name}.yaml").read_text(encoding="utf-8"))
    return FilterDocsParams.model_validate(found["filter_docs"]), ScoreDocsParams.model_validate(found.get("score_docs", {}))


def decide(batch: Batch, name: str, filters: tuple[str, ...]) -> tuple[np.ndarray[Any, Any], list[str | None]]:
    """Whether each document is kept by a preset, and datatrove's word for the first rule that it breaks."""
    keep, reasons = np.ones(len(batch.text), np.bool_), np.full(len(batch.text), None, object)
    bounds = preset(name)[0].bounds
    for filter_name in FILTERS:
        if filter_name not in bounds or (filters and filter_name not in filters):
            continue
        scores = pa.chunked_array([FILTERS[filter_name](batch)])
        lost = keep & ~bounds[filter_name].hold(scores)
        low = bounds[filter_name].low
        for i in np.flatnonzero(lost):
            reasons[i] = REASONS[filter_name][0 if low is not None and scores[int(i)].as_py() < low else 1]
        keep &= ~lost
    return keep, reasons.tolist()


def compare(
    name: str, ids: list[str], batch: Batch, preset_name: str, filters: tuple[str, ...], lines: str, decisions: pa.Table
) -> dict[str, Any]:
    """Agreement of one filter: decisions; first reasons, of what both drop; texts after C4's line rules, of what both keep."""
    if lines != "none":
        assert preset(preset_name)[1].c4_lines == lines
    theirs = {row["id"]: row for row in decisions.filter(pa.compute.equal(decisions["filter"], name)).to_pylist()}
    keep, reasons = decide(batch, preset_name, filters)
    differences = [i for i, kept in zip(ids, keep, strict=True) if kept != theirs[i]["keep"]]
    pairs = [(r, (theirs[i]["reason"] or "").rpartition(":")[2]) for i, r in zip(ids, reasons, strict=True) if r]
    same_reason = [ours == their for ours, their in pairs if their]
    texts = keep_lines(batch.text, batch.lines).to_pylist() if lines != "none" else []
    same_text = [sha1(t) == theirs[i]["out_sha1"] for i, t, k in zip(ids, texts, keep, strict=False) if k and theirs[i]["keep"]]
    return {
        "words": batch.words,
        "filter": name,
        "documents": len(ids),
        "agreement": 1 - len(differences) / len(ids),
        "differences": differences,
        "same_first_reason": sum(same_reason) / max(len(same_reason), 1),
        "same_text": sum(same_text) / len(same_text) if same_text else None,
    }


def sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


if __name__ == "__main__":
    main()
