"""The same rows of several tables, whatever the row groups of each are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from pipeline.errors import SchemaError
from pipeline.row_groups import RowGroup, read_group, row_groups

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive rows of one table: ``num_rows`` after the first ``skip`` of ``groups``."""

    groups: tuple[RowGroup, ...]
    skip: int
    num_rows: int

    def read(self, schema: pa.Schema) -> Iterator[pa.Table]:
        """The rows, a slice at a time. Raises SchemaError."""
        skip, left = self.skip, self.num_rows
        for table in (table for group in self.groups for table in read_group(group, schema)):
            rows = table.slice(skip, left)
            skip, left = max(0, skip - table.num_rows), left - rows.num_rows
            if rows.num_rows:
                yield rows


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows at the same place of each table."""

    spans: tuple[Span, ...]

    def fingerprint(self) -> str:
        """The hashes of their row groups, and where in them they lie."""
        spans = ((span.skip, span.num_rows, [group.sha256() for group in span.groups]) for span in self.spans)
        return "\n".join(f"{skip} {num_rows} {hashes}" for skip, num_rows, hashes in spans)


def aligned(paths: Sequence[Path]) -> list[Rows]:
    """For each row group of the first table the rows of all at its place. Raises SchemaError for tables of unequal length."""
    tables = [row_groups(path) for path in paths]
    ends = [[0, *accumulate(group.num_rows for group in groups)] for groups in tables]
    if len({end[-1] for end in ends}) > 1:
        rows = ", ".join(f"{path} has {end[-1]}" for path, end in zip(paths, ends, strict=True))
        raise SchemaError(f"tables of unequal length: {rows} rows; run the stage that writes the later one again (dvc repro)")
    parts = []
    for group, first in zip(tables[0], ends[0], strict=False):
        others = (_span(groups, end, first, group.num_rows) for groups, end in zip(tables[1:], ends[1:], strict=True))
        parts.append(Rows((Span((group,), 0, group.num_rows), *others)))
    return parts


def _span(groups: list[RowGroup], ends: list[int], first: int, num_rows: int) -> Span:
    """``num_rows`` rows from number ``first`` on; ``ends`` counts the rows before each group."""
    if not num_rows:
        return Span((), 0, 0)
    begin = bisect_right(ends, first) - 1
    stop = bisect_right(ends, first + num_rows - 1)
    return Span(tuple(groups[begin:stop]), first - ends[begin], num_rows)


def map_rows(part: Rows, *, function: Callable[..., T], schemas: tuple[pa.Schema, ...]) -> Iterator[T]:
    """Call ``function`` with a table of each source, slice by slice of the first. Raises SchemaError when their ids differ."""
    readers = [span.read(schema) for span, schema in zip(part.spans, schemas, strict=True)]
    rest = [schema.empty_table() for schema in schemas]
    for table in readers[0]:
        tables = [table]
        for number in range(1, len(readers)):
            while rest[number].num_rows < table.num_rows:
                rest[number] = pa.concat_tables([rest[number], next(readers[number])])
            tables.append(rest[number].slice(0, table.num_rows))
            rest[number] = rest[number].slice(table.num_rows)
            if "id" in schemas[number].names and tables[number]["id"] != table["id"]:
                names = [span.groups[0].file for span in (part.spans[number], part.spans[0])]
                raise SchemaError(f"{names[0]}: not the ids of {names[1]}; run the stage that writes it again (dvc repro)")
        yield function(*tables)
