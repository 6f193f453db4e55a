"""How sure is a sum over a sum? Intervals for KPIs from their daily sums.

Days differ by more than chance among contacts would have it, and neighbouring days resemble each other. An interval
from the contacts alone is then far too narrow. Here the spread between days decides, never less than chance among
contacts for a share.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.result import Result

__all__ = [
    "MIN_OWN_UNITS",
    "RatioInterval",
    "Spread",
    "autocorrelation_of_days",
    "difference_of_ratios",
    "event_rate_interval",
    "ratio_interval",
    "share_interval",
    "spread_of_units",
]

MIN_DAYS = 2
MIN_OWN_UNITS = 3
"""With fewer days (or months) than this a stretch cannot tell its own spread; that of its history is used if known."""
MIN_DIFFERENCES = 5
MIN_DAYS_FOR_AUTOCORRELATION = 10
_MAX_AUTOCORRELATION = 0.9


@dataclass(frozen=True, slots=True)
class Spread:
    """Variance of one unit's ratio (a day's, a month's), and how many degrees of freedom it is known with."""

    variance: float
    degrees_of_freedom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioInterval(Result):
    """A ratio of sums with its interval.

    Attributes
    ----------
    estimate, ci_low, ci_high : float
        The ratio and its confidence limits.
    confidence_level : float
    degrees_of_freedom : float
        Of the spread that the limits come from.
    dispersion : float
        Variance over the variance that independent cases would give (shares only; 1: no more than chance, NaN: a mean).
    autocorrelation : float
        Of neighbouring days, as used (0 where there are too few days to tell).
    n : int
        Days (or other units) with data.
    n_missing : int
        Units without.
    total : float
        Sum of the denominators.
    method : str
    """

    estimate: float
    ci_low: float
    ci_high: float
    confidence_level: float
    degrees_of_freedom: float
    dispersion: float
    autocorrelation: float
    n: int
    n_missing: int
    total: float
    method: str

    def summary(self) -> str:
        """Return the ratio and its interval in one sentence."""
        level = f"{100 * self.confidence_level:g} %"
        return (
            f"{self.estimate:.4g}, {level} interval {self.ci_low:.4g} to {self.ci_high:.4g} "
            f"(n = {self.n}, sum of denominators {self.total:,.0f}; {self.method})."
        )


def share_interval(
    numerator: ArrayLike,
    denominator: ArrayLike,
    *,
    confidence_level: float = 0.95,
    autocorrelation: float | None = None,
    spread: Spread | None = None,
) -> RatioInterval:
    """Interval for a share of cases, from the counts of successive days.

    Parameters
    ----------
    numerator, denominator : array_like, shape (n_days,)
        Successes and cases of each day, in order of time. Days with NaN or without cases count as missing.
    confidence_level : float, default 0.95
    autocorrelation : float, optional
        Of neighbouring days, where it is known better than these days tell (see :func:`autocorrelation_of_days`).
    spread : Spread, optional
        Of single units, from their history (see :func:`spread_of_units`); used where there are fewer than three units.

    Returns
    -------
    RatioInterval
        A Wilson interval on the effective number of cases: the cases divided by the dispersion between days (at
        least 1), with Student's t for the few days the dispersion is known from. With one day the dispersion is not
        known, and ``method`` says so.

    Raises
    ------
    InsufficientDataError
        Without a single case.

    Notes
    -----
    Cannot tell sampling error from real change inside the period: a month that improves steadily has a wide interval.
    With a dispersion of 1 and many days it is Wilson's interval [1]_.

    References
    ----------
    .. [1] Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22.

    Examples
    --------
    >>> result = share_interval([45, 52, 38, 49], [50, 60, 50, 55])
    >>> round(result.ci_low, 3), round(result.ci_high, 3)
    (0.734, 0.927)
    """
    num, den, missing = _checked(numerator, denominator, confidence_level)
    estimate = num.sum() / den.sum()
    chance = estimate * (1 - estimate) / den.sum()
    if len(num) < MIN_OWN_UNITS and spread is not None:
        variance, rho, freedom = spread.variance / len(num), 0.0, spread.degrees_of_freedom
        dispersion = max(1.0, variance / chance) if chance > 0 else 1.0
        method = "Wilson on the effective number of cases, spread from the units before"
    elif len(num) < MIN_DAYS:
        dispersion, rho, freedom = 1.0, 0.0, np.inf
        method = "Wilson; one unit, so its interval knows nothing of differences between units"
    else:
        variance, rho, freedom = _variance(num, den, estimate, autocorrelation)
        dispersion = max(1.0, variance / chance) if chance > 0 else 1.0
        method = "Wilson on the effective number of cases, overdispersion between days"
    quantile = stats.t.ppf(0.5 + confidence_level / 2, freedom)
    low, high = _wilson(estimate, den.sum() / dispersion, quantile)
    return RatioInterval(
        estimate=float(estimate),
        ci_low=low,
        ci_high=high,
        confidence_level=confidence_level,
        degrees_of_freedom=float(freedom),
        dispersion=float(dispersion),
        autocorrelation=rho,
        n=len(num),
        n_missing=missing,
        total=float(den.sum()),
        method=method,
    )


