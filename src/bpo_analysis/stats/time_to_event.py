"""How long does it take, when some cases are still open?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.arguments import check_confidence_level
from bpo_analysis.stats.result import Result
from bpo_analysis.stats.wording import difference_text, pvalue_text

__all__ = [
    "MIN_CASES",
    "MIN_CLUSTERS",
    "TimeToEvent",
    "TimeToEventComparison",
    "compare_time_to_event",
    "time_to_event",
]

MIN_CASES = 5
MIN_CLUSTERS = 5
_POWER = 0.8
_WHETHER_DONE = "observed must be True or False, or 1 and 0, for every case"

_Floats = NDArray[np.float64]
_FEW_CLUSTERS = 20
"""With fewer the log-rank score, summed by cluster, can hardly get far from nought in standard errors of its own."""
_NAN = float("nan")
_EXACT = 1e-12
"""Part of the horizon; a standard error below it is rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToEvent(Result):
    """Time until an event, open cases counted for as long as they have been seen.

    Attributes
    ----------
    median, p90 : float
        NaN where the curve does not come down so far: too many cases are still open.
    median_ci_low, median_ci_high, p90_ci_low, p90_ci_high : float
        NaN for an upper limit that the data do not reach.
    share_within, share_within_ci_low, share_within_ci_high : float
        Share of cases done within ``limit``; NaN without a limit, or where no case was followed so long.
    limit : float
    restricted_mean, restricted_mean_ci_low, restricted_mean_ci_high : float
        Mean time up to ``horizon``, a case still open then counted as ``horizon``; NaN where no case was followed so
        long.
    horizon : float
    confidence_level : float
    n, n_open, n_missing, n_clusters : int
        ``n_clusters`` is ``n`` without clusters.
    table : DataFrame
        Columns time, open_share, ci_low, ci_high, at_risk, done: the Kaplan-Meier curve.
    method : str
    """

    median: float
    p90: float
    share_within: float
    limit: float
    n: int
    n_open: int
    table: pd.DataFrame
    method: str
    median_ci_low: float
    median_ci_high: float
    p90_ci_low: float
    p90_ci_high: float
    share_within_ci_low: float
    share_within_ci_high: float
    restricted_mean: float
    restricted_mean_ci_low: float
    restricted_mean_ci_high: float
    horizon: float
    confidence_level: float
    n_missing: int
    n_clusters: int

    def summary(self) -> str:
        """Return the median and the share within the limit with their intervals, and how many cases are open."""
        level = f"{100 * self.confidence_level:g} % interval"
        parts = [f"Median {_words(self.median)}, {level} {_limits_in_words(self.median_ci_low, self.median_ci_high)}"]
        if np.isfinite(self.share_within):
            parts.append(
                f"{100 * self.share_within:.1f} % within {self.limit:g} "
                f"({100 * self.share_within_ci_low:.1f} to {100 * self.share_within_ci_high:.1f})"
            )
        return f"{'; '.join(parts)} (n = {self.n}, of them {self.n_open} open; {self.method})."


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToEventComparison(Result):
    """Two groups of cases, the first less the second.

    Attributes
    ----------
    restricted_mean_difference, restricted_mean_ci_low, restricted_mean_ci_high, restricted_mean_pvalue : float
        How much longer the first takes on average, up to ``horizon``.
    restricted_mean_detectable : float
        Difference that would have been found in four of five such comparisons.
    share_within_difference, share_within_ci_low, share_within_ci_high : float
        How much larger a share of the first is done within ``limit``.
    statistic, pvalue : float
        Log-rank test of any difference between the curves; positive where the first has more events than expected,
        that is, is faster.
    limit, horizon, confidence_level : float
    first, second : str
        Names of the groups.
    result_first, result_second : TimeToEvent
    n, n_missing, n_clusters : int
    method : str
    """

    restricted_mean_difference: float
    restricted_mean_ci_low: float
    restricted_mean_ci_high: float
    restricted_mean_pvalue: float
    restricted_mean_detectable: float
    share_within_difference: float
    share_within_ci_low: float
    share_within_ci_high: float
    statistic: float
    pvalue: float
    limit: float
    horizon: float
    confidence_level: float
    first: str
    second: str
    result_first: TimeToEvent
    result_second: TimeToEvent
    n: int
    n_missing: int
    n_clusters: int
    method: str

    def summary(self) -> str:
        """Return the difference of the means with its interval, and the log-rank p-value."""
        level = f"{100 * self.confidence_level:g} %"
        size = f"n = {self.result_first.n} and {self.result_second.n}"
        test = f"log-rank p {pvalue_text(self.pvalue)}" if np.isfinite(self.pvalue) else "no log-rank test can be made"
        if not np.isfinite(self.restricted_mean_ci_low):
            return (
                f"{self.first} and {self.second} cannot be compared by their means up to {self.horizon:.4g}, for "
                f"{self._reason()}; {test} ({size}; {self.method})."
            )
        doubt = ""
        if not self.restricted_mean_pvalue < 1 - self.confidence_level:
            doubt = (
                " These cases cannot tell the means apart; a difference of "
                f"{self.restricted_mean_detectable:.3g} would have been found with {100 * _POWER:.0f} % power."
            )
        return (
            f"{self.first} less {self.second}: means up to {self.horizon:.4g} differ by "
            f"{difference_text(self.restricted_mean_difference, self.horizon)}, {level} interval "
            f"{self.restricted_mean_ci_low:+.4g} to {self.restricted_mean_ci_high:+.4g}, "
            f"p {pvalue_text(self.restricted_mean_pvalue)}; {test} ({size}; {self.method}).{doubt}"
        )

    def _reason(self) -> str:
        """Why the means have no interval."""
        both = self.result_first, self.result_second
        if all(result.n_open == result.n for result in both):
            return "no case is done"
        if len(np.unique(np.concatenate([result.table["time"] for result in both]))) == 1:
            return "all times are alike"
        if not np.isfinite(self.restricted_mean_difference):
            return "not both were followed so long"
        return "the times do not vary up to there"


