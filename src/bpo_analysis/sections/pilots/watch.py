"""Sections of a running pilot. Nothing here is a p-value or an interval of one look alone: all hold at every look."""

from __future__ import annotations

from math import isfinite
from typing import Any

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_change, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.plotting import BoundaryPanel, plot_boundaries, to_svg
from bpo_analysis.review.pilots.results import MetricLook
from bpo_analysis.sections.listing import listed
from bpo_analysis.sections.pilots.parts import (
    bullets,
    change_cell,
    concerns_in_words,
    headline_of,
    is_fixed,
    metric_name,
    registration_note,
    state_mark,
)
from bpo_analysis.sections.pilots.view import PilotPage
from bpo_analysis.sections.section import Section, missing

__all__ = ["all_looks", "where_it_stands"]

_EVERY_LOOK = (
    "Intervals hold at all planned looks together, so that looking does not make anything look surer than it is. "
    "Early ones are wide on purpose. What came after the last planned look is counted, not tested."
)
_KINDS = (
    "The repeated interval of a look holds whatever the pilot does next; the stagewise one is that of a pilot that has "
    "stopped there, and is quoted once a boundary is crossed or the end is reached."
)
_EXPECTED = (
    "Shares of the information are those expected at each look before the start: boundaries must not depend on how "
    "much the units happen to differ at a look."
)
_KEPT = (
    "Looks before the end spend as if the end would bring half as much information again: most of the level is kept "
    "for the data of the whole pilot."
)


@listed
def where_it_stands(view: PilotPage) -> Section:
    """First screen: does it go on; each metric against its boundary; looks used; guardrails."""
    look = view.look
    sentence = _sentence(view)
    crossed_bad = any(one.crossed and one.direction == "worse" for one in look.metrics)
    tone = "bad" if crossed_bad else "good" if look.state == "crossed" else ""
    html = Markup(
        '<div class="first-screen" id="summary"><p class="verdict {tone}">{sentence}</p>{table}{figure}'
        '<div class="columns"><div>{said}</div><div>{registration}</div></div>'
        '<p class="confidence">{every}</p></div>'
    ).format(
        tone=tone,
        sentence=sentence,
        table=_table(view),
        figure=_figure(view),
        said=bullets([*look.sentences, *_concerns(view)]),
        registration=registration_note(view),
        every=_EVERY_LOOK if view.pilot.against_history else f"{_EVERY_LOOK} {_EXPECTED}",
    )
    title, until = view.pilot.spec.title, f"Pilot data until {view.pilot.as_of}."
    headline = headline_of(view, f"Running pilot {title}", sentence, coverage=until)
    state = {"state": look.state, "looks_used": look.looks_used, "looks_planned": look.looks_planned}
    return Section("summary", html, {"headline": headline, "look": state})


def _sentence(view: PilotPage) -> str:
    look = view.look
    used = f"{look.looks_used} of {look.looks_planned} planned looks used"
    if look.state == "too early":
        return f"Too early to say: the first planned look is on {look.next_look}. Only the data are checked."
    crossed = [one for one in look.metrics if one.crossed]
    if crossed:
        groups: dict[str, list[str]] = {}
        for one in sorted(crossed, key=lambda one: one.look):
            where = "at the end" if one.look == look.looks_planned else f"at look {one.look} ({one.day})"
            groups.setdefault(where, []).append(f"{one.kpi.label} is {one.direction}")
        said = "; ".join(f"{where}: {' and '.join(names)}" for where, names in groups.items())
        rule = "registered rule" if is_fixed(view) else "rule in the pilot file, which was not fixed beforehand,"
        return f"Boundary crossed {said} ({used}). The {rule} can be applied: evaluate it."
    if look.state == "ended":
        return f"It has ended and no metric crossed its boundary ({used}). Evaluate it."
    guards = any(one.role == "guardrail" for one in look.metrics)
    safe = "no guardrail has been crossed and " if guards else ""
    return f"It goes on: {safe}no metric has reached its boundary ({used})."


def _concerns(view: PilotPage) -> list[Markup]:
    found = view.look.health.concerns
    if not found:
        return [Markup("The checks of the data found nothing to look into.")]
    text = Markup('{} of the data found something to <a href="#health">look into</a>: {}.')
    return [text.format(plural(len(found), "check"), concerns_in_words(view.look.health))]


def _table(view: PilotPage) -> Markup:
    columns = [
        Column("Metric"),
        Column("State"),
        Column("Information", "right", "of that expected at the end"),
        Column("Statistic", "right", "standard errors, good is above 0"),
        Column("Boundary", "right", "either way"),
        Column("Difference", "right", _kind(view)),
        Column("Units", "right", "pilot / baseline"),
    ]
    rows: list[list[str | Markup | Cell]] = [_row(view, one) for one in view.look.metrics]
    for name, reason in view.look.unready.items():
        metric = next(one for one in view.pilot.spec.metrics if one.kpi == name)
        cells = [MISSING] * 4
        rows.append([metric_name(view.pilot.kpi(metric), metric.role), state_mark("not checked"), reason, *cells])
    if not rows:
        return Markup("")
    days: dict[str, list[str]] = {}
    for one in view.look.metrics:
        days.setdefault(str(one.day), []).append(one.kpi.label)
    caption = f"The look of {view.look.last_look}"
    if len(days) == 1:
        caption = f"The look of {next(iter(days))}"
    elif days:
        caption = "; ".join(f"{', '.join(names)}: the look of {day}" for day, names in sorted(days.items()))
    return page.table(columns, rows, caption=caption, classes="scorecard stack")


