"""Stage ``report``: everything that was measured, on one page that people would rather look at than read."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from pipeline.params import Params
from pipeline.reporting.inputs import Inputs
from pipeline.reporting.page import render


class ReportParams(Params):
    """What the page is called and how much of each thing it shows."""

    title: str = Field(min_length=1, description="the corpus or project, at the head of the page")
    rules_per_stage: int = Field(ge=2, le=20, description="losses drawn per stage; the rest are drawn as one, the table has all")
    curve_points: int = Field(ge=2, le=2000, description="points drawn of each training curve")
    samples_per_prompt: int = Field(ge=1, le=20, description="continuations shown per prompt and model")
    sample_chars: int = Field(ge=40, le=4000, description="longest continuation shown, in characters")
    occupations: int = Field(ge=1, le=20, description="occupations in the association maps, the most frequent first")


def report(
    dvc_yaml: Path,
    params_yaml: Path,
    lock: Path,
    ingest: Path,
    clean: Path,
    score_docs: Path,
    filter_docs: Path,
    dedup_docs: Path,
    dedup_passages: Path,
    decontaminate: Path,
    balance: Path,
    split_docs: Path,
    train_tokenizer: Path,
    tokenize_docs: Path,
    pretrain: Path,
    finetune: Path,
    compress: Path,
    evaluate: Path,
    report_html: Path,
    *,
    params: ReportParams,
) -> dict[str, float]:
    """Write one self-contained HTML page about the pipeline of ``dvc_yaml`` and what each stage's folder holds."""
    folders = {
        "ingest": ingest, "clean": clean, "score_docs": score_docs, "filter_docs": filter_docs, "dedup_docs": dedup_docs,
        "dedup_passages": dedup_passages, "decontaminate": decontaminate, "balance": balance, "split_docs": split_docs,
        "train_tokenizer": train_tokenizer, "tokenize_docs": tokenize_docs, "pretrain": pretrain, "finetune": finetune,
        "compress": compress, "evaluate": evaluate,
    }  # fmt: skip
    inputs = Inputs(dvc_yaml, params_yaml, lock, folders)
    page = render(inputs, **params.model_dump())
    report_html.parent.mkdir(parents=True, exist_ok=True)
    temporary = report_html.with_name(report_html.name + ".tmp")
    temporary.write_text(page, encoding="utf-8")
    temporary.replace(report_html)
    return {
        "bytes": float(len(page.encode())),
        "documents_in": float(inputs.steps[0].docs_in),
        "documents_kept": float(inputs.steps[-1].docs_out),
        "models": float(len(inputs.results.language_models())),
    }
