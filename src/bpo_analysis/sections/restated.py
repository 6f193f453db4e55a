"""What changed since the last report: targets then and now, and printed numbers computed again from today's data."""

from __future__ import annotations

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, decimals_of, format_change, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.periods import ReportPeriod
from bpo_analysis.review.context import Review
from bpo_analysis.review.restatements import (
    LastValue,
    Restated,
    Restatements,
    last_values,
    period_of_report,
    restatements,
)
from bpo_analysis.sections.parts import evidence_cell, kpi_link
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["restated"]

_ROWS = 20
_NO_PREVIOUS = "no earlier report of this partner was there to compare with."


@placed()
def restated(review: Review, previous: str = "") -> Section:
    """Put the last report beside this one, and its numbers beside the same numbers from today's data."""
    id, title = "restated", "Since the last report"
    if not previous:
        return missing(id, title, _NO_PREVIOUS)
    found = restatements(review, previous)
    if not found.compared:
        return missing(id, title, "the last report printed no number of a time before this period.")
    body = _then_and_now(review, last_values(review, previous), period_of_report(previous)) + _summary(found)
    if found.changed:
        body += _table(found.changed[:_ROWS])
        if len(found.changed) > _ROWS:
            body += page.note(
                f"{len(found.changed) - _ROWS} more are printed otherwise; these are those of most cases."
            )
        body += _rules(review)
    question = "What is different from last time, and does what was printed then still hold?"
    return Section(id, page.section(id, title, body, question=question))


def _then_and_now(review: Review, values: list[LastValue], period: ReportPeriod | None) -> Markup:
    """Targets and headline KPIs in both reports; changes are sizes, what moved is told elsewhere."""
    if not values or period is None:
        return Markup("")
    columns = [
        Column("KPI"),
        Column("Target", "right"),
        Column("Last report", "right", period.title),
        Column("This report", "right", review.period.title),
        Column("Change", "right"),
        Column("Contract"),
        Column("Evidence"),
    ]
    rows: list[list[str | Markup | Cell]] = [
        [
            kpi_link(one.row.kpi) + (f", {one.scope}" if one.scope else ""),
            one.row.target_text,
            _printed_then(one),
            Markup("<b>{}</b>").format(one.row.measure.text if one.row.measure else MISSING),
            _difference(one),
            page.contract_mark(one.row.contract),
            evidence_cell(one.row),
        ]
        for one in values
    ]
    caption = "Agreed targets and headline KPIs in the last report and in this one; changes are sizes, not findings"
    return Markup(
        '<p>Beside <a class="last-report" data-period="{}">the report of {}</a>, as it was printed.</p>'
    ).format(period.label, period.title) + page.table(columns, rows, caption=caption, classes="stack")


def _printed_then(one: LastValue) -> str | Markup:
    if not one.is_restated:
        return one.then
    today = one.today.text if one.today else "no rows"
    return Markup('{} <span class="detail">restated: {}</span>').format(one.then, today)


def _difference(one: LastValue) -> str:
    decimals = decimals_of(one.row.kpi.unit, one.row.measure.value) if one.row.measure else None
    return format_change(one.change, one.row.kpi.unit, currency=one.row.currency, decimals=decimals)


def _summary(found: Restatements) -> Markup:
    if found.changed:
        count = plural(len(found.changed), "number")
        text = f"{count} of {found.compared} printed in the last report are printed otherwise now."
    else:
        text = f"All {found.compared} numbers of the last report that can be computed again are printed as they were."
    if found.unseen:
        text += f" {plural(found.unseen, 'more number')} changed by less than is printed."
    if found.gone:
        text += f" No longer computed: {', '.join(found.gone)}."
    return Markup("<p>{}</p>").format(text)


def _table(changed: list[Restated]) -> Markup:
    columns = [
        Column("KPI"),
        Column("Of"),
        Column("Then", "right"),
        Column("Now", "right"),
        Column("Cases then", "right"),
        Column("Cases now", "right"),
    ]
    rows: list[list[str | Markup | Cell]] = [
        [
            kpi_link(one.kpi),
            f"{one.start} to {one.end}" + "".join(f", {value}" for value in one.where.values()),
            one.then,
            one.now.text if one.now else "no rows",
            _cases(one.numerator if one.kpi.pooling == "total" else one.denominator),
            _cases((one.now.numerator if one.kpi.pooling == "total" else one.now.denominator) if one.now else None),
        ]
        for one in changed
    ]
    return page.table(columns, rows, caption="Numbers of the last report that changed", classes="stack")


def _cases(value: float | None) -> str:
    return MISSING if value is None or value != value else f"{value:,.6g}"


def _rules(review: Review) -> Markup:
    """Named rules that took out or changed rows: the usual reason."""
    changed = [c for c in review.dataset.check().counts if c.step.startswith(("dropped", "changed")) and c.rows]
    reasons = "; ".join(f"{c.table}, {c.step} ({abs(c.rows):,} rows)" for c in changed)
    text = (
        f"Rows that a named rule took out or changed in these data: {reasons}."
        if reasons
        else "No named rule took out or changed rows: later exports, or a changed definition, are what remains."
    )
    return page.note(text)
