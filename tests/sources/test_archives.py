"""Web archives, whole and damaged: what becomes of each record."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from pipeline.sources.archives import read
from pipeline.sources.rows import Counted, Document, Unreadable
from pipeline.sources.warc import GZIP

PROSE = "The heddle lifts every second thread so that the weft can pass below it in a single throw, page {}."
RUSSIAN = "Широкая электрификация южных губерний даст толчок хозяйству."
HEAD = "HTTP/1.1 {} OK\r\nContent-Type: {}\r\n\r\n"


def record(kind: str, number: int, block: bytes, content_type: str = "application/http; msgtype=response", **more: str) -> bytes:
    fields = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:{number}>",
        "WARC-Date": "2024-05-18T01:58:10Z",
        "WARC-Target-URI": f"https://www.example{number}.co.uk/page",
        "Content-Type": content_type,
        "Content-Length": str(len(block)),
        **more,
    }
    return (
        b"WARC/1.0\r\n" + "".join(f"{key}: {value}\r\n" for key, value in fields.items()).encode() + b"\r\n" + block + b"\r\n\r\n"
    )


def response(number: int, *, status: int = 200, content_type: str = "text/html", body: bytes | None = None, **more: str) -> bytes:
    page = f"<title>Page {number}</title><p>{PROSE.format(number)}</p>".encode() if body is None else body
    return record("response", number, HEAD.format(status, content_type).encode() + page, **more)


def found(path: Path, limit: int = 10**6) -> tuple[list[Document], list[Unreadable], Counter[str]]:
    rows = list(read(path, path.name, "files", main_text="resiliparse", limit=limit))
    counts = Counter(row.key for row in rows if isinstance(row, Counted))
    documents, losses = [row for row in rows if isinstance(row, Document)], [row for row in rows if isinstance(row, Unreadable)]
    assert len({row.locator for row in [*documents, *losses]}) == len(documents) + len(losses)
    return documents, losses, counts


PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".zst": zstandard.compress,
}


def write(path: Path, records: list[bytes], packing: str) -> list[int]:
    """Write the records, one member each; returns where each begins."""
    members = [PACK[packing](data) for data in records]
    path.write_bytes(b"".join(members))
    return [sum(map(len, members[:index])) for index in range(len(members))]


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
def test_every_response_is_a_document_or_a_loss(tmp_path: Path, packing: str) -> None:
    records = [
        record("warcinfo", 0, b"software: x\r\n", "application/warc-fields"),
        record("request", 1, b"GET / HTTP/1.1\r\n\r\n", "application/http; msgtype=request"),
        response(1),
        response(2, status=404),
        response(3, content_type="image/png", body=b"\x89PNG"),
        response(4, body=b"  "),
        response(5, body=b"<p>Home</p>", content_type="application/json"),
        response(6, **{"WARC-Truncated": "length"}),
        response(7, content_type="text/plain", body=b"plain text"),
        response(8, body=b"\x01\x02" * 300),
        response(9, body=f"<p>{RUSSIAN}".encode("cp1251"), content_type="text/html; charset=windows-1251"),
        record("resource", 10, f"<p>{PROSE}</p>".encode(), "text/html"),
        record("resource", 11, b"log", "text/plain", **{"WARC-Target-URI": "metadata://gnu.org/wget.log"}),
        record("conversion", 12, "Text as it is.\nétait".encode(), "text/plain"),
        record("response", 13, b"no head at all"),
        response(14, body=b"<p>" + b"word " * 3000),
    ]
    path = tmp_path / f"crawl.warc{packing}"
    offsets = write(path, records, packing)
    documents, losses, counts = found(path, limit=10_000)
    assert [(row.locator.split(":")[1], row.domain, row.text) for row in documents] == [
        ("3", "example1.co.uk", PROSE.format(1)),
        ("9", "example7.co.uk", "plain text"),
        ("11", "example9.co.uk", RUSSIAN),
        ("12", "example10.co.uk", PROSE),
        ("14", "example12.co.uk", "Text as it is.\nétait"),
    ]
    assert documents[0].meta == {
        "url": "https://www.example1.co.uk/page",
        "date": "2024-05-18T01:58:10Z",
        "record_id": "urn:uuid:1",
        "offset": offsets[2],
        "content_type": "text/html",
        "charset": "utf-8",
        "charset_from": "utf-8",
        "title": "Page 1",
    }
    assert (documents[2].meta["charset"], documents[2].meta["charset_from"]) == ("cp1251", "header")
    assert [(row.locator.split(":")[1], row.rule) for row in losses] == [
        ("4", "status"),
        ("5", "content_type"),
        ("6", "empty"),
        ("7", "content_type"),
        ("8", "truncated"),
        ("10", "undecodable"),
        ("15", "unreadable"),
        ("16", "too_large"),
    ]
    assert losses[0].details["url"] == "https://www.example2.co.uk/page"
    assert all(row.num_bytes > 0 for row in losses)
    assert counts == {
        "records/warcinfo": 1,
        "records/request": 1,
        "records/response": 11,
        "records/resource": 2,
        "records/conversion": 1,
    }


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
def test_after_damage_reading_goes_on(tmp_path: Path, packing: str) -> None:
    records = [response(number) for number in range(6)]
    path = tmp_path / f"crawl.warc{packing}"
    offsets = write(path, records, packing)
    data = bytearray(path.read_bytes())
    for place in range(offsets[2], offsets[2] + 40):
        data[place] ^= 0x5A
    path.write_bytes(bytes(data))
    documents, losses, counts = found(path)
    assert [row.meta["title"] for row in documents] == ["Page 0", "Page 1", "Page 3", "Page 4", "Page 5"]
    assert [row.rule for row in losses] == ["unreadable"]
    assert f"{losses[0].num_bytes} bytes passed over" in losses[0].error
    assert 0 < losses[0].num_bytes <= offsets[3]
    assert counts["records/damaged"] == 1


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
@pytest.mark.parametrize("cut", [30, 200, 280])
def test_a_cut_archive_says_so(tmp_path: Path, packing: str, cut: int) -> None:
    path = tmp_path / f"crawl.warc{packing}"
    offsets = write(path, [response(number) for number in range(3)], packing)
    path.write_bytes(path.read_bytes()[: offsets[2] + cut] if cut < 250 or not packing else path.read_bytes()[:-3])
    documents, losses, _ = found(path)
    assert len(documents) in {2, 3}  # cut in its check sum, the last page is whole
    assert losses
    assert {row.rule for row in losses} <= {"truncated", "unreadable"}


def test_one_member_for_all_and_junk_around(tmp_path: Path) -> None:
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(gzip.compress(b"".join(response(number) for number in range(3)), mtime=0))
    documents, losses, _ = found(path)
    assert (len(documents), losses) == (3, [])
    plain = tmp_path / "crawl.warc"
    plain.write_bytes(b"junk before\n" + response(1) + b"junk between" * 9 + response(2) + b"junk behind")
    documents, losses, _ = found(plain)
    assert [row.meta["title"] for row in documents] == ["Page 1", "Page 2"]
    assert len(losses) >= 2


NO_ARCHIVES = [
    b"",
    b"\x1f\x8b",
    b"PK\x03\x04",
    b"\0" * 5000,
    gzip.compress(b"no archive", mtime=0),
    GZIP * 50_000,
    b"WARC/1." * 50_000,
]


@pytest.mark.parametrize("data", NO_ARCHIVES)
def test_what_is_no_archive_is_a_loss(tmp_path: Path, data: bytes) -> None:
    for name in ("x.warc.gz", "x.warc", "x.arc.gz", "x.arc"):
        (tmp_path / name).write_bytes(data)
        documents, losses, _ = found(tmp_path / name)
        assert not documents
        assert losses


def arc_capture(number: int, body: bytes = b"", kind: str = "text/html") -> bytes:
    block = HEAD.format(200, kind).encode() + (body or f"<p>{PROSE.format(number)}</p>".encode())
    return f"http://example{number}.org/ 192.0.2.{number} 2014021605022{number} {kind} {len(block)}\n".encode() + block + b"\n"


@pytest.mark.parametrize("packing", ["", ".gz", "one.gz"])
def test_arc(tmp_path: Path, packing: str) -> None:
    about = b"1 0 Weavers\nURL IP-address Archive-date Content-type Archive-length\n\n"
    records = [f"filedesc://x.arc 0.0.0.0 20140216050221 text/plain {len(about)}\n".encode() + about]
    records += [arc_capture(1), arc_capture(2, b"{}", "application/json"), arc_capture(3)]
    path = tmp_path / f"x.arc{packing.removeprefix('one')}"
    write(path, [b"".join(records)] if packing == "one.gz" else records, packing.removeprefix("one"))
    documents, losses, counts = found(path)
    assert [(row.domain, row.text, row.meta["date"]) for row in documents] == [
        ("example1.org", PROSE.format(1), "2014-02-16T05:02:21Z"),
        ("example3.org", PROSE.format(3), "2014-02-16T05:02:23Z"),
    ]
    assert [(row.rule, row.details["url"]) for row in losses] == [("content_type", "http://example2.org/")]
    assert counts == {"records/filedesc": 1, "records/response": 3}


def test_a_damaged_arc_member_costs_itself(tmp_path: Path) -> None:
    path = tmp_path / "x.arc.gz"
    offsets = write(path, [arc_capture(1), arc_capture(2), arc_capture(3)], ".gz")
    data = bytearray(path.read_bytes())
    data[offsets[1] + 12 : offsets[1] + 60] = bytes(48)
    path.write_bytes(bytes(data))
    documents, losses, _ = found(path)
    assert [row.domain for row in documents] == ["example1.org", "example3.org"]
    assert losses[-1].num_bytes == offsets[2] - offsets[1]


# File: documents, rules of its losses, records.
REAL = {
    "dolma-sample-0000.warc.gz": (22, {}, 48),
    "resiliparse-warcfile.warc.gz": (16, {}, 50),
    "warcio-example-bad-non-chunked.warc.gz": (1, {}, 6),
    "warcio-example-digest.warc": (0, {}, 4),
    "warcio-example-iana.org-chunked.warc": (1, {}, 3),
    "warcio-example-trunc.warc": (0, {"truncated": 1, "unreadable": 1}, 5),
    "warcio-example-wrong-chunks.warc.gz": (1, {}, 2),
    "warcio-example.arc.gz": (1, {}, 2),
    "warcio-example.warc": (1, {}, 6),
    "warcio-example.warc.gz": (1, {}, 6),
    "warcio-post-test.warc.gz": (0, {"content_type": 3}, 6),
    "whirlwind.warc.gz": (1, {}, 4),
    "whirlwind.warc.wat.gz": (0, {}, 2),
    "whirlwind.warc.wet.gz": (1, {}, 2),
}


@pytest.mark.parametrize("name", REAL)
def test_real_archives(shared: Callable[[str], Path], name: str) -> None:
    documents, losses, counts = found(shared(f"data/web/warc/{name}"))
    expected, rules, records = REAL[name]
    assert len(documents) == expected
    assert Counter(row.rule for row in losses) == rules
    assert counts.total() == records
