"""Did a series change its level when something was changed, and is it more than it would have done by itself?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.arguments import Alternative, as_floats, check_alternative, check_confidence_level
from bpo_analysis.stats.autoregression import (
    FAR_NOTE,
    HIGH_AUTOCORRELATION,
    check_season,
    coefficient_test,
    far_out,
    season_columns,
)
from bpo_analysis.stats.result import Result
from bpo_analysis.stats.time_axis import ordered_index, place_of
from bpo_analysis.stats.trend import detect_trend

__all__ = ["BeforeAfterResult", "before_after"]

MIN_BEFORE = 8
MIN_AFTER = 2
MIN_FREEDOM = 8
_SPELL = 4
"""Values just before the start that are looked at for a bad spell."""
_UNUSUAL = 1.0
"""Standard deviations of such a spell's mean from which on a return to the usual level is warned of."""
_SUSPECT = 0.3
_TREND_LEVEL = 0.1
_EFFECT = 1

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeAfterResult(Result):
    """A change of level at a known date.

    Attributes
    ----------
    estimate, ci_low, ci_high : float
        Level after the start less level before, in the units of the values (of their difference to the control).
    confidence_level : float
    pvalue : float
    alternative : str
    detectable_effect : float
        A change of this size would have been found with a probability of 80 %.
    before, after : float
        Mean values of the series before and from the start, over the periods that are used. Their difference is not
        the estimate where trend, season or a control are taken out.
    control_before, control_after : float
        The same of the control; NaN without one.
    autocorrelation, high_autocorrelation : float
        As in ``TrendResult``.
    spell : float
        How unusual the last four values before the start were beside trend and season, in standard deviations of the
        mean of so many; NaN where too few are there to tell.
    n_before, n_after, n_missing : int
    method : str
    warnings : tuple of str
        What must be said beside the estimate: a bad spell before the start, a trend before it, a wild value, drift.
    """

    estimate: float
    ci_low: float
    ci_high: float
    confidence_level: float
    pvalue: float
    alternative: Alternative
    detectable_effect: float
    before: float
    after: float
    control_before: float
    control_after: float
    autocorrelation: float
    high_autocorrelation: float
    spell: float
    n_before: int
    n_after: int
    n_missing: int
    method: str
    warnings: tuple[str, ...]

    def summary(self) -> str:
        """Return the change, its interval, the means it comes from, and the warnings."""
        size = f"n = {self.n_before} before and {self.n_after} after; {self.method}"
        controlled = np.isfinite(self.control_before)
        means = f"mean {_number(self.before)} before and {_number(self.after)} after"
        if controlled:
            means += f", of the control {_number(self.control_before)} and {_number(self.control_after)}"
        if not np.isfinite(self.pvalue):
            text = f"Cannot tell whether the level changed: there is no variation to judge it by ({means}; {size})."
            return " ".join([text, *self.warnings])
        facts = (
            f"{_number(self.estimate, '+')}{' against the control' if controlled else ''}, "
            f"{100 * self.confidence_level:g} % interval {_limits(self.ci_low, self.ci_high)}, "
            f"{_p(self.pvalue)}; {means} ({size})"
        )
        if self.pvalue < 1 - self.confidence_level:
            text = f"The level {'rose' if self.estimate > 0 else 'fell'}: {facts}."
        else:
            sought = {"two-sided": "change of level", "greater": "rise", "less": "fall"}[self.alternative]
            text = (
                f"No {sought} found: {facts}. A {sought.split()[0]} of {_number(self.detectable_effect)} would have "
                "been found in four of five such series."
            )
        return " ".join([text, *self.warnings])


