"""How the two sides work together: meetings, contacts, deliverables, answers, planned activities, opinions."""

from __future__ import annotations

from math import isfinite

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_interval, format_value, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.activities import Activity
from bpo_analysis.review.activities import activities as activities_of
from bpo_analysis.review.context import Review
from bpo_analysis.review.escalations import escalations_known
from bpo_analysis.review.governance import (
    Deliverables,
    Forum,
    Requests,
    contact_for,
    contacts,
    deliverables,
    forums,
    requests,
)
from bpo_analysis.review.relationship import Opinion, opinions
from bpo_analysis.review.scorecard import clauses
from bpo_analysis.sections.parts import day_text, percent, text_or_missing
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["activities", "governance", "relationship"]

_STRIP = 13
_LATE_ROWS = 8
_MARKS = {"held": "✓", "moved": "→", "not held": "✕"}
_STATE_TONES = {"done": "good", "on track": "good", "late": "bad", "delayed": "bad", "at risk": "bad"}


@placed(audiences=("account", "delivery"))
def governance(review: Review) -> Section:
    """Meetings held of those planned, whom to turn to for what went wrong, deliverables, and answers to the partner."""
    id, title = "working-together", "Working together"
    held, named, due, asked = forums(review), contacts(review), deliverables(review), requests(review)
    if held is None and named is None and due is None and asked is None:
        names = "meetings, contacts, deliverables and partner_requests"
        return missing(id, title, f"tables {names} are not in this dataset.")
    body = _meetings(review, held) + _contacts(review) + _deliverables(review, due) + _requests(review, asked)
    question = "Do the two sides meet, deliver and answer, and whom does one turn to?"
    return Section(id, page.section(id, title, body, question=question))


def _meetings(review: Review, found: list[Forum] | None) -> Markup:
    if found is None:
        return page.note("Meetings: not shown, table meetings is not in this dataset.")
    if not found:
        return Markup("<p>No meeting was planned in the twelve months to {}.</p>").format(review.period.end)
    level = percent(review.confidence_level)
    columns = [
        Column("Forum"),
        Column("Held", "right", f"of planned, {level} interval"),
        Column(f"Last {_STRIP}", note="newest right"),
        Column("Last held"),
        Column("Who was there", note="meetings held"),
    ]
    rows = [_forum_row(review, forum) for forum in found]
    missed = sum(len(forum.meetings) - forum.held for forum in found)
    lead = Markup("<p>{} of {} took place in the twelve months to {}.</p>").format(
        sum(f.held for f in found), plural(sum(len(f.meetings) for f in found), "planned meeting"), review.period.end
    )
    table = page.table(
        columns, rows, caption="Meetings planned and held: ✓ on its day, → moved, ✕ not held", classes="stack"
    )
    return lead + table if missed or found else lead


def _forum_row(review: Review, forum: Forum) -> list[str | Markup | Cell]:
    planned = len(forum.meetings)
    text = review.note_figure(
        "governance.meetings_held", forum.held / planned, f"{forum.held} of {planned}", unit="share",
        numerator=forum.held, denominator=planned, ci_low=forum.interval.ci_low, ci_high=forum.interval.ci_high,
        where={"forum": forum.name},
    )  # fmt: skip
    limits = format_interval(forum.interval.ci_low, forum.interval.ci_high, "share")
    last = max((m.held for m in forum.meetings if m.held), default=None)
    strip = Markup(" ").join(
        Markup('<span title="{}">{}</span>').format(f"{m.planned}: {m.state}", _MARKS[m.state])
        for m in forum.meetings[-_STRIP:]
    )
    there = ", ".join(
        f"{name} {count}" for name, count in sorted(forum.attended.items(), key=lambda item: (-item[1], item[0]))
    )
    return [
        forum.name,
        Markup('{} <span class="interval">{}</span>').format(text, limits),
        strip,
        day_text(last),
        there or MISSING,
    ]


def _contacts(review: Review) -> Markup:
    found = contacts(review)
    if found is None:
        return page.note("Whom to turn to: not shown, table contacts is not in this dataset.")
    columns = [
        Column("Side"), Column("Name"), Column("Role"), Column("Forum"), Column("For"), Column("Level", "right"),
        Column("Reached by"),
    ]  # fmt: skip
    rows = [
        [
            c.side,
            c.name,
            c.role or MISSING,
            c.forum or MISSING,
            _matters(review, c.topic, c.severity),
            c.level or MISSING,
            c.reached_by or MISSING,
        ]
        for c in found
    ]
    table = page.table(columns, rows, caption="Whom to turn to, highest level first", classes="stack")
    return _turn_to(review) + page.details(f"All {plural(len(found), 'contact')} of both sides", table)


