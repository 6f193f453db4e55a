"""What notice of the partner would leave undone, with every assumption printed."""

from __future__ import annotations

from math import isinf

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import format_value, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.plotting import plot_coverage, to_svg
from bpo_analysis.review.context import Review
from bpo_analysis.review.exit_exposure import (
    PLANNED_OCCUPANCY,
    RANGE,
    Assumption,
    ExitExposure,
    spare_capacity,
    why_no_exit_exposure,
)
from bpo_analysis.review.exit_exposure import (
    exit_exposure as exposure_of,
)
from bpo_analysis.sections.parts import percent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["exit_exposure", "exit_lead", "scenario_table"]

_ID, _TITLE = "exit", "If the partner gave notice"
_WORDS = {"low": "quicker by a quarter", "base": "as assumed", "high": "slower by a quarter"}


@placed(audiences=["account"], client_only=True)
def exit_exposure(review: Review) -> Section:
    """Uncovered work by week after the partner's notice: sentence, chart, scenarios, assumptions, spare capacity."""
    found = exposure_of(review)
    if found is None:
        return missing(_ID, _TITLE, f"{why_no_exit_exposure(review) or 'no contacts were handled lately'}.")
    body = exit_lead(review, found) + _figure(review, found) + scenario_table(review, found)
    body += _assumptions(found) + _spare(review, found)
    return Section(
        _ID,
        page.section(_ID, _TITLE, body, question="How much work would nobody do until replacements are up to speed?"),
    )


def exit_lead(review: Review, found: ExitExposure) -> Markup:
    """Say the notice, the heads, and the uncovered work with its range."""
    notice = review.note_figure(
        "risk.notice_days_partner", found.notice_days, plural(found.notice_days, "day"), unit="days",
        where={"contract": found.contract_id},
    )  # fmt: skip
    heads = f"{found.heads.text} agents, the headcount of {found.heads.end},"
    opening = f"{review.name} may leave with {notice}' notice; {heads} would have to be replaced. "
    base = found.base
    if base.uncovered_weeks < 0.05:
        slow = found.scenarios["high"]
        tail = (
            f"Slower by a quarter, {_amount(review, found, 'high')} would be left undone."
            if slow.uncovered_weeks >= 0.05
            else "That holds, too, if all of it went slower by a quarter."
        )
        return Markup("<p>{}Hiring and training as assumed, replacements would be there in time. {}</p>").format(
            opening, tail
        )
    weeks = f"from week {base.first_week} to week {base.last_week}"
    text = (
        f"{'At least ' if found.at_least else ''}{_amount(review, found, 'base')} of its work would be left undone, "
        f"{weeks} after the notice ({_amount(review, found, 'low')} if replacements come a quarter quicker, "
        f"{_amount(review, found, 'high')} a quarter slower): {base.uncovered_weeks:.1f} weeks of work in all, "
        f"and in the worst week {_share(review, base.worst)} of it."
    )
    tone = "concern" if base.worst > 0.5 else "info"
    return page.note(opening + text, tone)  # type: ignore[arg-type]


def _share(review: Review, worst: float) -> str:
    return review.note_figure("risk.exit_worst_week", worst, percent(worst), unit="share of a week's work")


def _amount(review: Review, found: ExitExposure, scenario: str) -> str:
    where = {"scenario": scenario}
    hours = found.hours(scenario)
    if hours is not None:
        return review.note_figure(
            "risk.exit_gap_hours", hours, format_value(round(hours), "hours", decimals=0), unit="hours", where=where
        )
    contacts = found.contacts(scenario)
    text = f"{contacts:,.0f} contacts"
    return review.note_figure("risk.exit_gap_contacts", contacts, text, unit="contacts", where=where)


def _figure(review: Review, found: ExitExposure) -> Markup:
    hours = found.weekly_hours
    scale, unit = (hours, "hours") if hours is not None else (found.weekly_contacts, "contacts")
    weeks = found.base.weeks.copy()
    weeks[["partner", "replacements", "uncovered"]] *= scale
    covered = {
        name: (scenario.weeks.set_index("week")[["partner", "replacements"]].sum(axis=1) * scale).reindex(
            weeks["week"], fill_value=scale
        )
        for name, scenario in found.scenarios.items()
    }
    ax = plot_coverage(
        weeks,
        unit=f"{unit} a week",
        format_value=lambda v: f"{v:,.0f}",
        least=covered["high"],
        most=covered["low"],
    )
    last = found.base.last_week
    ending = f"a gap until week {last}" if last else "no gap as assumed"
    title = f"Who would do the work after a notice: {ending}"
    alt = (
        f"{title}. Bars by week, {unit} of work: the partner until its notice of {plural(found.notice_days, 'day')} "
        "ends, "
        f"then replacements; {_amount(review, found, 'base')} in all by nobody."
    )
    rows = [
        [f"{row['week']}", *(f"{row[name]:,.1f}" for name in ("partner", "replacements", "uncovered"))]
        for row in weeks.astype({"week": int}).to_dict("records")
    ]
    columns = [Column("Week"), Column("Partner", "right"), Column("Replacements", "right"), Column("Nobody", "right")]
    data = page.table(columns, rows, caption=f"Work by week from the day of notice, in {unit}")
    return page.figure(to_svg(ax), title=title, alt=alt, data=data, id="fig-exit")


