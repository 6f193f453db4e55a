"""Which change of level fits a series best, and how clear is the best of them where nothing changed?

The engine of ``find_changes``. Every date, and for levels that are left again every pair of dates of a grid, is tried
at every autocorrelation of a grid. The best is compared with the best in series without a change, and what error is
left in short series is measured by simulation and taken out, as for a single coefficient in ``autoregression``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bpo_analysis.stats.autoregression import (
    ENOUGH_FREEDOM,
    GRID,
    HIGH_AUTOCORRELATION,
    KNOTS,
    LEVELS,
    SMALLEST_REST,
    Whitening,
    ar1_series,
    calibrate,
    season_columns,
)
from bpo_analysis.stats.calibrations import calibration

__all__ = [
    "MIN_SEGMENT",
    "KnownValues",
    "autocorrelation_beside",
    "detectable_shift",
    "find_in_turn",
    "first_pvalues",
    "likely_dates",
]

MIN_SEGMENT = 4
"""Values that a level must have to be seen."""
_STEP_SHARE = 0.85
"""Part of the level given to single steps; the rest goes to levels that are left again, while two changes are left."""
_STRETCH_GRID = 16
"""Dates between which such a level is looked for; they are settled to the period afterwards."""
_REFERENCE_PLACES = 8
"""Known changes are calibrated for at places rounded to this part of the series, so that series share it."""
_RUNS_PER_TRUTH = 1000
_STRETCH_RUNS_PER_TRUTH = 750
"""Fewer, because little of the level depends on them."""
_ROWS = 64
_MOST_ROUNDS = 4
_POWER_TRUTHS = np.array([0.0, 0.3, 0.6, 0.8])
_POWER_SIZES = np.array([3.0, 4.0, 5.0, 6.5, 9.0, 14.0])
"""Standard errors of a step at a known date, of which 2.8 would do if date and autocorrelation were known."""
_POWER_RUNS = 100
_POWER_SEED = 20_240_103
_NULL_RUNS = 2000
_NULL_SEED = 20_240_102
_EXACT = 1e-10
_SMALLEST_LENGTH = 1e-6
"""Part of a shape that the model must leave over; less is rounding, and trend and season make up the change."""
_ALL_BUT_ROUNDING = 1 - 1e-12
_LARGEST_SHOCK = 2.75
"""Standard deviations; what is beyond of a shock is not counted.

