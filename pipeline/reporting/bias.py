"""The section on bias: whom the corpus speaks of, and with what, before and after each stage."""

from __future__ import annotations

from typing import Any

from pipeline.reporting.inputs import Inputs

Section = dict[str, Any]


def bias(inputs: Inputs, occupations: int) -> Section:
    """Representation."""
    return {"summary": "", "axes": [], "stages": [], "shares": [], "associations": [], "association_note": ""}
