"""Does one series move before another, by how many periods, and could chance among the lags have made it so?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import reduce
from math import gcd, sqrt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from bpo_analysis.errors import DataError, InsufficientDataError, UnknownNameError
from bpo_analysis.stats.arguments import NanPolicy, check_confidence_level, check_nan_policy
from bpo_analysis.stats.autoregression import check_season, season_columns
from bpo_analysis.stats.multiplicity import AdjustmentMethod, adjust_pvalues
from bpo_analysis.stats.prewhiten import Innovations, prewhiten
from bpo_analysis.stats.result import Result
from bpo_analysis.stats.wording import count_text, pvalue_text

__all__ = ["MIN_FREEDOM", "MIN_PAIRS", "MIN_PERIODS", "LeadLagResult", "cross_correlation", "lead_lag", "lead_lag_scan"]

MIN_PERIODS = 16
MIN_FREEDOM = 10
"""Periods that trend and season must leave."""
MIN_PAIRS = 8
"""Pairs of values at every lag looked at."""

_POWER = 0.8
_TINY = 1e-12
_CLOSEST = 1 - 1e-9
_SMALL_SCORE = 0.05
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(32)
_REACH = 9.0
_BISECTIONS = 34
_CHUNK = 256
_MOST_GAPS = 4
"""Periods a row, beyond which an index is taken for irregular rather than for one with gaps."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadLagResult(Result):
    """The lag at which two series move together most, after what each can tell about itself is taken out.

    Attributes
    ----------
    best_lag : int or None
        Periods from a move of the leading series to the move of the lagging one; negative: the other way round.
    best_lag_low, best_lag_high : int or None
        Range of the lags that the data cannot tell from the best one.
    correlation : float
        At the best lag: of the parts of the two values that neither series' own past, season nor trend explains.
    ci_low, ci_high : float
        Limits for the correlation at the true lag, which allow for the search: 0 lies outside exactly where
        ``pvalue`` is below ``1 - confidence_level``.
    confidence_level : float
    statistic : float
        Student's t of the best lag.
    pvalue : float
        Of the best of all lags looked at.
    detectable_correlation : float
        What would have been found with a probability of 80 %, at a lag in the middle of those looked at.
    n_lags : int
        Lags looked at.
    order_leading, order_lagging : int or None
        Order of each autoregression with the smallest AICc.
    n : int
        Periods in which both series have a value.
    n_missing : int
        Periods in which either has none.
    method : str
        What was taken out, and how the p-value was found.
    note : str
        Why there is no answer; otherwise empty.
    table : DataFrame
        One row a lag: lag, correlation, n_pairs, pvalue (of this lag alone), pvalue_adjusted (for all lags looked
        at), ci_low, ci_high (of this lag alone).
    """

    best_lag: int | None
    best_lag_low: int | None
    best_lag_high: int | None
    correlation: float
    ci_low: float
    ci_high: float
    confidence_level: float
    statistic: float
    pvalue: float
    detectable_correlation: float
    n_lags: int
    order_leading: int | None
    order_lagging: int | None
    n: int
    n_missing: int
    method: str
    note: str
    table: pd.DataFrame

    def summary(self) -> str:
        """Return what moves before what, how surely, or what could have been seen."""
        if self.best_lag is None:
            return f"No answer: {self.note} (n = {self.n}, {self.n_missing} missing)."
        looked = f"the best of {self.n_lags} lags" if self.n_lags > 1 else "the one lag looked at"
        tested = f"p {pvalue_text(self.pvalue)} for {looked}"
        if not self.pvalue < 1 - self.confidence_level:
            strength = f"a correlation of {self.detectable_correlation:.2f} or stronger would have been found"
            if not np.isfinite(self.detectable_correlation):
                strength = "no correlation could have been found"
            return (
                f"Cannot tell whether one series moves before the other: the strongest correlation is "
                f"{self.correlation:.2f}, at lag {self.best_lag} ({tested}). With n = {self.n} and "
                f"{count_text(self.n_lags, 'lag')}, {strength} with 80 % probability ({self.method})."
            )
        return (
            f"{self._timing()}: correlation {self.correlation:.2f}, {100 * self.confidence_level:g} % interval "
            f"{self.ci_low:.2f} to {self.ci_high:.2f}, {tested}, n = {self.n}. {self._range()} "
            f"It says when, not why ({self.method})."
        )

    def _timing(self) -> str:
        way = "the same direction" if self.correlation > 0 else "the opposite direction"
        if self.best_lag == 0:
            return f"The two series move in {way} in the same period"
        first, second = ("leading", "lagging") if (self.best_lag or 0) > 0 else ("lagging", "leading")
        ahead = count_text(abs(self.best_lag or 0), "period")
        return f"The {first} series moves {ahead} before the {second} one, in {way}"

    def _range(self) -> str:
        if self.n_lags == 1:
            return "No other lag was looked at."
        low, high = self.best_lag_low, self.best_lag_high
        if low is None or high is None or low == high:
            return "No other lag looked at fits nearly as well."
        order = " which of the two comes first is not certain." if low < 0 < high else ""
        return f"Lags from {low} to {high} fit nearly as well{';' if order else '.'}{order}"


