"""Does a series go anywhere, or does it only wander?"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.arguments import (
    Alternative,
    NanPolicy,
    as_floats,
    check_alternative,
    check_confidence_level,
    check_nan_policy,
)
from bpo_analysis.stats.autoregression import HIGH_AUTOCORRELATION, check_season, coefficient_test, season_columns
from bpo_analysis.stats.result import Result
from bpo_analysis.stats.time_axis import TimeAxis

if TYPE_CHECKING:
    from bpo_analysis.stats.mann_kendall import MannKendallResult

__all__ = [
    "DRIFT_NOTE",
    "MIN_FREEDOM",
    "MIN_POINTS",
    "SUSPECT",
    "TrendResult",
    "detect_trend",
    "detect_trends",
    "trend_in_words",
]

MIN_POINTS = 12
MIN_FREEDOM = 8
"""Points to be left when level, slope and season have been taken out: with fewer the autocorrelation is a guess."""
SUSPECT = 0.3
"""Weight of the evidence for a high autocorrelation from which on a trend cannot be told from drift."""
DRIFT_NOTE = (
    f"Neighbouring values resemble each other so much (autocorrelation probably above {HIGH_AUTOCORRELATION:g}) that a "
    "trend and a drift that may turn cannot be told apart."
)
_SLOPE = 1
_EXACT = 1e-10
_SMALLEST_PVALUE = 1e-4
_LARGE_EXPONENT = 300
"""Of two: squares of so large values, summed and multiplied, are no longer safe."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendResult(Result):
    """A linear trend, with what is not known about it.

    Attributes
    ----------
    slope_per_period, ci_low, ci_high : float
        Change from one period to the next, and its confidence limits.
    confidence_level : float
    pvalue : float
        Of a slope of nought. NaN where it cannot be computed; ``note`` says why.
    alternative : str
    detectable_slope : float
        A slope of this size would have been found with a probability of about 80 % (65 to 75 % with fewer than 24
        values).
    autocorrelation : float
        Of neighbouring values around trend and season.
    high_autocorrelation : float
        Weight of the evidence (0 to 1) that this autocorrelation is above 0.8, where drift looks like a trend.
    n, n_missing : int
        Values, and gaps on the time axis between and around them.
    season_length : int or None
    method : str
    note : str
        What must be known beside the numbers: drift, too little data, no noise. Otherwise empty.
    """

    slope_per_period: float
    ci_low: float
    ci_high: float
    confidence_level: float
    pvalue: float
    alternative: Alternative
    detectable_slope: float
    autocorrelation: float
    high_autocorrelation: float
    n: int
    n_missing: int
    season_length: int | None
    method: str
    note: str

    def summary(self) -> str:
        """Return what can be said about a trend in one to three sentences."""
        return trend_in_words(self, "slope", self.slope_per_period, rising=self.slope_per_period > 0)


def trend_in_words(result: TrendResult | MannKendallResult, name: str, slope: float, *, rising: bool) -> str:
    """Say what a test for a trend has found, or what it could have found.

    Parameters
    ----------
    result : TrendResult or MannKendallResult
    name : str
        What kind of slope it has.
    slope : float
    rising : bool
        Which way the test says; the median slope of values with many ties can be nought.

    Returns
    -------
    str
        One to three sentences.
    """
    if not np.isfinite(result.pvalue):
        return f"Cannot tell whether there is a trend: {result.note} (n = {result.n})."
    sought = {"two-sided": "trend", "greater": "rise", "less": "fall"}[result.alternative]
    one_sided = "" if result.alternative == "two-sided" else "one-sided "
    small = result.pvalue < _SMALLEST_PVALUE
    facts = (
        f"{name} {slope:+.3g} per period, {100 * result.confidence_level:g} % interval "
        f"{_limits(result.ci_low, result.ci_high)}, {one_sided}p "
        f"{f'< {_SMALLEST_PVALUE:.4f}' if small else f'= {result.pvalue:.2g}'}, n = {result.n}; {result.method}"
    )
    if result.pvalue < 1 - result.confidence_level:
        text = f"{'Rising' if rising else 'Falling'}: {facts}."
    elif np.isfinite(result.detectable_slope):
        text = (
            f"No {sought} found: {facts}. A {'slope' if sought == 'trend' else sought} of "
            f"{result.detectable_slope:.2g} per period would have been found in four of five such series."
        )
    elif np.isnan(result.detectable_slope):  # So many ties that no size can be told; the note says it.
        text = f"No {sought} found: {facts}."
    else:
        text = f"No {sought} found: {facts}. So few values cannot show a slope of any size reliably."
    return f"{text} {result.note}" if result.note else text


def _limits(low: float, high: float) -> str:
    if np.isfinite(low) and np.isfinite(high):
        return f"{low:.3g} to {high:.3g}"
    if np.isfinite(low):
        return f"{low:.3g} or more"
    return f"{high:.3g} or less" if np.isfinite(high) else "without limits"