def _matters(review: Review, topic: str, severity: str) -> str:
    kpi = review.kpis.get(topic)
    words = [kpi.label if kpi else topic, f"{severity} severity" if severity else ""]
    return ", ".join(filter(None, words)) or "any matter"


def _turn_to(review: Review) -> Markup:
    """Whom to turn to for what this page shows: clear misses, and escalations that are open."""
    rows: list[list[str | Markup | Cell]] = []
    for row in (clause.row for clause in clauses(review) if clause.row.clearly_missed):
        names = [contact_for(review, row.kpi, side=side) for side in ("partner", "client")]
        rows.append([f"{row.kpi.label} clearly missed", *(_who(c) for c in names)])
    table = escalations_known(review)
    still = None if table is None else table[~table["closed"]]
    if still is not None and len(still):
        oldest = still["severity"].iloc[0]
        severity = str(oldest) if pd.notna(oldest) else ""
        names = [contact_for(review, side=side, severity=severity) for side in ("partner", "client")]
        rows.append([f"{plural(len(still), 'escalation')} open", *(_who(c) for c in names)])
    if not rows:
        return Markup("")
    columns = [Column("What went wrong"), Column(f"Turn to at {review.name}"), Column("On the client's side")]
    return page.table(columns, rows, caption="Whom to turn to about what this page shows", classes="stack")


def _who(contact: object) -> Markup | str:
    if contact is None:
        return "nobody is named"
    name, role, reached = (getattr(contact, field) for field in ("name", "role", "reached_by"))
    return Markup('{} <span class="detail">{}</span>').format(name, ", ".join(filter(None, (role, reached))))


def _deliverables(review: Review, found: Deliverables | None) -> Markup:
    if found is None:
        return page.note("Deliverables: not shown, table deliverables is not in this dataset.")
    if found.table.empty:
        return Markup("<p>Nothing was to be delivered in the twelve months to {}.</p>").format(review.period.end)
    columns = [
        Column("To be delivered"), Column("By"), Column("Standard"), Column("Due", "right"), Column("In time", "right"),
        Column("Delivered", "right"), Column("Accepted", "right"),
    ]  # fmt: skip
    rows = []
    for row in found.table.to_dict("records"):
        where = {"deliverable": str(row["title"]), "side": str(row["owner_side"])}
        shares = [
            review.note_figure(
                f"governance.deliverables_{name}", row[name] / row["due"], f"{row[name]} of {row['due']}", unit="share",
                numerator=row[name], denominator=row["due"], where=where,
            )
            for name in ("on_time", "delivered", "accepted")
        ]  # fmt: skip
        rows.append([str(row["title"]), str(row["owner_side"]), row["standard"] or MISSING, str(row["due"]), *shares])
    table = page.table(
        columns, rows, caption="Deliverables due in the twelve months to the end of the period", classes="stack"
    )
    return table + _late(found)


def _late(found: Deliverables) -> Markup:
    if found.late.empty:
        return Markup("")
    items = [
        f"{r['title']} ({r['owner_side']}), due {day_text(r['due_on'])}, {plural(int(r['days']), 'day')} late"
        for r in found.late.head(_LATE_ROWS).to_dict("records")
    ]
    return page.note(f"Not delivered yet: {'; '.join(items)}.", "warning")


def _requests(review: Review, found: Requests | None) -> Markup:
    if found is None:
        if review.register("partner_requests") is None:
            return page.note("Answers to the partner: not shown, table partner_requests is not in this dataset.")
        return Markup("<p>The partner asked nothing of the client in the twelve months to {}.</p>").format(
            review.period.end
        )
    asked = review.note_figure("governance.requests", found.asked, plural(found.asked, "request"), unit="requests")
    text = f"{asked} of the partner to the client in twelve months, {found.open_now} open."
    time = found.answering
    if time is None:
        return Markup("<p>{} Too few to say how long an answer takes.</p>").format(text)
    if not isfinite(time.median):
        return Markup("<p>{} Median time to an answer not reached.</p>").format(text)
    median = review.note_figure(
        "governance.answer_hours", time.median, format_value(time.median, "hours", decimals=0), unit="hours"
    )
    p90 = f", nine of ten within {format_value(time.p90, 'hours', decimals=0)}" if isfinite(time.p90) else ""
    limits = (
        format_interval(round(time.median_ci_low), round(time.median_ci_high), "count")
        if isfinite(time.median_ci_high)
        else ""
    )
    return Markup("<p>{} Half are answered within {}{}{}, open ones counted.</p>").format(
        text, median, f" ({limits})" if limits else "", p90
    )


