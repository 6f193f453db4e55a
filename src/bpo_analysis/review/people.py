"""Who is there, who left, who stays: heads by tenure, attrition both ways, staying by hire cohort, training on time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.periods import PeriodGrain, parse_period
from bpo_analysis.review.context import Measure, Review
from bpo_analysis.stats import (
    RatioInterval,
    TimeToEvent,
    TimeToEventComparison,
    adjust_pvalues,
    compare_time_to_event,
    share_interval,
    time_to_event,
)
from bpo_analysis.stats.time_to_event import MIN_CASES

__all__ = [
    "BANDS",
    "EARLY_DAYS",
    "Attrition",
    "Cohort",
    "Staying",
    "attrition",
    "completion_by_tenure",
    "completion_by_update",
    "spells",
    "staying",
    "tenure_band",
    "tenure_mix",
    "twelve_months_before",
]

BANDS = ("0-30 d", "31-90 d", "91-180 d", "181-365 d", "over 365 d")
"""Tenure in days since hire, as reviews of partners group it."""
_BAND_ENDS = (30, 90, 180, 365)
EARLY_DAYS = 90
"""Who leaves within so many days of hire left early."""
_MOST_COHORTS = 4
_PERIODS = 13


def tenure_band(days: pd.Series) -> pd.Series:
    """Return the tenure band of each number of days."""
    edges = [-np.inf, *_BAND_ENDS, np.inf]
    return pd.Series(pd.cut(days, edges, labels=BANDS), index=days.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attrition:
    """Leavers of a stretch of time over the heads who could leave.

    Attributes
    ----------
    monthly : Measure
        Leavers per average head and month of 30.44 days, with exact Poisson limits.
    times_12 : Measure
        Twelve times that: leavers per head and year, above 100 % where more left than there are seats.
    compounded, compounded_limits : float, tuple of float or None
        ``1 - (1 - monthly) ** 12``: the share of today's heads who would be gone in a year at this rate.
    early : Measure or None
        Leavers within 90 days of hire, over the heads with under 90 days.
    """

    monthly: Measure
    times_12: Measure
    compounded: float
    compounded_limits: tuple[float, float] | None
    early: Measure | None


def attrition(review: Review, start: date | None = None) -> Attrition | None:
    """Compute attrition from ``start`` (by default of the period) to the end of the period; None without a roster."""
    if any(name in review.dataset.unavailable for name in ("attrition_monthly", "attrition_annualised")):
        return None
    monthly = review.measure("attrition_monthly", start=start)
    yearly = review.measure("attrition_annualised", start=start)
    if monthly is None or yearly is None:
        return None
    limits = monthly.limits
    return Attrition(
        monthly=monthly,
        times_12=yearly,
        compounded=_compounded(monthly.value),
        compounded_limits=(_compounded(limits[0]), _compounded(limits[1])) if limits else None,
        early=None
        if "early_attrition" in review.dataset.unavailable
        else review.measure("early_attrition", start=start),
    )


def _compounded(monthly: float) -> float:
    return float(1 - (1 - min(monthly, 1.0)) ** 12)


def spells(review: Review, *, everyone: bool = False) -> pd.DataFrame | None:
    """Stays of agents known by the end of the period, later exits not yet known; None without a roster.

    With ``everyone`` those of all partners.
    """
    table = review.dataset.extract("roster_spells") if everyone else review.extract("roster_spells")
    if table is None or table.empty:
        return None
    end = pd.Timestamp(review.period.end)
    days = {name: pd.to_datetime(table[name]) for name in ("hire_date", "prod_date", "until")}
    known = days["until"] <= end
    days["until"] = days["until"].where(known)
    table = table.assign(**days, left=table["left"] & known)
    return table[table["hire_date"] <= end].reset_index(drop=True)


def tenure_mix(review: Review) -> pd.DataFrame | None:
    """Return heads by tenure band at the end of the last periods, with new hires and leavers of each period.

    Returns
    -------
    DataFrame or None
        One row per period, oldest first: label, end, one column for each of ``BANDS`` (heads), heads, hired, left.
        Periods that begin before the data do not appear. None without a roster.
    """
    table = spells(review)
    if table is None:
        return None
    grain: PeriodGrain = review.period.grain if review.period.grain in ("day", "week") else "month"
    last = parse_period(f"{review.period.end:%Y-%m}") if grain == "month" else review.period
    rows = []
    for step in range(1 - _PERIODS, 1):
        period = last.shifted(step)
        if period.start < review.dataset.span[0]:
            continue
        start, end = pd.Timestamp(period.start), pd.Timestamp(period.end)
        there = table[(table["hire_date"] <= end) & (table["until"].isna() | (table["until"] >= end))]
        bands = tenure_band((end - there["hire_date"]).dt.days).value_counts()
        rows.append(
            {
                "label": period.label,
                "end": period.end,
                **{band: int(bands.get(band, 0)) for band in BANDS},
                "heads": len(there),
                "hired": int(table["hire_date"].between(start, end).sum()),
                "left": int((table["left"] & table["until"].between(start, end)).sum()),
            }
        )
    return pd.DataFrame(rows) if rows else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Agents hired in one month, against others hired since the data begin.

    Attributes
    ----------
    label : str
        The month.
    result : TimeToEvent
        Days from hire to exit; ``share_within`` is the share gone within 90 days.
    comparison : TimeToEventComparison or None
        Against the reference; None where there is none.
    reference : str
        Whom it is compared with: the partner's other hires, or where they are too few those of the other partners.
    adjusted_pvalue : float
        Of the log-rank test, adjusted for the cohorts looked at (Holm); NaN without a comparison.
    """

    label: str
    result: TimeToEvent
    comparison: TimeToEventComparison | None
    reference: str
    adjusted_pvalue: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Staying:
    """How long agents stay, of those hired since the data begin.

    Attributes
    ----------
    everyone : TimeToEvent
    cohorts : tuple of Cohort
        Hire months with at least five hires, newest first, at most four.
    first_hire : Timestamp
    older : int
        Agents hired before: of their colleagues who had already left nobody knows, so that they cannot be counted.
    """

    everyone: TimeToEvent
    cohorts: tuple[Cohort, ...]
    first_hire: pd.Timestamp
    older: int


