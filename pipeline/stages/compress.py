"""Stage ``compress``: int8 weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Literal

from pydantic import Field
from safetensors.numpy import load_file, save_file

from pipeline import manifest
from pipeline.errors import ManifestError
from pipeline.export.directory import read_config
from pipeline.export.quantize import dequantize_tensors, largest_relative_error, quantize_tensors
from pipeline.params import Params

WEIGHTS = "model.safetensors"


class CompressParams(Params):
    """How weights are stored."""

    bits: Literal[8] = Field(description="bits per weight of every matrix")


def compress(model: Path, model_out: Path, *, params: CompressParams) -> dict[str, float]:
    """Write ``model`` with int8 matrices, one scale per output channel, to ``model_out``.

    Raises ManifestError when the model's files are not what its manifest says, or it is quantized already.
    """
    manifest.verify(model)
    config = read_config(model)
    if "heddle_quantization" in config:
        raise ManifestError(f"{model}/config.json: has heddle_quantization already; compress the model it was made from")
    tensors = load_file(model / WEIGHTS)
    quantized = quantize_tensors(tensors)
    temporary = model_out.with_name(model_out.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.copytree(model, temporary, ignore=shutil.ignore_patterns(manifest.NAME, WEIGHTS, "config.json"))
    config["heddle_quantization"] = {"bits": params.bits, "scheme": "symmetric per output channel"}
    (temporary / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    save_file(quantized, temporary / WEIGHTS, metadata={"format": "pt"})
    manifest.write_manifest(temporary, stage="compress", params=params.model_dump(), inputs={"model": model}, facts={})
    before, after = (float((folder / WEIGHTS).stat().st_size) for folder in (model, temporary))
    shutil.rmtree(model_out, ignore_errors=True)
    temporary.rename(model_out)
    return {
        "bytes_before": before,
        "bytes_after": after,
        "size_ratio": after / before,
        "largest_relative_error": largest_relative_error(tensors, dequantize_tensors(quantized)),
    }
