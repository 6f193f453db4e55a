"""What is a regression coefficient worth when neighbouring values resemble each other, and how much is not known?

The engine of ``detect_trend``, ``before_after`` and ``find_changes``. Ordinary regression takes neighbouring weeks for
independent evidence; plugging in an estimated autocorrelation takes an estimate for the truth. Here the regression is
solved for every autocorrelation on a grid, the answers are averaged with the weight that the data give each of them
(restricted likelihood), and what error is left in short series is measured by simulation for the very design that is
asked about, and taken out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.arguments import Alternative
from bpo_analysis.stats.calibrations import calibration

__all__ = [
    "ENOUGH_FREEDOM",
    "FAR_NOTE",
    "GRID",
    "HIGH_AUTOCORRELATION",
    "KNOTS",
    "LEVELS",
    "SMALLEST_REST",
    "CoefficientTest",
    "Whitening",
    "ar1_series",
    "calibrate",
    "check_season",
    "coefficient_test",
    "far_out",
    "season_columns",
]

HIGH_AUTOCORRELATION = 0.8
"""Beyond this a stretch of drift looks like a trend for as long as most series are."""

FAR_NOTE = (
    "The value at position {} lies far from all others; check it, for it hides how much neighbouring values resemble "
    "each other, and can make a change look surer than it is."
)
GRID = np.linspace(-0.5, 0.98, 26)
"""Autocorrelations looked at, closer to each other than a likelihood is wide at the lengths that are met.

