"""Stretches of weeks that a forum looks at: the week, the two weeks of a results meeting, and what came before.

A week is everywhere a calendar week, Monday to Sunday, and the last one is the last whole one of the period: so a week
has the same value on every page that prints it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

import numpy as np
import pandas as pd

from bpo_analysis.periods import ReportPeriod, period_of
from bpo_analysis.review.context import Review

__all__ = [
    "BASELINE_WEEKS",
    "WEEK_CONVENTION",
    "Window",
    "calendar_weeks",
    "last_week",
    "summed",
    "weeks_of_history",
    "weeks_up_to",
]

BASELINE_WEEKS = 8
"""Weeks from which control limits can be learnt; with fewer a baseline is still forming."""

WEEK_CONVENTION = "Weeks are calendar weeks, Monday to Sunday, up to the last whole one of the period."
"""Printed where single weeks are judged or named."""


_EPOCH_WEEKDAY: Final = date(1970, 1, 1).weekday()


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Some whole weeks and the weeks before them, both ends included.

    Attributes
    ----------
    weeks, weeks_before : int
    start, end, before_start, before_end : date
    """

    weeks: int
    weeks_before: int
    start: date
    end: date
    before_start: date
    before_end: date

    @property
    def title(self) -> str:
        """The weeks in words."""
        return f"{self.start} to {self.end}"

    @property
    def before_title(self) -> str:
        """The weeks before in words."""
        return f"the {_COUNTS.get(self.weeks_before, str(self.weeks_before))} weeks before"


_COUNTS = {3: "three", 6: "six", 12: "twelve"}


def last_week(review: Review) -> ReportPeriod:
    """Return the last whole week that does not go beyond the review's period: of a week, the week itself."""
    week = period_of(review.period.end, "week")
    return week if week.end <= review.period.end else week.shifted(-1)


def calendar_weeks(review: Review, daily: pd.DataFrame, weeks: int, *, since: date | None = None) -> pd.DataFrame:
    """Sum days by calendar week, the last whole ones of the review's period.

    Parameters
    ----------
    review : Review
    daily : DataFrame
        As :meth:`Review.daily`.
    weeks : int
        How many at most.
    since : date, optional
        Weeks that begin before it are left out: of a week that a target cuts, only a part was under it.

    Returns
    -------
    DataFrame
        Columns of ``daily``; index the Mondays, oldest first; weeks without rows are absent.
    """
    last = last_week(review)
    first = last.shifted(1 - weeks).start
    if since is not None:
        first = max(first, since + timedelta(days=-since.weekday() % 7))
    return summed(daily.loc[pd.Timestamp(first) : pd.Timestamp(last.end)], "week")


def summed(daily: pd.DataFrame, unit: Literal["week", "month"]) -> pd.DataFrame:
    """Sum days by calendar week or month.

    Parameters
    ----------
    daily : DataFrame
        Indexed by day, in order of time.
    unit : {"week", "month"}

    Returns
    -------
    DataFrame
        Columns of ``daily``; index the first days, oldest first; periods without rows are absent, and a column that has
        no value in one is missing there.
    """
    days = daily.index.to_numpy().astype("datetime64[D]")
    since_monday = (days.astype(np.int64) + _EPOCH_WEEKDAY) % 7
    begins = days - since_monday if unit == "week" else days.astype("datetime64[M]").astype("datetime64[D]")
    first = np.flatnonzero(np.r_[True, begins[1:] != begins[:-1]]) if len(days) else np.array([], dtype=np.intp)
    index = pd.DatetimeIndex(begins[first], name=daily.index.name).as_unit("s")
    values = daily.to_numpy(dtype=float)
    known = np.isfinite(values)
    if len(days):
        values = np.add.reduceat(np.where(known, values, 0.0), first)
        known = np.logical_or.reduceat(known, first)
    return pd.DataFrame(np.where(known, values, np.nan), index=index, columns=daily.columns)


def weeks_up_to(review: Review, weeks: int, before: int) -> Window:
    """Return the last whole weeks of the review's period, and the weeks before them.

    Parameters
    ----------
    weeks, before : int
        How many: 1 and 12 for a weekly summary, 2 and 6 for a results meeting.
    """
    last = last_week(review)
    start = last.shifted(1 - weeks).start
    return Window(
        weeks=weeks,
        weeks_before=before,
        start=start,
        end=last.end,
        before_start=last.shifted(1 - weeks - before).start,
        before_end=start - timedelta(days=1),
    )


def weeks_of_history(review: Review) -> int:
    """Return in how many weeks, up to the end of the period, the partner had contacts."""
    days = review.daily("offered").loc[: str(review.period.end)].index
    return len({day.isocalendar()[:2] for day in days})
