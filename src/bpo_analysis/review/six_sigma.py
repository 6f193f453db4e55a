"""Quality in the words of Six Sigma: defects, yield, sigma level, p and u charts, capability against targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from bpo_analysis.data import Target, target_for
from bpo_analysis.errors import DataError, InsufficientDataError
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.context import Review
from bpo_analysis.review.patterns import usual_series
from bpo_analysis.stats import Capability, ControlChart, DefectRate, capability, control_chart
from bpo_analysis.stats.capability import MIN_VALUES

__all__ = ["CapabilityLine", "DefectChart", "Defects", "capability_lines", "defect_charts", "defects"]

PERIODS = {"week": 26, "month": 24}


@dataclass(frozen=True, slots=True, kw_only=True)
class Defects:
    """Defects of the period: per rated item, and per evaluation."""

    per_item: DefectRate
    per_evaluation: DefectRate


@dataclass(frozen=True, slots=True, kw_only=True)
class DefectChart:
    """A p or u chart of defects by week (month, where the data are monthly).

    ``chart`` is None with too few periods; ``shortage`` then says what is needed.
    """

    kind: Literal["p", "u"]
    series: pd.DataFrame
    unit: str
    chart: ControlChart | None
    shortage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityLine:
    """Single months of a KPI against its agreed target, for by months a contract is judged and settled.

    With fewer than ten months single weeks are taken, a description alone: a week varies more than a month, so that
    more of them lie beyond the target.

    Attributes
    ----------
    unit : str
        month, or week for want of months.
    months : int
        How many months there are.
    result : Capability or None
        None where it cannot be told; ``reason`` then says why.
    """

    kpi: Kpi
    target: Target
    unit: str
    months: int
    result: Capability | None
    reason: str


def defects(review: Review) -> Defects | None:
    """Return defects and yields of the period, with the days as units; None without evaluations."""
    days = _evaluations(review)
    if days is None:
        return None
    days = days.loc[pd.Timestamp(review.period.start) :]
    if days.empty:
        return None
    level = review.confidence_level
    return Defects(
        per_item=capability(defects=days["failed"], units=days["rated"], opportunities=1, confidence_level=level),
        per_evaluation=capability(
            defects=days["failed"], units=days["evaluations"], defective=days["defective"], confidence_level=level
        ),
    )


def defect_charts(review: Review) -> list[DefectChart]:
    """Return the p chart (items failed of items rated) and the u chart (failed items per evaluation)."""
    days = _evaluations(review)
    if days is None:
        return []
    unit: Literal["week", "month"] = "month" if review.dataset.grain == "month" else "week"
    rule = "MS" if unit == "month" else "W-MON"
    sums = days.resample(rule, label="left", closed="left").sum().tail(PERIODS[unit])
    return [
        _chart("p", sums["failed"], sums["rated"], unit),
        _chart("u", sums["failed"], sums["evaluations"], unit),
    ]


def capability_lines(review: Review) -> list[CapabilityLine]:
    """Return the capability of every KPI with an agreed one-sided target in force."""
    found = []
    for name in dict.fromkeys(target.kpi for target in review.targets):
        if name not in review.kpis or name in review.dataset.unavailable or not review.has(name):
            continue
        kpi = review.kpis[name]
        target = target_for(review.targets, name, review.partner_id, review.period.end)
        if target is None or target.op not in (">=", "<=") or kpi.pooling == "total":
            continue
        found.append(_capability(review, kpi, target))
    return found


def _evaluations(review: Review) -> pd.DataFrame | None:
    """Sums per day up to the end of the period."""
    rows = review.extract("evaluations_by_agent")
    if rows is None or rows.empty:
        return None
    names = ["evaluations", "rated", "failed", "defective"]
    days = rows.assign(date=pd.to_datetime(rows["date"])).groupby("date")[names].sum()
    return days.loc[: pd.Timestamp(review.period.end)]


def _chart(kind: Literal["p", "u"], events: pd.Series, sizes: pd.Series, unit: str) -> DefectChart:
    series = pd.DataFrame({"events": events, "size": sizes, "value": events / sizes.where(sizes > 0)})
    try:
        chart = control_chart(series["value"], sizes=series["size"], kind=kind)
    except InsufficientDataError as error:
        return DefectChart(
            kind=kind, series=series, unit=unit, chart=None,
            shortage=f"it needs {error.needed} {unit}s with evaluations, there are {error.got}",
        )  # fmt: skip
    return DefectChart(kind=kind, series=series, unit=unit, chart=chart, shortage="")


def _capability(review: Review, kpi: Kpi, target: Target) -> CapabilityLine:
    series, unit, _ = usual_series(review, kpi.name, "month")
    months = int(series["value"].tail(PERIODS["month"]).notna().sum())
    # Leavers of a single week mean little, whatever the number of months.
    daily = review.dataset.grain != "month" and kpi.grain == "day"
    if months < MIN_VALUES and daily and kpi.group != "people":
        series, unit, _ = usual_series(review, kpi.name)
    values = series["value"].tail(PERIODS[unit])
    lower, upper = (target.value, None) if target.op == ">=" else (None, target.value)
    try:
        result = capability(values, lower_spec=lower, upper_spec=upper, confidence_level=review.confidence_level)
    except InsufficientDataError as error:
        needed = f"{unit}s" if error.unit == "values" else error.unit
        reason = f"needs {error.needed} {needed}, there are {error.got}"
        return CapabilityLine(kpi=kpi, target=target, unit=unit, months=months, result=None, reason=reason)
    except DataError:
        reason = "its values do not vary"
        return CapabilityLine(kpi=kpi, target=target, unit=unit, months=months, result=None, reason=reason)
    return CapabilityLine(kpi=kpi, target=target, unit=unit, months=months, result=result, reason="")
