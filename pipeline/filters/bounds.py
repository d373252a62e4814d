"""What params.yaml asks of a filter's score."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import model_validator

from pipeline.params import Params


class Bounds(Params):
    """A document is kept when low <= score <= high; a bound that is left out does not bind."""

    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Bounds:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}: no score lies between")
        return self

    def hold(self, scores: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
        """Which scores lie within; a null does, the filter says nothing about that document."""
        values: npt.NDArray[np.float64] = scores.to_numpy()  # null becomes NaN, of which every comparison is false
        low, high = (-np.inf if self.low is None else self.low), (np.inf if self.high is None else self.high)
        return np.logical_not((values < low) | (values > high))
