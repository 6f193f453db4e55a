"""What customers comment on and contact for, counted by day: raw categories, before any map."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from bpo_analysis.data.expressions import holds
from bpo_analysis.data.extracts.extract import Extract, Material

__all__ = ["CATEGORIES"]

_KEYS = ("partner_id", "date", "channel", "raw")


def _comments(material: Material) -> ir.Table:
    """Count answered surveys by their comment category; without one the category is missing."""
    surveys = material.views["surveys"]
    answered = surveys.filter(surveys.answered_date.notnull())
    return _counted(answered.select("partner_id", "channel", date="answered_date", raw="comment_category"))


def _reasons(material: Material) -> ir.Table:
    """Count single contacts by their reason, abandoned ones left out."""
    contacts = material.sources.tables["interactions"]
    handled = contacts.filter(~holds(contacts.abandoned))
    return _counted(handled.select("partner_id", "channel", date=handled.created_at.date(), raw="reason"))


def _counted(rows: ir.Table) -> ir.Table:
    rows = rows.filter(ibis._.date.notnull() & ibis._.partner_id.notnull())
    return rows.group_by(list(_KEYS)).aggregate(n=rows.count())


CATEGORIES = (
    Extract(
        name="comment_categories", about="Answered surveys per partner, day, channel and comment category.",
        make=_comments, needs={"surveys": ("comment_category",)}, order=_KEYS,
    ),
    Extract(
        name="contact_reasons", about="Contacts per partner, day, channel and reason, from single contacts.",
        make=_reasons, needs={"interactions": ("reason",)}, order=_KEYS, adds_up=True,
        by_month="date",
    ),
)  # fmt: skip
