"""Do the two sides meet, deliver, and know whom to turn to?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.context import Review
from bpo_analysis.stats import RatioInterval, TimeToEvent, share_interval, time_to_event

__all__ = [
    "Contact",
    "Deliverables",
    "Forum",
    "Meeting",
    "Requests",
    "contact_for",
    "contacts",
    "deliverables",
    "forums",
    "requests",
]

_MEETINGS_BACK = 365
_DELIVERABLES_BACK = 365
MeetingState = Literal["held", "moved", "not held", "not on record"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """One planned meeting: held on its day, moved, or not held."""

    planned: date
    held: date | None

    @property
    def state(self) -> MeetingState:
        """held, moved or not held."""
        if self.held is None:
            return "not held"
        return "held" if self.held == self.planned else "moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forum:
    """One forum over the twelve months to the end of the period.

    Attributes
    ----------
    meetings : tuple of Meeting
        Oldest first.
    interval : RatioInterval
        Of the share held.
    attended : mapping of str to int
        Meetings held at which a name or role is on record.
    """

    name: str
    meetings: tuple[Meeting, ...]
    interval: RatioInterval
    attended: Counter[str]

    @property
    def held(self) -> int:
        """How many took place, on their day or another."""
        return sum(meeting.held is not None for meeting in self.meetings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom to turn to."""

    side: str
    name: str
    role: str
    forum: str
    topic: str
    severity: str
    level: str
    reached_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliverables:
    """What was due in the twelve months to the end of the period, by side.

    Attributes
    ----------
    table : DataFrame
        One row per title and side: title, owner_side, standard, due, on_time, delivered, accepted.
    late : DataFrame
        Not delivered at the end of the period and past the date, the longest first: title, owner_side, due_on, days.
    """

    table: pd.DataFrame
    late: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What the partner asked of the client in the twelve months to the end of the period."""

    asked: int
    open_now: int
    answering: TimeToEvent | None


def forums(review: Review) -> list[Forum] | None:
    """Return the forums planned in the twelve months to the end of the period; None without the table."""
    rows = review.register("meetings")
    if rows is None:
        return None
    end = pd.Timestamp(review.period.end)
    planned = pd.to_datetime(rows["planned_on"])
    rows = rows.assign(planned_on=planned, held_on=pd.to_datetime(rows["held_on"]))
    rows = rows[planned.between(end - timedelta(days=_MEETINGS_BACK - 1), end)].sort_values("planned_on", kind="stable")
    # One held later is not known to be held at the end of the period.
    rows["held_on"] = rows["held_on"].where(rows["held_on"] <= end)
    return [_forum(review, str(name), part) for name, part in rows.groupby("forum", sort=True)]


def _forum(review: Review, name: str, rows: pd.DataFrame) -> Forum:
    meetings = tuple(
        Meeting(planned=planned.date(), held=None if pd.isna(held) else held.date())
        for planned, held in zip(rows["planned_on"], rows["held_on"], strict=True)
    )
    held = rows["held_on"].notna().astype(float)
    attended: Counter[str] = Counter()
    for names in rows.loc[rows["held_on"].notna(), "attendees"].dropna():
        attended.update({part.strip() for part in str(names).split(";") if part.strip()})
    return Forum(
        name=name,
        meetings=meetings,
        interval=share_interval([held.sum()], [float(len(held))], confidence_level=review.confidence_level),
        attended=attended,
    )


def contacts(review: Review) -> list[Contact] | None:
    """Return whom to turn to for this partner, highest level first on each side; None without the table."""
    rows = review.register("contacts")
    if rows is None:
        return None
    names = ("side", "name", "role", "forum", "topic", "severity", "level", "reached_by")
    found = [Contact(**{name: _text(row[name]) for name in names}) for row in rows.to_dict("records")]
    return sorted(found, key=lambda c: (c.side != "partner", _descending(c.level), c.name))


def _descending(level: str) -> tuple[int, str]:
    return (-int(level), "") if level.isdigit() else (1, level)


def contact_for(review: Review, kpi: Kpi | None = None, *, side: str = "partner", severity: str = "") -> Contact | None:
    """Return whom to turn to about a KPI or a severity; None where nobody is named.

    The one whose topic is the KPI comes first, then one for the severity, then one for any matter at the account level;
    a contact for another topic or severity is never returned.
    """
    own = [c for c in contacts(review) or [] if c.side == side]
    topics = {kpi.name.casefold(), kpi.label.casefold(), kpi.group.casefold()} if kpi else set()
    for fits in (
        [c for c in own if c.topic.casefold() in topics],
        [c for c in own if severity and c.severity.casefold() == severity.casefold() and not c.topic],
        [c for c in own if not c.topic and not c.severity and c.forum == "account"],
        [c for c in own if not c.topic and not c.severity],
    ):
        if fits:
            return fits[0]
    return None


def deliverables(review: Review) -> Deliverables | None:
    """Return what each side was to deliver; None without the table."""
    rows = review.register("deliverables")
    if rows is None:
        return None
    end = pd.Timestamp(review.period.end)
    times = {name: pd.to_datetime(rows[name]) for name in ("due_on", "delivered_on", "accepted_on")}
    for name in ("delivered_on", "accepted_on"):
        times[name] = times[name].where(times[name] <= end)
    rows = rows.assign(**times)
    rows = rows[rows["due_on"].between(end - timedelta(days=_DELIVERABLES_BACK - 1), end)]
    rows = rows.assign(
        on_time=rows["delivered_on"] <= rows["due_on"],
        delivered=rows["delivered_on"].notna(),
        accepted=rows["accepted_on"].notna(),
        owner_side=rows["owner_side"].fillna("not named"),
        standard=rows["quality_standard"].fillna(""),
    )
    table = rows.groupby(["owner_side", "title"], sort=True).agg(
        standard=("standard", "last"),
        due=("title", "size"),
        on_time=("on_time", "sum"),
        delivered=("delivered", "sum"),
        accepted=("accepted", "sum"),
    )
    late = rows[~rows["delivered"]]
    late = late.assign(days=(end - late["due_on"]).dt.days).sort_values("due_on", kind="stable")
    return Deliverables(table=table.reset_index(), late=late[["title", "owner_side", "due_on", "days"]])


def requests(review: Review) -> Requests | None:
    """Return how quickly the client answers the partner; None without the table or without a request."""
    rows = review.register("partner_requests")
    if rows is None:
        return None
    end = pd.Timestamp(review.period.end) + timedelta(days=1)
    asked = pd.to_datetime(rows["asked_on"])
    inside = (asked < end) & (asked >= end - timedelta(days=_MEETINGS_BACK))
    if not inside.any():
        return None
    answered = pd.to_datetime(rows["answered_on"])
    answered = answered.where(answered < end)[inside]
    hours = (answered.fillna(end) - asked[inside]).dt.total_seconds() / 3600
    try:
        answering = time_to_event(hours, answered.notna(), confidence_level=review.confidence_level)
    except InsufficientDataError:
        answering = None
    return Requests(asked=int(inside.sum()), open_now=int(answered.isna().sum()), answering=answering)


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value).strip()