def scenario_table(review: Review, found: ExitExposure) -> Markup:
    """The three scenarios: work left undone, weeks with a gap, worst week."""
    columns = [
        Column("Scenario"),
        Column("Left undone", "right"),
        Column("In weeks of work", "right"),
        Column("Gap in weeks"),
        Column("Worst week", "right"),
    ]
    rows = []
    for name, scenario in found.scenarios.items():
        gap = f"{scenario.first_week} to {scenario.last_week}" if scenario.first_week else "none"
        weeks = f"{scenario.uncovered_weeks:.1f}"
        review.note_figure(
            "risk.exit_gap_weeks", scenario.uncovered_weeks, weeks, unit="weeks of work", where={"scenario": name}
        )
        rows.append([_WORDS[name], _amount(review, found, name), weeks, gap, percent(scenario.worst)])
    return page.table(columns, rows, caption="How much is left undone, by how fast replacements come", classes="stack")


def _assumptions(found: ExitExposure) -> Markup:
    columns = [
        Column("Assumption"),
        Column("Quicker", "right"),
        Column("As assumed", "right"),
        Column("Slower", "right"),
        Column("From"),
    ]
    rows: list[list[str | Markup | Cell]] = [_assumption_row(assumption) for assumption in found.assumptions]
    hours = "" if found.weekly_hours is None else f", {found.weekly_hours:,.1f} hours of handling"
    work = f"{found.weekly_contacts:,.0f} contacts{hours} a week, the average from {found.start} to {found.end}"
    text = Markup(
        "<p>Notice is given on {}. The work stays as it was: {}. Scenarios are {} quicker and slower in every "
        "assumption at once; nobody leaves during the notice, and each agent does an equal part.</p>"
    ).format(found.end, work, percent(RANGE))
    table = page.table(columns, rows, caption="What the scenarios rest on", classes="stack")
    curve = ""
    if found.curve:
        blocks = ", ".join(percent(share) for share in found.curve[::4])
        curve = Markup(
            "<p>Output of newcomers against experienced agents, by four weeks of live contacts: {}.</p>"
        ).format(blocks)
    open_ones = any(not assumption.known for assumption in found.assumptions)
    return page.details("Assumptions", text + table + curve, open=open_ones)


def _assumption_row(found: Assumption) -> list[str | Markup | Cell]:
    if not found.known:
        return [found.name, "not known", "not known", "not known", f"{found.source}; left at what costs no time"]
    values = ["any" if isinf(v) else f"{v:,.1f}" for v in (found.low, found.base, found.high)]
    return [f"{found.name} ({found.unit})", *values, found.source]


def _spare(review: Review, found: ExitExposure) -> Markup:
    if not review.shows_others:
        return Markup("")
    table = spare_capacity(review)
    if table is None:
        return page.note("Spare capacity of others: not known, no agent time of another partner is on record.")
    total = float(table["spare_hours"].sum())
    hours = review.note_figure("risk.spare_hours", total, f"{total:,.0f} hours", unit="hours a week")
    part = (
        "" if found.weekly_hours is None else f", {percent(min(total / found.weekly_hours, 1))} of this partner's work"
    )
    columns = [Column("Who"), Column("Occupancy", "right"), Column("Spare", "right", "hours a week")]
    rows = [
        [str(row["name"]), format_value(row["occupancy"], "share"), f"{row['spare_hours']:,.1f}"]
        for row in table.to_dict("records")
    ]
    lead = Markup(
        "<p>At an occupancy of {} the others could take on {} a week more{}, if they have the skills.</p>"
    ).format(percent(PLANNED_OCCUPANCY), hours, part)
    caption = f"Handling others could add up to an occupancy of {percent(PLANNED_OCCUPANCY)}"
    return lead + page.details("Spare capacity by partner", page.table(columns, rows, caption=caption))
