"""Small DOCS tables on disk for the stages between filtering and tokenizing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from pipeline.schema import DOCS
from pipeline.tables import read_table, shard_name, write_table


def write_docs(
    path: Path, texts: Sequence[str], *, ids: Sequence[str] = (), domains: Sequence[str] = (), per_shard: int = 4
) -> Path:
    """DOCS of these texts, ids ``d0000`` and on unless given, ``per_shard`` to a shard."""
    columns = {
        "id": ids or [f"d{i:04d}" for i in range(len(texts))],
        "text": pa.array(texts, pa.large_string()),
        "source": ["test"] * len(texts),
        "locator": [str(i) for i in range(len(texts))],
        "domain": domains or ["test"] * len(texts),
        "lang": pa.nulls(len(texts), pa.string()),
        "meta": ["{}"] * len(texts),
    }
    table = pa.table(columns).cast(DOCS)
    for number, first in enumerate(range(0, max(len(texts), 1), per_shard)):
        write_table(table.slice(first, per_shard), path / shard_name(number))
    return path


def ids(path: Path) -> list[str]:
    """Ids of a DOCS table, in order."""
    return read_table(path, DOCS, ["id"])["id"].to_pylist()


def files(path: Path) -> dict[str, bytes]:
    """Name and bytes of each file below a folder."""
    return {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}
