"""int8 weights: symmetric, one scale per output channel, no calibration data.

For row ``o`` of a weight matrix, s_o = max_i |w_oi| / 127 and q_oi = round(w_oi / s_o), so that |w_oi - s_o q_oi| <= s_o / 2.
Per-channel symmetric weights: Krishnamoorthi 2018, https://arxiv.org/abs/1806.08342, §2.1.1 and §3.1; the restricted range ±127,
which keeps zero exact and the sign symmetric: Jacob et al. 2018, https://arxiv.org/abs/1712.05877, §3.

Every matrix is quantized: embeddings (a channel is a token) and linear layers. Vectors (norms, biases) stay as they are: they are
a thousandth of the bytes. Weights are dequantized when the model is loaded, not in each multiplication: the file is a quarter
of the size, while every family computes with its own kernels at full speed; on a CPU an int8 product by way of float32
would cost that conversion for every token.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from pipeline.errors import ManifestError
from pipeline.export.directory import read_config
from pipeline.models import MODELS
from pipeline.models.interface import LanguageModel

BITS = 8
LIMIT = 127  # of the restricted range
SUFFIX = ".scale"  # beside the int8 tensor of the same name

Tensor = npt.NDArray[Any]


def quantize_matrix(weight: Tensor) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """int8 values of the same shape (O, I) and their float32 scales (O, 1); a row of zeros gets scale 0."""
    peak = np.abs(weight.astype(np.float32)).max(axis=1, keepdims=True)
    scale = peak / np.float32(LIMIT)
    divisor = np.where(scale > 0, scale, np.float32(1))
    values = np.clip(np.rint(weight / divisor), -LIMIT, LIMIT).astype(np.int8)
    return values, scale


def quantize_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Each matrix as int8 under its own name with its scales under ``<name>.scale``; other tensors unchanged."""
    out: dict[str, Tensor] = {}
    for name, tensor in sorted(tensors.items()):
        if tensor.ndim == 2 and np.issubdtype(tensor.dtype, np.floating):
            out[name], out[name + SUFFIX] = quantize_matrix(tensor)
        else:
            out[name] = tensor
    return out


def dequantize_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of ``quantize_tensors`` up to rounding, in float32."""
    return {
        name: tensor.astype(np.float32) * tensors[name + SUFFIX] if name + SUFFIX in tensors else tensor
        for name, tensor in tensors.items()
        if not (name.endswith(SUFFIX) and name.removesuffix(SUFFIX) in tensors)
    }


def largest_relative_error(tensors: Mapping[str, Tensor], restored: Mapping[str, Tensor]) -> float:
    """The largest |w - w'| of any matrix, as a share of the largest |w| of that matrix's row; at most 1/254 by construction."""
    worst = 0.0
    for name, tensor in tensors.items():
        if tensor.ndim == 2:
            error = np.abs(tensor - restored[name]).max(axis=1)
            peak = np.abs(tensor).max(axis=1)
            worst = max(worst, float((error / np.where(peak > 0, peak, 1)).max()))
    return worst


def load(directory: Path) -> LanguageModel:
    """The model of a quantized directory, its weights restored to float32. Its manifest is not checked here.

    Raises ManifestError for another number of bits, or a family that is unknown.
    """
    config = read_config(directory)
    bits = config["heddle_quantization"].get("bits")
    families = {family.model_type: family for family in MODELS.values()}
    if bits != BITS or config.get("model_type") not in families:
        raise ManifestError(
            f"{directory}/config.json: heddle_quantization.bits = {bits!r}, model_type = {config.get('model_type')!r}: "
            f"want {BITS} bits of one of {', '.join(sorted(families))}; compress the model again"
        )
    tensors = dequantize_tensors(load_file(directory / "model.safetensors"))
    return families[config["model_type"]].from_state(config, tensors)
