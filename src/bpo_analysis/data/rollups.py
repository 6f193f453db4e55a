"""Smaller readings of the KPI table, for pages that look at all partners at once.

A page of one partner reads that partner's rows. What it says about the others (the same work elsewhere, who carries
which product) needs everyone's sums, but never by every column: by day and contact reason, or by month.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bpo_analysis.data.kpi_table import KPI_COLUMNS
from bpo_analysis.data.parquet import dictionary_columns

__all__ = ["FOLDER", "added_up", "sums_over", "write_rollups"]

FOLDER = "rollups"
_BY_DAY, _BY_MONTH = "kpis_by_day.parquet", "kpis_by_month.parquet"
_KEYS = {
    _BY_DAY: ("kpi", "date", "partner_id", "category"),
    _BY_MONTH: ("kpi", "month", "partner_id", "site", "channel", "product", "shift", "category"),
}
_TAKEN = {"date": "date::DATE AS date", "month": "date_trunc('month', date)::DATE AS month"}
_SUMS = ("numerator", "denominator")
_DAYS = ("date", "month")
_TEXTS = tuple(name for name in KPI_COLUMNS if name not in ("date", *_SUMS))
_ROW_GROUP = 20_000


def write_rollups(connection: Any, kpis: Callable[[Sequence[str]], str], folder: Path) -> None:
    """Add up the KPI table by day and reason, and by month; sorted by KPI and time.

    Parameters
    ----------
    connection : ibis DuckDB backend
    kpis : callable
        Gives a query for the KPI table added up by expressions of its keys.
    folder : Path
        To write into.
    """
    folder.mkdir()
    for name, keys in _KEYS.items():
        added = kpis([_TAKEN.get(key, key) for key in keys if key != "kpi"])
        connection.raw_sql(
            f"COPY (SELECT {', '.join(keys)}, numerator, denominator FROM ({added}) ORDER BY {', '.join(keys)}) "
            f"TO '{folder / name}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
        )


def sums_over(folder: Path, kpi: str, by: Sequence[str], start: date, end: date) -> pd.DataFrame | None:
    """Sum a KPI over all partners by some of the columns of the KPI table, from the smaller file that has them.

    Parameters
    ----------
    folder : Path
        That :func:`write_rollups` wrote.
    kpi : str
    by : sequence of str
        Columns of the KPI table, and ``month``.
    start, end : date
        Both included.

    Returns
    -------
    DataFrame or None
        Columns of ``by`` and numerator, denominator; days and months as timestamps, sorted by ``by``. None where only
        the KPI table itself has these columns for these days.
    """
    chosen = _file_for(by, start, end)
    if chosen is None:
        return None
    file, time = chosen
    columns = dict.fromkeys([*(c for c in by if c != "month" or time == "month"), time, *_SUMS])
    table = _read(folder / file, list(columns), {"kpi": (kpi, kpi), time: (start, end)})
    return added_up(table, by)


def added_up(table: pa.Table, by: Sequence[str]) -> pd.DataFrame:
    """Add up rows with numerator and denominator by some columns, and by ``month`` of their ``date``."""
    if "month" in by and "month" not in table.column_names:
        table = table.append_column("month", pc.floor_temporal(table["date"], unit="month").cast(pa.date32()))
    sums = table.group_by(list(by), use_threads=False).aggregate([(name, "sum") for name in _SUMS])
    frame = sums.rename_columns([*by, *_SUMS]).to_pandas()
    for name in by:
        # Texts as texts: a categorical column would answer other questions differently.
        frame[name] = pd.to_datetime(frame[name]) if name in _DAYS else frame[name].astype("str")
    frame[list(_SUMS)] = frame[list(_SUMS)].fillna(0.0)
    return frame.sort_values(list(by), ignore_index=True) if by else frame


def _file_for(by: Sequence[str], start: date, end: date) -> tuple[str, str] | None:
    """Smallest file that has these columns, and its column of time."""
    whole_months = start.day == 1 and (end + timedelta(days=1)).day == 1
    if "date" not in by and whole_months:
        return _BY_MONTH, "month"
    return (_BY_DAY, "date") if {"date", "month", "partner_id", "category"}.issuperset(by) else None


def _read(file: Path, columns: Sequence[str] | None, inside: Mapping[str, tuple[Any, Any]]) -> pa.Table:
    """Read the rows whose columns lie in these closed ranges, opening only the row groups that can have some.

    pyarrow's own filters do the same at ten times the cost for tables of this size.
    """
    metadata = pq.read_metadata(file)
    places = {name: place for place, name in enumerate(metadata.schema.names)}
    parquet = pq.ParquetFile(file, metadata=metadata, read_dictionary=dictionary_columns(metadata, _TEXTS))

    def may_have(group: int) -> bool:
        for name, (low, high) in inside.items():
            known = metadata.row_group(group).column(places[name]).statistics
            if known is not None and known.has_min_max and (known.min > high or known.max < low):
                return False
        return True

    groups = [group for group in range(metadata.num_row_groups) if may_have(group)]
    wanted = None if columns is None else list(dict.fromkeys([*columns, *inside]))
    table = parquet.read_row_groups(groups, columns=wanted, use_threads=False)
    # Row groups have dictionaries of their own, which a comparison or a grouping must share.
    table = table.unify_dictionaries()
    for name, (low, high) in inside.items():
        column = table[name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        hit = (
            pc.equal(column, low)
            if low == high
            else pc.and_(pc.greater_equal(column, low), pc.less_equal(column, high))
        )
        if not pc.all(hit).as_py():
            table = table.filter(hit)
    return table
