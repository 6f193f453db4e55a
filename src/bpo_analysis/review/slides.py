"""Did a level change at one date, or slide to its new level over a while? Often the data allow both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = ["Slide", "slide_lengths"]

_Floats = NDArray[np.float64]
_MOST = 52
_LEAST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Slide:
    """How many periods the way from the old to the new level may have taken: 0 is a step.

    Attributes
    ----------
    shortest, longest : int
        Lengths that the data allow (profile likelihood at the confidence level).
    begin, end : int
        Last place of the old level and first of the new one, of the likeliest slide.
    shift : float
        New level less old one, of the likeliest slide.
    """

    shortest: int
    longest: int
    begin: int
    end: int
    shift: float


def slide_lengths(
    values: _Floats, *, autocorrelation: float = 0.0, confidence_level: float = 0.95, most: int = _MOST
) -> Slide | None:
    """Return the lengths of a straight slide between two levels that explain a series about as well as the best one.

    Parameters
    ----------
    values : ndarray, shape (n,)
        One value a period around one change of level; NaN marks a gap.
    autocorrelation : float
        Of neighbouring values around the levels.
    confidence_level : float
    most : int
        Longest slide looked at.

    Returns
    -------
    Slide or None
        None with fewer than eight values, or without variation around the levels.

    Notes
    -----
    For each length every place inside the series is tried, and the likelihood of the best is compared with that of the
    best length: those within half the chi-squared quantile are kept, of two degrees of freedom, for length and place
    are both sought. A step is the slide of length 0, so that both are judged by the same yardstick.
    """
    places = np.flatnonzero(np.isfinite(values))
    if len(places) < _LEAST:
        return None
    rho = min(max(float(np.nan_to_num(autocorrelation)), 0.0), 0.95)
    lengths = range(min(most, int(places[-1] - places[0]) - 1) + 1)
    fits = np.array([_least_squares(values[places], places, length, rho) for length in lengths])
    left, starts, shifts = fits.T
    best = int(left.argmin())
    if not left[best] > 1e-12 * float(np.var(values[places])):
        return None
    kept = np.flatnonzero(len(places) * np.log(left / left[best]) <= stats.chi2.ppf(confidence_level, 2))
    begin = int(np.floor(starts[best]))
    return Slide(
        shortest=int(kept[0]), longest=int(kept[-1]), begin=begin, end=begin + max(best, 1), shift=float(shifts[best])
    )


def _least_squares(values: _Floats, places: NDArray[np.intp], length: int, rho: float) -> tuple[float, float, float]:
    """Smallest sum of squares left by a slide of this length over all its places inside the series; place and shift."""
    starts = np.arange(places[0], places[-1] - length + 1) + (0.5 if length == 0 else 0.0)
    starts = starts[starts < places[-1]]
    way = np.clip((places[:, None] - starts[None, :]) / max(length, 1e-9), 0.0, 1.0)
    whole = _whitened(np.column_stack([values, np.ones(len(values)), way]), places, rho)
    level = whole[:, 1] / np.linalg.norm(whole[:, 1])
    rest = whole - np.outer(level, level @ whole)
    own, ways = rest[:, 0], rest[:, 2:]
    size = (ways**2).sum(axis=0)
    shifts = np.where(size > 1e-12, (own @ ways) / np.maximum(size, 1e-12), 0.0)
    explained = shifts**2 * size
    found = int(explained.argmax())
    return float(own @ own - explained[found]), float(starts[found]), float(shifts[found])


def _whitened(columns: _Floats, places: NDArray[np.intp], rho: float) -> _Floats:
    """Take AR(1) errors out of every column, over gaps of any width."""
    if rho == 0:
        return columns
    carried = rho ** np.diff(places)
    scale = np.sqrt((1 - rho**2) / (1 - carried**2))
    later = (columns[1:] - carried[:, None] * columns[:-1]) * scale[:, None]
    return np.vstack([columns[:1] * np.sqrt(1 - rho**2), later])