def time_to_event(
    durations: ArrayLike,
    observed: ArrayLike,
    *,
    limit: float = _NAN,
    clusters: ArrayLike | None = None,
    horizon: float | None = None,
    confidence_level: float = 0.95,
) -> TimeToEvent:
    """Kaplan-Meier estimate of the time to an event, with intervals.

    Parameters
    ----------
    durations : array_like, shape (n,)
        Time to the event, or the time a case has been open, in numbers of any unit. NaN counts as missing.
    observed : array_like of bool, shape (n,)
        False where the case is still open; also 1 and 0. A case of which this is missing counts as missing.
    limit : float, optional
        Time within which a case should be done.
    clusters : array_like, shape (n,), optional
        What cases belong to (the agent, the customer, the day) where those of one may be alike.
    horizon : float, optional
        Up to where the mean is taken; by default the longest time in the data. Fix it beforehand to compare periods.
    confidence_level : float, default 0.95

    Returns
    -------
    TimeToEvent

    Raises
    ------
    InsufficientDataError
        With fewer than five cases, or fewer than five clusters.

    Notes
    -----
    A mean over closed cases looks better the more hard cases stay open; this does not, as long as staying open has
    nothing to do with how long a case would take. The band is the mid-p version of the beta product limits [1]_:
    without open cases it is the mid-p binomial interval; it needs no variance, so that it neither vanishes before the
    first event nor claims anything past the last case. Limits of the median and the 90th percentile are where the band
    crosses [2]_. The restricted mean has Greenwood's variance and a t interval on the logit of its part of the horizon.
    With clusters, the variance of the curve and of the mean is that of leaving out one cluster at a time, where larger.

    Coverage at 20 to 100 cases with 20 to 50 % open: 94 to 98 % (``validation/time_to_event.py``).

    References
    ----------
    .. [1] Fay, M. P., Brittain, E. H. & Proschan, M. A. (2013). Pointwise confidence intervals for a survival
       distribution with small samples or heavy censoring. Biostatistics 14.
    .. [2] Brookmeyer, R. & Crowley, J. (1982). A confidence interval for the median survival time. Biometrics 38.

    Examples
    --------
    >>> result = time_to_event([2, 4, 4, 7, 9, 12], [True, True, True, True, False, False], limit=5)
    >>> result.median, result.share_within, result.n_open
    (4.0, 0.5, 2)
    """
    check_confidence_level(confidence_level)
    _check_times(limit, horizon)
    times, done, codes, present = _checked(durations, observed, clusters)
    return _estimate(times, done, codes, int((~present).sum()), limit, horizon, confidence_level)


