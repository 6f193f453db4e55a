"""Smaller readings of the KPI table, for pages that look at all partners at once.

A page of one partner reads that partner's rows. What it says about the others (the same work elsewhere, who carries
which product) needs everyone's sums, but never by every column: by day and contact reason, or by month.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bpo_analysis.data.kpi_table import KPI_COLUMNS
from bpo_analysis.data.parquet import rows_inside

__all__ = ["FOLDER", "added_up", "rows_over", "write_rollups"]

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


def rows_over(folder: Path, kpi: str, by: Sequence[str], start: date, end: date) -> pa.Table | None:
    """Read rows of a KPI over all partners that add up by some columns, from the smaller file that has them.

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
    Table or None
        Columns of ``by``, partner_id, numerator, denominator and that of time, for :func:`added_up`. None where only
        the KPI table itself has these columns for these days.
    """
    chosen = _file_for(by, start, end)
    if chosen is None:
        return None
    file, time = chosen
    columns = dict.fromkeys([*(c for c in by if c != "month" or time == "month"), "partner_id", time, *_SUMS])
    inside = {"kpi": (kpi, kpi), time: (start, end)}
    return rows_inside(folder / file, inside, columns=list(columns), dictionaries=_TEXTS)


def added_up(table: pa.Table, by: Sequence[str]) -> pd.DataFrame:
    """Add up rows with numerator and denominator by some columns, and by ``month`` of their ``date``.

    Days and months are given as timestamps; rows are sorted by ``by``.
    """
    if "month" in by and "month" not in table.column_names:
        table = table.append_column("month", pc.floor_temporal(table["date"], unit="month").cast(pa.date32()))
    sums = table.group_by(list(by), use_threads=False).aggregate([(name, "sum") for name in _SUMS])
    # Texts as texts: a categorical column would answer other questions differently.
    columns = [sums[name].cast(pa.timestamp("s") if name in _DAYS else pa.string()) for name in by]
    columns += [pc.fill_null(sums[f"{name}_sum"], 0.0) for name in _SUMS]
    added = pa.table(columns, names=[*by, *_SUMS])
    return (added.sort_by([(name, "ascending") for name in by]) if by else added).to_pandas()


def _file_for(by: Sequence[str], start: date, end: date) -> tuple[str, str] | None:
    """Smallest file that has these columns, and its column of time."""
    whole_months = start.day == 1 and (end + timedelta(days=1)).day == 1
    if "date" not in by and whole_months:
        return _BY_MONTH, "month"
    return (_BY_DAY, "date") if {"date", "month", "partner_id", "category"}.issuperset(by) else None
