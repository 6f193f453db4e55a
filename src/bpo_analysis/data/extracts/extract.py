"""What an extract is and what it is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir

from bpo_analysis.data.views import Sources
from bpo_analysis.kpis import Kpi

__all__ = ["Extract", "Material", "added"]


def added(column: Any) -> Any:
    """Add up a column of whole numbers into a whole number: DuckDB's own sum is too wide for Parquet to keep it one."""
    return column.sum().cast("float64").cast("int64")


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What extracts are made from: checked tables, the views over them, and the dataset's KPIs."""

    sources: Sources
    views: Mapping[str, ir.Table]
    kpis: Mapping[str, Kpi]

    def summed(self, make: Callable[[Material], ir.Table]) -> ir.Table:
        """Return the sums that a function of an extract makes: those of the parts, or of all contacts at once."""
        name = make.__name__
        return self.sources.partials[name] if name in self.sources.partials else make(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """One extract: its name, how it is made, and the columns without which it is not.

    Attributes
    ----------
    needs : mapping of str to tuple of str
        Columns by table, as in :meth:`Sources.has`.
    order : tuple of str
        Columns by which rows are sorted, so that the same data give the same file.
    adds_up : bool
        Made of single contacts alone, and the sum of what their parts give: ``order`` names its keys, all other
        columns are sums.
    looks_ahead : bool
        Adds up, but asks of each contact what the same customer did afterwards.
    by_month : str
        Column of days by whose months the rows are made and kept, where contacts are read in parts; empty: all at once.
    sums : str
        The sums (``data/partials.py``) that rows are made of month by month; empty: those named as the extract.
    days_before, days_after : int
        How far the contacts that a row depends on may lie before and after its own day.
    """

    name: str
    about: str
    make: Callable[[Material], ir.Table]
    needs: Mapping[str, tuple[str, ...]]
    order: tuple[str, ...]
    adds_up: bool = False
    looks_ahead: bool = False
    by_month: str = ""
    sums: str = ""
    days_before: int = 0
    days_after: int = 0

    def possible(self, sources: Sources) -> bool:
        """Whether the dataset has what the extract needs."""
        return all(sources.has(table, *columns) for table, columns in self.needs.items())

    def lacking(self, tables: Mapping[str, frozenset[str]]) -> str:
        """Say what is missing, given the columns that each table of the dataset has values of."""
        gone = [name for name in self.needs if name not in tables]
        if gone:
            return f"{'table' if len(gone) == 1 else 'tables'} {' and '.join(gone)} not in this dataset"
        columns = [f"{name}.{c}" for name, needed in self.needs.items() for c in needed if c not in tables[name]]
        return f"column {', '.join(columns)} has no values in this dataset"
