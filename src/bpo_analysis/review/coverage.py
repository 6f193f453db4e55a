"""Which KPI has data in which week: days present of days usual, and why a KPI cannot be computed."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from bpo_analysis.kpis import Kpi
from bpo_analysis.periods import ReportPeriod, parse_period
from bpo_analysis.review.context import Review

__all__ = ["Coverage", "CoverageRow", "coverage_of"]

PERIODS = {"week": 10, "month": 12}
_LOW = 0.5
"""Part of the usual days (or cases) below which a week is short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRow:
    """One KPI: days with rows and what is usual.

    Attributes
    ----------
    days : tuple of int
        Days with rows of each week, oldest first (months: 1 or 0).
    usual : float
        Median days of the weeks that have any.
    cases, usual_cases : tuple of float, float
        The same of the denominator; for totals, of the value.
    state : tuple of str
        "full", "short" (less than half of what is usual) or "none".
    """

    kpi: Kpi
    days: tuple[int, ...]
    usual: float
    cases: tuple[float, ...]
    usual_cases: float
    state: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every week is full."""
        return set(self.state) == {"full"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """KPIs by weeks (or months): those with values, and why the others have none.

    ``monthly`` are KPIs that are given by the month only, in a dataset of days; they are looked at by the month.
    """

    periods: tuple[ReportPeriod, ...]
    unit: str
    rows: tuple[CoverageRow, ...]
    months: tuple[ReportPeriod, ...]
    monthly: tuple[CoverageRow, ...]
    absent: dict[str, str]


def coverage_of(review: Review) -> Coverage:
    """Return days present per KPI and week up to the end of the period.

    Notes
    -----
    What to expect is the KPI's own custom: the median of days (and cases) over the weeks shown that have any. A KPI of
    evaluations on two days a week is complete with two. Weeks that began before the export are left out, for it cannot
    be told what is missing there.
    """
    by_month = review.dataset.grain == "month"
    unit = "month" if by_month else "week"
    names = [name for name in review.kpis if name in review.rows and name not in review.dataset.unavailable]
    own = [name for name in names if by_month or review.kpis[name].grain != "month"]
    slow = [name for name in names if name not in own]
    absent = dict(review.dataset.unavailable) | {
        name: f"{review.name} has no rows for it"
        for name in review.kpis
        if name not in review.rows and name not in review.dataset.unavailable
    }
    periods, months = _periods(review, unit), _periods(review, "month")
    return Coverage(
        periods=periods,
        unit=unit,
        rows=tuple(_row(review, name, periods) for name in own),
        months=months if slow else (),
        monthly=tuple(_row(review, name, months) for name in slow),
        absent=absent,
    )


def _periods(review: Review, unit: str) -> tuple[ReportPeriod, ...]:
    first, _ = review.dataset.span
    day = review.period.end
    year, week, _ = day.isocalendar()
    last = parse_period(f"{day:%Y-%m}" if unit == "month" else f"{year}-W{week:02d}")
    if last.end > day:  # one that the period cuts would look short
        last = last.shifted(-1)
    found = [last.shifted(step) for step in range(1 - PERIODS[unit], 1)]
    return tuple(period for period in found if period.start >= first)


def _row(review: Review, name: str, periods: tuple[ReportPeriod, ...]) -> CoverageRow:
    kpi = review.kpis[name]
    sums = [review.by_day(name).between(p.start, p.end) for p in periods]
    parts = [abs(days.numerator) if kpi.pooling == "total" else days.denominator for days in sums]
    days, cases = [len(part) for part in parts], [float(part.sum()) for part in parts]
    usual, usual_cases = _usual(days), _usual(cases)
    state = [
        "none" if not day else "short" if day < _LOW * usual or case < _LOW * usual_cases else "full"
        for day, case in zip(days, cases, strict=True)
    ]
    return CoverageRow(
        kpi=kpi, days=tuple(days), usual=usual, cases=tuple(cases), usual_cases=usual_cases, state=tuple(state)
    )


def _usual(values: list[int] | list[float]) -> float:
    known = [value for value in values if value > 0]
    return float(median(known)) if known else 0.0
