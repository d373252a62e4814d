"""What is redacted, and above all what is not."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.text.pii import PATTERNS, passes_luhn, redact

ALL = tuple(PATTERNS)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("mail Jo.Doe+x@Mail.Example.COM.", "mail <EMAIL>."),
        ("<jo@uni-bonn.de>, mailto:al@x.org", "<<EMAIL>>, mailto:<EMAIL>"),
        ("from 203.0.114.7:80 and 8.8.8.200", "from <IP>:80 and <IP>"),
        ("the host 9.8.7.6", "the host <IP>"),
        ("see 2a00:1450:4001:81b::200e now", "see <IP> now"),
        ("6e40:4041:c617:e898:c11:40d2:c669:2eb4", "<IP>"),
        ("call +44 20 7946 0958 or +1-984-182-0190", "call <PHONE> or <PHONE>"),
        ("(212) 555-0187, 212-555-0187 x45, 1-212-555-0187", "<PHONE>, <PHONE>, <PHONE>"),
        ("0490 75 40 81, 07700 063 966, 03.93.92.16.85", "<PHONE>, <PHONE>, <PHONE>"),
        ("my phone is 467 3395", "my phone is <PHONE>"),
        ("Tel.: 0228 / 73-1234", "Tel.: <PHONE>"),
        ("card 4111 1111 1111 1111, 378282246310005", "card <CARD>, <CARD>"),
        ("5555-5555-5555-4444", "<CARD>"),
        ("key AKIAIOSFODNN7EXAMPLE", "key <KEY>"),
        ("ghp_" + "a1B2" * 9, "<KEY>"),
        ("hf_" + "aB" * 17, "<KEY>"),
        ("sk-proj-abc123DEF456ghi789JKL", "<KEY>"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0x.c2lnbmF0dXJl", "<KEY>"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\nrest", "<KEY>\nrest"),
    ],
)
def test_personal_data_becomes_a_placeholder(before: str, after: str) -> None:
    assert redact(before, ALL)[0] == after


@pytest.mark.parametrize(
    "text",
    [
        "version 2.10.3.4, v1.2.3.200, pkg==1.2.3.150, release 10.0.190.1",
        "sections 1.2.3.4 and 1.2.3.200.5",
        "127.0.0.1, 192.168.1.100, 10.0.0.255, 0.0.0.0, 255.255.255.255, 999.1.1.200",
        "ISBN 978-0-306-40615-7, ISBN 9780306406157, ISBN 0-8044-2957-X",
        "a[::2], x[1::2], ::1, std::vector<int>, 12:34:56, fe80::1, 00:1b:44:11:3a:b7",
        "@property\n@functools.cache\ndef f(): ...",
        "a @ b.T, a@b.T, x@self.weight, q@k.mT, x@w.to(device), y@m.at[0]",
        "git@github.com:owner/name.git, postgresql://scott:tiger@db.host.com/test",
        "d41d8cd98f00b204e9800998ecf8427e 9f86d081884c7d659a2feaa0c55ad015",
        "4111 1111 1111 1112",  # a wrong check digit
        "0.4111111111111111, 4111111111111111.5, -4111111111111111",
        "18446744073709551615 2147483647 9223372036854775807 1234567890",
        "2021-03-04 05:06:07, 01-02-2003, 1999-2004, 10 20 30 40 50 60",
        "[[0 1 2] [100 200 300]] 0.10 0.20 0.30 100-200-3000 shape (1000, 2000)",
        "sk-learn-contrib-estimators-of-many-kinds, hf_dataset, task_key-name",
        "IPv4Address('192.0.2.1')",
    ],
)
def test_what_only_looks_like_personal_data_stays(text: str) -> None:
    assert redact(text, ALL) == (text, {})


def test_finds_are_counted_by_kind_and_only_the_kinds_asked_for() -> None:
    text = "a@x.org b@x.org 212-555-0187"
    assert redact(text, ALL) == ("<EMAIL> <EMAIL> <PHONE>", {"email": 2, "phone": 1})
    assert redact(text, ["phone"]) == ("a@x.org b@x.org <PHONE>", {"phone": 1})


def test_luhn() -> None:
    assert passes_luhn("79927398713")  # the worked example of the standard's literature
    assert not any(passes_luhn(f"7992739871{digit}") for digit in "012456789")


@pytest.mark.parametrize(
    "unit", ["a", "1", "1 ", "1.", "a@", "a.", ":", "1:", "+1", "(1", "-----BEGIN PRIVATE KEY-----", "sk-", "eyJ"]
)
def test_no_text_takes_long(unit: str) -> None:
    start = time.perf_counter()
    redact(unit * (100_000 // len(unit)), ALL)
    assert time.perf_counter() - start < 5


def test_recall_and_precision_on_synthetic_sentences(shared: Callable[[str], Path]) -> None:
    names = {"phone": "PHONE_NUMBER", "card": "CREDIT_CARD", "ip": "IP_ADDRESS", "email": "EMAIL_ADDRESS"}
    with gzip.open(shared("data/noisy/pii/presidio-synth-v2.json.gz")) as file:
        cases = json.load(file)
    recall = {}
    for kind, name in names.items():
        total = hits = 0
        for case in cases:
            spans = [s for s in case["spans"] if s["entity_type"] == name]
            values = [s["entity_value"] for s in spans]
            text, found = redact(case["full_text"], [kind])  # type: ignore[list-item]
            total += len(values)
            hits += sum(value not in text for value in values)
            assert found.get(kind, 0) <= len(values), case["full_text"]  # type: ignore[call-overload]
        recall[kind] = hits / total
    assert recall["email"] == recall["ip"] == 1
    assert recall["card"] >= 0.99
    assert recall["phone"] >= 0.7  # bare national numbers cannot be told from other numbers
