"""Extracts about how contacts come and come back: load by the hour, repeats by window, escalations that repeat."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from bpo_analysis.data.expressions import holds
from bpo_analysis.data.extracts.extract import Extract, Material, added
from bpo_analysis.data.files import ROW
from bpo_analysis.data.views import contacts_with_next

__all__ = ["FLOW", "REPEAT_DAYS", "WINDOWS"]

WINDOWS = (3, 7, 14, 30)
"""Days within which another contact of the customer counts as a repeat."""
REPEAT_DAYS = 30
"""Days within which another escalation of the same customer or contact counts as a repeat."""
_DAY_S = 86_400


def _hourly_load(material: Material) -> ir.Table:
    """Contacts and handling time by the hour in which they came."""
    contacts = material.sources.tables["interactions"]
    handled = ~holds(contacts.abandoned)
    work = contacts.talk_s + contacts.hold_s.fill_null(0.0) + contacts.acw_s.fill_null(0.0)
    rows = contacts.select(
        "partner_id",
        "channel",
        date=contacts.created_at.date(),
        hour=contacts.created_at.hour(),
        handled=(handled & work.notnull()).cast("int64"),
        work=(handled & work.notnull()).ifelse(work, 0.0),
    )
    keys = ["partner_id", "channel", "date", "hour"]
    return rows.group_by(keys).aggregate(
        offered=rows.count(), handled=rows.handled.sum(), handle_s=rows.work.sum().cast("float64")
    )


def _staffing_days(material: Material) -> ir.Table:
    """The last locked forecast of each day and channel, with the staffing that it asked for and got."""
    forecasts = material.sources.tables["forecasts"]
    if material.sources.has("forecasts", "locked"):
        forecasts = forecasts.filter(holds(forecasts.locked))
    rank = ibis.row_number().over(
        group_by=["partner_id", "channel", "date"], order_by=[ibis.desc("issued_on"), ibis.desc(ROW)]
    )
    latest = forecasts.mutate(_rank=rank).filter(ibis._._rank == 0)
    return latest.select(
        "partner_id", "channel", "date", "issued_on", "forecast_offered", "forecast_aht_s", "required_s", "committed_s"
    )


def _agent_days(material: Material) -> ir.Table:
    """Agent time per partner and day."""
    time = material.sources.tables["agent_time"]
    return time.group_by("partner_id", "date").aggregate(
        scheduled_s=time.scheduled_s.sum(), worked_s=time.worked_s.sum(), agents=time.agent_id.nunique()
    )


def _repeats(material: Material) -> ir.Table:
    """Contacts per day, and those followed by another of the same customer within each window.

    Contacts too young to have shown a repeat are not counted; counting them as solved would flatter the newest month.
    """
    contacts = contacts_with_next(material.sources)
    terms: dict[str, Any] = {}
    for window in WINDOWS:
        old_enough = contacts.age_s >= window * _DAY_S
        terms[f"c{window}"] = old_enough.cast("int64")
        terms[f"r{window}"] = (old_enough & holds(contacts.gap_s <= window * _DAY_S)).cast("int64")
    rows = contacts.select("partner_id", date=contacts.created_at.date(), **terms)
    daily = rows.group_by("partner_id", "date").aggregate(**{name: added(rows[name]) for name in terms})
    return ibis.union(
        *(
            daily.filter(daily[f"c{window}"] > 0).select(
                "partner_id", "date", window=ibis.literal(window).cast("int64"), repeated=daily[f"r{window}"],
                contacts=daily[f"c{window}"],
            )
            for window in WINDOWS
        )
    )  # fmt: skip


def _escalation_repeats(material: Material) -> ir.Table:
    """Say of each escalation whether another of the same customer, or of the same contact, came shortly before it."""
    sources = material.sources
    found = sources.tables["escalations"].select(
        "escalation_id", "partner_id", "opened_at", "category", "interaction_id"
    )
    subject: Any = found.interaction_id
    if sources.has("interactions", "customer_key"):
        contacts = sources.tables["interactions"]
        known = contacts.select("interaction_id", customer=contacts.customer_key)
        found = found.left_join(known, "interaction_id").drop("interaction_id_right")
        subject = ibis.coalesce("c:" + found.customer, "i:" + found.interaction_id)
    found = found.mutate(subject=subject)
    before = ibis.window(group_by=["partner_id", "subject"], order_by=["opened_at", "escalation_id"])
    found = found.mutate(
        previous=found.escalation_id.lag().over(before),
        gap_days=(found.opened_at.epoch_seconds() - found.opened_at.lag().over(before).epoch_seconds()) / _DAY_S,
        same_category=holds(found.category == found.category.lag().over(before)),
        known=found.subject.notnull(),
    )
    repeat = found.known & holds(found.gap_days <= REPEAT_DAYS)
    nothing = ibis.null("string")
    return found.select(
        "escalation_id", "partner_id", "opened_at", "known",
        repeat=repeat, repeat_of=repeat.ifelse(found.previous, nothing),
        gap_days=repeat.ifelse(found.gap_days, ibis.null("float64")), same_category=repeat & found.same_category,
    )  # fmt: skip


FLOW = (
    Extract(
        name="hourly_load",
        about="Contacts and handling time by channel, day and hour.",
        make=_hourly_load,
        needs={"interactions": ("created_at", "talk_s")},
        order=("partner_id", "channel", "date", "hour"),
        adds_up=True,
        by_month="date",
    ),
    Extract(
        name="staffing_days",
        about="Staffing asked for and delivered by channel and day, of the last locked forecast.",
        make=_staffing_days,
        needs={"forecasts": ("required_s",)},
        order=("partner_id", "channel", "date"),
    ),
    Extract(
        name="agent_days",
        about="Agent time per day.",
        make=_agent_days,
        needs={"agent_time": ("scheduled_s",)},
        order=("partner_id", "date"),
    ),
    Extract(
        name="repeat_windows",
        about="Contacts followed by another of the same customer, by length of the window.",
        make=_repeats,
        needs={"interactions": ("customer_key",)},
        order=("partner_id", "date", "window"),
        adds_up=True,
        looks_ahead=True,
        by_month="date",
    ),
    Extract(
        name="escalation_repeats",
        about="Which escalations repeat an earlier one of the same customer or contact; no customer is named.",
        make=_escalation_repeats,
        needs={"escalations": ("interaction_id",)},
        order=("partner_id", "opened_at", "escalation_id"),
    ),
)
"""Extracts of this module."""
