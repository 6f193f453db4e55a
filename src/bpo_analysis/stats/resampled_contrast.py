"""Would chance alone have done it? Resampling tests of a contrast of units, and the intervals that agree with them.

Every resample gives a statistic that is known for all hypothetical differences at once: its numerator is linear, its
variance quadratic in the difference. So a resample is at least as extreme as the data for a range of differences, and
tests and confidence limits are both counts of these ranges. They cannot contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from math import ceil, comb, inf

import numpy as np
from numpy.typing import NDArray

from bpo_analysis.stats.arguments import Alternative
from bpo_analysis.stats.unit_contrast import UnitContrast

__all__ = ["Draws", "Resampled", "permute_arms", "permute_residuals", "wild_bootstrap"]

_Floats = NDArray[np.float64]
_Orders = NDArray[np.intp]
_CHUNK = 1_500_000
_TINY = 1e-300
_SAME = 1e-9
"""Statistics closer than this (in standard errors) count as equal: ties must not hang on rounding."""
_SNAP = 1e-7
_LEAST_REMAINDER = 1e-9
_FAR = 1e6
_NODES = 24
_HALVINGS = 34
_WEBB = np.sqrt(np.array([1.5, 1.0, 0.5]))


class Draws:
    """The random choices of resampling, made once and shared by all KPIs with the same numbers of units.

    Parameters
    ----------
    n_resamples : int
    rng : None, int or Generator
    """

    def __init__(self, n_resamples: int, rng: np.random.Generator | int | None) -> None:
        self.n_resamples = n_resamples
        self._rng = np.random.default_rng(rng)
        self._arms: dict[tuple[int, int], _Floats] = {}
        self._orders: dict[int, _Orders] = {}
        self._multipliers: dict[int, _Floats] = {}

    def arms(self, n_pilot: int, n: int) -> _Floats:
        """Arms under other assignments, shape (n_assignments, n): all of them if few, the actual one first."""
        if (n_pilot, n) not in self._arms:
            if comb(n, n_pilot) <= self.n_resamples + 1:
                chosen = np.array(list(combinations(range(n), n_pilot)), dtype=np.intp)
            else:
                chosen = self.orders(n)[:, :n_pilot]
            arms = np.zeros((len(chosen), n))
            arms[np.arange(len(chosen))[:, None], chosen] = 1.0
            self._arms[n_pilot, n] = arms
        return self._arms[n_pilot, n]

    def orders(self, n: int) -> _Orders:
        """Random orders of the units, the actual one first; shape (n_resamples + 1, n)."""
        if n not in self._orders:
            actual = np.arange(n, dtype=np.intp)
            drawn = self._rng.permuted(np.tile(actual, (self.n_resamples, 1)), axis=1)
            self._orders[n] = np.vstack([actual, drawn])
        return self._orders[n]

    def multipliers(self, n: int) -> _Floats:
        """Webb's six-point multipliers of residuals, all ones first; shape (n_resamples + 1, n)."""
        if n not in self._multipliers:
            drawn = self._rng.choice(np.concatenate([-_WEBB, _WEBB]), size=(self.n_resamples, n))
            self._multipliers[n] = np.vstack([np.ones(n), drawn])
        return self._multipliers[n]


