"""What Arrow can and cannot do with a Parquet file."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow.parquet as pq

__all__ = ["dictionary_columns"]

_NOT_AS_DICTIONARY = frozenset({"DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"})


def dictionary_columns(metadata: pq.FileMetaData, names: Iterable[str]) -> list[str]:
    """Return those of some text columns that can be read as dictionaries.

    Arrow reads no dictionary from delta encodings, which DuckDB writes where a column has many values.
    """
    wanted = set(names)
    columns = {name: place for place, name in enumerate(metadata.schema.names) if name in wanted}
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    return [
        name
        for name, place in columns.items()
        if not any(_NOT_AS_DICTIONARY.intersection(group.column(place).encodings) for group in groups)
    ]