Where neighbouring values resemble each other, one large shock that fades looks like a step. Only what lasts counts.
"""
_SD_OF_MEAN_DEVIATION = np.sqrt(np.pi / 2)

_Floats = NDArray[np.float64]
_Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class KnownValues:
    """The values there are, their places on the time axis, and what is taken out of them besides changes."""

    known: _Floats
    present: _Ints
    trend: bool
    season_length: int | None

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.known)

    @property
    def row(self) -> _Floats:
        """The values as one of many series (1, n)."""
        return self.known[None, :]

    def is_exact(self, breaks: list[int]) -> bool:
        """Whether the model leaves nothing but rounding."""
        model = self.model(breaks)
        left = self.known - model @ np.linalg.lstsq(model, self.known, rcond=None)[0]
        return bool(np.abs(left).max() <= _EXACT * max(float(np.abs(self.known).max()), np.finfo(float).tiny))

    def model(self, breaks: list[int]) -> _Floats:
        """Columns of level, trend, season and steps that begin with the given values, in order of time."""
        return np.column_stack([self._base(self.present), _step_columns(self.n, sorted(breaks))])

    def reference(self, breaks: list[int]) -> _Floats:
        """Stand in for ``model`` in calibrations: without gaps and with rounded breaks, so that series share it."""
        base, plain = self._base(self.present), self._base(np.arange(self.n))
        return np.column_stack(
            [plain if plain.shape == base.shape else base, _step_columns(self.n, self._near(breaks))]
        )

    def reference_key(self, breaks: list[int], kind: Callable[[int, _Ints], _Shapes]) -> _Key:
        """Calibration of the search for a kind of change beside known ones."""
        shapes = kind(self.n, _candidates(self.n, self._near(breaks)))
        return _Key.of(self.reference(breaks), np.arange(self.n), shapes)

    def _near(self, breaks: list[int]) -> list[int]:
        """Round breaks, unless two would fall together."""
        unit = max(MIN_SEGMENT, self.n / _REFERENCE_PLACES)
        rounded = np.round(np.array(sorted(breaks)) / unit) * unit
        rounded = np.clip(rounded, MIN_SEGMENT, self.n - MIN_SEGMENT).astype(int)
        return rounded.tolist() if (np.diff(rounded) >= MIN_SEGMENT).all() else sorted(breaks)

    def _base(self, positions: _Ints) -> _Floats:
        columns = [np.ones(len(positions))]
        if self.trend:
            columns.append(positions - positions.mean())
        if self.season_length is not None:
            columns += list(season_columns(positions, self.season_length).T)
        return np.column_stack(columns)


def find_in_turn(values: KnownValues, max_changes: int, level: float) -> tuple[float, list[int], list[float]]:
    """Look for the clearest change, then for the next beside it, while they are clear.

    Parameters
    ----------
    values : KnownValues
        Not constant beside trend and season.
    max_changes : int
    level : float
        Of significance.

    Returns
    -------
    pvalue : float
        Of the first change, found or not.
    breaks : list of int
        First values of new levels, in the order in which they were found.
    pvalues : list of float
        Of each of them.
    """
    best = _clearest(values, [], max_changes)
    first = best.pvalue
    breaks: list[int] = []
    pvalues: list[float] = []
    # A later change is never clearer than an earlier one: it was found only because that one was.
    while (pvalue := max([best.pvalue, *pvalues])) < level:
        breaks = _settled(values, [*breaks, *best.places])
        pvalues += [pvalue] * len(best.places)
        left = max_changes - len(breaks)
        if not left or not len(_candidates(values.n, breaks)) or values.is_exact(breaks):
            break
        best = _clearest(values, breaks, left)
    return first, breaks, pvalues


def first_pvalues(series: _Floats, *, single: bool = False) -> _Floats:
    """P-values of the clearest change in many series at once.

    Parameters
    ----------
    series : ndarray, shape (m, n)
        Without gaps, not constant.
    single : bool, default False
        Whether one change is looked for at most, and no level that is left again.

    Returns
    -------
    ndarray, shape (m,)
    """
    like = KnownValues(series[0], np.arange(series.shape[1]), trend=False, season_length=None)
    tried = [(_Shapes.steps, 1.0)] if single else [(_Shapes.steps, _STEP_SHARE), (_Shapes.stretches, 1 - _STEP_SHARE)]
    out = np.ones(len(series))
    for kind, share in tried:
        key = like.reference_key([], kind)
        scores = np.concatenate([_score(scan, key, key) for scan in _scans(series, key)])
        out = np.minimum(out, special.ndtr(-scores) / share)
    return out


def detectable_shift(values: KnownValues, max_changes: int, level: float) -> float:
    """Size of a single step halfway that would have been found with a probability of 80 %."""
    shapes = _Shapes.steps(values.n, _candidates(values.n, []))
    scan = _Key.of(values.model([]), values.present, shapes).search.scan(values.row)
    share = _STEP_SHARE if max_changes > 1 else 1.0
    autocorrelations, sizes = _reach(values.reference_key([], _Shapes.steps), share * level)
    size = np.exp(np.interp(scan.mean_autocorrelation, autocorrelations, np.log(sizes)))
    return float((size * _typical_shock(scan))[0])


def likely_dates(values: KnownValues, breaks: list[int], which: int) -> tuple[_Ints, _Floats]:
    """Dates that one of the changes may have, with the others in place, and their likelihood."""
    others = breaks[:which] + breaks[which + 1 :]
    candidates = _candidates(values.n, others)
    for other in others:
        candidates = candidates[(candidates > other) == (breaks[which] > other)]
    search = _Search.of(values.model(others), values.present, _Shapes.steps(values.n, candidates))
    return candidates, search.scan(values.row).dates[0]


def autocorrelation_beside(values: KnownValues, breaks: list[int]) -> tuple[float, float]:
    """Mean autocorrelation around the levels found, and the weight of the evidence that it is high."""
    candidates = _candidates(values.n, breaks)
    if not len(candidates) or values.is_exact(breaks):
        return float("nan"), float("nan")
    scan = _Key.of(values.model(breaks), values.present, _Shapes.steps(values.n, candidates)).search.scan(values.row)
    return float(scan.mean_autocorrelation[0]), float(scan.rho_weights[GRID > HIGH_AUTOCORRELATION].sum())


def _step_columns(n: int, starts: list[int]) -> _Floats:
    return np.asarray(np.arange(n)[:, None] >= np.array(starts, dtype=np.intp), dtype=float)


def _candidates(n: int, breaks: list[int]) -> _Ints:
    """Values that can begin a new level: far enough from both ends and from the changes already found."""
    places = np.arange(MIN_SEGMENT, n - MIN_SEGMENT + 1)
    for known in breaks:
        places = places[np.abs(places - known) >= MIN_SEGMENT]
    return places


@dataclass(frozen=True, slots=True)
class _Shapes:
    """Changes to try: another level from each of ``starts`` to before each of ``ends``."""

    starts: _Ints
    ends: _Ints

    @classmethod
    def steps(cls, n: int, starts: _Ints) -> _Shapes:
        """New levels that stay."""
        return cls(starts, np.full(len(starts), n))

    @classmethod
    def stretches(cls, n: int, starts: _Ints) -> _Shapes:
        """Levels that are left again, between those of the dates that are near to a grid."""
        if len(starts) > _STRETCH_GRID:
            starts = starts[np.linspace(0, len(starts) - 1, _STRETCH_GRID).round().astype(int)]
        first, last = np.triu_indices(len(starts), 1)
        far = starts[last] - starts[first] >= MIN_SEGMENT
        return cls(starts[first[far]], starts[last[far]])

    def columns(self, n: int) -> _Floats:
        """Indicator columns (n, D)."""
        order = np.arange(n)[:, None]
        return np.asarray((order >= self.starts) & (order < self.ends), dtype=float)


@dataclass(frozen=True, slots=True)
class _Scan:
    """Every shape at every autocorrelation, for ``m`` series.

    Attributes
    ----------
    single : ndarray, shape (R, m)
        Logarithm of the p-value of the best shape, as if its dates had been given.
    weights : ndarray, shape (R, m, D)
        Likelihood of autocorrelation and shape.
    spread : ndarray, shape (R, m)
        Standard deviation of the shocks without a change.
    """

    single: _Floats
    weights: _Floats
    spread: _Floats

    @property
    def rho_weights(self) -> _Floats:
        """Of each autocorrelation (R, m)."""
        return np.asarray(self.weights.sum(axis=2))

    @property
    def mean_autocorrelation(self) -> _Floats:
        """Of each series (m,)."""
        return np.asarray(GRID @ self.rho_weights)

    @property
    def dates(self) -> _Floats:
        """Likelihood of each shape (m, D)."""
        return np.asarray(self.weights.sum(axis=0))


@dataclass(frozen=True, slots=True)
class _Search:
    """Shapes beside a model, whitened for every autocorrelation.

    Attributes
    ----------
    whitening : Whitening
    basis : ndarray, shape (n, k)
        Orthonormal, of the model.
    whitened_basis : ndarray, shape (R, n, k)
    columns : ndarray, shape (R, n, D)
        Whitened shapes, of unit length and at right angles to the whitened model.
    lengths : ndarray, shape (R, D)
        Of the shapes before they were given unit length: how much a series of this autocorrelation tells about each;
        nought where the model makes up the shape itself, whose column is then nought and its likelihood too.
    constants : ndarray, shape (R, D)
        Of the restricted likelihood.
    freedom : int
    """

    whitening: Whitening
    basis: _Floats
    whitened_basis: _Floats
    columns: _Floats
    lengths: _Floats
    constants: _Floats
    freedom: int

    @classmethod
    def of(cls, base: _Floats, positions: _Ints, shapes: _Shapes) -> _Search:
        """Prepare the search for values at these places."""
        n, k = base.shape
        whitening = Whitening.of(positions)
        q, r = np.linalg.qr(whitening.columns(base))
        columns = whitening.columns(shapes.columns(n))
        shortest = _SMALLEST_LENGTH * np.sqrt((columns**2).sum(axis=1))
        columns -= q @ (q.transpose(0, 2, 1) @ columns)
        lengths = np.sqrt((columns**2).sum(axis=1))
        told = lengths > shortest
        lengths = np.where(told, lengths, 0.0)
        divisors = np.where(told, lengths, np.inf)
        constants = np.log(whitening.weight).sum(axis=1) - np.log(np.abs(np.diagonal(r, axis1=1, axis2=2))).sum(axis=1)
        return cls(
            whitening=whitening,
            basis=np.linalg.qr(base)[0],
            whitened_basis=q,
            columns=columns / divisors[:, None, :],
            lengths=lengths,
            constants=constants[:, None] - np.log(divisors if told.any() else np.ones_like(divisors)),
            freedom=n - k - 1,
        )

    def scan(self, series: _Floats) -> _Scan:
        """Try every shape in every series (m, n)."""
        residual = series - series @ self.basis @ self.basis.T
        scale = np.sqrt((residual**2).mean(axis=1))
        shocks, rest = self._shocks(residual / scale[:, None])
        explained = shocks @ self.columns
        explained **= 2
        explained /= rest[:, :, None]
        np.minimum(explained, _ALL_BUT_ROUNDING, out=explained)
        best = explained.max(axis=2)
        likelihood = np.log1p(np.negative(explained, out=explained), out=explained)
        likelihood += np.log(rest)[:, :, None]
        likelihood *= -0.5 * self.freedom
        likelihood += self.constants[:, None, :]
        likelihood -= likelihood.max(axis=(0, 2), keepdims=True)
        weights = np.exp(likelihood, out=likelihood)
        weights /= weights.sum(axis=(0, 2), keepdims=True)
        return _Scan(_log_single(best, self.freedom), weights, scale * np.sqrt(rest / (self.freedom + 1)))

    def _shocks(self, residual: _Floats) -> tuple[_Floats, _Floats]:
        """Whitened series beside the model, clipped (R, m, n), and their sums of squares (R, m)."""
        previous = np.column_stack([np.zeros(len(residual)), residual[:, :-1]])
        shocks = self.whitening.weight[:, None, :] * (residual - self.whitening.carry[:, None, :] * previous)
        shocks -= (shocks @ self.whitened_basis) @ self.whitened_basis.transpose(0, 2, 1)
        shocks = _clipped(shocks)
        rest = (shocks**2).sum(axis=2) - ((shocks @ self.whitened_basis) ** 2).sum(axis=2)
        return shocks, np.maximum(rest, SMALLEST_REST)


def _clipped(shocks: _Floats) -> _Floats:
    """Cut the largest shocks of each series (last axis) down to ``_LARGEST_SHOCK`` standard deviations."""
    clipped = shocks
    for _ in range(2):  # The second time without what the outliers did to the deviation.
        bound = _LARGEST_SHOCK * _SD_OF_MEAN_DEVIATION * np.abs(clipped).mean(axis=-1, keepdims=True)
        clipped = np.maximum(np.minimum(clipped, bound), -bound)
    return clipped


@dataclass(frozen=True, slots=True)
class _Best:
    """The clearest change of a kind: its p-value over all dates, and the values at which another level begins."""

    pvalue: float
    places: tuple[int, ...]


class _Key(NamedTuple):
    """A model, the places of its values and the shapes beside it, in a form that can be remembered."""

    base: bytes
    n: int
    k: int
    positions: bytes
    starts: bytes
    ends: bytes

    @classmethod
    def of(cls, base: _Floats, positions: _Ints, shapes: _Shapes) -> _Key:
        """Pack them."""
        arrays = (np.ascontiguousarray(a, dtype=np.intp).tobytes() for a in (positions, shapes.starts, shapes.ends))
        return cls(np.ascontiguousarray(base, dtype=float).tobytes(), *base.shape, *arrays)

    @property
    def model(self) -> _Floats:
        """Columns of the model (n, k)."""
        return np.frombuffer(self.base).reshape(self.n, self.k)

    @property
    def shapes(self) -> _Shapes:
        """Shapes beside it."""
        return _Shapes(np.frombuffer(self.starts, dtype=np.intp), np.frombuffer(self.ends, dtype=np.intp))

    @property
    def search(self) -> _Search:
        """Everything prepared for a scan."""
        return _search(self)


@lru_cache(maxsize=4)
def _search(key: _Key) -> _Search:
    return _Search.of(key.model, np.frombuffer(key.positions, dtype=np.intp), key.shapes)


def _clearest(values: KnownValues, breaks: list[int], left: int) -> _Best:
    """Look for one more step and, where two changes are left, for a level that is left again."""
    if left < 2:
        return _judge(values, breaks, _Shapes.steps, share=1.0)
    step = _judge(values, breaks, _Shapes.steps, share=_STEP_SHARE)
    stretch = _judge(values, breaks, _Shapes.stretches, share=1 - _STEP_SHARE)
    return min(step, stretch, key=lambda best: best.pvalue)


def _judge(values: KnownValues, breaks: list[int], kind: Callable[[int, _Ints], _Shapes], *, share: float) -> _Best:
    """Clearest change of a kind, its p-value divided by the share of the level that the kind is given."""
    shapes = kind(values.n, _candidates(values.n, breaks))
    keys = [values.reference_key(some, kind) for some in (breaks, [])]
    if not len(shapes.starts) or not keys[0].starts:
        return _Best(1.0, ())
    scan = _Key.of(values.model(breaks), values.present, shapes).search.scan(values.row)
    best = int(scan.dates[0].argmax())
    places = int(shapes.starts[best]), int(shapes.ends[best])
    pvalue = float(special.ndtr(-_score(scan, *keys)[0]))
    return _Best(min(1.0, pvalue / share), places if places[1] < values.n else places[:1])


def _settled(values: KnownValues, breaks: list[int]) -> list[int]:
    """Move each date to the likeliest one beside the others, until none moves."""
    settled = list(breaks)
    for _ in range(_MOST_ROUNDS):
        before = list(settled)
        for i in range(len(settled)):
            candidates, likelihood = likely_dates(values, settled, i)
            settled[i] = int(candidates[likelihood.argmax()])
        if settled == before:
            break
    return settled


def _score(scan: _Scan, key: _Key, first: _Key) -> _Floats:
    """Evidence for a change as a normal quantile (m,).

    The distribution over all dates is that of ``key``; the error that is left hardly depends on the changes that are
    known, and is that of the ``first`` search.
    """
    return np.asarray(np.interp(scan.mean_autocorrelation, KNOTS, _stretches(first)) * _raw_score(scan, key))


def _raw_score(scan: _Scan, key: _Key) -> _Floats:
    overall = np.einsum("rm,rm->m", scan.rho_weights, _overall(scan.single, _null_table(key)))
    return np.asarray(-special.ndtri(np.clip(overall, 1e-300, 1 - 1e-12)))


def _log_single(explained: _Floats, freedom: int) -> _Floats:
    """Logarithm of the p-value of one shape that explains this share of the variance."""
    return np.asarray(np.log(np.maximum(special.betainc(freedom / 2, 0.5, 1 - explained), 1e-300)))


_SHARES = np.array([1.0, 0.9, 0.8, 0.65, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05, 0.025, 0.01])


def _overall(single: _Floats, table: _Floats) -> _Floats:
    """P-value of the best of all shapes (R, m), from that of the shape as if it had been given."""
    out = np.empty_like(single)
    logs = np.log(_SHARES)
    for row, logarithms, quantiles in zip(out, single, table, strict=True):
        inside = np.interp(-logarithms, -quantiles, logs)
        # Far in the tail both logarithms fall together: Bonferroni with an effective number of shapes.
        beyond = logs[-1] + np.minimum(logarithms - quantiles[-1], 0.0)
        row[:] = np.where(logarithms < quantiles[-1], beyond, inside)
    return np.exp(out)


@calibration(np.ndarray)
def _null_table(key: _Key) -> _Floats:
    """Quantiles of the best shape's single p-value in series without a change, at every autocorrelation (R, shares)."""
    search = key.search
    noise = np.random.default_rng(_NULL_SEED).standard_normal((_NULL_RUNS, key.n))
    table = np.empty((len(GRID), len(_SHARES)))
    for row, basis, columns in zip(table, search.whitened_basis, search.columns, strict=True):
        shocks = _clipped(noise - noise @ basis @ basis.T)
        rest = (shocks**2).sum(axis=1) - ((shocks @ basis) ** 2).sum(axis=1)
        row[:] = np.quantile(_log_single(((shocks @ columns) ** 2).max(axis=1) / rest, search.freedom), _SHARES)
    table[:, 0] = 0.0
    return table


