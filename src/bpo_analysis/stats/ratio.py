"""How sure is a sum over a sum? Intervals for KPIs from their daily sums.

Days differ by more than chance among contacts would have it, and neighbouring days resemble each other. An interval
from the contacts alone is then far too narrow. Here the spread between days decides, never less than chance among
contacts for a share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp, hypot, log, sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.arguments import check_confidence_level
from bpo_analysis.stats.result import Result

__all__ = [
    "MIN_OWN_UNITS",
    "RatioDifference",
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
_SMALLEST_PVALUE = 1e-15
_ROUNDING = 1e-9


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
    standard_error : float
        Of a mean; NaN for shares and event rates, whose limits do not come from one.
    kind : str
        share, mean or events: how limits are made.
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
    standard_error: float
    kind: Literal["share", "mean", "events"]
    method: str

    def at(self, confidence_level: float) -> RatioInterval:
        """Return the same ratio with limits at another level."""
        check_confidence_level(confidence_level)
        low, high = _limits(self, 1 - confidence_level)
        return replace(self, ci_low=low, ci_high=high, confidence_level=confidence_level)

    def pvalue(self, value: float) -> float:
        """Two-sided p-value of a true ratio of ``value``: small exactly where the interval leaves it out."""
        side = 0 if self.estimate > value else 1
        sign = 1 if side == 0 else -1
        return _smallest_level(lambda p: sign * (_limits(self, p)[side] - value))

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
    ValueError
        If a value is negative, or more cases succeed in all than there are. A single day may have more: an event that
        comes late counts on its own day.

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
    _check_share(num, den)
    estimate = min(1.0, num.sum() / den.sum())
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
    return RatioInterval(
        estimate=float(estimate),
        ci_low=float("nan"),
        ci_high=float("nan"),
        confidence_level=confidence_level,
        degrees_of_freedom=float(freedom),
        dispersion=float(dispersion),
        autocorrelation=rho,
        n=len(num),
        n_missing=missing,
        total=float(den.sum()),
        standard_error=float("nan"),
        kind="share",
        method=method,
    ).at(confidence_level)


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
    return RatioInterval(
        estimate=float(estimate),
        ci_low=float("nan"),
        ci_high=float("nan"),
        confidence_level=confidence_level,
        degrees_of_freedom=float(freedom),
        dispersion=float("nan"),
        autocorrelation=rho,
        n=len(num),
        n_missing=missing,
        total=float(den.sum()),
        # Days that are all alike say nothing about how much days differ; an interval of no width would claim certainty.
        standard_error=sqrt(variance) if variance > 0 else float("nan"),
        kind="mean",
        method=method,
    ).at(confidence_level)


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
    return RatioInterval(
        estimate=float(num.sum() / den.sum()),
        ci_low=float("nan"),
        ci_high=float("nan"),
        confidence_level=confidence_level,
        degrees_of_freedom=float("inf"),
        dispersion=1.0,
        autocorrelation=0.0,
        n=len(num),
        n_missing=missing,
        total=float(den.sum()),
        standard_error=float("nan"),
        kind="events",
        method="exact Poisson",
    ).at(confidence_level)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioDifference(Result):
    """First ratio less second, with its interval.

    Attributes
    ----------
    estimate, ci_low, ci_high : float
    confidence_level : float
    pvalue : float
        Two-sided, of no difference; below one minus the level exactly where the interval leaves out nought. NaN where
        a ratio has no interval.
    first, second : RatioInterval
    method : str
    """

    estimate: float
    ci_low: float
    ci_high: float
    confidence_level: float
    pvalue: float
    first: RatioInterval
    second: RatioInterval
    method: str

    def at(self, confidence_level: float) -> RatioDifference:
        """Return the same difference with limits at another level."""
        check_confidence_level(confidence_level)
        low, high = _mover(self.first, self.second, 1 - confidence_level)
        return replace(self, ci_low=low, ci_high=high, confidence_level=confidence_level)

    def summary(self) -> str:
        """Return the difference, its interval and its p-value in one sentence."""
        level = f"{100 * self.confidence_level:g} %"
        return (
            f"{self.estimate:+.4g}, {level} interval {self.ci_low:.4g} to {self.ci_high:.4g}, p = {self.pvalue:.2g} "
            f"(n = {self.first.n} and {self.second.n}; {self.method})."
        )


def difference_of_ratios(first: RatioInterval, second: RatioInterval) -> RatioDifference:
    """Return ``first - second`` with its interval, for ratios of periods that do not overlap.

    Parameters
    ----------
    first, second : RatioInterval
        At the same confidence level.

    Returns
    -------
    RatioDifference
        Limits from the limits of both ratios (MOVER, Newcombe's square-and-add rule [1]_), so that 49 of 49 cases are
        not taken for certainty; the p-value is that at which the interval just touches nought. Says how sure a
        difference is, not why it came. NaN limits stay NaN.

    References
    ----------
    .. [1] Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions. Statistics
       in Medicine 17.

    Examples
    --------
    >>> found = difference_of_ratios(share_interval([56], [70]), share_interval([48], [80]))
    >>> round(found.estimate, 4), round(found.ci_low, 4), round(found.ci_high, 4), round(found.pvalue, 4)
    (0.2, 0.0524, 0.3339, 0.0081)
    """
    if first.confidence_level != second.confidence_level:
        raise ValueError(f"confidence levels differ: {first.confidence_level} and {second.confidence_level}.")
    estimate = first.estimate - second.estimate
    side = 0 if estimate > 0 else 1
    sign = 1 if side == 0 else -1
    return RatioDifference(
        estimate=estimate,
        ci_low=float("nan"),
        ci_high=float("nan"),
        confidence_level=first.confidence_level,
        pvalue=_smallest_level(lambda p: sign * _mover(first, second, p)[side]),
        first=first,
        second=second,
        method="limits of both ratios, squared and added",
    ).at(first.confidence_level)


_Floats = NDArray[np.float64]


def _checked(numerator: ArrayLike, denominator: ArrayLike, confidence_level: float) -> tuple[_Floats, _Floats, int]:
    num, den = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    if num.ndim != 1 or num.shape != den.shape:
        raise ValueError(
            f"numerator and denominator must be 1-D and of equal length, got shapes {num.shape} and {den.shape}."
        )
    check_confidence_level(confidence_level)
    # A day without cases can still have a late event; leaving it out would move the interval off the value.
    present = np.isfinite(num) & np.isfinite(den) & ((den > 0) | (num != 0))
    if not den[present].sum() > 0:
        raise InsufficientDataError("an interval", needed=1, got=0, unit="days with data")
    return num[present], den[present], int((~present).sum())


def _check_share(num: _Floats, den: _Floats) -> None:
    negative = int(((num < 0) | (den < 0)).sum())
    if negative:
        raise ValueError(
            f"numerator and denominator of a share count cases and must not be negative; {negative} of {len(num)} "
            "units have such a value."
        )
    # Fractional cases may add up to a hair above the denominator.
    if num.sum() > den.sum() * (1 + _ROUNDING):
        raise ValueError(
            f"numerator adds up to {num.sum():g}, above the {den.sum():g} of denominator: no share of cases. For a "
            "mean use ratio_interval, for events over an exposure event_rate_interval."
        )


def _limits(ratio: RatioInterval, error: float) -> tuple[float, float]:
    """Limits that leave out ``error`` in all."""
    if ratio.kind == "events":
        count = ratio.estimate * ratio.total
        low = special.chdtri(2 * count, 1 - error / 2) / 2 if count > 0 else 0.0
        return float(low / ratio.total), float(special.chdtri(2 * count + 2, error / 2) / 2 / ratio.total)
    freedom = ratio.degrees_of_freedom
    quantile = -(special.ndtri(error / 2) if np.isinf(freedom) else special.stdtrit(freedom, error / 2))
    if ratio.kind == "share":
        return _wilson(ratio.estimate, ratio.total / ratio.dispersion, float(quantile))
    half = float(quantile) * ratio.standard_error
    return ratio.estimate - half, ratio.estimate + half


def _mover(first: RatioInterval, second: RatioInterval, error: float) -> tuple[float, float]:
    difference = first.estimate - second.estimate
    (low_1, high_1), (low_2, high_2) = _limits(first, error), _limits(second, error)
    low = difference - hypot(first.estimate - low_1, high_2 - second.estimate)
    high = difference + hypot(high_1 - first.estimate, second.estimate - low_2)
    return low, high


def _smallest_level(clearance: Callable[[float], float]) -> float:
    """Error rate at which a limit just touches the value it is held against: the p-value of that value."""
    smallest, largest = _SMALLEST_PVALUE, 1 - 1e-12
    if np.isnan(clearance(0.5)):
        return float("nan")
    if clearance(largest) <= 0:
        return 1.0
    if clearance(smallest) >= 0:
        return smallest
    found = optimize.brentq(lambda x: clearance(exp(x)), log(smallest), log(largest), xtol=1e-10)
    return exp(found)


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