@placed()
def activities(review: Review) -> Section:
    """Transitions, milestones and launches of the quarter before and the half year ahead, with their state."""
    id, title = "activities", "Planned activities"
    found = activities_of(review)
    if found is None:
        return missing(id, title, "table activities is not in this dataset.")
    if not found:
        return missing(id, title, f"none is planned around {review.period.title}.")
    late = [a for a in found if a.state in ("late", "delayed", "at risk")]
    named = "; ".join(f"{a.title} ({a.state})" for a in late)
    count = plural(len(found), "activity", "activities")
    lead = (
        f"{len(late)} of {count} late, delayed or at risk: {named}." if late else f"None of {count} is late or at risk."
    )
    columns = [
        Column("Activity"), Column("Kind"), Column("From"), Column("To"), Column("State"), Column("Late", "right"),
        Column("Owner"),
    ]  # fmt: skip
    rows = [_activity_row(review, a) for a in found]
    span = "a quarter back and half a year ahead"
    body = Markup("<p>{}</p>").format(lead) + page.table(columns, rows, caption=f"Activities, {span}", classes="stack")
    question = "What is coming, and is it in time?"
    return Section(id, page.section(id, title, body, question=question))


def _activity_row(review: Review, one: Activity) -> list[str | Markup | Cell]:
    tone = _STATE_TONES.get(one.state, "none")
    mark = "!" if one.state == "at risk" else {"good": "✓", "bad": "✕", "none": "○"}[tone]
    state = Markup('<span class="mark {}"><b aria-hidden="true">{}</b> {}</span>').format(tone, mark, one.state)
    if one.done_on:
        state += Markup(' <span class="interval">{}</span>').format(one.done_on)
    side = f" ({one.side})" if one.side else ""
    late = MISSING
    if one.days_late:
        text = plural(one.days_late, "day")
        late = review.note_figure(
            "activities.days_late", one.days_late, text, unit="days", where={"activity": one.title}
        )
    return [one.title, one.kind, day_text(one.start), day_text(one.end), state, late, text_or_missing(one.owner) + side]


@placed(audiences=("account", "delivery"))
def relationship(review: Review) -> Section:
    """Satisfaction of each side with the work together, and of the partner's agents, with answers and interval."""
    id, title = "relationship", "Satisfaction with the work together"
    found = opinions(review)
    if found is None:
        return missing(id, title, "table relationship_surveys is not in this dataset.")
    if not found:
        return missing(id, title, f"nobody answered in the half year to {review.period.end}.")
    columns = [
        Column("Asked"), Column("Question"), Column("Mean", "right", f"{percent(review.confidence_level)} interval"),
        Column("Scale", "right"), Column("Answers", "right"), Column("Half year before", "right"),
    ]  # fmt: skip
    rows = [_opinion_row(review, one) for one in found]
    table = page.table(columns, rows, caption=f"Answers from {found[0].start} to {found[0].end}", classes="stack")
    note = page.note(
        "Few people answer, and those who do may not be like the others: read the interval before the mean. The "
        "interval takes answers for independent; agents of one team may not be."
    )
    question = "How content are both sides, and the people who do the work?"
    return Section(id, page.section(id, title, _content(found) + table + note, question=question))


def _content(found: list[Opinion]) -> Markup:
    overall = [one for one in found if not one.question]
    said = [f"{_side(one.side)} {one.mean:.1f}{f' of {one.scale[1]:g}' if one.scale else ''}" for one in overall]
    return Markup("<p>Overall: {}.</p>").format(", ".join(said)) if said else Markup("")


def _side(side: str) -> str:
    return {"client": "the client", "partner": "the partner", "agents": "the partner's agents"}[side]


def _opinion_row(review: Review, one: Opinion) -> list[str | Markup | Cell]:
    low, high = one.interval or (None, None)
    mean = review.note_figure(
        "relationship.mean", one.mean, f"{one.mean:.1f}", unit="points of the scale", denominator=one.n, ci_low=low,
        ci_high=high, start=one.start, end=one.end, where={"side": one.side, "question": one.question or "overall"},
    )  # fmt: skip
    limits = f"{low:.1f} to {high:.1f}" if low is not None and high is not None else "too few answers for an interval"
    before = f"{one.before:.1f} (n = {one.n_before})" if one.before is not None else MISSING
    scale = f"{one.scale[0]:g} to {one.scale[1]:g}" if one.scale else MISSING
    return [
        _side(one.side).capitalize(),
        one.question or "overall",
        Markup('{} <span class="interval">{}</span>').format(mean, limits),
        scale,
        str(one.n),
        before,
    ]
