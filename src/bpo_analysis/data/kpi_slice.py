"""One partner's part of the KPI table in arrays, for pages that ask it thousands of questions.

A page pools some three thousand stretches of days. In pandas each costs more for its bookkeeping than for its sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bpo_analysis.data.parquet import as_text

__all__ = ["DaySums", "KpiSlice"]

_Floats = NDArray[np.float64]
_Codes = NDArray[np.int32]
_EPOCH = date(1970, 1, 1).toordinal()
_ABSENT, _UNKNOWN = -1, -2
"""Codes of a missing value of a dimension, and of one that the slice does not have."""


@dataclass(frozen=True)
class DaySums:
    """Sums of a KPI by day, in order of time; days without rows are absent.

    Attributes
    ----------
    days : ndarray of datetime64[D], shape (n_days,)
    numerator, denominator : ndarray of float, shape (n_days,)
    """

    days: NDArray[np.datetime64]
    numerator: _Floats
    denominator: _Floats

    def __len__(self) -> int:
        return len(self.days)

    def between(self, start: date, end: date) -> DaySums:
        """Return the days from start to end, both included."""
        first, last = self._at(start), self._at(end, after=True)
        return DaySums(self.days[first:last], self.numerator[first:last], self.denominator[first:last])

    def last(self, count: int) -> DaySums:
        """Return the last ``count`` days."""
        first = max(0, len(self) - count)
        return DaySums(self.days[first:], self.numerator[first:], self.denominator[first:])

    def _at(self, day: date, *, after: bool = False) -> int:
        return int(self._ordinals.searchsorted(day.toordinal() - _EPOCH, side="right" if after else "left"))

    @cached_property
    def _ordinals(self) -> NDArray[np.int64]:
        return self.days.astype(np.int64)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The sums as a table: index date, columns numerator and denominator."""
        index = pd.DatetimeIndex(self.days, name="date").as_unit("s")
        return pd.DataFrame({"numerator": self.numerator, "denominator": self.denominator}, index=index)


class KpiSlice(Mapping[str, pd.DataFrame]):
    """Rows of the KPI table by KPI, as tables made when they are asked for, and their sums by day.

    Parameters
    ----------
    table : pyarrow.Table
        Rows of the KPI table whose texts are dictionaries.
    """

    def __init__(self, table: pa.Table) -> None:
        codes, names = _coded(table["kpi"])
        # The table stands sorted by KPI apart from the seams of files, so a stable sort is nearly free.
        order = np.argsort(codes, kind="stable")
        if (order[1:] < order[:-1]).any():
            table = table.take(pa.array(order))
            codes = codes[order]
        starts = np.searchsorted(codes, np.arange(len(names) + 1))
        spans = {name: (int(a), int(b)) for name, a, b in zip(names, starts[:-1], starts[1:], strict=True) if b > a}
        self._spans = dict(sorted(spans.items()))
        self._table = table
        self._days: NDArray[np.int32] = table["date"].cast(pa.int32()).to_numpy()
        self._sums = (
            np.nan_to_num(table["numerator"].to_numpy(), nan=0.0),
            np.nan_to_num(table["denominator"].to_numpy(), nan=0.0),
        )
        self._dimensions: dict[str, tuple[_Codes, dict[str, int]]] = {}
        self._made: dict[str, pd.DataFrame] = {}

    def __getitem__(self, kpi: str) -> pd.DataFrame:
        """Return the rows of a KPI: columns of the KPI table, date as a timestamp."""
        if kpi not in self._made:
            first, last = self._spans[kpi]
            part = self._table.slice(first, last - first)
            plain = {name: as_text(part[name]) for name in part.column_names}
            frame = pa.table(plain).to_pandas()
            frame["date"] = pd.to_datetime(frame["date"])
            self._made[kpi] = frame
        # A caller that adds a column must not change what the next one reads.
        return self._made[kpi].copy(deep=False)

    def __iter__(self) -> Iterator[str]:
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)

    def __contains__(self, kpi: object) -> bool:
        return kpi in self._spans

    def by_day(self, kpi: str, where: Mapping[str, str]) -> DaySums:
        """Return the sums by day of a KPI, or of a slice of it given by dimension."""
        first, last = self._spans.get(kpi, (0, 0))
        chosen: slice | NDArray[np.int64] = slice(first, last)
        if where:
            hit = np.ones(last - first, dtype=bool)
            for dimension, value in where.items():
                codes, known = self._dimension(dimension)
                hit &= codes[first:last] == known.get(value, _UNKNOWN)
            chosen = first + np.flatnonzero(hit)
        return _by_day(self._days[chosen], *(values[chosen] for values in self._sums))

    def by_value(self, kpi: str, dimension: str, start: date, end: date) -> dict[str, float]:
        """Return the denominators of the days from start to end, added up for each value of a dimension they have."""
        first, last = self._spans.get(kpi, (0, 0))
        days = self._days[first:last]
        codes, known = self._dimension(dimension)
        inside = (days >= start.toordinal() - _EPOCH) & (days <= end.toordinal() - _EPOCH)
        of_rows = codes[first:last][inside]
        present = of_rows != _ABSENT
        sums = np.bincount(of_rows[present], self._sums[1][first:last][inside][present], minlength=len(known))
        met = set(np.unique(of_rows[present]).tolist())
        return {value: float(sums[code]) for value, code in known.items() if code in met}

    def _dimension(self, name: str) -> tuple[_Codes, dict[str, int]]:
        if name not in self._dimensions:
            codes, names = _coded(self._table[name])
            self._dimensions[name] = codes, {value: code for code, value in enumerate(names)}
        return self._dimensions[name]


def _by_day(ordinals: NDArray[np.int32], numerator: _Floats, denominator: _Floats) -> DaySums:
    if not len(ordinals):
        nothing = np.zeros(0)
        return DaySums(np.zeros(0, dtype="datetime64[D]"), nothing, nothing)
    earliest = int(ordinals.min())
    place = ordinals - earliest
    present = np.flatnonzero(np.bincount(place))
    return DaySums(
        (earliest + present).astype("datetime64[D]"),
        np.asarray(np.bincount(place, weights=numerator)[present], dtype=float),
        np.asarray(np.bincount(place, weights=denominator)[present], dtype=float),
    )


def _coded(column: pa.ChunkedArray) -> tuple[_Codes, list[str]]:
    """Codes of a dictionary column, -1 where it is missing, and the names they stand for."""
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0)
    codes = pc.fill_null(whole.indices, _ABSENT).to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    return codes, whole.dictionary.to_pylist()
