"""What an n-gram model says of documents and of the same documents with their words shuffled, and how fast it says so.

python benchmarks/perplexity.py MODEL CORPUS.parquet [--json FILE]

MODEL is a model directory of the family ngram, CORPUS a table with the column text. The area under the ROC curve is that of
telling documents from the shuffled ones by bits per byte alone; 0.5 is chance.
"""

from __future__ import annotations

import random
from pathlib import Path

import measure
import numpy as np
import pyarrow as pa

MOST = 2000  # documents


def main() -> None:
    """Print one row: medians, area, speed."""
    parser = measure.parser(__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("corpus", type=Path)
    arguments = parser.parse_args()
    measure.pin()
    from pipeline import runtime

    runtime.cache_kernels()
    import pyarrow.parquet as pq
    from sklearn.metrics import roc_auc_score

    from pipeline.filters.perplexity import Reference, bits_per_byte
    from pipeline.quality import read_ngram
    from pipeline.tokenizer.encode import Encoder

    texts = [text for text in pq.read_table(arguments.corpus, columns=["text"])["text"].to_pylist() if text][:MOST]
    model, tokenizer_json = read_ngram(arguments.model)
    column = pa.array(texts, pa.large_string())
    encoder = Encoder(tokenizer_json, pa.chunked_array([column]))
    reference = Reference(model, encoder.encode, encoder.end_id)
    generator = random.Random(0)
    shuffled = pa.array([" ".join(generator.sample(words := text.split(), len(words))) for text in texts], pa.large_string())
    bits_per_byte(column, reference)
    plain, cost = measure.best(lambda: bits_per_byte(column, reference).to_numpy(zero_copy_only=False))
    mixed = bits_per_byte(shuffled, reference).to_numpy(zero_copy_only=False)
    both, truth = np.nan_to_num(np.concatenate([plain, mixed])), np.repeat([0, 1], len(texts))
    row: measure.Row = {
        "documents": len(texts), "order": model.order, "ngrams": len(model.last), "bits_per_byte": float(np.nanmedian(plain)),
        "bits_per_byte_shuffled": float(np.nanmedian(mixed)), "auroc": float(roc_auc_score(truth, both)),
        "mb_s": cost.mb_s(sum(len(text.encode()) for text in texts)), "peak_mb": cost.peak_mb,
    }  # fmt: skip
    measure.show(f"{arguments.model}: documents and shuffled documents", [row])
    measure.write_json([row], arguments.json)


if __name__ == "__main__":
    main()
