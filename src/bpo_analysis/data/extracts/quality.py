"""Extracts of quality work: contacts to draw, calibration ratings, evaluations by agent, ratings handed on.

Small for any size of data: of the contacts only the first few of a random order are kept, calibration is rated by hand,
and evaluations are summed by agent and day.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from bpo_analysis.data.expressions import holds
from bpo_analysis.data.extracts.extract import Extract, Material

__all__ = ["DRAWN", "QUALITY_EXTRACTS", "drawn_contacts"]

DRAWN = 40
"""Contacts kept for each partner, week, channel and reason."""
_ORDER_KEY = "draw-order"
_STRATA = ("channel", "reason")


def _contacts_to_draw(material: Material) -> ir.Table:
    """Take the first contacts of each week and stratum in the order of a keyed hash, with the size of the stratum.

    The order of the hash of an identifier says nothing about the contact, so the first of it are a random draw; it is
    the same wherever and whenever it is computed.
    """
    return _first(material.summed(drawn_contacts)).drop("rank")


def drawn_contacts(material: Material) -> ir.Table:
    """Take the first contacts of each stratum; the first of all carries its size, so that sizes add up over parts."""
    contacts = material.sources.tables["interactions"]
    contacts = contacts.filter(~holds(contacts.abandoned) & contacts.partner_id.notnull())
    rows = contacts.select(
        "partner_id", "interaction_id", "agent_id",
        week=contacts.created_at.date().truncate("W"), date=contacts.created_at.date(),
        **{name: contacts[name].fill_null("") for name in _STRATA},
        draw_order=(ibis.literal(_ORDER_KEY) + contacts.interaction_id).hexdigest("md5"),
    )  # fmt: skip
    drawn = _first(rows.mutate(stratum_size=ibis.literal(1).cast("int64")))
    return drawn.mutate(stratum_size=(drawn["rank"] == 0).ifelse(drawn.stratum_size, 0)).drop("rank")


def _first(rows: ir.Table) -> ir.Table:
    """Keep the first rows of each stratum, with their rank and the sum of all sizes in it."""
    by = ["partner_id", "week", *_STRATA]
    ranked = rows.mutate(
        rank=ibis.row_number().over(group_by=by, order_by=["draw_order", "interaction_id"]),
        stratum_size=rows.stratum_size.sum().over(group_by=by).cast("float64").cast("int64"),
    )
    return ranked.filter(ranked["rank"] < DRAWN)


def _calibration_ratings(material: Material) -> ir.Table:
    """Take every rating of a calibrated contact; raters by a code of their identifier."""
    items = material.views["qa_ratings"]
    items = items.filter(
        items.purpose.isin(["calibration", "calibration_final"])
        & items.interaction_id.notnull()
        & ~holds(items.not_applicable)
        & items.rating.notnull()
        & (items.rating_max > 0)
    )
    rater = (ibis.literal("rater") + items.rater_id).hexdigest("md5").substr(0, 6)
    month = items.date.strftime("%Y-%m")
    return items.select(
        "partner_id", "date", "interaction_id", "item_id", "rater_org", "purpose", "rating", "rating_max",
        session_id=ibis.coalesce(items.session_id, month), rater=rater,
        item_weight=items.item_weight.fill_null(1.0), criticality=items.criticality.fill_null("none"),
    )  # fmt: skip


def _gradings(items: ir.Table) -> ir.Table:
    return items.filter(
        (items.purpose.fill_null("grading") == "grading")
        & ~holds(items.not_applicable)
        & items.rating.notnull()
        & (items.rating_max > 0)
    )


def _rated_items(material: Material) -> ir.Table:
    """Sum items rated and items failed by partner, day, agent, item and side that rated."""
    items = _gradings(material.views["qa_ratings"])
    rows = items.mutate(
        rater_org=items.rater_org.fill_null(""),
        criticality=items.criticality.fill_null("none"),
        failed=(items.rating < items.rating_max).cast("int64"),
    )
    return rows.group_by("partner_id", "date", "agent_id", "item_id", "criticality", "rater_org").aggregate(
        rated=rows.count(), failed=rows.failed.sum()
    )


def _evaluations_by_agent(material: Material) -> ir.Table:
    """Sum evaluations by partner, day, agent, side that rated, and how the contact was chosen."""
    items = _gradings(material.views["qa_ratings"])
    weight = items.item_weight.fill_null(1.0)
    failed = (items.rating < items.rating_max).cast("int64")

    def critical(kind: str) -> Any:
        return (failed * holds(items.criticality == kind).cast("int64")).max()

    scores = items.group_by("evaluation_id").aggregate(
        partner_id=items.partner_id.max(), date=items.date.max(), agent_id=items.agent_id.max(),
        rater_org=items.rater_org.max().fill_null(""), sampling=items.sampling.max().fill_null(""),
        inclusion_probability=items.inclusion_probability.max(),
        score=(weight * items.rating).sum() / (weight * items.rating_max).sum().nullif(0),
        rated=items.count(), failed=failed.sum(), defective=failed.max(),
        **{kind: critical(kind) for kind in ("customer", "business", "compliance")},
    )  # fmt: skip
    scores = scores.filter(scores.score.notnull())
    by = ["partner_id", "date", "agent_id", "rater_org", "sampling", "inclusion_probability"]
    sums = {
        name: scores[name].sum()
        for name in ("score", "rated", "failed", "defective", "customer", "business", "compliance")
    }
    return scores.group_by(by).aggregate(evaluations=scores.count(), **sums)


def _ratings_handed_on(material: Material) -> ir.Table:
    """Sum answered CSAT surveys by the partner of the contact, its hand-offs, and whether the survey names another."""
    sources = material.sources
    surveys = sources.tables["surveys"]
    contacts = sources.tables["interactions"].select("interaction_id", "handoffs", contact_partner="partner_id")
    joined = surveys.filter((surveys.type == "csat") & surveys.score.notnull()).inner_join(contacts, "interaction_id")
    top = ibis.ifelse(
        joined.scale_max - joined.scale_min <= 1, joined.score == joined.scale_max, joined.score >= joined.scale_max - 1
    )
    rows = joined.select(
        partner_id=joined.contact_partner,
        date=ibis.coalesce(joined.answered_at, joined.sent_at).date(),
        handed_on=(joined.handoffs > 0),
        other_partner=holds(joined.partner_id != joined.contact_partner),
        satisfied=top.cast("int64"),
    ).filter(ibis._.handed_on.notnull() & ibis._.satisfied.notnull())
    return rows.group_by("partner_id", "date", "handed_on", "other_partner").aggregate(
        answers=rows.count(), satisfied=rows.satisfied.sum()
    )


_RATED = ("rating", "rating_max", "item_id", "evaluation_id")
QUALITY_EXTRACTS = (
    Extract(
        name="contacts_to_draw", about="contacts in random order, the first of each week, channel and reason",
        make=_contacts_to_draw, needs={"interactions": ("interaction_id", "partner_id")},
        order=("partner_id", "week", *_STRATA, "draw_order"),
        by_month="week", sums="drawn_contacts", days_after=6,
    ),
    Extract(
        name="calibration_ratings", about="ratings of contacts that both sides rated",
        make=_calibration_ratings,
        needs={"qa_ratings": ("rating", "rating_max", "purpose", "rater_org", "interaction_id")},
        order=("partner_id", "date", "session_id", "interaction_id", "item_id", "purpose", "rater_org", "rater"),
    ),
    Extract(
        name="rated_items", about="items rated and failed by day, agent, item and rating side",
        make=_rated_items, needs={"qa_ratings": _RATED},
        order=("partner_id", "date", "agent_id", "item_id", "criticality", "rater_org"),
    ),
    Extract(
        name="evaluations_by_agent", about="evaluations by day, agent, rating side and sampling",
        make=_evaluations_by_agent, needs={"qa_ratings": _RATED},
        order=("partner_id", "date", "agent_id", "rater_org", "sampling", "inclusion_probability"),
    ),
    Extract(
        name="ratings_handed_on", about="answered CSAT surveys by whether the contact changed hands",
        make=_ratings_handed_on,
        needs={"surveys": ("interaction_id", "score", "scale_max"), "interactions": ("handoffs",)},
        order=("partner_id", "date", "handed_on", "other_partner"),
    ),
)  # fmt: skip