def lead_lag(
    leading: ArrayLike,
    lagging: ArrayLike,
    *,
    max_lag: int,
    min_lag: int = 0,
    both_directions: bool = False,
    season_length: int | None = None,
    detrend: bool = True,
    confidence_level: float = 0.95,
    nan_policy: NanPolicy = "omit",
) -> LeadLagResult:
    """Find the lag at which ``leading`` moves before ``lagging``, and test it for having been searched.

    Parameters
    ----------
    leading, lagging : array_like, shape (n,)
        One value per period, in order of time. NaN marks a gap, which stays in place. Two Series must have the same
        index; a period that a time index leaves out counts as a gap.
    max_lag : int
        Longest lag looked at, in periods. Choose the window before looking at the data, and no wider than needed:
        every lag costs.
    min_lag : int, default 0
        Shortest lag looked at; 1 leaves out what happens in the same period.
    both_directions : bool, default False
        Look at the same lags with ``lagging`` first, too; these are negative.
    season_length : int, optional
        Periods in a cycle (7 for days of the week, 12 for months of the year); the level at each phase is taken out
        of both series, and paid for in degrees of freedom. Needs two cycles.
    detrend : bool, default True
        Take a straight line out of both series.
    confidence_level : float, default 0.95
    nan_policy : {"omit", "raise", "propagate"}

    Returns
    -------
    LeadLagResult

    Raises
    ------
    InsufficientDataError
        With fewer than 16 values in a series, fewer than 10 more than level, trend and season need, less than two
        cycles of the season, or a lag with fewer than 8 pairs of values.
    DataError
        Where a series does not vary beyond its trend and season.

    Notes
    -----
    Trend, season and an autoregression of its own are taken out of each series [1]_ (see ``prewhiten``); the
    innovations are correlated at every lag, over the pairs that both have. The t of a lag is that of a regression on
    the other series' innovations beside trend and season, the geometric mean of the two ways round, so that exchanging
    the arguments changes nothing but the sign of the lags. Correlations at different lags are independent where the
    series are, so the p-value of the best of K is ``1 - (1 - p)^K``.

    The correlation is that of the innovations themselves; where a season goes round only twice it is drawn towards 0.
    The interval inverts the distribution of the best of K when one lag has a correlation and the others have none. An
    interval that forgets the search covers the truth in 59 % (no relation) to 95 % (strong) of cases.
    Without a clear relation it is wide and has both signs: another lag may be the true one. ``best_lag_low`` to
    ``best_lag_high`` are the lags whose likelihood is not much below the best, at a limit that holds the true lag in
    at least 95 % of cases whatever the strength, and in nearly all where the relation is clear.

    Holds its level (3 to 6.5 % at 5 %) for autocorrelations from 0 to 0.9, drifts, fixed seasons, heavy tails, ties and
    gaps. It does not where a season changes its shape over the years (11 % false alarms in 60 months, 18 % in 104), or
    where the spread of both series grows (7 % if it doubles, 10 % if it trebles, up to 13 % beyond); no usual method
    does. What is tested is a relation at one lag: one that is spread thinly over several, or between a persistent
    series and one that is not, is found less often than by a joint test such as Granger's, which names no lag. A lead
    is no proof of a cause: a third thing may move both. Measured rates are in docs/validation.md.

    References
    ----------
    .. [1] Haugh, L. D. (1976). Checking the independence of two covariance-stationary time series: a univariate
       residual cross-correlation approach. J. Amer. Statist. Assoc. 71.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> adverts = rng.normal(size=63)
    >>> calls = 0.8 * adverts[:-3] + 0.5 * rng.normal(size=60)
    >>> result = lead_lag(adverts[3:], calls, max_lag=8)
    >>> result.best_lag, result.pvalue < 0.001
    (3, True)
    """
    _check_series(leading, lagging)
    index = leading.index if isinstance(leading, pd.Series) else None
    matrix = np.column_stack([_numbers(leading, "leading"), _numbers(lagging, "lagging")])
    check_nan_policy(nan_policy)
    plan = _Plan(
        positions=_time_axis(index, len(matrix)),
        lags=_lags(min_lag, max_lag, both_directions=both_directions),
        season_length=season_length,
        detrend=detrend,
        confidence_level=confidence_level,
    )
    series = plan.on_time_axis(matrix)
    missing = int((~np.isfinite(series)).any(axis=0).sum())
    if missing and nan_policy == "raise":
        raise ValueError(f"leading and lagging have {missing} periods with NaN, and nan_policy is 'raise'.")
    if missing and nan_policy == "propagate":
        note = f"{count_text(missing, 'period')} without a value, and nan_policy is 'propagate'"
        return LeadLagResult(**plan.unanswered(series), note=note, table=plan.empty_table())
    problem = next((p for p in (plan.shortage(row) for row in series) if p is not None), None)
    problem = problem or plan.shortage_of_pairs(series[0], series[1])
    if problem is not None:
        raise problem
    innovations = plan.innovations(series)
    for name, varies in zip(("leading", "lagging"), innovations.varies, strict=True):
        if not varies:
            raise DataError(_no_variation(name))
    zero, one = np.array([0]), np.array([1])
    lags = _correlate(innovations.take(zero), innovations.take(one), plan)
    answers = {name: column[0].item() for name, column in _best(lags, plan).items()}
    return LeadLagResult(**plan.unanswered(series) | answers, note="", table=_table(lags, plan))


