"""How long does it take, when some cases are still open?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.result import Result

__all__ = ["TimeToEvent", "time_to_event"]

MIN_CASES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToEvent(Result):
    """Time until an event, open cases counted for as long as they have been seen.

    Attributes
    ----------
    median, p90 : float
        NaN where the curve does not come down so far: too many cases are still open.
    share_within : float
        Share of cases done within ``limit``; NaN without a limit.
    limit : float
    n, n_open : int
    table : DataFrame
        Columns time and open_share: the Kaplan-Meier curve.
    method : str
    """

    median: float
    p90: float
    share_within: float
    limit: float
    n: int
    n_open: int
    table: pd.DataFrame
    method: str

    def summary(self) -> str:
        """Return the median and how many cases are open."""
        median = f"{self.median:.4g}" if np.isfinite(self.median) else "not reached"
        return f"Median {median} (n = {self.n}, of them {self.n_open} open; {self.method})."


def time_to_event(durations: ArrayLike, observed: ArrayLike, *, limit: float = float("nan")) -> TimeToEvent:
    """Kaplan-Meier estimate of the time to an event.

    Parameters
    ----------
    durations : array_like, shape (n,)
        Time to the event, or the time a case has been open.
    observed : array_like of bool, shape (n,)
        False where the case is still open.
    limit : float, optional
        Time within which a case should be done.

    Returns
    -------
    TimeToEvent

    Raises
    ------
    InsufficientDataError
        With fewer than five cases.

    Notes
    -----
    A mean over closed cases looks better the more hard cases stay open; this does not. ``scipy.stats.ecdf`` computes
    the curve.

    Examples
    --------
    >>> result = time_to_event([2, 4, 4, 7, 9, 12], [True, True, True, True, False, False], limit=5)
    >>> result.median, result.share_within, result.n_open
    (4.0, 0.5, 2)
    """
    times, done = np.asarray(durations, dtype=float), np.asarray(observed, dtype=bool)
    present = np.isfinite(times)
    times, done = times[present], done[present]
    if len(times) < MIN_CASES:
        raise InsufficientDataError("time_to_event", needed=MIN_CASES, got=len(times), unit="cases")
    if not done.any():
        curve = pd.DataFrame({"time": np.unique(times), "open_share": 1.0})
    else:
        survival = stats.ecdf(stats.CensoredData(uncensored=times[done], right=times[~done])).sf
        curve = pd.DataFrame({"time": survival.quantiles, "open_share": survival.probabilities})
    return TimeToEvent(
        median=_quantile(curve, 0.5),
        p90=_quantile(curve, 0.9),
        limit=limit,
        n=len(times),
        n_open=int((~done).sum()),
        table=curve,
        share_within=float("nan") if np.isnan(limit) else 1 - _open_share(curve, limit),
        method="Kaplan-Meier, open cases censored",
    )


def _quantile(curve: pd.DataFrame, share: float) -> float:
    reached = curve.loc[curve["open_share"] <= 1 - share + 1e-12, "time"]
    return float(reached.iloc[0]) if len(reached) else float("nan")


def _open_share(curve: pd.DataFrame, time: float) -> float:
    earlier = curve.loc[curve["time"] <= time, "open_share"]
    return float(earlier.iloc[-1]) if len(earlier) else 1.0
