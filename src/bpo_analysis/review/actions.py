"""What is done about missed targets: the chain from cause to check, how old and how late actions are, carried over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.formats import plural
from bpo_analysis.review.context import Review
from bpo_analysis.review.registers import actions_at
from bpo_analysis.review.scorecard import Clause, clauses
from bpo_analysis.stats import TimeToEvent, time_to_event

__all__ = ["NO_CAUSE", "ActionAges", "Chain", "Link", "action_ages", "carried_over", "chains"]

NO_CAUSE = ("", "not yet known", "not known", "unknown", "open", "tbc", "tbd", "?", "-", "n/a", "none")
"""What stands in the column of root causes where none is known."""
_LINKS = (
    ("root cause", "root_cause"),
    ("action", "action"),
    ("owner", "owner"),
    ("due date", "due_on"),
    ("expected effect", "expected_effect"),
    ("check date", "check_on"),
)
_STATES = ("open", "overdue", "done", "dropped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One link of a chain: its name, what is on record, and what is wrong with it (empty where nothing is)."""

    name: str
    value: object
    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A missed target and the action that answers it.

    Attributes
    ----------
    clause : Clause
    action : mapping or None
        The newest open action on its KPI, else the newest overdue, done or dropped one; None without any.
    links : tuple of Link
        Root cause, action, owner, due date, expected effect, check date.
    others : int
        Further actions on the same KPI.
    """

    clause: Clause
    action: dict[str, Any] | None
    links: tuple[Link, ...]
    others: int

    @property
    def faults(self) -> list[str]:
        """What is missing or late, by the name of the link."""
        return [f"{link.name} {link.fault}" for link in self.links if link.fault]

    @property
    def explained(self) -> bool:
        """Whether every link is there and in time."""
        return not self.faults


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionAges:
    """How long actions take, and how many are late.

    Attributes
    ----------
    open_now, overdue : int
        Actions open at the end of the period, and those of them past their due date.
    carried : int
        Open actions raised before the period.
    closing : TimeToEvent or None
        Days from raising to closing of every action so far, open ones counted for as long as they have been open; None
        with fewer than five.
    """

    open_now: int
    overdue: int
    carried: int
    closing: TimeToEvent | None


def chains(review: Review) -> list[Chain]:
    """Return the chain of every missed target, the clearly missed first."""
    missed = [clause for clause in clauses(review) if clause.row.contract == "missed"]
    missed.sort(key=lambda clause: not clause.row.clearly_missed)
    table = actions_at(review)
    actions = [] if table is None else table.to_dict("records")
    return [_chain(clause, actions) for clause in missed]


def _chain(clause: Clause, actions: Sequence[dict[str, Any]]) -> Chain:
    own = [action for action in actions if action["kpi"] == clause.row.kpi.name]
    own.sort(key=lambda row: pd.Timestamp(row["raised_on"]), reverse=True)
    own.sort(key=lambda row: _STATES.index(row["state"]))
    action = own[0] if own else None
    links = tuple(_link(name, column, action) for name, column in _LINKS)
    return Chain(clause=clause, action=action, links=links, others=max(len(own) - 1, 0))


def _link(name: str, column: str, action: dict[str, Any] | None) -> Link:
    value = None if action is None else action[column]
    if action is None or value is None or pd.isna(value) or str(value).strip() == "":
        return Link(name=name, value=None, fault="missing")
    if column == "root_cause" and str(value).strip().casefold() in NO_CAUSE:
        return Link(name=name, value=value, fault="not known")
    if column == "due_on" and action["state"] == "overdue":
        return Link(name=name, value=value, fault=f"passed {plural(int(action['overdue_days']), 'day')} ago")
    if column == "action" and action["state"] in ("done", "dropped"):
        return Link(name=name, value=value, fault=f"{action['state']}, and the target is missed still")
    return Link(name=name, value=value, fault="")


def action_ages(review: Review) -> ActionAges | None:
    """Return ages and lateness of the partner's actions at the end of the period; None without the table."""
    table = review.register("actions")
    if table is None:
        return None
    end = pd.Timestamp(review.period.end)
    raised = pd.to_datetime(table["raised_on"])
    known = raised <= end
    raised, closed, due = (
        raised[known],
        pd.to_datetime(table["closed_on"])[known],
        pd.to_datetime(table["due_on"])[known],
    )
    done = closed.notna() & (closed <= end)
    days = (closed.where(done, end) - raised).dt.days
    try:
        closing = time_to_event(days, done, confidence_level=review.confidence_level)
    except InsufficientDataError:
        closing = None
    return ActionAges(
        open_now=int((~done).sum()),
        overdue=int((~done & (due < end)).sum()),
        carried=int((~done & (raised < pd.Timestamp(review.period.start))).sum()),
        closing=closing,
    )


def carried_over(review: Review, raised_on: object) -> int:
    """Return how many periods an action has been carried over: the period it was raised in is not counted."""
    raised: date = pd.Timestamp(str(raised_on)).date()
    if raised >= review.period.start:
        return 0
    day = pd.Timestamp(raised)
    if review.period.grain == "day":
        return (review.period.start - raised).days
    if review.period.grain == "week":
        monday = raised - timedelta(days=raised.weekday())
        return (review.period.start - monday).days // 7
    frequency = "M" if review.period.grain == "month" else "Q"
    return int(pd.Period(review.period.start, frequency).ordinal - pd.Period(day, frequency).ordinal)