def lead_lag_scan(
    frame: pd.DataFrame,
    pairs: Iterable[tuple[Hashable, Hashable]],
    *,
    max_lag: int,
    min_lag: int = 0,
    both_directions: bool = False,
    season_length: int | None = None,
    detrend: bool = True,
    confidence_level: float = 0.95,
    nan_policy: NanPolicy = "omit",
    fdr_method: AdjustmentMethod = "benjamini-hochberg",
) -> pd.DataFrame:
    """Look at many pairs of series at once, and adjust their p-values for being many.

    Parameters
    ----------
    frame : DataFrame, shape (n, m)
        One series a column, one row a period, in order of time.
    pairs : iterable of (leading, lagging)
        Names of columns.
    max_lag, min_lag, both_directions, season_length, detrend, confidence_level, nan_policy
        As in :func:`lead_lag`.
    fdr_method : str, default "benjamini-hochberg"
        How the p-values of the pairs are adjusted (see ``adjust_pvalues``).

    Returns
    -------
    DataFrame
        One row a pair, in the order given: leading, lagging, the scalar fields of :class:`LeadLagResult` with the same
        values, pvalue_adjusted (over pairs), status ("ok", "insufficient data", "no variation", "missing values") and
        message (what was wrong). A pair without an answer has missing values and does not count among the pairs.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"adverts": rng.normal(size=60), "flat": 1.0})
    >>> frame["calls"] = frame["adverts"].shift(2) + 0.5 * rng.normal(size=60)
    >>> lead_lag_scan(frame, [("adverts", "calls"), ("flat", "calls")], max_lag=6)[["best_lag", "status"]]
       best_lag        status
    0         2            ok
    1      <NA>  no variation
    """
    chosen: list[Any] = [pair if isinstance(pair, str) else tuple(pair) for pair in pairs]
    first, second = _columns_of(frame, chosen)
    _check_once(chosen)
    used, place = np.unique(np.r_[first, second], return_inverse=True)
    first, second = place[: len(chosen)], place[len(chosen) :]
    values = np.array([_numbers(frame.iloc[:, i], frame.columns[i]) for i in used]).reshape(len(used), len(frame)).T
    check_nan_policy(nan_policy)
    plan = _Plan(
        positions=_time_axis(frame.index, len(frame)),
        lags=_lags(min_lag, max_lag, both_directions=both_directions),
        season_length=season_length,
        detrend=detrend,
        confidence_level=confidence_level,
    )
    series = plan.on_time_axis(values)
    gaps = ~np.isfinite(series)
    if nan_policy == "raise" and gaps.any():
        raise ValueError(f"frame has {int(gaps.sum())} missing values, and nan_policy is 'raise'.")
    status, message = _reasons(series, first, second, plan, propagate=nan_policy == "propagate")
    answers = {name: np.full(len(chosen), np.nan) for name in _ANSWERS}
    rows = np.flatnonzero(status == "ok")
    if len(rows):
        for flat, side in _fill(answers, rows, series, first, second, plan):
            status[flat], message[flat] = "no variation", [_no_variation(chosen[i][side]) for i in flat]
    return _scan_table(chosen, answers, gaps[first] | gaps[second], status, message, plan, fdr_method)


