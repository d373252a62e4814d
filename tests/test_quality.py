"""The folder of a user's own scoring files: read whole, verified, and every part optional."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import InputError, ManifestError, MissingInputError, TooFewExamplesError, UsageError
from pipeline.export.directory import load_model, load_tokenizer
from pipeline.filters.classifier import probability
from pipeline.filters.perplexity import Reference, bits_per_byte
from pipeline.quality import folder_digest, read_classifier, read_once, read_quality
from pipeline.text.hashing import hash_words
from pipeline.tokenizer.encode import Encoder
from pipeline.train_classifier import main as train
from tests.tiny import TOPICS, workspace


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return workspace(tmp_path_factory.mktemp("quality"))


def examples(path: Path, *, count: int = 200) -> Path:
    """Sentences about the kitchen (label 1) and about the harbour (label 0)."""
    generator = np.random.default_rng(0)
    rows = []
    for number in range(count):
        words = TOPICS["kitchen" if number % 2 else "harbour"]
        rows.append({"text": " ".join(generator.choice(words, 6)) + f" {number}", "label": number % 2, "kind": f"k{number % 2}"})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def scores(directory: Path, *texts: str) -> list[float]:
    array = pa.array(texts, pa.large_string())
    return probability(array, hash_words(array), read_classifier(directory)).to_pylist()


def test_an_empty_folder_has_nothing(tmp_path: Path) -> None:
    found = read_quality(tmp_path)
    assert (found.toxic_terms, found.toxicity, found.quality, found.ngram) == (None, None, None, None)
    with pytest.raises(MissingInputError, match="may be empty"):
        read_quality(tmp_path / "absent")


def test_a_term_list_is_read_and_a_useless_one_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "toxic_terms.txt"
    path.write_text("# mine\nfoo bar\n\n 傻逼 \n", encoding="utf-8-sig")
    assert read_quality(tmp_path).toxic_terms == {"foo bar", "傻逼"}
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        read_quality(tmp_path)
    path.write_text("# nothing\n")
    with pytest.raises(InputError, match="no term in it"):
        read_quality(tmp_path)


def test_a_classifier_is_trained_measured_loaded_and_refused_when_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "toxicity_classifier"
    train([str(examples(tmp_path / "e.jsonl")), str(out), "--json", str(tmp_path / "figures.json")])
    figures = json.loads((tmp_path / "figures.json").read_text())[0]
    assert figures["held_out_auroc"] > 0.95
    assert figures["train_examples"] + figures["held_out_examples"] == 200
    assert "held_out_auroc" in capsys.readouterr().out
    kitchen, harbour, nothing = scores(out, "bread in the oven with onion", "a boat at anchor with rope", "")
    assert kitchen > 0.7 > 0.3 > harbour
    assert 0 < nothing < 1
    first = (out / "model.safetensors").read_bytes()
    train([str(tmp_path / "e.jsonl"), str(out), "--label", "kind", "--positive", "k1"])
    assert (out / "model.safetensors").read_bytes() == first
    assert read_quality(tmp_path).toxicity is not None
    (out / "model.safetensors").write_bytes(first[:-4] + b"\0\0\0\1")
    with pytest.raises(ManifestError, match=r"model\.safetensors"):
        read_classifier(out)


def test_examples_that_teach_nothing_are_errors(tmp_path: Path) -> None:
    path = examples(tmp_path / "e.jsonl")
    with pytest.raises(TooFewExamplesError, match="name the label by --positive"):
        train([str(path), str(tmp_path / "out"), "--positive", "yes"])
    with pytest.raises(InputError, match=r"record 1: wants the fields \('body', 'label'\)"):
        train([str(path), str(tmp_path / "out"), "--text", "body"])
    with pytest.raises(MissingInputError):
        train([str(tmp_path / "absent"), str(tmp_path / "out")])
    with pytest.raises(UsageError, match="positive number"):
        train([str(path), str(tmp_path / "out"), "--c", "0"])
    path.write_text("{")
    with pytest.raises(InputError, match="one JSON object per line"):
        train([str(path), str(tmp_path / "out")])


def test_an_ngram_model_scores_as_it_does_itself(work: Path, tmp_path: Path) -> None:
    shutil.copytree(work / "pretrain" / "ngram", tmp_path / "ngram")
    found = read_quality(tmp_path).ngram
    assert found is not None
    model, tokenizer_json = found
    texts = pa.array(["The rain is given by a.", "", "zqx zqx 漢字", None], pa.large_string())
    encoder = Encoder(tokenizer_json, pa.chunked_array([texts.fill_null("")]))
    scored = bits_per_byte(texts, Reference(model, encoder.encode, encoder.end_id)).to_pylist()
    loaded, tokenizer = load_model(tmp_path / "ngram"), load_tokenizer(tmp_path / "ngram")
    for text, value in zip(texts.to_pylist(), scored, strict=True):
        if not text:
            assert value is None
            continue
        ids = np.array([[0, *tokenizer.encode(text).ids]])
        nats = loaded.loglikelihood(ids, np.array([ids.shape[1]])).sum()
        assert value == pytest.approx(-nats / np.log(2) / len(text.encode()))
    assert scored[0] < scored[2]


def test_the_wrong_kind_of_model_is_refused(work: Path, tmp_path: Path) -> None:
    shutil.copytree(work / "pretrain" / "gpt", tmp_path / "ngram")
    with pytest.raises(ManifestError, match="want heddle-ngram"):
        read_quality(tmp_path)


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    before = folder_digest(tmp_path)
    (tmp_path / "README.md").write_text("not read")
    assert folder_digest(tmp_path) == before
    assert read_once(tmp_path, before) is read_once(tmp_path, before)
    (tmp_path / "toxic_terms.txt").write_text("foo\n")
    assert folder_digest(tmp_path) != before
    read_once.cache_clear()
    with pytest.raises(InputError, match="changed while it was read"):
        read_once(tmp_path, before)
