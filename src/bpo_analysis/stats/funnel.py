"""Which of many units (agents, teams, sites) lie farther from the common share than chance and their number explain?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.arguments import check_confidence_level
from bpo_analysis.stats.result import Result

__all__ = ["MIN_UNITS", "Funnel", "funnel"]

MIN_UNITS = 8
_WINSORISED = 0.1
_LEFT_BY_WINSORISING = 0.6786
"""Mean square of standard normal values of which the outer tenths are drawn in."""
_ENDS = 1e-9

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel(Result):
    """Shares of many units against limits for their size.

    Attributes
    ----------
    center : float
        Share of all units together.
    spread : float
        Standard deviation of the units' own shares beyond chance; limits are widened by it. 0 where chance explains
        all.
    outside : tuple of int
        Positions of the units outside.
    table : DataFrame
        One row per unit given: events, size, share, lower, upper, outside.
    confidence_level : float
        Chance that no unit at all lies outside where all differ by chance and this spread alone.
    n : int
    method : str
    """

    center: float
    spread: float
    outside: tuple[int, ...]
    table: pd.DataFrame
    confidence_level: float
    n: int
    method: str

    def summary(self) -> str:
        """Return how many units lie outside, and what they are measured against."""
        found = (
            f"{len(self.outside)} of {self.n} units lie outside"
            if self.outside
            else f"none of {self.n} units lies outside"
        )
        return (
            f"{found[0].upper()}{found[1:]} the limits around {100 * self.center:.1f} % "
            f"({100 * self.confidence_level:g} % for all units together; "
            f"spread between units {100 * self.spread:.1f} points; {self.method})."
        )


def funnel(events: ArrayLike, sizes: ArrayLike, *, confidence_level: float = 0.95) -> Funnel:
    """Hold the share of each unit against limits that know its size.

    Parameters
    ----------
    events, sizes : array_like, shape (n,)
        Cases with the event, and cases, of each unit; sizes above 0.
    confidence_level : float, default 0.95
        Of all limits together.

    Returns
    -------
    Funnel

    Raises
    ------
    InsufficientDataError
        With fewer than eight units.

    Notes
    -----
    Exact binomial limits, read between whole numbers [1]_, at the level that Bonferroni's inequality leaves for each
    unit. Where units vary by more than chance, that spread is estimated [2]_ with the tenth farthest out at either end
    drawn in, so that the units sought do not hide themselves, and taken for a part of each unit's variance that does
    not shrink with its size.

    A unit outside differs from what is usual here; that its cases were harder is one of the reasons it may have.

    References
    ----------
    .. [1] Spiegelhalter, D. J. (2005). Funnel plots for comparing institutional performance. Statistics in Medicine 24.
    .. [2] DerSimonian, R. & Laird, N. (1986). Meta-analysis in clinical trials. Controlled Clinical Trials 7.

    Examples
    --------
    >>> result = funnel([5, 4, 6, 5, 3, 7, 5, 4, 5, 24], [50] * 10)
    >>> result.outside, round(result.center, 3)
    ((9,), 0.136)
    """
    check_confidence_level(confidence_level)
    x, n = np.asarray(events, dtype=float), np.asarray(sizes, dtype=float)
    if x.ndim != 1 or x.shape != n.shape:
        raise ValueError(f"events and sizes must be 1-D and of one length, got shapes {x.shape} and {n.shape}.")
    if not (np.isfinite(x).all() and np.isfinite(n).all() and (n > 0).all() and (x >= 0).all() and (x <= n).all()):
        raise ValueError("events must lie between 0 and the size of their unit, and sizes above 0.")
    if len(x) < MIN_UNITS:
        raise InsufficientDataError("funnel", needed=MIN_UNITS, got=len(x), unit="units")
    center = float(x.sum() / n.sum())
    share = x / n
    variance = _spread(share, n, center)
    tail = (1 - confidence_level) / (2 * len(x))
    if variance > 0:
        # The spread is known from these units alone: as far out as Student's t goes for so many.
        tail = float(stats.norm.sf(stats.t.isf(tail, len(x) - 1)))
    effective = n / (1 + n * variance / (center * (1 - center))) if variance > 0 else n
    limits = np.array([_limits(center, size, tail) for size in effective])
    outside = (share < limits[:, 0] - _ENDS) | (share > limits[:, 1] + _ENDS)
    table = pd.DataFrame(
        {"events": x, "size": n, "share": share, "lower": limits[:, 0], "upper": limits[:, 1], "outside": outside}
    )
    return Funnel(
        center=center,
        spread=float(np.sqrt(variance)),
        outside=tuple(int(place) for place in np.flatnonzero(outside)),
        table=table,
        confidence_level=confidence_level,
        n=len(x),
        method="exact binomial limits, Bonferroni" + (", widened for the spread between units" if variance > 0 else ""),
    )


def _spread(share: _Floats, n: _Floats, center: float) -> float:
    """Variance of the units' own shares, beyond chance (DerSimonian and Laird, of shares drawn in)."""
    if not 0 < center < 1:
        return 0.0
    weight = n / (center * (1 - center))
    z = (share - center) * np.sqrt(weight)
    low, high = np.quantile(z, [_WINSORISED, 1 - _WINSORISED])
    square = float((np.clip(z, low, high) ** 2).sum()) / _LEFT_BY_WINSORISING
    return max(0.0, (square - (len(n) - 1)) / float(weight.sum() - (weight**2).sum() / weight.sum()))


def _limits(center: float, size: float, tail: float) -> tuple[float, float]:
    """Shares that a unit of this size passes with a chance of ``tail`` on either side."""
    if not 0 < center < 1:
        return center, center
    return _quantile(center, size, tail), 1 - _quantile(1 - center, size, tail)


def _quantile(center: float, size: float, tail: float) -> float:
    """Largest share whose chance of being undercut is at most ``tail``; the distribution read between whole numbers."""

    def beyond(events: float) -> float:
        # Chance of at most so many events, by the incomplete beta function, less the tail.
        return float(special.betainc(size - events, events + 1, 1 - center)) - tail

    if beyond(0.0) >= 0:
        return 0.0
    return float(optimize.brentq(beyond, 0.0, size * (1 - 1e-12))) / size
