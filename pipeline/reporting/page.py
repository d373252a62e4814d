"""The page: its sections gathered, then set in the template with every figure and text escaped."""

from __future__ import annotations

from pathlib import Path

import jinja2

from pipeline.reporting import bias, disparity, learning, overview, scores
from pipeline.reporting.inputs import Inputs

TEMPLATES = Path(__file__).parent / "templates"


def render(
    inputs: Inputs,
    *,
    title: str,
    rules_per_stage: int,
    curve_points: int,
    samples_per_prompt: int,
    sample_chars: int,
    occupations: int,
) -> str:
    """The report as one HTML document that needs no other file. Equal inputs give equal text.

    Raises MissingInputError, SchemaError, InputError, ParamsError or ManifestError for an input that cannot be used.
    """
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template("report.html").render(
        title=title,
        overview=overview.overview(inputs),
        pipeline=overview.pipeline(inputs),
        corpus=overview.corpus(inputs, rules_per_stage),
        bias=bias.bias(inputs, occupations),
        disparity=disparity.disparity(inputs),
        curves=learning.curves(inputs, curve_points),
        results=scores.results(inputs),
        samples=learning.samples(inputs, samples_per_prompt, sample_chars),
        provenance=learning.provenance(inputs),
    )
