"""Does the work get better by itself? Improvements by origin and quarter, and what they did to quality and cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.action_effects import ActionEffect, action_effects, side_effect
from bpo_analysis.review.context import Review
from bpo_analysis.review.headline import headline_names
from bpo_analysis.stats import BeforeAfterResult, RatioInterval, TimeToEvent, event_rate_interval, time_to_event

__all__ = ["ImprovementEffect", "Improvements", "improvement_effects", "improvements"]

_QUARTERS = 6
_ORIGINS = ("partner", "client")


@dataclass(frozen=True, slots=True, kw_only=True)
class Improvements:
    """All improvements on record up to the end of the period.

    Attributes
    ----------
    table : DataFrame
        Rows of the register, the newest first.
    quarters : DataFrame
        One row per quarter, oldest first, at most six: label, partner, client (proposed by), approved, done, total
        (proposed up to its end).
    rate : RatioInterval
        Proposed by the partner a quarter over these quarters, with exact Poisson limits.
    cycle : TimeToEvent or None
        Days from proposal to closing, open ones counted for as long as they have been open; None with fewer than five.
    """

    table: pd.DataFrame
    quarters: pd.DataFrame
    rate: RatioInterval
    cycle: TimeToEvent | None

    def count(self, **where: str) -> int:
        """How many rows have these values."""
        rows = self.table
        for column, value in where.items():
            rows = rows[rows[column] == value]
        return len(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImprovementEffect:
    """A closed improvement: its own KPI, and the other side of the balance (cost for quality, quality for cost).

    ``other`` is the change of ``other_kpi`` at its closing; None where there is none, with ``why``.
    """

    effect: ActionEffect
    other_kpi: Kpi | None
    other: BeforeAfterResult | None
    why: str


def improvements(review: Review) -> Improvements | None:
    """Return the improvements of the partner up to the end of the period; None without the table, or without any."""
    rows = review.register("actions")
    if rows is None:
        return None
    end = pd.Timestamp(review.period.end)
    times = {name: pd.to_datetime(rows[name]) for name in ("raised_on", "approved_on", "due_on", "closed_on")}
    rows = rows.assign(**times)
    table = rows[(rows["type"] == "improvement") & (rows["raised_on"] <= end)]
    if table.empty:
        return None
    # What was approved or closed later is not known at the end of the period.
    for name in ("approved_on", "closed_on"):
        table = table.assign(**{name: table[name].where(table[name] <= end)})
    quarters = _quarters(review, table)
    return Improvements(
        table=table.sort_values(["raised_on", "action_id"], ascending=False, kind="stable"),
        quarters=quarters,
        rate=event_rate_interval(quarters["partner"], [1.0] * len(quarters), confidence_level=review.confidence_level),
        cycle=_cycle(review, table, end),
    )


def _quarters(review: Review, table: pd.DataFrame) -> pd.DataFrame:
    last = pd.Period(review.period.end, freq="Q")
    covered = pd.Period(review.dataset.span[0], freq="Q")
    rows = []
    for quarter in pd.period_range(max(last - (_QUARTERS - 1), covered), last):
        begin, end = quarter.start_time, quarter.end_time
        proposed = table[table["raised_on"].between(begin, end)]
        rows.append(
            {
                "label": f"{quarter.year}-Q{quarter.quarter}",
                "start": begin.date(),
                "end": min(end.date(), review.period.end),
                **{origin: int((proposed["proposed_by"] == origin).sum()) for origin in _ORIGINS},
                "approved": int(table["approved_on"].between(begin, end).sum()),
                "done": int((table["closed_on"].between(begin, end) & (table["status"] != "dropped")).sum()),
                "total": int((table["raised_on"] <= end).sum()),
            }
        )
    return pd.DataFrame(rows)


def _cycle(review: Review, table: pd.DataFrame, end: pd.Timestamp) -> TimeToEvent | None:
    done = table["closed_on"].notna()
    days = (table["closed_on"].fillna(end) - table["raised_on"]).dt.days
    try:
        return time_to_event(days, done, confidence_level=review.confidence_level)
    except InsufficientDataError:
        return None


def improvement_effects(review: Review) -> list[ImprovementEffect]:
    """Return what closed improvements did, on their own KPI and on the other side of quality and cost."""
    return [_both_sides(review, e) for e in action_effects(review) if e.action["type"] == "improvement"]


def _both_sides(review: Review, effect: ActionEffect) -> ImprovementEffect:
    if effect.kpi is None:
        return ImprovementEffect(effect=effect, other_kpi=None, other=None, why=effect.why)
    other = _other_side(review, effect.kpi)
    if other is None:
        return ImprovementEffect(effect=effect, other_kpi=None, other=None, why="no KPI of the other side is there")
    result, why = side_effect(review, other, _closing(effect.action))
    return ImprovementEffect(effect=effect, other_kpi=other, other=result, why=why)


def _other_side(review: Review, kpi: Kpi) -> Kpi | None:
    """Cost beside a KPI of quality; the first quality KPI of the first screen beside one of cost."""
    if kpi.group != "cost":
        cost = review.kpis["cost_per_contact"]
        return None if cost.name in review.dataset.unavailable else cost
    names = headline_names(review)
    return next((review.kpis[n] for group in ("quality", "satisfaction") for n in names.get(group, ())), None)


def _closing(action: dict[str, Any]) -> Any:
    return pd.Timestamp(action["closed_on"]).date()
