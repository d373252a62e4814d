"""Scoring, metrics and intervals; add a metric by a pure function in ``metrics.py`` and a line in METRICS."""

from pipeline.evaluation.metrics import Metric, accuracy, f1, precision, recall, rouge1, rouge2, rouge_l

METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "precision": precision,
    "recall": recall,
    "f1": f1,
    "rouge1": rouge1,
    "rouge2": rouge2,
    "rougeL": rouge_l,
}