def staying(review: Review) -> Staying | None:
    """Estimate how long agents stay, by hire cohort; None without a roster or with fewer than five hires."""
    table = spells(review)
    if table is None:
        return None
    first = pd.Timestamp(review.dataset.span[0])
    seen = _hired_since(table, first, review)
    level = review.confidence_level
    try:
        everyone = time_to_event(seen["days"], seen["left"], limit=EARLY_DAYS, confidence_level=level)
    except InsufficientDataError:
        return None
    sizes = seen["month"].value_counts()
    months = sorted(sizes[sizes >= MIN_CASES].index, reverse=True)[:_MOST_COHORTS]
    compared = [(month, *_against(review, seen, month)) for month in months]
    pvalues = [c.pvalue if c is not None else float("nan") for _, c, _ in compared]
    adjusted = adjust_pvalues(pvalues, method="holm") if pvalues else []
    cohorts = []
    for (month, comparison, reference), pvalue in zip(compared, adjusted, strict=True):
        own = seen[seen["month"] == month]
        result = time_to_event(own["days"], own["left"], limit=EARLY_DAYS, confidence_level=level)
        cohorts.append(
            Cohort(
                label=str(month),
                result=result,
                comparison=comparison,
                reference=reference,
                adjusted_pvalue=float(pvalue),
            )
        )
    return Staying(everyone=everyone, cohorts=tuple(cohorts), first_hire=first, older=len(table) - len(seen))


def _hired_since(table: pd.DataFrame, first: pd.Timestamp, review: Review) -> pd.DataFrame:
    """Agents hired since the data begin, with days seen and month of hire."""
    seen = table[table["hire_date"] >= first]
    days = (seen["until"].fillna(pd.Timestamp(review.period.end)) - seen["hire_date"]).dt.days
    return seen.assign(days=days, month=seen["hire_date"].dt.strftime("%Y-%m")).reset_index(drop=True)


def _against(review: Review, seen: pd.DataFrame, month: str) -> tuple[TimeToEventComparison | None, str]:
    """Compare a hire month with the partner's other hires, or where they are too few with those of other partners."""
    own, others = seen[seen["month"] == month], seen[seen["month"] != month]
    reference = "the other hires"
    if len(others) < MIN_CASES and review.shows_others:
        everyone = spells(review, everyone=True)
        if everyone is not None:
            elsewhere = everyone[everyone["partner_id"] != review.partner_id]
            others = _hired_since(elsewhere, pd.Timestamp(review.dataset.span[0]), review)
            reference = "the hires of all other partners"
    if len(others) < MIN_CASES:
        return None, ""
    both = pd.concat([own, others])
    comparison = compare_time_to_event(
        both["days"],
        both["left"],
        [month] * len(own) + ["others"] * len(others),
        limit=EARLY_DAYS,
        confidence_level=review.confidence_level,
    )
    return comparison, reference


def completion_by_update(review: Review) -> list[Measure]:
    """Training completed on time by update, of trainings due in the period, least complete first."""
    if "training_completion" in review.dataset.unavailable:
        return []
    names = review.slices("training_completion", "category")
    found = [review.measure("training_completion", where={"category": name}) for name in names]
    return sorted((m for m in found if m is not None), key=lambda m: (m.value, m.where["category"]))


def completion_by_tenure(review: Review) -> dict[str, RatioInterval]:
    """Training completed on time by tenure at the due date, of trainings due in the period; agents are the units."""
    table = review.extract("trainings")
    if table is None:
        return {}
    due = pd.to_datetime(table["due_on"])
    start, end = pd.Timestamp(review.period.start), pd.Timestamp(review.period.end)
    table = table.assign(due=due, trained=pd.to_datetime(table["trained_on"]), hired=pd.to_datetime(table["hire_date"]))
    table = table[due.between(start, end) & table["hired"].notna()]
    if table.empty:
        return {}
    table = table.assign(
        band=tenure_band((table["due"] - table["hired"]).dt.days), done=table["trained"] <= table["due"]
    )
    found = {}
    for band in BANDS:
        by_agent = table[table["band"] == band].groupby("agent")["done"].agg(["sum", "size"])
        if len(by_agent):
            found[band] = share_interval(
                by_agent["sum"], by_agent["size"], confidence_level=review.confidence_level, autocorrelation=0.0
            )
    return found


def twelve_months_before(review: Review) -> date:
    """First day of the twelve months to the end of the period, or of the data where they begin later."""
    year_ago: date = (pd.Timestamp(review.period.end) - pd.DateOffset(years=1) + timedelta(days=1)).date()
    return max(year_ago, review.dataset.span[0])
