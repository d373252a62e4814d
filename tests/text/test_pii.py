"""What is redacted, and above all what is not; and the scan misses no place at which a pattern matches."""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from collections.abc import Callable, Collection
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban, luhn
from stdnum.cn import ric

from pipeline.text.pii import KINDS, find_at, redact
from pipeline.text.pii_classes import BITS
from pipeline.text.pii_patterns import Kind


def redacted(text: str, kinds: Collection[Kind] = KINDS) -> str:
    """One text, between two others that must not matter."""
    (before, after, behind) = redact(pa.array(["1", text, "2"], pa.large_string()), kinds)[0].to_pylist()
    assert (before, behind) == ("1", "2")
    return after


def slow(text: str, kinds: Collection[Kind] = KINDS) -> str:
    """The twin: every pattern at every byte, no scan, no buffers."""
    data = text.encode()
    bits = sum(BITS[kind] for kind in kinds)
    parts, at = [], 0
    for start, end, kind in find_at(data, ((place, bits) for place in range(len(data)))):
        parts += [data[at:start], f"<{kind.upper()}>".encode()]
        at = end
    return b"".join([*parts, data[at:]]).decode()


FINDS = [
    ("mail Jo.Doe+x@Mail.Example.COM.", "mail <EMAIL>."),
    ("<jo@uni-bonn.de>, mailto:al@x.org", "<<EMAIL>>, mailto:<EMAIL>"),
    ("邮箱zhang@qq.com或müller@bücher.de", "邮箱<EMAIL>或<EMAIL>"),
    ("from 203.0.114.7:80 and 8.8.8.200", "from <IP>:80 and <IP>"),
    ("the host 9.8.7.6", "the host <IP>"),
    ("see 2a00:1450:4001:81b::200e now", "see <IP> now"),
    ("6e40:4041:c617:e898:c11:40d2:c669:2eb4", "<IP>"),
    ("call +44 20 7946 0958 or +1-984-182-0190", "call <PHONE> or <PHONE>"),
    ("(+49 (0)228 731234), +86 138 1234 5678, 001-518-640-0854", "(<PHONE>), <PHONE>, <PHONE>"),
    ("(212) 555-0187, 212-555-0187 x45, 1-212-555-0187", "<PHONE>, <PHONE>, <PHONE>"),
    ("0490 75 40 81, 07700 063 966, 03.93.92.16.85", "<PHONE>, <PHONE>, <PHONE>"),
    ("079 2718 1155, 082 490 1693", "<PHONE>, <PHONE>"),
    ("my phone is 467 3395, Desk: 5403926876", "my phone is <PHONE>, Desk: <PHONE>"),
    ("34796\n(37) 788-063-Office, 416 60 039 fax", "34796\n<PHONE>-Office, <PHONE> fax"),
    ("Tel.: 0228 / 73-1234", "Tel.: <PHONE>"),
    ("手机13812345678，电话：010-62345678", "手机<PHONE>，电话：<PHONE>"),
    ("他的号码是138 1234 5678。", "他的号码是<PHONE>。"),
    ("card 4111 1111 1111 1111, 378282246310005", "card <CARD>, <CARD>"),
    ("5555-5555-5555-4444", "<CARD>"),
    ("IBAN DE89 3704 0044 0532 0130 00, gb82west12345698765432", "IBAN <IBAN>, <IBAN>"),
    ("ssn 536-90-4399, social security number 536904399", "ssn <SSN>, social security number <SSN>"),
    ("Passport No.: E12345678, passport 12AB34567", "Passport No.: <PASSPORT>, passport <PASSPORT>"),
    ("护照号码：G12345678，身份证11010519491231002X。", "护照号码：<PASSPORT>，身份证<RESIDENT_ID>。"),
    ("key AKIAIOSFODNN7EXAMPLE", "key <KEY>"),
    ("ghp_" + "a1B2" * 9, "<KEY>"),
    ("hf_" + "aB" * 17, "<KEY>"),
    ("sk-proj-abc123DEF456ghi789JKL", "<KEY>"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0x.c2lnbmF0dXJl", "<KEY>"),
    ("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIB\n-----END RSA PRIVATE KEY-----\nrest", "<KEY>\nrest"),
]
NO_FINDS = [
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
    "4000 4111 1111 1111 1111 4000",  # a row of a table
    "18446744073709551615 2147483647 9223372036854775807 1234567890 17179869184",
    "010 020 030 040, 016 032 064 128, 002 724 334, 1000000 files, 4160039-fold",
    "%@gmail.com, _@example.org",
    "2021-03-04 05:06:07, 01-02-2003, 1999-2004, 10 20 30 40 50 60, 20211231235959, 1700000000000",
    "[[0 1 2] [100 200 300]] 0.10 0.20 0.30 100-200-3000 shape (1000, 2000)",
    "+3.14159265359 +1.4142135623 +1.00000000e+00 +999 123 456 789",  # 999 is no calling code
    "GB82 WEST 1234 5698 7654 33, DE89370400440532013, XX89370400440532013000",  # check digits, length, no such country
    "110105194912310021, 11010519491331002X",  # check digit, month
    "000-12-3456, 666-12-3456, 900-12-3456, 123-00-4567, 536904399",
    "passport for 2 people, E12345678, the passports of 1999",
    "sk-learn-contrib-estimators-of-many-kinds, hf_dataset, task_key-name",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "IPv4Address('192.0.2.1')",
]


@pytest.mark.parametrize(("before", "after"), FINDS)
def test_personal_data_becomes_a_placeholder(before: str, after: str) -> None:
    assert redacted(before) == slow(before) == after


@pytest.mark.parametrize("text", NO_FINDS)
def test_what_only_looks_like_personal_data_stays(text: str) -> None:
    assert redacted(text) == slow(text) == text


def with_check_digit(digits: str) -> str:
    return digits + luhn.calc_check_digit(digits)


RESIDENTS = st.builds(
    lambda place, day, order: f"{place}{day:%Y%m%d}{order:03d}",
    st.sampled_from(["110105", "310104", "440305"]),
    st.dates(date(1980, 1, 1), date(2020, 1, 1)),
    st.integers(0, 999),
).map(lambda digits: digits + ric.calc_check_digit(digits + "0"))
CARDS = st.one_of(
    st.from_regex(r"4[0-9]{14}", fullmatch=True),
    st.from_regex(r"5[1-5][0-9]{13}", fullmatch=True),
    st.from_regex(r"3[47][0-9]{12}", fullmatch=True),
).map(with_check_digit)
ACCOUNTS = st.from_regex(r"(DE|AT|NL)", fullmatch=True).flatmap(
    lambda country: st.from_regex(
        {"DE": r"[0-9]{18}", "AT": r"[0-9]{16}", "NL": r"[A-Z]{4}[0-9]{10}"}[country], fullmatch=True
    ).map(lambda rest: country + iban.calc_check_digits(f"{country}00{rest}") + rest)
)


NUMBERS: dict[Kind, st.SearchStrategy[str]] = {"resident_id": RESIDENTS, "card": CARDS, "iban": ACCOUNTS}


@given(
    st.sampled_from(["{}", "nr. {}.", "号码是{}，", '"{}"', "({})\n", "x {} y"]),
    st.one_of(*(values.map(lambda value, kind=kind: (kind, value)) for kind, values in NUMBERS.items())),
    st.integers(1, 9),
)
def test_every_number_with_right_check_digits_is_found_and_none_with_wrong_ones(
    sentence: str, number: tuple[Kind, str], shift: int
) -> None:
    kind, value = number
    assert redacted(sentence.format(value), [kind]) == sentence.format(f"<{kind.upper()}>")
    wrong = value[:-1] + str((int(value[-1].replace("X", "0")) + shift) % 10)
    assert redacted(sentence.format(wrong), [kind]) == sentence.format(wrong)


PIECES = [
    *"0123456789",
    *" .-+()/@:x_",
    *"abAZKJ",
    "é",
    "中",
    "\n",
    "-----BEGIN RSA PRIVATE KEY-----",
    "passport ",
    "tel ",
    "ssn ",
    "手机",
]
TEXTS = st.text() | st.lists(st.sampled_from([*PIECES, *(part for case in FINDS for part in case[0].split())]), max_size=25).map(
    "".join
)


@given(TEXTS, st.lists(st.sampled_from(KINDS), unique=True) | st.just(list(KINDS)))
def test_the_scan_finds_all_that_the_patterns_match(text: str, kinds: list[Kind]) -> None:
    assert redacted(text, kinds) == slow(text, kinds)


@given(st.lists(TEXTS, max_size=4), st.integers(0, 2))
def test_neighbours_and_slices_do_not_matter(texts: list[str], skip: int) -> None:
    whole = pa.array(texts, pa.large_string())
    assert redact(whole[skip:], KINDS)[0].to_pylist() == [slow(text) for text in texts[skip:]]
    assert redact(pa.chunked_array([whole, whole[skip:]]), KINDS)[0].to_pylist() == [slow(t) for t in [*texts, *texts[skip:]]]


def test_finds_are_counted_by_kind_and_only_the_kinds_asked_for() -> None:
    texts = pa.array(["a@x.org b@x.org", None, "212-555-0187"], pa.large_string()).fill_null("")
    assert redact(texts, ["email", "phone"])[1] == Counter({"email": 2, "phone": 1})
    assert redact(texts, ["phone"])[0].to_pylist() == ["a@x.org b@x.org", "", "<PHONE>"]
    assert redact(texts, ["card"])[0] is texts


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "1",
        "1 ",
        "1.",
        "1.1.",
        "a@",
        "@",
        "a.",
        ":",
        "1:",
        "a::",
        "+1",
        "(1",
        "-----BEGIN PRIVATE KEY-----a",
        "sk-",
        "eyJ",
        "_",
        "é@a.",
    ],
)
def test_time_grows_with_the_text_and_no_faster(unit: str) -> None:
    """Ten megabytes of it take seconds at most; were it quadratic, one megabyte would take hours."""
    start = time.process_time()
    redacted(unit * (1_000_000 // len(unit)))
    assert time.process_time() - start < 10


def test_real_text_is_redacted_as_by_the_patterns_alone(shared: Callable[[str], Path]) -> None:
    with gzip.open(shared("data/finetune/spam/spamassassin-emails.jsonl.gz")) as file:
        texts = [json.loads(line)["text"][:3000] for line in list(file)[::20]]
    assert redact(pa.array(texts, pa.large_string()), KINDS)[0].to_pylist() == [slow(text) for text in texts]


def test_recall_and_precision_on_synthetic_sentences(shared: Callable[[str], Path]) -> None:
    names: dict[Kind, str] = {
        "phone": "PHONE_NUMBER",
        "card": "CREDIT_CARD",
        "ip": "IP_ADDRESS",
        "email": "EMAIL_ADDRESS",
        "iban": "IBAN_CODE",
        "ssn": "US_SSN",
    }
    with gzip.open(shared("data/noisy/pii/presidio-synth-v2.json.gz")) as file:
        cases = json.load(file)
    recall = {}
    for kind, name in names.items():
        texts = pa.array([case["full_text"] for case in cases], pa.large_string())
        cleaned = redact(texts, [kind])[0].to_pylist()
        values = [[s["entity_value"] for s in case["spans"] if s["entity_type"] == name] for case in cases]
        hits = sum(value not in text for text, row in zip(cleaned, values, strict=True) for value in row)
        recall[kind] = hits / sum(map(len, values))
        finds = [text.count(f"<{kind.upper()}>") for text in cleaned]
        assert all(number <= len(row) for number, row in zip(finds, values, strict=True)), kind
    assert recall["email"] == recall["ip"] == recall["iban"] == recall["ssn"] == 1
    assert recall["card"] >= 0.99
    assert recall["phone"] >= 0.9  # bare national numbers cannot be told from other numbers
