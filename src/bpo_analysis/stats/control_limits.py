"""How far apart must limits be, and how long a run, so that a stable process seldom signals?

The engine of ``control_chart``. What a chart does when nothing happens depends on how many points it has, on how many
of them its limits were learnt, and on how much neighbouring values resemble each other. All of it is simulated for the
chart at hand: limits and the longest run are widened until stable processes signal at the rate that was asked for,
whatever their autocorrelation; for textbook limits the rate is measured and stated.

The autocorrelation is estimated beside one step at an unknown date. A shift that has happened would else pass for
resemblance of neighbours, widen the limits and so hide itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from bpo_analysis.stats.autoregression import (
    GRID,
    HIGH_AUTOCORRELATION,
    SMALLEST_REST,
    Whitening,
    ar1_series,
)
from bpo_analysis.stats.calibrations import calibration

__all__ = [
    "MEAN_RANGE",
    "Layout",
    "Resemblance",
    "Rules",
    "apparent_spread",
    "autocorrelation_beside_step",
    "calibrated_rules",
    "coarse_sigma",
    "lean",
    "longest_runs",
    "moving_range_sigma",
    "resemblance",
    "textbook_rate",
]

MEAN_RANGE = 1.128
"""Expected moving range of two normal values, in standard deviations (Montgomery, factor d2 for n = 2)."""
_LARGEST_RANGE = 3.267
"""Limit of a moving range in mean ranges (factor D4 for n = 2); what is beyond is not counted."""
_MIN_SEGMENT = 4
_MOST_DATES = 24
_EXACT = 1e-10
_TRUTHS = np.array([-0.2, 0.0, 0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.9, 0.95])
_TRUTH_WEIGHTS = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.2])
_EXPECTED = np.array([0.5, 1.0, 1.0, 1.0, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1])
"""How usual these autocorrelations are in weekly and monthly figures: it counts in charts too short to tell."""
_RUNS_PER_TRUTH = 2000
_RUN_SHARE = 0.5
"""Part of the false-alarm rate given to the runs rule, as far as whole runs allow."""
_SOFT_RUN, _SOFT_WIDTH = 0.1, 0.05
_KNOT_SHARES = np.array([0.01, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 0.99])
"""Of the estimates at all autocorrelations: between these limits are found and interpolated."""
_SMOOTHNESS = 1.0
_FIRST_WIDTH = 3.2
_LEAST_WIDTH, _LEAST_RUN = 2.5, 4.0
"""However little the neighbours of a short chart resemble each other."""
_EXACT_LENGTHS = 80
"""Longer stretches are rounded to a fortieth of their length, so that charts share a calibration."""
_NOISES = np.array([0.0, 0.25, 0.5])
"""Shares of chance that are simulated. What is left beside more of it can hardly make a signal."""
_ROWS = 250
_SEED = 20_240_104
_POWER_QUANTILE = float(special.ndtri(0.8))

_Floats = NDArray[np.float64]
_Ints = NDArray[np.intp]


class Layout(NamedTuple):
    """Where a chart learns its limits.

    Attributes
    ----------
    phases : tuple of tuple of int
        For each stretch with limits of its own: how many points it has, and of how many of the first of them its
        limits are learnt.
    noise : float
        Share of the variance that is chance of small numbers, which no neighbour shares.
    """

    phases: tuple[tuple[int, int], ...]
    noise: float = 0.0

    @property
    def n(self) -> int:
        """Points in all."""
        return sum(points for points, _ in self.phases)

    @property
    def longest_possible_run(self) -> int:
        """Longest run about a median that any stable or unstable series can have."""
        return max(points - learnt + learnt // 2 for points, learnt in self.phases)

    @property
    def rounded(self) -> Layout:
        """A layout that stands for this one in calibrations."""
        phases = ((_round(learnt) + _round(points - learnt), _round(learnt)) for points, learnt in self.phases)
        return Layout(tuple(phases), float(_NOISES[np.abs(_NOISES - self.noise).argmin()]))

    @property
    def starts(self) -> list[int]:
        """First point of each phase."""
        return [sum(points for points, _ in self.phases[:i]) for i in range(len(self.phases))]


def _round(count: int) -> int:
    step = max(1, count // (_EXACT_LENGTHS // 2))
    return round(count / step) * step


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as a signal.

    Attributes
    ----------
    width : float
        Distance of the limits from the centre, in standard deviations of the process.
    run_limit : int
        A longer run is a signal.
    false_alarm_rate : float
        Share of stable charts with a signal.
    """

    width: float
    run_limit: int
    false_alarm_rate: float

    def detectable(self, layout: Layout) -> float:
        """Deviation of one point that is outside in four of five charts, in standard deviations of the process.

        The point itself moves the centre and widens two moving ranges, each up to the limit of ranges.
        """
        learnt = max(learnt for _, learnt in layout.phases)
        widened = 1 + 2 * (_LARGEST_RANGE - 1) / (learnt - 1)
        return (self.width * widened + _POWER_QUANTILE) / (1 - 1 / learnt)


