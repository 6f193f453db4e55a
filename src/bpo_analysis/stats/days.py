"""How sure is a mean of successive days that resemble their neighbours?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["MIN_DAYS_FOR_AUTOCORRELATION", "MeanVariance", "variance_of_mean"]

MIN_DAYS_FOR_AUTOCORRELATION = 10
_WAVES = 0.6

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MeanVariance:
    """Variance of the mean of some series (one value per series) and the degrees of freedom it is known with."""

    variance: _Floats
    degrees_of_freedom: float


def variance_of_mean(days: _Floats, *, like: _Floats | None = None) -> MeanVariance:
    """Variance of the mean of each column, for days that may resemble their neighbours.

    Parameters
    ----------
    days : ndarray, shape (n_days, n_series)
        In order of time: daily values, or the days' influence on an estimate.
    like : ndarray, shape (n_other_days, n_series), optional
        A longer stretch of the same series: where this one is too short to tell how much days resemble each other,
        its variance is widened as that of the longer one would be.

    Returns
    -------
    MeanVariance

    Notes
    -----
    Fewer than ten days: the plain variance. From ten on the equal-weighted cosine estimate [1]_: the mean square of
    the slowest ``0.6 n ** (2 / 3)`` waves, with as many degrees of freedom for Student's t. It asks
    for no model, and so is not misled where part of the day-to-day spread is chance among cases: an AR(1) fitted to
    such days sees too little autocorrelation. With autocorrelation 0.5, as it is or half hidden by noise, 95 %
    intervals cover 92 to 94 % at 30 days and 94 % at 90.

    References
    ----------
    .. [1] Lazarus, E., Lewis, D. J., Stock, J. H. & Watson, M. W. (2018). HAR inference: recommendations for practice.
       Journal of Business & Economic Statistics 36.
    """
    n = len(days)
    plain = days.var(axis=0, ddof=1)
    if n >= MIN_DAYS_FOR_AUTOCORRELATION:
        slow, waves = _slow_waves(days)
        return MeanVariance(slow / n, float(waves))
    if like is None or len(like) < MIN_DAYS_FOR_AUTOCORRELATION:
        return MeanVariance(plain / n, n - 1.0)
    slow, waves = _slow_waves(like)
    with np.errstate(invalid="ignore", divide="ignore"):
        wider = np.nan_to_num(slow / like.var(axis=0, ddof=1), nan=1.0, posinf=1.0)
    return MeanVariance(plain / n * np.maximum(1.0, wider), float(min(n - 1, waves)))


def _slow_waves(days: _Floats) -> tuple[_Floats, int]:
    """Mean square of the slowest cosine waves, and how many they are; all of them would give the plain variance."""
    n = len(days)
    waves = round(_WAVES * n ** (2 / 3))
    angles = np.pi * np.outer(np.arange(1, waves + 1), (np.arange(n) + 0.5) / n)
    strength = np.sqrt(2 / n) * np.cos(angles) @ days
    return (strength**2).mean(axis=0), waves
