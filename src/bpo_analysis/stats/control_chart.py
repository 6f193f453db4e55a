"""Has the process changed, or is this its ordinary variation? The XmR (individuals) chart."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log2

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.result import Result

__all__ = ["MIN_POINTS", "ControlChart", "control_chart"]

MIN_POINTS = 8
_MOST_ON_MEDIAN = 0.25
_MEAN_RANGE_TO_SIGMA = 1.128
"""Expected moving range of two normal values, in standard deviations (Montgomery, factor d2 for n = 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlChart(Result):
    """An individuals chart.

    Attributes
    ----------
    center, lower, upper : float
        Mean and natural process limits.
    middle : float
        What runs are counted around: the median, or the mean where many values lie on the median.
    sigma : float
        From the mean moving range.
    outside : tuple of int
        Positions of points outside the limits.
    longest_run : int
        Longest run of points on one side of the middle.
    run_limit : int
        Longest run expected of a stable process at this n (Anhoej): a longer one is a signal.
    run : tuple of int
        Positions of the longest run, if it is a signal; otherwise empty.
    table : DataFrame
        Columns value, outside, in_run; one row per point, gaps included.
    n, n_missing : int
    method : str
    """

    center: float
    lower: float
    upper: float
    middle: float
    sigma: float
    outside: tuple[int, ...]
    longest_run: int
    run_limit: int
    run: tuple[int, ...]
    table: pd.DataFrame
    n: int
    n_missing: int
    method: str

    @property
    def has_signal(self) -> bool:
        """Whether any rule speaks."""
        return bool(self.outside or self.run)

    def summary(self) -> str:
        """Return what the chart says in one or two sentences."""
        parts = []
        if self.outside:
            parts.append(f"{len(self.outside)} of {self.n} points outside the limits")
        if self.run:
            parts.append(
                f"a run of {self.longest_run} points on one side of the middle (at most {self.run_limit} expected)"
            )
        found = " and ".join(parts) or f"no signal in {self.n} points"
        limits = f"mean {self.center:.4g}, limits {self.lower:.4g} to {self.upper:.4g}"
        return f"{found[0].upper()}{found[1:]} ({limits}; {self.method})."


def control_chart(values: ArrayLike, *, lower_bound: float = -np.inf, upper_bound: float = np.inf) -> ControlChart:
    """Individuals chart with three-sigma limits from the moving range and one runs rule.

    Parameters
    ----------
    values : array_like, shape (n,)
        One value per period, in order of time; NaN marks a gap, which stays in place.
    lower_bound, upper_bound : float
        Range the values can take; limits do not go beyond it.

    Returns
    -------
    ControlChart

    Raises
    ------
    InsufficientDataError
        With fewer than eight values.

    Notes
    -----
    Two rules only: a point outside the limits, and a run longer than ``log2(n) + 3`` [1]_. More rules find more that
    is not there. Neighbouring values that resemble each other make the limits too narrow: with an autocorrelation of
    0.3, about one stable chart of 24 points in four shows a signal. The direction of improvement plays no part.

    References
    ----------
    .. [1] Anhoej, J. & Olesen, A. V. (2014). Run charts revisited. PLoS ONE 9(11): e113825.

    Examples
    --------
    >>> chart = control_chart([49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1])
    >>> round(chart.center, 2), round(chart.lower, 4), round(chart.upper, 4)
    (50.81, 45.8159, 55.8041)
    """
    series = np.asarray(values, dtype=float)
    if series.ndim != 1:
        raise ValueError(f"values must be 1-D, got shape {series.shape}.")
    present = np.isfinite(series)
    n = int(present.sum())
    if n < MIN_POINTS:
        raise InsufficientDataError("control_chart", needed=MIN_POINTS, got=n, unit="points")
    ranges = np.abs(np.diff(series))
    if np.isfinite(ranges).sum() < MIN_POINTS // 2:
        got = int(np.isfinite(ranges).sum())
        raise InsufficientDataError(
            "control_chart", needed=MIN_POINTS // 2, got=got, unit="pairs of neighbouring points"
        )
    center = float(series[present].mean())
    sigma = (
        float(ranges[np.isfinite(ranges)].mean()) / _MEAN_RANGE_TO_SIGMA if np.isfinite(ranges).any() else float("nan")
    )
    lower, upper = max(center - 3 * sigma, lower_bound), min(center + 3 * sigma, upper_bound)
    outside = np.flatnonzero(present & ((series < lower) | (series > upper)))
    middle = _middle(series[present])
    run = _longest_run(series, middle)
    limit = floor(log2(n) + 3)
    signal = run if len(run) > limit else np.empty(0, dtype=np.intp)
    index = np.arange(len(series))
    table = pd.DataFrame({"value": series, "outside": np.isin(index, outside), "in_run": np.isin(index, signal)})
    return ControlChart(
        center=center,
        lower=lower,
        upper=upper,
        middle=middle,
        sigma=sigma,
        outside=tuple(map(int, outside)),
        longest_run=len(run),
        run_limit=limit,
        run=tuple(map(int, signal)),
        table=table,
        n=n,
        n_missing=int((~present).sum()),
        method="XmR limits from the mean moving range; longest run by Anhoej",
    )


def _middle(values: NDArray[np.float64]) -> float:
    """Median, as the runs rule wants it; the mean where so many values lie on the median that few would be left."""
    median = float(np.median(values))
    return float(values.mean()) if (values == median).mean() > _MOST_ON_MEDIAN else median


def _longest_run(series: NDArray[np.float64], center: float) -> NDArray[np.intp]:
    """Positions of the longest run on one side; gaps and values on the centre neither extend nor end it."""
    useful = np.flatnonzero(np.isfinite(series) & (series != center))
    if not len(useful):
        return useful
    sides = series[useful] > center
    starts = np.flatnonzero(np.r_[True, sides[1:] != sides[:-1]])
    runs = np.split(useful, starts[1:])
    # Of two longest runs the later one says more about now.
    return max(reversed(runs), key=len)
