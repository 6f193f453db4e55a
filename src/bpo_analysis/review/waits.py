"""How long customers waited: the whole distribution, not its mean alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bpo_analysis.review.context import Review
from bpo_analysis.review.day_shares import share_over_days
from bpo_analysis.stats import RatioInterval

__all__ = ["LIMITS_S", "QUANTILES", "WaitDistribution", "WaitQuantile", "wait_distributions"]

LIMITS_S = (10, 20, 30, 60, 120, 300)
QUANTILES = (0.5, 0.9, 0.95)
_FEW = 10
"""Fewer waits than these have no distribution worth a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitQuantile:
    """The wait that a share of the answered did not exceed, in seconds, with its limits."""

    share: float
    seconds: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitDistribution:
    """Waits of the contacts answered on one channel.

    Attributes
    ----------
    channel : str
        Empty: all channels together.
    n : int
        Contacts answered with a known wait.
    within : dict of int to RatioInterval
        Share answered within so many seconds.
    quantiles : tuple of WaitQuantile
        Exact to the second up to a minute, to 5 s up to five minutes, then to 30 s and 5 min.
    longest_s : float
    """

    channel: str
    n: int
    within: dict[int, RatioInterval]
    quantiles: tuple[WaitQuantile, ...]
    longest_s: float


def wait_distributions(review: Review) -> list[WaitDistribution] | None:
    """Return the waits of the answered in the period by channel, most contacts first, then of all channels together.

    Returns
    -------
    list of WaitDistribution or None
        None where the dataset has no waits of single contacts; channels with fewer than ten are left out.
    """
    rows = review.extract("waits")
    if rows is None:
        return None
    rows = rows[~rows["abandoned"]].assign(date=lambda t: pd.to_datetime(t["date"]))
    inside = rows[rows["date"].between(pd.Timestamp(review.period.start), pd.Timestamp(review.period.end))]
    channels = [str(name) for name in inside.groupby("channel")["n"].sum().sort_values(ascending=False).index]
    found = [_distribution(review, rows[rows["channel"] == name], name) for name in channels]
    if len(channels) != 1:
        found.append(_distribution(review, rows, ""))
    return [distribution for distribution in found if distribution is not None]


def _distribution(review: Review, rows: pd.DataFrame, channel: str) -> WaitDistribution | None:
    start, end = review.period.start, review.period.end
    inside = rows[rows["date"].between(pd.Timestamp(start), pd.Timestamp(end))]
    n = int(inside["n"].sum())
    if n < _FEW:
        return None
    within = {limit: share for limit in LIMITS_S if (share := _within(review, rows, limit)) is not None}
    counts = inside.groupby("upto_s")["n"].sum().sort_index()
    quantiles = tuple(found for share in QUANTILES if (found := _quantile(review, rows, counts, share)) is not None)
    return WaitDistribution(channel=channel, n=n, within=within, quantiles=quantiles, longest_s=float(counts.index[-1]))


def _within(review: Review, rows: pd.DataFrame, seconds: float) -> RatioInterval | None:
    days = pd.DataFrame(
        {
            "numerator": rows["n"].where(rows["upto_s"] <= seconds, 0).groupby(rows["date"]).sum(),
            "denominator": rows.groupby("date")["n"].sum(),
        }
    ).sort_index()
    return share_over_days(days, review.period.start, review.period.end, review.confidence_level)


def _quantile(review: Review, rows: pd.DataFrame, counts: pd.Series, share: float) -> WaitQuantile | None:
    """Turn the limits of the share that lies at the quantile into limits of the quantile (Woodruff 1952)."""
    reached = counts.cumsum() / counts.sum()

    def at(part: float) -> float:
        place = int(np.searchsorted(reached.to_numpy(), part - 1e-12))
        return float(counts.index[min(place, len(counts) - 1)])

    seconds = at(share)
    there = _within(review, rows, seconds)
    if there is None:
        return None
    low, high = share - (there.estimate - there.ci_low), share + (there.ci_high - there.estimate)
    return WaitQuantile(share=share, seconds=seconds, low=at(max(low, 0.0)), high=at(min(high, 1.0)))
