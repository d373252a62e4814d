"""Encodings: how many files are decoded rightly, ours beside peers, and at what speed.

python benchmarks/encodings.py FILE.tar.gz [--json FILE] [--peers chardet charset_normalizer uchardet]

The archive holds files in folders that are named after their encoding (a suffix names the language). A decision is right when the
text that it decodes to is the text of the gold encoding, or of the larger charset that the web means by its name (GB18030 for
GB2312), so that another name for the same text is no mistake; byte order marks and line ends aside. ``declared``: the files as
they are, whose own declarations ours and charset-normalizer read; ``bytes``: with every "charset" and "encoding" overwritten.
"""

from __future__ import annotations

import base64
import codecs
import re
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import measure
from environments import ask_peers

PEERS = ("chardet", "charset_normalizer", "uchardet")
DECLARED = re.compile(rb"(?:charset|encoding)(?=\s*=)", re.IGNORECASE)


def load(archive: Path) -> list[tuple[str, str, bytes]]:
    """Name, gold encoding and content of each file."""
    with tarfile.open(archive) as tar:
        files = [(member.name, stream.read()) for member in tar if member.isfile() and (stream := tar.extractfile(member))]
    return [(name, Path(name).parent.name, data) for name, data in files]


def gold_codec(folder: str) -> str | None:
    """Python's codec for a folder's name, None where it has none (EUC-TW)."""
    parts = folder.lower().split("-")
    for end in range(len(parts), 0, -1):
        try:
            return codecs.lookup("-".join(parts[:end])).name
        except LookupError:
            continue
    return None


def texts(data: bytes, encoding: str | None) -> set[str]:
    """What ``data`` decodes to by an encoding and by the larger one of the web; nothing without an encoding."""
    from pipeline.text.encoding import SUPERSETS

    if encoding is None:
        return set()
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        return set()
    return {plain(data.decode(charset, "replace")) for charset in (name, SUPERSETS.get(name, name))}


def plain(text: str) -> str:
    """Without marks, with one kind of line end."""
    return text.replace("\ufeff", "").replace("\r\n", "\n")


def decoded(data: bytes) -> str | None:
    """Our text, None when we say that it is none."""
    from pipeline.text.encoding import decode

    try:
        return decode(data).text
    except UnicodeError:
        return None


def rows_of(files: Sequence[tuple[str, str, bytes]], view: str, peers: Sequence[str]) -> Iterator[measure.Row]:
    """Ours, then the peers."""
    contents = [data if view == "declared" else DECLARED.sub(b"overwrite", data) for _, _, data in files]
    golds = [texts(data, gold_codec(folder)) for (_, folder, _), data in zip(files, contents, strict=True)]
    size = sum(map(len, contents))

    def row(detector: str, right: Sequence[bool], cost: measure.Cost) -> measure.Row:
        wrong = [name for (name, _, _), is_right in zip(files, right, strict=True) if not is_right]
        share = sum(right) / len(files)
        about = {"view": view, "detector": detector, "files": len(files), "right": sum(right), "accuracy": share}
        return {**about, "mb_s": cost.mb_s(size), "wrong": wrong}

    ours, cost = measure.best(lambda: [decoded(data) for data in contents])
    yield row("ours", [text is not None and plain(text) in gold for text, gold in zip(ours, golds, strict=True)], cost)
    for peer, done in ask_peers("web", "run_web.py", peers, [base64.b64encode(data).decode("ascii") for data in contents]):
        found = [texts(data, name) for data, name in zip(contents, done.facts["answers"], strict=True)]
        yield row(peer, [bool(text & gold) for text, gold in zip(found, golds, strict=True)], done.clocked)


def main() -> None:
    """Print and write the rows."""
    parser = measure.parser(__doc__)
    parser.add_argument("archive", type=Path, metavar="FILE.tar.gz")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    arguments = parser.parse_args()
    measure.pin()
    files = load(arguments.archive)
    rows = [row for view in ("declared", "bytes") for row in rows_of(files, view, arguments.peers)]
    measure.show("Encodings", rows, ["view", "detector", "files", "right", "accuracy", "mb_s"])
    for row in rows:
        if row["detector"] == "ours":
            print(f"ours, {row['view']}, not right: {', '.join(row['wrong'])}")
    measure.write_json(rows, arguments.json)


if __name__ == "__main__":
    main()
