"""Compression: a smaller directory that loads as any other, and refuses what it should."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline import manifest
from pipeline.errors import ManifestError, MissingInputError
from pipeline.export.directory import load_model
from pipeline.stages.compress import CompressParams, compress
from tests.tiny import workspace

PARAMS = CompressParams(bits=8)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return workspace(tmp_path) / "pretrain" / "gpt"


def test_the_compressed_model_scores_almost_the_same(model: Path, tmp_path: Path) -> None:
    report = compress(model, tmp_path / "int8", params=PARAMS)
    assert report["size_ratio"] < 0.45
    assert report["largest_relative_error"] <= 1 / 254 * 1.001
    assert manifest.verify(tmp_path / "int8")["parents"] == {"model": manifest.sha256(model / "manifest.json")}
    ids, lengths = np.arange(60, dtype=np.int64)[None], np.array([60])
    before, after = (load_model(folder).loglikelihood(ids, lengths) for folder in (model, tmp_path / "int8"))
    np.testing.assert_allclose(before, after, atol=0.05)
    assert not np.array_equal(before, after)


def test_the_same_bytes_twice(model: Path, tmp_path: Path) -> None:
    compress(model, tmp_path / "one", params=PARAMS)
    compress(model, tmp_path / "two", params=PARAMS)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_a_compressed_model_is_not_compressed_again(model: Path, tmp_path: Path) -> None:
    compress(model, tmp_path / "int8", params=PARAMS)
    with pytest.raises(ManifestError, match="heddle_quantization already"):
        compress(tmp_path / "int8", tmp_path / "again", params=PARAMS)


def test_other_bits_are_refused(model: Path, tmp_path: Path) -> None:
    compress(model, tmp_path / "int8", params=PARAMS)
    path = tmp_path / "int8" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"heddle_quantization": {"bits": 3}}))
    with pytest.raises(ManifestError, match=r"config\.json"):
        load_model(tmp_path / "int8")
    with pytest.raises(ManifestError, match="bits = 3"):
        load_model(tmp_path / "int8", verify=False)


def test_no_model(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError):
        compress(tmp_path / "nothing", tmp_path / "int8", params=PARAMS)
