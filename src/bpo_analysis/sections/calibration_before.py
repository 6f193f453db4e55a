"""Before a calibration meeting: what both sides gave to the same contacts, and where they differ most."""

from __future__ import annotations

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import format_change, format_value, plain, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.calibration_meeting import Blind, blind
from bpo_analysis.review.calibration_ratings import PASS_MARK
from bpo_analysis.review.context import Review
from bpo_analysis.sections.amounts import noted_count, noted_points
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["calibration_before", "item_name", "why_no_ratings"]

_ROWS = 15


@placed()
def calibration_before(review: Review, *, pass_mark: float = PASS_MARK) -> Section:
    """Blind scores of both sides on the same contacts of the newest session, and where they differ most."""
    id, title = "blind", "Before the meeting: blind ratings"
    why = why_no_ratings(review)
    if why:
        return missing(id, title, why)
    found = blind(review, pass_mark=pass_mark)
    if found is None:
        return missing(id, title, f"no contact of {review.name} was rated by both sides up to {review.period.end}.")
    body = _blind_lead(review, found) + _blind_contacts(review, found) + _blind_ratings(found)
    body += _blind_items(review, found)
    question = "Where do both sides differ, on the same contacts?"
    return Section(id, page.section(id, title, body, question=question))


def _blind_lead(review: Review, found: Blind) -> Markup:
    worst, item = found.contacts.iloc[0], found.items.iloc[0]
    split = int((found.contacts["client_pass"] != found.contacts["partner_pass"]).sum())
    start = found.start
    gap = float(found.contacts["gap"].mean())
    mean, _ = noted_points(review, "calibration.session_gap", gap, start=start, where={"session": found.session})
    verdicts = noted_count(review, "calibration.split_verdicts", split, "contacts", {"session": found.session})
    settled = f" {found.settled} of them have an agreed rating." if found.settled else " None has an agreed rating yet."
    if abs(worst["gap"]) < 1e-9:
        return Markup("<p><strong>Session {}: both sides gave the same to all of {}.</strong>{}</p>").format(
            found.session, plural(len(found.contacts), "contact"), settled
        )
    return Markup(
        "<p><strong>Session {session}: {count}, {split} with a verdict that differs; on average the partner gave "
        "{mean} to the client.</strong> Farthest apart: contact {worst} ({gap}) and item {item}.{settled} One session "
        "is too small to say more: see the agreement below.</p>"
    ).format(
        session=found.session,
        count=plural(len(found.contacts), "contact"),
        split=verdicts,
        mean=mean,
        worst=worst["interaction_id"],
        gap=format_change(worst["gap"], "share"),
        item=plain(str(item["item_id"])),
        settled=settled,
    )


def _blind_contacts(review: Review, found: Blind) -> Markup:
    columns = [
        Column("Contact"),
        Column("Client", "right"),
        Column("Partner", "right"),
        Column("Partner less client", "right"),
        Column("Verdict"),
    ]
    rows: list[list[str | Markup | Cell]] = []
    for row in found.contacts.head(_ROWS).to_dict("records"):
        where = {"session": found.session, "contact": str(row["interaction_id"])}
        gap, _ = noted_points(review, "calibration.contact_gap", row["gap"], start=found.start, where=where)
        same = "pass" if row["client_pass"] else "fail"
        verdict = same if row["client_pass"] == row["partner_pass"] else f"client {same}, partner not"
        if verdict.endswith("not") and not row["client_pass"]:
            verdict = "client fail, partner pass"
        elif verdict.endswith("not"):
            verdict = "client pass, partner fail"
        rows.append(
            [
                str(row["interaction_id"]),
                format_value(row["client"], "share"),
                format_value(row["partner"], "share"),
                Cell(gap, sort=row["gap"]),
                verdict,
            ]
        )
    more = f"; {len(found.contacts) - _ROWS} more not shown" if len(found.contacts) > _ROWS else ""
    caption = f"Scores of both sides, {found.start} to {found.end}, farthest apart first{more}"
    return page.table(columns, rows, caption=caption, classes="stack")


def _blind_ratings(found: Blind) -> Markup:
    if found.ratings.empty:
        return page.note("No rating of an item lies more than a tenth of its scale apart.")
    columns = [
        Column("Contact"),
        Column("Item"),
        Column("Client", "right"),
        Column("Partner", "right"),
        Column("Of", "right"),
    ]
    rows = [
        [
            str(row["interaction_id"]),
            item_name(row["item_id"], row["criticality"]),
            f"{row['client']:g}",
            f"{row['partner']:g}",
            f"{row['rating_max']:g}",
        ]
        for row in found.ratings.head(_ROWS).to_dict("records")
    ]
    rest = len(found.ratings) - len(rows)
    more = f"; {rest} more not shown" if rest else ""
    caption = f"To be talked about: ratings more than a tenth of the scale apart, critical items first{more}"
    return page.table(columns, rows, caption=caption, classes="stack")


def _blind_items(review: Review, found: Blind) -> Markup:
    columns = [
        Column("Item"),
        Column("Contacts", "right"),
        Column("Apart", "right", "by more than a tenth"),
        Column("Partner less client", "right"),
    ]
    rows = []
    for row in found.items.to_dict("records"):
        where = {"session": found.session, "item": str(row["item_id"])}
        gap, _ = noted_points(review, "calibration.item_gap", row["mean_gap"], start=found.start, where=where)
        apart = round(row["apart"] * row["contacts"])
        rows.append([item_name(row["item_id"], row["criticality"]), str(row["contacts"]), str(apart), gap])
    return page.details("By item", page.table(columns, rows, caption="Blind ratings by item, farthest apart first"))


def why_no_ratings(review: Review) -> str:
    """Say which table or column is missing; empty where ratings of both sides can be told."""
    if review.extract("calibration_ratings") is None:
        return review.dataset.why_no_extract("calibration_ratings") + "."
    return ""


def item_name(item: object, criticality: object) -> str:
    """Name of a rated item, with what makes it critical."""
    return plain(str(item)) if criticality in ("none", "") else f"{plain(str(item))} ({criticality}-critical)"
