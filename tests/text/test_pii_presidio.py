"""The second look by presidio: real, with patterns and with a spaCy model made here."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import MissingExtraError, ParamsError
from pipeline.text.pii_presidio import _engine, redact_more

TEXTS = pa.array(
    [
        "my driver's license number is F1628235",
        "Ada Lovelace wrote to 212-555-0187 and ada@x.org",
        "Ada Lovelace wrote",  # holds no candidate: presidio is not asked
    ],
    pa.large_string(),
)


def test_it_finds_what_the_patterns_do_not_know() -> None:
    texts, found = redact_more(TEXTS, ["US_DRIVER_LICENSE"], min_score=0.4, model=None)
    assert texts.to_pylist() == ["my driver's license number is <US_DRIVER_LICENSE>", *TEXTS.to_pylist()[1:]]
    assert found == {"US_DRIVER_LICENSE": 1}


def test_names_come_from_a_model_of_the_users(tmp_path: Path) -> None:
    import spacy

    model = spacy.blank("en")
    model.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Ada Lovelace"}])
    model.to_disk(tmp_path / "model")
    texts, found = redact_more(TEXTS, ["PERSON", "PHONE_NUMBER"], min_score=0.4, model=str(tmp_path / "model"))
    assert texts.to_pylist()[1:] == ["<PERSON> wrote to <PHONE_NUMBER> and ada@x.org", "Ada Lovelace wrote"]
    assert found == {"PERSON": 1, "PHONE_NUMBER": 1}


def test_of_finds_that_overlap_one_stays() -> None:
    texts, found = redact_more(
        pa.array(["see ada@x.org"], pa.large_string()), ["EMAIL_ADDRESS", "URL"], min_score=0.4, model=None
    )
    assert (texts.to_pylist(), found) == (["see <EMAIL_ADDRESS>"], {"EMAIL_ADDRESS": 1})


def test_nothing_found_gives_the_same_texts() -> None:
    assert redact_more(TEXTS, ["IBAN_CODE"], min_score=0.4, model=None)[0] is TEXTS


def test_an_unknown_entity_or_model_is_an_error() -> None:
    with pytest.raises(ParamsError, match=r"clean\.presidio\.entities = \['SHOE_SIZE'\]: presidio knows .*IBAN_CODE"):
        redact_more(TEXTS, ["SHOE_SIZE"], min_score=0.4, model=None)
    with pytest.raises(ParamsError, match=r"clean\.presidio\.model = 'no_such_model'"):
        redact_more(TEXTS, ["PERSON"], min_score=0.4, model="no_such_model")


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    _engine.cache_clear()
    with pytest.raises(MissingExtraError, match=r"pip install 'heddle\[presidio\]'"):
        redact_more(TEXTS, ["PERSON"], min_score=0.4, model=None)
