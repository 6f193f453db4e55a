"""Reading parts of Parquet files: what Arrow can and cannot do with them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

__all__ = ["as_text", "dictionary_columns", "rows_inside", "where_text", "with_dictionaries"]

_FILES_KNOWN = 2048
"""Months of contacts in parts are files of their own, of which a page reads several hundred."""
_NOT_AS_DICTIONARY = frozenset({"DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"})


def dictionary_columns(
    metadata: pq.FileMetaData, names: Iterable[str], groups: Iterable[int] | None = None
) -> list[str]:
    """Return those of some text columns that can be read as dictionaries, in some row groups or in all.

    Arrow reads no dictionary from delta encodings, which DuckDB writes where a column has many values.
    """
    wanted = set(names)
    columns = {name: place for place, name in enumerate(metadata.schema.names) if name in wanted}
    if not columns:
        return []
    chosen = [metadata.row_group(group) for group in (range(metadata.num_row_groups) if groups is None else groups)]
    return [
        name
        for name, place in columns.items()
        if not any(_NOT_AS_DICTIONARY.intersection(group.column(place).encodings) for group in chosen)
    ]


def rows_inside(
    file: Path,
    inside: Mapping[str, tuple[Any, Any]],
    *,
    columns: Sequence[str] | None = None,
    dictionaries: Sequence[str] = (),
) -> pa.Table:
    """Read the rows whose columns lie in closed ranges, opening only the row groups that can have some.

    pyarrow's own filters do the same at ten times the cost for tables of this size.

    Parameters
    ----------
    file : Path
    inside : mapping of str to (low, high)
        Ranges of columns; None leaves a side open. Rows without a value lie outside.
    columns : sequence of str, optional
        Columns wanted, besides those of the ranges; default: all.
    dictionaries : sequence of str
        Text columns to give as dictionaries, as far as they can be read so.
    """
    state = file.stat().st_mtime_ns
    metadata = _metadata(file, state)
    groups = set(range(metadata.num_row_groups))
    for name, (low, high) in inside.items():
        edges = _edges(file, state, name)
        groups = {group for group in groups if _may_have(edges[group], low, high)}
    wanted = None if columns is None else list(dict.fromkeys([*columns, *inside]))
    texts = dictionary_columns(metadata, dictionaries, groups)
    if not groups:
        # Of many files most have nothing of one partner, and a reader of nothing takes as long to build as any.
        return _nothing(metadata, wanted, texts)
    parquet = pq.ParquetFile(file, metadata=metadata, read_dictionary=texts)
    table = parquet.read_row_groups(sorted(groups), columns=wanted, use_threads=False)
    if dictionaries:
        # Row groups have dictionaries of their own, which a comparison or a grouping must share.
        table = table.unify_dictionaries()
    for name, (low, high) in inside.items():
        hit = _inside(table[name], low, high)
        if not pc.all(hit, skip_nulls=False).as_py():
            table = table.filter(hit)
    return table


# A page asks the larger files many times. One that is written again, in a cache that was emptied, is another file.
@functools.lru_cache(maxsize=_FILES_KNOWN)
def _metadata(file: Path, _state: int) -> pq.FileMetaData:
    return pq.read_metadata(file)


@functools.lru_cache(maxsize=_FILES_KNOWN)
def _edges(file: Path, state: int, column: str) -> list[tuple[Any, Any] | None]:
    """Smallest and largest value of a column in each row group, where the file says them."""
    metadata = _metadata(file, state)
    place = metadata.schema.names.index(column)
    known = [metadata.row_group(group).column(place).statistics for group in range(metadata.num_row_groups)]
    return [(one.min, one.max) if one is not None and one.has_min_max else None for one in known]


def _nothing(metadata: pq.FileMetaData, columns: list[str] | None, dictionaries: Sequence[str]) -> pa.Table:
    schema = metadata.schema.to_arrow_schema()
    chosen = [schema.field(name) for name in columns or schema.names]
    text = pa.dictionary(pa.int32(), pa.string())
    return pa.schema([f.with_type(text) if f.name in dictionaries else f for f in chosen]).empty_table()


def _may_have(edges: tuple[Any, Any] | None, low: Any, high: Any) -> bool:
    if edges is None:
        return True
    return not ((high is not None and edges[0] > high) or (low is not None and edges[1] < low))


def with_dictionaries(table: pa.Table, names: Iterable[str]) -> pa.Table:
    """Give text columns as dictionaries, whether they could be read so or not."""
    for name in set(names).intersection(table.column_names):
        if not pa.types.is_dictionary(table.schema.field(name).type):
            encoded = table[name].cast(pa.string()).combine_chunks().dictionary_encode()
            table = table.set_column(table.column_names.index(name), name, encoded)
    return table


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give a dictionary as texts, and any other column as it is."""
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def where_text(column: pa.ChunkedArray, test: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Answer a question about every row of a text column; of a dictionary it is asked of each text once."""
    if not pa.types.is_dictionary(column.type):
        return test(column)
    whole = column.combine_chunks()
    return pc.take(test(whole.dictionary), whole.indices)


def _inside(column: pa.ChunkedArray, low: Any, high: Any) -> pa.ChunkedArray:
    if low == high:
        return where_text(column, lambda values: pc.equal(values, low))
    if low is None or high is None:
        return pc.less_equal(column, high) if low is None else pc.greater_equal(column, low)
    return where_text(column, lambda values: pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high)))
