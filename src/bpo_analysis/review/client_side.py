"""The client's own side: what its systems and answers cost the partner in days and hours."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.review.context import Review
from bpo_analysis.review.drivers import events_between
from bpo_analysis.stats import TimeToEvent, time_to_event

__all__ = ["Answers", "Outages", "answers", "outages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outages:
    """Outages of the client's systems that touch the period.

    Attributes
    ----------
    table : DataFrame
        start, end (inside the period), days, title, contacts (offered on these days; NaN where unknown).
    days : int
        Days of the period with an outage; two on one day count once.
    contacts : float
        Contacts offered on these days.
    share : float
        Of all contacts offered in the period.
    """

    table: pd.DataFrame
    days: int
    contacts: float
    share: float


def outages(review: Review) -> Outages | None:
    """Return the client's outages of the period with the contacts of their days; None without table events."""
    if review.register("events") is None:
        return None
    start, end = pd.Timestamp(review.period.start), pd.Timestamp(review.period.end)
    events = events_between(review, review.period.start, review.period.end)
    events = events[(events["kind"] == "outage") & (events["owner_side"] == "client")]
    offered = review.daily("offered")["numerator"].loc[start:end]
    rows, hit = [], pd.DatetimeIndex([])
    for event in events.to_dict("records"):
        first, last = max(event["start"], start), min(event["end"], end)
        days = pd.date_range(first, last)
        hit = hit.union(days)
        rows.append(
            {
                "start": first,
                "end": last,
                "days": len(days),
                "title": event["title"],
                "contacts": float(offered.loc[first:last].sum()) if len(offered) else float("nan"),
            }
        )
    contacts = float(offered[offered.index.isin(hit)].sum())
    total = float(offered.sum())
    return Outages(
        table=pd.DataFrame(rows, columns=["start", "end", "days", "title", "contacts"]),
        days=len(hit),
        contacts=contacts,
        share=contacts / total if total else float("nan"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the partner asked of the client, and how long the answer took; open requests counted.

    Attributes
    ----------
    asked, answered, open_now, overdue : int
        Of requests made in the period, and open at its end whenever they were made.
    hours : TimeToEvent or None
        Hours to the answer, of requests since the stretch before; None with fewer than five.
    in_due : TimeToEvent or None
        ``share_within`` of answer time over the agreed time, at 1; a request that is not due yet is neither.
    by_kind : DataFrame
        kind, asked, open, median_hours (of the answered, NaN without).
    """

    asked: int
    answered: int
    open_now: int
    overdue: int
    hours: TimeToEvent | None
    in_due: TimeToEvent | None
    by_kind: pd.DataFrame


def answers(review: Review) -> Answers | None:
    """Return the client's answer times to requests since the stretch before; None without requests."""
    table = review.register("partner_requests")
    if table is None:
        return None
    end = pd.Timestamp(review.period.end) + pd.Timedelta(days=1)
    asked, answered = pd.to_datetime(table["asked_on"]), pd.to_datetime(table["answered_on"])
    answered = answered.where(answered < end)
    hours = (answered.fillna(end) - asked).dt.total_seconds() / 3600
    table = table.assign(asked_on=asked, done=answered.notna(), hours=hours)[asked < end]
    if table.empty:
        return None
    recent = table[table["asked_on"] >= pd.Timestamp(review.before()[0])]
    now = table["asked_on"] >= pd.Timestamp(review.period.start)
    still = table[~table["done"]]
    due = recent[recent["due_hours"] > 0]
    kinds = recent.assign(kind=recent["kind"].fillna("not given"))
    by_kind = kinds.groupby("kind").agg(asked=("done", "size"), open=("done", lambda done: int((~done).sum())))
    medians = kinds[kinds["done"]].groupby("kind")["hours"].median()
    return Answers(
        asked=int(now.sum()),
        answered=int((now & table["done"]).sum()),
        open_now=len(still),
        overdue=int((still["hours"] > still["due_hours"]).sum()),
        hours=_curve(review, recent["hours"], recent["done"]),
        in_due=_curve(review, due["hours"] / due["due_hours"], due["done"], limit=1.0),
        by_kind=by_kind.assign(median_hours=medians.reindex(by_kind.index)).reset_index(),
    )


def _curve(review: Review, hours: pd.Series, done: pd.Series, limit: float = float("nan")) -> TimeToEvent | None:
    try:
        return time_to_event(hours, done, limit=limit, confidence_level=review.confidence_level)
    except InsufficientDataError:
        return None
