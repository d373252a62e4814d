"""Near-duplicates with text-dedup's command, one process: ``run_textdedup.py near_duplicates CORPUS OUT``.

Settings of its README: 240 permutations, Jaccard 0.7, candidates verified. It reads Parquet and writes Arrow files. Its start-up
is taken off: that of a run over a handful of documents.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from measure import Cost, answer, clock

SETTINGS = """
[input]
input_type = "local_files"
file_type = "parquet"
[input.read_arguments]
path = "{folder}/in"
split = "train"
[algorithm]
algorithm_name = "minhash"
text_column = "text"
num_proc = 1
seed = 42
batch_size = 10000
threshold = 0.7
num_perm = 240
hash_bits = 64
ngram_size = 5
check_false_positive = true
[output]
output_dir = "{folder}/out"
clean_cache = false
[debug]
enable_profiling = false
"""


def run(table: pa.Table, folder: Path) -> Cost:
    """The cost of the command over ``table``."""
    (folder / "in").mkdir(parents=True)
    pq.write_table(table, folder / "in" / "corpus.parquet", compression="zstd")
    (folder / "config.toml").write_text(SETTINGS.format(folder=folder))
    caches = {"HF_DATASETS_CACHE": str(folder / "cache"), "HF_HOME": str(folder / "home")}
    words = [sys.executable, "-m", "text_dedup.minhash"]
    with clock() as cost:
        done = subprocess.run(
            words,
            cwd=folder,
            env={**os.environ, **caches},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\n{done.stdout[-1500:]}")
    return cost


def main() -> None:
    import datasets

    corpus, out = Path(sys.argv[2]), Path(sys.argv[3])
    table = pq.read_table(corpus, columns=["id", "text"])
    starts = [run(table.slice(0, 20), out / f"start{turn}") for turn in range(2)]
    start = min(starts, key=lambda cost: cost.cpu_seconds)
    cost = run(table, out / "whole")
    cost.cpu_seconds -= start.cpu_seconds
    cost.wall_seconds -= start.wall_seconds
    kept = datasets.load_from_disk(str(out / "whole" / "out")).num_rows
    answer(cost, kept=kept, start_up=start.cpu_seconds, version=version("text-dedup"))


if __name__ == "__main__":
    main()
