from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ManifestError, MissingInputError
from pipeline.manifest import read_manifest, verify, write_manifest

ROOT = Path(__file__).parents[1]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model directory made from two shards and a tokenizer."""
    shards = tmp_path / "train"
    shards.mkdir()
    (shards / "part-00000.npy").write_bytes(b"shard 0")
    (shards / "part-00001.npy").write_bytes(b"shard 1")
    (tmp_path / "tokenizer.json").write_bytes(b"{}")
    directory = tmp_path / "model"
    (directory / "sub").mkdir(parents=True)
    (directory / "config.json").write_bytes(b"{}")
    (directory / "model.safetensors").write_bytes(bytes(range(256)))
    (directory / "sub" / "template.txt").write_bytes(b"x")
    write(directory, {"train": shards, "tokenizer": tmp_path / "tokenizer.json"})
    return directory


def write(directory: Path, inputs: dict[str, Path], **facts: Any) -> dict[str, Any]:
    facts = {"tokens_seen": 10, "seed": 1} | facts
    return write_manifest(directory, stage="pretrain", params={"family": "gpt", "lr": 0.1}, inputs=inputs, facts=facts)


def test_it_says_what_the_model_was_made_from(model: Path) -> None:
    manifest = verify(model)
    assert manifest["inputs"] == {
        "train": {"part-00000.npy": digest(b"shard 0"), "part-00001.npy": digest(b"shard 1")},
        "tokenizer": digest(b"{}"),
    }
    assert manifest["files"] == {
        "config.json": digest(b"{}"),
        "model.safetensors": digest(bytes(range(256))),
        "sub/template.txt": digest(b"x"),
    }
    assert (manifest["stage"], manifest["params"]) == ("pretrain", {"family": "gpt", "lr": 0.1})
    assert manifest["facts"] == {"tokens_seen": 10, "seed": 1}
    assert manifest["code"]["pipeline/manifest.py"] == digest((ROOT / "pipeline/manifest.py").read_bytes())
    assert not {"pipeline/errors.py", "pipeline/__main__.py"} & set(manifest["code"])
    assert manifest["device"].startswith(("cpu ", "cuda "))


def test_a_child_names_its_parent_by_the_parent_s_manifest(model: Path, tmp_path: Path) -> None:
    child = tmp_path / "child"
    child.mkdir()
    (child / "model.safetensors").write_bytes(b"tuned")
    manifest = write(child, {"parent": model})
    assert manifest["parents"] == {"parent": digest((model / "manifest.json").read_bytes())}
    assert verify(child) == manifest


def test_every_flipped_bit_of_the_weights_is_refused(model: Path) -> None:
    path = model / "model.safetensors"
    data = path.read_bytes()
    for place in (0, 100, 255):
        flipped = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        path.write_bytes(flipped)
        with pytest.raises(ManifestError) as caught:
            verify(model)
        assert f"model.safetensors: expected {digest(data)}, found {digest(flipped)}" in str(caught.value)
    path.write_bytes(data)
    verify(model)


def test_the_refusal_has_a_line_for_each_file(model: Path) -> None:
    (model / "config.json").write_bytes(b"{ }")
    (model / "sub" / "template.txt").unlink()
    (model / "extra.bin").write_bytes(b"?")
    with pytest.raises(ManifestError) as caught:
        verify(model)
    first, *lines = str(caught.value).splitlines()
    assert "3 file(s) differ" in first
    assert str(model) in first
    assert lines == [
        f"  config.json: expected {digest(b'{}')}, found {digest(b'{ }')}",
        f"  extra.bin: expected no such file, found {digest(b'?')}",
        f"  sub/template.txt: expected {digest(b'x')}, found no such file",
    ]


def test_the_same_run_elsewhere_writes_the_same_bytes_without_a_path_or_time(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pipeline.manifest import write_manifest; import pipeline.tables;"
        "out = Path(sys.argv[1]); write_manifest(out, stage='s', params={'b': 1, 'a': 2}, inputs={'in': out}, facts={})"
    )
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / name)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": str(len(written))},
            check=True,
        )
        written.append((tmp_path / name / "manifest.json").read_text())
    assert written[0] == written[1]
    assert str(tmp_path) not in written[0]
    assert str(ROOT) not in written[0]
    manifest = json.loads(written[0])
    assert set(manifest["code"]) >= {"pipeline/manifest.py", "pipeline/tables.py", "pipeline/schema.py"}
    assert "torch" not in manifest["libraries"]
    assert "pyarrow" in manifest["libraries"]


def test_bad_directories_are_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"manifest\.json: no such file"):
        verify(tmp_path / "nowhere")
    with pytest.raises(MissingInputError, match=r"absent: no such file"):
        write(model, {"lock": tmp_path / "absent"})
    for text in ("", "[]", '{"stage": "pretrain"}', '{"files": []}'):
        (model / "manifest.json").write_text(text)
        with pytest.raises(ManifestError, match="make the model again"):
            read_manifest(model)


def test_a_fact_that_is_no_number_is_refused(model: Path) -> None:
    before = (model / "manifest.json").read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        write(model, {}, loss=float("nan"))
    assert (model / "manifest.json").read_bytes() == before
