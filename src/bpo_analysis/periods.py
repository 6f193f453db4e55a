"""Calendar periods: ``2026-03``, ``2026-W12``, ``2026-Q1`` or ``2026-03-14``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

__all__ = ["DataGrain", "PeriodGrain", "ReportPeriod", "last_complete", "parse_period", "period_of"]

PeriodGrain = Literal["day", "week", "month", "quarter"]
DataGrain = Literal["day", "week", "month"]
"""Finest period that the rows of a dataset stand for."""
_PATTERNS: tuple[tuple[PeriodGrain, str], ...] = (
    ("day", r"\d{4}-\d{2}-\d{2}"),
    ("week", r"\d{4}-W\d{2}"),
    ("quarter", r"\d{4}-Q[1-4]"),
    ("month", r"\d{4}-\d{2}"),
)


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """A period with its first and last day, both included.

    Examples
    --------
    >>> march = parse_period("2026-03")
    >>> march.title, march.days, march.shifted(-3).label
    ('March 2026', 31, '2025-12')
    """

    label: str
    grain: PeriodGrain
    start: date
    end: date

    @property
    def days(self) -> int:
        """Number of days in the period."""
        return (self.end - self.start).days + 1

    @property
    def title(self) -> str:
        """The period in words."""
        if self.grain == "month":
            return f"{self.start:%B %Y}"
        if self.grain == "quarter":
            return f"Quarter {self.label[-1]} of {self.start.year}"
        if self.grain == "week":
            return f"week {self.label[-2:]} of {self.label[:4]} (from {self.start.day} {self.start:%B})"
        return f"{self.start.day} {self.start:%B %Y}"

    @property
    def when(self) -> str:
        """The period with its preposition, as a sentence needs it."""
        return f"{'on' if self.grain == 'day' else 'in'} {self.title}"

    def shifted(self, steps: int) -> ReportPeriod:
        """Return the period ``steps`` later (earlier if negative) of the same grain."""
        if self.grain == "day":
            return parse_period(str(self.start + timedelta(days=steps)))
        if self.grain == "week":
            return _week(self.start + timedelta(weeks=steps))
        return _calendar(self.start.year, self.start.month - 1 + steps * _MONTHS[self.grain], self.grain)


_MONTHS = {"month": 1, "quarter": 3}
_MONTHS_OF_A_YEAR = 12


def parse_period(text: str) -> ReportPeriod:
    """Read a period.

    Raises
    ------
    ValueError
        If the text is none of the four forms or no such date exists.
    """
    text = text.strip()
    for grain, pattern in _PATTERNS:
        if re.fullmatch(pattern, text):
            try:
                return _parsed(text, grain)
            except ValueError:
                break
    raise ValueError(
        f"period {text!r} is not a period. "
        "Write a month (2026-03), week (2026-W12), quarter (2026-Q1) or day (2026-03-14)."
    )


def _parsed(text: str, grain: PeriodGrain) -> ReportPeriod:
    if grain == "week":
        return _week(date.fromisocalendar(int(text[:4]), int(text[6:]), 1))
    if grain == "day":
        day = date.fromisoformat(text)
        return ReportPeriod(text, "day", day, day)
    month = int(text[5:]) if grain == "month" else 3 * int(text[6:]) - 2
    if not 1 <= month <= _MONTHS_OF_A_YEAR:
        raise ValueError(text)
    return _calendar(int(text[:4]), month - 1, grain)


def _week(day: date) -> ReportPeriod:
    year, week, weekday = day.isocalendar()
    monday = day - timedelta(days=weekday - 1)
    return ReportPeriod(f"{year}-W{week:02d}", "week", monday, monday + timedelta(days=6))


def _calendar(year: int, months: int, grain: PeriodGrain) -> ReportPeriod:
    """Return the month or quarter that lies ``months`` months after the January of a year."""
    length = _MONTHS[grain]
    first = _MONTHS_OF_A_YEAR * year + months
    first -= first % length
    start = _first_of(first)
    label = f"{start.year}-Q{start.month // length + 1}" if grain == "quarter" else f"{start.year}-{start.month:02d}"
    return ReportPeriod(label, grain, start, _first_of(first + length) - timedelta(days=1))


def _first_of(months: int) -> date:
    return date(months // _MONTHS_OF_A_YEAR, months % _MONTHS_OF_A_YEAR + 1, 1)


def period_of(day: date, grain: PeriodGrain) -> ReportPeriod:
    """Return the day, ISO week, month or quarter that a day lies in.

    Examples
    --------
    >>> [period_of(date(2026, 3, 14), grain).label for grain in ("day", "week", "month", "quarter")]
    ['2026-03-14', '2026-W11', '2026-03', '2026-Q1']
    """
    if grain == "day":
        return parse_period(str(day))
    return _week(day) if grain == "week" else _calendar(day.year, day.month - 1, grain)


def last_complete(first: date, last: date, grain: PeriodGrain = "month") -> ReportPeriod:
    """Return the last day, week, month or quarter that lies wholly in the days from ``first`` to ``last``.

    Where there is none, that of the last day: an incomplete month is better named than refused, and the report says
    how many of its days have data.

    Examples
    --------
    >>> last_complete(date(2026, 1, 1), date(2026, 4, 5)).label
    '2026-03'
    >>> last_complete(date(2026, 1, 1), date(2026, 4, 4), "week").label
    '2026-W13'
    """
    period = period_of(last, grain)
    if last < period.end and period.shifted(-1).start >= first:
        return period.shifted(-1)
    return period
