"""Was a target met all the time, or only on average? Days, weeks and parts of the day beside the monthly figure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from bpo_analysis.data import Target
from bpo_analysis.data.extracts.service import SERVICE_KPIS
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.context import Review
from bpo_analysis.review.hours import hour_rows
from bpo_analysis.review.scorecard import (
    CONSISTENCY_WEEKS,
    MIN_CASES_A_DAY,
    Clause,
    clauses,
    distance_beyond,
    longest_run,
    meets,
)
from bpo_analysis.review.targets.history import where_of
from bpo_analysis.review.windows import calendar_weeks
from bpo_analysis.stats import RatioInterval, share_interval

__all__ = ["MetPeriods", "TargetConsistency", "consistency_of"]

_MIN_FOR_INTERVAL = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MetPeriods:
    """Days, weeks or single hours that met a target.

    Attributes
    ----------
    unit : str
        day, week or hour.
    table : DataFrame
        One row for each with cases, oldest first: start, end (days), value, cases, met.
    interval : RatioInterval or None
        Of the share that met it, neighbours being alike; None with fewer than 5 of them.
    longest_miss : int
        Longest run of them in a row that missed it.
    worst : date
    """

    unit: str
    table: pd.DataFrame
    interval: RatioInterval | None
    longest_miss: int
    worst: date

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.table)

    @property
    def met(self) -> int:
        """How many met the target."""
        return int(self.table["met"].sum())

    @property
    def of_cases(self) -> float:
        """Share of the cases that lie in days or weeks which met the target."""
        cases = self.table["cases"]
        return float(cases[self.table["met"]].sum() / cases.sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetConsistency:
    """One target in force, by day, week and hour.

    ``days`` and ``hours`` are those of the period and ``weeks`` its last 13 whole calendar weeks, each None where a
    usual one has fewer than 30 cases: of so few, one more or less decides. Hours are known of service KPIs only, where
    the tables have a time of day.
    """

    clause: Clause
    kpi: Kpi
    target: Target
    days: MetPeriods | None
    weeks: MetPeriods | None
    hours: MetPeriods | None


def consistency_of(review: Review) -> list[TargetConsistency]:
    """Return days and weeks that met each target in force, for targets of which single days or weeks mean something."""
    found = []
    for clause in clauses(review):
        target = clause.row.target
        if target is None or clause.row.measure is None or not _by_day(review, clause.row.kpi):
            continue
        daily = review.daily(target.kpi, where_of(target)).loc[: str(review.period.end)]
        if target.valid_from is not None:
            daily = daily.loc[str(target.valid_from) :]
        # Rows of whole weeks say nothing about a day.
        days = _met(review, target, _days(review, daily), "day") if review.dataset.grain == "day" else None
        weeks = _met(review, target, _weeks(review, daily, target.valid_from), "week")
        if days or weeks:
            hours = _met(review, target, _hours(review, target), "hour")
            found.append(
                TargetConsistency(clause=clause, kpi=clause.row.kpi, target=target, days=days, weeks=weeks, hours=hours)
            )
    return found


def _by_day(review: Review, kpi: Kpi) -> bool:
    return kpi.pooling == "ratio" and kpi.grain == "day" and kpi.group != "people" and review.dataset.grain != "month"


def _days(review: Review, daily: pd.DataFrame) -> pd.DataFrame:
    inside = daily.loc[str(review.period.start) :]
    return inside.assign(start=inside.index, end=inside.index).reset_index(drop=True)


def _weeks(review: Review, daily: pd.DataFrame, since: date | None) -> pd.DataFrame:
    weeks = calendar_weeks(review, daily, CONSISTENCY_WEEKS, since=since)
    return weeks.assign(start=weeks.index, end=weeks.index + timedelta(days=6)).reset_index(drop=True)


def _hours(review: Review, target: Target) -> pd.DataFrame:
    """Single hours of the period's days; none where the tables do not know the time of day."""
    empty = pd.DataFrame({"start": [], "end": [], "numerator": [], "denominator": []})
    if target.kpi not in SERVICE_KPIS:
        return empty
    rows = review.once("rows by the hour", hour_rows)
    if rows is None or f"n_{target.kpi}" not in rows.table:
        return empty
    table = rows.table if target.channel is None else rows.table[rows.table["channel"] == target.channel]
    if target.valid_from is not None:
        table = table[table["date"] >= pd.Timestamp(target.valid_from)]
    names = {f"n_{target.kpi}": "numerator", f"d_{target.kpi}": "denominator"}
    sums = table.rename(columns=names).groupby(["date", "hour"], sort=True)[list(names.values())].sum().reset_index()
    return sums.assign(start=sums["date"], end=sums["date"])


def _met(review: Review, target: Target, sums: pd.DataFrame, unit: str) -> MetPeriods | None:
    sums = sums[sums["denominator"] > 0]
    if sums.empty or sums["denominator"].median() < MIN_CASES_A_DAY:
        return None
    kpi = review.kpis[target.kpi]
    values = kpi.scale * sums["numerator"] / sums["denominator"]
    met = [meets(float(v), target, kpi) for v in values]
    table = pd.DataFrame(
        {
            "start": [day.date() for day in sums["start"]],
            "end": [day.date() for day in sums["end"]],
            "value": values.to_numpy(),
            "cases": sums["denominator"].to_numpy(),
            "met": met,
        }
    )
    enough = len(table) >= _MIN_FOR_INTERVAL
    away = [distance_beyond(float(v), target) for v in values]
    return MetPeriods(
        unit=unit,
        table=table,
        interval=share_interval(
            np.asarray(met, dtype=float), np.ones(len(met)), confidence_level=review.confidence_level
        )
        if enough
        else None,
        longest_miss=longest_run([not m for m in met]),
        worst=table["start"].iloc[int(np.argmax(away))],
    )
