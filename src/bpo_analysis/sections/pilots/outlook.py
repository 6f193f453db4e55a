"""Sections of the plan of a pilot: can it show its margins, and what would?"""

from __future__ import annotations

from math import isfinite

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_axis, format_change, format_value, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.plotting import plot_detectable, to_svg
from bpo_analysis.review.pilots.context import base_words
from bpo_analysis.review.pilots.results import MetricPlan
from bpo_analysis.sections.listing import listed
from bpo_analysis.sections.pilots.parts import (
    bullets,
    headline_of,
    metric_name,
    registration_note,
    rule_in_words,
    state_mark,
)
from bpo_analysis.sections.pilots.verdict import margin_words
from bpo_analysis.sections.pilots.view import PilotPage, span_title
from bpo_analysis.sections.section import Section, missing

__all__ = ["can_it_show", "detectable_by_weeks", "how_it_will_be_judged", "material"]

_WEEKS_SHOWN = 13


@listed
def can_it_show(view: PilotPage) -> Section:
    """First screen: can the planned pilot show its margins; if not, what would."""
    plan = view.plan
    sentence = _sentence(view)
    html = Markup(
        '<div class="first-screen" id="summary"><p class="verdict {tone}">{sentence}</p>{table}'
        '<div class="columns"><div>{notes}</div><div>{registration}</div></div>'
        '<p class="confidence">{rests}</p></div>'
    ).format(
        tone="good" if plan.enough else "bad",
        sentence=sentence,
        table=_table(view),
        notes=bullets(plan.notes),
        registration=registration_note(view),
        rests=_rests(view),
    )
    headline = headline_of(
        view, f"Plan of pilot {view.pilot.spec.title}", sentence, coverage=f"History until {plan.history_end}."
    )
    return Section("summary", html, {"headline": headline})


def _sentence(view: PilotPage) -> str:
    plan, spec = view.plan, view.pilot.spec
    arms = f"{plan.n_pilot} pilot and {plan.n_baseline} baseline {spec.unit}s over {plan.weeks:g} weeks that count"
    if view.pilot.against_history:
        arms = f"{plan.n_pilot} {spec.unit}s against their own history over {plan.weeks:g} weeks that count"
    primary = [one for one in plan.metrics if one.role == "primary"]
    short = [one for one in primary if not one.enough]
    lacking = [view.pilot.kpi(one).label for one in spec.primaries if one.kpi in plan.unready]
    if lacking:
        return f"It cannot be told whether {arms} are enough: {', '.join(lacking)} has too little history."
    if short:
        worst = min(short, key=lambda one: one.power)
        return (
            f"As planned it is too small: {arms} show the margin of {worst.kpi.label} in {100 * worst.power:.0f} of "
            "100 such pilots, not 80."
        )
    weakest = min(primary, key=lambda one: one.power)
    guards = [one for one in plan.metrics if one.role == "guardrail" and not one.enough]
    but = f" Not so for {plural(len(guards), 'guardrail')}: they may end in cannot tell." if guards else ""
    return (
        f"As planned it is large enough: {arms} show the margin in {100 * weakest.power:.0f} of 100 such pilots.{but}"
    )


def _table(view: PilotPage) -> Markup:
    columns = [
        Column("Metric"),
        Column("To show"),
        Column("Large enough?"),
        Column("Can show", "right", "in 80 of 100 pilots"),
        Column("Power", "right", "for its margin"),
        Column("What would do"),
    ]
    rows: list[list[str | Markup | Cell]] = []
    for one in view.plan.metrics:
        found = format_change(one.detectable, one.kpi.unit, currency=view.currency).lstrip("+")
        rows.append(
            [
                metric_name(one.kpi, one.role),
                margin_words(view, one.margin, one.kpi.unit, one.test),
                state_mark("enough" if one.enough else "too small"),
                Cell(Markup('<span class="value">{}</span>').format(found), sort=one.detectable),
                f"{100 * one.power:.0f} %",
                "as planned" if one.enough else _instead(view, one),
            ]
        )
    for name, reason in view.plan.unready.items():
        metric = next(one for one in view.pilot.spec.metrics if one.kpi == name)
        kpi = view.pilot.kpi(metric)
        margin = margin_words(view, metric.margin, kpi.unit, metric.test)
        rows.append([metric_name(kpi, metric.role), margin, state_mark("not checked"), MISSING, MISSING, reason])
    return page.table(columns, rows, caption="Can the planned pilot show its margins?", classes="scorecard stack")


