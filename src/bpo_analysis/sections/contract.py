"""Contract scorecard: every clause, how consistently it was met, and the partner's own numbers beside ours."""

from __future__ import annotations

from math import isnan

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_change, format_pvalue, format_value, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.context import Review
from bpo_analysis.review.plan import REPORTS, judgement
from bpo_analysis.review.reconciliation import Reconciliation, reconcile
from bpo_analysis.review.scorecard import Clause, clauses
from bpo_analysis.review.windows import WEEK_CONVENTION
from bpo_analysis.sections.parts import actual_cell, evidence_cell, kpi_link
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["contract_scorecard"]

_ID, _TITLE = "contract", "Contract scorecard"


@placed(audiences=("account", "delivery"))
def contract_scorecard(review: Review) -> Section:
    """Every target in force: contract state, evidence, consistency; then reported against measured."""
    found = clauses(review)
    if not found:
        return missing(_ID, _TITLE, f"no target is in force for {review.name} on {review.period.end}.")
    body = _clause_table(review, found) + _reported(review)
    return Section(
        _ID,
        page.section(
            _ID, _TITLE, body, question="Was every clause met, how consistently, and do both sides count alike?"
        ),
    )


def _clause_table(review: Review, found: list[Clause]) -> Markup:
    columns = [
        Column("KPI"),
        Column("Target", "right"),
        Column("Actual", "right"),
        Column("Contract"),
        Column("Evidence"),
        Column("Consistency", note="periods that met it"),
        Column("Worst", "right"),
        Column("Status"),
    ]
    rows = [_clause_row(clause, review.currency) for clause in found]
    table = page.table(columns, rows, caption=f"Targets in force on {review.period.end}", classes="stack")
    by_week = any(clause.measured and clause.unit == "week" for clause in found)
    return table + Markup('<p class="muted">{}</p>').format(WEEK_CONVENTION) if by_week else table


def _clause_row(clause: Clause, currency: str) -> list[str | Markup | Cell]:
    row, target = clause.row, clause.row.target
    scope = f" ({clause.scope})" if clause.scope else ""
    name = Markup('<span class="group">{}</span> {}{}').format(
        target.clause if target else "", kpi_link(row.kpi), scope
    )
    consistency: str | Markup = MISSING
    worst: str | Markup = MISSING
    if clause.measured:
        met = f"{clause.met} of {plural(clause.measured, clause.unit)}"
        consistency = _two_lines(met, f"longest miss {plural(clause.longest_miss, clause.unit)}")
    if clause.worst:
        value = format_value(clause.worst[1], row.kpi.unit, currency=currency)
        worst = _two_lines(value, clause.worst_when)
    status: str | Markup = MISSING
    if target is not None:
        status = _two_lines(target.status, str(target.agreed_on)) if target.agreed_on else target.status or MISSING
    return [
        name,
        row.target_text,
        actual_cell(row),
        page.contract_mark(row.contract),
        evidence_cell(row),
        consistency,
        worst,
        status,
    ]


def _two_lines(text: str, small: str) -> Markup:
    return Markup('{} <span class="interval">{}</span>').format(text, small)


def _reported(review: Review) -> Markup:
    found = reconcile(review)
    if found is None:
        return page.note("Reported against measured: not shown, table vendor_reported is not in this dataset.")
    if not found:
        return page.note(f"Reported against measured: {review.name} has reported no month that can be compared.")
    columns = [
        Column("KPI"),
        Column("Reported", "right"),
        Column("Measured", "right"),
        Column("Difference", "right"),
        Column("Months that differ"),
        Column("Reading"),
    ]
    adjusted = judgement(review).adjusted(REPORTS)
    rows = [_reported_row(review, r, adjusted.get(r.label, float("nan"))) for r in found]
    table = page.table(
        columns, rows, caption="What the partner reports beside what the rows say, last month reported", classes="stack"
    )
    plan = "Sign test over the months that differ, adjusted with all tests of this page."
    return Markup('<h3>Reported against measured</h3>{}<p class="muted">{}</p>').format(table, plan)


def _reported_row(review: Review, found: Reconciliation, adjusted: float) -> list[str | Markup | Cell]:
    last, unit, currency = found.table.iloc[-1], found.kpi.unit, review.currency
    month = {"month": str(last["period"])}
    reported = format_value(last["reported"], unit, currency=currency)
    review.note_figure(f"reported.{found.kpi.name}", last["reported"], reported, unit=unit, where=month)
    apart = format_change(last["difference"], unit, currency=currency)
    review.note_figure(f"reported.{found.kpi.name}_difference", last["difference"], apart, unit=unit, where=month)
    if not found.differing:
        reading = "agrees"
    elif isnan(adjusted):
        reading = "no direction: this KPI has no better side"
    else:
        better = f"better than measured in {found.flattering} of {found.differing}"
        reading = f"{better}, adjusted p {format_pvalue(adjusted)}"
    return [
        kpi_link(found.kpi),
        reported,
        format_value(last["measured"], unit, currency=currency),
        apart,
        f"{found.differing} of {len(found.table)}",
        reading,
    ]