def cross_correlation(leading: ArrayLike, lagging: ArrayLike, *, max_lag: int) -> pd.DataFrame:
    """Plain cross-correlation at every lag, for the eye only: nothing is taken out, and no p-value belongs to it.

    Parameters
    ----------
    leading, lagging : array_like, shape (n,)
        One value per period, in order of time; NaN marks a gap.
    max_lag : int
        Longest lag, in both directions.

    Returns
    -------
    DataFrame
        Columns lag (positive: ``leading`` first), correlation, n_pairs.

    Notes
    -----
    Means and variances are those of the whole series, and sums are divided by the pairs plus the lag, as R does: equal
    to ``ccf(lagging, leading)`` of R (with ``na.action = na.pass`` where there are gaps), whose lags have this sign
    when the arguments stand in this order. Of unrelated pairs of series with an autocorrelation of 0.6 (52 periods,
    lags 0 to 8) it leaves its usual band of +-1.96 / sqrt(n) in 55 %: see :func:`lead_lag`.

    Examples
    --------
    >>> cross_correlation([1, 2, 3, 2, 1, 2], [0, 1, 2, 3, 2, 1], max_lag=1)["correlation"].round(3).tolist()
    [-0.486, 0.38, 0.697]
    """
    _check_series(leading, lagging)
    x, y = _numbers(leading, "leading"), _numbers(lagging, "lagging")
    lags = np.arange(-_whole(max_lag, "max_lag"), max_lag + 1)
    if max_lag >= len(x):
        raise ValueError(f"max_lag must be less than the {len(x)} periods, got {max_lag}.")
    if not (np.isfinite(x).any() and np.isfinite(y).any()):
        raise InsufficientDataError("cross_correlation", needed=1, got=0, unit="values in each series")
    x, y = x - np.nanmean(x), y - np.nanmean(y)
    scale = sqrt(float(np.nanmean(x**2) * np.nanmean(y**2)))
    if scale == 0:
        raise DataError("cross_correlation needs two series that vary; one of them does not.")
    products = [_earlier(x, lag) * _later(y, lag) for lag in lags.tolist()]
    n_pairs = np.array([int(np.isfinite(p).sum()) for p in products])
    values = [np.nansum(p) / (k + abs(lag)) / scale for p, k, lag in zip(products, n_pairs, lags, strict=True)]
    return pd.DataFrame({"lag": lags, "correlation": values, "n_pairs": n_pairs})