def compare_time_to_event(
    durations: ArrayLike,
    observed: ArrayLike,
    groups: ArrayLike,
    *,
    limit: float = _NAN,
    clusters: ArrayLike | None = None,
    horizon: float | None = None,
    confidence_level: float = 0.95,
) -> TimeToEventComparison:
    """Compare the time to an event between two groups of cases.

    Parameters
    ----------
    durations, observed, limit, clusters, confidence_level
        As in :func:`time_to_event`. A cluster may have cases in both groups.
    groups : array_like, shape (n,)
        Two names; the one that comes first in the data is compared with the other.
    horizon : float, optional
        By default the shorter of the longest times of both groups.

    Returns
    -------
    TimeToEventComparison

    Raises
    ------
    InsufficientDataError
        If a group has fewer than five cases or clusters.

    Notes
    -----
    Log-rank test by ``scipy.stats.logrank``; with clusters, its score is summed by cluster and held against Student's
    t, which is cautious below about 20 clusters (1 to 2 % false alarms with 12). The difference of means and its
    p-value belong together (Welch's t); the interval of the difference of shares is Newcombe's from the limits of
    both, or between clusters where these have cases in both groups. Curves that cross can differ with a log-rank
    p-value near 1: look at both.

    Examples
    --------
    >>> hours = [2, 3, 3, 5, 6, 8, 4, 7, 9, 12, 14, 20]
    >>> result = compare_time_to_event(hours, [True] * 11 + [False], ["new"] * 6 + ["old"] * 6, limit=8)
    >>> round(result.restricted_mean_difference, 2), round(result.pvalue, 3)
    (-2.67, 0.012)
    """
    check_confidence_level(confidence_level)
    _check_times(limit, horizon)
    times, done, codes, present = _checked(durations, observed, clusters)
    given = np.asarray(groups, dtype=object)
    if given.shape != present.shape:
        raise ValueError(f"groups must have one name for each of the {len(present)} cases, got shape {given.shape}.")
    labels, names = pd.factorize(given[present])
    if (labels < 0).any():
        raise ValueError(f"groups is missing for {int((labels < 0).sum())} cases.")
    if len(names) != 2:
        raise ValueError(f"groups must name two groups; got {', '.join(map(repr, names)) or 'none'}.")
    side = labels == 0
    missing = int((~present).sum())
    end = min(times[side].max(initial=0), times[~side].max(initial=0)) if horizon is None else horizon
    results = [
        _estimate(times[s], done[s], None if codes is None else codes[s], 0, limit, end, confidence_level)
        for s in (side, ~side)
    ]
    first, second = results
    crossed = codes is not None and bool(np.isin(codes[side], codes[~side]).any())
    means = _mean_difference(times, done, side, codes, end, crossed=crossed)
    quantile = stats.t.ppf(0.5 + confidence_level / 2, means.freedom)
    statistic, pvalue = _log_rank(times, done, side, codes)
    share, low, high = _share_difference(first, second)
    if crossed and np.isfinite(share):
        shift = _differences_without(times, done, side, codes, lambda t, d: _share_at(_Curve(t, d), limit))  # type: ignore[arg-type]
        error_of_share = sqrt(_jackknife_variance(shift))
        # Clusters that are all alike say nothing of the spread between them; the limits of both shares stand then.
        if error_of_share > _EXACT:
            half = stats.t.ppf(0.5 + confidence_level / 2, len(shift) - 1) * error_of_share
            low, high = share - half, share + half
    return TimeToEventComparison(
        restricted_mean_difference=means.difference,
        restricted_mean_ci_low=means.difference - quantile * means.error,
        restricted_mean_ci_high=means.difference + quantile * means.error,
        restricted_mean_pvalue=float(2 * stats.t.sf(abs(means.difference) / means.error, means.freedom))
        if means.error > 0
        else _NAN,
        restricted_mean_detectable=(quantile + stats.t.ppf(_POWER, means.freedom)) * means.error,
        share_within_difference=share,
        share_within_ci_low=low,
        share_within_ci_high=high,
        statistic=statistic,
        pvalue=pvalue,
        limit=limit,
        horizon=float(end),
        confidence_level=confidence_level,
        first=str(names[0]),
        second=str(names[1]),
        result_first=first,
        result_second=second,
        n=len(times),
        n_missing=missing,
        n_clusters=len(times) if codes is None else len(np.unique(codes)),
        method="log-rank, restricted means" + _between(codes),
    )


