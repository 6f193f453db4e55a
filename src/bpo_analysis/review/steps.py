"""Trends and dated changes of level that a report lets stand, beside the dated events near them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pandas as pd

from bpo_analysis.formats import plural
from bpo_analysis.review.context import Review
from bpo_analysis.review.drivers import events_between
from bpo_analysis.review.patterns import Pattern
from bpo_analysis.review.plan import PATTERNS, judgement
from bpo_analysis.review.slides import Slide, slide_lengths

__all__ = ["Step", "has_trend", "steps_of"]

EVENT_DAYS = 7
"""How far outside the interval of a date an event may lie and still be named beside it."""
_SHARP_DAYS = 91
_SHARP = {"week": 4, "month": 1}
"""Periods up to which a change counts as one step: about a month."""
_QUARTER = {"week": 13, "month": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change of level that is a finding of the report.

    Attributes
    ----------
    start, first, last : date
        First day of the new level, if it came in one step, and the interval of that day.
    shift : float
        New level less old one: that of the slide where a step is ruled out.
    near : str
        A lasting event near it; empty where the date is not sharp, or where it may have been a slide.
    slide : Slide or None
        How many weeks (months) the change may have taken; None where that cannot be told.
    slide_start, slide_end : date
        Of the likeliest slide; the first day of the new level twice where there is none.
    unit : str
    """

    start: date
    first: date
    last: date
    shift: float
    near: str
    slide: Slide | None
    slide_start: date
    slide_end: date
    unit: str

    @property
    def is_step(self) -> bool:
        """Whether a slide of more than a month is ruled out."""
        return self.slide is not None and self.slide.longest <= _SHARP[self.unit]

    @property
    def may_be_step(self) -> bool:
        """Whether one step explains it, and a slide of more than a quarter of a year does not."""
        return self.slide is None or (
            self.slide.shortest <= _SHARP[self.unit] and self.slide.longest <= _QUARTER[self.unit]
        )

    @property
    def when(self) -> str:
        """The date with its interval, and the slide that the data allow as well."""
        between = f" ({self.day_text(self.first)} to {self.day_text(self.last)})" if self.first != self.last else ""
        date_known = f"about {self.day_text(self.start)}{between}"
        if self.slide is None or self.is_step:
            return date_known
        longest = plural(self.slide.longest, self.unit)
        if self.slide.shortest > _SHARP[self.unit]:
            likely = f"{self.day_text(self.slide_start)} to {self.day_text(self.slide_end)}"
            return f"not in one step but gradually, over {self.slide.shortest} to {longest}, likeliest {likely}"
        return f"{date_known} if in one step; a gradual change over up to {longest} explains it as well"

    def day_text(self, day: date) -> str:
        """A day as printed: months for monthly values."""
        return f"{day:%Y-%m}" if self.unit == "month" else f"{day}"


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
    kept = rows[rows["pvalue"] <= asked].to_dict("records")
    return [_step(review, pattern, kept, place) for place in range(len(kept))]


def _step(review: Review, pattern: Pattern, rows: list[dict[Any, Any]], place: int) -> Step:
    row = rows[place]
    start, first, last = (row[name].date() for name in ("label", "label_low", "label_high"))
    begin = int(rows[place - 1]["position"]) if place else 0
    slide = _slide(review, pattern, rows, place, begin)
    days = pattern.series["start"]
    step = Step(
        start=start, first=first, last=last, near="", unit=pattern.unit, slide=slide,
        shift=slide.shift if slide is not None and slide.shortest > _SHARP[pattern.unit] else float(row["shift"]),
        slide_start=days.iloc[begin + slide.begin] if slide else start,
        slide_end=days.iloc[begin + slide.end] if slide else start,
    )  # fmt: skip
    return replace(step, near=_near(review, pattern, step)) if step.may_be_step else step


def _slide(review: Review, pattern: Pattern, rows: list[dict[Any, Any]], place: int, begin: int) -> Slide | None:
    """Lengths of a slide in the stretch between the change before and the change after."""
    end = int(rows[place + 1]["position"]) if place + 1 < len(rows) else len(pattern.series)
    values = pattern.series["value"].to_numpy(dtype=float)[begin:end]
    beside = pattern.changes.autocorrelation if pattern.changes is not None else 0.0
    return slide_lengths(values, autocorrelation=beside, confidence_level=review.confidence_level)


def _near(review: Review, pattern: Pattern, step: Step) -> str:
    start, first, last = step.start, step.first, step.last
    around = events_between(
        review, first - timedelta(days=EVENT_DAYS), last + timedelta(days=EVENT_DAYS), pattern.kpi.name
    )
    # What is over after a day or two has not to do with a level that lasts.
    around = around[around["lasting"]]
    # Beside a date that is not known to a quarter of a year every event would stand near.
    if around.empty or last - first > timedelta(days=_SHARP_DAYS):
        return ""
    # One that names the KPI says more than one that concerns all.
    own = around[around["kpi"] == pattern.kpi.name]
    chosen = own if len(own) else around
    event = chosen.iloc[(chosen["start"] - pd.Timestamp(start)).abs().argmin()]
    return f"{event['title']} ({event['start']:%Y-%m-%d})"