_ANSWERS = (
    "best_lag",
    "best_lag_low",
    "best_lag_high",
    "correlation",
    "ci_low",
    "ci_high",
    "statistic",
    "pvalue",
    "detectable_correlation",
    "order_leading",
    "order_lagging",
)
_WHOLE = ("best_lag", "best_lag_low", "best_lag_high", "order_leading", "order_lagging")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is asked: lags, design and level, and where the rows lie on the time axis."""

    positions: NDArray[np.intp]
    lags: NDArray[np.intp]
    season_length: int | None
    detrend: bool
    confidence_level: float

    def __post_init__(self) -> None:
        check_confidence_level(self.confidence_level)
        if self.season_length is not None:
            # Whether a series is long enough for the season is asked of each series, so that a scan can go on.
            with suppress(InsufficientDataError):
                check_season(self.season_length, np.arange(2), "lead_lag")

    @property
    def length(self) -> int:
        return int(self.positions[-1]) + 1 if len(self.positions) else 0

    @property
    def method(self) -> str:
        taken = ["own past"] + ["trend"] * self.detrend
        taken += [f"season of {self.season_length}"] if self.season_length is not None else []
        listed = taken[0] if len(taken) == 1 else f"{', '.join(taken[:-1])} and {taken[-1]}"
        return f"{listed} taken out of both series; largest t of all lags looked at"

    def design(self) -> _Floats:
        place = np.arange(self.length)
        columns = [np.ones(self.length)]
        if self.detrend:
            columns.append((place - place.mean()) / self.length)
        if self.season_length is not None:
            columns.extend(season_columns(place, self.season_length).T)
        return np.column_stack(columns)

    def on_time_axis(self, matrix: _Floats) -> _Floats:
        """One series a row, with NaN in the periods that the index leaves out."""
        series = np.full((matrix.shape[1], self.length), np.nan)
        series[:, self.positions] = matrix.T
        return series

    def innovations(self, series: _Floats) -> Innovations:
        return prewhiten(series, self.design(), drifting=self.detrend)

    def shortage(self, values: _Floats) -> InsufficientDataError | None:
        """What one series lacks."""
        places = np.flatnonzero(np.isfinite(values))
        if len(places) < MIN_PERIODS:
            return InsufficientDataError("lead_lag", needed=MIN_PERIODS, got=len(places), unit="values in each series")
        phases = 0
        if self.season_length is not None:
            try:
                check_season(self.season_length, places, "lead_lag")
            except InsufficientDataError as short:
                return short
            phases = len(np.unique(places % self.season_length)) - 1
        needed = MIN_FREEDOM + 1 + self.detrend + phases
        if len(places) < needed:
            what = f"lead_lag after {' and '.join(['trend'] * self.detrend + ['season'] * (phases > 0))}"
            return InsufficientDataError(what, needed=needed, got=len(places), unit="values in each series")
        return None

    def shortage_of_pairs(self, x: _Floats, y: _Floats) -> InsufficientDataError | None:
        """What a pair of series lacks at one of the lags."""
        has_x, has_y = np.isfinite(x), np.isfinite(y)
        for lag in self.lags[np.argsort(np.abs(self.lags), kind="stable")]:
            pairs = int((_earlier(has_x, lag) & _later(has_y, lag)).sum()) if abs(lag) < len(x) else 0
            if pairs < MIN_PAIRS:
                what = f"lead_lag at lag {lag} (choose a smaller max_lag)"
                return InsufficientDataError(what, needed=MIN_PAIRS, got=pairs, unit="pairs of values")
        return None

    def unanswered(self, series: _Floats) -> dict[str, Any]:
        """The fields of a result that need no computing, and nothing in the others."""
        complete = np.isfinite(series).all(axis=0)
        return {
            **{name: None if name in _WHOLE else float("nan") for name in _ANSWERS},
            "confidence_level": self.confidence_level,
            "n_lags": len(self.lags),
            "n": int(complete.sum()),
            "n_missing": int((~complete).sum()),
            "method": self.method,
        }

    def empty_table(self) -> pd.DataFrame:
        return pd.DataFrame({"lag": self.lags}).reindex(columns=_COLUMNS)


_COLUMNS = ["lag", "correlation", "n_pairs", "pvalue", "pvalue_adjusted", "ci_low", "ci_high"]


@dataclass(frozen=True, slots=True)
class _Lags:
    """Every pair at every lag: arrays of shape (pairs, lags); the last two of shape (pairs,).

    ``effective_pairs`` are those that trend and season leave; ``kept`` is the share of the sums of squares that they
    leave over the pairs of a lag, near 1 unless a season goes round only twice.
    """

    correlation: _Floats
    n_pairs: NDArray[np.intp]
    effective_pairs: _Floats
    kept: _Floats
    t: _Floats
    score: _Floats
    pvalue: _Floats
    order_leading: NDArray[np.intp]
    order_lagging: NDArray[np.intp]

    @property
    def standard_error(self) -> _Floats:
        """Of the correlation on Fisher's scale: what makes its score; the limit where there is next to nothing."""
        clear = np.abs(self.score) > _SMALL_SCORE
        ratio = np.arctanh(self.correlation) / np.where(clear, self.score, 1.0)
        return np.asarray(np.where(clear, ratio, self.kept / np.sqrt(self.effective_pairs)))


def _correlate(lead: Innovations, lag: Innovations, plan: _Plan) -> _Lags:
    """Correlate the innovations of pairs of series at every lag, the degrees of freedom paid for."""
    sigma = [np.sqrt(np.maximum((side.values**2).sum(axis=1) / side.freedom, _TINY)) for side in (lead, lag)]
    freedom = np.sqrt(lead.freedom * lag.freedom)[:, None]
    products, sums, squares, counts = [], [], [], []
    for k in plan.lags:
        products.append(np.einsum("mn,mn->m", _earlier(lead.values, k), _later(lag.values, k)))
        shifted = _squares(_earlier(lead.values, k), _later(lag.present, k), _later(lag.basis, k, axis=1))
        returned = _squares(_later(lag.values, k), _earlier(lead.present, k), _earlier(lead.basis, k, axis=1))
        sums.append(np.sqrt(shifted[0] * returned[0]))
        squares.append(np.sqrt(shifted[1] * returned[1]))
        counts.append((_earlier(lead.present, k) & _later(lag.present, k)).sum(axis=1))
    product = np.stack(products, axis=1)
    total, square = (np.maximum(np.stack(parts, axis=1), _TINY) for parts in (sums, squares))
    effective = square / (sigma[0] * sigma[1])[:, None]
    share = product / np.sqrt(square * freedom * (sigma[0] * sigma[1])[:, None])
    share = np.clip(share, -_CLOSEST, _CLOSEST)
    df = freedom - 1
    t = share * np.sqrt(df / (1 - share**2))
    pvalue = 2 * special.stdtr(df, -np.abs(t))
    correlation = np.clip(product / total, -_CLOSEST, _CLOSEST)
    score = np.sign(t) * _normal_score(np.abs(t), df, pvalue)
    counted = np.stack(counts, axis=1)
    return _Lags(correlation, counted, effective, square / total, t, score, pvalue, lead.order, lag.order)


