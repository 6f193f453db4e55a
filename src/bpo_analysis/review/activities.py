"""What is planned together: launches, moves and transitions with their milestones, and whether they are in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import pandas as pd

from bpo_analysis.review.context import Review

__all__ = ["Activity", "activities"]

_DAYS_BACK, _DAYS_AHEAD = 92, 184
ActivityState = Literal["done", "late", "at risk", "delayed", "on track", "planned", "dropped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One activity.

    ``state`` is the register's own word, but "late" where it has ended without being done and the register does not
    say so. ``days_late`` counts from its last day to the day it was done, or to the end of the period.
    """

    title: str
    kind: str
    start: date
    end: date
    owner: str
    side: str
    state: ActivityState
    done_on: date | None
    days_late: int


def activities(review: Review) -> list[Activity] | None:
    """Return activities that touch the quarter before or the half year after the period's end; None without a table.

    Returns
    -------
    list of Activity or None
        Transitions and milestones first, each in order of time.
    """
    rows = review.register("activities")
    if rows is None:
        return None
    found = [_activity(review, row) for row in rows.to_dict("records")]
    first, last = review.period.end - timedelta(days=_DAYS_BACK), review.period.end + timedelta(days=_DAYS_AHEAD)
    near = [a for a in found if a.end >= first and a.start <= last]
    unfinished = [a for a in found if a.state in ("late", "delayed", "at risk") and a not in near]
    return sorted([*unfinished, *near], key=lambda a: (a.kind not in ("transition", "milestone"), a.start, a.title))


def _activity(review: Review, row: dict[str, object]) -> Activity:
    today = review.period.end
    start = pd.Timestamp(str(row["start"])).date()
    end = start if pd.isna(row["end"]) else pd.Timestamp(str(row["end"])).date()
    done = None if pd.isna(row["done_on"]) else pd.Timestamp(str(row["done_on"])).date()
    # What was done later is not known at the end of the period.
    done = done if done is not None and done <= today else None
    word = "" if pd.isna(row["status"]) else str(row["status"])
    return Activity(
        title=str(row["title"]),
        kind="other" if pd.isna(row["kind"]) else str(row["kind"]),
        start=start,
        end=end,
        owner="" if pd.isna(row["owner"]) else str(row["owner"]),
        side="" if pd.isna(row["owner_side"]) else str(row["owner_side"]),
        state=_state(word, end, done, today),
        done_on=done,
        days_late=0 if word == "dropped" else max(((done or today) - end).days, 0),
    )


def _state(word: str, end: date, done: date | None, today: date) -> ActivityState:
    if word == "dropped":
        return "dropped"
    if done is not None:
        return "done"
    if word == "delayed":
        return "delayed"
    if end < today:
        return "late"
    states: dict[str, ActivityState] = {"at_risk": "at risk", "on_track": "on track"}
    return states.get(word, "planned")
