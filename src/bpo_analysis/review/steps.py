"""Trends and dated changes of level that a report lets stand, beside the dated events near them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from bpo_analysis.review.context import Review
from bpo_analysis.review.drivers import events_between
from bpo_analysis.review.patterns import Pattern
from bpo_analysis.review.plan import PATTERNS, judgement

__all__ = ["Step", "has_trend", "steps_of"]

EVENT_DAYS = 7
"""How far outside the interval of a date an event may lie and still be named beside it."""
_SHARP_DAYS = 91


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change of level that is a finding of the report: size, first week or month, interval of it, event near it."""

    start: date
    first: date
    last: date
    shift: float
    near: str


def has_trend(review: Review, pattern: Pattern) -> bool:
    """Whether a steady trend is a finding of the report and describes the values better than steps do."""
    return judgement(review).found(PATTERNS, pattern.trend_label) and not pattern.steps_fit_better


def steps_of(review: Review, pattern: Pattern) -> list[Step]:
    """Return changes of level that the plan lets stand, in order of time; none where a trend fits better."""
    judged = judgement(review)
    if pattern.changes is None or pattern.drifts or not judged.found(PATTERNS, pattern.change_label):
        return []
    if not pattern.steps_fit_better and judged.found(PATTERNS, pattern.trend_label):
        return []
    # Later changes are tested only because the first was found; each must reach the level the first had to reach.
    asked = judged.threshold(PATTERNS, pattern.change_label)
    rows = pattern.changes.table
    return [_step(review, pattern, row) for row in rows[rows["pvalue"] <= asked].to_dict("records")]


def _step(review: Review, pattern: Pattern, row: dict[Any, Any]) -> Step:
    start, first, last = (row[name].date() for name in ("label", "label_low", "label_high"))
    around = events_between(
        review, first - timedelta(days=EVENT_DAYS), last + timedelta(days=EVENT_DAYS), pattern.kpi.name
    )
    text = ""
    # Beside a date that is not known to a quarter of a year every event would stand near.
    if len(around) and last - first <= timedelta(days=_SHARP_DAYS):
        # One that names the KPI says more than one that concerns all.
        own = around[around["kpi"] == pattern.kpi.name]
        chosen = own if len(own) else around
        event = chosen.iloc[(chosen["start"] - pd.Timestamp(start)).abs().argmin()]
        text = f"{event['title']} ({event['start']:%Y-%m-%d})"
    return Step(start=start, first=first, last=last, shift=float(row["shift"]), near=text)
