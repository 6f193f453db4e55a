"""What the registers say about a partner on the last day of a period: actions, escalations, updates, contracts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.review.context import Review
from bpo_analysis.stats import TimeToEvent, time_to_event

__all__ = [
    "EscalationView",
    "actions_at",
    "contract_terms",
    "escalations_at",
    "exceptions_at",
    "updates_in",
]

_SECONDS_PER_DAY = 86_400


def _at_end(review: Review) -> pd.Timestamp:
    return pd.Timestamp(review.period.end)


def actions_at(review: Review) -> pd.DataFrame | None:
    """Return actions raised by the end of the period and open at it or closed in it, with age and days overdue.

    Returns
    -------
    DataFrame or None
        Columns of the register, and state (open, overdue, done, dropped), age_days, overdue_days; open ones first.
        None without the table.
    """
    actions = review.register("actions")
    if actions is None:
        return None
    end, start = _at_end(review), pd.Timestamp(review.period.start)
    times = {name: pd.to_datetime(actions[name]) for name in ("raised_on", "due_on", "closed_on")}
    # A later closing is not known at the end of the period: the review shows the state of its own day.
    closed = times["closed_on"].notna() & (times["closed_on"] <= end)
    shown = (times["raised_on"] <= end) & (~closed | (times["closed_on"] >= start))
    overdue = ~closed & (times["due_on"] < end)
    dropped = closed & (actions["status"] == "dropped")
    state = np.select([dropped, closed, overdue], ["dropped", "done", "overdue"], default="open")
    table = actions.assign(
        **times,
        state=state,
        age_days=(end - times["raised_on"]).dt.days,
        overdue_days=(end - times["due_on"]).dt.days.where(overdue),
    )[shown]
    order = table["state"].map({"overdue": 0, "open": 1, "done": 2, "dropped": 3})
    return (
        table.assign(_order=order).sort_values(["_order", "due_on", "action_id"], kind="stable").drop(columns="_order")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationView:
    """Escalations at the end of a period: how many, how old, how long they take now and took before."""

    opened: int
    closed: int
    open_now: int
    open_ages_days: pd.Series
    oldest: pd.DataFrame
    now: TimeToEvent | None
    before: TimeToEvent | None


def escalations_at(review: Review) -> EscalationView | None:
    """Summarise escalations; those still open at the end of the period count for as long as they have been open."""
    table = review.register("escalations")
    if table is None or table.empty:
        return None
    end = _at_end(review) + pd.Timedelta(days=1)
    opened = pd.to_datetime(table["opened_at"])
    closed = pd.to_datetime(table["closed_at"])
    known = opened < end
    table = table.assign(opened_at=opened, closed_at=closed.where(closed < end))[known]
    start = pd.Timestamp(review.period.start)
    open_now = table[table["closed_at"].isna()]
    ages = (end - open_now["opened_at"]).dt.total_seconds() / _SECONDS_PER_DAY
    first, _ = review.before()
    in_period = table["opened_at"] >= start
    before = (table["opened_at"] >= pd.Timestamp(first)) & ~in_period
    return EscalationView(
        opened=int(in_period.sum()),
        closed=int((table["closed_at"] >= start).sum()),
        open_now=len(open_now),
        open_ages_days=ages,
        oldest=open_now.assign(age_days=ages).sort_values("age_days", ascending=False, kind="stable"),
        now=_turnaround(table[in_period], end),
        before=_turnaround(table[before], end),
    )


def _turnaround(table: pd.DataFrame, end: pd.Timestamp) -> TimeToEvent | None:
    hours = (table["closed_at"].fillna(end) - table["opened_at"]).dt.total_seconds() / 3600
    due = table["due_hours"].dropna() if "due_hours" in table else pd.Series(dtype=float)
    limit = float(due.iloc[0]) if due.nunique() == 1 else float("nan")
    try:
        return time_to_event(hours, table["closed_at"].notna(), limit=limit)
    except InsufficientDataError:
        return None


def updates_in(review: Review) -> pd.DataFrame | None:
    """Return updates that took effect in the period, with the lead time they were announced with."""
    updates = review.register("updates")
    if updates is None:
        return None
    announced = pd.to_datetime(updates["announced_on"])
    effective = pd.to_datetime(updates["effective_on"]).fillna(announced)
    inside = (effective >= pd.Timestamp(review.period.start)) & (effective <= _at_end(review))
    table = updates.assign(announced_on=announced, effective_on=effective, lead_days=(effective - announced).dt.days)
    return table[inside].sort_values("effective_on", kind="stable")


def contract_terms(review: Review) -> pd.DataFrame | None:
    """Return contracts in force at the end of the period, with days to their end and to the last day of notice."""
    contracts = review.register("contracts")
    if contracts is None:
        return None
    at = _at_end(review)
    start, end = pd.to_datetime(contracts["start"]), pd.to_datetime(contracts["end"])
    notice = pd.to_timedelta(contracts["notice_days_client"].astype(float), unit="D")
    table = contracts.assign(
        start=start,
        end=end,
        review_on=pd.to_datetime(contracts["review_on"]),
        days_to_end=(end - at).dt.days,
        notice_by=end - notice,
        days_to_notice=(end - notice - at).dt.days,
    )
    return table[(start <= at) & (end.isna() | (end >= at))]


def exceptions_at(review: Review) -> pd.DataFrame | None:
    """Return exceptions to the concentration rule valid at the end of the period; past_review marks stale ones."""
    exceptions = review.register("exceptions")
    if exceptions is None:
        return None
    at = _at_end(review)
    valid_from = pd.to_datetime(exceptions["valid_from"])
    review_on = pd.to_datetime(exceptions["review_on"])
    table = exceptions.assign(valid_from=valid_from, review_on=review_on, past_review=review_on < at)
    return table[valid_from.isna() | (valid_from <= at)]
