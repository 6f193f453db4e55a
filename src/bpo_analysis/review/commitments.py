"""Did both sides keep what they promised? Actions, deliverables, answers and notice, each side by the same measure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from bpo_analysis.review.context import Review
from bpo_analysis.stats import RatioInterval, share_interval

__all__ = ["SIDES", "Kept", "OwedAction", "kept_by_side", "owed"]

SIDES = ("partner", "client")
_DAYS_BACK = 365
"""A month has too few promises to judge a side by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How many promises of one kind one side kept in time, over the twelve months to the end of the period.

    Attributes
    ----------
    side : str
        partner or client.
    what : str
    on_time, due : int
        Those that fell due; one still open past its date was not kept.
    interval : RatioInterval
        Of the share kept, promises taken for independent of each other.
    """

    side: str
    what: str
    on_time: int
    due: int
    interval: RatioInterval


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedAction:
    """A commitment or action that is open at the end of the period.

    ``owners`` are several where both sides own it.
    """

    action: str
    owners: tuple[str, ...]
    side: str
    due: date | None
    overdue_days: int | None

    @property
    def joint(self) -> bool:
        """Whether both sides own it."""
        return self.side == "both" or len(self.owners) > 1


def kept_by_side(review: Review) -> list[Kept]:
    """Return what each side promised and kept; kinds whose table is missing are left out."""
    first = pd.Timestamp(review.period.end) - timedelta(days=_DAYS_BACK - 1)
    found = []
    for what, table in (("actions", _actions(review)), ("deliverables", _deliverables(review))):
        for side in SIDES:
            own = None if table is None else table[table["owner_side"].isin([side, "both"])]
            found += _kept(review, side, what, own, first)
    found += _kept(review, "client", "answers to the partner's requests", _requests(review), first)
    found += _kept(review, "client", "agreed notice of updates", _updates(review), first)
    return found


def _kept(review: Review, side: str, what: str, table: pd.DataFrame | None, first: pd.Timestamp) -> list[Kept]:
    if table is None:
        return []
    end = pd.Timestamp(review.period.end) + timedelta(days=1)
    due = table[(table["due"] >= first) & (table["due"] < end)]
    if due.empty:
        return []
    kept = (due["done"] <= due["due"]) & (due["done"] < end)
    interval = share_interval([float(kept.sum())], [float(len(due))], confidence_level=review.confidence_level)
    return [Kept(side=side, what=what, on_time=int(kept.sum()), due=len(due), interval=interval)]


def _actions(review: Review) -> pd.DataFrame | None:
    rows = review.register("actions")
    if rows is None:
        return None
    # Dropped by agreement is neither kept nor broken.
    rows = rows[(rows["status"] != "dropped") & rows["due_on"].notna()]
    return rows.assign(due=pd.to_datetime(rows["due_on"]), done=pd.to_datetime(rows["closed_on"]))


def _deliverables(review: Review) -> pd.DataFrame | None:
    rows = review.register("deliverables")
    if rows is None:
        return None
    return rows.assign(due=pd.to_datetime(rows["due_on"]), done=pd.to_datetime(rows["delivered_on"]))


def _requests(review: Review) -> pd.DataFrame | None:
    rows = review.register("partner_requests")
    if rows is None:
        return None
    asked = pd.to_datetime(rows["asked_on"])
    due = asked + pd.to_timedelta(rows["due_hours"].astype(float), unit="h")
    return rows.assign(due=due, done=pd.to_datetime(rows["answered_on"]))[due.notna()]


def _updates(review: Review) -> pd.DataFrame | None:
    """Updates of the client's own: in time is announced so many days ahead as agreed."""
    rows = review.register("updates")
    if rows is None:
        return None
    rows = rows[rows["source"].isin(["client"]) & rows["agreed_lead_days"].notna()]
    effective = pd.to_datetime(rows["effective_on"]).fillna(pd.to_datetime(rows["announced_on"]))
    lead = pd.to_timedelta(rows["agreed_lead_days"].astype(float), unit="D")
    return rows.assign(due=effective - lead, done=pd.to_datetime(rows["announced_on"]))


def owed(review: Review) -> list[OwedAction] | None:
    """Return actions open at the end of the period, with their owners, the most overdue first; None without a table."""
    rows = review.register("actions")
    if rows is None:
        return None
    end = pd.Timestamp(review.period.end)
    closed, raised = pd.to_datetime(rows["closed_on"]), pd.to_datetime(rows["raised_on"])
    rows = rows[(raised <= end) & ~(closed <= end) & ~(closed.isna() & (rows["status"] == "dropped"))]
    found = [_owed(row, end) for row in rows.to_dict("records")]
    return sorted(found, key=lambda one: (one.due or date.max, one.action))


def _owed(row: dict[str, object], end: pd.Timestamp) -> OwedAction:
    due = None if pd.isna(row["due_on"]) else pd.Timestamp(str(row["due_on"])).date()
    late = None if due is None or pd.Timestamp(due) >= end else (end.date() - due).days
    owner = "" if pd.isna(row["owner"]) else str(row["owner"])
    owners = tuple(name.strip() for name in owner.split(";") if name.strip())
    side = "" if pd.isna(row["owner_side"]) else str(row["owner_side"])
    return OwedAction(action=str(row["action"]), owners=owners, side=side, due=due, overdue_days=late)
