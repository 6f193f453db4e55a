"""Series without an effect, of the kinds that contact centres make, shared by the studies.

All return arrays of shape (m, n), one series a row, with noise of unit variance (a random walk apart).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ar1",
    "ar2",
    "missing",
    "moving_average",
    "random_level",
    "random_walk",
    "rounded",
    "season",
    "student_ar1",
    "wild",
]

Floats = NDArray[np.float64]

_WARM_UP = 200


def ar1(m: int, n: int, rho: float, rng: np.random.Generator) -> Floats:
    """Stationary Gaussian AR(1): each period keeps the share ``rho`` of the last."""
    noise = rng.standard_normal((m, n))
    noise[:, 1:] *= np.sqrt(1 - rho**2)
    for t in range(1, n):
        noise[:, t] += rho * noise[:, t - 1]
    return noise


def ar2(m: int, n: int, first: float, second: float, rng: np.random.Generator) -> Floats:
    """Stationary Gaussian AR(2) with these two coefficients."""
    series = rng.standard_normal((m, n + _WARM_UP))
    for t in range(2, n + _WARM_UP):
        series[:, t] += first * series[:, t - 1] + second * series[:, t - 2]
    variance = (1 - second) / ((1 + second) * ((1 - second) ** 2 - first**2))
    return series[:, _WARM_UP:] / np.sqrt(variance)


def moving_average(m: int, n: int, theta: float, rng: np.random.Generator) -> Floats:
    """Gaussian moving average of two neighbouring shocks, the older one with weight ``theta``."""
    shocks = rng.standard_normal((m, n + 1))
    return (shocks[:, 1:] + theta * shocks[:, :-1]) / np.sqrt(1 + theta**2)


def random_level(m: int, n: int, rng: np.random.Generator, *, share: float = 0.5, rho: float = 0.95) -> Floats:
    """White noise around a level that wanders slowly: an AR(1) with this share of the variance."""
    return np.sqrt(share) * ar1(m, n, rho, rng) + np.sqrt(1 - share) * rng.standard_normal((m, n))


def random_walk(m: int, n: int, rng: np.random.Generator) -> Floats:
    """Sum of independent steps: a drift that never returns."""
    return rng.standard_normal((m, n)).cumsum(axis=1)


def student_ar1(m: int, n: int, rho: float, rng: np.random.Generator, *, freedom: float = 3.0) -> Floats:
    """AR(1) with shocks of Student's t distribution: now and then one far out."""
    series = rng.standard_t(freedom, (m, n + _WARM_UP)) * np.sqrt((freedom - 2) / freedom * (1 - rho**2))
    for t in range(1, n + _WARM_UP):
        series[:, t] += rho * series[:, t - 1]
    return series[:, _WARM_UP:]


def season(m: int, n: int, period: int, rng: np.random.Generator) -> Floats:
    """Season alone: each series has its own levels of the phases, as far apart as the noise is wide."""
    return np.tile(rng.standard_normal((m, period)), (1, -(-n // period)))[:, :n]


def rounded(series: Floats, step: float) -> Floats:
    """Round to multiples of ``step``, which makes ties."""
    return np.round(series / step) * step


def wild(series: Floats, size: float, rng: np.random.Generator) -> Floats:
    """Put one value of every series, anywhere, so far up or down."""
    m, n = series.shape
    spoilt = series.copy()
    spoilt[np.arange(m), rng.integers(0, n, m)] += size * rng.choice([-1, 1], m)
    return spoilt


def missing(series: Floats, share: float, rng: np.random.Generator, *, patterns: int = 10) -> Floats:
    """Take this share of the values out of every series, at places that a block of series has in common."""
    gappy = series.copy()
    m, n = series.shape
    for block in np.array_split(np.arange(m), min(patterns, m)):
        gappy[np.ix_(block, rng.choice(n, round(share * n), replace=False))] = np.nan
    return gappy