Business series that alternate (below -0.5) are not expected.
"""

_TRUTHS = np.array([-0.2, 0.0, 0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.9])
_TRUTH_WEIGHTS = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.3])
KNOTS = np.array([-0.2, 0.0, 0.2, 0.4, 0.6, 0.75, 0.9])
LEVELS = np.array([0.1, 0.05, 0.02])
_RUNS_PER_TRUTH = 1500
ENOUGH_FREEDOM = 150
"""With more degrees of freedom the averaged test holds its level without correction."""
_SMOOTHNESS = 1.0
_CHUNK = 4000
MIN_CYCLES = 2
"""Of a season: with one, its level at a phase cannot be told from what happened then."""
_EXACT = 1e-10
SMALLEST_REST = 1e-12
_MOST_STEPS = 60
_PRECISION = 1e-7
_SOFT_EDGE = 0.05
_CALIBRATION_SEED = 20_240_101
_FAR = 7.0
"""Standard deviations of the bulk of the values beyond which one of them is no noise of theirs."""
_SD_OF_MEDIAN_DEVIATION = 1.4826

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CoefficientTest:
    """One coefficient in each of ``m`` series. All fields are arrays of shape (m,).

    Attributes
    ----------
    estimate, ci_low, ci_high, pvalue : ndarray
    autocorrelation : ndarray
        Mean of its likelihood: of neighbouring values, after the design has been taken out.
    high_autocorrelation : ndarray
        Weight of the evidence for an autocorrelation above ``HIGH_AUTOCORRELATION``.
    detectable : ndarray
        Size of the coefficient that would have been found with a probability of 80 %.
    """

    estimate: _Floats
    ci_low: _Floats
    ci_high: _Floats
    pvalue: _Floats
    autocorrelation: _Floats
    high_autocorrelation: _Floats
    detectable: _Floats


def coefficient_test(
    values: _Floats,
    design: _Floats,
    column: int,
    *,
    positions: NDArray[np.intp] | None = None,
    reference: _Floats | None = None,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> CoefficientTest:
    """Test one coefficient of a regression with AR(1) errors against nought, in many series at once.

    Parameters
    ----------
    values : ndarray, shape (m, n)
        One series a row, without gaps: the rows of ``design`` and the ``positions`` are those of the values there are.
    design : ndarray, shape (n, k)
        Of full rank, k < n.
    column : int
        Of the coefficient that is tested.
    positions : ndarray of int, shape (n,), optional
        Places on the time axis, increasing; by default 0 to n - 1.
    reference : ndarray, optional
        Design without gaps that stands for this one when the level is calibrated, so that many patterns of gaps share
        one calibration.
    alternative : {"two-sided", "less", "greater"}
    confidence_level : float, default 0.95

    Returns
    -------
    CoefficientTest
        NaN throughout where a series fits the design without any residual.

    Notes
    -----
    For every autocorrelation of the grid: generalised least squares, residual variance with the design's degrees of
    freedom, restricted likelihood [1]_. The mixture of the Student t distributions, weighted by that likelihood, gives
    estimate (its mean), interval and p-value. Its error that is left, up to ten points near a unit root, is a
    function of the estimated autocorrelation for a given design; it is found by simulating that design and divided out
    on the normal scale, from the p-value and the interval alike.

    References
    ----------
    .. [1] Cheang, W.-K. & Reinsel, G. C. (2000). Bias reduction of autoregressive estimates in time series regression
       model through restricted maximum likelihood. JASA 95.
    """
    order = np.arange(len(design)) if positions is None else np.asarray(positions)
    stretches = _stretches(design if reference is None else reference, column)
    basis, _ = np.linalg.qr(design)
    spread = np.sqrt(((values - values @ basis @ basis.T) ** 2).sum(axis=1))
    # What is left of an exact fit is rounding, and its autocorrelation means nothing.
    usable = spread > _EXACT * np.maximum(np.abs(values).max(axis=1), np.finfo(float).tiny)
    answers = np.full((7, len(values)), np.nan)
    for rows in np.array_split(np.flatnonzero(usable), max(1, -(-int(usable.sum()) // _CHUNK))):
        if len(rows):
            mixture = _mixture(values[rows], design, column, order)
            answers[:, rows] = _test(mixture, stretches, alternative, confidence_level)
    return CoefficientTest(*answers)


def check_season(season_length: int, positions: NDArray[np.intp], what: str) -> None:
    """Refuse a season that is no number of periods, or that values at these places go through less than twice."""
    if isinstance(season_length, bool) or not float(season_length).is_integer():
        raise TypeError(f"season_length must be a whole number of periods or None, got {season_length!r}.")
    if season_length < 2:
        raise ValueError(f"season_length must be at least 2 periods, got {season_length!r}; for no season use None.")
    span = int(positions[-1] - positions[0]) + 1
    if span < MIN_CYCLES * season_length:
        raise InsufficientDataError(
            f"{what} with a season of {season_length}",
            needed=MIN_CYCLES * season_length,
            got=span,
            unit="periods (two cycles)",
        )


def far_out(residuals: _Floats) -> int | None:
    """Place of the value that lies furthest from a model, if that is too far to be noise."""
    distance = np.abs(residuals)
    typical = _SD_OF_MEDIAN_DEVIATION * float(np.median(distance))
    return int(distance.argmax()) if 0 < _FAR * typical < distance.max() else None


def season_columns(positions: NDArray[np.intp], season_length: int) -> _Floats:
    """Indicator columns of a season, without the first phase that occurs.

    Parameters
    ----------
    positions : ndarray of int, shape (n,)
        Places on the time axis.
    season_length : int

    Returns
    -------
    ndarray, shape (n, phases - 1)
    """
    phases = np.asarray(positions) % season_length
    return np.asarray(phases[:, None] == np.unique(phases)[None, 1:], dtype=float)


@dataclass(frozen=True, slots=True)
class Whitening:
    """Makes AR(1) series at given places on the time axis independent, for every autocorrelation of the grid.

    Attributes
    ----------
    weight, carry : ndarray, shape (R, n)
        A value becomes ``weight * (value - carry * previous value)``.
    """

    weight: _Floats
    carry: _Floats

    @classmethod
    def of(cls, positions: NDArray[np.intp]) -> Whitening:
        """Whitening for values at these places; a gap lets the resemblance fade."""
        carry = GRID[:, None] ** np.diff(positions)
        weight = np.sqrt((1 - GRID[:, None] ** 2) / (1 - carry**2))
        start = np.sqrt(1 - GRID**2)
        return cls(np.column_stack([start, weight]), np.column_stack([np.zeros(len(GRID)), carry]))

    def columns(self, design: _Floats) -> _Floats:
        """Whiten the columns of a design: (n, k) to (R, n, k)."""
        previous = np.vstack([np.zeros((1, design.shape[1])), design[:-1]])
        return np.asarray(self.weight[:, :, None] * (design - self.carry[:, :, None] * previous))

    def products(self, series: _Floats, columns: _Floats) -> _Floats:
        """Products of the whitened series (m, n) with whitened columns (R, n, k): (m, R, k), as one matrix product."""
        back = self.weight[:, :, None] * columns
        back[:, :-1] -= (self.carry * self.weight)[:, 1:, None] * columns[:, 1:]
        grid, n, k = columns.shape
        return np.asarray((series @ back.transpose(1, 0, 2).reshape(n, -1)).reshape(len(series), grid, k))

    def squares(self, series: _Floats) -> _Floats:
        """Sums of squares of the whitened series: (m, n) to (m, R)."""
        square = self.weight**2
        own = square.copy()
        own[:, :-1] += (self.carry**2 * square)[:, 1:]
        cross = (series[:, 1:] * series[:, :-1]) @ (self.carry * square)[:, 1:].T
        return np.asarray(series**2 @ own.T - 2 * cross)


@dataclass(frozen=True, slots=True)
class _Mixture:
    """Student t distributions of the coefficient, one for each autocorrelation, and their weights."""

    location: _Floats
    scale: _Floats
    weights: _Floats
    freedom: int

    @property
    def mean_autocorrelation(self) -> _Floats:
        return np.asarray(self.weights @ GRID)

    @property
    def mean(self) -> _Floats:
        return np.asarray(np.einsum("mr,mr->m", self.weights, self.location), dtype=float)

    def quantile(self, tail: _Floats, *, upper: bool) -> _Floats:
        """Point with probability ``tail`` beyond it, by Newton's steps on the logarithm of the tail."""
        location, scale = (-self.location if upper else self.location), self.scale
        centre = np.einsum("mr,mr->m", self.weights, location)
        width = np.sqrt(np.einsum("mr,mr->m", self.weights, scale**2 + (location - centre[:, None]) ** 2))
        x = centre + special.stdtrit(self.freedom, tail) * width
        low, high = np.full_like(x, -np.inf), np.full_like(x, np.inf)
        constant = np.exp(special.gammaln((self.freedom + 1) / 2) - special.gammaln(self.freedom / 2))
        constant /= np.sqrt(self.freedom * np.pi)
        active = np.arange(len(x))
        for _ in range(_MOST_STEPS):
            z = (x[active, None] - location[active]) / scale[active]
            p = np.einsum("mr,mr->m", self.weights[active], special.stdtr(self.freedom, z))
            density = constant * np.exp(-(self.freedom + 1) / 2 * np.log1p(z**2 / self.freedom)) / scale[active]
            slope = np.einsum("mr,mr->m", self.weights[active], density)
            small = p < tail[active]
            low[active[small]], high[active[~small]] = x[active[small]], x[active[~small]]
            step = np.log(tail[active] / p) * p / slope
            new = x[active] + step
            # A step out of the bracket, from a flat stretch of the mixture, is replaced by halving.
            astray = ~((new >= low[active]) & (new <= high[active]))
            halved = (np.maximum(low, centre - 1e3 * width) + np.minimum(high, centre + 1e3 * width))[active] / 2
            x[active] = np.where(astray, halved, new)
            active = active[np.abs(step) > _PRECISION * width[active]]
            if not len(active):
                break
        return np.asarray(-x if upper else x)