def detect_trend(
    values: ArrayLike,
    *,
    season_length: int | None = None,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
    nan_policy: NanPolicy = "omit",
) -> TrendResult:
    """Test a series for a linear trend, when neighbouring values resemble each other.

    Parameters
    ----------
    values : array_like, shape (n,)
        One value per period, in order of time. NaN marks a gap, which stays in its place, and so do dates that a
        regular index of dates leaves out.
    season_length : int, optional
        Periods in a cycle (7 for days of the week, 12 for months of the year); its level at each phase is taken out,
        and paid for in degrees of freedom. Needs two cycles.
    alternative : {"two-sided", "less", "greater"}
        "greater": rising.
    confidence_level : float, default 0.95
    nan_policy : {"omit", "raise", "propagate"}

    Returns
    -------
    TrendResult

    Raises
    ------
    InsufficientDataError
        With fewer than 12 values, fewer than 8 more than the season needs, or less than two cycles of the season.

    Notes
    -----
    Regression on time with AR(1) errors, averaged over the autocorrelation and calibrated for the length and season at
    hand (see ``autoregression.coefficient_test``). Without a trend 3.5 to 6 % of series are called at a level of 5 %
    for autocorrelations of 0 to 0.8, and 5 to 8 % at 0.9; conservative (2 to 3 %) where the noise is a moving
    average, or where a wild value drowns what there is (see ``mann_kendall``, the twin by ranks). Noise that wanders
    without returning is not told from a trend by any test; ``high_autocorrelation`` and ``note`` say where that must be
    feared. They cannot where a level that wanders lies under as much white noise, as in small volumes: 14 to 37 % of
    such series are called, most of them without a note. A step also has a slope: see ``find_changes``. The measured
    rates are in docs/validation.md.

    The usual tests call trendless series with an autocorrelation of 0.3 in 13 % of cases (Mann-Kendall), 16 %
    (Hamed-Rao) and 48 % (Yue-Wang with its default lags): docs/deviations.md.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> result = detect_trend(0.5 * np.arange(36) + rng.normal(0, 2, 36))
    >>> round(result.slope_per_period, 2), result.pvalue < 0.001
    (0.51, True)
    """
    axis = TimeAxis.of(values)
    series = as_floats(values)
    if series.ndim != 1:
        raise ValueError(f"values must be 1-D, got shape {series.shape}; for several series use detect_trends.")
    series = axis.spread_out(series)
    frame = detect_trends(
        series[:, None],
        season_length=season_length,
        alternative=alternative,
        confidence_level=confidence_level,
        nan_policy=nan_policy,
    )
    short = _shortage(np.flatnonzero(np.isfinite(series)), season_length)
    if short is not None and not (nan_policy == "propagate" and np.isnan(series).any()):
        raise short
    row = frame.iloc[0].to_dict()
    row["season_length"] = season_length
    return TrendResult(**row | {"n": int(row["n"]), "n_missing": int(row["n_missing"])})


def detect_trends(
    matrix: pd.DataFrame | ArrayLike,
    *,
    season_length: int | None = None,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
    nan_policy: NanPolicy = "omit",
) -> pd.DataFrame:
    """Test many series for a trend at once.

    Parameters
    ----------
    matrix : DataFrame or array_like, shape (n, m)
        One series a column.
    season_length, alternative, confidence_level, nan_policy
        As in :func:`detect_trend`.

    Returns
    -------
    DataFrame
        One row a series, indexed by the columns of ``matrix``; its columns are the fields of :class:`TrendResult`. A
        series with too little data has NaN and a ``note`` that says what it would need. Adjust the p-values of many
        series with ``adjust_pvalues``.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"up": np.arange(30) + rng.normal(size=30), "short": [1.0] * 5 + [np.nan] * 25})
    >>> detect_trends(frame)[["slope_per_period", "note"]].round(2)["note"].tolist()
    ['', 'detect_trend needs at least 12 values; got 5.']
    """
    check_alternative(alternative)
    check_confidence_level(confidence_level)
    check_nan_policy(nan_policy)
    _check_season(season_length)
    names = matrix.columns if isinstance(matrix, pd.DataFrame) else None
    axis = TimeAxis.of(matrix)
    series = as_floats(matrix, "matrix")
    if series.ndim != 2:
        raise ValueError(f"matrix must be 2-D (one series a column), got shape {series.shape}.")
    if np.isinf(series).any():
        raise ValueError("values must be finite or NaN, got an infinite value.")
    series = axis.spread_out(series)
    present = np.asarray(np.isfinite(series).T)
    gaps = ~np.asarray(present.all(axis=1))
    if nan_policy == "raise" and gaps.any():
        raise ValueError(f"values have {int((~present).sum())} NaN, and nan_policy is 'raise'.")
    n_series = series.shape[1]
    numbers = {name: np.full(n_series, np.nan) for name in _NUMBERS}
    notes = np.full(n_series, "", dtype=object)
    patterns, of = np.unique(present, axis=0, return_inverse=True) if n_series else (present, np.empty(0))
    for i, pattern in enumerate(patterns):
        rows = np.flatnonzero(of.ravel() == i)
        positions = np.flatnonzero(pattern)
        short = _shortage(positions, season_length)
        if nan_policy == "propagate" and gaps[rows[0]]:
            notes[rows] = "the series has gaps, and nan_policy is 'propagate'"
        elif short is not None:
            notes[rows] = str(short)
        else:
            values = np.ascontiguousarray(series.T[np.ix_(rows, positions)])
            notes[rows] = _fill(numbers, rows, values, positions, season_length, alternative, confidence_level)
    table = pd.DataFrame(
        {
            **{name: numbers[name] for name in _NUMBERS[:3]},
            "confidence_level": confidence_level,
            "pvalue": numbers["pvalue"],
            "alternative": alternative,
            **{name: numbers[name] for name in _NUMBERS[4:]},
            "n": present.sum(axis=1),
            "n_missing": (~present).sum(axis=1),
            "season_length": pd.Series([season_length] * n_series, dtype=object),
            "method": _method(season_length),
            "note": notes,
        },
        columns=[field.name for field in fields(TrendResult)],
    )
    return table if names is None else table.set_axis(names, axis="index")


