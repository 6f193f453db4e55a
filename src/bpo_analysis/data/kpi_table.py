"""The KPI table: one row per KPI, partner, day and slice, with the sums that every figure is made of.

Columns: ``kpi, partner_id, date, site, channel, product, shift, category, numerator, denominator``. A value is
``scale * sum(numerator) / sum(denominator)``; for a KPI with ``pooling="total"`` it is ``sum(numerator)``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

from bpo_analysis.data.expressions import build, build_condition, columns_of, holds
from bpo_analysis.data.schema import TABLES
from bpo_analysis.data.views import DIMENSIONS
from bpo_analysis.errors import DatasetError
from bpo_analysis.kpis import Kpi

__all__ = [
    "KEYS",
    "KPI_COLUMNS",
    "ORIGIN",
    "VIEWS",
    "absent_columns",
    "sums",
    "terms_of",
    "unavailable_kpis",
    "write_kpi_table",
]

KEYS = ("partner_id", "date", *DIMENSIONS, "category")
KPI_COLUMNS = ("kpi", *KEYS, "numerator", "denominator")
_ROW_GROUP = 20_000


def write_kpi_table(connection: Any, views: Mapping[str, ir.Table], kpis: Iterable[Kpi], path: Path) -> None:
    """Aggregate every computable KPI and write the table as Parquet.

    The rows of a KPI stand together, sorted by partner and day, so that a slice is read without the rest.

    Parameters
    ----------
    connection : ibis backend
        Holds the views; aggregation happens there, one pass per view, date column and category.
    views : mapping of str to ibis Table
    kpis : iterable of Kpi
    path : Path
        Parquet file to write.
    """
    passes: defaultdict[tuple[str, str, str], list[Kpi]] = defaultdict(list)
    for kpi in kpis:
        if kpi.source in views and not absent_columns(kpi, views[kpi.source]):
            passes[kpi.source, kpi.date, kpi.category].append(kpi)
    blocks: dict[str, ir.Table] = {}
    for number, members in enumerate(passes.values()):
        # Sorting the sums of one pass is cheap; sorting the long table, with a row for each KPI, is not.
        wide = sums(views[members[0].source], members).order_by(list(KEYS))
        table = connection.create_table(f"sums_{number}", wide, temp=True)
        blocks.update({kpi.name: _long(table, kpi, i) for i, kpi in enumerate(members)})
    if not blocks:
        raise DatasetError(
            "No KPI can be computed from these tables. The least a dataset needs is volume.offered, "
            'or table panel and a [[kpi]] with source = "panel".'
        )
    ibis.union(*(blocks[name] for name in sorted(blocks))).to_parquet(
        str(path), row_group_size=_ROW_GROUP, compression="zstd"
    )


def sums(view: ir.Table, members: list[Kpi]) -> ir.Table:
    """Add up numerators (``n0``, ``n1`` ...) and denominators (``d0`` ...) of KPIs of one view, date and category."""
    terms: dict[str, Any] = {}
    for i, kpi in enumerate(members):
        terms[f"n{i}"], terms[f"d{i}"] = terms_of(view, kpi)
    keys: dict[str, Any] = {"partner_id": view.partner_id, "date": view[members[0].date].cast("date")}
    for name, column in [*((d, d) for d in DIMENSIONS), ("category", members[0].category or "reason")]:
        keys[name] = view[column] if column in view.columns else ibis.null("string")
    rows = view.select(**keys, **terms).filter(ibis._.date.notnull() & ibis._.partner_id.notnull())
    return rows.group_by(list(keys)).aggregate(**{name: rows[name].sum() for name in terms})


def terms_of(view: ir.Table, kpi: Kpi) -> tuple[Any, Any]:
    """Return numerator and denominator of every row; both are missing where the row does not count."""
    where = f"KPI {kpi.name}"
    numerator, denominator = (
        _number(build(text, view, where=where), text, where) for text in (kpi.numerator, kpi.denominator)
    )
    counts = numerator.notnull() & denominator.notnull()
    if kpi.where:
        counts = counts & holds(build_condition(kpi.where, view, where=where))
    nothing = ibis.null("float64")
    return counts.ifelse(numerator, nothing), counts.ifelse(denominator, nothing)


def _number(value: ir.Value, text: str, where: str) -> ir.Value:
    if not (value.type().is_numeric() or value.type().is_boolean() or value.type().is_null()):
        raise DatasetError(f"{where}: {text!r} is not a number. Write CAST({text} AS double) where it holds numbers.")
    return value.cast("float64")


def _long(wide: ir.Table, kpi: Kpi, i: int) -> ir.Table:
    present = wide.filter(wide[f"d{i}"].notnull() & ((wide[f"d{i}"] != 0) | (wide[f"n{i}"] != 0)))
    return present.select(
        kpi=ibis.literal(kpi.name),
        **{key: present[key] for key in KEYS},
        numerator=present[f"n{i}"],
        denominator=present[f"d{i}"],
    )


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
