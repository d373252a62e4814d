"""Documentation of an installed package: what becomes a document, in which form, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.errors import InputError, MissingInputError
from pipeline.sources import installed_docs
from pipeline.sources.installed_docs import module_name, read
from pipeline.sources.rows import Document, Unreadable, row_id

MODULE = '''"""A toy.

Second paragraph.
"""

class Base(dict, metaclass=type):
    """The base.

    Code:
        indented more
    """

    def method(self, x: int = 1, *rest, key="a\\nb", **options) -> None:
        """Do it."""

    def _hidden(self):
        """Not shown."""

    def silent(self):
        pass

    class Inner:
        """Inside."""

def _private():
    """Not shown."""

async def fetch(a, /, b=(1, 2)):
    """Fetch."""
'''
TEXT = """module toy

A toy.

Second paragraph.

class toy.Base(dict, metaclass=type)

    The base.

    Code:
        indented more

def toy.Base.method(self, x: int=1, *rest, key='a\\nb', **options)

    Do it.

class toy.Base.Inner

    Inside.

def toy.fetch(a, /, b=(1, 2))

    Fetch.
"""
FILES: dict[str, bytes] = {
    "toy/__init__.py": MODULE.encode(),
    "toy/_functions.py": b'def f(x):\n    """Only a function."""\n',
    "toy/bare.py": b"x = 1\n",
    "toy/tests/test_toy.py": b'"""A test."""\n',
    "toy/_vendor/other.py": b'"""Vendored."""\n',
    "toy/broken.py": b"def (:\n",
    "toy/latin.md": "Größe".encode("latin-1"),
    "toy/guide.rst": b"Guide\n=====\n",
    "toy/data.bin": b"\0",
    "toy-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n\n# Toy\n\nRead me.\n",
    "toy-1.0.dist-info/licenses/LICENSE.txt": b"Do as you like.\n",
}


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock file that pins the package ``toy``, which is installed in a folder on the path."""
    site = tmp_path / "site"
    record = "".join(f"{name},,\n" for name in [*FILES, "toy/gone.py", "../bin/toy", "toy-1.0.dist-info/RECORD"])
    for name, data in [*FILES.items(), ("toy-1.0.dist-info/RECORD", record.encode())]:
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(data)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("HEDDLE_WORKERS", "1")
    path = tmp_path / "requirements.lock"
    path.write_text("other==2.0\nToy==1.0\n")
    return path


def documents(lock: Path) -> dict[str, Document]:
    return {row.locator: row for row in read(Path(), lock, packages=["toy"]) if isinstance(row, Document)}


def test_a_module_becomes_signatures_and_docstrings_in_source_order(lock: Path) -> None:
    assert documents(lock)["toy/__init__.py"].text == TEXT


def test_each_kind_of_documentation_is_found_and_nothing_else(lock: Path) -> None:
    kinds = {locator: row.meta["kind"] for locator, row in documents(lock).items()}
    assert kinds == {
        "toy/__init__.py": "module",
        "toy/_functions.py": "module",
        "toy/guide.rst": "text",
        "toy-1.0.dist-info/METADATA": "readme",
        "toy-1.0.dist-info/licenses/LICENSE.txt": "licence",
    }
    row = documents(lock)["toy-1.0.dist-info/METADATA"]
    assert row.text == "# Toy\n\nRead me."
    assert (row.domain, row.source, row.meta["version"]) == ("toy", "installed_docs", "1.0")
    assert row.row()["id"] == row_id("installed_docs", "toy-1.0.dist-info/METADATA")


def test_a_module_without_a_docstring_of_its_own_still_shows_its_functions(lock: Path) -> None:
    assert (
        documents(lock)["toy/_functions.py"].text == "module toy._functions\n\ndef toy._functions.f(x)\n\n    Only a function.\n"
    )


def test_what_cannot_be_parsed_decoded_or_found_is_accounted_for(lock: Path, tmp_path: Path) -> None:
    lost = {row.locator: row for row in read(Path(), lock, packages=["toy"]) if isinstance(row, Unreadable)}
    assert {name: row.error.partition(":")[0] for name, row in lost.items()} == {
        "toy/broken.py": "SyntaxError",
        "toy/latin.md": "UnicodeDecodeError",
        "toy/gone.py": "FileNotFoundError",
    }
    assert lost["toy/latin.md"].num_bytes == len("Größe".encode("latin-1"))
    assert all(str(tmp_path) not in row.meta() for row in lost.values())  # the account is hashed, so it names no machine
    assert json.loads(lost["toy/broken.py"].meta())["locator"] == "toy/broken.py"


def test_the_number_of_workers_changes_nothing(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = list(read(Path(), lock, packages=["toy"]))
    monkeypatch.setattr(installed_docs, "FILES_PER_TASK", 2)
    monkeypatch.setenv("HEDDLE_WORKERS", "2")
    assert list(read(Path(), lock, packages=["toy"])) == one


@pytest.mark.parametrize(
    ("pins", "message"),
    [("other==2.0\n", "does not pin 'toy'"), ("toy==1.1\n", r"pins toy==1\.1, but 1\.0 is installed")],
)
def test_a_package_must_be_installed_as_pinned(lock: Path, pins: str, message: str) -> None:
    lock.write_text(pins)
    with pytest.raises(InputError, match=message):
        list(read(Path(), lock, packages=["toy"]))


def test_a_pinned_package_that_is_not_installed_is_an_error(lock: Path) -> None:
    lock.write_text("no-such-toy==1.0\n")
    with pytest.raises(InputError, match="not installed"):
        list(read(Path(), lock, packages=["no-such-toy"]))


def test_a_local_build_label_is_the_same_version(lock: Path) -> None:
    lock.write_text("toy==1.0+cpu\n")
    assert documents(lock)


def test_a_missing_lock_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"requirements\.lock"):
        list(read(Path(), tmp_path / "requirements.lock", packages=["toy"]))


def test_module_names() -> None:
    assert [module_name(p) for p in ("a/b/__init__.py", "a/b.py", "six.py", "__init__.py")] == ["a.b", "a.b", "six", "__init__"]