@dataclass(frozen=True, slots=True)
class Resampled:
    """Studentised statistics of all resamples, as functions of the hypothetical difference.

    If the true difference is d, a resample has the statistic ``intercept - slope * d`` over the root of
    ``square - 2 * cross * d + curve * d**2``; the data have ``estimate - d`` over ``standard_error``. The data are one
    of the resamples.
    """

    estimate: float
    standard_error: float
    intercept: _Floats
    slope: _Floats
    square: _Floats
    cross: _Floats
    curve: _Floats

    def test(self, null: float, *, level: float, alternative: Alternative) -> tuple[float, float, float]:
        """P-value of ``null`` and limits at ``1 - level``, which leave out ``null`` if and only if p < level."""
        if alternative == "less":
            pvalue, low, _ = self._mirrored().test(-null, level=level, alternative="greater")
            return pvalue, -inf, -low
        at = (null - self.estimate) / self.standard_error
        lines = self._standardised()
        rank = max(1, ceil(level * len(self.slope) - _SAME))
        if alternative == "greater":
            down = lines.reach_greater(-at, rank)
            return float((down >= -at).mean()), self._limit(down, rank, -1.0, null), inf
        down, up = lines.reach(-1.0, -at, rank), lines.reach(1.0, at, rank)
        pvalue = float(((down >= -at) & (up >= at)).mean())
        return pvalue, self._limit(down, rank, -1.0, null), self._limit(up, rank, 1.0, null)

    def pvalue_greater(self, null: float) -> float:
        """One-sided p-value of the hypothesis that the difference is ``null`` or less."""
        at = (null - self.estimate) / self.standard_error
        lines = self._standardised()
        statistic = (lines.intercept - lines.slope * at) / np.sqrt(np.maximum(lines.variance(at), _TINY))
        return float((statistic >= -at - _SAME * (1 + abs(at))).mean())

    def pvalue_less(self, null: float) -> float:
        """One-sided p-value of the hypothesis that the difference is ``null`` or more."""
        return self._mirrored().pvalue_greater(-null)

    def _mirrored(self) -> Resampled:
        return replace(self, estimate=-self.estimate, intercept=-self.intercept, cross=-self.cross)

    def _standardised(self) -> _Lines:
        scale, centre = self.standard_error, self.estimate
        return _Lines(
            intercept=(self.intercept - self.slope * centre) / scale,
            slope=self.slope,
            square=np.maximum(self.square - 2 * self.cross * centre + self.curve * centre**2, 0) / scale**2,
            cross=(self.cross - self.curve * centre) / scale,
            curve=self.curve,
        )

    def _limit(self, reach: _Floats, rank: int, side: float, null: float) -> float:
        """Difference up to which ``rank`` resamples reach; exactly ``null`` where it is that."""
        limit = side * float(_nth_largest(reach, rank))
        return (
            null
            if limit == (null - self.estimate) / self.standard_error
            else self.estimate + limit * (self.standard_error)
        )


@dataclass(frozen=True, slots=True)
class _Lines:
    """The same in standard errors from the estimate: a place u, where the data's own statistic is ``-u``."""

    intercept: _Floats
    slope: _Floats
    square: _Floats
    cross: _Floats
    curve: _Floats

    def variance(self, u: _Floats | float) -> _Floats:
        return self.square - 2 * self.cross * u + self.curve * u**2

    def reach(self, side: float, at: float, rank: int) -> _Floats:
        """How far out on one side each resample is still as extreme as the data (two-sided)."""
        a, q = self.intercept, side * self.slope
        terms = np.stack([a**2, -2 * a * q, q**2 - self.square, 2 * side * self.cross, -self.curve], axis=1)
        nodes = self._nodes(0)
        same = self._same()
        return _farthest(
            terms @ np.vander(nodes, 5, increasing=True).T >= 0,
            nodes,
            lambda rows: partial(_nonnegative, np.ascontiguousarray(terms[rows].T)),
            fixed=np.where(same, inf, np.nan),
            at=at,
            rank=rank,
        )

    def reach_greater(self, at: float, rank: int) -> _Floats:
        """How far down each resample is at least as far up as the data; negative if only above the estimate."""
        a, q = self.intercept, self.slope
        terms = np.stack([self.square, 2 * self.cross, self.curve], axis=1)
        nodes = self._nodes(-1)
        spread = np.sqrt(np.maximum(terms @ np.vander(nodes, 3, increasing=True).T, _TINY))

        same = self._same()
        return _farthest(
            a[:, None] + q[:, None] * nodes - nodes * spread >= 0,
            nodes,
            lambda rows: partial(_above, a[rows], q[rows], np.ascontiguousarray(terms[rows].T)),
            fixed=np.where(same, np.where(q > 0, inf, 0.0), np.nan),
            at=at,
            rank=rank,
        )

    def _nodes(self, lowest: int) -> _Floats:
        """Places to look at, from farther out than any resample reaches, inwards; dense near 0."""
        a, q, v0, v1, v2 = self.intercept, self.slope, self.square, self.cross, self.curve
        with np.errstate(divide="ignore", invalid="ignore"):
            # A statistic has a largest size, and the place where it equals the data's lies within; but where its
            # variance reaches 0 only the polynomial's own bound (Fujiwara) helps.
            largest = np.sqrt(np.maximum(a**2 * v2 - 2 * a * q * v1 + q**2 * v0, 0) / (v0 * v2 - v1**2))
            ratios = (2 * v1 / v2, np.abs((q**2 - v0) / v2) ** (1 / 2), np.abs(2 * a * q / v2) ** (1 / 3))
            roots = 2 * np.max(np.abs([*ratios, (a**2 / v2) ** (1 / 4)]), axis=0)
        reach = np.where(self._same(), 1.0, np.fmin(np.where(largest > 0, largest, np.nan), roots))
        bound = min(float(np.where(np.isnan(reach), _FAR, reach).max()) * (1 + _SNAP), _FAR)
        end = np.arcsinh(max(bound, 1.0))
        return np.sinh(np.linspace(end, lowest * end, _NODES * (1 - lowest) + 1))

    def _same(self) -> NDArray[np.bool_]:
        """Resamples that are the data over again, for which every comparison is a tie."""
        parts = (self.intercept, self.square - self.slope**2, self.cross, self.curve)
        return np.asarray(np.max(np.abs(parts), axis=0) < _SAME)


