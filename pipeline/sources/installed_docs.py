"""The documentation of installed packages: real text on any machine, without a network.

One document per Python module: its docstring, then signature and docstring of each public class, method and function in source
order; and one per README (the package's metadata description), licence file and Markdown or reST file. Files are read and
parsed, never imported. The same lock file gives the same documents, so a package must be installed in the version it pins.
"""

from __future__ import annotations

import ast
import csv
import inspect
import multiprocessing
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from email import message_from_string
from importlib import metadata
from itertools import chain
from pathlib import Path, PurePosixPath

from pipeline import runtime
from pipeline.errors import InputError, MissingInputError
from pipeline.sources.rows import Document, Unreadable, row_id

SOURCE = "installed_docs"
TEXT_SUFFIXES = {".md", ".rst"}
LICENCE = re.compile(r"(licen[cs]e|copying|notice)", re.IGNORECASE)
LICENCE_SUFFIXES = {"", ".txt", ".md", ".rst"}
# Tests are no documentation; vendored code is another package's.
SKIPPED_FOLDERS = {"test", "tests", "testing", "_vendor", "vendor", "_vendored", "vendored", "extern", "externals", "__pycache__"}
FILES_PER_TASK = 64  # some 0.3 s of parsing: small enough to share between processes, large enough to be worth sending


def read(path: Path, lock: Path, *, packages: Sequence[str]) -> Iterator[Document | Unreadable]:  # noqa: ARG001  # one form for all sources
    """The documents of ``packages``, sorted by id, so that a shard holds a fair share of each package.

    Raises MissingInputError without ``lock``, InputError for a package that is not pinned, not installed, or installed in
    another version.
    """
    pins = read_pins(lock)
    tasks = [task for package in packages for task in _tasks(package, pins, lock)]
    processes = min(runtime.workers(), len(tasks))
    if processes <= 1:
        batches = map(_read_files, tasks)
        yield from sorted(chain.from_iterable(batches), key=_order)
        return
    # spawn: a fork would copy the locks of a library's threads; die_with_parent: no worker outlives a killed stage.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, initializer=runtime.die_with_parent) as pool:
        yield from sorted(chain.from_iterable(pool.map(_read_files, tasks)), key=_order)


def _order(row: Document | Unreadable) -> str:
    return row_id(row.source, row.locator)


def read_pins(lock: Path) -> dict[str, str]:
    """Normalised package name to pinned version. Raises MissingInputError without the file."""
    if not lock.is_file():
        raise MissingInputError(f"{lock}: no such lock file; it pins the packages whose documentation is read")
    pins = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;#]+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return {_normal(name): version for name, version in pins}


def _normal(name: str) -> str:
    """The name's normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


Task = tuple[str, str, Path, list[str]]  # package, version, folder, paths below it


def _tasks(package: str, pins: dict[str, str], lock: Path) -> Iterator[Task]:
    pinned = pins.get(_normal(package))
    if pinned is None:
        raise InputError(
            f"{lock}: does not pin {package!r}, which ingest.installed_docs.packages names; pin it or take it off the list"
        )
    try:
        distribution = metadata.distribution(package)
    except metadata.PackageNotFoundError as error:
        raise InputError(
            f"{lock} pins {package}=={pinned}, but it is not installed; install the lock file (make setup)"
        ) from error
    # A local label such as +cpu names a build of the same version (PEP 440).
    if distribution.version.partition("+")[0] != pinned.partition("+")[0]:
        raise InputError(
            f"{lock} pins {package}=={pinned}, but {distribution.version} is installed; install the lock file (make setup)"
        )
    # Not ``distribution.files``: from Python 3.12 on it leaves out what is listed but missing, which is a loss to be counted.
    record = csv.reader((distribution.read_text("RECORD") or "").splitlines())
    paths = sorted(row[0] for row in record if _kind(PurePosixPath(row[0])))
    folder = Path(str(distribution.locate_file("")))
    for first in range(0, len(paths), FILES_PER_TASK):
        yield package, pinned, folder, paths[first : first + FILES_PER_TASK]


def _kind(path: PurePosixPath) -> str | None:
    """``module``, ``readme``, ``licence``, ``text``, or None for a file that is no documentation."""
    if path.is_absolute() or path.parts[0] == ".." or SKIPPED_FOLDERS & set(path.parts):
        return None
    if path.suffix == ".py":
        return "module"
    if path.name == "METADATA" and path.parent.suffix == ".dist-info":
        return "readme"
    if LICENCE.match(path.name) and path.suffix.lower() in LICENCE_SUFFIXES:
        return "licence"
    return "text" if path.suffix.lower() in TEXT_SUFFIXES else None


def _read_files(task: Task) -> list[Document | Unreadable]:
    package, version, folder, paths = task
    rows: list[Document | Unreadable] = []
    for locator in paths:
        kind = str(_kind(PurePosixPath(locator)))
        data = b""
        try:
            data = (folder / locator).read_bytes()
            text = _text(kind, locator, data)
        except (OSError, SyntaxError, ValueError, RecursionError) as error:
            # strerror and the class name: the message of an OSError would hold a path of this machine
            reason = getattr(error, "strerror", None) or getattr(error, "msg", None) or str(error)
            rows.append(Unreadable(SOURCE, locator, f"{type(error).__name__}: {reason}", len(data)))
            continue
        if text is not None:
            rows.append(Document(text, SOURCE, locator, package, meta={"kind": kind, "version": version}))
    return rows


def _text(kind: str, locator: str, data: bytes) -> str | None:
    if kind == "module":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # another's invalid escape is no news here
            return module_text(module_name(locator), ast.parse(data))
    text = data.decode("utf-8")
    if kind == "readme":  # the form of an e-mail: headers, an empty line, the description (core metadata 2.1)
        return str(message_from_string(text).get_payload()).strip() or None
    return text


def module_name(locator: str) -> str:
    """The importable name.

    >>> module_name("numpy/linalg/__init__.py")
    'numpy.linalg'
    """
    parts = PurePosixPath(locator).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def module_text(name: str, tree: ast.Module) -> str | None:
    """The module's document, None when nothing in it has a docstring."""
    head = ast.get_docstring(tree)
    blocks = [f"module {name}", *([head] if head and head.strip() else []), *_definitions(tree.body, name)]
    return "\n\n".join(blocks) + "\n" if len(blocks) > 1 else None


def _definitions(body: Iterable[ast.stmt], prefix: str) -> Iterator[str]:
    """A block for each public class, method and function with a docstring, in source order: signature, empty line, docstring."""
    for node in body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        name = f"{prefix}.{node.name}"
        document = ast.get_docstring(node, clean=False)
        if document and document.strip():
            lines = inspect.cleandoc(document).split("\n")
            yield "\n".join([_signature(node, name), "", *(f"    {line}" if line.strip() else "" for line in lines)])
        if isinstance(node, ast.ClassDef):
            yield from _definitions(node.body, name)


def _signature(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> str:
    """``class a.B(Base)`` or ``def a.f(x, y=1)`` on one line, whatever the source does."""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join([ast.unparse(base) for base in node.bases] + [ast.unparse(keyword) for keyword in node.keywords])
        return f"class {name}({bases})" if bases else f"class {name}"
    return f"def {name}({ast.unparse(node.args)})"