def _squares(values: _Floats, present: NDArray[np.bool_], basis: _Floats) -> tuple[_Floats, _Floats]:
    """Sum of squares of one side's innovations where the other has values: all, and beyond what its design explains."""
    seen = values * present
    explained = basis.transpose(0, 2, 1) @ seen[:, :, None]
    squares = (seen**2).sum(axis=1)
    return squares, squares - (explained**2).sum(axis=(1, 2))


def _normal_score(t: _Floats, df: _Floats, pvalue: _Floats) -> _Floats:
    """Normal deviate with the same p-value; Wallace's approximation where the p-value is too small for a number."""
    wallace = (8 * df + 1) / (8 * df + 3) * np.sqrt(df * np.log1p(t**2 / df))
    return np.asarray(np.where(pvalue > np.finfo(float).tiny, -special.ndtri(pvalue / 2), wallace))


def _best(lags: _Lags, plan: _Plan) -> dict[str, NDArray[Any]]:
    """The answers of a result, one element a pair."""
    k = len(plan.lags)
    size = np.abs(lags.score)
    best = size.argmax(axis=1)[:, None]

    def at_best(values: _Floats) -> _Floats:
        return np.asarray(np.take_along_axis(values, best, axis=1)[:, 0])

    score, correlation = at_best(size), at_best(lags.correlation)
    low, high = (np.tanh(limit * at_best(lags.standard_error)) for limit in _limits(score, k, plan.confidence_level))
    # The square of the true lag's score stays below that of the best by at most this, at the level.
    near = size**2 >= score[:, None] ** 2 - _critical(max(k - 1, 1), plan.confidence_level) ** 2
    return {
        "best_lag": plan.lags[best[:, 0]],
        "best_lag_low": np.where(near, plan.lags, plan.lags[-1]).min(axis=1),
        "best_lag_high": np.where(near, plan.lags, plan.lags[0]).max(axis=1),
        "correlation": correlation,
        "ci_low": np.where(correlation < 0, -high, low),
        "ci_high": np.where(correlation < 0, -low, high),
        "statistic": at_best(lags.t),
        "pvalue": _of_the_best(lags.pvalue.min(axis=1), k),
        "detectable_correlation": _detectable(lags, plan),
        "order_leading": lags.order_leading,
        "order_lagging": lags.order_lagging,
    }


def _of_the_best(pvalue: _Floats, k: int) -> _Floats:
    """P-value of a lag when the best of ``k`` independent ones is looked at."""
    return np.asarray(-np.expm1(k * np.log1p(-np.minimum(pvalue, _CLOSEST))))


def _critical(k: int, level: float) -> float:
    """Score that the best of ``k`` unrelated lags stays below with this probability."""
    return float(special.ndtri((1 + level ** (1 / k)) / 2))


def _detectable(lags: _Lags, plan: _Plan) -> _Floats:
    """Correlation found with 80 % probability at a lag amid the window; each estimated order costs a pair."""
    score = _critical(len(plan.lags), plan.confidence_level) + float(special.ndtri(_POWER))
    pairs = np.median(lags.effective_pairs, axis=1) - 3 - lags.order_leading - lags.order_lagging
    return np.asarray(np.where(pairs > 1, np.tanh(score / np.sqrt(np.maximum(pairs, 1))), np.nan))


def _limits(score: _Floats, k: int, level: float) -> tuple[_Floats, _Floats]:
    """Means of the true lag's score at which so large a best score is just too large, and just too small."""
    targets = np.array([(1 - level) / 2, (1 + level) / 2])[:, None]
    low = np.broadcast_to(-score - _REACH, (2, len(score)))
    high = np.broadcast_to(score + _REACH, (2, len(score)))
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        above = _best_exceeds(score, middle, k) > targets
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return (low[0] + high[0]) / 2, (low[1] + high[1]) / 2


def _best_exceeds(score: _Floats, mean: _Floats, k: int) -> _Floats:
    """Chance that the best of ``k`` scores is positive and at least this, when one of them has this mean."""
    others = special.erf(score / sqrt(2)) ** (k - 1)
    inside = special.ndtr(score - mean) - special.ndtr(-score - mean)
    # The true lag wins with either sign, or one of the others wins, with either sign alike.
    return np.asarray((1 - others * inside + _true_wins(score, mean, k) - _true_wins(score, -mean, k)) / 2)