def _nonnegative(terms: _Floats, t: _Floats) -> NDArray[np.bool_]:
    """Whether polynomials with these coefficients (lowest first, one column each) are 0 or more at t."""
    return np.asarray(_polynomial(terms, t) >= 0)


def _above(intercept: _Floats, slope: _Floats, terms: _Floats, t: _Floats) -> NDArray[np.bool_]:
    """Whether a resample's statistic at -t is that of the data, t, or more."""
    return np.asarray(intercept + slope * t - t * np.sqrt(np.maximum(_polynomial(terms, t), _TINY)) >= 0)


def _polynomial(terms: _Floats, t: _Floats) -> _Floats:
    value = np.asarray(terms[-1])
    for coefficient in terms[-2::-1]:
        value = value * t + coefficient
    return np.asarray(value)


def permute_arms(fit: UnitContrast, arms: _Floats) -> Resampled:
    """Resample by assigning whole units anew: exact if the assignment was random and no unit reacts to its arm.

    For a contrast without covariate.
    """
    weights = fit.root_weights**2
    value, actual = fit.value_residual / fit.root_weights, fit.arm_residual / fit.root_weights
    terms = np.stack([np.ones_like(value), value, actual, value**2, value * actual, actual**2], axis=1)
    parts = []
    for rows in _pieces(arms):
        pilot, baseline = (_arm_moments(members, weights, terms) for members in (arms[rows], 1 - arms[rows]))
        level = [pilot[0] - baseline[0], pilot[1] - baseline[1]]
        parts.append((*level, *(p + b for p, b in zip(pilot[2:], baseline[2:], strict=True))))
    return _joined(fit, parts)


def _arm_moments(members: _Floats, weights: _Floats, terms: _Floats) -> tuple[_Floats, ...]:
    """Weighted means of value and arm over the members, and the HC2 variance of the mean as a quadratic form."""
    total = members @ weights
    mean, mean_arm = members @ (weights * terms[:, 1]) / total, members @ (weights * terms[:, 2]) / total
    if (weights == weights[0]).all():
        count = total / weights[0]
        sums = (members @ terms) / (count * (count - 1))[:, None]
    else:
        rest = np.maximum(total[:, None] - weights, _LEAST_REMAINDER * total[:, None])
        rest *= total[:, None]
        sums = np.divide(members * weights**2, rest, out=rest) @ terms
    one, value, arm, value2, both, arm2 = sums.T
    square = value2 - 2 * mean * value + mean**2 * one
    cross = both - mean * arm - mean_arm * value + mean * mean_arm * one
    curve = arm2 - 2 * mean_arm * arm + mean_arm**2 * one
    return mean, mean_arm, square, cross, curve


def permute_residuals(fit: UnitContrast, orders: _Orders) -> Resampled:
    """Resample by exchanging the units' residuals from the covariate (Freedman & Lane); weights stay in place."""
    root = fit.root_weights
    value, actual = fit.value_residual / root, fit.arm_residual / root
    design = _Design(fit)
    parts = []
    for rows in _pieces(orders):
        order = orders[rows]
        parts.append(
            design.refit(
                *(residual[order] @ (root[:, None] * design.columns) for residual in (value, actual)),
                *(product[order] @ (root**2 * design.weight) for product in (value**2, value * actual, actual**2)),
            )
        )
    return _joined(fit, parts)