class _Curve:
    """Kaplan-Meier: distinct times, cases at risk and done at each, share still open after it."""

    def __init__(self, times: _Floats, done: NDArray[np.bool_]) -> None:
        self.times, place = np.unique(times, return_inverse=True)
        left = np.bincount(place)
        self.at_risk = left[::-1].cumsum()[::-1].astype(float)
        self.done = np.bincount(place, weights=done)
        self.open = np.cumprod(1 - self.done / self.at_risk)
        self.place = place

    def open_after(self) -> _Floats:
        """Cases at risk just after each time."""
        return np.append(self.at_risk[1:], 0.0)


def _estimate(
    times: _Floats,
    done: NDArray[np.bool_],
    codes: NDArray[np.intp] | None,
    missing: int,
    limit: float,
    horizon: float | None,
    confidence_level: float,
) -> TimeToEvent:
    n_clusters = len(times) if codes is None else len(np.unique(codes))
    if len(times) < MIN_CASES:
        raise InsufficientDataError("time_to_event", needed=MIN_CASES, got=len(times), unit="cases")
    if n_clusters < MIN_CLUSTERS:
        raise InsufficientDataError("time_to_event", needed=MIN_CLUSTERS, got=n_clusters, unit="clusters")
    curve = _Curve(times, done)
    end = float(times.max()) if horizon is None else float(horizon)
    mean, variance, size = _restricted_mean(curve, end), _mean_variance(curve, end), float(len(times))
    effect = np.ones(len(curve.times))
    if codes is not None:
        without = [_Curve(times[codes != code], done[codes != code]) for code in np.unique(codes)]
        effect = _design_effect(curve, without)
        variance = max(variance, float(_jackknife_variance(np.array([_area(c, end) for c in without]))))
        size = float(n_clusters)
    # Few clusters: as far out as Student's t goes.
    tail = (1 - confidence_level) / 2
    tail = float(stats.norm.cdf(stats.t.ppf(tail, size - 1))) if codes is not None else tail
    low, high = _band(curve, effect, tail)
    followed = not limit > curve.times[-1] or curve.open[-1] == 0
    within = 1 - _share_open(curve, curve.open, limit) if np.isfinite(limit) and followed else _NAN
    least, most = _limits_at(curve, low, high, limit, tail) if np.isfinite(within) else (_NAN, _NAN)
    mean_low, mean_high = _logit_limits(mean, variance, end, float(stats.t.ppf(0.5 + confidence_level / 2, size - 1)))
    return TimeToEvent(
        median=_crossing(curve.times, curve.open, 0.5),
        median_ci_low=_crossing(curve.times, low, 0.5),
        median_ci_high=_crossing(curve.times, high, 0.5),
        p90=_crossing(curve.times, curve.open, 0.1),
        p90_ci_low=_crossing(curve.times, low, 0.1),
        p90_ci_high=_crossing(curve.times, high, 0.1),
        share_within=within,
        share_within_ci_low=1 - most,
        share_within_ci_high=1 - least,
        limit=limit,
        restricted_mean=mean,
        restricted_mean_ci_low=mean_low,
        restricted_mean_ci_high=mean_high,
        horizon=end,
        confidence_level=confidence_level,
        n=len(times),
        n_open=int((~done).sum()),
        n_missing=missing,
        n_clusters=n_clusters,
        table=pd.DataFrame(
            {
                "time": curve.times,
                "open_share": curve.open,
                "ci_low": low,
                "ci_high": high,
                "at_risk": curve.at_risk.astype(int),
                "done": curve.done.astype(int),
            }
        ),
        method="Kaplan-Meier, open cases censored" + ("" if codes is None else ", variance between clusters"),
    )


