"""When did a series change its level, and can the date be believed?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.arguments import as_floats, check_confidence_level
from bpo_analysis.stats.autoregression import (
    FAR_NOTE,
    HIGH_AUTOCORRELATION,
    check_season,
    coefficient_test,
    far_out,
)
from bpo_analysis.stats.change_search import (
    KnownValues,
    autocorrelation_beside,
    detectable_shift,
    find_in_turn,
    likely_dates,
)
from bpo_analysis.stats.result import Result
from bpo_analysis.stats.time_axis import TimeAxis

__all__ = ["ChangesResult", "find_changes"]

MIN_POINTS = 16
MIN_FREEDOM = 10
_SUSPECT = 0.3

_Floats = NDArray[np.float64]
_Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesResult(Result):
    """Changes of level, with an interval for each date.

    Attributes
    ----------
    positions : tuple of int
        First period of each new level, in order of time; empty where no change was found.
    pvalue : float
        Of the first (clearest) change, found or not.
    detectable_shift : float
        A single change of this size in the middle of the series would have been found with a probability of 80 %.
    table : DataFrame
        One row a change, in order of time: position, position_low, position_high (the date's interval), before, after
        (levels), shift, ci_low, ci_high, pvalue. With an index of dates, label, label_low and label_high as well.
    confidence_level : float
    autocorrelation, high_autocorrelation : float
        Of neighbouring values around the levels found; weight of the evidence that it is above 0.8.
    n, n_missing : int
    method, note : str
    """

    positions: tuple[int, ...]
    pvalue: float
    detectable_shift: float
    table: pd.DataFrame
    confidence_level: float
    autocorrelation: float
    high_autocorrelation: float
    n: int
    n_missing: int
    method: str
    note: str

    def summary(self) -> str:
        """Return the changes found, or what could have been."""
        size = f"n = {self.n}"
        if not np.isfinite(self.pvalue):
            return f"Cannot tell whether the level changed: {self.note} ({size})."
        if not self.positions:
            facts = f"{_p(self.pvalue)}, {size}; {self.method}"
            if self.high_autocorrelation > _SUSPECT:
                text = f"Cannot tell whether the level changed ({facts})."
            else:
                text = (
                    f"No change of level found ({facts}). A single change of {_number(self.detectable_shift)} halfway "
                    "would have been found in four of five such series."
                )
        else:
            level = f"{100 * self.confidence_level:g} % interval"
            changes = [_change(row, level) for row in self.table.itertuples()]
            text = f"{' '.join(changes)} ({size}; {self.method}.)"
        return f"{text} {self.note}" if self.note else text


def find_changes(
    values: ArrayLike | pd.Series,
    *,
    max_changes: int = 3,
    trend: bool = False,
    season_length: int | None = None,
    confidence_level: float = 0.95,
) -> ChangesResult:
    """Find dates at which the level of a series changed, when neighbouring values resemble each other.

    Parameters
    ----------
    values : array_like or Series, shape (n,)
        One value per period, in order of time; NaN marks a gap, which stays in its place, and so do dates that a
        regular index of dates leaves out.
    max_changes : int, default 3
        How many changes are looked for at most.
    trend : bool, default False
        Whether a steady trend is taken out; without it a slow trend looks like one or two steps.
    season_length : int, optional
        Periods in a cycle, whose level at each phase is taken out. Needs two cycles.
    confidence_level : float, default 0.95
        Of the dates' intervals; a change is one with a p-value below one minus this level.

    Returns
    -------
    ChangesResult

    Raises
    ------
    InsufficientDataError
        With fewer than 16 values, or fewer than 10 more than trend and season need.

    Notes
    -----
    A step is tried at every date that leaves four values on both sides, for every autocorrelation of a grid. The
    largest share of variance that a step explains is compared with its distribution over all dates tried in series
    without a change, the answers are averaged over the autocorrelation, and what error is left is calibrated for the
    length at hand. Series without a change are called at the nominal rate up to an autocorrelation of 0.8; see
    docs/validation.md, also for Pettitt's test and ruptures, which call 14 to 56 % of such series.

    After a change has been found the next is looked for beside it. Dates get the shortest run of dates that holds the
    asked share of the likelihood. The size of a change is that at the best date, and so a little too large on average
    where the change is hardly visible.

    Cannot tell a change from a drift near a unit root; ``note`` says when that must be feared. Changes that are taken
    back, however large (a level up by ten standard deviations for the middle third), look like such a drift to a search
    that begins with one step, and are mostly not found: ``summary`` then opens with "Cannot tell". A single value far
    from all others hides the autocorrelation, and up to 9 % of such series are called; ``note`` names it.

    References
    ----------
    .. [1] Andrews, D. W. K. (1993). Tests for parameter instability and structural change with unknown change point.
       Econometrica 61.

    Examples
    --------
    >>> rng = np.random.default_rng(4)
    >>> result = find_changes(np.r_[rng.normal(80, 1, 30), rng.normal(83, 1, 22)])
    >>> result.positions
    (30,)
    """
    check_confidence_level(confidence_level)
    _check_max_changes(max_changes)
    axis = TimeAxis.of(values)
    series = as_floats(values)
    if series.ndim != 1:
        raise ValueError(f"values must be 1-D, got shape {series.shape}.")
    if np.isinf(series).any():
        raise ValueError("values must be finite or NaN, got an infinite value.")
    index = values.index if isinstance(values, pd.Series) and not isinstance(values.index, pd.RangeIndex) else None
    series = axis.spread_out(series)
    present = np.flatnonzero(np.isfinite(series))
    _check_size(present, trend=trend, season_length=season_length)
    known = KnownValues(series[present], present, trend=trend, season_length=season_length)
    build = partial(
        ChangesResult,
        confidence_level=confidence_level,
        n=len(present),
        n_missing=len(series) - len(present),
        method=_method(trend=trend, season_length=season_length),
    )
    if known.is_exact([]):
        return build(
            positions=(),
            pvalue=float("nan"),
            detectable_shift=float("nan"),
            table=_table([], index),
            autocorrelation=float("nan"),
            high_autocorrelation=float("nan"),
            note="there is no variation to judge it by",
        )

    level = 1 - confidence_level
    pvalue, breaks, pvalues = find_in_turn(known, max_changes, level)
    rows = _describe(known, breaks, pvalues, confidence_level)
    for row in rows:  # Positions among the values given; all of them have a value.
        row.update({name: axis.given(np.array([row[name]]))[0] for name in _POSITIONS})
    table = _table(rows, index)
    rho, high = autocorrelation_beside(known, breaks)
    return build(
        positions=tuple(int(p) for p in table["position"]),
        pvalue=pvalue,
        detectable_shift=detectable_shift(known, max_changes, level),
        table=table,
        autocorrelation=rho,
        high_autocorrelation=high,
        note=_note(known, breaks, high, axis),
    )


_POSITIONS = ["position", "position_low", "position_high"]
_COLUMNS = [*_POSITIONS, "before", "after", "shift", "ci_low", "ci_high", "pvalue"]
_DRIFT = (
    "Neighbouring values resemble each other so much (autocorrelation probably above "
    f"{HIGH_AUTOCORRELATION:g}) that a change of level and a drift cannot be told apart."
)


def _note(values: KnownValues, breaks: list[int], high: float, axis: TimeAxis) -> str:
    model = values.model(breaks)
    far = far_out(values.known - model @ np.linalg.lstsq(model, values.known, rcond=None)[0])
    notes = [_DRIFT] if high > _SUSPECT else []
    notes += [] if far is None else [FAR_NOTE.format(axis.given(values.present[[far]])[0])]
    return " ".join(notes)


def _check_max_changes(max_changes: int) -> None:
    if isinstance(max_changes, bool) or not isinstance(max_changes, int | np.integer):
        raise TypeError(f"max_changes must be a whole number, got {max_changes!r}.")
    if max_changes < 1:
        raise ValueError(f"max_changes must be at least 1, got {max_changes!r}.")


def _table(rows: list[dict[str, float]], index: pd.Index | None) -> pd.DataFrame:
    """Rows as a frame, with the same columns and types whether there are any or not."""
    columns: dict[str, Any] = {
        name: np.array([row[name] for row in rows], dtype=int if name in _POSITIONS else float) for name in _COLUMNS
    }
    if index is not None:
        columns |= {name.replace("position", "label"): index[columns[name]] for name in _POSITIONS}
    return pd.DataFrame(columns)


def _describe(
    values: KnownValues, breaks: list[int], pvalues: list[float], confidence_level: float
) -> list[dict[str, float]]:
    """One row a change, in order of time."""
    order = np.argsort(breaks)
    breaks = [breaks[i] for i in order]
    model, reference = values.model(breaks), values.reference(breaks)
    edges = [0, *breaks, values.n]
    rows = []
    for i, place in enumerate(breaks):
        column = model.shape[1] - len(breaks) + i
        test = coefficient_test(
            values.row,
            model,
            column,
            positions=values.present,
            reference=reference,
            confidence_level=confidence_level,
        )
        shift = test.estimate[0]
        if np.isnan(shift):  # An exact fit has a size, but no interval.
            shift = np.linalg.lstsq(model, values.known, rcond=None)[0][column]
        candidates, likelihood = likely_dates(values, breaks, i)
        low, high = _shortest(likelihood, confidence_level)
        row = {
            "position": values.present[place],
            "position_low": values.present[candidates[low]],
            "position_high": values.present[candidates[high]],
            "before": values.known[edges[i] : place].mean(),
            "after": values.known[place : edges[i + 2]].mean(),
            "shift": shift,
            "ci_low": test.ci_low[0],
            "ci_high": test.ci_high[0],
            "pvalue": pvalues[order[i]],
        }
        rows.append(row)
    return rows


def _shortest(dates: _Floats, confidence_level: float) -> tuple[int, int]:
    """First and last of the shortest run of dates that holds this share of the likelihood."""
    total = np.r_[0.0, np.cumsum(dates)]
    last = np.searchsorted(total, total[:-1] + confidence_level * total[-1] - 1e-12)
    length = np.where(last < len(total), last - np.arange(len(dates)), len(total))
    first = int(length.argmin())
    return first, int(last[first]) - 1


def _check_size(present: _Ints, *, trend: bool, season_length: int | None) -> None:
    if len(present) < MIN_POINTS:
        raise InsufficientDataError("find_changes", needed=MIN_POINTS, got=len(present), unit="values")
    columns = 1 + trend
    if season_length is not None:
        check_season(season_length, present, "find_changes")
        columns += len(np.unique(present % season_length)) - 1
    if len(present) < columns + 1 + MIN_FREEDOM:
        raise InsufficientDataError("find_changes", needed=columns + 1 + MIN_FREEDOM, got=len(present), unit="values")


def _method(*, trend: bool, season_length: int | None) -> str:
    parts = ["clearest change over all dates, AR(1) errors averaged over the autocorrelation"]
    parts += ["trend taken out"] * trend + [f"season of {season_length} taken out"] * (season_length is not None)
    return ", ".join(parts)


def _change(row: Any, level: str) -> str:
    """One change in words."""
    shift = f"{'rose' if row.shift > 0 else 'fell'} by {_number(abs(row.shift))}"
    if np.isfinite(row.ci_low):
        ends = sorted((row.ci_low, row.ci_high)) if row.shift > 0 else sorted((-row.ci_low, -row.ci_high))
        shift += f" ({level} {_number(ends[0])} to {_number(ends[1])})"
    first, last = _place(row, "_low"), _place(row, "_high")
    dates = f"{level} {first} to {last}" if first != last else f"{level}: no other date"
    what = "" if hasattr(row, "label") else "position "
    return (
        f"The level {shift} at {what}{_place(row, '')} ({dates}), {_p(row.pvalue)}: mean {_number(row.before)} before, "
        f"{_number(row.after)} after."
    )


def _place(row: Any, end: str) -> str:
    label = getattr(row, f"label{end}", None)
    if label is None:
        return f"{getattr(row, f'position{end}'):.0f}"
    return f"{label:%Y-%m-%d}" if isinstance(label, pd.Timestamp) else str(label)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _p(pvalue: float) -> str:
    return f"p = {pvalue:.2g}" if pvalue >= 0.001 else "p < 0.001"
