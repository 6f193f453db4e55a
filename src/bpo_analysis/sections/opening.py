"""Banner and first screen: what a reader who stops here must have seen."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.errors import suggest
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.context import Review
from bpo_analysis.review.findings import (
    MAX_ON_FIRST_SCREEN,
    Ask,
    Finding,
    asks,
    confidence,
    flags,
    verdict,
)
from bpo_analysis.review.headline import headline_names
from bpo_analysis.review.narrative import first_findings
from bpo_analysis.review.scorecard import CONTRACT_STATES, Clause, ScoreRow, clauses, scorecard
from bpo_analysis.sections.headline import clause_record, headline_record
from bpo_analysis.sections.parts import (
    actual_cell,
    change_cell,
    chart_link,
    evidence_cell,
    kpi_link,
    percent,
    spark_cell,
    spark_title,
)
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section

__all__ = ["first_screen", "masthead"]

_NO_HEADLINE = "Nothing on {} here: the dataset names no headline KPI of it, or has no rows for one (report.headline)."
_ANCHORS = {"actions": "Actions", "risk": "Contract terms"}
_STATUSES = ("final", "draft")
_FORUMS = {"steering": "steering committee", "delivery": "service delivery meeting"}
_GROUP_NAMES = {
    "quality": "Quality",
    "satisfaction": "Satisfaction",
    "turnaround": "Turnaround and efficiency",
    "cost": "Cost",
}


def masthead(review: Review, *, status: str = "final") -> Section:
    """Who, when, from which data: the heading of a report."""
    if status not in _STATUSES:
        raise ValueError(f"status must be one of {_STATUSES}, got {status!r}.{suggest(status, _STATUSES)}")
    dataset = review.dataset
    first, last = dataset.span
    kind = "In-house team" if review.partner["kind"] == "inhouse" else "Outside partner"
    client = f"{dataset.config.client}. " if dataset.config.client else ""
    is_draft = status == "draft" or (review.package is not None and not review.package.approved)
    draft = Markup(' <strong class="draft">Draft</strong>') if is_draft else Markup("")
    html = Markup(
        '{mark}<header class="masthead"><h1>{name}: {period}{draft}</h1><p>{client}{kind}. {made_for}'
        'Data {first} to {last}, <a href="#appendix">fingerprint {print}</a>.</p></header>'
    ).format(
        mark=Markup('<div class="watermark" aria-hidden="true">Draft</div>') if is_draft else "",
        made_for=_made_for(review),
        name=review.name,
        period=review.period.title,
        draft=draft,
        client=client,
        kind=kind,
        first=first,
        last=last,
        print=dataset.fingerprint[:8],
    )
    return Section("masthead", html)


def _made_for(review: Review) -> str:
    """Say for whom the page is, where it is not the usual one."""
    said = []
    if review.edition == "partner":
        said.append("Partner's edition: other partners and what is the client's alone are left out.")
    if review.audience != "account":
        said.append(f"For the {_FORUMS[review.audience]}.")
    if review.package is not None:
        approved = (
            f"approved by {review.package.approved_by} on {review.package.approved_on}"
            if review.package.approved
            else "not yet approved"
        )
        said.append(f"{review.package.title}, asked for by {review.package.requested_by}, {approved}.")
    return "".join(f"{sentence} " for sentence in said)


@placed()
def first_screen(review: Review) -> Section:
    """Verdict, four rows, what changed, what is asked, risk flags, and how far the numbers can be trusted."""
    rows, agreed = scorecard(review), clauses(review)
    sentence, tone = verdict(review, agreed)
    moved, wanted, risks = first_findings(review), asks(review, agreed), flags(review)
    html = Markup(
        '<div class="first-screen" id="summary"><p class="verdict {tone}">{sentence}</p>{table}'
        '<div class="columns{fewer}">{changed}{asked}</div>'
        '{risks}<p class="confidence">{confidence}</p></div>'
    ).format(
        tone=tone,
        sentence=_in_short_first(sentence),
        fewer=" fewer-first" if len(moved) < min(len(wanted), MAX_ON_FIRST_SCREEN) else "",
        table=_table(review, rows),
        changed=_changed(review, moved),
        asked=_asked(wanted, most=len(wanted) if review.audience == "steering" else MAX_ON_FIRST_SCREEN),
        risks=_flags(risks),
        confidence=confidence(review),
    )
    return Section("summary", html, {"headline": _headline(review, rows, agreed, sentence, wanted, risks)})


def _in_short_first(sentence: str) -> Markup:
    """How it came out in bold; which targets, with their numbers, as ordinary text."""
    short, colon, rest = sentence.partition(":")
    return Markup("<strong>{}</strong>{}").format(short + colon, rest)


def _table(review: Review, rows: list[ScoreRow]) -> Markup:
    names = headline_names(review)
    columns = [
        Column("KPI"),
        Column("Target", "right"),
        Column("Actual", "right", f"{percent(review.confidence_level)} interval"),
        Column("Contract", "left", "as printed"),
        Column("Evidence", "left", "by the interval"),
        Column("Change", "right", f"to {review.before_title}"),
        Column(spark_title(review)),
    ]
    body: list[list[str | Markup | Cell]] = [
        [
            Markup('<span class="group">{}</span> {}').format(_GROUP_NAMES[row.group], kpi_link(row.kpi)),
            row.target_text,
            actual_cell(row),
            page.contract_mark(row.contract),
            evidence_cell(row),
            change_cell(review, row),
            spark_cell(review, row.kpi, row.target.value if row.target else None),
        ]
        for row in rows
    ]
    table = page.table(
        columns,
        body,
        caption=f"{review.name}, {review.period.title}: what was agreed and what came",
        classes="scorecard headline hidden-caption stack",
    )
    empty = [_GROUP_NAMES[group].lower() for group, kpis in names.items() if not kpis]
    if not empty:
        return table
    return table + page.note(_NO_HEADLINE.format(", ".join(empty)))


def _changed(review: Review, found: list[Finding]) -> Markup:
    if not found:
        text = f"No clear change of a headline KPI against {review.before_title} or against {review.earlier_title}."
        if all(row.change is None and row.drift is None for row in scorecard(review)):
            text = f"Whether anything changed cannot be told: {review.name} has no earlier data of a headline KPI."
        items = Markup("<li>{}</li>").format(text)
    else:
        items = Markup("").join(
            Markup('<li class="{}">{} <a class="where" href="#{}">Evidence</a> {}</li>').format(
                f.tone, f.text, f.anchor, chart_link(f.kpi) if f.kpi else ""
            )
            for f in found
        )
    return Markup(
        '<section class="card" aria-label="What changed"><h2>What changed, and why</h2>'
        '<ul class="changed">{}</ul></section>'
    ).format(items)


def _asked(wanted: list[Ask], *, most: int) -> Markup:
    """What is asked: the first of it, or all where the page has no list of it further down."""
    shown = wanted[:most]
    item = Markup('<li>{} <span class="muted">{}, {}.</span> <a class="where" href="#{}">{}</a></li>')
    items = Markup("").join(item.format(a.text, a.owner, a.due, a.anchor, _ANCHORS[a.anchor]) for a in shown)
    body = Markup('<ol class="asks">{}</ol>').format(items) if shown else Markup("<p>Nothing is asked of you.</p>")
    rest = len(wanted) - len(shown)
    if rest:
        more = Markup('<p class="muted">{} more under <a href="#actions">root causes and actions</a>.</p>')
        body += more.format(rest)
    return Markup('<section class="card" aria-label="Decisions needed"><h2>Decisions needed</h2>{}</section>').format(
        body
    )


def _flags(risks: list[Finding]) -> Markup:
    if not risks:
        return Markup("")
    items = Markup("").join(
        Markup('<li class="{}"><a href="#{}">{}</a></li>').format(r.tone, r.anchor, r.text) for r in risks
    )
    return Markup('<ul class="flags" aria-label="Risk flags">{}</ul>').format(items)


def _headline(
    review: Review,
    rows: list[ScoreRow],
    agreed: list[Clause],
    sentence: str,
    wanted: list[Ask],
    risks: list[Finding],
) -> dict[str, Any]:
    return headline_record(review, rows, sentence) | {
        "counts": {state: sum(row.contract == state for row in rows) for state in CONTRACT_STATES},
        "clauses": _clause_counts(agreed),
        "agreed": [clause_record(review, clause) for clause in agreed],
        "asks": [_ask_record(ask) for ask in wanted],
        "flags": [r.text for r in risks],
        "warnings": [r.text for r in risks if r.tone == "warning"],
    }


def _ask_record(ask: Ask) -> dict[str, Any]:
    return {
        "text": ask.text,
        "owner": ask.owner,
        "due": ask.due,
        "due_on": "" if ask.due_on is None else str(ask.due_on),
        "is_late": ask.is_late,
        "anchor": ask.anchor,
        "kpis": list(ask.kpis),
    }


def _clause_counts(agreed: list[Clause]) -> dict[str, int]:
    """How the agreed targets came out, for the index."""
    counts = {state: sum(c.row.contract == state for c in agreed) for state in ("met", "missed", "not measurable")}
    return counts | {"clearly_missed": sum(c.row.clearly_missed for c in agreed)}