def _band(curve: _Curve, effect: _Floats, tail: float) -> tuple[_Floats, _Floats]:
    """Mid-p beta product limits of the open share after each time."""
    # Each event takes a beta variate off the share; their products by the first two moments.
    left = curve.at_risk - curve.done
    mean = np.cumprod((left + 1) / (curve.at_risk + 1))
    square = np.cumprod((left + 1) * (left + 2) / ((curve.at_risk + 1) * (curve.at_risk + 2)))
    after = curve.open_after()
    next_mean, next_square = after / (after + 1), after / (after + 2)
    upper = _beta(mean, square - mean**2, effect)
    lower = _beta(mean * next_mean, square * next_square - (mean * next_mean) ** 2, effect)
    return _mixture_quantile(lower, upper, tail), _mixture_quantile(lower, upper, 1 - tail)


def _beta(mean: _Floats, variance: _Floats, effect: _Floats) -> tuple[_Floats, _Floats]:
    """Parameters of the beta distributions with these means, their variances times the design effect."""
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.maximum(mean * (1 - mean) / (variance * effect) - 1, 1e-3)
    size = np.where((mean > 0) & (mean < 1), size, 1.0)
    return mean * size, (1 - mean) * size


def _mixture_quantile(lower: tuple[_Floats, _Floats], upper: tuple[_Floats, _Floats], level: float) -> _Floats:
    """Quantile of the even mixture of two betas; a mean of 0 or 1 is a point there."""
    # The quantile of a mixture lies between those of its parts.
    ends = [_beta_quantile(level, *part) for part in (lower, upper)]
    low, high = np.minimum(*ends), np.maximum(*ends)
    while (high - low > 1e-13).any():
        middle = (low + high) / 2
        below = (_beta_cdf(middle, *lower) + _beta_cdf(middle, *upper)) / 2 < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.where(high < 1e-12, 0.0, np.where(low > 1 - 1e-12, 1.0, (low + high) / 2))


def _beta_quantile(level: float, a: _Floats, b: _Floats) -> _Floats:
    point_at_one, point_at_nought = ~(b > 0), ~(a > 0)
    inside = special.betaincinv(np.where(a > 0, a, 1.0), np.where(b > 0, b, 1.0), level)
    return np.where(point_at_one, 1.0, np.where(point_at_nought, 0.0, inside))


def _beta_cdf(at: _Floats, a: _Floats, b: _Floats) -> _Floats:
    point_at_one, point_at_nought = ~(b > 0), ~(a > 0)
    inside = special.betainc(np.where(a > 0, a, 1.0), np.where(b > 0, b, 1.0), at)
    return np.where(point_at_one, 0.0, np.where(point_at_nought, 1.0, inside))


def _design_effect(curve: _Curve, without: list[_Curve]) -> _Floats:
    """Variance of the curve between clusters over Greenwood's, at least 1, at each time."""
    shares = np.array([_steps(other, curve.times) for other in without])
    between = _jackknife_variance(shares)
    with np.errstate(invalid="ignore", divide="ignore"):
        greenwood = curve.open**2 * (curve.done / (curve.at_risk * (curve.at_risk - curve.done))).cumsum()
        effect = between / greenwood
    known = np.isfinite(effect) & (greenwood > 0)
    if not known.any():
        return np.ones(len(curve.times))
    nearest = pd.Series(np.where(known, effect, np.nan)).ffill().bfill()
    return np.asarray(np.maximum(1.0, nearest), dtype=float)


def _jackknife_variance(without: _Floats) -> _Floats:
    """Variance from estimates that each leave out one cluster (rows)."""
    size = len(without)
    return np.asarray((size - 1) / size * ((without - without.mean(axis=0)) ** 2).sum(axis=0))


def _steps(curve: _Curve, at: _Floats) -> _Floats:
    place = np.searchsorted(curve.times, at, side="right")
    return np.asarray(np.append(1.0, curve.open)[place])


def _share_open(curve: _Curve, shares: _Floats, time: float) -> float:
    place = int(np.searchsorted(curve.times, time, side="right"))
    return float(shares[place - 1]) if place else 1.0


def _share_at(curve: _Curve, time: float) -> float:
    return 1 - _share_open(curve, curve.open, time)


def _limits_at(curve: _Curve, low: _Floats, high: _Floats, time: float, tail: float) -> tuple[float, float]:
    if time >= curve.times[0]:
        return _share_open(curve, low, time), _share_open(curve, high, time)
    before = curve.at_risk[:1]
    none = (np.array([1.0]), np.array([0.0]))
    return float(_mixture_quantile((before, np.array([1.0])), none, tail)[0]), 1.0


