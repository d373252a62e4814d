"""What a model directory was made from: ``manifest.json``, written once and verified at every load.

    stage, params      which stage made it, with which section of params.yaml
    inputs             sha-256 of every input file, by name
    parents            sha-256 of the manifest of each input that is itself a model directory
    code               sha-256 of every first-party module that was loaded, plumbing apart
    libraries, device  versions and hardware that the arithmetic ran on
    facts              what the stage adds: seeds, tokens seen
    files              sha-256 of every other file of the directory

There is no time and no absolute path in it: the same run writes the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.errors import ManifestError, MissingInputError

NAME = "manifest.json"
LIBRARIES = ("torch", "transformers", "trl", "tokenizers", "safetensors", "numpy", "pyarrow")
# Modules that change no output, as in the DAG's own dependencies: an edit of the command line is no other model.
PLUMBING = {"pipeline.__main__", "pipeline.errors", "pipeline.progress", "pipeline.runtime"}


def write_manifest(
    directory: Path,
    *,
    stage: str,
    params: Mapping[str, Any],
    inputs: Mapping[str, Path],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Write ``manifest.json`` into a directory whose other files are complete, and return what it holds.

    ``inputs`` gives each input a name that does not depend on the machine. Raises MissingInputError for an absent input.
    """
    manifest = {
        "stage": stage,
        "params": dict(params),
        "inputs": {name: _hash_input(path) for name, path in sorted(inputs.items())},
        "parents": {name: sha256(path / NAME) for name, path in sorted(inputs.items()) if (path / NAME).is_file()},
        "code": loaded_code(),
        "libraries": {name: version(name) for name in LIBRARIES if name in sys.modules} | {"python": platform.python_version()},
        "device": device_name(),
        "facts": dict(facts),
        "files": _hash_folder(directory),
    }
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    temporary = directory / (NAME + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(directory / NAME)
    return manifest


def read_manifest(directory: Path) -> dict[str, Any]:
    """The manifest of a model directory, its files not yet checked.

    Raises MissingInputError when directory or manifest are absent, ManifestError when it is no manifest.
    """
    path = directory / NAME
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file; name a model directory that a stage wrote")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: not JSON: {error}; make the model again") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise ManifestError(f"{path}: has no object 'files'; make the model again")
    return manifest


def verify(directory: Path) -> dict[str, Any]:
    """The manifest of a model directory, after every file of it was found to be what the manifest says.

    Raises ManifestError with one line per file that is missing, changed or extra; MissingInputError without a manifest.
    """
    manifest = read_manifest(directory)
    expected, found = manifest["files"], _hash_folder(directory)
    lines = [
        f"  {name}: expected {expected.get(name, 'no such file')}, found {found.get(name, 'no such file')}"
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    ]
    if lines:
        raise ManifestError(
            "\n".join([f"{directory}: {len(lines)} file(s) differ from {NAME}; restore them or make the model again:", *lines])
        )
    return manifest


def sha256(path: Path) -> str:
    """Hexadecimal sha-256 of a file's bytes. Raises MissingInputError when there is no such file."""
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file; run the stage that writes it (dvc repro)")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def loaded_code() -> dict[str, str]:
    """sha-256 of every first-party module that this process has loaded, by path below the root, without PLUMBING."""
    root = Path(__file__).resolve().parent.parent
    names = [name for name in sys.modules if name.split(".")[0] == "pipeline" and name not in PLUMBING]
    files = {file for name in names if (file := getattr(sys.modules[name], "__file__", None)) is not None}
    return {Path(file).resolve().relative_to(root).as_posix(): sha256(Path(file)) for file in sorted(files)}


def device_name() -> str:
    """What the arithmetic ran on: the GPU if this process used one, else the processor's architecture and vector width."""
    torch = sys.modules.get("torch")
    if torch is None:
        return f"cpu {platform.machine()}"
    if torch.cuda.is_initialized():
        return f"cuda {torch.cuda.get_device_name()}"
    return f"cpu {platform.machine()} {torch.backends.cpu.get_cpu_capability()}"


def _hash_input(path: Path) -> str | dict[str, str]:
    return _hash_folder(path) if path.is_dir() else sha256(path)


def _hash_folder(folder: Path) -> dict[str, str]:
    """Name below ``folder`` → sha-256, for every file but the folder's own manifest."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {p.relative_to(folder).as_posix(): sha256(p) for p in files if p != folder / NAME}