def moving_range_sigma(series: _Floats, *, clipped: bool) -> _Floats:
    """Standard deviation of neighbours, from the mean moving range.

    Parameters
    ----------
    series : ndarray, shape (m, n)
        NaN is a gap and makes no range.
    clipped : bool
        Whether a range beyond its own limit counts as that limit only, so that one wild value does not widen limits.

    Returns
    -------
    ndarray, shape (m,)
    """
    ranges = np.abs(np.diff(series, axis=1))
    mean = np.asarray(np.nanmean(ranges, axis=1))
    for _ in range(2 if clipped else 0):  # The second time without what the wild range did to the mean.
        ranges = np.minimum(ranges, _LARGEST_RANGE * mean[:, None])
        mean = np.asarray(np.nanmean(ranges, axis=1))
    return np.asarray(mean / MEAN_RANGE)


def coarse_sigma(series: _Floats) -> tuple[float, float]:
    """Standard deviation of neighbours where many are equal, and the usual step between those that are not.

    Mean ranges know the standard deviation of normal values only: a share of noughts makes them too small, and
    screening at their multiples takes every step for a wild value. The mean square of ranges is right for any values
    that are independent, and only what is far beyond the usual step is cut.

    Parameters
    ----------
    series : ndarray, shape (n,)
        NaN is a gap and makes no range.

    Returns
    -------
    sigma, step : float
        Nought where nothing varies.
    """
    ranges = np.abs(np.diff(series))
    ranges = ranges[np.isfinite(ranges)]
    if not ranges.any():
        return 0.0, 0.0
    step = float(np.median(ranges[ranges > 0]))
    for _ in range(2):
        ranges = np.minimum(ranges, _LARGEST_RANGE * max(float(ranges.mean()), step))
    return float(np.sqrt((ranges**2).mean() / 2)), step


def lean(width: float, skewness: _Floats) -> tuple[_Floats, _Floats]:
    """Distances of the lower and the upper limit in sigmas for values that lean (Cornish and Fisher's first term).

    The long side is moved out, the short side stays where it is.
    """
    extra = skewness * (width**2 - 1) / 6
    return width + np.maximum(-extra, 0.0), width + np.maximum(extra, 0.0)


def longest_runs(sides: _Floats) -> _Floats:
    """Length of the longest run on one side in each row (m, n); noughts neither extend nor end it."""
    current, last, best = np.zeros((3, len(sides)))
    for side in sides.T:
        current = np.where(side == 0, current, np.where(side == last, current + 1, 1))
        last = np.where(side == 0, last, side)
        best = np.maximum(best, current)
    return best


