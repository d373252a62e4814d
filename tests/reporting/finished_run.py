"""A small finished run of the pipeline: every folder that the report reads, written through the real schemas."""

from __future__ import annotations

import json
import math
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

from pipeline.manifest import write_manifest
from pipeline.schema import CLUSTERS, DOCS, DROPPED, RESULTS, WEIGHTS
from pipeline.sequences import SequenceWriter
from pipeline.stages.score_docs import ScoreDocsParams, score_docs
from pipeline.tables import ShardWriter, write_table

ROOT = Path(__file__).resolve().parents[2]
RULES = {
    "ingest": [("unreadable", 3, None, None), ("empty", 5, None, None)],
    "clean": [("empty", 2, None, None)],
    "filter_docs": [
        ("gopher_repetition/dup_line_char_frac", 34, None, 0.2),
        ("gopher_quality/num_words", 27, 50.0, 100000.0),
        ("gopher_repetition/top_2_gram", 12, None, 0.2),
        ("gopher_quality/symbol_word_ratio", 9, None, 0.1),
        ("language", 8, 0.5, None),
        ("gopher_quality/mean_word_length", 4, 3.0, 10.0),
        ("gopher_quality/stop_words", 3, 2.0, None),
        ("toxicity", 2, None, 0.01),
        ("gopher_quality/alpha_words", 2, 0.8, None),
        ("identity_terms", 1, None, 0.2),
    ],
    "dedup_docs": [("exact", 21, None, None), ("near", 17, 0.8, None)],
    "dedup_passages": [],
    "decontaminate": [("contaminated", 2, None, 0.1)],
}
TEXTS = (
    "The nurse said that she would call the engineer before he left.",
    "def solve(a, b): solve the linear system and return x. The engineer checks his result.",
    "His brother was a doctor and her sister a teacher in Kenya.",
    "Return the indices of the bins to which each value belongs. See also histogram.",
    "The German teacher and the Japanese engineer wrote the manual; the woman reviewed it.",
    "An old man and a young woman asked the programmer about his work. He answered.",
)


def identifier(index: int) -> str:
    return f"{index * 0x9E3779B97F4A7C15 % (1 << 128):032x}"


def documents(count: int) -> list[dict[str, Any]]:
    numbers = random.Random(7)
    rows = []
    for index in range(count):
        text = "\n".join(numbers.choices(TEXTS, k=numbers.randint(1, 12)))
        row = {"id": identifier(index + 1), "text": text, "source": "installed_docs", "locator": f"pkg/module_{index}.py"}
        rows.append({**row, "domain": f"pkg{index % 3}", "lang": "en", "meta": "{}"})
    return rows


def write_docs(rows: list[dict[str, Any]], path: Path) -> None:
    with ShardWriter(path, DOCS, bytes_per_shard=1 << 16) as writer:
        for first in range(0, len(rows), 100):
            writer.write(pa.Table.from_pylist(rows[first : first + 100], DOCS))


def write_corpus(data: Path, total: int) -> list[dict[str, Any]]:
    """The DOCS stages up to balance; returns what is left."""
    rows = documents(total)
    for stage, rules in RULES.items():
        lost, kept = [], list(rows)
        for rule, count, low, high in rules:
            for row in kept[:count]:
                score = (low or 0.0) * 0.5 if high is None else high * 1.5
                dropped = {"id": row["id"], "stage": stage, "rule": rule, "score": score, "low": low, "high": high, "meta": "{}"}
                twin = kept[-1]["id"] if stage == "dedup_docs" else None
                lost.append({**dropped, "duplicate_of": twin, "num_bytes": len(row["text"].encode())})
            kept = kept[count:]
        if stage == "clean":
            kept = [{**row, "text": row["text"].replace("See also histogram.", "")} for row in kept]
        write_docs(kept, data / stage / "docs")
        if stage == "clean":
            write_ledger(data)
        with ShardWriter(data / stage / "dropped", DROPPED) as writer:
            writer.write(pa.Table.from_pylist(lost, DROPPED))
        report(data / stage, {"docs_out": len(kept), "dropped": len(lost)})
        rows = kept
    write_table(pa.table([[r["id"] for r in rows]] * 2, schema=CLUSTERS), data / "dedup_docs" / "clusters" / "part-00000.parquet")
    write_docs(rows, data / "balance" / "docs")
    weights = [0.5 + (index % 3) * 0.5 for index in range(len(rows))]
    write_table(pa.table([[r["id"] for r in rows], weights], schema=WEIGHTS), data / "balance" / "weights.parquet")
    shares = {"gender/female": (0.31, 0.45), "gender/male": (0.69, 0.55)}
    report(data / "balance", {f"share_{when}/{g}": s[i] for g, s in shares.items() for i, when in enumerate(("before", "after"))})
    return rows


