"""The year in a table: thirteen months, the same time a year before, and the targets that come next."""

from __future__ import annotations

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_change, format_interval, unbroken
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.context import Review
from bpo_analysis.review.scorecard import target_text
from bpo_analysis.review.year import YearOnYear, coming_targets, year_ago, years_on_year
from bpo_analysis.sections.parts import day_text, kpi_link, percent, spark_cell, spark_title, text_or_missing
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["coming", "twelve_months"]


@placed(audiences=("account", "delivery"))
def twelve_months(review: Review) -> Section:
    """Every KPI of the contract over the year, against the same time a year before."""
    id, title = "year", "The year"
    found = years_on_year(review)
    if not found:
        return missing(id, title, f"no KPI of the first screen or the contract has rows in {review.period.title}.")
    earlier = year_ago(review.period)
    columns = [
        Column("KPI"),
        Column(review.period.title, "right", f"{percent(review.confidence_level)} interval"),
        Column(earlier.title, "right"),
        Column("Change", "right", "same time of the year"),
        Column(spark_title(review)),
    ]
    rows: list[list[str | Markup | Cell]] = [
        [
            kpi_link(one.kpi),
            Cell(
                Markup('<span class="value">{}</span> <span class="interval">{}</span>').format(
                    one.now.text, one.now.interval_text
                ),
                sort=one.now.value,
            ),
            one.before.text if one.before else MISSING,
            _change(review, one),
            spark_cell(review, one.kpi),
        ]
        for one in found
    ]
    body = page.table(columns, rows, caption=f"Against {earlier.title}, the same time of the year", classes="stack")
    body += page.note(
        f"Whether a year made a difference is judged for all {len(found)} lines together at "
        f"{percent(review.confidence_level)}; these comparisons stand beside the plan of tests in the appendix."
    )
    question = "Where do we stand against a year ago, season for season?"
    return Section(id, page.section(id, title, body, question=question))


def _change(review: Review, one: YearOnYear) -> Cell | Markup:
    if one.change is None:
        return Markup('<span class="muted">no data of that time</span>')
    text = format_change(one.change, one.kpi.unit, currency=review.currency)
    if one.limits is None:
        return Cell(text, sort=one.change)
    between = format_interval(*one.limits, one.kpi.unit, currency=review.currency)
    between = between.replace(" %", " pp") if one.kpi.unit == "share" else between
    good = None if one.kpi.better == "none" or not one.is_clear else (one.change > 0) == (one.kpi.better == "higher")
    word = {True: "better", False: "worse", None: "moved" if one.is_clear else "not clear"}[good]
    tone = {True: "good", False: "bad", None: "none"}[good]
    return Cell(
        Markup('<span class="delta {}">{}</span> <span class="interval">{}, {}</span>').format(
            tone, text, unbroken(between), word
        ),
        sort=one.change,
    )


@placed()
def coming(review: Review) -> Section:
    """Targets that are proposed, begin later or fall due later."""
    id, title = "coming", "Targets that come next"
    found = coming_targets(review)
    if not found:
        return missing(id, title, "no target is proposed, begins or falls due after this period.")
    columns = [
        Column("KPI"),
        Column("Target", "right"),
        Column("From"),
        Column("Due"),
        Column("Owner"),
        Column("Status"),
    ]
    rows: list[list[str | Markup | Cell]] = [
        [
            kpi_link(review.kpis[t.kpi]),
            target_text(t, review.kpis[t.kpi], review.currency),
            day_text(t.valid_from),
            day_text(t.due_date),
            text_or_missing(t.owner),
            t.status or MISSING,
        ]
        for t in found
    ]
    body = page.table(columns, rows, caption="Proposed, beginning later or due later", classes="stack")
    question = "What is to be reached next, and is it agreed?"
    return Section(id, page.section(id, title, body, question=question))