def autocorrelation_beside_step(values: _Floats, positions: _Ints, starts: list[int]) -> tuple[_Floats, _Floats]:
    """Autocorrelation of neighbouring values around the levels of phases and one step at an unknown date.

    Parameters
    ----------
    values : ndarray, shape (m, n)
        Without gaps.
    positions : ndarray of int, shape (n,)
        Their places on the time axis.
    starts : list of int
        First value of each phase.

    Returns
    -------
    mean : ndarray, shape (m,)
        Averaged over its restricted likelihood; NaN where the values do not vary around their phases.
    high : ndarray, shape (m,)
        Weight of the evidence that it is above 0.8.
    """
    return _Estimate.of(positions, starts)(values)


@dataclass(frozen=True, slots=True)
class _Estimate:
    """Phases and steps, whitened for every autocorrelation.

    Attributes
    ----------
    whitening : Whitening
    basis : ndarray, shape (n, k)
        Orthonormal, of the levels of phases.
    whitened_basis : ndarray, shape (R, n, k)
    steps : ndarray, shape (R, n, D)
        Whitened, of unit length and at right angles to the levels.
    constants : ndarray, shape (R, D)
        Of the restricted likelihood.
    """

    whitening: Whitening
    basis: _Floats
    whitened_basis: _Floats
    steps: _Floats
    constants: _Floats

    @classmethod
    def of(cls, positions: _Ints, starts: list[int]) -> _Estimate:
        """Prepare it for values at these places."""
        n = len(positions)
        order = np.arange(n)[:, None]
        edges = np.array([*starts, n])
        levels = ((order >= edges[:-1]) & (order < edges[1:])).astype(float)
        dates = np.flatnonzero((np.abs(order - edges) >= _MIN_SEGMENT).all(axis=1))
        if len(dates) > _MOST_DATES:
            dates = dates[np.linspace(0, len(dates) - 1, _MOST_DATES).round().astype(int)]
        # A step ends with its phase: the levels of phases differ anyway.
        ends = edges[np.searchsorted(edges, dates, side="right")]
        whitening = Whitening.of(positions)
        q, r = np.linalg.qr(whitening.columns(levels))
        steps = whitening.columns(((order >= dates) & (order < ends)).astype(float))
        steps -= q @ (q.transpose(0, 2, 1) @ steps)
        lengths = np.maximum(np.sqrt((steps**2).sum(axis=1)), _EXACT)
        constants = np.log(whitening.weight).sum(axis=1) - np.log(np.abs(np.diagonal(r, axis1=1, axis2=2))).sum(axis=1)
        return cls(
            whitening=whitening,
            basis=np.linalg.qr(levels)[0],
            whitened_basis=q,
            steps=steps / lengths[:, None, :],
            constants=constants[:, None] - np.log(lengths),
        )

    def __call__(self, values: _Floats) -> tuple[_Floats, _Floats]:
        """Mean autocorrelation and weight of high ones in each row (m, n)."""
        residual = values - values @ self.basis @ self.basis.T
        spread = np.sqrt((residual**2).mean(axis=1))
        answers = np.full((2, len(values)), np.nan)
        usable = spread > _EXACT * np.maximum(np.abs(values).max(axis=1), np.finfo(float).tiny)
        for rows in np.array_split(np.flatnonzero(usable), max(1, len(values) // _ROWS)):
            answers[:, rows] = self._weigh(residual[rows] / spread[rows, None])
        return answers[0], answers[1]

    def _weigh(self, residual: _Floats) -> _Floats:
        levels = self.whitening.products(residual, self.whitened_basis)
        rest = np.maximum(self.whitening.squares(residual) - (levels**2).sum(axis=2), SMALLEST_REST)
        explained = self.whitening.products(residual, self.steps) ** 2 / rest[:, :, None]
        freedom = residual.shape[1] - self.basis.shape[1] - 1
        left = np.log(rest)[:, :, None] + np.log(np.maximum(1 - explained, SMALLEST_REST))
        likelihood = self.constants - 0.5 * freedom * left
        weights = np.exp(likelihood - likelihood.max(axis=(1, 2), keepdims=True)).sum(axis=2)
        weights /= weights.sum(axis=1, keepdims=True)
        return np.array([weights @ GRID, weights[:, GRID > HIGH_AUTOCORRELATION].sum(axis=1)])


@dataclass(frozen=True, slots=True)
class Resemblance:
    """What a chart tells about its autocorrelation.

    Attributes
    ----------
    weights : ndarray, shape (..., truths)
        Of each autocorrelation that was simulated.
    noise : float
        Share of the variance that has none.
    """

    weights: _Floats
    noise: float

    @property
    def mean(self) -> _Floats:
        """Autocorrelation of the values that is reckoned with."""
        return np.asarray((1 - self.noise) * (self.weights @ _TRUTHS))


def resemblance(layout: Layout, estimate: float) -> Resemblance:
    """Weigh the autocorrelations by how often charts of this layout give such an estimate.

    Parameters
    ----------
    layout : Layout
    estimate : float
        By ``autocorrelation_beside_step``: biased, the more so the shorter the chart.

    Returns
    -------
    Resemblance
    """
    rounded = layout.rounded
    known = _simulate(rounded)
    return _weighed(np.array(estimate), known.mean_estimates, known.error, rounded.noise)


def _weighed(estimates: _Floats, mean_estimates: _Floats, error: float, noise: float) -> Resemblance:
    z = (estimates[..., None] - mean_estimates) / error
    weights = _EXPECTED * np.exp(-0.5 * (z**2 - (z**2).min(axis=-1, keepdims=True)))
    return Resemblance(weights / weights.sum(axis=-1, keepdims=True), noise)


def apparent_spread(autocorrelation: float | _Floats) -> _Floats:
    """Moving-range sigma in standard deviations of the process: neighbours that resemble each other differ less."""
    return np.asarray(np.sqrt(1 - np.asarray(autocorrelation)))


def calibrated_rules(layout: Layout, seen: Resemblance, false_alarm_rate: float, *, slack: float = 1.0) -> Rules:
    """Rules under which stable charts of this layout signal at the rate asked for.

    Parameters
    ----------
    layout : Layout
    seen : Resemblance
    false_alarm_rate : float
    slack : float, default 1
        How many times wider the limits are drawn for other reasons; it counts in the rate.

    Returns
    -------
    Rules
        Its rate is the simulated one.
    """
    fitted = _fitted(layout.rounded, false_alarm_rate)
    run_limit = int(np.interp(seen.mean, fitted.knots, fitted.runs))
    width = float(np.interp(seen.mean, fitted.knots, fitted.widths))
    rates = _rates(_simulate(layout.rounded), fitted.knots, slack * fitted.widths, fitted.runs)
    return Rules(width, run_limit, float(seen.weights @ rates))


def textbook_rate(layout: Layout, seen: Resemblance, width: float, run_limit: int) -> float:
    """Share of stable charts with a signal, for limits that know nothing of autocorrelation.

    Parameters
    ----------
    layout : Layout
    seen : Resemblance
    width : float
        Of the limits, in moving-range sigmas.
    run_limit : int

    Returns
    -------
    float
    """
    known = _simulate(layout.rounded)
    rates = ((known.plain_far > width) | (known.run > run_limit)).mean(axis=1)
    return float(seen.weights @ rates)


@dataclass(frozen=True, slots=True)
class _Simulated:
    """Stable charts; the first four fields have the shape (truths, charts).

    Attributes
    ----------
    far, plain_far : ndarray
        Farthest point from its centre: in standard deviations of the process, in plain moving-range sigmas.
    run : ndarray
        Longest run.
    autocorrelation : ndarray
        That is reckoned with.
    mean_estimates : ndarray, shape (truths,)
    error : float
        Standard deviation of the estimates around their means.
    """

    far: _Floats
    plain_far: _Floats
    run: _Floats
    autocorrelation: _Floats
    mean_estimates: _Floats
    error: float


@calibration(_Simulated, maxsize=64)
def _simulate(layout: Layout) -> _Simulated:
    rng = np.random.default_rng(_SEED)
    learnt = np.concatenate([start + np.arange(k) for start, (_, k) in zip(layout.starts, layout.phases, strict=True)])
    starts = np.r_[0, np.cumsum([k for _, k in layout.phases])[:-1]].astype(int).tolist()
    estimate = _Estimate.of(learnt, starts)
    answers = np.zeros((4, len(_TRUTHS), _RUNS_PER_TRUTH))
    for answer, truth in zip(answers.transpose(1, 0, 2), _TRUTHS, strict=True):
        series = np.sqrt(1 - layout.noise) * ar1_series(_RUNS_PER_TRUTH, layout.n, truth, rng)
        series += np.sqrt(layout.noise) * rng.standard_normal(series.shape)
        answer[3], _ = estimate(series[:, learnt])
        for start, (points, k) in zip(layout.starts, layout.phases, strict=True):
            phase = series[:, start : start + points]
            known = phase[:, :k]
            distance = np.abs(phase - known.mean(axis=1, keepdims=True)).max(axis=1)
            answer[0] = np.maximum(answer[0], distance / moving_range_sigma(known, clipped=True))
            answer[1] = np.maximum(answer[1], distance / moving_range_sigma(known, clipped=False))
            sides = np.sign(phase - np.median(known, axis=1, keepdims=True))
            answer[2] = np.maximum(answer[2], longest_runs(sides))
    far, plain_far, run, estimated = answers
    mean_estimates, error = estimated.mean(axis=1), float(estimated.std(axis=1).mean())
    autocorrelation = _weighed(estimated, mean_estimates, error, layout.noise).mean
    return _Simulated(
        far=far * apparent_spread(autocorrelation),
        plain_far=plain_far,
        run=run,
        autocorrelation=autocorrelation,
        mean_estimates=mean_estimates,
        error=error,
    )


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Limits of width and run at some autocorrelations (knots)."""

    knots: _Floats
    widths: _Floats
    runs: _Floats


@calibration(_Fitted)
def _fitted(layout: Layout, false_alarm_rate: float) -> _Fitted:
    known = _simulate(layout)
    knots = np.quantile(known.autocorrelation, _KNOT_SHARES)
    nearest = np.abs(_TRUTHS[:, None] - knots).argmin(axis=0)

    def fit(
        start: _Floats, least: float, goal: float, soft: float, signals: _Floats, others: NDArray[np.bool_]
    ) -> _Floats:
        """Limits at the knots beyond which, together with the others, the goal is met at every truth."""
        start = np.maximum(start, least + soft)

        def misses(limits: _Floats) -> _Floats:
            # Counting with a soft edge keeps the rates smooth in the limits.
            beyond = special.expit((signals - np.interp(known.autocorrelation, knots, limits)) / soft)
            error = (np.maximum(beyond, others).mean(axis=1) / goal - 1) * _TRUTH_WEIGHTS
            return np.concatenate([error, np.sqrt(_SMOOTHNESS) * np.diff(limits / start, 2)])

        return np.asarray(optimize.least_squares(misses, start, diff_step=0.02, max_nfev=25, bounds=(least, np.inf)).x)

    share = _RUN_SHARE * false_alarm_rate
    none = np.zeros(known.run.shape, dtype=bool)
    longest = np.quantile(known.run[nearest], 1 - share, axis=1)
    runs = fit(longest, _LEAST_RUN, share, _SOFT_RUN, known.run, none)
    in_run = known.run > np.interp(known.autocorrelation, knots, runs)
    widths = fit(np.full(len(knots), _FIRST_WIDTH), _LEAST_WIDTH, false_alarm_rate, _SOFT_WIDTH, known.far, in_run)
    return _Fitted(knots, widths, runs)


def _rates(known: _Simulated, knots: _Floats, widths: _Floats, runs: _Floats) -> _Floats:
    """Share of charts with a signal at every truth."""
    outside = known.far > np.interp(known.autocorrelation, knots, widths)
    in_run = known.run > np.interp(known.autocorrelation, knots, runs)
    return np.asarray((outside | in_run).mean(axis=1))