def write_ledger(data: Path) -> None:
    """The ledger of the documents that are clean."""
    (data / "quality").mkdir()
    counts = score_docs(data / "clean" / "docs", data / "quality", data / "score_docs" / "scores", params=ScoreDocsParams())
    report(data / "score_docs", counts)


def report(folder: Path, counts: dict[str, float], name: str = "report") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({key: float(value) for key, value in counts.items()}))


def write_splits(data: Path, rows: list[dict[str, Any]]) -> None:
    """Splits and token shards, one token per word."""
    report(data / "split_docs", {"train": 0})
    report(data / "train_tokenizer", {"vocab_size": 4096, "bytes_per_token": 3.9})
    (data / "train_tokenizer" / "tokenizer.json").write_text("{}")
    report(data / "tokenize_docs", {"train/tokens": 1})
    for name, part in {"validation": rows[:12], "test": rows[12:36], "train": rows[36:]}.items():
        write_docs(part, data / "split_docs" / name)
        with SequenceWriter(data / "tokenize_docs" / name, vocab_size=4096, tokenizer_sha256="0" * 64) as writer:
            lengths = [1 + len(row["text"].split()) for row in part]
            tokens = np.arange(sum(lengths)) % 4096
            sizes = [len(row["text"].encode()) for row in part]
            writer.write([row["id"] for row in part], num_bytes=sizes, tokens=tokens, lengths=lengths)


def write_model(folder: Path, name: str, stage: str, curve: list[str], inputs: dict[str, Path]) -> None:
    directory = folder / name
    directory.mkdir(parents=True)
    (directory / "config.json").write_text('{"model_type": "qwen3"}')
    (directory / "model.safetensors").write_bytes(name.encode() * 100)
    facts = {"seed": 1, "tokens_seen": 6_000_000}
    write_manifest(directory, stage=stage, params={}, inputs=inputs, facts=facts)
    if curve:
        (folder / f"{name}.csv").write_text("\n".join(curve) + "\n")


def curve_rows(floor: float, steps: int) -> list[str]:
    rows = ["step,tokens,loss,lr,grad_norm,val_bits_per_byte"]
    for step in range(1, steps + 1):
        loss = floor * 3 + 6 * math.exp(-step / 40) + 0.05 * math.sin(step)
        validation = f"{loss / 2.6:.4f}" if step % 25 == 0 else ""
        rows.append(f"{step},{step * 8192},{loss:.4f},0.01,{1 + 1 / step:.3f},{validation}")
    return rows


def write_models(data: Path, families: list[str], tasks: list[str]) -> None:
    train, gpt = data / "tokenize_docs" / "train", data / "pretrain" / "gpt"
    for folder in (data / "pretrain", data / "finetune"):
        folder.mkdir(parents=True)
    for name in families:
        curve = [
            "step,tokens,loss,lr,grad_norm,val_bits_per_byte",
            *(f"{n},51234,{4.5 - n / 4},,,{2.4 - n / 9:.3f}" for n in range(1, 6)),
        ]
        curve = curve if name == "ngram" else curve_rows({"gpt": 1.2, "lstm": 1.5}[name], 700)
        write_model(data / "pretrain", name, f"pretrain@{name}", curve, {"train": train})
        report(data / "pretrain", {"parameters": 3_200_000, "tokens_seen": 5_734_400}, name)
    for task in tasks:
        rows = [f"{step},{2 * math.exp(-step / 60):.3f},{'' if step % 20 else 0.4 + step / 300}" for step in range(1, 121)]
        write_model(data / "finetune", task, f"finetune@{task}", ["step,loss,validation_loss", *rows], {"model": gpt})
        report(data / "finetune", {"train_examples": 1200}, task)
    if "gpt" in families:
        write_model(data / "compress", "gpt-int8", "compress", [], {"model": gpt})
    report(data / "compress", {"bytes_before": 12.9e6, "bytes_after": 3.4e6, "size_ratio": 0.26})


