"""Parquet files in clean batches of rows: texts trimmed, those of few values as dictionaries, numbers finite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bpo_analysis.data.config import TableSpec
from bpo_analysis.data.expressions import columns_of
from bpo_analysis.data.parquet import dictionary_columns
from bpo_analysis.data.schema import Table
from bpo_analysis.errors import DatasetError

__all__ = ["batches", "columns_read", "folder_values"]

BATCH_ROWS = 500_000
_READ_ROWS = 125_000
_BLANKS = " \t\n\r\v\f"
_DICTIONARY_BYTES = 4
"""Bytes per value under which a text column of a file is one of few values."""


def folder_values(file: Path, root: Path) -> dict[str, str]:
    """Return what the folders of a file say of its rows: ``month=2026-03/part.parquet`` has a column month."""
    folders = file.relative_to(root).parts[:-1] if file.is_relative_to(root) else ()
    pairs = [name.split("=", 1) for name in folders if "=" in name.strip("=")]
    return {pair[0]: pair[1] for pair in pairs}


def columns_read(headers: list[str], spec: TableSpec, schema: Table) -> list[str]:
    """Return those headers that the mapping of a table uses."""
    wanted = {name.casefold() for name in schema.by_name}
    for text in spec.columns.values():
        wanted |= {text.strip().casefold()}
        try:
            wanted |= {name.casefold() for name in columns_of(text)}
        except DatasetError:  # reported where the mapping is built
            continue
    return [name for name in headers if name.strip().casefold() in wanted]


def batches(
    file: Path, root: Path, choose: Callable[[list[str]], list[str]]
) -> Iterator[tuple[pa.Table, tuple[str, ...]]]:
    """Read a file from its first row to its last, and give it in tables of about half a million rows, with all headers.

    Parameters
    ----------
    file : Path
    root : Path
        Folder of the dataset, below which names of folders are values.
    choose : callable
        Gives the columns to read out of the headers.

    Raises
    ------
    DatasetError
        If the file is not Parquet or is cut off.
    """
    try:
        yield from _batches(file, root, choose)
    except (pa.ArrowInvalid, OSError) as error:
        raise DatasetError(f"{file} cannot be read: {str(error).splitlines()[0].rstrip('.')}.") from None


def _batches(
    file: Path, root: Path, choose: Callable[[list[str]], list[str]]
) -> Iterator[tuple[pa.Table, tuple[str, ...]]]:
    values = folder_values(file, root)
    with pq.ParquetFile(file) as plain:
        dictionaries = _of_few_values(plain)
        headers = [name for name in plain.schema_arrow.names if name not in values] + list(values)
    chosen = choose(headers)
    waiting: list[pa.RecordBatch] = []
    # Without a buffer ahead a file that is one group of rows does not come into memory as a whole.
    with pq.ParquetFile(file, read_dictionary=dictionaries, pre_buffer=False) as source:
        columns = [name for name in chosen if name not in values]
        for batch in source.iter_batches(_READ_ROWS, columns=columns):
            waiting.append(batch)
            if sum(len(one) for one in waiting) >= BATCH_ROWS:
                yield _table(waiting, values, chosen, source.schema_arrow), tuple(headers)
                waiting.clear()
        if waiting or not source.metadata.num_rows:
            yield _table(waiting, values, chosen, source.schema_arrow), tuple(headers)


def _of_few_values(file: pq.ParquetFile) -> list[str]:
    """Return the text columns that a dictionary takes little room for."""
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    found = []
    for i, field in enumerate(file.schema_arrow):
        sizes = [g.column(i).total_uncompressed_size for g in groups if g.num_columns == len(file.schema_arrow)]
        is_text = pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
        if is_text and sizes and sum(sizes) < _DICTIONARY_BYTES * file.metadata.num_rows:
            found.append(field.name)
    return dictionary_columns(file.metadata, found)


def _table(batches: list[pa.RecordBatch], values: dict[str, str], chosen: list[str], schema: pa.Schema) -> pa.Table:
    table = (pa.Table.from_batches(batches) if batches else schema.empty_table()).unify_dictionaries()
    columns = {}
    for name in chosen:
        if name in values:
            one = pa.repeat(pa.scalar(0, pa.int32()), len(table))
            columns[name] = pa.DictionaryArray.from_arrays(one, pa.array([values[name]]))
        else:
            columns[name] = _clean(table[name])
    return pa.table(columns)


def _clean(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """Take blanks off texts, and make those that are empty missing, and numbers that are none."""
    if pa.types.is_floating(column.type):
        finite = pc.is_finite(column)
        return column if pc.all(finite).as_py() in (True, None) else pc.if_else(finite, column, None)
    if pa.types.is_dictionary(column.type):
        whole = column.combine_chunks()
        if isinstance(whole, pa.ChunkedArray):
            whole = whole.chunk(0) if whole.num_chunks else pa.array([], column.type)
        known = whole.dictionary
        trimmed = pc.utf8_trim(known, characters=_BLANKS)
        if trimmed.equals(known) and not pc.any(pc.equal(known, "")).as_py():
            return whole
        column = whole.cast(known.type)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    trimmed = pc.utf8_trim(column, characters=_BLANKS)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, trimmed.type), trimmed)