def _kind(view: PilotPage) -> str:
    """Which interval the first table shows: stagewise where a metric has stopped, repeated where it goes on."""
    if view.pilot.against_history:
        return "interval over all looks"
    over = [one.crossed or one.look == view.look.looks_planned for one in view.look.metrics]
    if all(over) or not any(over):
        return f"{'stagewise' if any(over) else 'repeated'} interval over all looks"
    return "interval over all looks: stagewise where it is over, else repeated"


def _row(view: PilotPage, one: MetricLook) -> list[str | Markup | Cell]:
    sign = 1 if one.better == "higher" else -1
    waiting = "goes on" if view.look.looks_used < view.look.looks_planned else "not crossed"
    return [
        metric_name(one.kpi, one.role),
        state_mark(f"crossed, {one.direction}" if one.crossed else waiting),
        f"{100 * one.information_fraction:.0f} %" if isfinite(one.information_fraction) else MISSING,
        _signed(sign * one.statistic),
        _boundary(one.boundary),
        change_cell(one.kpi, one.estimate, one.ci_low, one.ci_high, one.confidence_level, view.currency),
        f"{one.n_pilot} / {one.n_baseline}",
    ]


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−") if isfinite(value) else MISSING


def _boundary(value: float) -> str:
    if isfinite(value):
        return f"{value:.2f}"
    return "none yet" if value == float("inf") else MISSING


def _figure(view: PilotPage) -> Markup:
    drawn = [one for one in view.look.metrics if isfinite(one.statistic) and len(one.table)]
    if not drawn:
        return Markup("")
    panels = []
    for one in drawn:
        sign = 1 if one.better == "higher" else -1
        ahead = (one.next_information_fraction, one.next_boundary)
        panels.append(
            BoundaryPanel(
                title=one.kpi.label,
                looks=one.table.assign(statistic=sign * one.table["statistic"]),
                next_look=None if one.crossed else ahead,
                crossed=one.crossed,
            )
        )
    crossed = [one.kpi.label for one in drawn if one.crossed]
    title = f"Crossed: {', '.join(crossed)}" if crossed else "Every metric lies inside its boundaries"
    spoken = "; ".join(
        f"{one.kpi.label} at {_signed(panel.looks['statistic'].iloc[-1])}, boundary {_boundary(one.boundary)}"
        for one, panel in zip(drawn, panels, strict=True)
    )
    alt = f"{title}. For each metric the statistic by share of the information, with the boundaries shaded: {spoken}."
    wide, narrow = (to_svg(plot_boundaries(panels, phone=phone)[0]) for phone in (False, True))
    table = _looks_table(view, drawn)
    return page.figure(wide, narrow=narrow, title=title, alt=alt, data=table, id="fig-boundaries")


@listed
def all_looks(view: PilotPage) -> Section:
    """Which looks were planned and used, and what each said."""
    look, id, title = view.look, "looks", "The looks"
    rows = [
        [
            str(number),
            str(day),
            "used" if number <= look.looks_used else "to come",
            "the end" if number == look.looks_planned else "interim",
        ]
        for number, day in enumerate(look.look_days, 1)
    ]
    body = page.table(
        [Column("Look"), Column("Data until"), Column("State"), Column("Kind")],
        rows,
        caption=f"{look.looks_used} of {plural(look.looks_planned, 'planned look')} used",
    )
    if not look.metrics:
        return Section(id, missing(id, title, "no planned look has been reached.").html + body)
    body += bullets(one.sentence for one in look.metrics)
    notes: dict[str, list[str]] = {}
    for one in look.metrics:
        if one.note:
            notes.setdefault(one.note, []).append(one.kpi.label)
    body += bullets(f"{', '.join(labels)}: {note}" for note, labels in notes.items())
    if not view.pilot.against_history:
        body += page.note(_KINDS)
    if look.looks_used < look.looks_planned:
        body += page.note(_KEPT)
    question = "When may be looked, when was it, and what did it say?"
    return Section(id, page.section(id, title, body, question=question))


def _looks_table(view: PilotPage, looks: list[MetricLook]) -> Markup:
    columns = [
        Column("Metric"),
        Column("Look", "right"),
        Column("Data until"),
        Column("Information", "right"),
        Column("Statistic", "right"),
        Column("Boundary", "right"),
        Column("Difference", "right"),
        Column("Repeated interval over all looks", "right"),
    ]
    rows = [_look_row(view, one, row) for one in looks for row in one.table.to_dict("records")]
    return page.table(columns, rows, caption="Every look so far", classes="stack")


def _look_row(view: PilotPage, one: MetricLook, row: dict[Any, Any]) -> list[str | Markup | Cell]:
    sign = 1 if one.better == "higher" else -1
    cell = change_cell(one.kpi, row["estimate"], row["ci_low"], row["ci_high"], one.confidence_level, view.currency)
    interval = str(Markup(cell.text).striptags()).partition(": ")
    return [
        one.kpi.label,
        str(row["look"]),
        f"{pd.Timestamp(row['day']):%Y-%m-%d}",
        f"{100 * row['information_fraction']:.0f} %",
        _signed(sign * row["statistic"]),
        _boundary(row["boundary"]),
        format_change(row["estimate"], one.kpi.unit, currency=view.currency),
        interval[2].strip() or "none yet",
    ]
