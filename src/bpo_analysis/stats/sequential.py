"""How far may a difference go before a pilot can be stopped? Boundaries for several looks at growing data.

The estimates of successive looks, each over its squared standard error (its information), are a random walk with
independent normal steps. Crossing probabilities come from carrying its density from look to look (Armitage, McPherson &
Rowe), which holds for any information at the looks. Only its growth from look to look counts: where steps are not
independent, ``information`` is what gives neighbouring looks the correlation they have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from math import ceil, expm1, inf, log, log1p, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from bpo_analysis.stats.arguments import Alternative, check_alternative, check_confidence_level

__all__ = [
    "SPENDING",
    "Walk",
    "boundary_for",
    "classical_boundary",
    "looks_inflation",
    "spent_obrien_fleming",
    "spent_pocock",
]

_Floats = NDArray[np.float64]
_POINTS = 16
_PANEL = 5.0
"""Width of a panel of that many points, in standard deviations of a step: looks that hardly differ need finer ones."""
_FAR = 9.0
"""In standard errors: what lies beyond has no weight in any probability that is asked for."""
_TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Walk:
    """The statistic of each look, where the walk has not been stopped, if there is no difference.

    Attributes
    ----------
    information : float
        So far; what counts is its growth, for two looks correlate by the root of the share that the earlier one has.
    lower, upper : float
        Statistics of the latest look between which the walk went on.
    before : Walk or None
        The walk without the latest look; None at the start.
    """

    information: float
    lower: float = 0.0
    upper: float = 0.0
    before: Walk | None = None
    _grids: dict[float, tuple[_Floats, _Floats]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def start(cls) -> Walk:
        """Before the first look."""
        return cls(0.0)

    def on(self, information: float, lower: float, upper: float) -> Walk:
        """The walk after the next look, if its statistic lay between ``lower`` and ``upper``."""
        return Walk(information, lower, upper, self)

    def above(self, z: float, information: float) -> float:
        """Probability of getting to the next look, at ``information``, and of a statistic of ``z`` or more there."""
        kept, spread = self._step(information)
        points, mass = self._grid(spread)
        return float(mass @ special.ndtr((kept * points - z) / spread))

    def _step(self, information: float) -> tuple[float, float]:
        """Correlation of the next look's statistic with the latest, and the standard deviation that is new in it."""
        share = self.information / information
        return sqrt(share), sqrt(1 - share)

    def _grid(self, following: float) -> tuple[_Floats, _Floats]:
        """Places of the statistic and their probability, fine enough for what the next look adds to it."""
        if self.before is None:
            return np.zeros(1), np.ones(1)
        if following not in self._grids:
            self._grids[following] = self._walked(self.before, following)
        return self._grids[following]

    def _walked(self, before: Walk, following: float) -> tuple[_Floats, _Floats]:
        kept, spread = before._step(self.information)
        points, weights = _nodes(max(self.lower, -_FAR), min(self.upper, _FAR), _PANEL * min(spread, following))
        earlier, mass = before._grid(spread)
        reach = (points[:, None] - kept * earlier) / spread
        density = np.exp(-(reach**2) / 2) @ mass / (spread * sqrt(2 * np.pi))
        return points, weights * density


def _nodes(low: float, high: float, width: float) -> tuple[_Floats, _Floats]:
    """Places and weights of Gauss and Legendre, panel by panel; none where the range is empty."""
    if low >= high:
        return np.empty(0), np.empty(0)
    edges = np.linspace(low, high, ceil((high - low) / width) + 1)
    nodes, weights = _rule()
    half = (edges[1] - edges[0]) / 2
    return ((edges[:-1] + half)[:, None] + half * nodes).ravel(), np.tile(half * weights, len(edges) - 1)


