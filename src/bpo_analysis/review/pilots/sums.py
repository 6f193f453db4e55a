"""Rows of one KPI of a pilot as arrays, so that any window is summed in no time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["DIMENSIONS", "RowSums", "row_sums", "usual_step"]

DIMENSIONS = ("channel", "product", "category", "site", "shift")
_Floats = NDArray[np.float64]
_Mask = NDArray[np.bool_]
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class RowSums:
    """Rows of one KPI as arrays, in the KPI's unit."""

    unit: NDArray[np.intp]
    day: NDArray[np.int64]
    treated: NDArray[np.intp]
    numerator: _Floats
    denominator: _Floats
    squares: _Floats
    slices: Mapping[str, NDArray[np.object_]]

    def within(self, start: date, end: date, where: Mapping[str, str] | None = None) -> _Mask:
        """Rows from one day to another, both included, in a slice."""
        chosen = (self.day >= start.toordinal()) & (self.day <= end.toordinal())
        for dimension, value in (where or {}).items():
            chosen &= self.slices[dimension] == value
        return chosen


def row_sums(rows: pd.DataFrame, units: pd.Index, scale: float) -> RowSums:
    """Turn the rows of one KPI into arrays; numerators times ``scale``.

    Parameters
    ----------
    rows : DataFrame
        unit, date, arm_treated, numerator, denominator; optionally squares and slices.
    units : Index
        Names that the codes in ``unit`` are places of.
    scale : float
    """
    squares = rows["squares"] if "squares" in rows else pd.Series(np.nan, index=rows.index)
    return RowSums(
        unit=units.get_indexer(rows["unit"]),
        day=rows["date"].to_numpy().astype("datetime64[D]").astype(np.int64) + _EPOCH,
        treated=np.asarray(rows["arm_treated"].map({"pilot": 0, "baseline": 1}).fillna(2), dtype=np.intp),
        numerator=scale * rows["numerator"].to_numpy(float),
        denominator=rows["denominator"].to_numpy(float),
        squares=squares.to_numpy(float),
        slices={name: rows[name].to_numpy(object) for name in DIMENSIONS if name in rows},
    )


def usual_step(dates: pd.Series) -> float:
    """Days between the usual dates of rows: 1, 7, 28 to 31."""
    days = np.unique(dates.to_numpy().astype("datetime64[D]").astype(np.int64))
    return float(np.median(np.diff(days))) if len(days) > 1 else 1.0
