"""Which numbers rest on complete data: KPI by week, and why a KPI cannot be computed."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, plural
from bpo_analysis.page import HeatCell
from bpo_analysis.periods import ReportPeriod
from bpo_analysis.review.context import Review
from bpo_analysis.review.coverage import Coverage, CoverageRow, coverage_of
from bpo_analysis.sections.amounts import noted_count
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section

__all__ = ["data_coverage"]

_DEPTH = {"full": 0.0, "short": 0.5, "none": 1.0}


@placed(audiences=("account", "delivery"))
def data_coverage(review: Review) -> Section:
    """Days with data per KPI and week against what is usual for it, and why the others cannot be computed."""
    found = coverage_of(review)
    body = _lead(review, found)
    for rows, periods, unit in ((found.rows, found.periods, found.unit), (found.monthly, found.months, "month")):
        gaps = [row for row in rows if not row.complete]
        if gaps:
            body += _matrix(gaps, periods, unit)
    body += _absent(review, found)
    question = "Which numbers rest on complete data?"
    return Section("coverage", page.section("coverage", "Data coverage", body, question=question))


def _lead(review: Review, found: Coverage) -> Markup:
    rows = [*found.rows, *found.monthly]
    complete = sum(row.complete for row in rows)
    spans = plural(len(found.periods), found.unit)
    return Markup(
        "<p><strong>{} of {} KPIs with data are complete in the last {}{}</strong>; {} cannot be computed from these "
        "data. Complete means: at least half of the days and cases that are usual for the KPI.</p>"
    ).format(
        noted_count(review, "coverage.complete", complete, "KPIs"),
        noted_count(review, "coverage.with_data", len(rows), "KPIs"),
        spans,
        f" (monthly ones: {plural(len(found.months), 'month')})" if found.monthly else "",
        noted_count(review, "coverage.absent", len(found.absent), "KPIs"),
    )


def _matrix(rows: Sequence[CoverageRow], periods: Sequence[ReportPeriod], unit: str) -> Markup:
    columns = [f"{p.start:%b %y}" if unit == "month" else f"{p.start.day} {p.start:%b}" for p in periods]
    body = [(row.kpi.label, [_cell(row, place) for place in range(len(periods))]) for row in rows]
    caption = f"KPIs with gaps: days with data of days usual, by {unit}; tinted: under half of the usual"
    return page.heat_table("KPI", columns, body, caption=caption)


def _cell(row: CoverageRow, place: int) -> HeatCell:
    days, state = row.days[place], row.state[place]
    text = MISSING if not days else f"{days}/{max(row.usual, days):.0f}"
    if state == "short" and days >= 0.5 * row.usual:
        text = f"{days}/{max(row.usual, days):.0f} few"
    return HeatCell(text, _DEPTH[state], "concern")


def _absent(review: Review, found: Coverage) -> Markup:
    if not found.absent:
        return Markup("")
    reasons: dict[str, list[str]] = {}
    for name, reason in found.absent.items():
        reasons.setdefault(reason, []).append(review.kpis[name].label if name in review.kpis else name)
    items = Markup("").join(
        Markup("<li>{}: {}</li>").format(reason, ", ".join(sorted(names))) for reason, names in sorted(reasons.items())
    )
    title = f"{plural(len(found.absent), 'KPI')} not computable, by reason"
    return page.details(title, Markup("<ul>{}</ul>").format(items))
