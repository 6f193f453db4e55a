"""What the registers say about a partner on the last day of a period: actions, contracts, agreed exceptions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bpo_analysis.review.context import Review

__all__ = ["actions_at", "contract_terms", "exceptions_at"]


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
    table = review.once("actions at the end", _actions_at)
    return None if table is None else table.copy(deep=False)


def _actions_at(review: Review) -> pd.DataFrame | None:
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


def contract_terms(review: Review) -> pd.DataFrame | None:
    """Return contracts in force at the end of the period, with days to their end and to the last day of notice."""
    table = review.once("contract terms", _contract_terms)
    return None if table is None else table.copy(deep=False)


def _contract_terms(review: Review) -> pd.DataFrame | None:
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
