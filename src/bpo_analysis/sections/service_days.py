"""Day by day: a calendar of days that met and missed the service level, and every day's columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_value, plural
from bpo_analysis.page import Cell, Column, HeatCell
from bpo_analysis.periods import period_of
from bpo_analysis.review.context import Review
from bpo_analysis.review.hours import WEEKDAYS
from bpo_analysis.review.scorecard import ScoreRow, consistency, contract_state, score
from bpo_analysis.review.windows import WEEK_CONVENTION
from bpo_analysis.sections.parts import available, why_absent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing
from bpo_analysis.sections.service_summary import COLUMNS, HEADS, JUDGED

__all__ = ["service_by_day"]

_DEEP = 0.3
"""Points below the target at which the tint is deepest."""


@placed()
def service_by_day(review: Review) -> Section:
    """Calendar of days that met and missed the service level, and every day's columns folded below it."""
    id, title = "days", "Day by day"
    if review.dataset.grain != "day":
        return missing(id, title, f"the data are {review.dataset.grain}ly.")
    if review.period.days == 1:
        return missing(id, title, "the period is one day.")
    names = available(review, COLUMNS)
    if not names:
        return missing(id, title, why_absent(review, COLUMNS))
    body = _calendar(review) + _day_table(review, names)
    return Section(id, page.section(id, title, body, question="Was the target met every day, or only on average?"))


def _calendar(review: Review) -> Markup:
    name = next(iter(available(review, JUDGED)), None)
    if name is None:
        return page.note(f"No calendar: {why_absent(review, JUDGED)}")
    row = score(review, name, judged=False)
    if row.target is None:
        return page.note(f"No calendar of days met and missed: no target of {row.kpi.label} is in force.")
    where = {"channel": row.target.channel} if row.target.channel else None
    first, last = period_of(review.period.start, "week").start, period_of(review.period.end, "week").end
    weeks = [first + timedelta(weeks=n) for n in range(((last - first).days + 1) // 7)]
    rows = [
        (f"{monday.day} {monday:%b}", [_day_cell(review, row, where, monday + timedelta(days=n)) for n in range(7)])
        for monday in weeks
    ]
    grid = page.heat_table(
        "Week from", WEEKDAYS, rows,
        caption=f"{row.kpi.label} by day: ✓ met, ✕ missed {row.target_text}; deeper: farther from it",
    )  # fmt: skip
    return _consistency(review, row) + grid


def _day_cell(review: Review, row: ScoreRow, where: Mapping[str, str] | None, day: date) -> HeatCell:
    inside = review.period.start <= day <= review.period.end
    found = review.measure(row.kpi.name, start=day, end=day, where=where, interval=False) if inside else None
    if found is None or row.target is None:
        return HeatCell(MISSING if inside else "")
    state = contract_state(found, row.target, period_of(day, "day"))
    mark = {"met": "✓", "missed": "✕"}.get(state, "")
    value = format_value(found.value, row.kpi.unit, decimals=0)
    text = f"{mark} {value}".strip()
    if state == "missed":
        return HeatCell(text, max((row.target.value - found.value) / _DEEP, 0.1), "concern")
    return HeatCell(text, 0.15 if state == "met" else 0.0, "improvement")


def _consistency(review: Review, row: ScoreRow) -> Markup:
    """Share of days that met the target, and its longest miss."""
    clause = consistency(review, row)
    if clause is None or not clause.measured:
        return Markup("")
    worst = ""
    if clause.worst:
        worst = f"; worst {format_value(clause.worst[1], clause.row.kpi.unit)} ({clause.worst_when})"
    text = (
        f"Target {clause.row.target_text} met in {clause.met} of {plural(clause.measured, clause.unit)}; longest miss "
        f"{plural(clause.longest_miss, clause.unit)}{worst}."
    )
    review.note_figure(
        f"consistency.{row.kpi.name}",
        clause.met / clause.measured,
        f"{clause.met} of {clause.measured}",
        unit=f"share of {clause.unit}s",
        numerator=clause.met,
        denominator=clause.measured,
    )
    few = ""
    if clause.unit == "week":
        few = f" Days here have too few contacts to be judged one by one; the weeks are. {WEEK_CONVENTION}"
    return Markup("<p>{}{}</p>").format(text, few)


def _day_table(review: Review, names: Sequence[str]) -> Markup:
    rows: list[list[str | Markup | Cell]] = []
    for step in range(review.period.days):
        day = review.period.start + timedelta(days=step)
        found = [review.measure(name, start=day, end=day, interval=False) for name in names]
        rows.append([f"{WEEKDAYS[day.weekday()]} {day}", *(m.text if m else MISSING for m in found)])
    columns = [Column("Day"), *(Column(HEADS[name], "right") for name in names)]
    table = page.table(columns, rows, caption=f"Every day of {review.period.title}")
    return page.details(f"All {plural(review.period.days, 'day')}", table)
