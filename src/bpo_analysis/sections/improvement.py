"""Continuous improvement: who proposes, how fast, to what effect on quality and cost, and what is left to gain."""

from __future__ import annotations

from math import isfinite

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_change, format_interval, format_value, of_them, plain, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.action_effects import ActionEffect
from bpo_analysis.review.context import Review
from bpo_analysis.review.improvements import ImprovementEffect, Improvements, improvement_effects, improvements
from bpo_analysis.review.opportunities import Opportunities, Opportunity, opportunities
from bpo_analysis.sections.actions import effect_table
from bpo_analysis.sections.parts import day_text, kpi_link, percent, text_or_missing
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["improvement"]

_ID, _TITLE = "improvement", "Continuous improvement"
_ROWS = 12
_NOT_CLEAR_SHOWN = 3


@placed(audiences=("account", "delivery"))
def improvement(review: Review) -> Section:
    """Improvements by origin and quarter, their time, their effect on quality and cost, and sized opportunities."""
    found = improvements(review)
    sized = opportunities(review)
    if found is None and sized is None:
        table = review.register("actions")
        reason = (
            "table actions is not in this dataset."
            if table is None
            else f"none is on record up to {review.period.end}."
        )
        return missing(_ID, _TITLE, reason)
    body = Markup("")
    if found is None:
        body += page.note(f"No improvement is on record up to {review.period.end}.")
    else:
        body += _lead(review, found) + _quarters(review, found) + _log(review, found) + _effects(review)
    body += _opportunities(review, sized)
    question = "Does the partner improve by itself, and does it pay?"
    return Section(_ID, page.section(_ID, _TITLE, body, question=question))


def _lead(review: Review, found: Improvements) -> Markup:
    total = len(found.table)
    own, large = found.count(proposed_by="partner"), found.count(size="large")
    share = review.note_figure(
        "improvement.by_partner", own / total, plural(total, "improvement"), unit="share", numerator=own,
        denominator=total,
    )  # fmt: skip
    rate = found.rate
    pace = review.note_figure(
        "improvement.per_quarter", rate.estimate, f"{rate.estimate:.1f}", unit="per quarter", numerator=own,
        denominator=len(found.quarters), ci_low=rate.ci_low, ci_high=rate.ci_high,
        start=found.quarters["start"].iloc[0],
    )  # fmt: skip
    level = percent(review.confidence_level)
    text = (
        f"{share} on record, {of_them(own, total, 'proposed by the partner')}; {large or 'none'} large. Over the last "
        f"{plural(len(found.quarters), 'quarter')} the partner proposed {pace} a quarter ({level} interval "
        f"{rate.ci_low:.1f} to {rate.ci_high:.1f}, exact Poisson)."
    )
    return Markup("<p>{} {}</p>").format(text, _cycle(review, found))


def _cycle(review: Review, found: Improvements) -> str:
    cycle = found.cycle
    if cycle is None:
        return "Too few to say how long they take from proposal to closing."
    if not isfinite(cycle.median):
        return f"Median time from proposal to closing not reached: {cycle.n_open} of {cycle.n} are open."
    days = review.note_figure("improvement.cycle_days", cycle.median, f"{cycle.median:.0f} days", unit="days")
    return f"Median time from proposal to closing {days}, open ones counted ({cycle.n_open} of {cycle.n})."


def _quarters(review: Review, found: Improvements) -> Markup:
    columns = [
        Column("Quarter"),
        Column("Proposed by partner", "right"),
        Column("by client", "right"),
        Column("Approved", "right"),
        Column("Done", "right"),
        Column("Proposed so far", "right"),
    ]
    names = ("partner", "client", "approved", "done", "total")
    rows = []
    for quarter in found.quarters.to_dict("records"):
        for name in names:
            review.note_figure(
                f"improvement.{name}", quarter[name], str(quarter[name]), unit="improvements", start=quarter["start"],
                end=quarter["end"],
            )  # fmt: skip
        rows.append([quarter["label"], *(str(quarter[name]) for name in names)])
    caption = "Improvements by quarter, the last one up to the end of the period"
    return page.table(columns, rows, caption=caption, classes="stack")


def _log(review: Review, found: Improvements) -> Markup:
    columns = [
        Column("Improvement"),
        Column("KPI"),
        Column("Proposed"),
        Column("Approved"),
        Column("Closed"),
        Column("Size"),
        Column("Forum"),
        Column("On quality", note="as recorded"),
        Column("On cost", note="as recorded"),
    ]
    rows = [
        [
            str(r["action"]),
            _kpi_label(review, r["kpi"]),
            f"{day_text(r['raised_on'])} by {text_or_missing(r['proposed_by'])}",
            day_text(r["approved_on"]),
            "dropped" if r["status"] == "dropped" else day_text(r["closed_on"]),
            text_or_missing(r["size"]),
            text_or_missing(r["forum"]),
            text_or_missing(r["effect_quality"]),
            text_or_missing(r["effect_cost"]),
        ]
        for r in found.table.head(_ROWS).to_dict("records")
    ]
    more = f", {len(found.table) - _ROWS} older ones not shown" if len(found.table) > _ROWS else ""
    return page.table(columns, rows, caption=f"Improvements, the newest first{more}", classes="stack")


def _kpi_label(review: Review, name: object) -> str:
    kpi = review.kpis.get(str(name))
    return kpi.label if kpi else text_or_missing(name)


