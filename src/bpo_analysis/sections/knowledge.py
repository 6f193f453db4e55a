"""The knowledge base against what customers ask, searches that find nothing, and sessions held."""

from __future__ import annotations

from math import isfinite

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_value, plain, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.context import Review
from bpo_analysis.review.knowledge import (
    STALE_DAYS,
    Knowledge,
    Searches,
    Sessions,
    knowledge_coverage,
    searches,
    sessions,
)
from bpo_analysis.sections.amounts import noted_count, noted_share
from bpo_analysis.sections.parts import day_text, text_or_missing
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["knowledge"]

_REASONS = 12
_SESSIONS = 10


@placed(audiences=("account", "delivery"))
def knowledge(review: Review) -> Section:
    """Top contact reasons with a current article, age of articles, searches missed, knowledge sessions held."""
    id, title = "knowledge", "Knowledge"
    covered, asked, held = knowledge_coverage(review), searches(review), sessions(review)
    if isinstance(covered, str) and asked is None and held is None:
        return missing(id, title, f"{covered}; no search and no knowledge or training session is on record.")
    body = page.note(f"Articles: not shown, {covered}.") if isinstance(covered, str) else _coverage(review, covered)
    body += _searches(review, asked) + _sessions(review, held)
    question = "Is there a current article for what customers ask, and is it found?"
    return Section(id, page.section(id, title, body, question=question))


def _coverage(review: Review, found: Knowledge) -> Markup:
    share = review.note_figure(
        "knowledge.covered", found.covered, format_value(found.covered, "share"), unit="share",
        numerator=found.covered * found.contacts, denominator=float(found.contacts),
    )  # fmt: skip
    without = found.table[found.table["current"] == 0]
    gap = ""
    if len(without):
        first = without.iloc[0]
        gap = f" Largest reason without one: {plain(first['reason'])} ({format_value(first['share'], 'share')})."
    days = review.note_figure(
        "knowledge.median_age", found.median_age_days, f"{found.median_age_days:.0f} days", unit="days"
    )
    age = f" Their median age since publication or review is {days}." if isfinite(found.median_age_days) else ""
    lead = Markup(
        "<p><strong>A current article stands behind {} of contacts {}.</strong>{} {} of {} articles are current.{}</p>"
    ).format(share, review.period.when, gap, found.current, found.articles, age)
    columns = [
        Column("Reason"),
        Column("Contacts", "right"),
        Column("Share", "right"),
        Column("Added up", "right"),
        Column("Current articles", "right"),
        Column("Newest", "right", "days old"),
        Column("Views", "right"),
    ]
    rows: list[list[str | Markup | Cell]] = []
    for row in found.table.head(_REASONS).to_dict("records"):
        tone = "neutral" if row["current"] else "concern"
        current = f"{row['current']} of {row['articles']}" if row["articles"] else "none"
        rows.append(
            [
                plain(row["reason"]),
                noted_count(review, "knowledge.contacts", row["contacts"], "contacts", {"reason": row["reason"]}),
                page.with_bar(format_value(row["share"], "share"), row["share"], tone=tone),
                format_value(row["cumulative"], "share"),
                current,
                f"{row['age_days']:.0f}" if isfinite(row["age_days"]) else MISSING,
                format_value(row["views"], "count"),
            ]
        )
    more = f", {len(found.table) - _REASONS} more not shown" if len(found.table) > _REASONS else ""
    table = page.table(
        columns, rows, caption=f"Contact reasons and their articles, most contacts first{more}", classes="stack"
    )
    about = (
        f"Current: published, and before its end date; without one, at most {STALE_DAYS} days since publication or "
        "review. That an article exists does not say that it helps: the numbers stand beside each other, no more."
    )
    return lead + table + Markup('<p class="muted">{}</p>').format(about)


def _searches(review: Review, found: Searches | None) -> Markup:
    if found is None:
        return page.note(
            "Searches: not shown, table kb_usage is absent or has no searches of this partner in the period."
        )
    text, between = noted_share(
        review, "knowledge.searches_missed", found.missed, numerator=found.missed.estimate * found.missed.total
    )
    views = ""
    if found.views is not None and found.views_per_contact is not None:
        rate = review.note_figure(
            "knowledge.views_per_contact", found.views_per_contact, f"{found.views_per_contact:.2f}",
            unit="views per contact handled",
        )  # fmt: skip
        views = f" Articles were opened {rate} times per contact handled."
    return Markup("<p>Of {} searches, {} ({}) ended without a result that was opened.{}</p>").format(
        noted_count(review, "knowledge.searches", float(found.searches), "searches"), text, between, views
    )


def _sessions(review: Review, found: Sessions | None) -> Markup:
    if found is None:
        return page.note("Sessions: not shown, no meeting whose forum names knowledge or training is on record.")
    lead = Markup("<p>{} of {} held {}.</p>").format(
        noted_count(review, "knowledge.sessions_held", float(found.held), "sessions"),
        plural(found.due, "knowledge or training session planned", "knowledge or training sessions planned"),
        review.period.when,
    )
    columns = [Column("Planned"), Column("Forum"), Column("Held"), Column("State"), Column("Attendees", "right")]
    rows = [
        [
            day_text(r["planned_on"]),
            text_or_missing(r["forum"]),
            day_text(r["held_on"]),
            str(r["state"]),
            str(r["present"]) if r["present"] else MISSING,
        ]
        for r in found.table.head(_SESSIONS).to_dict("records")
    ]
    return lead + page.table(columns, rows, caption="Knowledge and training sessions, newest first")