def _true_wins(score: _Floats, mean: _Floats, k: int) -> _Floats:
    """Chance that the true lag has a positive score of at least this, and no other lag a larger one."""
    start = np.maximum(score, mean - _REACH)
    half = (np.maximum(score, mean) + _REACH - start)[..., None] / 2
    at = start[..., None] + half * (1 + _NODES)
    density = np.exp(-0.5 * (at - mean[..., None]) ** 2) / sqrt(2 * np.pi)
    return np.asarray((half * _NODE_WEIGHTS * density * special.erf(at / sqrt(2)) ** (k - 1)).sum(axis=-1))


def _table(lags: _Lags, plan: _Plan) -> pd.DataFrame:
    """Every lag of one pair."""
    fisher = np.arctanh(lags.correlation[0])
    reach = special.ndtri((1 + plan.confidence_level) / 2) * lags.standard_error[0]
    columns = (
        plan.lags,
        lags.correlation[0],
        lags.n_pairs[0],
        lags.pvalue[0],
        _of_the_best(lags.pvalue[0], len(plan.lags)),
        np.tanh(fisher - reach),
        np.tanh(fisher + reach),
    )
    return pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True)))


def _reasons(
    series: _Floats, first: NDArray[np.intp], second: NDArray[np.intp], plan: _Plan, *, propagate: bool
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Status and message of every pair before anything is computed."""
    status, message = np.full(len(first), "ok", dtype=object), np.full(len(first), "", dtype=object)
    gappy: NDArray[np.bool_] = np.asarray(~np.isfinite(series).all(axis=1))
    short = {i: plan.shortage(series[i]) for i in np.union1d(first, second)}
    # Complete series lack pairs at the same lags; only gaps have to be counted one by one.
    complete = plan.shortage_of_pairs(np.zeros(plan.length), np.zeros(plan.length))
    for row, (i, j) in enumerate(zip(first, second, strict=True)):
        if propagate and (gappy[i] or gappy[j]):
            status[row], message[row] = "missing values", "a series has gaps, and nan_policy is 'propagate'."
            continue
        problem = short[i] or short[j]
        problem = problem or (plan.shortage_of_pairs(series[i], series[j]) if gappy[i] or gappy[j] else complete)
        if problem is not None:
            status[row], message[row] = "insufficient data", str(problem)
    return status, message


def _fill(
    answers: dict[str, _Floats],
    rows: NDArray[np.intp],
    series: _Floats,
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    plan: _Plan,
) -> list[tuple[NDArray[np.intp], int]]:
    """Write the answers of these pairs; return those whose first (0) or second (1) series does not vary."""
    needed, place = np.unique(np.r_[first[rows], second[rows]], return_inverse=True)
    innovations = plan.innovations(series[needed])
    lead, lag = place[: len(rows)], place[len(rows) :]
    for some in np.array_split(np.arange(len(rows)), -(-len(rows) // _CHUNK)):
        lags = _correlate(innovations.take(lead[some]), innovations.take(lag[some]), plan)
        for name, column in _best(lags, plan).items():
            answers[name][rows[some]] = column
    flat = [(rows[~innovations.varies[side]], i) for i, side in enumerate((lead, lag))]
    for column in answers.values():
        column[np.concatenate([pairs for pairs, _ in flat])] = np.nan
    return flat


def _scan_table(
    pairs: list[tuple[Hashable, ...]],
    answers: dict[str, _Floats],
    gaps: NDArray[np.bool_],
    status: NDArray[Any],
    message: NDArray[Any],
    plan: _Plan,
    fdr_method: AdjustmentMethod,
) -> pd.DataFrame:
    columns: dict[str, Any] = {
        name: pd.array(values, dtype="Int64") if name in _WHOLE else values for name, values in answers.items()
    }
    columns |= {
        "leading": [pair[0] for pair in pairs],
        "lagging": [pair[1] for pair in pairs],
        "confidence_level": plan.confidence_level,
        "n_lags": len(plan.lags),
        "n": (~gaps).sum(axis=1),
        "n_missing": gaps.sum(axis=1),
        "method": plan.method,
        "pvalue_adjusted": adjust_pvalues(answers["pvalue"], method=fdr_method),
        "status": status,
        "message": message,
    }
    names = [field.name for field in fields(LeadLagResult) if field.name not in ("note", "table")]
    return pd.DataFrame(columns, index=range(len(pairs)))[
        ["leading", "lagging", *names, "pvalue_adjusted", "status", "message"]
    ]


def _columns_of(frame: pd.DataFrame, pairs: list[tuple[Hashable, ...]]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Places of the columns that the pairs name."""
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()].unique().tolist()
        raise ValueError(f"frame must have one column of each name, got several of {twice!r}.")
    for pair in pairs:
        if isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1]:
            raise ValueError(f"a pair must name two different columns (leading, lagging), got {pair!r}.")
        for name in pair:
            if name not in frame.columns:
                raise UnknownNameError("column", str(name), map(str, frame.columns))
    places = frame.columns.get_indexer([name for pair in pairs for name in pair]).reshape(-1, 2)
    return places[:, 0], places[:, 1]