def _effects(review: Review) -> Markup:
    found = improvement_effects(review)
    if not found:
        return Markup("<p>No improvement has been closed for long enough to be held against its KPI.</p>")
    effects: list[ActionEffect] = [one.effect for one in found]
    body = effect_table(review, effects, "Closed improvements held against their KPI")
    columns = [
        Column("Improvement"),
        Column("Its KPI"),
        Column("The other side"),
        Column("Change of the other side", "right"),
    ]
    rows = [_other_row(review, one) for one in found]
    caption = "Quality and cost together: what else moved when it was closed"
    return body + page.table(columns, rows, caption=caption, classes="stack")


def _other_row(review: Review, one: ImprovementEffect) -> list[str | Markup | Cell]:
    own, other, result = one.effect.kpi, one.other_kpi, one.other
    first: list[str | Markup | Cell] = [str(one.effect.action["action"]), kpi_link(own) if own else MISSING]
    if other is None or result is None:
        unknown = page.evidence_mark("cannot tell", good=None)
        why = Markup('{} <span class="detail">{}</span>').format(unknown, one.why)
        return [*first, kpi_link(other) if other else MISSING, why]
    change = review.note_figure(
        "improvement.other_side", result.estimate, format_change(result.estimate, other.unit, currency=review.currency),
        unit=other.unit, ci_low=result.ci_low, ci_high=result.ci_high,
        start=pd.Timestamp(one.effect.action["closed_on"]).date(),
        where={"action": str(one.effect.action["action_id"]), "kpi": other.name},
    )  # fmt: skip
    limits = format_interval(result.ci_low, result.ci_high, other.unit, currency=review.currency)
    limits = limits.replace(" %", " pp") if other.unit == "share" else limits
    return [*first, kpi_link(other), Markup('{} <span class="interval">{}</span>').format(change, limits)]


def _opportunities(review: Review, sized: Opportunities | None) -> Markup:
    head = Markup("<h3>What is left to gain</h3>")
    if sized is None:
        reason = (
            "contacts have no reasons, or there is nobody to compare with" if review.shows_others
            else "contacts have no reasons, or the partner has no second site to compare with"
        )  # fmt: skip
        return head + page.note(f"Opportunities: not shown, {reason}.")
    clear = [one for one in sized.found if one.clear]
    shown = clear or list(sized.found[:_NOT_CLEAR_SHOWN])
    where = "at the other partners together" if sized.basis == "others" else "at the own best site"
    said = (
        f"{len(clear)} of {sized.looked_at} combinations of KPI and contact reason lie clearly higher than {where}."
        if clear
        else f"None of {sized.looked_at} combinations of KPI and contact reason lies clearly higher than {where}."
    )
    lead = Markup("<p>{}{}</p>").format(said, " The largest that may be there:" if shown and not clear else "")
    if not shown:
        return head + lead
    return head + lead + _opportunity_table(review, sized, shown) + page.note(_assumption(review, sized))


def _opportunity_table(review: Review, sized: Opportunities, shown: list[Opportunity]) -> Markup:
    cost = None if "cost_per_contact" in review.dataset.unavailable else review.measure("cost_per_contact")
    columns = [
        Column("KPI and reason"),
        Column("Here", "right"),
        Column("There", "right"),
        Column("Out of", "right"),
        Column("Agent hours", "right", f"{percent(review.confidence_level)} interval"),
        *([Column("At the billed cost", "right")] if cost else []),
        Column("Reading"),
    ]
    rows = []
    for one in shown:
        where = {"kpi": one.kpi.name, "category": one.reason}
        hours = review.note_figure(
            "improvement.opportunity_hours", one.hours, format_value(one.hours, "hours"), unit="hours",
            ci_low=one.ci_low, ci_high=one.ci_high, where=where,
        )  # fmt: skip
        limits = format_interval(one.ci_low, one.ci_high, "hours").removesuffix(" h")
        money: list[str] = []
        if cost:
            amount = one.hours * 3600 / sized.handle_s * cost.value
            text = format_value(amount, "money", currency=review.currency, decimals=0)
            money = [
                review.note_figure("improvement.opportunity_cost", amount, text, unit=review.currency, where=where)
            ]
        rows.append(
            [
                Markup("{} {}").format(kpi_link(one.kpi), plain(one.reason)),
                review.note_figure(
                    "improvement.here", one.own, format_value(one.own, one.kpi.unit), unit=one.kpi.unit, where=where
                ),
                review.note_figure(
                    "improvement.there",
                    one.theirs,
                    format_value(one.theirs, one.kpi.unit),
                    unit=one.kpi.unit,
                    where=where,
                ),
                format_value(one.cases, "count"),
                Markup('{} <span class="interval">{}</span>').format(hours, limits),
                *money,
                "clear" if one.clear else "not clear",
            ]
        )
    return page.table(
        columns,
        rows,
        caption=f"Size of {plural(len(rows), 'opportunity', 'opportunities')} in {review.period.title}",
        classes="stack",
    )


def _assumption(review: Review, sized: Opportunities) -> str:
    basis = (
        "as they do at the other partners together, reason by reason" if sized.basis == "others"
        else "as they do at the own best site, which was picked for being the best: that flatters the size"
    )  # fmt: skip
    handle = format_value(sized.handle_s, "seconds", decimals=0)
    return (
        f"Assumed: the same contacts, going {basis}. A repeat or a contact passed on counts as one more contact of "
        f"{handle}; hours become money at the cost per contact as billed, which a partner paid by the hour would save "
        "and one paid by the contact would not. Not a forecast: contacts of one reason can be of different "
        "difficulty. Clear: adjusted for all combinations looked at (false discovery), a description outside the plan "
        "of tests of this page."
    )
