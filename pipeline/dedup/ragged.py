"""Many rows for each document, as a table of one row per document: it is divided and read as the table of documents is.

Flat, a table has a row for each thing and says in the column ``document`` whose it is; nested, every other column is a list.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def nested(schema: pa.Schema) -> pa.Schema:
    """The nested form of a flat schema."""
    return pa.schema([pa.field(f.name, pa.large_list(f.type), nullable=False) for f in schema if f.name != "document"])


def nest(flat: pa.Table, size: int) -> pa.Table:
    """One row for each of ``size`` documents; the order among the rows of a document is kept."""
    document = flat["document"].to_numpy()
    order = np.argsort(document, kind="stable")
    offsets = pa.array(np.searchsorted(document[order], np.arange(size + 1)), pa.int64())
    flat = flat.take(pa.array(order)).combine_chunks()
    schema = nested(flat.schema)
    columns = []
    for name in schema.names:
        values = flat[name].chunk(0) if flat[name].num_chunks else pa.array([], flat[name].type)
        columns.append(pa.LargeListArray.from_arrays(offsets, values, type=schema.field(name).type))
    return pa.table(columns, schema=schema)


def flatten(table: pa.Table) -> pa.Table:
    """The flat form, rows in the order of their documents."""
    lengths = pc.list_value_length(table.column(0)).to_numpy()
    document = np.repeat(np.arange(table.num_rows), lengths)
    return pa.table([pa.array(document), *map(pc.list_flatten, table.columns)], names=["document", *table.column_names])