def ratio_interval(
    numerator: ArrayLike,
    denominator: ArrayLike,
    *,
    confidence_level: float = 0.95,
    autocorrelation: float | None = None,
    spread: Spread | None = None,
) -> RatioInterval:
    """Interval for a mean or rate (a sum over a sum that is not a share), from the sums of successive days.

    Parameters
    ----------
    numerator, denominator : array_like, shape (n_days,)
        Sums of each day, in order of time. Days with NaN or a denominator of 0 count as missing.
    confidence_level : float, default 0.95
    autocorrelation : float, optional
        Of neighbouring days, where it is known better than these days tell (see :func:`autocorrelation_of_days`).
    spread : Spread, optional
        Of single units, from their history (see :func:`spread_of_units`); used where there are fewer than three units.

    Returns
    -------
    RatioInterval
        Linearised (delta-method) variance between days, widened for their autocorrelation, with Student's t. Limits
        are NaN where all days have the same ratio.

    Raises
    ------
    InsufficientDataError
        With fewer than two days.

    Examples
    --------
    >>> result = ratio_interval([900.0, 1250.0, 800.0, 1130.0], [3, 4, 3, 4])
    >>> round(result.estimate, 1), result.n
    (291.4, 4)
    """
    num, den, missing = _checked(numerator, denominator, confidence_level)
    estimate = num.sum() / den.sum()
    if len(num) < MIN_OWN_UNITS and spread is not None:
        variance, rho, freedom = spread.variance / len(num), 0.0, spread.degrees_of_freedom
        method = "ratio of sums, spread from the units before"
    elif len(num) < MIN_DAYS:
        raise InsufficientDataError("ratio_interval", needed=MIN_DAYS, got=len(num), unit="days")
    else:
        variance, rho, freedom = _variance(num, den, estimate, autocorrelation)
        method = "ratio of sums, variance between days"
    # Days that are all alike say nothing about how much days differ; an interval of no width would claim certainty.
    half = stats.t.ppf(0.5 + confidence_level / 2, freedom) * sqrt(variance) if variance > 0 else float("nan")
    return RatioInterval(
        estimate=float(estimate),
        ci_low=float(estimate - half),
        ci_high=float(estimate + half),
        confidence_level=confidence_level,
        degrees_of_freedom=float(freedom),
        dispersion=float("nan"),
        autocorrelation=rho,
        n=len(num),
        n_missing=missing,
        total=float(den.sum()),
        method=method,
    )


def event_rate_interval(events: ArrayLike, exposure: ArrayLike, *, confidence_level: float = 0.95) -> RatioInterval:
    """Interval for a rate of rare events over an exposure, such as leavers over agent-months.

    Parameters
    ----------
    events, exposure : array_like, shape (n_days,)
        Events and exposure of each day, in order of time.
    confidence_level : float, default 0.95

    Returns
    -------
    RatioInterval
        Exact Poisson limits [1]_: no event in a month is not proof of a rate of nought. Assumes that one event does
        not bring another; leavers who leave together make it too narrow.

    Raises
    ------
    InsufficientDataError
        Without exposure.

    References
    ----------
    .. [1] Garwood, F. (1936). Fiducial limits for the Poisson distribution. Biometrika 28.

    Examples
    --------
    >>> result = event_rate_interval([0, 0, 1], [10.0, 10.0, 10.0])
    >>> round(result.estimate, 4), round(result.ci_low, 4), round(result.ci_high, 4)
    (0.0333, 0.0008, 0.1857)
    """
    num, den, missing = _checked(events, exposure, confidence_level)
    count, total = float(num.sum()), float(den.sum())
    tail = (1 - confidence_level) / 2
    low = stats.chi2.ppf(tail, 2 * count) / 2 if count else 0.0
    high = stats.chi2.ppf(1 - tail, 2 * count + 2) / 2
    return RatioInterval(
        estimate=count / total,
        ci_low=float(low / total),
        ci_high=float(high / total),
        confidence_level=confidence_level,
        degrees_of_freedom=float("inf"),
        dispersion=1.0,
        autocorrelation=0.0,
        n=len(num),
        n_missing=missing,
        total=total,
        method="exact Poisson",
    )


def autocorrelation_of_days(numerator: ArrayLike, denominator: ArrayLike) -> float | None:
    """Lag-1 autocorrelation of the daily ratio around its mean, weighted by the days' denominators.

    Parameters
    ----------
    numerator, denominator : array_like, shape (n_days,)
        Sums of successive days: a longer stretch than the period judged, so that it is known better.

    Returns
    -------
    float or None
        Between 0 and 0.9; None with fewer than ten days.
    """
    num, den = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    present = np.isfinite(num) & np.isfinite(den) & (den > 0)
    if present.sum() < MIN_DAYS_FOR_AUTOCORRELATION:
        return None
    num, den = num[present], den[present]
    return _lag_one((num - num.sum() / den.sum() * den) / den.mean())


