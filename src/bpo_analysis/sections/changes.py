"""Significant changes: quality and cost before and after each, beside each other."""

from __future__ import annotations

from math import isfinite

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_change, format_interval, format_value, plural
from bpo_analysis.kpis import Kpi
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.change_effects import ChangeEffect, Effect, change_effects
from bpo_analysis.review.context import Review
from bpo_analysis.sections.parts import percent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["changes_before_after"]

_SUSPECT = 0.05
_READING = (
    "A level after a date that differs from the level before is not proof that the change brought it about: whatever "
    "else came at that date is in it. Taking out what other partners did at the same time, and looking at dates "
    "without a change, guards against some of it."
)


@placed(audiences=("account", "delivery"))
def changes_before_after(review: Review) -> Section:
    """Every significant change of the last year: what its own KPI, quality, handle time and cost did around it."""
    id, title = "change-effects", "Before and after each change"
    found = change_effects(review)
    if found is None:
        return missing(id, title, "table events is not in this dataset.")
    if not found:
        return missing(id, title, "no event of kind change began in the last twelve months.")
    body = Markup("").join(_change(review, change) for change in found)
    body += page.note(_READING)
    question = "What did quality and cost do when something was changed?"
    return Section(id, page.section(id, title, body, question=question))


def _change(review: Review, change: ChangeEffect) -> Markup:
    side = f", {change.side}'s change" if change.side in ("client", "partner") else ""
    heading = Markup("<h3>{}: {}{}</h3>").format(change.start, change.title, side)
    columns = [
        Column("KPI"),
        Column("Before", "right"),
        Column("After", "right"),
        Column("Difference", "right", f"{percent(review.confidence_level)} interval"),
        Column("Reading"),
        Column("Looked at"),
    ]
    rows = [_row(review, change, effect) for effect in change.effects]
    caption = f"Levels before and after {change.start}; quality and cost beside each other"
    table = page.table(columns, rows, caption=caption, classes="stack")
    return heading + _sentence(change) + table + _warnings(change)


def _sentence(change: ChangeEffect) -> Markup:
    clear = [effect for effect in change.effects if effect.clear and effect.result is not None]
    if not clear:
        return Markup("<p>No level is clearly different after it.</p>")
    parts = [
        f"{effect.kpi.label} {'higher' if effect.result.estimate > 0 else 'lower'} by {_size(effect)} "
        f"({_meaning(effect)})"
        for effect in clear
        if effect.result is not None
    ]
    return Markup("<p><strong>Clearly different after it: {}.</strong></p>").format("; ".join(parts))


def _size(effect: Effect) -> str:
    assert effect.result is not None
    return format_change(abs(effect.result.estimate), effect.kpi.unit).lstrip("+±")


def _meaning(effect: Effect) -> str:
    if effect.result is None or effect.kpi.better == "none":
        return "neither better nor worse by itself"
    return "better" if (effect.result.estimate > 0) == (effect.kpi.better == "higher") else "worse"


def _row(review: Review, change: ChangeEffect, effect: Effect) -> list[str | Markup | Cell]:
    name = Markup('{} <span class="interval">{}</span>').format(effect.kpi.label, effect.role)
    if effect.result is None:
        return [name, MISSING, MISSING, MISSING, effect.shortage, ""]
    result = effect.result
    where = {"event": change.event_id, "kpi": effect.kpi.name}
    before, after = (
        review.note_figure(
            f"change.{side}", value, format_value(value, effect.kpi.unit, currency=review.currency),
            unit=effect.kpi.unit, start=change.start, where=where,
        )
        for side, value in (("before", result.before), ("after", result.after))
    )  # fmt: skip
    known = isfinite(result.ci_low)
    difference = review.note_figure(
        "change.difference", result.estimate, format_change(result.estimate, effect.kpi.unit, currency=review.currency),
        unit=effect.kpi.unit, ci_low=result.ci_low if known else None, ci_high=result.ci_high if known else None,
        start=change.start, where=where,
    )  # fmt: skip
    interval = _interval(effect.kpi, result.ci_low, result.ci_high, review.currency) if known else "no interval"
    cell = Cell(Markup('{} <span class="interval">{}</span>').format(difference, interval), sort=result.estimate)
    return [name, before, after, cell, _reading(effect, review.currency), _basis(effect)]


def _interval(kpi: Kpi, low: float, high: float, currency: str) -> str:
    text = format_interval(low, high, kpi.unit, currency=currency)
    return text.replace(" %", " pp") if kpi.unit == "share" else text


def _reading(effect: Effect, currency: str) -> str:
    assert effect.result is not None
    result = effect.result
    if not isfinite(result.pvalue):
        return "cannot tell"
    if effect.others_moved and result.pvalue < _SUSPECT:
        return "not clear: the other partners moved more"
    if effect.clear:
        return f"clear: {_meaning(effect)}"
    seen = format_change(result.detectable_effect, effect.kpi.unit, currency=currency).lstrip("+±")
    return f"not clear; {seen} would have been seen"


def _basis(effect: Effect) -> str:
    assert effect.result is not None
    spans = f"{effect.result.n_before} {effect.unit}s before, {effect.result.n_after} after"
    against = ", less the other partners' median" if effect.controlled else ""
    tried = ""
    if effect.placebos:
        times = "none" if not effect.as_large else str(effect.as_large)
        tried = f"; {times} of {plural(effect.placebos, 'date')} without a change differ as much"
    return spans + against + tried


def _warnings(change: ChangeEffect) -> Markup:
    found = [
        f"{effect.kpi.label}: {warning}"
        for effect in change.effects
        if effect.result is not None
        for warning in effect.result.warnings
    ]
    if not found:
        return Markup("")
    items = Markup("").join(Markup("<li>{}</li>").format(text) for text in found)
    return page.details(f"{plural(len(found), 'caution')} about these series", Markup("<ul>{}</ul>").format(items))
