"""What a page about a pilot rests on: tests, data, design, definitions, and the numbers for the record."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from math import isfinite, isnan
from textwrap import wrap
from typing import Any

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_pvalue, format_value, plain
from bpo_analysis.page import Column
from bpo_analysis.sections.closing import (
    data_record,
    data_warnings,
    definitions,
    ledger_rows,
    provenance,
    row_accounting,
)
from bpo_analysis.sections.listing import listed
from bpo_analysis.sections.pilots.parts import bullets, health_tables, interval_words, ramp_words, when_due
from bpo_analysis.sections.pilots.verdict import margin_words
from bpo_analysis.sections.pilots.view import PilotPage, span_title
from bpo_analysis.sections.section import Section

__all__ = ["appendix", "claims", "health", "multiplicity", "registered_plan"]

_TEMPLATES = {"plan": "pilot_plan", "monitor": "pilot_monitor", "evaluation": "pilot_evaluation"}
_DIGITS_TOGETHER = 16
_CALLS = {"plan": "plan_pilot", "monitor": "monitor_pilot", "evaluation": "evaluate_pilot"}
_COMPARATORS = {
    "concurrent": "a baseline arm at the same time",
    "inhouse": "the own team at the same time",
    "partner": "another partner at the same time",
    "history": "the time before, without a baseline arm",
}


@listed
@when_due("multiplicity", "The plan for all tests")
def multiplicity(view: PilotPage) -> Section:
    """Who was tested with whom, and at which level."""
    verdict = view.evaluation.verdict
    columns = [
        Column("Metric"),
        Column("Family"),
        Column("p", "right", "of no difference"),
        Column("Adjusted p", "right"),
        Column("Interval it was judged by", "right"),
        Column("As if it were alone", "right"),
        Column("Method"),
    ]
    rows = [
        [
            one.kpi.label,
            one.family,
            format_pvalue(one.pvalue),
            format_pvalue(one.adjusted_pvalue),
            interval_words(one.kpi, one.ci_low, one.ci_high, one.confidence_level, view.currency, short=True),
            interval_words(one.kpi, one.plain_low, one.plain_high, one.plain_level, view.currency, short=True),
            f"{one.method}. {one.note}".strip() if one.note else one.method,
        ]
        for one in verdict.metrics
    ]
    body = bullets(verdict.multiplicity) + page.table(
        columns, rows, caption="Every test of the verdict", classes="stack"
    )
    return Section(
        "multiplicity",
        page.section(
            "multiplicity", "The plan for all tests", body, question="How many chances to be wrong were there?"
        ),
    )


@listed
@when_due("health", "Health of the data")
def health(view: PilotPage) -> Section:
    """Whether the data can carry the answer, and who crossed arms."""
    found = view.look.health if view.stage == "monitor" else view.evaluation.health
    body = health_tables(view, found)
    if view.stage == "evaluation":
        crossing = view.evaluation.crossing
        body = Markup("<p>{}</p>").format(crossing.sentence) + body
        if crossing.units:
            share = f"{100 * crossing.contacts_other_arm:.1f} %"
            body += page.note(f"{share} of the contacts that count were handled in the other arm.", "warning")
        others = [text for text in view.evaluation.warnings if text not in {c.sentence for c in found.concerns}]
        body += bullets(others)
    title = "Health of the data"
    return Section(
        "health", page.section("health", title, body, question="Was everything counted, alike in both arms?")
    )


@listed
def claims(view: PilotPage) -> Section:
    """What the design can and cannot claim."""
    found = view.claims
    card = Markup('<section class="card" aria-label="{}"><h3>{}</h3>{}</section>')
    body = Markup('<div class="columns">{}{}</div>').format(
        card.format("It can say", "It can say", bullets(found.can)),
        card.format("It cannot say", "It cannot say", bullets(found.cannot)),
    )
    title = "What this design can and cannot claim"
    return Section("claims", page.section("claims", title, body))


@listed
def registered_plan(view: PilotPage) -> Section:
    """The pilot file in words."""
    spec = view.pilot.spec
    scope = (
        "; ".join(f"{plain(key)}: {', '.join(values)}" for key, values in spec.scope.items()) or "all of its contacts"
    )
    looks = ", ".join(map(str, (*spec.looks, spec.end)))
    spending = {"obrien-fleming": "O'Brien-Fleming", "pocock": "Pocock"}[spec.spending]
    ramp = f", {ramp_words(view)} of it left out" if spec.ramp_weeks else ""
    facts: dict[str, str] = {
        "Hypothesis": spec.hypothesis or MISSING,
        "Owner": spec.owner or MISSING,
        "Unit of assignment": spec.unit,
        "Assigned": f"{spec.assignment}{': ' if spec.assigned_how else ''}{spec.assigned_how}",
        "Compared with": _COMPARATORS[spec.comparator],
        "Scope": scope,
        "Baseline window": span_title(spec.baseline_start, spec.baseline_end),
        "Pilot": f"{span_title(spec.start, spec.end)}{ramp}",
        "Looks, the end included": f"{looks} ({spending})" if spec.looks else f"{spec.end} alone",
        "Confidence level": f"{100 * spec.confidence_level:.4g} %",
        # So long a word would make the table wider than a phone.
        "Digest of the file as it is": Markup("<wbr>").join(wrap(spec.digest, _DIGITS_TOGETHER)),
    }
    table = page.table(
        [Column("What"), Column("As in the pilot file")],
        [list(fact) for fact in facts.items()],
        caption="The plan",
        classes="sentences",
    )
    rows = [
        [
            view.pilot.kpi(one).label,
            one.role,
            "not worse" if one.test == "noninferiority" else "better",
            margin_words(view, one.margin, view.pilot.kpi(one).unit, one.test),
        ]
        for one in spec.metrics
    ]
    columns = [Column("Metric"), Column("Role"), Column("To show"), Column("Margin")]
    metrics = page.table(columns, rows, caption="What it is judged by", classes="stack")
    return Section("plan", page.section("plan", "What was planned", table + metrics, question="What was agreed?"))


def appendix(view: PilotPage) -> Section:
    """Definitions, accounting, versions, how to make the page again; and the numbers for the record."""
    section = _appendix(view)
    others = ledger_rows(view.review, start=view.pilot.baseline[0], end=view.pilot.as_of)
    record = data_record(view.review) | {"kpis": _kpi_rows(view) + others}
    if view.stage == "evaluation" and not view.not_due:
        record["tests"] = [
            {
                "family": one.family,
                "label": one.kpi.label,
                "pvalue": _number(one.pvalue),
                "adjusted_pvalue": _number(one.adjusted_pvalue),
                "found": one.word in ("better", "worse"),
            }
            for one in view.evaluation.metrics
        ]
    return replace(section, record=record)


@listed
def _appendix(view: PilotPage) -> Section:
    kpis = [view.pilot.kpi(metric) for metric in view.pilot.spec.metrics]
    body = (
        definitions(kpis)
        + row_accounting(view.review)
        + data_warnings(view.review)
        + _again(view)
        + provenance(view.review)
    )
    html = page.section("appendix", "Appendix", body, question="What do the numbers mean, and where do they come from?")
    return Section("appendix", html)


def _again(view: PilotPage) -> Markup:
    template, call, pilot = _TEMPLATES[view.stage], _CALLS[view.stage], view.pilot
    data = f"DATA  # the folder of {view.review.dataset.name}"
    text = (
        f"bpo report {template} --data {data}\n\n"
        f"from bpo_analysis.review.pilots import {call}, open_pilot\n"
        f'result = {call}(open_pilot("DATA", {pilot.id!r}, as_of="{pilot.as_of}"))\n'
        "print(result.summary())"
    )
    return page.details("How to make this again", Markup("<pre>{}</pre>").format(text))


def _kpi_rows(view: PilotPage) -> list[dict[str, Any]]:
    """Sums and values by arm and window."""
    pilot = view.pilot
    windows = {"baseline window": pilot.baseline}
    if view.stage != "plan":
        windows["pilot window"] = pilot.window
    kpis = [metric.kpi for metric in pilot.spec.metrics if (pilot.rows["kpi"] == metric.kpi).any()]
    return [row for kpi in kpis for name, days in windows.items() for row in _arm_rows(view, kpi, name, *days)]


def _arm_rows(view: PilotPage, name: str, window: str, start: date, end: date) -> list[dict[str, Any]]:
    pilot, kpi = view.pilot, view.pilot.kpi(name)
    sums = pilot.unit_sums(name, start, end)
    rows = []
    for arm in ("pilot",) if pilot.against_history else ("pilot", "baseline"):
        own = sums.loc[sums.index.isin(pilot.units.index[pilot.units["arm"] == arm])]
        denominator = float(own["denominator"].sum())
        if denominator <= 0:
            continue
        value = float(own["numerator"].sum()) / denominator
        rows.append(
            {
                "partner_id": pilot.spec.partner_id,
                "kind": "kpi",
                "pilot": pilot.id,
                "arm": arm,
                "kpi": name,
                "from": str(start),
                "to": str(end),
                "window": window,
                "numerator": value * denominator / kpi.scale,
                "denominator": denominator,
                "value": value,
                "unit": kpi.unit,
                "shown": format_value(value, kpi.unit, currency=view.currency),
                "units": int((own["denominator"] > 0).sum()),
            }
        )
    return rows


def _number(value: float) -> float | None:
    return None if isnan(value) or not isfinite(value) else value
