"""A model directory: written whole or not at all, loaded only when it is what its manifest says.

It holds config.json, model.safetensors, tokenizer.json, tokenizer_config.json, generation_config.json and manifest.json. The
decoder's loads with ``AutoModelForCausalLM.from_pretrained``, the tokenizer of every family with ``AutoTokenizer``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from pipeline import manifest
from pipeline.errors import ManifestError, MissingInputError, VocabularyError
from pipeline.models import MODELS
from pipeline.models.interface import MASK_ID, LanguageModel

END_OF_TEXT, MASK = "<|endoftext|>", "<|mask|>"


def save_model(
    model: LanguageModel,
    directory: Path,
    *,
    tokenizer_json: Path,
    stage: str,
    params: dict[str, Any],
    inputs: Mapping[str, Path],
    facts: Mapping[str, Any],
) -> None:
    """Write ``model`` with its tokenizer and manifest to ``directory``, which is absent until it is complete.

    ``stage``, ``params``, ``inputs`` and ``facts`` go to the manifest (``pipeline.manifest.write_manifest``).
    Raises VocabularyError when the tokenizer has another vocabulary than the model.
    """
    config = model.config()
    check_vocabulary(tokenizer_json, model.vocab_size)
    temporary = directory.with_name(directory.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    write_weights(config, model.state(), temporary)
    write_tokenizer(tokenizer_json, temporary, max_length=config.get("max_position_embeddings"))
    for name, (part, tensors) in model.companions().items():
        (temporary / name).mkdir()
        write_weights(part, tensors, temporary / name)
        write_tokenizer(tokenizer_json, temporary / name, max_length=part.get("max_position_embeddings"))
    manifest.write_manifest(temporary, stage=stage, params=params, inputs=inputs, facts=facts)
    shutil.rmtree(directory, ignore_errors=True)
    temporary.rename(directory)


def load_model(directory: Path, *, verify: bool = True) -> LanguageModel:
    """Load the model in ``directory``, of any family, quantized or not, on the CPU in float32.

    Raises MissingInputError without a config.json, ManifestError when a file differs from the manifest or the family is unknown.
    """
    config = read_config(directory)
    if verify:
        manifest.verify(directory)
    if "heddle_quantization" in config:
        from pipeline.export import quantize

        return quantize.load(directory)
    families = {family.model_type: family for family in MODELS.values()}
    if config.get("model_type") not in families:
        known = ", ".join(sorted(families))
        raise ManifestError(f"{directory}/config.json: model_type = {config.get('model_type')!r}: want one of {known}")
    return families[config["model_type"]].from_state(config, load_file(directory / "model.safetensors"))


def load_tokenizer(directory: Path) -> Tokenizer:
    """Load the tokenizer of a model directory. Raises MissingInputError when it has none."""
    path = directory / "tokenizer.json"
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file; {directory} is no complete model directory")
    return Tokenizer.from_file(str(path))


def read_config(directory: Path) -> dict[str, Any]:
    """Read config.json of a model directory. Raises MissingInputError without it."""
    path = directory / "config.json"
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file; run the stage that writes this model (dvc repro)")
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return config


def check_vocabulary(tokenizer_json: Path, vocab_size: int) -> None:
    """Raise VocabularyError unless the tokenizer has ``vocab_size`` tokens, the end-of-text token among them."""
    tokenizer = Tokenizer.from_file(str(tokenizer_json))
    found = tokenizer.get_vocab_size(with_added_tokens=True)
    if found != vocab_size:
        raise VocabularyError(f"{tokenizer_json}: {found} tokens, but the model or its data have {vocab_size}; tokenize again")
    if tokenizer.token_to_id(END_OF_TEXT) is None:
        raise VocabularyError(f"{tokenizer_json}: no token {END_OF_TEXT}, which opens every document; train it again")


def check_mask(tokenizer_json: Path) -> None:
    """Raise VocabularyError unless the tokenizer has the token that stands for a hidden one, where models look for it."""
    if Tokenizer.from_file(str(tokenizer_json)).token_to_id(MASK) != MASK_ID:
        raise VocabularyError(f"{tokenizer_json}: {MASK} is not token {MASK_ID}, which masked models need; train it again")


def write_tokenizer(tokenizer_json: Path, directory: Path, *, max_length: int | None) -> None:
    """Copy tokenizer.json into a model directory with what transformers needs to load it and to generate."""
    shutil.copyfile(tokenizer_json, directory / "tokenizer.json")
    tokenizer = Tokenizer.from_file(str(tokenizer_json))
    end_id = tokenizer.token_to_id(END_OF_TEXT)
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    settings |= dict.fromkeys(("bos_token", "eos_token", "pad_token"), END_OF_TEXT)
    if tokenizer.token_to_id(MASK) is not None:
        settings["mask_token"] = MASK
    if max_length is not None:
        settings["model_max_length"] = max_length
    _write_json(settings, directory / "tokenizer_config.json")
    _write_json(dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), end_id), directory / "generation_config.json")


def write_weights(config: Mapping[str, Any], tensors: Mapping[str, np.ndarray[Any, Any]], directory: Path) -> None:
    """Write config.json and model.safetensors, which is what transformers needs of a network without a tokenizer."""
    _write_json(config, directory / "config.json")
    save_file(_contiguous(tensors), directory / "model.safetensors", metadata={"format": "pt"})


def _contiguous(tensors: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    """Sorted by name, in C order: safetensors writes the buffer as it lies, so the bytes must not depend on history."""
    return {name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)}


def _write_json(value: Mapping[str, Any], path: Path) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