def _mixture(values: _Floats, design: _Floats, column: int, positions: NDArray[np.intp]) -> _Mixture:
    n, k = design.shape
    freedom = n - k
    # Taking the ordinary fit out first changes nothing but rounding: the estimate moves by a known amount.
    basis, triangle = np.linalg.qr(design)
    first = values @ basis
    residual = values - first @ basis.T
    spread = np.sqrt((residual**2).sum(axis=1) / freedom)
    residual = residual / spread[:, None]

    whitening = Whitening.of(positions)
    q, r = np.linalg.qr(whitening.columns(design))
    # Row of the inverse triangle that gives the coefficient from the projections.
    unit = np.zeros((len(GRID), k, 1))
    unit[:, column, 0] = 1.0
    row = np.linalg.solve(np.swapaxes(r, 1, 2), unit)[..., 0]  # (R, k)
    projections = whitening.products(residual, q)
    rest = np.maximum(whitening.squares(residual) - (projections**2).sum(axis=2), SMALLEST_REST)
    location = np.einsum("mrk,rk->mr", projections, row)
    scale = np.sqrt((row**2).sum(axis=1) * rest / freedom)
    log_likelihood = (
        np.log(whitening.weight).sum(axis=1)
        - np.log(np.abs(np.diagonal(r, axis1=1, axis2=2))).sum(axis=1)
        - 0.5 * freedom * np.log(rest)
    )
    weights = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    base = np.linalg.solve(triangle, first.T)[column]
    return _Mixture(location * spread[:, None] + base[:, None], scale * spread[:, None], weights, freedom)


def _normal_score(mixture: _Mixture) -> _Floats:
    """Evidence that the coefficient is above nought as a normal quantile, from the smaller tail to be exact."""
    t = mixture.location / mixture.scale
    above = np.einsum("mr,mr->m", mixture.weights, special.stdtr(mixture.freedom, t))
    below = np.einsum("mr,mr->m", mixture.weights, special.stdtr(mixture.freedom, -t))
    smallest = np.finfo(float).tiny
    tail = special.ndtri(np.maximum(np.minimum(above, below), smallest))
    return np.asarray(np.where(above > below, -tail, tail))


