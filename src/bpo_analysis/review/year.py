"""Twelve months at a glance: every KPI against the same time a year before, and the targets that come next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bpo_analysis.data import Target
from bpo_analysis.kpis import Kpi
from bpo_analysis.periods import ReportPeriod
from bpo_analysis.review.context import Measure, Review
from bpo_analysis.review.scorecard import clauses, scorecard
from bpo_analysis.stats import difference_of_ratios

__all__ = ["YearOnYear", "coming_targets", "year_ago", "years_on_year"]


@dataclass(frozen=True, slots=True, kw_only=True)
class YearOnYear:
    """A KPI of the period against the same period a year before: the same season, the same holidays.

    Attributes
    ----------
    before : Measure or None
        None without data of that time.
    change : float or None
    limits : (float, float) or None
        Of the change, at a level that holds for all lines together (Bonferroni); None for amounts that are counted.
    """

    kpi: Kpi
    now: Measure
    before: Measure | None
    change: float | None
    limits: tuple[float, float] | None

    @property
    def is_clear(self) -> bool:
        """Whether there is a change, judged for all lines together."""
        return self.limits is not None and self.limits[0] * self.limits[1] > 0


def year_ago(period: ReportPeriod) -> ReportPeriod:
    """Return the same period a year before: 52 weeks for days and weeks, so that weekdays fit."""
    steps = {"day": 364, "week": 52, "month": 12, "quarter": 4}
    return period.shifted(-steps[period.grain])


def years_on_year(review: Review) -> list[YearOnYear]:
    """Compare every headline KPI and every KPI with a target with the same period a year before."""
    names = [row.kpi.name for row in scorecard(review)]
    names += [clause.row.kpi.name for clause in clauses(review) if not clause.scope]
    names = [name for name in dict.fromkeys(names) if name not in review.dataset.unavailable and review.has(name)]
    return [found for name in names if (found := _year_on_year(review, name, len(names))) is not None]


def _year_on_year(review: Review, name: str, lines: int) -> YearOnYear | None:
    now, before = review.measure(name), review.measure(name, period=year_ago(review.period))
    if now is None:
        return None
    if before is None:
        return YearOnYear(kpi=now.kpi, now=now, before=None, change=None, limits=None)
    limits = None
    if now.interval is not None and before.interval is not None:
        found = difference_of_ratios(now.interval, before.interval).at(1 - (1 - review.confidence_level) / lines)
        limits = (found.ci_low * now.kpi.scale, found.ci_high * now.kpi.scale)
    return YearOnYear(kpi=now.kpi, now=now, before=before, change=now.value - before.value, limits=limits)


def coming_targets(review: Review) -> list[Target]:
    """Return targets of the partner that are proposed, begin after the period, or fall due after it; soonest first."""
    end = review.period.end
    mine = [t for t in review.targets if t.partner_id in (None, review.partner_id)]
    coming = [
        t
        for t in mine
        if (t.valid_to is None or t.valid_to > end)
        and (
            t.status == "proposed"
            or (t.valid_from is not None and t.valid_from > end)
            or (t.due_date is not None and t.due_date > end)
        )
    ]
    last = end + timedelta(days=36_500)
    return sorted(coming, key=lambda t: (t.due_date or t.valid_from or last, t.kpi))