def _crossing(times: _Floats, shares: _Floats, share: float) -> float:
    reached = np.flatnonzero(shares <= share + 1e-12)
    return float(times[reached[0]]) if len(reached) else _NAN


def _pieces(curve: _Curve, horizon: float) -> tuple[int, _Floats]:
    """How many times lie before the horizon, and the area under the curve between times."""
    before = int((curve.times < horizon).sum())
    edges = np.r_[0.0, curve.times[:before], horizon]
    return before, np.diff(edges) * np.r_[1.0, curve.open[:before]]


def _restricted_mean(curve: _Curve, horizon: float) -> float:
    if horizon > curve.times[-1] and curve.open[-1] > 0:
        return _NAN
    return _area(curve, horizon)


def _area(curve: _Curve, horizon: float) -> float:
    """Area under the curve, flat after its last time."""
    return float(_pieces(curve, horizon)[1].sum())


def _mean_variance(curve: _Curve, horizon: float) -> float:
    """Greenwood's variance of the area, with the usual small-sample factor."""
    before, area = _pieces(curve, horizon)
    after: _Floats = area[::-1].cumsum()[::-1][1:]
    done, risk = curve.done[:before], curve.at_risk[:before]
    last = risk == done
    with np.errstate(invalid="ignore", divide="ignore"):
        terms = np.where(last | (done == 0), 0.0, after**2 * done / (risk * (risk - done)))
    n = float(curve.at_risk[0])
    return float(terms.sum()) * n / (n - 1)


def _logit_limits(mean: float, variance: float, horizon: float, quantile: float) -> tuple[float, float]:
    part = mean / horizon if horizon > 0 else _NAN
    if not 0 < part < 1 or not variance > 0:
        return _NAN, _NAN
    half = quantile * sqrt(variance) / horizon / (part * (1 - part))
    middle = log(part / (1 - part))
    return horizon / (1 + exp(half - middle)), horizon / (1 + exp(-half - middle))


@dataclass(frozen=True, slots=True)
class _Difference:
    difference: float
    error: float
    freedom: float


def _mean_difference(
    times: _Floats,
    done: NDArray[np.bool_],
    side: NDArray[np.bool_],
    codes: NDArray[np.intp] | None,
    horizon: float,
    *,
    crossed: bool,
) -> _Difference:
    means, variances, sizes = [], [], []
    for s in (side, ~side):
        curve = _Curve(times[s], done[s])
        means.append(_restricted_mean(curve, horizon))
        variance, size = _mean_variance(curve, horizon), float(s.sum())
        if codes is not None:
            own = np.unique(codes[s])
            left = [_Curve(times[s & (codes != code)], done[s & (codes != code)]) for code in own]
            variance = max(variance, float(_jackknife_variance(np.array([_area(c, horizon) for c in left]))))
            size = float(len(own))
        variances.append(variance)
        sizes.append(size)
    total = sum(variances)
    freedom = total**2 / sum(v**2 / (m - 1) for v, m in zip(variances, sizes, strict=True)) if total > 0 else _NAN
    if crossed and codes is not None:
        shift = _differences_without(times, done, side, codes, lambda t, d: _area(_Curve(t, d), horizon))
        total, freedom = float(_jackknife_variance(shift)), len(shift) - 1.0
    # Areas of equal curves differ in the last digit; such a spread would make a difference of nought certain.
    error = sqrt(total) if total > (_EXACT * horizon) ** 2 else _NAN
    return _Difference(means[0] - means[1], error, freedom)


def _differences_without(
    times: _Floats,
    done: NDArray[np.bool_],
    side: NDArray[np.bool_],
    codes: NDArray[np.intp],
    measure: Callable[[_Floats, NDArray[np.bool_]], float],
) -> _Floats:
    """Difference of a measure between the sides, each cluster left out in turn."""
    found = []
    for code in np.unique(codes):
        kept = codes != code
        one, two = kept & side, kept & ~side
        found.append(measure(times[one], done[one]) - measure(times[two], done[two]))
    return np.array(found)


def _share_difference(first: TimeToEvent, second: TimeToEvent) -> tuple[float, float, float]:
    """Newcombe's square-and-add limits from those of both shares."""
    difference = first.share_within - second.share_within
    low = difference - np.hypot(
        first.share_within - first.share_within_ci_low, second.share_within_ci_high - second.share_within
    )
    high = difference + np.hypot(
        first.share_within_ci_high - first.share_within, second.share_within - second.share_within_ci_low
    )
    return difference, float(low), float(high)


