"""What pages ask of all contacts, made and kept month by month where contacts are read in parts.

The rows of a month depend on the parts with contacts of that month, or of the days around it. A piece is named by what
it is made of, so a new month makes its own pieces and those of the month that it reaches into; the others are there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis

from bpo_analysis.data.extracts import EXTRACTS, Extract, Material, added_up, rows_in_order
from bpo_analysis.data.kpi_table import FOLDER as KPI_FOLDER
from bpo_analysis.data.kpi_table import days_of, passes_of
from bpo_analysis.data.part_worker import HERE
from bpo_analysis.data.places import link
from bpo_analysis.data.rollups import rollup_statements
from bpo_analysis.data.slices import columns_of_query, hashes_by_day
from bpo_analysis.data.views import Sources
from bpo_analysis.kpis import Kpi

__all__ = ["Piece", "extract_pieces", "link_pieces", "months_of", "rollup_pieces"]

_ROWS = "rows_of_piece"
_NO_MONTH = "none"
_ROW_GROUP = 4096
"""Rows that are read together: few, for a partner has a small part of the rows of a month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One month of something.

    Attributes
    ----------
    month : date or None
        Its first day; None for rows without a day.
    statements : tuple of str
        Write the files of the piece into ``HERE``.
    """

    month: date | None
    statements: tuple[str, ...]


def months_of(first: date, last: date) -> Iterator[date]:
    """Yield the first days of the months that two days lie in, and of those between."""
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = _next(month)


def extract_pieces(
    connection: Any, sources: Sources, views: Mapping[str, Any], kpis: Mapping[str, Kpi],
    files: Mapping[str, Sequence[tuple[Sequence[date | None], Sequence[str]]]],
) -> dict[str, list[Piece]]:  # fmt: skip
    """Return the pieces of every extract that is made month by month.

    Parameters
    ----------
    connection : ibis DuckDB backend
    sources : Sources
        With the sums of all parts.
    views : mapping of str to ibis Table
    kpis : mapping of str to Kpi
    files : mapping of str to sequence of (months, files)
        For each of these sums, the files of each part, and the months it has contacts of.
    """
    found = {}
    for name, extract in EXTRACTS.items():
        origin = extract.sums or name
        if not extract.by_month or not files.get(origin) or not extract.possible(sources):
            continue
        rows = ibis.table(sources.partials[origin].schema(), name=_ROWS)
        within = replace(sources, partials={**sources.partials, origin: rows})
        if extract.adds_up:
            table = added_up(extract, within)
        else:
            table = extract.make(Material(sources=within, views=views, kpis=kpis))
        query = connection.compile(table)
        order = rows_in_order(extract, table.columns)
        months = _months(extract, files[origin])
        columns: list[tuple[str, str]] = []
        pieces = []
        for month in sorted(months, key=lambda one: one or date.max):
            select = _of_month(extract, query, month, months[month])
            columns = columns or columns_of_query(connection, select)
            pieces.append(Piece(month=month, statements=_statements(select, order, columns)))
        if pieces:
            found[name] = pieces
    return found


def _months(
    extract: Extract, parts: Sequence[tuple[Sequence[date | None], Sequence[str]]]
) -> dict[date | None, list[str]]:
    """Return the months that an extract has rows of, with the files they are made of."""
    months: defaultdict[date | None, list[str]] = defaultdict(list)
    for of_part, files in parts:
        reached: set[date | None] = set()
        for month in of_part:
            if month is None:
                reached.add(None)
                continue
            first, last = month - timedelta(days=extract.days_after), _next(month) - timedelta(days=1)
            reached.update(months_of(first, last + timedelta(days=extract.days_before)))
        for each in reached:
            months[each].extend(files)
    return months


def _of_month(extract: Extract, query: str, month: date | None, files: Sequence[str]) -> str:
    """Write the query of a month: of the rows around it, and of its result what lies in it."""
    day = f'"{extract.by_month}"'
    if month is None:
        near = inside = f"{day} IS NULL"
    else:
        inside = _between(day, month, _next(month))
        # Every row knows its day; those of a week that begins in this month may lie in the next.
        first = month - timedelta(days=extract.days_before)
        near = inside if extract.days_after else _between(day, first, _next(month))
    rows = f"SELECT * FROM read_parquet({list(files)}) WHERE {near}"
    return f"WITH {_ROWS} AS ({rows}) SELECT * FROM ({query}) WHERE {inside}"


def _between(day: str, first: date, end: date) -> str:
    return f"{day} >= DATE '{first}' AND {day} < DATE '{end}'"


def _statements(select: str, order: Sequence[str], columns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    by = ", ".join(f'"{name}"' for name in order)
    file = f"{HERE}/rows.parquet"
    hashes = hashes_by_day(f"read_parquet('{file}')", columns)
    return (
        f"COPY ({select} ORDER BY {by}) TO '{file}' (FORMAT parquet, ROW_GROUP_SIZE {_ROW_GROUP})",
        f"COPY ({hashes}) TO '{HERE}/rows.days' (FORMAT parquet)",
    )


def rollup_pieces(folders: Iterable[Path]) -> list[Piece]:
    """Return the pieces of the smaller readings of the KPI table.

    Parameters
    ----------
    folders : iterable of Path
        Of all parts, each with a piece of the KPI table.
    """
    months: defaultdict[date, dict[str, tuple[list[Path], Mapping[str, tuple[str, str]]]]] = defaultdict(dict)
    for folder in folders:
        for name, files, columns in passes_of(folder / KPI_FOLDER):
            for file in files:
                for month in days_of(file).astype("datetime64[M]").astype("datetime64[D]").tolist():
                    of_pass = months[month].setdefault(name, ([], columns))[0]
                    if not of_pass or of_pass[-1] != file:
                        of_pass.append(file)
    return [
        Piece(
            month=month,
            statements=tuple(
                rollup_statements(
                    list(of_month.values()),
                    lambda name: f"{HERE}/{name}.parquet",
                    where=_between("date", month, _next(month)),
                )
            ),
        )
        for month, of_month in sorted(months.items())
    ]


def link_pieces(pieces: Iterable[tuple[Piece, Path]], place: Path, *, of: str = "rows") -> None:
    """Put the files of pieces into one folder, named by their months.

    Parameters
    ----------
    pieces : iterable of (Piece, Path)
        With the folder each was made in.
    place : Path
        The folder.
    of : str
        Name of the files in the folder of a piece.
    """
    place.mkdir(parents=True, exist_ok=True)
    for piece, folder in pieces:
        name = f"{piece.month:%Y-%m}" if piece.month else _NO_MONTH
        for file in sorted(folder.glob(f"{of}.*")):
            link(file, place / f"{name}{file.suffix}")


def _next(month: date) -> date:
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)