def wild_bootstrap(fit: UnitContrast, multipliers: _Floats) -> Resampled:
    """Resample by multiplying the units' residuals under the hypothesis with random signs and sizes."""
    value, actual = fit.value_residual, fit.arm_residual
    design = _Design(fit)
    parts = []
    for rows in _pieces(multipliers):
        factor = multipliers[rows]
        squared = factor**2
        parts.append(
            design.refit(
                *(factor @ (residual[:, None] * design.columns) for residual in (value, actual)),
                *(squared @ (product * design.weight) for product in (value**2, value * actual, actual**2)),
            )
        )
    return _joined(fit, parts)


class _Design:
    """Fits the unchanged design to new residuals from their sums with a few columns alone.

    ``columns`` are the rows of the least-squares solution and the weighted design; ``weight`` is what a squared
    residual counts in the HC2 variance.
    """

    def __init__(self, fit: UnitContrast) -> None:
        share = fit.arm_residual / float(fit.arm_residual @ fit.arm_residual)
        self.weight = share**2 / (1 - fit.leverage)
        design = np.column_stack([fit.basis, fit.arm_residual])
        weighted = self.weight[:, None] * design
        self.columns = np.column_stack([fit.basis, share, weighted])
        self._form = design.T @ weighted
        self._width = design.shape[1]

    def refit(
        self, value: _Floats, actual: _Floats, square: _Floats, cross: _Floats, curve: _Floats
    ) -> tuple[_Floats, ...]:
        """Coefficients of the arm, and the HC2 variance as a quadratic form, from sums over resampled residuals."""
        solved, weighted = value[:, : self._width], value[:, self._width :]
        solved_arm, weighted_arm = actual[:, : self._width], actual[:, self._width :]
        form, form_arm = solved @ self._form, solved_arm @ self._form
        return (
            solved[:, -1],
            solved_arm[:, -1],
            square - 2 * (solved * weighted).sum(axis=1) + (form * solved).sum(axis=1),
            cross - (solved * weighted_arm + solved_arm * weighted).sum(axis=1) + (form * solved_arm).sum(axis=1),
            curve - 2 * (solved_arm * weighted_arm).sum(axis=1) + (form_arm * solved_arm).sum(axis=1),
        )


def _joined(fit: UnitContrast, parts: list[tuple[_Floats, ...]]) -> Resampled:
    intercept, slope, square, cross, curve = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Resampled(fit.estimate, fit.standard_error, intercept, slope, square, cross, curve)


def _pieces(draws: _Floats | _Orders) -> list[slice]:
    """Pieces of the draws that fit into little memory."""
    rows = max(1, _CHUNK // draws.shape[1])
    return [slice(start, start + rows) for start in range(0, len(draws), rows)]


def _farthest(
    holds: NDArray[np.bool_],
    nodes: _Floats,
    condition: Callable[[_Orders], Callable[[_Floats], NDArray[np.bool_]]],
    *,
    fixed: _Floats,
    at: float,
    rank: int,
) -> _Floats:
    """Farthest place at which each resample meets the condition.

    Exact only for the resamples that matter: those near ``at``, and those that may be the ``rank``-th farthest. The
    others are known to lie on the right side of both.
    """
    first = holds.argmax(axis=1)
    first[~holds.any(axis=1)] = len(nodes) - 1
    inside, outside = nodes[first], nodes[np.maximum(first - 1, 0)]
    given = ~np.isnan(fixed)
    inside, outside = np.where(given, fixed, inside), np.where(given, fixed, outside)
    least, most = _nth_largest(inside, rank), _nth_largest(outside, rank)
    matters = ((outside >= least) & (inside <= most)) | ((inside <= at) & (at <= outside))
    rows = np.flatnonzero(matters & ~given & (first > 0))
    near, far, met_at = inside[rows], outside[rows], condition(rows)
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        met = met_at(middle)
        near, far = np.where(met, middle, near), np.where(met, far, middle)
    inside[rows] = near
    inside[~given & (first == 0)] = inf
    return np.where(np.abs(inside - at) < _SNAP * (1 + abs(at)), at, inside)


def _nth_largest(values: _Floats, rank: int) -> np.float64:
    return np.float64(-np.partition(-values, rank - 1)[rank - 1])