def spread_of_units(numerator: ArrayLike, denominator: ArrayLike) -> Spread | None:
    """Variance of a single unit's ratio, from the differences between successive units.

    Parameters
    ----------
    numerator, denominator : array_like, shape (n_units,)
        Sums of successive days or months.

    Returns
    -------
    Spread or None
        Half the mean square of successive differences (von Neumann): a slow trend hardly enters it. None with fewer
        than five differences.
    """
    num, den = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    present = np.isfinite(num) & np.isfinite(den) & (den > 0)
    steps = np.diff(num[present] / den[present])
    if len(steps) < MIN_DIFFERENCES:
        return None
    # Overlapping differences are worth about two thirds as many independent ones.
    return Spread(float((steps**2).mean() / 2), max(1.0, 2 * len(steps) / 3))


def difference_of_ratios(first: RatioInterval, second: RatioInterval) -> tuple[float, float, float]:
    """Return ``first - second`` with its confidence limits, for ratios of periods that do not overlap.

    Parameters
    ----------
    first, second : RatioInterval
        At the same confidence level.

    Returns
    -------
    difference, ci_low, ci_high : float
        From the limits of both ratios (MOVER, Newcombe's square-and-add rule [1]_), so that 49 of 49 cases are not
        taken for certainty. Says how sure a difference is, not why it came. NaN limits stay NaN.

    References
    ----------
    .. [1] Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions. Statistics
       in Medicine 17.

    Examples
    --------
    >>> first, second = share_interval([56], [70]), share_interval([48], [80])
    >>> [round(value, 4) for value in difference_of_ratios(first, second)]
    [0.2, 0.0524, 0.3339]
    """
    if first.confidence_level != second.confidence_level:
        raise ValueError(f"confidence levels differ: {first.confidence_level} and {second.confidence_level}.")
    difference = first.estimate - second.estimate
    low = difference - hypot(first.estimate - first.ci_low, second.ci_high - second.estimate)
    high = difference + hypot(first.ci_high - first.estimate, second.estimate - second.ci_low)
    return difference, low, high


_Floats = NDArray[np.float64]


def _checked(numerator: ArrayLike, denominator: ArrayLike, confidence_level: float) -> tuple[_Floats, _Floats, int]:
    num, den = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    if num.ndim != 1 or num.shape != den.shape:
        raise ValueError(
            f"numerator and denominator must be 1-D and of equal length, got shapes {num.shape} and {den.shape}."
        )
    if not 0 < confidence_level < 1:
        hint = f" For {confidence_level:g}% write {confidence_level / 100:g}." if 1 < confidence_level < 100 else ""
        raise ValueError(f"confidence_level must be between 0 and 1, got {confidence_level!r}.{hint}")
    # A day without cases can still have a late event; leaving it out would move the interval off the value.
    present = np.isfinite(num) & np.isfinite(den) & ((den > 0) | (num != 0))
    if not den[present].sum() > 0:
        raise InsufficientDataError("an interval", needed=1, got=0, unit="days with data")
    return num[present], den[present], int((~present).sum())


def _variance(num: _Floats, den: _Floats, estimate: float, known: float | None) -> tuple[float, float, float]:
    """Variance of the ratio from the residuals of the days, their autocorrelation, and degrees of freedom."""
    n = len(num)
    residual = (num - estimate * den) / den.mean()
    base = float((residual**2).sum() / (n - 1))
    if known is None:
        rho = _lag_one(residual) if n >= MIN_DAYS_FOR_AUTOCORRELATION else 0.0
    else:
        rho = float(np.clip(known, 0.0, _MAX_AUTOCORRELATION))
    lags = np.arange(1, n)
    inflation = 1 + 2 * float(((1 - lags / n) * rho**lags).sum())
    # Correlated days are worth fewer independent ones; the same factor takes them from the degrees of freedom.
    return base / n * inflation, rho, max(1.0, (n - 1) / inflation)


def _lag_one(residual: _Floats) -> float:
    """Lag-1 autocorrelation with the usual small-sample correction; negative values are not used to narrow anything."""
    total = float((residual**2).sum())
    if total == 0:
        return 0.0
    n = len(residual)
    raw = float((residual[1:] * residual[:-1]).sum()) / total
    return float(np.clip(raw + (1 + 3 * raw) / n, 0.0, _MAX_AUTOCORRELATION))


def _wilson(share: float, cases: float, quantile: float) -> tuple[float, float]:
    square = quantile**2
    centre = (share + square / (2 * cases)) / (1 + square / cases)
    half = quantile / (1 + square / cases) * sqrt(share * (1 - share) / cases + square / (4 * cases**2))
    # Where all or no cases count, rounding must not leave the limit a hair inside the range.
    low = 0.0 if share == 0 else max(0.0, centre - half)
    high = 1.0 if share == 1 else min(1.0, centre + half)
    return float(low), float(high)