_NUMBERS = (
    "slope_per_period",
    "ci_low",
    "ci_high",
    "pvalue",
    "detectable_slope",
    "autocorrelation",
    "high_autocorrelation",
)


def _fill(
    numbers: dict[str, _Floats],
    rows: NDArray[np.intp],
    values: _Floats,
    positions: NDArray[np.intp],
    season_length: int | None,
    alternative: Alternative,
    confidence_level: float,
) -> list[str]:
    """Write the answers for series with the same gaps; return their notes."""
    design = _design(positions, season_length)
    scale = _scale(values)
    values = values / scale[:, None]
    # One calibration for all patterns of gaps: that of as many values without gaps.
    complete = _design(np.arange(len(positions)), season_length)
    test = coefficient_test(
        values,
        design,
        _SLOPE,
        positions=positions,
        reference=complete if complete.shape == design.shape else None,
        alternative=alternative,
        confidence_level=confidence_level,
    )
    slope = np.where(np.isnan(test.pvalue), _plain_slope(values, design), test.estimate)
    answers = (
        scale * slope,
        scale * test.ci_low,
        scale * test.ci_high,
        test.pvalue,
        scale * test.detectable,
        test.autocorrelation,
        test.high_autocorrelation,
    )
    for name, answer in zip(_NUMBERS, answers, strict=True):
        numbers[name][rows] = answer
    constant = (values == values[:, :1]).all(axis=1)
    exact = "follow a line exactly" if season_length is None else "follow a line and a season exactly"
    notes = []
    for p, high, equal in zip(test.pvalue, test.high_autocorrelation, constant, strict=True):
        if np.isnan(p):
            notes.append(f"the values {'are all equal' if equal else exact}, so there is no variation to judge it by")
        else:
            notes.append(DRIFT_NOTE if high > SUSPECT else "")
    return notes


def _scale(values: _Floats) -> _Floats:
    """Power of two that each series is divided by: 1, but where squares would leave the range of numbers."""
    exponent = np.frexp(np.abs(values).max(axis=1))[1]
    return np.asarray(np.ldexp(1.0, np.where(np.abs(exponent) > _LARGE_EXPONENT, exponent, 0)))


def _plain_slope(values: _Floats, design: _Floats) -> _Floats:
    """Slope of series that the design fits exactly; nought where it is nothing but rounding."""
    slope = np.linalg.lstsq(design, values.T, rcond=None)[0][_SLOPE]
    rounding = _EXACT * np.abs(values).max(axis=1)
    return np.asarray(np.where(np.abs(slope) * len(design) > rounding, slope, 0.0))


def _design(positions: NDArray[np.intp], season_length: int | None) -> _Floats:
    columns = [np.ones(len(positions)), positions - positions.mean()]
    if season_length is not None:
        columns += list(season_columns(positions, season_length).T)
    return np.column_stack(columns)


def _method(season_length: int | None) -> str:
    season = f", season of {season_length} taken out" if season_length else ""
    return f"regression on time with AR(1) errors, averaged over the autocorrelation{season}"


def _check_season(season_length: int | None) -> None:
    if season_length is None:
        return
    if isinstance(season_length, bool) or not isinstance(season_length, int | np.integer):
        raise TypeError(f"season_length must be a whole number of periods or None, got {season_length!r}.")
    if season_length < 2:
        raise ValueError(f"season_length must be at least 2 periods, got {season_length!r}; for no season use None.")


def _shortage(positions: NDArray[np.intp], season_length: int | None) -> InsufficientDataError | None:
    """Return the error that these places on the time axis deserve, if any."""
    got = len(positions)
    if got < MIN_POINTS:
        return InsufficientDataError("detect_trend", needed=MIN_POINTS, got=got, unit="values")
    if season_length is None:
        return None
    try:
        check_season(season_length, positions, "detect_trend")
    except InsufficientDataError as short:
        return short
    phases = len(np.unique(positions % season_length))
    if got < phases + 1 + MIN_FREEDOM:
        return InsufficientDataError(
            f"detect_trend with a season of {season_length}", needed=phases + 1 + MIN_FREEDOM, got=got, unit="values"
        )
    return None