def _instead(view: PilotPage, one: MetricPlan) -> str:
    unit, weeks = view.pilot.spec.unit, view.plan.weeks
    ways = []
    if one.needed_units:
        ways.append(f"{plural(one.needed_units, f'pilot {unit}')} for {weeks:g} weeks")
    if one.needed_weeks:
        ways.append(f"{one.needed_weeks} weeks with the planned {unit}s")
    if isfinite(one.needed_margin):
        ways.append(f"a margin of {format_change(one.needed_margin, one.kpi.unit, currency=view.currency).lstrip('+')}")
    return "; or ".join(ways) or "nothing within a year"


def _rests(view: PilotPage) -> str:
    plan = view.plan
    seen = "Only what was known before the start is used"
    return (
        f"{seen}: the units' own history of {span_title(plan.history_start, plan.history_end)}. "
        f"Hypothesis: {view.pilot.spec.hypothesis or 'none on record'}"
    )


@listed
def detectable_by_weeks(view: PilotPage) -> Section:
    """What can be shown by number of weeks and units, with and without the units' own baseline."""
    id, title = "detectable", "What more weeks or units would show"
    known = [one for one in view.plan.metrics if len(one.curve) and (one.curve["detectable"] > 0).any()]
    if not known:
        return missing(id, title, "no metric has enough history to draw it.")
    charts = Markup("").join(_curve(view, one) for one in known)
    body = Markup('<div class="charts">{}</div>').format(charts)
    question = "Smallest difference that 80 of 100 such pilots would show, by length."
    return Section(id, page.section(id, title, body, question=question))


def _curve(view: PilotPage, one: MetricPlan) -> Markup:
    kpi, plan = one.kpi, view.plan
    curve = one.curve[one.curve["detectable"].notna()]
    sizes = sorted({int(n) for n in curve["n_pilot"]}, key=lambda n: abs(n - plan.n_pilot))
    wide, narrow = (
        plot_detectable(
            curve,
            n_pilot=sizes[0],
            weeks=plan.weeks,
            margin=one.margin,
            format_value=lambda value: format_axis(value, kpi.unit).replace(" %", " pp"),
            phone=phone,
        )
        for phone in (False, True)
    )
    shown = [format_change(v, kpi.unit, currency=view.currency).lstrip("+") for v in (one.detectable, one.margin)]
    compared = "within" if one.enough else "above"
    title = f"{kpi.label}: as planned it can show {shown[0]}, {compared} the margin of {shown[1]}"
    without = format_change(one.detectable_without, kpi.unit, currency=view.currency).lstrip("+")
    own = f"without the units' own baseline {without}"
    alt = f"{title}; {own}. Falling curves of the detectable difference by weeks, with the margin as a line."
    return page.figure(
        to_svg(wide),
        narrow=to_svg(narrow),
        title=title,
        alt=alt,
        data=_grid(view, one),
        id=f"fig-detectable-{kpi.name}",
    )


