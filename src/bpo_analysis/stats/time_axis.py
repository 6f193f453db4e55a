"""Where do values lie in time? Order, gaps and dates of the index of a series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

__all__ = ["TimeAxis", "ordered_index", "place_of"]

_LEAST_FILLED = 1 / 3
"""With fewer of its places filled an axis says more about the dates than about what was measured at them."""
_TWO_WEEKS = 14

_Floats = NDArray[np.float64]
_Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Places of values on a regular axis, which periods without a row leave empty.

    Attributes
    ----------
    places : ndarray of int, shape (n,)
        Of every value that is given, from 0 on, rising.
    """

    places: _Ints

    @classmethod
    def of(cls, values: ArrayLike | pd.Series | pd.DataFrame) -> TimeAxis:
        """Read it off the index of dates; other values follow each other without gaps, as do irregular dates."""
        index = ordered_index(values)
        found = _regular(index) if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) and len(index) > 1 else None
        return cls(np.arange(len(np.asarray(values)), dtype=np.intp) if found is None else found)

    @property
    def length(self) -> int:
        """Periods from the first to the last value."""
        return int(self.places[-1]) + 1 if len(self.places) else 0

    def spread_out(self, values: _Floats) -> _Floats:
        """Values (n, ...) at their places, NaN in the gaps."""
        if self.length == len(values):
            return values
        full = np.full((self.length, *values.shape[1:]), np.nan)
        full[self.places] = values
        return full

    def given(self, places: _Ints) -> _Ints:
        """Positions among the values that are given of those at these places."""
        return np.asarray(np.searchsorted(self.places, places), dtype=np.intp)


def ordered_index(values: ArrayLike | pd.Series | pd.DataFrame) -> pd.Index | None:
    """Index of the values, dates as such; ``ValueError`` unless dates rise from each value to the next."""
    if not isinstance(values, pd.Series | pd.DataFrame):
        return None
    index = pd.DatetimeIndex(values.index) if values.index.inferred_type == "date" else values.index
    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        if index.hasnans or not index.is_monotonic_increasing:
            raise ValueError("values must be in order of time: their index does not increase. Sort them by it.")
        if not index.is_unique:
            twice = index[index.duplicated()][0]
            raise ValueError(f"values must be one per period, got several at {twice}; sum or average them first.")
    return index


def place_of(start: Any, index: pd.DatetimeIndex | pd.PeriodIndex, name: str) -> int:
    """Position of the first period that does not lie before a date.

    Parameters
    ----------
    start : date-like
    index : DatetimeIndex or PeriodIndex
    name : str
        Of the argument, for errors.

    Returns
    -------
    int
    """
    try:
        date = pd.Period(start, index.freq) if isinstance(index, pd.PeriodIndex) else pd.Timestamp(start)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a position (int) or a date, got {start!r}.") from error
    if date is pd.NaT or isinstance(start, float | np.floating):
        raise ValueError(f"{name} must be a position (int) or a date, got {start!r}.")
    if isinstance(index, pd.DatetimeIndex) and index.tz is not None and date.tzinfo is None:
        date = date.tz_localize(index.tz)
    if isinstance(index, pd.DatetimeIndex) and index.tz is None and date.tzinfo is not None:
        raise ValueError(f"{name} must be without a time zone, as the dates of values are, got {start!r}.")
    return int((index < date).sum())


def _regular(index: pd.DatetimeIndex | pd.PeriodIndex) -> _Ints | None:
    """Places on the finest regular axis that the dates fit; None where they fit none."""
    if isinstance(index, pd.PeriodIndex):
        steps = _in_steps(np.asarray(index.asi8))
    else:
        dates = index.tz_localize(None)
        same_day = bool((dates.day == dates.day[0]).all() or dates.is_month_end.all())
        if bool((dates != dates.normalize() + (dates[0] - dates[0].normalize())).any()):
            return None  # Times of day that differ.
        if same_day:
            steps = _in_steps(np.asarray(12 * dates.year + dates.month))
        else:
            steps = _in_steps(_days(dates.normalize().to_numpy().astype("datetime64[D]")))
    if steps is None or len(index) < _LEAST_FILLED * (steps[-1] + 1):
        return None
    return steps


def _days(dates: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Days from the first one, without days of the week that never occur in daily values (weekends, Sundays)."""
    days = (dates - dates[0]).astype(np.int64)
    if np.diff(days).min() > 1 or days[-1] < _TWO_WEEKS:
        return np.asarray(days)
    # Day 0 of numpy's calendar was a Thursday.
    mask = np.isin(np.arange(7), (dates.astype(np.int64) + 3) % 7)
    return np.asarray(np.busday_count(dates[0], dates, weekmask=mask.tolist()))


def _in_steps(ordinals: NDArray[np.int64]) -> _Ints | None:
    """Ordinals from the first one in smallest steps; None where a step is not a multiple of the smallest."""
    away = ordinals - ordinals[0]
    smallest = np.diff(away).min()
    if smallest < 1 or (away % smallest).any():
        return None
    return np.asarray(away // smallest, dtype=np.intp)
