"""First-contact resolution by length of the window: how far the answer depends on how long one waits for a repeat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.review.context import Review
from bpo_analysis.stats import RatioInterval, autocorrelation_of_days, share_interval

__all__ = ["WindowShare", "repeat_free"]

_DAYS_FOR_AUTOCORRELATION = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowShare:
    """Contacts without a repeat within a window, in the period and before it.

    Attributes
    ----------
    window : int
        Days.
    now, before : RatioInterval or None
        Days as units; contacts younger than the window at the end of the period are left out. None where none is left.
    contacts : int
        Of the period, as far as counted.
    last_day : date
        Last day whose contacts are old enough to be counted.
    """

    window: int
    now: RatioInterval | None
    before: RatioInterval | None
    contacts: int
    last_day: date


def repeat_free(review: Review) -> list[WindowShare] | None:
    """Return the share of contacts without a repeat by window; None where customers are not recorded."""
    table = review.extract("repeat_windows")
    if table is None or table.empty:
        return None
    day = pd.to_datetime(table["date"])
    end = pd.Timestamp(review.period.end)
    table = table.assign(date=day, free=table["contacts"] - table["repeated"])[day <= end]
    found = []
    for window, rows in table.groupby("window", sort=True):
        # What a later day shows of a repeat is not known at the end of the period.
        last_day = end - pd.Timedelta(days=int(str(window)))
        old_enough = rows[rows["date"] <= last_day]
        now = old_enough[old_enough["date"] >= pd.Timestamp(review.period.start)]
        first, last = (pd.Timestamp(d) for d in review.before())
        before = old_enough[old_enough["date"].between(first, last)]
        recent = old_enough.tail(_DAYS_FOR_AUTOCORRELATION)
        neighbours = autocorrelation_of_days(recent["free"], recent["contacts"])
        found.append(
            WindowShare(
                window=int(str(window)),
                now=_share(review, now, neighbours),
                before=_share(review, before, neighbours),
                contacts=int(now["contacts"].sum()),
                last_day=last_day.date(),
            )
        )
    return found


def _share(review: Review, rows: pd.DataFrame, neighbours: float | None) -> RatioInterval | None:
    try:
        return share_interval(
            rows["free"], rows["contacts"], confidence_level=review.confidence_level, autocorrelation=neighbours
        )
    except InsufficientDataError:
        return None
