"""Extracts of risk and money: who can still do what, how newcomers come up to speed, what was billed line by line.

Summed by partner and day, week in production or month: small for any size of data, and without an agent's name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir

from bpo_analysis.data.expressions import holds
from bpo_analysis.data.extracts.extract import Extract, Material, added

__all__ = ["ACTIVE_DAYS", "ALL", "LAST_WEEK", "RISK_EXTRACTS", "agent_days", "agent_handling"]

ACTIVE_DAYS = 30
"""An agent counts as active on a slice for this many days from a contact on."""
LAST_WEEK = 26
"""Weeks of production from which agents count as experienced; later weeks are added up in it."""
ALL = "all"
"""Dimension, and its only value, of contacts of every kind together."""
_SLICES = ("channel", "product", "reason", "shift", "queue", "language")


def _answered(material: Material) -> ir.Table:
    contacts = material.sources.tables["interactions"]
    return contacts.filter(~holds(contacts.abandoned) & contacts.agent_id.notnull() & contacts.partner_id.notnull())


def agent_days(material: Material) -> ir.Table:
    """Count contacts by agent, day and slice; the slice is missing where the contact does not know it."""
    contacts = _answered(material)
    parts = []
    for dimension in (ALL, *(name for name in _SLICES if material.sources.has("interactions", name))):
        keys = {
            "partner_id": contacts.partner_id, "agent_id": contacts.agent_id, "dimension": ibis.literal(dimension),
            "value": ibis.literal(ALL) if dimension == ALL else contacts[dimension],
            "date": contacts.created_at.date(),
        }  # fmt: skip
        parts.append(contacts.group_by(**keys).aggregate(handled=contacts.count()))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _capability(material: Material) -> ir.Table:
    """Count contacts per slice and day, and by how much the number of agents active in the last thirty days changes.

    An agent is active from a day with a contact until thirty days later, or until the next such day. Added up from the
    first day, the changes are the agents active at the end of any day. A day that stands in two parts ends and begins
    at once, which changes nothing.
    """
    days = material.summed(agent_days)
    days = days.filter(days.value.notnull())
    by = ["partner_id", "dimension", "value"]
    following: Any = days.date.lead().over(group_by=[*by, "agent_id"], order_by="date")
    days = days.mutate(until=days.date + ibis.interval(days=ACTIVE_DAYS), next=following)
    begins = days.select(*by, "date", "handled", change=ibis.literal(1))
    ends = days.select(
        *by, date=ibis.least(ibis.coalesce(days.next, days.until), days.until),
        handled=ibis.literal(0).cast("int64"), change=ibis.literal(-1),
    )  # fmt: skip
    moves = ibis.union(begins, ends)
    return moves.group_by(*by, "date").aggregate(handled=moves.handled.sum(), change=moves.change.sum())


def agent_handling(material: Material) -> ir.Table:
    """Add up contacts with a talk time, and their handling time, by agent and day."""
    contacts = _answered(material)
    rows = contacts.filter(contacts.talk_s.notnull())
    seconds = rows.talk_s + rows.hold_s.fill_null(0) + rows.acw_s.fill_null(0)
    return rows.group_by("partner_id", "agent_id", date=rows.created_at.date()).aggregate(
        contacts=rows.count(), seconds=seconds.sum()
    )


def _tenure_handling(material: Material) -> ir.Table:
    """Sum handling time and contacts by month and by week since the agent's first day of live contacts."""
    roster = material.sources.tables["roster"]
    first = roster.group_by("agent_id").aggregate(prod_date=roster.prod_date.min())
    rows = material.summed(agent_handling).inner_join(first, "agent_id").filter(ibis._.prod_date.notnull())
    week = (rows.date.delta(rows.prod_date, unit="day") / 7).floor().cast("int64")
    rows = rows.mutate(week=ibis.least(ibis.greatest(week, 0), LAST_WEEK), month=rows.date.truncate("M"))
    return rows.group_by("partner_id", "month", "week").aggregate(
        contacts=added(rows.contacts), seconds=rows.seconds.sum(), agents=rows.agent_id.nunique()
    )


def _hiring(material: Material) -> ir.Table:
    """Count who was hired per month, and how many days they took to live contacts in the middle."""
    roster = material.sources.tables["roster"]
    agents = roster.group_by("partner_id", "agent_id").aggregate(
        hire_date=roster.hire_date.min(), prod_date=roster.prod_date.min()
    )
    month = agents.hire_date.truncate("M")
    days = agents.prod_date.delta(agents.hire_date, unit="day")
    return agents.group_by("partner_id", month=month).aggregate(
        hires=agents.count(), trained=days.count(), training_days=days.cast("float64").median()
    )


def _billing_lines(material: Material) -> ir.Table:
    """Sum quantity and amount by month and kind of line."""
    lines = material.sources.tables["invoices"]
    return lines.group_by(
        "partner_id", month=lines.period.truncate("M"), item=lines["item"].fill_null("other")
    ).aggregate(qty=lines.qty.cast("float64").sum(), amount=lines.amount.cast("float64").sum())


def _handled_by(dimension: str) -> Callable[[Material], ir.Table]:
    """Count contacts handled per day by a column of the volume that the KPI table does not know."""

    def make(material: Material) -> ir.Table:
        volume = material.views["volume"]
        rows = volume.filter(volume[dimension].notnull() & volume.partner_id.notnull())
        handled = ibis.coalesce(rows.handled, rows.answered)
        return rows.group_by("partner_id", "date", value=rows[dimension]).aggregate(
            handled=handled.sum().cast("float64")
        )

    return make


_LIVE = ("agent_id", "created_at")
RISK_EXTRACTS: tuple[Extract, ...] = (
    Extract(
        name="capability", make=_capability, needs={"interactions": _LIVE},
        about="contacts per partner, slice and day, and the change of the number of agents active in 30 days",
        order=("partner_id", "dimension", "value", "date"),
        by_month="date", sums="agent_days", days_before=ACTIVE_DAYS,
    ),
    Extract(
        name="tenure_handling", make=_tenure_handling,
        needs={"interactions": (*_LIVE, "talk_s"), "roster": ("agent_id", "prod_date")},
        about="contacts and handling time per partner, month and week in production",
        order=("partner_id", "month", "week"),
    ),
    Extract(
        name="hiring", make=_hiring, needs={"roster": ("hire_date", "prod_date")},
        about="hires per partner and month, with their median days to live contacts", order=("partner_id", "month"),
    ),
    Extract(
        name="billing_lines", make=_billing_lines, needs={"invoices": ("period", "amount")},
        about="quantity and amount billed per partner, month and kind of line", order=("partner_id", "month", "item"),
    ),
    *(
        Extract(
            name=f"handled_by_{name}", make=_handled_by(name), needs={"volume": (name, "offered")},
            about=f"contacts handled per partner, day and {name}", order=("partner_id", "value", "date"),
        )
        for name in ("queue", "language")
    ),
)  # fmt: skip
