"""How far may a difference go before a pilot can be stopped? Boundaries for several looks at growing data.

The estimates of successive looks, each over its squared standard error (its information), are a random walk with
independent normal steps. Crossing probabilities come from carrying its density from look to look (Armitage, McPherson &
Rowe), which holds for any information at the looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import expm1, inf, log, log1p, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from bpo_analysis.stats.arguments import Alternative, check_alternative, check_confidence_level

__all__ = ["Walk", "boundary_for", "classical_boundary", "spent_obrien_fleming", "spent_pocock"]

_Floats = NDArray[np.float64]
_POINTS = 240
_FAR = 9.0
"""In standard errors: what lies beyond has no weight in any probability that is asked for."""
_TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Walk:
    """The walk after some looks, where it has not been stopped, if there is no difference.

    Attributes
    ----------
    information : float
        So far.
    points, mass : ndarray
        Places of estimate times information, and their probability.
    """

    information: float
    points: _Floats
    mass: _Floats

    @classmethod
    def start(cls) -> Walk:
        """Before the first look."""
        return cls(0.0, np.zeros(1), np.ones(1))

    def above(self, z: float, information: float, *, difference: float = 0.0) -> float:
        """Probability of getting to the next look, at ``information``, and of a statistic of ``z`` or more there."""
        step = information - self.information
        weight = np.exp(difference * self.points - difference**2 * self.information / 2)
        reach = (self.points + difference * step - z * sqrt(information)) / sqrt(step)
        return float((self.mass * weight) @ special.ndtr(reach))

    def on(self, information: float, lower: float, upper: float) -> Walk:
        """The walk after the next look, if its statistic lay between ``lower`` and ``upper``."""
        step, scale = information - self.information, sqrt(information)
        low, high = max(lower, -_FAR) * scale, min(upper, _FAR) * scale
        nodes, weights = _nodes()
        points = (low + high) / 2 + (high - low) / 2 * nodes
        density = np.exp(-((points[:, None] - self.points) ** 2) / (2 * step)) @ self.mass / sqrt(2 * np.pi * step)
        return Walk(information, points, density * weights * (high - low) / 2)


@cache
def _nodes() -> tuple[_Floats, _Floats]:
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
