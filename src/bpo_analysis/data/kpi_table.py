"""The KPI table: one row per KPI, partner, day and slice, with the sums that every figure is made of.

Columns: ``kpi, partner_id, date, site, channel, product, shift, category, numerator, denominator``. A value is
``scale * sum(numerator) / sum(denominator)``; for a KPI with ``pooling="total"`` it is ``sum(numerator)``.

On disk the KPIs that are summed in one pass stand beside each other in the columns of one row: a folder for each pass,
with files of rows, their hashes by day, and the columns of each KPI. A table read in parts leaves a file for each part,
and a day and slice that has rows in two parts is there twice: sums over sums do not notice.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bpo_analysis.data.expressions import build, build_condition, columns_of, holds
from bpo_analysis.data.parquet import rows_inside, with_dictionaries
from bpo_analysis.data.places import link
from bpo_analysis.data.rooted import never_missing, root_of, rooted
from bpo_analysis.data.schema import TABLES
from bpo_analysis.data.slices import DAYS, KpiDays, hashed
from bpo_analysis.data.sources import fetched
from bpo_analysis.data.views import DIMENSIONS
from bpo_analysis.errors import DatasetError
from bpo_analysis.kpis import Kpi

__all__ = [
    "FOLDER",
    "KEYS",
    "KPI_COLUMNS",
    "ORIGIN",
    "VIEWS",
    "Sums",
    "absent_columns",
    "added_sql",
    "daily_sums",
    "days_of",
    "kpi_days",
    "kpi_rows",
    "link_parts",
    "passes_of",
    "sums_of",
    "terms_of",
    "unavailable_kpis",
    "write_kpi_table",
    "write_partners",
    "write_sums",
]

FOLDER = "kpis"
KEYS = ("partner_id", "date", *DIMENSIONS, "category")
KPI_COLUMNS = ("kpi", *KEYS, "numerator", "denominator")
_ROW_GROUP = 16_384
"""Small, since a page reads one partner: of a group that it shares with others all rows are unpacked."""
_COLUMNS, _PARTNERS = "columns.json", "partners.json"
_ADDED = "_sum_of_"
"""Sums by partner and day stand beside the hashes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Sums of KPIs of one table, date and category.

    Attributes
    ----------
    name : str
        Name of the pass, and of its folder.
    table : ibis Table
        Keys and sums, a row for each combination of keys.
    columns : mapping of str to (str, str)
        Columns with the numerator and the denominator of each KPI; equal sums are there once.
    """

    name: str
    table: ir.Table
    columns: Mapping[str, tuple[str, str]]


def sums_of(views: Mapping[str, ir.Table], kpis: Iterable[Kpi]) -> list[Sums]:
    """Return the sums of every computable KPI: one pass per table, date and category."""
    passes: dict[Any, list[Kpi]] = {}
    names: dict[Any, str] = {}
    for kpi in kpis:
        if kpi.source in views and not absent_columns(kpi, views[kpi.source]):
            view = views[kpi.source]
            keys = tuple((key, rooted(column.op())) for key, column in _keys(view, kpi).items())
            same = root_of(view.op()), keys
            names.setdefault(same, f"{kpi.source}.{kpi.date}.{kpi.category or 'reason'}")
            passes.setdefault(same, []).append(kpi)
    return [_sums(names[same], same[0].to_expr(), dict(same[1]), views, kpis) for same, kpis in passes.items()]


def _keys(view: ir.Table, kpi: Kpi) -> dict[str, Any]:
    keys: dict[str, Any] = {"partner_id": view.partner_id, "date": view[kpi.date].cast("date")}
    for key, column in [*((d, d) for d in DIMENSIONS), ("category", kpi.category or "reason")]:
        keys[key] = view[column] if column in view.columns else ibis.null("string")
    return keys


def write_kpi_table(connection: Any, passes: Iterable[Sums], folder: Path) -> None:
    """Add up and write, each pass sorted by partner and day, so that a slice is read without the rest.

    Parameters
    ----------
    connection : ibis DuckDB backend
    passes : iterable of Sums
        Added up where their views are.
    folder : Path
        The KPI table, to which a folder is added for each pass.

    Raises
    ------
    DatasetError
        If there is no pass.
    """
    passes = list(passes)
    if not passes and not folder.is_dir():
        raise DatasetError(
            "No KPI can be computed from these tables. The least a dataset needs is volume.offered, "
            'or table panel and a [[kpi]] with source = "panel".'
        )
    for number, found in enumerate(passes):
        rows = connection.create_table(f"sums_{number}", fetched(found.table).order_by(list(KEYS)), temp=True)
        write_sums(connection, found, connection.compile(rows), folder, "all")


def write_sums(connection: Any, found: Sums, sql: str, folder: Path, name: str, *, is_part: bool = False) -> None:
    """Write the sums of one pass with what belongs to them: columns, and hashes by partner and day.

    Parameters
    ----------
    connection : ibis DuckDB backend
    found : Sums
    sql : str
        Query for its rows, in order.
    folder : Path
        The KPI table.
    name : str
        Name of the file, without its ending.
    is_part : bool, default False
        The file is made once and kept: its sums are hashed as they are. Sums that are made again each time differ in
        their last digits, which their hashes leave out.
    """
    place = folder / found.name
    place.mkdir(parents=True, exist_ok=True)
    (place / _COLUMNS).write_text(json.dumps(found.columns), encoding="utf-8")
    file = place / f"{name}.parquet"
    sql = f"SELECT * REPLACE (CAST(date AS DATE) AS date) FROM ({sql})"
    connection.raw_sql(f"COPY ({sql}) TO '{file}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})")
    days = [
        f"CAST(sum(CASE WHEN {n} <> 0 OR {d} <> 0 THEN hash(k, {_digits(n, d, is_part=is_part)}) >> 20 END) AS BIGINT) "
        f'AS "{kpi}"'
        for kpi, (n, d) in found.columns.items()
    ]
    added = [
        f"sum({column}) AS {_ADDED}{column}" for column in dict.fromkeys(c for of in found.columns.values() for c in of)
    ]
    rows = f"SELECT *, hash('{found.name}', {', '.join(KEYS)}) AS k FROM read_parquet('{file}')"
    connection.raw_sql(
        f"COPY (SELECT partner_id, date_diff('day', DATE '1970-01-01', date) AS day, {', '.join([*days, *added])} "
        f"FROM ({rows}) "
        f"GROUP BY partner_id, day) TO '{file.with_suffix(DAYS)}' (FORMAT parquet)"
    )


def _digits(*columns: str, is_part: bool) -> str:
    return ", ".join(columns if is_part else [part for column in columns for part in hashed(column, "DOUBLE")])


def link_parts(parts: Iterable[Path], folder: Path) -> None:
    """Put the pieces of the KPI table that lie in the folders of parts together."""
    for number, part in enumerate(parts):
        for file in sorted((part / FOLDER).glob("*/*")):
            place = folder / file.parent.name
            place.mkdir(parents=True, exist_ok=True)
            target = place / (file.name if file.name == _COLUMNS else f"{number:05d}-{file.name}")
            if target.exists():
                continue
            link(file, target)


def passes_of(folder: Path) -> Iterator[tuple[str, list[Path], dict[str, tuple[str, str]]]]:
    """Yield the name of each pass of a KPI table, its files, and the columns of each KPI."""
    for place in sorted(folder.glob(f"*/{_COLUMNS}")):
        columns = json.loads(place.read_text(encoding="utf-8"))
        files = sorted(place.parent.glob("*.parquet"))
        yield place.parent.name, files, {name: tuple(pair) for name, pair in columns.items()}


def write_partners(connection: Any, folder: Path) -> None:
    """Write which file of a pass in several files has rows of which partners, so that a page opens no other."""
    for name, files, _ in passes_of(folder):
        if len(files) < 2:
            continue
        listed = [str(file.with_suffix(DAYS)) for file in files]
        rows = connection.con.sql(
            f"SELECT parse_filename(filename, true), list_sort(list(DISTINCT partner_id)) "
            f"FROM read_parquet({listed}, filename = true) GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        (folder / name / _PARTNERS).write_text(json.dumps(dict(rows), ensure_ascii=False), encoding="utf-8")


def _with_rows(files: list[Path], partner_id: str | None) -> list[Path]:
    """Return the files that have rows of a partner; one at least, for its columns."""
    known = files[0].with_name(_PARTNERS)
    if partner_id is None or not known.is_file():
        return files
    partners = json.loads(known.read_text(encoding="utf-8"))
    return [file for file in files if partner_id in partners.get(file.stem, ())] or files[:1]


def days_of(file: Path) -> Any:
    """Return the days that a file of a pass has rows of, in an array of dates."""
    days = pq.read_table(file.with_suffix(DAYS), columns=["day"], use_threads=False)["day"]
    return np.unique(days.to_numpy()).astype("datetime64[D]")


def kpi_rows(
    folder: Path, *, partner_id: str | None = None, kpi: str | None = None, until: date | None = None,
    dictionaries: bool = False,
) -> pa.Table:  # fmt: skip
    """Read the KPI table, or the slice of one partner or KPI up to a day, with the rows of each KPI together.

    Parameters
    ----------
    folder : Path
        The KPI table.
    partner_id, kpi : str, optional
    until : date, optional
        Last day.
    dictionaries : bool, default False
        Give texts as dictionaries.
    """
    inside: dict[str, tuple[object, object]] = {} if partner_id is None else {"partner_id": (partner_id, partner_id)}
    if until is not None:
        inside["date"] = None, until
    found: defaultdict[str, list[pa.Table]] = defaultdict(list)
    for _, files, columns in passes_of(folder):
        wanted = {name: pair for name, pair in columns.items() if kpi in (None, name)}
        names = dict.fromkeys(column for pair in wanted.values() for column in pair)
        if not wanted:
            continue
        texts = _TEXTS if dictionaries else ()
        parts = [
            rows_inside(file, inside, columns=[*KEYS, *names], dictionaries=texts)
            for file in _with_rows(files, partner_id)
        ]
        # Together before they are taken apart: KPIs times files would be a thousand small tables.
        wide = pa.concat_tables([with_dictionaries(part, texts) for part in parts], promote_options="default")
        wide = wide.unify_dictionaries().combine_chunks()
        for name, pair in wanted.items():
            found[name].append(_rows_of(name, wide, *pair, dictionaries=dictionaries))
    return pa.concat_tables(
        [_schema(dictionaries=dictionaries).empty_table(), *(t for k in sorted(found) for t in found[k])]
    )


_TEXTS = tuple(name for name in KEYS if name != "date")


def _schema(*, dictionaries: bool) -> pa.Schema:
    text = pa.dictionary(pa.int32(), pa.string()) if dictionaries else pa.string()
    types = {"date": pa.date32(), "numerator": pa.float64(), "denominator": pa.float64()}
    return pa.schema([(name, types.get(name, text)) for name in KPI_COLUMNS])


def _rows_of(name: str, wide: pa.Table, numerator: str, denominator: str, *, dictionaries: bool) -> pa.Table:
    """Return the rows of one KPI: those where it has something to count."""
    columns = [*(wide[key] for key in KEYS), wide[numerator], wide[denominator]]
    counts = pc.or_kleene(pc.not_equal(columns[-1], 0.0), pc.not_equal(columns[-2], 0.0))
    kept = [column.filter(counts) for column in columns]
    kpi = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), len(kept[0])), pa.array([name]))
    schema = _schema(dictionaries=dictionaries)
    return pa.table([kpi.cast(schema.field("kpi").type), *kept], schema=schema)


def _read(files: Iterable[Path]) -> str:
    return f"read_parquet({[str(file) for file in files]})"


def kpi_days(folder: Path, counted: str) -> KpiDays | None:
    """Return the hashes of the KPI table by day; None where there is no table.

    Parameters
    ----------
    folder : Path
    counted : str
        KPI whose days are days with data; empty: any.
    """
    found = [(files, columns) for _, files, columns in passes_of(folder)]
    if not found:
        return None
    dates = " UNION ".join(
        f"SELECT DISTINCT CAST(DATE '1970-01-01' + CAST(day AS INTEGER) AS VARCHAR) "
        f'FROM {_read(file.with_suffix(DAYS) for file in files)} WHERE "{name}" IS NOT NULL'
        for files, columns in found
        for name in columns
        if counted in ("", name)
    )
    passes = [(list(columns), [file.with_suffix(DAYS) for file in files]) for files, columns in found]
    return KpiDays(passes=passes, dates=dates)


def added_sql(
    passes: Iterable[tuple[Sequence[Path], Mapping[str, tuple[str, str]]]], by: Sequence[str], *, where: str = "true"
) -> str:
    """Return a query for the KPI table added up by expressions of its keys: ``kpi``, these, numerator, denominator.

    Passes are added up as they are, in their few columns, and made long afterwards.

    Parameters
    ----------
    passes : iterable of (files, columns)
    by : sequence of str
    where : str
        Condition for rows.
    """
    names = [expression.rsplit(" AS ", 1)[-1] for expression in by]
    wide, long = [], []
    for number, (files, columns) in enumerate(passes):
        terms = dict.fromkeys(term for pair in columns.values() for term in pair)
        sums = ", ".join(f"sum({term}) AS {term}" for term in terms)
        wide.append(
            f"pass_{number} AS MATERIALIZED (SELECT {', '.join(by)}, {sums} FROM {_read(files)} "
            f"WHERE {where} GROUP BY {', '.join(map(str, range(1, len(by) + 1)))})"
        )
        long += [
            f"SELECT '{name}' AS kpi, {', '.join(names)}, {n} AS numerator, {d} AS denominator "
            f"FROM pass_{number} WHERE {n} <> 0 OR {d} <> 0"
            for name, (n, d) in columns.items()
        ]
    return f"WITH {', '.join(wide)} {' UNION ALL '.join(long)}"


def daily_sums(connection: Any, folder: Path) -> ir.Table:
    """Add the KPI table up by KPI, partner and day, as ``n`` and ``d``, in a table of the engine."""
    passes = [
        (
            [file.with_suffix(DAYS) for file in files],
            {name: (_ADDED + n, _ADDED + d) for name, (n, d) in columns.items()},
        )
        for _, files, columns in passes_of(folder)
    ]
    added = added_sql(passes, ["partner_id", "DATE '1970-01-01' + CAST(day AS INTEGER) AS date"])
    connection.raw_sql(
        f"CREATE TEMP TABLE daily AS SELECT kpi, partner_id, date, numerator AS n, denominator AS d FROM ({added})"
    )
    return connection.table("daily", database="temp.main")


def _sums(
    name: str, table: ir.Table, keys: Mapping[str, Any], views: Mapping[str, ir.Table], members: Iterable[Kpi]
) -> Sums:
    """Add up numerators and denominators of KPIs of one table, date and category."""
    terms: dict[Any, str] = {}
    columns: dict[str, tuple[str, str]] = {}
    for kpi in members:
        n, d = (terms.setdefault(rooted(term.op()), f"s{len(terms)}") for term in terms_of(views[kpi.source], kpi))
        columns[kpi.name] = n, d
    taken = {key: op.to_expr() for key, op in keys.items()} | {column: op.to_expr() for op, column in terms.items()}
    rows = table.select(**taken)
    rows = rows.filter(rows.date.notnull() & rows.partner_id.notnull())
    added = rows.group_by(list(keys)).aggregate(**{column: rows[column].sum() for column in terms.values()})
    return Sums(name=name, table=added, columns=columns)


def terms_of(view: ir.Table, kpi: Kpi) -> tuple[Any, Any]:
    """Return numerator and denominator of every row; both are missing where the row does not count."""
    where = f"KPI {kpi.name}"
    numerator, denominator = (
        _number(build(text, view, where=where), text, where) for text in (kpi.numerator, kpi.denominator)
    )
    # Each side needs to ask only whether the other is there: where it is missing itself, it is missing anyway.
    if kpi.where:
        holding = holds(build_condition(kpi.where, view, where=where))
        return _where(denominator, numerator, holding), _where(numerator, denominator, holding)
    return _where(denominator, numerator), _where(numerator, denominator)


def _where(other: Any, value: Any, holding: Any = None) -> Any:
    """Return a value where the other one is there, and a condition holds."""
    is_there = None if never_missing(rooted(other.op())) else other.notnull()
    conditions = [condition for condition in (is_there, holding) if condition is not None]
    return ibis.and_(*conditions).ifelse(value, ibis.null("float64")) if conditions else value


def _number(value: ir.Value, text: str, where: str) -> ir.Value:
    if not (value.type().is_numeric() or value.type().is_boolean() or value.type().is_null()):
        raise DatasetError(f"{where}: {text!r} is not a number. Write CAST({text} AS double) where it holds numbers.")
    return value.cast("float64")


def unavailable_kpis(
    kpis: Iterable[Kpi], views: Mapping[str, ir.Table], mapped: Mapping[str, frozenset[str]], present: set[str]
) -> dict[str, str]:
    """Say for each KPI without a single row why it has none: table, column or value missing."""
    return {kpi.name: _reason(kpi, views, mapped) for kpi in kpis if kpi.name not in present}


ORIGIN = {
    "contacts": "interactions", "backlog": "interactions", "evaluations": "qa_ratings", "calibration": "qa_ratings",
    "heads": "roster", "billing": "invoices", "forecast_errors": "forecasts",
}  # fmt: skip
"""Table that a view is made of."""
VIEWS = (*TABLES, *ORIGIN)
"""What the source of a KPI can be."""


def _reason(kpi: Kpi, views: Mapping[str, ir.Table], mapped: Mapping[str, frozenset[str]]) -> str:
    origin = ORIGIN.get(kpi.source, kpi.source)
    if origin not in mapped:
        made = origin == "volume" and "volume" in views
        return f"table {origin} is not in this dataset" + (", and table interactions does not give it" if made else "")
    if kpi.source not in views:
        return f"table {origin} lacks the columns it needs"
    of_table = {
        name for name in _columns(kpi) if name in TABLES[origin].by_name or name not in views[kpi.source].columns
    }
    missing = [name for name in _columns(kpi, needed=True) if name in of_table and name not in mapped[origin]]
    if missing:
        return f"table {origin} has no column {', '.join(missing)}"
    return f"no row of table {origin} has the values it needs"


def _columns(kpi: Kpi, *, needed: bool = False) -> list[str]:
    texts = (kpi.numerator, kpi.denominator, kpi.where)
    return list(dict.fromkeys(name for text in texts if text for name in columns_of(text, needed=needed)))


def absent_columns(kpi: Kpi, view: ir.Table) -> list[str]:
    """Return the columns a KPI uses and its view does not have."""
    return [name for name in (kpi.date, *_columns(kpi)) if name not in view.columns]
