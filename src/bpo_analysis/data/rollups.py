"""Smaller readings of the KPI table, for pages that look at all partners at once.

A page of one partner reads that partner's rows. What it says about the others (the same work elsewhere, who carries
which product) needs everyone's sums, but never by every column: by day and contact reason, or by month.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bpo_analysis.data.kpi_table import KPI_COLUMNS, added_sql
from bpo_analysis.data.parquet import rows_inside, with_dictionaries

__all__ = ["BY_TIME", "FOLDER", "added_up", "kept", "rollup_statements", "rows_over", "write_rollups"]

FOLDER = "rollups"
_BY_DAY, _BY_MONTH = BY_TIME = "kpis_by_day", "kpis_by_month"
"""Folders with a file for each month of contacts read in parts, and one for all other tables."""
_REST = "all"
_KEPT = "kept"
_KEYS = {
    _BY_DAY: ("kpi", "date", "partner_id", "category"),
    _BY_MONTH: ("kpi", "month", "partner_id", "site", "channel", "product", "shift", "category"),
}
_TAKEN = {"date": "date::DATE AS date", "month": "date_trunc('month', date)::DATE AS month"}
_SUMS = ("numerator", "denominator")
_Pass = tuple[Sequence[Path], Mapping[str, tuple[str, str]]]
_DAYS = ("date", "month")
_TEXTS = tuple(name for name in KPI_COLUMNS if name not in ("date", *_SUMS))
_ROW_GROUP = 20_000


def write_rollups(connection: Any, passes: Sequence[_Pass], folder: Path) -> None:
    """Add up the KPI table by day and reason, and by month; sorted by KPI and time.

    Parameters
    ----------
    connection : ibis DuckDB backend
    passes : sequence of (files, columns)
        Those of the KPI table that were not added up month by month.
    folder : Path
        To write into.
    """
    for name in BY_TIME:
        (folder / name).mkdir(parents=True, exist_ok=True)
    if passes:
        for statement in rollup_statements(passes, lambda name: f"{folder / name / _REST}.parquet"):
            connection.raw_sql(statement)


def rollup_statements(
    passes: Sequence[_Pass], target: Callable[[str], str], *, where: str = "true"
) -> Iterator[str]:  # fmt: skip
    """Yield the statements that write both files.

    Parameters
    ----------
    passes : sequence of (files, columns)
    target : callable
        Gives the file of each of ``BY_TIME``.
    where : str
        Condition for rows of the KPI table.
    """
    for name, keys in _KEYS.items():
        added = added_sql(passes, [_TAKEN.get(key, key) for key in keys if key != "kpi"], where=where)
        yield (
            f"COPY (SELECT {', '.join(keys)}, numerator, denominator FROM ({added}) ORDER BY {', '.join(keys)}) "
            f"TO '{target(name)}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
        )


def rows_over(folder: Path, kpi: str, by: Sequence[str], start: date, end: date) -> pa.Table | None:
    """Read rows of a KPI over all partners that add up by some columns, from the smaller file that has them.

    Parameters
    ----------
    folder : Path
        That :func:`write_rollups` wrote into, with the files of months.
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
    chosen = _files_for(folder, by, start, end)
    if chosen is None:
        return None
    files, time = chosen
    columns = dict.fromkeys([*(c for c in by if c != "month" or time == "month"), "partner_id", time, *_SUMS])
    inside = {"kpi": (kpi, kpi), time: (start, end)}
    found = [rows_inside(file, inside, columns=list(columns), dictionaries=_TEXTS) for file in files]
    if len(found) == 1:
        return found[0]
    return pa.concat_tables(
        [with_dictionaries(table, _TEXTS) for table in found], promote_options="default"
    ).unify_dictionaries()


def added_up(table: pa.Table, by: Sequence[str]) -> pa.Table:
    """Add up rows with numerator and denominator by some columns, and by ``month`` of their ``date``.

    Days and months are given as timestamps, texts as dictionaries; rows are sorted by ``by``.
    """
    if "month" in by and "month" not in table.column_names:
        table = table.append_column("month", pc.floor_temporal(table["date"], unit="month").cast(pa.date32()))
    sums = table.group_by(list(by), use_threads=False).aggregate([(name, "sum") for name in _SUMS])
    columns = [sums[name].cast(pa.timestamp("s") if name in _DAYS else pa.string()) for name in by]
    columns += [pc.fill_null(sums[f"{name}_sum"], 0.0) for name in _SUMS]
    added = pa.table(columns, names=[*by, *_SUMS])
    if by:
        added = added.sort_by([(name, "ascending") for name in by])
    return with_dictionaries(added, [name for name in by if name not in _DAYS])


def kept(folder: Path, question: Sequence[str], answer: Callable[[], pa.Table]) -> pa.Table:
    """Return a table that the reports of all partners ask for, from the file that the first one left.

    Parameters
    ----------
    folder : Path
        That :func:`write_rollups` wrote into.
    question : sequence of str
        Names the table.
    answer : callable
        Makes it.
    """
    name = hashlib.blake2b("\n".join(question).encode(), digest_size=12).hexdigest()
    file = folder / _KEPT / f"{name}.arrow"
    if file.is_file():
        with pa.memory_map(str(file)) as source:
            return pa.ipc.open_file(source).read_all()
    table = answer()
    # Without a place to keep it the next report makes it again.
    with contextlib.suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        handle, part = tempfile.mkstemp(dir=file.parent, suffix=".part")
        os.close(handle)
        try:
            with pa.OSFile(part, "wb") as target, pa.ipc.new_file(target, table.schema) as writer:
                writer.write_table(table)
            os.replace(part, file)
        except BaseException:
            os.unlink(part)
            raise
    return table


def _files_for(folder: Path, by: Sequence[str], start: date, end: date) -> tuple[list[Path], str] | None:
    """Files that have these columns, the smaller ones if possible, and their column of time."""
    whole_months = start.day == 1 and (end + timedelta(days=1)).day == 1
    if "date" not in by and whole_months:
        name, time = _BY_MONTH, "month"
    elif {"date", "month", "partner_id", "category"}.issuperset(by):
        name, time = _BY_DAY, "date"
    else:
        return None
    first, last = f"{start:%Y-%m}", f"{end:%Y-%m}"
    files = [f for f in sorted((folder / name).glob("*.parquet")) if f.stem == _REST or first <= f.stem <= last]
    return (files, time) if files else None