def _grid(view: PilotPage, one: MetricPlan) -> Markup:
    """Weeks down, units across; with the own baseline, and the planned units without it."""
    own = one.curve[one.curve["own_baseline"]].pivot_table(index="weeks", columns="n_pilot", values="detectable")
    plain_curve = one.curve[~one.curve["own_baseline"] & (one.curve["n_pilot"] == view.plan.n_pilot)]
    without = plain_curve.set_index("weeks")["detectable"]
    weeks = [week for week in own.index if week in (2, 4, 6, 8, 11, 13, 16, 20, 26) or week == round(view.plan.weeks)]
    columns = [Column("Weeks"), *(Column(plural(n, "unit"), "right") for n in own.columns)]
    if len(without):
        columns.append(Column(plural(view.plan.n_pilot, "unit"), "right", "without own baseline"))
    rows = []
    for week in weeks:
        values = [own.loc[week, n] for n in own.columns] + ([without.get(week, float("nan"))] if len(without) else [])
        cells = [format_change(v, one.kpi.unit, currency=view.currency).lstrip("+") for v in values]
        rows.append([f"{week:g}{' (planned)' if week == round(view.plan.weeks) else ''}", *cells])
    return page.table(columns, rows, caption=f"{one.kpi.label}: detectable difference by weeks and pilot units")


@listed
def material(view: PilotPage) -> Section:
    """Units, contacts, and how much units differ and persist."""
    plan = view.plan
    columns = [
        Column("Metric"),
        Column("Level so far", "right"),
        Column("Units", "right", "with history"),
        Column("Cases a unit and week", "right"),
        Column("Units differ by", "right", "standard deviation"),
        Column("Likeness of a unit's cases", "right", "intraclass correlation"),
        Column("Persistence of units", "right", "correlation with their past"),
    ]
    rows = []
    for one in plan.metrics:
        unit = one.kpi.unit
        icc = f"{one.icc:.3f}" if isfinite(one.icc) else MISSING
        if isfinite(one.icc_ci_low) and isfinite(one.icc_ci_high):
            icc += f" ({one.icc_ci_low:.3f} to {one.icc_ci_high:.3f})"
        rows.append(
            [
                one.kpi.label,
                format_value(one.value, unit, currency=view.currency),
                f"{one.units:,}",
                format_value(one.contacts_per_unit_week, "score"),
                format_change(one.sd_units, unit, currency=view.currency).lstrip("+"),
                icc,
                f"{one.persistence:.2f}" if isfinite(one.persistence) else MISSING,
            ]
        )
    table = page.table(columns, rows, caption="What the plan rests on", classes="stack")
    how: dict[str, list[str]] = {}
    for one in plan.metrics:
        if one.persistence_how:
            how.setdefault(one.persistence_how.rstrip("."), []).append(one.kpi.label)
    notes = [f"Persistence of {', '.join(labels)}: {text}." for text, labels in how.items()]
    body = table + bullets([*notes, *dict.fromkeys(one.note for one in plan.metrics if one.note)]) + _weekly(view)
    question = "How many units and contacts are there, and how much do units differ?"
    return Section("material", page.section("material", "What there is to work with", body, question=question))


def _weekly(view: PilotPage) -> Markup:
    weekly = view.plan.weekly.tail(_WEEKS_SHOWN)
    names = [name for name in weekly.columns if name in view.pilot.kpis]
    kpis = [view.pilot.kpis[name] for name in names]
    columns = [
        Column("Week of"),
        Column("Units", "right"),
        *(Column(kpi.label, "right", base_words(kpi)) for kpi in kpis),
    ]
    rows = [
        [str(row["week"])[:10], f"{row['units']:,}", *(format_value(row[name], "count") for name in names)]
        for row in weekly.to_dict("records")
    ]
    return page.table(columns, rows, caption=f"Units at work and cases, the last {plural(len(rows), 'week')}")


@listed
def how_it_will_be_judged(view: PilotPage) -> Section:
    """The decision rule before any result."""
    rows = [[words, then] for _, words, then in rule_in_words(view)]
    body = page.table([Column("If"), Column("Then")], rows, caption="The decision rule")
    title = "How it will be judged"
    return Section("rule", page.section("rule", title, body, question="What follows from which outcome?"))