def _between(codes: NDArray[np.intp] | None) -> str:
    if codes is None:
        return ""
    few = len(np.unique(codes)) < _FEW_CLUSTERS
    return ", between clusters" + ("; the log-rank test is cautious with so few of them" if few else "")


def _log_rank(
    times: _Floats, done: NDArray[np.bool_], side: NDArray[np.bool_], codes: NDArray[np.intp] | None
) -> tuple[float, float]:
    if not done.any():
        return _NAN, _NAN
    if codes is None:
        censored = [stats.CensoredData(uncensored=times[s & done], right=times[s & ~done]) for s in (side, ~side)]
        # Where all are done at once there is nothing to compare, and the statistic is nought by nought.
        with np.errstate(invalid="ignore", divide="ignore"):
            found = stats.logrank(*censored)
        return float(found.statistic), float(found.pvalue)
    curve = _Curve(times, done)
    first = np.bincount(curve.place, weights=side)
    share = first[::-1].cumsum()[::-1] / curve.at_risk
    hazard = curve.done / curve.at_risk
    # A case's part of the score: its event less what was expected of it for as long as it was at risk.
    spent, spent_first = hazard.cumsum(), (hazard * share).cumsum()
    place = curve.place
    part = np.where(done, side - share[place], 0.0) - (side * spent[place] - spent_first[place])
    sums = np.bincount(codes, weights=part)[np.unique(codes)]
    size = len(sums)
    error = sqrt(size / (size - 1) * float((sums**2).sum()))
    if error <= _EXACT * size:
        return _NAN, _NAN
    statistic = float(sums.sum()) / error
    return statistic, float(2 * stats.t.sf(abs(statistic), size - 2))


def _checked(
    durations: ArrayLike, observed: ArrayLike, clusters: ArrayLike | None
) -> tuple[_Floats, NDArray[np.bool_], NDArray[np.intp] | None, NDArray[np.bool_]]:
    """Times, events and clusters of the cases that have them, and which these are."""
    if getattr(durations, "dtype", np.dtype(float)).kind in "mM":
        raise TypeError("durations must be numbers, not time differences; divide by pd.Timedelta(hours=1), say.")
    times, done = _numbers(durations, "durations must be numbers"), _numbers(observed, _WHETHER_DONE)
    if times.ndim != 1 or times.shape != done.shape:
        raise ValueError(
            f"durations and observed must be 1-D and of equal length, got shapes {times.shape} and {done.shape}."
        )
    if np.isinf(times).any():
        raise ValueError("durations must be finite or missing, got an infinite value.")
    if (times < 0).any():
        raise ValueError(f"durations must not be negative; {int((times < 0).sum())} are.")
    if not np.isin(done[~np.isnan(done)], (0, 1)).all():
        raise ValueError(f"{_WHETHER_DONE}.")
    present: NDArray[np.bool_] = np.isfinite(times) & np.isfinite(done)
    events = np.asarray(done[present] == 1, dtype=np.bool_)
    if clusters is None:
        return times[present], events, None, present
    codes, _ = pd.factorize(np.asarray(clusters, dtype=object))
    if len(codes) != len(times) or (codes[present] < 0).any():
        raise ValueError(f"clusters must have one entry, none missing, for each of the {len(times)} cases.")
    return times[present], events, codes[present].astype(np.intp), present


def _numbers(given: ArrayLike, rule: str) -> _Floats:
    try:
        numbers = given.to_numpy(dtype=float, na_value=np.nan) if isinstance(given, pd.Series) else given
        return np.asarray(numbers, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{rule}.") from None


def _check_times(limit: float, horizon: float | None) -> None:
    if limit < 0:
        raise ValueError(f"limit must not be negative, got {limit!r}.")
    if horizon is not None and not 0 < horizon < float("inf"):
        raise ValueError(f"horizon must be a number above 0, got {horizon!r}.")


def _words(value: float) -> str:
    return f"{value:.4g}" if np.isfinite(value) else "not reached"


def _limits_in_words(low: float, high: float) -> str:
    return f"{_words(low)} to {_words(high)}"