def before_after(
    values: ArrayLike | pd.Series,
    start: Any,
    *,
    control: ArrayLike | pd.Series | None = None,
    trend: bool = False,
    season_length: int | None = None,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> BeforeAfterResult:
    """Estimate the change of level of one series at a known date, with or without a control.

    Parameters
    ----------
    values : array_like or Series, shape (n,)
        One value per period, in order of time; NaN marks a gap, which stays in its place.
    start : int or label
        First period of the new state: its position, or, for a Series whose index is not of integers, its label (a date
        is the first period that does not lie before it).
    control : array_like or Series, shape (n,), optional
        A series that was not changed and shares what else moved the first: another partner, another site. The change is
        then that of the difference. Two Series are matched by their index; periods that either lacks are missing.
    trend : bool, default False
        Whether the series had a steady trend that went on; without a control this is the only guard against one. It
        leans on the last weeks: where these were bad, and the reason to start, 8 instead of 5 % of series without a
        change are called.
    season_length : int, optional
        Periods in a cycle, whose level at each phase is taken out. Needs two cycles.
    alternative : {"two-sided", "less", "greater"}
    confidence_level : float, default 0.95

    Returns
    -------
    BeforeAfterResult

    Raises
    ------
    InsufficientDataError
        With fewer than 8 values before the start or 2 from it, fewer than 8 more than trend and season need, or where
        trend and season can make up a step at the start themselves (two cycles, one on each side).

    Notes
    -----
    Regression on a step with AR(1) errors, averaged over the autocorrelation and calibrated for the lengths at hand
    (see ``autoregression.coefficient_test``). The whole baseline is the comparison, not its last weeks: a start that
    followed a bad spell does then little harm, and is warned of.

    Cannot tell a change of the partner from anything else that came at the same date; a control can. A drift that goes
    on is taken for a change unless ``trend`` or a control takes it out; a trend before the start is warned of.

    Welch's test on the weeks calls 14 to 32 % of series without a change at autocorrelations of 0.3 and 0.6: see
    docs/deviations.md.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> weeks = np.r_[rng.normal(80, 2, 26), rng.normal(84, 2, 8)]
    >>> result = before_after(weeks, 26)
    >>> round(result.estimate, 1), result.pvalue < 0.01
    (4.7, True)
    """
    check_alternative(alternative)
    check_confidence_level(confidence_level)
    series = as_floats(values)
    if series.ndim != 1:
        raise ValueError(f"values must be 1-D, got shape {series.shape}.")
    beside = _aligned(control, values, series)
    first = _position(start, values, len(series))
    judged = series if beside is None else series - beside
    if np.isinf(judged).any():
        raise ValueError("values and control must be finite or NaN, got an infinite value.")
    present = np.flatnonzero(np.isfinite(judged))
    n_before, n_after = int((present < first).sum()), int((present >= first).sum())
    _check_size(present, n_before, n_after, trend=trend, season_length=season_length)

    design = _design(present, first, trend=trend, season_length=season_length)
    _check_separable(design, trend=trend, season_length=season_length)
    places = _design(np.arange(len(present)), n_before, trend=trend, season_length=season_length)
    test = coefficient_test(
        judged[None, present],
        design,
        _EFFECT,
        positions=present,
        reference=places if places.shape == design.shape else None,
        alternative=alternative,
        confidence_level=confidence_level,
    )
    fitted = np.linalg.lstsq(design, judged[present], rcond=None)[0]
    estimate = float(test.estimate[0])
    if np.isnan(estimate):  # An exact fit has a size, but no interval.
        estimate = float(fitted[_EFFECT])
    steady = judged[present] - design[:, _EFFECT + 1 :] @ fitted[_EFFECT + 1 :]
    spell = _spell(steady[present < first], present[present < first], float(test.autocorrelation[0]))
    used = present < first
    far = far_out(judged[present] - design @ fitted)
    return BeforeAfterResult(
        estimate=estimate,
        ci_low=float(test.ci_low[0]),
        ci_high=float(test.ci_high[0]),
        confidence_level=confidence_level,
        pvalue=float(test.pvalue[0]),
        alternative=alternative,
        detectable_effect=float(test.detectable[0]),
        before=float(series[present][used].mean()),
        after=float(series[present][~used].mean()),
        control_before=float("nan") if beside is None else float(beside[present][used].mean()),
        control_after=float("nan") if beside is None else float(beside[present][~used].mean()),
        autocorrelation=float(test.autocorrelation[0]),
        high_autocorrelation=float(test.high_autocorrelation[0]),
        spell=spell,
        n_before=n_before,
        n_after=n_after,
        n_missing=len(series) - len(present),
        method=_method(control=beside is not None, trend=trend, season_length=season_length),
        warnings=_warnings(
            spell,
            estimate,
            float(test.high_autocorrelation[0]),
            moving=not trend and _had_trend(judged[:first], season_length),
            far=None if far is None else int(present[far]),
        ),
    )


def _aligned(control: ArrayLike | pd.Series | None, values: ArrayLike | pd.Series, series: _Floats) -> _Floats | None:
    if control is None:
        return None
    if isinstance(control, pd.Series) and isinstance(values, pd.Series):
        if not control.index.is_unique or not values.index.is_unique:
            raise ValueError("values and control are matched by their index, which has repeated labels.")
        matched = control.reindex(values.index)
        if matched.isna().all():
            raise ValueError("control has no value at any label of values; its index must be that of values.")
        control = matched
    beside = as_floats(control, "control")
    if beside.shape != series.shape:
        raise ValueError(f"control must have the shape of values, {series.shape}, got {beside.shape}.")
    return beside


def _position(start: Any, values: ArrayLike | pd.Series, n: int) -> int:
    """Place of the first period from the start."""
    index = ordered_index(values)
    if isinstance(start, int | np.integer) and not isinstance(start, bool):
        position = int(start)
    elif index is not None and not pd.api.types.is_integer_dtype(index):
        position = _place_of(start, index)
    else:
        raise TypeError(f"start must be a position (int) where values have no index of dates, got {start!r}.")
    if not 0 < position < n:
        known = index is not None and position in index
        hint = f" Numbers are positions, not labels; this label is at position {_at(start, index)}." if known else ""
        raise ValueError(f"start must lie inside the series of {n} periods, got {start!r} (position {position}).{hint}")
    return position


def _at(label: Any, index: pd.Index | None) -> int:
    return int(np.flatnonzero(index == label)[0])


def _place_of(start: Any, index: pd.Index) -> int:
    """First period that does not lie before a date; of other labels, the one that is named."""
    if not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        if start not in index:
            raise ValueError(f"start must be a position (int) or a label of values, got {start!r}.")
        return _at(start, index)
    return place_of(start, index, "start")


def _check_size(
    present: NDArray[np.intp], n_before: int, n_after: int, *, trend: bool, season_length: int | None
) -> None:
    if n_before < MIN_BEFORE:
        raise InsufficientDataError("before_after", needed=MIN_BEFORE, got=n_before, unit="values before the start")
    if n_after < MIN_AFTER:
        raise InsufficientDataError("before_after", needed=MIN_AFTER, got=n_after, unit="values from the start")
    columns = 2 + trend
    if season_length is not None:
        check_season(season_length, present, "before_after")
        columns += len(np.unique(present % season_length)) - 1
    if len(present) < columns + MIN_FREEDOM:
        raise InsufficientDataError("before_after", needed=columns + MIN_FREEDOM, got=len(present), unit="values")


def _check_separable(design: _Floats, *, trend: bool, season_length: int | None) -> None:
    """Refuse a start at which trend and season, between gaps, can make up the step themselves."""
    if np.linalg.matrix_rank(design) == design.shape[1]:
        return
    taken = " and ".join(["a trend"] * trend + [f"a season of {season_length}"] * (season_length is not None))
    raise InsufficientDataError(
        f"before_after with {taken}",
        needed=1,
        got=0,
        unit="phase of the season with enough values on both sides of the start",
    )


def _design(positions: NDArray[np.intp], first: int, *, trend: bool, season_length: int | None) -> _Floats:
    columns = [np.ones(len(positions)), (positions >= first).astype(float)]
    if trend:
        columns.append(positions - positions.mean())
    if season_length is not None:
        columns += list(season_columns(positions, season_length).T)
    return np.column_stack(columns)


def _spell(baseline: _Floats, places: NDArray[np.intp], autocorrelation: float) -> float:
    """Mean of the last values before the start, in standard deviations of such means around the earlier ones."""
    last, earlier = baseline[-_SPELL:], baseline[:-_SPELL]
    if len(earlier) < _SPELL or np.isnan(autocorrelation):
        return float("nan")
    lags = np.abs(np.subtract.outer(places[-_SPELL:], places[-_SPELL:]))
    share = float((np.clip(autocorrelation, 0, 0.98) ** lags).mean())
    spread = float(earlier.std(ddof=1)) * np.sqrt(share)
    return float((last.mean() - earlier.mean()) / spread) if spread > 0 else float("nan")


def _warnings(spell: float, estimate: float, high: float, *, moving: bool, far: int | None) -> tuple[str, ...]:
    found = []
    if abs(spell) > _UNUSUAL and spell * estimate < 0:
        state, way = ("low", "rise") if spell < 0 else ("high", "fall")
        found.append(
            f"The last {_SPELL} values before the start were unusually {state}; if that was the reason to start, part "
            f"of a {way} would have come by itself (regression to the mean), and a comparison with these values alone "
            "would show too much."
        )
    if moving:
        found.append(
            "The series was already moving before the start; part of the change may be that movement going on (take it "
            "out with trend=True, or compare with a control)."
        )
    if far is not None:
        found.append(FAR_NOTE.format(far))
    if high > _SUSPECT:
        found.append(
            "Neighbouring values resemble each other so much (autocorrelation probably above "
            f"{HIGH_AUTOCORRELATION:g}) that a change and a drift cannot be told apart."
        )
    return tuple(found)


def _had_trend(baseline: _Floats, season_length: int | None) -> bool:
    try:
        result = detect_trend(baseline, season_length=season_length)
    except InsufficientDataError:
        return False  # Too short to see one; nothing is claimed about it.
    return bool(result.pvalue < _TREND_LEVEL)


def _method(*, control: bool, trend: bool, season_length: int | None) -> str:
    parts = ["step with AR(1) errors, averaged over the autocorrelation"]
    parts += ["difference to a control"] * control + ["trend taken out"] * trend
    parts += [f"season of {season_length} taken out"] * (season_length is not None)
    return ", ".join(parts)


def _limits(low: float, high: float) -> str:
    if np.isfinite(low) and np.isfinite(high):
        return f"{_number(low)} to {_number(high)}"
    return f"{_number(low)} or more" if np.isfinite(low) else f"{_number(high)} or less"


def _number(value: float, sign: str = "") -> str:
    return f"{value:{sign},.0f}" if abs(value) >= 1000 else f"{value:{sign}.3g}"


def _p(pvalue: float) -> str:
    return f"p = {pvalue:.2g}" if pvalue >= 0.001 else "p < 0.001"
