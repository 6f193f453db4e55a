"""Stretches of weeks that a forum looks at: the week, the two weeks of a results meeting, and what came before.

A week is everywhere a calendar week, Monday to Sunday, and the last one is the last whole one of the period: so a week
has the same value on every page that prints it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from bpo_analysis.periods import ReportPeriod, period_of
from bpo_analysis.review.context import Review

__all__ = [
    "BASELINE_WEEKS",
    "WEEK_CONVENTION",
    "Window",
    "calendar_weeks",
    "last_week",
    "weeks_of_history",
    "weeks_up_to",
]

BASELINE_WEEKS = 8
"""Weeks from which control limits can be learnt; with fewer a baseline is still forming."""

WEEK_CONVENTION = "Weeks are calendar weeks, Monday to Sunday, up to the last whole one of the period."
"""Printed where single weeks are judged or named."""


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
    inside = daily.loc[str(first) : str(last.end)]
    return inside.groupby(inside.index.to_period("W-SUN").start_time).sum()


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