@cache
def _rule() -> tuple[_Floats, _Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(_POINTS)
    return nodes, weights


def boundary_for(walk: Walk, information: float, spend: float) -> float:
    """Statistic that the walk exceeds at the next look with probability ``spend``; infinite for next to nothing."""
    if spend <= max(walk.above(_FAR, information), _TINY):
        return inf
    if spend >= walk.above(-_FAR, information):
        return -inf

    def surplus(z: float) -> float:
        # On the log scale, for the tails that a first look spends.
        return log(max(walk.above(z, information), _TINY)) - log(spend)

    return float(optimize.brentq(surplus, -_FAR, _FAR, xtol=1e-10))


def spent_obrien_fleming(level: float, fraction: float) -> float:
    """One-sided level spent at a fraction of the information: next to nothing early (Lan & DeMets)."""
    return 2 * float(special.ndtr(special.ndtri(level / 2) / sqrt(fraction)))


def spent_pocock(level: float, fraction: float) -> float:
    """One-sided level spent at a fraction of the information: nearly evenly (Lan & DeMets)."""
    return level * log1p(expm1(1.0) * fraction)


SPENDING: dict[str, Callable[[float, float], float]] = {
    "obrien-fleming": spent_obrien_fleming,
    "pocock": spent_pocock,
}
"""Spending functions by name."""


def looks_inflation(
    information: _Floats, spent: Callable[[float, float], float], *, level: float, power: float
) -> float:
    """Return how much larger a difference must be to be found with the same power as with one look at the end.

    Parameters
    ----------
    information : ndarray
        Of each look, the end the last, as a share of what the level is spent against; the end spends what is left.
    spent : callable
        One-sided level spent by a fraction of the information.
    level : float
        One-sided; both sides are looked at.
    power : float

    Returns
    -------
    float
        1 or more.
    """
    walk, used, bounds = Walk.start(), 0.0, []
    for number, at in enumerate(information, 1):
        target = level if number == len(information) else min(level, spent(level, at))
        bounds.append(boundary_for(walk, at, max(0.0, target - used)))
        walk, used = walk.on(at, -bounds[-1], bounds[-1]), max(used, target)
    means = np.sqrt(information / information[-1])

    def lacking(shift: float) -> float:
        walk, found = Walk.start(), 0.0
        for bound, at, mean in zip(bounds, information, shift * means, strict=True):
            found += walk.above(bound - mean, at)
            walk = walk.on(at, -bound - mean, bound - mean)
        return power - found

    alone = -float(special.ndtri(level)) + float(special.ndtri(power))
    return max(1.0, float(optimize.brentq(lacking, 0.5 * alone, 3 * alone, xtol=1e-6)) / alone)


def classical_boundary(
    n_looks: int,
    *,
    shape: Literal["pocock", "obrien-fleming"],
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> _Floats:
    """Return the boundaries of Pocock or of O'Brien and Fleming for equally spaced looks.

    Parameters
    ----------
    n_looks : int
    shape : {"pocock", "obrien-fleming"}
        The same at all looks, or falling with the root of the information.
    alternative : {"two-sided", "less", "greater"}
    confidence_level : float, default 0.95

    Returns
    -------
    ndarray, shape (n_looks,)
        In standard errors; for ``alternative="less"`` the sign is turned.

    Notes
    -----
    They hold for looks that were fixed in number and equally spaced in information. For a pilot, whose information is
    known only as it comes, use :func:`monitor`. Checked against R rpact 3.3.4 (``typeOfDesign = "P"`` and ``"OF"``).

    Examples
    --------
    >>> float(classical_boundary(8, shape="pocock")[0].round(3))
    2.512
    >>> float(classical_boundary(8, shape="obrien-fleming")[-1].round(3))
    2.072
    """
    check_alternative(alternative)
    check_confidence_level(confidence_level)
    if n_looks < 1:
        raise ValueError(f"n_looks must be 1 or more, got {n_looks!r}.")
    if shape not in ("pocock", "obrien-fleming"):
        raise ValueError(f"shape must be 'pocock' or 'obrien-fleming', got {shape!r}.")
    times = np.arange(1, n_looks + 1) / n_looks
    form = np.ones(n_looks) if shape == "pocock" else 1 / np.sqrt(times)
    level = (1 - confidence_level) / (2 if alternative == "two-sided" else 1)

    def missing(constant: float) -> float:
        walk, crossed = Walk.start(), 0.0
        for time, bound in zip(times, constant * form, strict=True):
            crossed += walk.above(bound, time)
            walk = walk.on(time, -bound if alternative == "two-sided" else -inf, bound)
        return crossed - level

    constant = float(optimize.brentq(missing, 0.1, 6.0, xtol=1e-8))
    return constant * form * (-1.0 if alternative == "less" else 1.0)
