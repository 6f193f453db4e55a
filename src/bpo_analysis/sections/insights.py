"""What was found, with all that is known about it; and where the partner is better and worse than agreed."""

from __future__ import annotations

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.context import Review
from bpo_analysis.review.narrative import Insight, Standing, insights, strengths_and_gaps
from bpo_analysis.sections.parts import chart_link, kpi_link, percent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section

__all__ = ["notes_written", "what_it_means"]

_SHOWN = 6
_NO_FINDING = (
    "Nothing is found to have moved, judged for the whole page together. Below stands where the partner is beyond "
    "doubt better or worse than agreed."
)


@placed()
def what_it_means(review: Review) -> Section:
    """Every finding: how sure, since when, what carries it, what stands near it, what it means, what is proposed."""
    found = insights(review)
    body = _table(found[:_SHOWN]) if found else Markup("<p>{}</p>").format(_NO_FINDING)
    if len(found) > _SHOWN:
        body += Markup('<p class="muted">{} more in the <a href="#appendix">list of tests</a>.</p>').format(
            len(found) - _SHOWN
        )
    strengths, gaps = strengths_and_gaps(review)
    body += Markup('<div class="columns">{}{}</div>').format(
        _standings(review, "Better than agreed, beyond doubt", strengths),
        _standings(review, "Worse than agreed, beyond doubt", gaps),
    )
    question = "What happened, how sure is it, what does it mean, and what should be done?"
    return Section("insights", page.section("insights", "What it means", body, question=question))


@placed(audiences=("account", "delivery"), client_only=True)
def notes_written(review: Review) -> Section:
    """Which sections of the page have a note of somebody who knows, and which have none."""
    written = [Markup(title) for title, count in review.notes_beside.items() if count]
    lacking = [Markup(title) for title, count in review.notes_beside.items() if not count]
    total = len(written) + len(lacking)
    text = Markup("<p>{} of {} have a note{}.</p>").format(
        len(written), plural(total, "section"), Markup(": {}").format(Markup(", ").join(written)) if written else ""
    )
    if lacking:
        text += Markup('<p><strong class="delta bad">Not written</strong> beside: {}.</p>').format(
            Markup(", ").join(lacking)
        )
    text += Markup(
        '<p class="muted">Notes are files in the folder notes of the dataset; their numbers are checked.</p>'
    )
    question = "What do those who know the work say to these figures?"
    return Section("notes", page.section("notes", "Notes", text, question=question))


def _table(found: list[Insight]) -> Markup:
    columns = [
        Column("Finding"),
        Column("How sure"),
        Column("Since"),
        Column("Carried by"),
        Column("Near it", "left", "not a cause"),
        Column("Against the target"),
        Column("Proposed"),
    ]
    rows: list[list[str | Markup | Cell]] = [
        [
            Markup('<span class="delta {}" id="finding-{}">{}</span> {} {}').format(
                one.finding.tone,
                one.kpi.name,
                {"good": "better", "bad": "worse"}.get(one.finding.tone, "moved"),
                one.finding.text,
                chart_link(one.kpi.name),
            ),
            one.sure,
            one.since,
            one.carried or MISSING,
            " ".join(filter(None, (one.near, f"Leading: {one.leading}." if one.leading else ""))) or MISSING,
            one.meaning or "no target",
            _proposed(one),
        ]
        for one in found
    ]
    return page.table(
        columns, rows, caption="What was found, the most consequential and certain first", classes="stack"
    )


def _proposed(one: Insight) -> Markup | str:
    if not one.proposal:
        return "nothing: it got better" if one.finding.tone == "good" else MISSING
    return Markup('{} <span class="muted">{}, {}.</span>').format(one.proposal, one.owner, one.due)


def _standings(review: Review, title: str, found: list[Standing]) -> Markup:
    """One of the two lists, which always stand side by side."""
    items = Markup("").join(_standing(standing) for standing in found[:_SHOWN])
    body = (
        Markup("<ul>{}</ul>").format(items)
        if found
        else Markup("<p>None at {}.</p>").format(percent(review.confidence_level))
    )
    return Markup('<section class="card" aria-label="{0}"><h3>{0}</h3>{1}</section>').format(title, body)


def _standing(standing: Standing) -> Markup:
    row, scope = standing.clause.row, standing.clause.scope
    measure = row.measure
    where = f" ({scope})" if scope else ""
    return Markup('<li>{}{}: {} <span class="interval">{}</span>, target {}</li>').format(
        kpi_link(row.kpi),
        where,
        measure.text if measure else MISSING,
        measure.interval_text if measure else "",
        row.target_text,
    )