def _time_axis(index: pd.Index[Any] | None, n: int) -> NDArray[np.intp]:
    """Place of every row on the time axis, from a time or whole-number index; otherwise one row is one period."""
    if isinstance(index, pd.DatetimeIndex):
        ordinals = _periods_of(index)
    elif isinstance(index, pd.PeriodIndex):
        ordinals = index.asi8
    elif index is not None and pd.api.types.is_integer_dtype(index.dtype):
        ordinals = index.to_numpy(dtype=np.int64)
    else:
        return np.arange(n)
    steps = np.diff(ordinals)
    if (steps <= 0).any():
        raise ValueError("the index must run forward in time, each period once; sort it, and add up what is double.")
    step = reduce(gcd, map(int, steps), 0) or 1
    places = np.asarray(np.r_[0, steps.cumsum() // step][:n], dtype=np.intp)
    if n and places[-1] >= _MOST_GAPS * n:
        raise ValueError(
            f"the index has no regular step: {n} rows lie on {places[-1] + 1} periods. Give each row the start of its "
            "period, and leave out what has no values."
        )
    return places


def _periods_of(index: pd.DatetimeIndex) -> NDArray[np.int64]:
    """Whole numbers that count months where all times lie on one day of the month or at its end, else nanoseconds."""
    one_day = len(index.day.unique()) == 1 or bool(index.is_month_end.all())
    if one_day and len(index) > 1 and (np.diff(index.year * 12 + index.month) > 0).all():
        return np.asarray(index.year * 12 + index.month, dtype=np.int64)
    return np.asarray(index.tz_localize(None).as_unit("ns").asi8)


def _check_series(leading: ArrayLike, lagging: ArrayLike) -> None:
    """Refuse two series that do not stand beside each other in time."""
    if isinstance(leading, pd.Series) and isinstance(lagging, pd.Series) and not leading.index.equals(lagging.index):
        raise ValueError("leading and lagging must have the same index; put them in one DataFrame to align them.")
    shapes = np.shape(leading), np.shape(lagging)
    if len(shapes[0]) != 1 or shapes[0] != shapes[1]:
        raise ValueError(f"leading and lagging must be 1-D and of one length, got shapes {shapes[0]} and {shapes[1]}.")


def _numbers(values: Any, name: Hashable) -> _Floats:
    """Numbers of one series, missing ones as NaN."""
    try:
        numbers = values.to_numpy(dtype=float, na_value=np.nan) if isinstance(values, pd.Series) else values
        numbers = np.asarray(numbers, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be numbers.") from None
    if np.isinf(numbers).any():
        raise ValueError(f"{name} must be finite or NaN, got an infinite value.")
    return numbers


def _lags(min_lag: int, max_lag: int, *, both_directions: bool) -> NDArray[np.intp]:
    """Lags to look at, in order."""
    low, high = _whole(min_lag, "min_lag"), _whole(max_lag, "max_lag")
    if high < low:
        raise ValueError(f"max_lag must be at least min_lag ({low}), got {high}.")
    lags = np.arange(low, high + 1)
    return np.union1d(-lags, lags) if both_directions else lags


def _whole(value: int, name: str) -> int:
    """A number of periods."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not float(value).is_integer():
        raise TypeError(f"{name} must be a whole number of periods, got {value!r}.")
    if value < 0:
        raise ValueError(f"{name} must be 0 or more, got {value!r}; for lags the other way round use both_directions.")
    return int(value)


def _earlier(values: NDArray[Any], lag: int, axis: int = -1) -> NDArray[Any]:
    """What stands ``lag`` periods before :func:`_later`, over the periods that both have."""
    n = values.shape[axis]
    return np.asarray(values.take(range(n - lag), axis) if lag >= 0 else values.take(range(-lag, n), axis))


def _later(values: NDArray[Any], lag: int, axis: int = -1) -> NDArray[Any]:
    return _earlier(values, -lag, axis)


def _no_variation(name: Hashable) -> str:
    return f"lead_lag needs series that vary beyond trend and season; {name!r} does not."


def _check_once(pairs: list[Any]) -> None:
    """Refuse a pair given again: it would count as one more question, and soften the adjustment for the others."""
    pair, times = Counter(pairs).most_common(1)[0] if pairs else (None, 0)
    if times > 1:
        raise ValueError(f"pairs must name each pair once, got {pair!r} {times} times; leave the others out.")
