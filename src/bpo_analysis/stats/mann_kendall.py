"""Does a series go anywhere, judged by its ranks alone? The test of Mann and Kendall, and Sen's slope.

The test as it is mostly used counts how many pairs of values rise and how many fall, and takes the values for
independent. Here the variance of that count is the exact one of an AR(1) series, averaged over the autocorrelation with
the weight that the data give each value of it, and what error is left in short series is calibrated as in
``detect_trend``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, factorial
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.arguments import (
    Alternative,
    NanPolicy,
    as_floats,
    check_alternative,
    check_confidence_level,
    check_nan_policy,
)
from bpo_analysis.stats.autoregression import (
    GRID,
    HIGH_AUTOCORRELATION,
    KNOTS,
    LEVELS,
    SMALLEST_REST,
    Whitening,
    calibrate,
    check_season,
    season_columns,
)
from bpo_analysis.stats.calibrations import calibration
from bpo_analysis.stats.result import Result
from bpo_analysis.stats.time_axis import TimeAxis
from bpo_analysis.stats.trend import DRIFT_NOTE, MIN_FREEDOM, MIN_POINTS, SUSPECT, trend_in_words

__all__ = ["MannKendallResult", "mann_kendall"]

MIN_POINTS_KNOWN = 4
"""Where the autocorrelation is given: with three values not even the clearest order has a small p-value."""
MOST_POINTS_EXACT = 10
"""Up to here all orders of the values are counted, where they are independent and without ties."""
_RUNS_PER_TRUTH = 1500
_MANY_POINTS = 36
_CALIBRATED_FREEDOM = 100
"""Longer series share the calibration of one with so many degrees of freedom, less of it the longer they are."""
_MOST_PHASES = 100
"""With a longer season so many values are needed that the calibration, which takes minutes, has little to mend."""
_MOST_TERMS = 4_000_000
"""Beyond so many terms in the variance (200 to 700 periods) its leading part is used, with a ratio known from less."""
_EXACT = 1e-9
_DIGITS = 14
_FAR = 50.0
_TIES = "So many values are equal that the size of a trend cannot be told from them; only its direction is tested."

_Floats = NDArray[np.float64]
_Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class MannKendallResult(Result):
    """A monotone trend, judged by ranks.

    Attributes
    ----------
    sen_slope, ci_low, ci_high : float
        Median change per period over all pairs that are compared, and its confidence limits: the slopes which the
        test would not reject. Infinite where no slope can be ruled out.
    confidence_level : float
    statistic : float
        Mann-Kendall's S: pairs that rise minus pairs that fall.
    var_s : float
        Variance of S without a trend; its mean where the autocorrelation is estimated.
    z : float
        Normal quantile that belongs to ``pvalue`` (but for exact p-values), with the sign of S.
    pvalue : float
        NaN where it cannot be computed; ``note`` says why.
    alternative : str
    tau : float
        S over the number of pairs, -1 to 1 (Kendall's tau a).
    detectable_slope : float
        A slope of this size would have been found with a probability of about 80 % (60 to 70 % with fewer than 24
        values).
    autocorrelation : float
        Of neighbouring values around trend and season: as given, or the mean of its likelihood.
    high_autocorrelation : float
        Weight of the evidence (0 to 1) that it is above 0.8, where drift looks like a trend; NaN where it was given.
    n, n_missing : int
        Values, and gaps on the time axis between and around them.
    season_length : int or None
    method, note : str
    """

    sen_slope: float
    ci_low: float
    ci_high: float
    confidence_level: float
    statistic: float
    var_s: float
    z: float
    pvalue: float
    alternative: Alternative
    tau: float
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
        return trend_in_words(self, "median slope", self.sen_slope, rising=self.statistic > 0)


def mann_kendall(
    values: ArrayLike,
    *,
    season_length: int | None = None,
    autocorrelation: float | Literal["estimate"] = "estimate",
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
    nan_policy: NanPolicy = "omit",
    continuity: bool = True,
) -> MannKendallResult:
    """Test a series for a monotone trend by its ranks, when neighbouring values resemble each other.

    The twin of :func:`detect_trend` for values with outliers, heavy tails or a trend that is steady in direction but
    not in size. Use ``detect_trend`` first, for its slope, interval and power are those of a mean; use this one where
    a few values may be far off, and look at both where they differ.

    Parameters
    ----------
    values : array_like, shape (n,)
        One value per period, in order of time. NaN marks a gap, which stays in its place, and so do dates that a
        regular index of dates leaves out.
    season_length : int, optional
        Periods in a cycle (7 for days of the week, 12 for months of the year): only values of the same phase are
        compared. Needs two cycles.
    autocorrelation : float or "estimate", default "estimate"
        Of neighbouring values around trend and season. A number between -1 and 1 is taken for the truth; 0 is the
        classical test, right only for independent values.
    alternative : {"two-sided", "less", "greater"}
        "greater": rising.
    confidence_level : float, default 0.95
    nan_policy : {"omit", "raise", "propagate"}
    continuity : bool, default True
        Whether S is brought one nearer to nought, for its steps are two wide.

    Returns
    -------
    MannKendallResult

    Raises
    ------
    InsufficientDataError
        With fewer than 12 values (4 where the autocorrelation is given), fewer than 8 more than the season needs, or
        less than two cycles of the season.

    Notes
    -----
    The variance of S under a Gaussian AR(1) series is a sum of arc sines [2]_, computed for the places at which there
    are values and reduced for ties as the classical one is [1]_. The autocorrelation is that of the normal scores of
    what is left beside Sen's slope and the medians of the season, so a wild value hardly hides it; the p-value is the
    mean over its restricted likelihood, calibrated by simulation for this length and season. The interval of the slope
    are the slopes that this test does not reject [3]_.

    Without a trend 3.5 to 6 % of series are called at a level of 5 % for autocorrelations of 0 to 0.8, 5 to 8 % at
    0.9; conservative (2 to 3 %) where the noise is a moving average. The measured rates, also of the usual variants,
    are in docs/validation.md: the classical test calls 13 % of trendless series at an autocorrelation of 0.3, Hamed
    and Rao's 16 %, Yue and Wang's with its default lags 48 %. Noise that wanders without returning is not told from a
    trend by any test; ``note`` says where that must be feared, but cannot where a level that wanders lies under as much
    white noise (see :func:`detect_trend`). A clear trend that bends strongly looks like such noise: where it is known
    that the values are independent, say ``autocorrelation=0``.

    With an autocorrelation of 0 it is the classical test with ties, and the seasonal one of Hirsch and Slack without
    covariances [4]_; up to 10 values without ties or season have an exact p-value. Checked against R trend 1.1.6,
    pymannkendall 1.4.3 and scipy.stats.kendalltau.

    References
    ----------
    .. [1] Kendall, M. G. (1975). Rank Correlation Methods. Griffin.
    .. [2] Hamed, K. H. (2008). Trend detection in hydrologic data: the Mann-Kendall trend test under the scaling
       hypothesis. Journal of Hydrology 349.
    .. [3] Sen, P. K. (1968). Estimates of the regression coefficient based on Kendall's tau. JASA 63.
    .. [4] Hirsch, R. M. & Slack, J. R. (1984). A nonparametric trend test for seasonal data with serial dependence.
       Water Resources Research 20.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> values = 0.5 * np.arange(36) + rng.normal(0, 2, 36)
    >>> values[5] = 400  # a slip of the keyboard
    >>> result = mann_kendall(values)
    >>> round(result.sen_slope, 2), result.pvalue < 0.001
    (0.48, True)
    """
    check_alternative(alternative)
    check_confidence_level(confidence_level)
    check_nan_policy(nan_policy)
    known = _known(autocorrelation)
    axis = TimeAxis.of(values)
    series = as_floats(values)
    if series.ndim != 1:
        raise ValueError(f"values must be 1-D, got shape {series.shape}.")
    if np.isinf(series).any():
        raise ValueError("values must be finite or NaN, got an infinite value.")
    series = axis.spread_out(series)
    n_missing = int(np.isnan(series).sum())
    if nan_policy == "raise" and n_missing:
        raise ValueError(f"values have {n_missing} NaN, and nan_policy is 'raise'.")
    positions = np.flatnonzero(np.isfinite(series))
    nothing = _nothing(
        confidence_level=confidence_level,
        alternative=alternative,
        n=len(positions),
        n_missing=n_missing,
        season_length=season_length,
        method=_method(known, season_length),
    )
    if nan_policy == "propagate" and n_missing:
        return replace(nothing, note="the series has gaps, and nan_policy is 'propagate'")
    _check_size(positions, season_length, estimated=known is None)

    # The counts.
    places = _Places.of(positions, season_length)
    present = series[positions]
    compared = _without_rounding(present)
    signs = np.sign(places.differences(compared[None, :])[0])
    slopes = np.sort(np.where(signs != 0, places.differences(present[None, :])[0] / places.spans, 0.0))
    s = float(signs.sum())
    counted = replace(nothing, sen_slope=float(np.median(slopes)), statistic=s, tau=s / len(slopes))

    # How much they vary.
    untied = _untied(compared, places)
    step = float(continuity)
    evidence = _Evidence.estimated(present, places, step) if known is None else _Evidence.given(known, places)
    if untied == 0:
        return replace(counted, note="all values that are compared are equal, so there is no variation to judge it by")
    if evidence is None:
        return replace(counted, note="the values follow a line exactly, so there is no variation to judge it by")
    evidence = replace(evidence, variances=evidence.variances * untied)

    # What that says.
    exact = known == 0 and season_length is None and untied == 1 and len(present) <= MOST_POINTS_EXACT
    null = _orders(len(present)) if exact else None
    z = evidence.z(s, step)
    tail = (1 - confidence_level) / (2 if alternative == "two-sided" else 1)
    low, high = _interval(slopes, evidence.bound(tail, step) if null is None else _exact_bound(null, tail))
    sizeless = low == high == 0
    power = special.ndtri(0.8) / -special.ndtri(tail)
    return replace(
        counted,
        ci_low=low if alternative != "less" else -np.inf,
        ci_high=high if alternative != "greater" else np.inf,
        var_s=float(evidence.weights @ evidence.variances),
        z=z,
        pvalue=_pvalue(z, alternative) if null is None else _exact_pvalue(null, s, alternative),
        detectable_slope=float("nan") if sizeless else float((high - low) / 2 * (1 + power)),
        autocorrelation=evidence.autocorrelation,
        high_autocorrelation=evidence.high_autocorrelation,
        method=_method(known, season_length, exact=exact),
        note=" ".join(filter(None, [_TIES * sizeless, _note(known, evidence)])),
    )


def _nothing(**asked: Any) -> MannKendallResult:
    """Return a result without numbers."""
    numbers = ("sen_slope", "ci_low", "ci_high", "statistic", "var_s", "z", "pvalue", "tau", "detectable_slope")
    rest: dict[str, Any] = dict.fromkeys((*numbers, "autocorrelation", "high_autocorrelation"), float("nan"))
    return MannKendallResult(**rest, **asked, note="")


@dataclass(frozen=True, slots=True)
class _Places:
    """Which values are compared with which.

    Attributes
    ----------
    positions : ndarray of int, shape (n,)
        Places of the values on the time axis.
    season_length : int
        1 without a season.
    first, second : ndarray of int, shape (P,)
        Earlier and later value of each pair.
    """

    positions: _Ints
    season_length: int
    first: _Ints
    second: _Ints

    @classmethod
    def of(cls, positions: _Ints, season_length: int | None) -> _Places:
        length = season_length or 1
        first, second = np.triu_indices(len(positions), 1)
        same = (positions[second] - positions[first]) % length == 0
        return cls(positions, length, first[same], second[same])

    @property
    def spans(self) -> _Ints:
        """Periods between the values of each pair."""
        return self.positions[self.second] - self.positions[self.first]

    @property
    def phases(self) -> _Ints:
        return self.positions % self.season_length

    @property
    def freedom(self) -> int:
        """Values that are left when level, slope and season have been taken out."""
        return len(self.positions) - 1 - len(np.unique(self.phases))

    @property
    def design(self) -> _Floats:
        """Level, slope and season, as columns."""
        trend = np.column_stack([np.ones(len(self.positions)), self.positions - self.positions.mean()])
        return np.column_stack([trend, season_columns(self.positions, self.season_length)])

    def differences(self, values: _Floats) -> _Floats:
        """Later minus earlier value of each pair: (m, n) to (m, P)."""
        return np.asarray(values[:, self.second] - values[:, self.first])

    def sen_slopes(self, values: _Floats) -> _Floats:
        """Median slope of the pairs: (m, n) to (m,)."""
        return np.asarray(np.median(self.differences(values) / self.spans, axis=1))

    def reference(self) -> _Places:
        """Return places without gaps that stand for these, so that many patterns and lengths share one calibration."""
        phases = len(np.unique(self.phases))
        order = np.arange(min(len(self.positions), phases + 1 + _CALIBRATED_FREEDOM))
        fits = len(np.unique(order % self.season_length)) == phases
        return _Places.of(order, self.season_length) if fits else self


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Variances of S for the autocorrelations that come into question, and the weights of these.

    Attributes
    ----------
    weights, variances : ndarray, shape (R,)
    stretch : float
        Factor of the normal score that makes good what error is left.
    autocorrelation, high_autocorrelation : float
    """

    weights: _Floats
    variances: _Floats
    stretch: float
    autocorrelation: float
    high_autocorrelation: float

    @classmethod
    def given(cls, autocorrelation: float, places: _Places) -> _Evidence:
        variances = _variances(places.positions, places.season_length, np.array([autocorrelation]))
        return cls(np.ones(1), variances, 1.0, autocorrelation, float("nan"))

    @classmethod
    def estimated(cls, values: _Floats, places: _Places, step: float) -> _Evidence | None:
        """Weigh the autocorrelations by what is left of the values beside trend and season; None if nothing is."""
        scores = _rest_scores(values[None, :], places.sen_slopes(values[None, :]), places)
        if not scores.any():
            return None
        weights = _likelihood(scores, places)[0]
        rho = float(weights @ GRID)
        return cls(
            weights=weights,
            variances=_variance_table(places.positions.tobytes(), places.season_length),
            stretch=float(np.interp(rho, KNOTS, _stretches(places, step))),
            autocorrelation=rho,
            high_autocorrelation=float(weights[GRID > HIGH_AUTOCORRELATION].sum()),
        )

    def z(self, s: float, step: float) -> float:
        """Normal quantile of the evidence that S gives."""
        score = _normal_scores(np.array([s]), self.weights[None, :], self.variances, step)
        return float(self.stretch * score[0])

    def bound(self, tail: float, step: float) -> float:
        """Largest S that is not called at this tail probability."""
        sd = np.sqrt(self.variances)
        asked = float(special.ndtr(special.ndtri(tail) / self.stretch))
        end = _FAR * float(sd.max())
        found = optimize.brentq(lambda s: float(self.weights @ special.ndtr(-s / sd)) - asked, -end, end)
        return float(found) + step


def _known(autocorrelation: float | str) -> float | None:
    """Return the autocorrelation that is given, None if it is to be estimated."""
    if isinstance(autocorrelation, str):
        if autocorrelation != "estimate":
            raise ValueError(f"autocorrelation must be 'estimate' or a number, got {autocorrelation!r}.")
        return None
    if not -1 < autocorrelation < 1:
        raise ValueError(
            f"autocorrelation must lie between -1 and 1, got {autocorrelation!r}; 0 is the classical test."
        )
    return float(autocorrelation)


def _check_size(positions: _Ints, season_length: int | None, *, estimated: bool) -> None:
    needed = MIN_POINTS if estimated else MIN_POINTS_KNOWN
    if len(positions) < needed:
        raise InsufficientDataError("mann_kendall", needed=needed, got=len(positions), unit="values")
    if season_length is None:
        return
    check_season(season_length, positions, "mann_kendall")
    phases = len(np.unique(positions % season_length))
    needed = phases + 1 + MIN_FREEDOM if estimated else phases + 1
    if len(positions) < needed:
        what = f"mann_kendall with a season of {season_length}"
        raise InsufficientDataError(what, needed=needed, got=len(positions), unit="values")


def _without_rounding(values: _Floats) -> _Floats:
    """Make values equal that differ by the rounding of a computation only: to ranks every difference counts."""
    largest = np.abs(values).max() or 1.0
    return np.asarray(np.round(values / largest, _DIGITS) * largest)


def _rest_scores(values: _Floats, slopes: _Floats, places: _Places) -> _Floats:
    """Normal scores of what is left beside a slope and the medians of the season: (m, n) to (m, n)."""
    rest = values - slopes[:, None] * places.positions
    phases = places.phases
    for phase in np.unique(phases):
        rest[:, phases == phase] -= np.median(rest[:, phases == phase], axis=1, keepdims=True)
    # What is left of an exact fit is rounding, and its order means nothing.
    unit = _EXACT * np.maximum(np.abs(values).max(axis=1, keepdims=True), np.finfo(float).tiny)
    ranks = stats.rankdata(np.round(rest / unit), axis=1)
    n = values.shape[1]
    return np.asarray(special.ndtri((ranks - 3 / 8) / (n + 1 / 4)))


def _likelihood(scores: _Floats, places: _Places) -> _Floats:
    """Weights of the autocorrelations of the grid by their restricted likelihood: (m, n) to (m, R)."""
    design = places.design
    basis, _ = np.linalg.qr(design)
    rest = scores - scores @ basis @ basis.T
    rest /= np.sqrt((rest**2).mean(axis=1, keepdims=True))
    whitening = Whitening.of(places.positions)
    q, r = np.linalg.qr(whitening.columns(design))
    squares = whitening.squares(rest) - (whitening.products(rest, q) ** 2).sum(axis=2)
    n, k = design.shape
    log_likelihood = (
        np.log(whitening.weight).sum(axis=1)
        - np.log(np.abs(np.diagonal(r, axis1=1, axis2=2))).sum(axis=1)
        - 0.5 * (n - k) * np.log(np.maximum(squares, SMALLEST_REST))
    )
    weights = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _normal_scores(s: _Floats, weights: _Floats, variances: _Floats, step: float) -> _Floats:
    """Evidence of each S (m,) as a normal quantile, averaged over the autocorrelation on the scale of probabilities."""
    size = np.maximum(np.abs(s) - step, 0.0)
    tail = (weights * special.ndtr(-size[:, None] / np.sqrt(variances))).sum(axis=1)
    return np.asarray(-np.sign(s) * special.ndtri(np.clip(tail, np.finfo(float).tiny, 0.5)))


def _pvalue(z: float, alternative: Alternative) -> float:
    tails = {"less": special.ndtr(z), "greater": special.ndtr(-z), "two-sided": 2 * special.ndtr(-abs(z))}
    return float(tails[alternative])


def _interval(slopes: _Floats, bound: float) -> tuple[float, float]:
    """Slopes (of those sorted) between which S of the values less that slope does not go beyond the bound."""
    # With k of the N slopes below it, a slope leaves S = N - 2 k.
    rank = ceil((len(slopes) - bound) / 2)
    if rank < 1:
        return -np.inf, np.inf
    rank = min(rank, (len(slopes) + 1) // 2)
    return float(slopes[rank - 1]), float(slopes[len(slopes) - rank])


def _untied(values: _Floats, places: _Places) -> float:
    """Share of the variance of S under independence that ties leave, 0 where all values of each phase are equal."""
    order = np.lexsort((values, places.phases))
    value, phase = values[order], places.phases[order]
    starts = np.flatnonzero(np.r_[True, (value[1:] != value[:-1]) | (phase[1:] != phase[:-1])])
    ties = np.diff(starts, append=len(values))
    return 1 - _variance_of_groups(ties) / _variance_of_groups(np.bincount(phase))


def _variance_of_groups(sizes: _Ints) -> float:
    """Variance of S of groups of independent values, by their sizes."""
    sizes = sizes.astype(float)
    return float((sizes * (sizes - 1) * (2 * sizes + 5)).sum() / 18)


def _orders(n: int) -> dict[int, float]:
    """Probability of every S when all orders of n values are equally likely."""
    counts = np.ones(1)
    for k in range(2, n + 1):
        counts = np.convolve(counts, np.ones(k))
    pairs = n * (n - 1) // 2
    return {pairs - 2 * falls: count / factorial(n) for falls, count in enumerate(counts)}


def _exact_pvalue(null: dict[int, float], s: float, alternative: Alternative) -> float:
    above = sum(p for value, p in null.items() if value >= s)
    below = sum(p for value, p in null.items() if value <= s)
    return {"greater": above, "less": below, "two-sided": min(1.0, 2 * min(above, below))}[alternative]


def _exact_bound(null: dict[int, float], tail: float) -> float:
    """Largest S that is not called: its own tail, and that of nothing beyond it, reaches the level."""
    return max((s for s in null if _exact_pvalue(null, s, "greater") >= tail), default=min(null))


def _variances(positions: _Ints, season_length: int, autocorrelations: _Floats) -> _Floats:
    """Variance of S of a Gaussian AR(1) series with values at these places, for each autocorrelation."""
    span = int(positions[-1] - positions[0]) + 1
    present = np.zeros(span)
    present[positions - positions[0]] = 1
    cycles = span / season_length
    if span * cycles**2 <= _MOST_TERMS:
        return _sum_of_arcsines(present, season_length, autocorrelations)
    known = int((_MOST_TERMS * season_length**2) ** (1 / 3))
    whole = np.ones(known)
    asked = np.append(autocorrelations, 0.0)
    ratio = _sum_of_arcsines(whole, season_length, asked) / _leading_part(whole, season_length, asked)
    # What the leading part leaves out shrinks with the number of cycles; without autocorrelation the sum is known.
    shrunk = (1 + (ratio - 1) * (known / season_length + 1) / (cycles + 1)) * _leading_part(
        present, season_length, asked
    )
    sizes = np.unique(positions % season_length, return_counts=True)[1]
    return np.asarray(shrunk[:-1] / shrunk[-1] * _variance_of_groups(sizes))


def _sum_of_arcsines(present: _Floats, season_length: int, autocorrelations: _Floats) -> _Floats:
    """Exact variance of S: covariances of the signs of all pairs of differences [Hamed 2008]."""
    span = len(present)
    lags = np.arange(season_length, span, season_length)
    both = np.zeros((len(lags), 2 * span))
    for row, lag in zip(both, lags, strict=True):
        row[: span - lag] = present[:-lag] * present[lag:]
    spectra = np.fft.rfft(both, axis=1)
    shift = np.r_[0:span, -span:0]
    total = np.zeros(len(autocorrelations))
    for i, lag in enumerate(lags):
        # How often two pairs, this one ``lag`` wide and another ``other`` wide, begin ``shift`` periods apart.
        counts = np.rint(np.fft.irfft(spectra[i:] * spectra[i].conj(), n=2 * span, axis=1))
        counts[1:] *= 2
        rows, columns = np.nonzero(counts > 0)
        weight, other, apart = counts[rows, columns], lags[i:][rows], shift[columns]
        gaps = np.abs(np.array([apart + other - lag, apart - lag, apart + other, apart]))
        for j, rho in enumerate(autocorrelations):
            power = float(rho) ** np.arange(2 * span + 1)
            likeness = power[gaps[0]] - power[gaps[1]] - power[gaps[2]] + power[gaps[3]]
            likeness /= 2 * np.sqrt((1 - power[lag]) * (1 - power[other]))
            total[j] += weight @ np.arcsin(np.clip(likeness, -1, 1))
    return 2 / np.pi * total


def _leading_part(present: _Floats, season_length: int, autocorrelations: _Floats) -> _Floats:
    """Variance of the projection of S on single values: what counts in long series."""
    span = len(present)
    balance = np.zeros(span)
    for phase in range(season_length):
        members = present[phase::season_length]
        before = np.cumsum(members) - members
        balance[phase::season_length] = members * (2 * before + members - members.sum())
    products = np.correlate(balance, balance, "full")[span - 1 :]
    products[1:] *= 2
    powers = autocorrelations[:, None] ** np.arange(span)
    return np.asarray(2 / np.pi * np.arcsin(powers / 2) @ products)


@calibration(np.ndarray)
def _variance_table(positions: bytes, season_length: int) -> _Floats:
    return _variances(np.frombuffer(positions, dtype=np.intp), season_length, GRID)


def _stretches(places: _Places, step: float) -> _Floats:
    """Factors at ``KNOTS`` by which the normal score of series at these places is multiplied to hold the level."""
    reference = places.reference()
    phases = len(reference.positions) - 1 - reference.freedom
    if reference.freedom > _CALIBRATED_FREEDOM or phases > _MOST_PHASES:
        return np.ones(len(KNOTS))
    stretches = _simulated_stretches(reference.positions.tobytes(), places.season_length, step)
    # What is left to correct in a longer series shrinks with its length.
    return 1 + (stretches - 1) * reference.freedom / places.freedom


@calibration(np.ndarray)
def _simulated_stretches(positions: bytes, season_length: int, step: float) -> _Floats:
    places = _Places.of(np.frombuffer(positions, dtype=np.intp), season_length)
    n = len(places.positions)
    variances = _variance_table(positions, season_length)
    rows = max(1, _MOST_TERMS // len(places.first))
    least_squares = np.linalg.pinv(places.design)[1]

    def simulate(series: _Floats) -> tuple[_Floats, _Floats]:
        parts = []
        for part in np.split(series, range(rows, len(series), rows)):
            # Of many normal values both slopes leave the same order, and this one is quick.
            slopes = part @ least_squares if n > _MANY_POINTS else places.sen_slopes(part)
            weights = _likelihood(_rest_scores(part, slopes, places), places)
            s = 2.0 * (part[:, places.second] > part[:, places.first]).sum(axis=1) - len(places.first)
            parts.append((np.abs(_normal_scores(s, weights, variances, step)), weights @ GRID))
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    return calibrate(simulate, n, _RUNS_PER_TRUTH, -special.ndtri(LEVELS / 2))


def _method(known: float | None, season_length: int | None, *, exact: bool = False) -> str:
    if known is None:
        text = "Mann-Kendall with the variance of an AR(1) series, averaged over the autocorrelation"
    elif known:
        text = f"Mann-Kendall with the variance of an AR(1) series with autocorrelation {known:g}"
    else:
        text = f"Mann-Kendall for independent values{', exact p-value' if exact else ''}"
    return text if season_length is None else f"{text}, within the phases of a season of {season_length}"


def _note(known: float | None, evidence: _Evidence) -> str:
    if known == 0:
        return (
            "The values were taken for independent; where neighbouring ones resemble each other, trends are seen that "
            "are not there."
        )
    return DRIFT_NOTE if known is None and evidence.high_autocorrelation > SUSPECT else ""