@calibration(np.ndarray)
def _stretches(key: _Key) -> _Floats:
    """Factors by which the normal score is multiplied to hold the level, as for a single coefficient."""
    if key.n - key.k > ENOUGH_FREEDOM:
        return np.ones(len(KNOTS))

    def simulate(series: _Floats) -> tuple[_Floats, _Floats]:
        seen = [(_raw_score(scan, key), scan.mean_autocorrelation) for scan in _scans(series, key)]
        scores, autocorrelations = map(np.concatenate, zip(*seen, strict=True))
        return scores, autocorrelations

    runs = _RUNS_PER_TRUTH if (key.shapes.ends == key.n).all() else _STRETCH_RUNS_PER_TRUTH
    return calibrate(simulate, key.n, runs, -special.ndtri(LEVELS))


def _scans(series: _Floats, key: _Key) -> Iterator[_Scan]:
    """Scan many series in small parts, which fit into the fast memory."""
    return (key.search.scan(part) for part in np.array_split(series, max(1, len(series) // _ROWS)))


@calibration(tuple)
def _reach(key: _Key, level: float) -> tuple[_Floats, _Floats]:
    """Sizes of steps halfway that are found in 80 % of series, in typical shocks, by estimated autocorrelation.

    By simulation, for a step makes the autocorrelation look larger than it is, the more so the shorter the series.
    """
    rng = np.random.default_rng(_POWER_SEED)
    told = key.search.lengths.min(axis=0) > 0
    column = int(np.where(told, np.abs(key.shapes.starts - key.n // 2), key.n).argmin())
    halfway = (np.arange(key.n) >= key.shapes.starts[column]).astype(float)
    seen, shocks = np.empty((2, len(_POWER_TRUTHS), _POWER_RUNS))
    sizes = np.empty(len(_POWER_TRUTHS))
    for i, truth in enumerate(_POWER_TRUTHS):
        series = ar1_series(_POWER_RUNS, key.n, truth, rng)
        known = [(scan.mean_autocorrelation, _typical_shock(scan)) for scan in _scans(series, key)]
        seen[i], shocks[i] = map(np.concatenate, zip(*known, strict=True))
        error = np.sqrt(1 - truth**2) / np.interp(truth, GRID, key.search.lengths[:, column])
        scores = [
            np.quantile(np.concatenate([_score(scan, key, key) for scan in _scans(series + size * halfway, key)]), 0.2)
            for size in _POWER_SIZES * error
        ]
        sizes[i] = np.log(np.interp(-special.ndtri(level), np.maximum.accumulate(scores), _POWER_SIZES * error))
    shocks = np.log(shocks)
    typical = np.maximum.accumulate(seen.mean(axis=1))
    ratios = sizes - shocks.mean(axis=1)
    # The autocorrelation is not known exactly, and sizes are not linear in it: right on average over what is estimated.
    told = (np.interp(seen, typical, ratios) + shocks).mean(axis=1)
    return typical, np.exp(ratios + sizes - told)


def _typical_shock(scan: _Scan) -> _Floats:
    return np.asarray((scan.rho_weights * scan.spread).sum(axis=0))