def write_results(data: Path, families: list[str], tasks: list[str], bits: dict[str, float]) -> None:
    rows: list[tuple[Any, ...]] = []
    samples = []
    for name in [*families, *(["gpt-int8"] if "gpt" in families else [])]:
        family, value = name.removesuffix("-int8"), bits[name]
        rows.append(
            (name, family, "size", "num_parameters", {"gpt": 3.2e6, "lstm": 2.9e6, "ngram": 8.4e6}[family], None, None, 1)
        )
        rows.append((name, family, "size", "size_bytes", 12.9e6 if name == family else 3.4e6, None, None, 1))
        rows.append((name, family, "language_modeling", "bits_per_byte", value, value - 0.03, value + 0.03, 24))
        rows.append((name, family, "stereotypes", "stereotype_score", 0.57, 0.45, 0.69, 60))
        rows.append((name, family, "generation", "distinct_2", 0.81, None, None, 30))
        for prompt in ("Return the <b>sum</b> of", "Parameters\n----------", "The old house", "She opened the door and"):
            texts = [f" array elements & <script>alert({seed})</script>" + " over a given axis." * 12 for seed in range(3)]
            samples.append({"prompt": prompt, "model": name, "family": family, "seed": 1, "texts": texts})
    for task, metrics, base in (
        ("classification", {"accuracy": 0.84, "precision": 0.83, "recall": 0.82, "f1": 0.82}, "baseline:majority"),
        ("summarization", {"rouge1": 0.31, "rouge2": 0.12, "rougeL": 0.28}, "baseline:first_sentence"),
    ):
        for metric, value in metrics.items() if task in tasks else ():
            rows.append((task, "gpt", task, metric, value, value - 0.04, value + 0.04, 200))
            rows.append((base, "baseline", task, metric, value / 2.5, None, None, 200))
    answers = [
        {"task": t, "input": f"def f(x) <i>{t}</i>", "target": "numpy", t: "scipy", "baseline:majority": "numpy"} for t in tasks
    ]
    best = min(families, key=lambda name: bits[name])
    for name in set(families) - {best}:
        above = bits[name] - bits[best]
        rows.append((name, name, "language_modeling", "bits_per_byte_above_best", above, above - 0.02, above + 0.02, 24))
    if "gpt" in families:
        rows.append(("gpt-int8", "gpt", "compression", "bits_per_byte_above_parent", 0.0071, 0.0052, 0.0093, 24))
    columns = list(zip(*rows, strict=True))
    write_table(
        pa.table([pa.array(c, f.type) for c, f in zip(columns, RESULTS, strict=True)], schema=RESULTS),
        data / "evaluate" / "results.parquet",
    )
    (data / "evaluate" / "samples.json").write_text(json.dumps({"seed": 1, "generation": samples, "tasks": answers}))
    report(data / "evaluate", {"bits_per_byte/gpt": bits.get("gpt", 0.0)})


BITS = {"gpt": 1.412, "lstm": 1.633, "ngram": 1.551, "gpt-int8": 1.419}


def finished_run(
    root: Path,
    *,
    families: tuple[str, ...] = ("gpt", "lstm", "ngram"),
    tasks: tuple[str, ...] = ("classification", "summarization"),
    bits: dict[str, float] = BITS,
    total: int = 640,
) -> Path:
    """Write a finished run below ``root``, with the real dvc.yaml and lock file, and return ``root``."""
    data = root / "data"
    data.mkdir(parents=True)
    shutil.copy(ROOT / "dvc.yaml", root)
    shutil.copy(ROOT / "requirements.lock", root)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["pretrain"] = {family: {"family": family} | ({"order": 5} if family == "ngram" else {}) for family in families}
    params["finetune"] = {task: {"task": task} for task in tasks}
    (root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    write_splits(data, write_corpus(data, total))
    write_models(data, list(families), list(tasks))
    write_results(data, list(families), list(tasks), bits)
    return root