def _test(
    mixture: _Mixture, stretches: _Floats, alternative: Alternative, confidence_level: float
) -> tuple[_Floats, ...]:
    rho = mixture.mean_autocorrelation
    stretch = np.interp(rho, KNOTS, stretches)
    # Corrected on the normal scale, where to divide the statistic is to widen the interval by as much.
    z = stretch * _normal_score(mixture)
    pvalue = {"less": special.ndtr(z), "greater": special.ndtr(-z), "two-sided": 2 * special.ndtr(-np.abs(z))}[
        alternative
    ]
    tail = 1 - confidence_level if alternative != "two-sided" else (1 - confidence_level) / 2
    mixed_tail = special.ndtr(special.ndtri(tail) / stretch)
    low = mixture.quantile(mixed_tail, upper=False)
    high = mixture.quantile(mixed_tail, upper=True)
    power = special.ndtri(0.8) / -special.ndtri(tail)
    detectable = (high - low) / 2 * (1 + power)
    if alternative == "greater":
        high = np.full_like(high, np.inf)
    elif alternative == "less":
        low = np.full_like(low, -np.inf)
    return mixture.mean, low, high, pvalue, rho, mixture.weights[:, GRID > HIGH_AUTOCORRELATION].sum(axis=1), detectable


def _stretches(design: _Floats, column: int) -> _Floats:
    """Factors at ``KNOTS`` by which the normal score of this design is multiplied to hold its level."""
    n, k = design.shape
    if n - k > ENOUGH_FREEDOM:
        return np.ones(len(KNOTS))
    return _simulated_stretches(np.ascontiguousarray(design, dtype=float).tobytes(), n, k, column)


@calibration(np.ndarray)
def _simulated_stretches(design: bytes, n: int, k: int, column: int) -> _Floats:
    matrix = np.frombuffer(design).reshape(n, k)
    order = np.arange(n)

    def simulate(series: _Floats) -> tuple[_Floats, _Floats]:
        mixture = _mixture(series, matrix, column, order)
        return np.abs(_normal_score(mixture)), mixture.mean_autocorrelation

    return calibrate(simulate, n, _RUNS_PER_TRUTH, -special.ndtri(LEVELS / 2))


def calibrate(simulate: Callable[[_Floats], tuple[_Floats, _Floats]], n: int, runs: int, bounds: _Floats) -> _Floats:
    """Find the factors with which series without an effect are called at the nominal rate, at any autocorrelation.

    Parameters
    ----------
    simulate : callable
        From series (m, n) to the normal scores that call an effect, and the estimated autocorrelations.
    n, runs : int
        Length and number of series for each true autocorrelation.
    bounds : ndarray, shape (3,)
        Scores from which on an effect is called at the levels 10, 5 and 2 %.

    Returns
    -------
    ndarray
        Factors of the score, at the estimated autocorrelations ``KNOTS``.
    """
    rng = np.random.default_rng(_CALIBRATION_SEED)
    results = [simulate(ar1_series(runs, n, truth, rng)) for truth in _TRUTHS]
    score, mean = np.array([r[0] for r in results]), np.array([r[1] for r in results])

    def misses(stretches: _Floats) -> _Floats:
        stretched = score * np.interp(mean, KNOTS, stretches)
        # Counting with a soft edge keeps the rates smooth in the factors.
        rates = special.expit((stretched[None] - bounds[:, None, None]) / _SOFT_EDGE).mean(axis=2)
        error = (rates / LEVELS[:, None] - 1) * _TRUTH_WEIGHTS
        return np.concatenate([error.ravel(), np.sqrt(_SMOOTHNESS) * np.diff(stretches, 2)])

    found = optimize.least_squares(misses, np.ones(len(KNOTS)), diff_step=0.02, bounds=(0.05, 2.0), max_nfev=25)
    return np.asarray(found.x)


def ar1_series(m: int, n: int, autocorrelation: float, rng: np.random.Generator) -> _Floats:
    """Stationary Gaussian AR(1) series of unit variance, shape (m, n)."""
    shocks = rng.standard_normal((m, n))
    shocks[:, 1:] *= np.sqrt(1 - autocorrelation**2)
    for t in range(1, n):
        shocks[:, t] += autocorrelation * shocks[:, t - 1]
    return shocks
