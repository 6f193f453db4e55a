"""What the work costs, why the bill changed, and what the own team would have cost for the same work."""

from __future__ import annotations

from math import isnan

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import format_axis, format_change, format_interval, format_value, plural
from bpo_analysis.page import Column
from bpo_analysis.plotting import bridge_svg
from bpo_analysis.review.bill import (
    Bridge,
    CostComparison,
    bill_bridge,
    cost_against_in_house,
    why_no_comparison,
)
from bpo_analysis.review.context import Review
from bpo_analysis.review.period_cost import period_cost
from bpo_analysis.sections.parts import available, kpi_table, percent, why_absent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["bill_sentence", "cost"]

_ID, _TITLE = "cost", "Cost"
_KPIS = ("cost_per_contact", "cost_per_resolution")
_STEP_WORDS = {
    "volume": ("first contacts", "more or fewer contacts, repeats aside"),
    "rework": ("repeat contacts", "contacts that follow another of the same customer and reason"),
    "mix": ("mix of lines", "hours, training and overtime per contact handled"),
    "rate": ("prices", "price per unit of each line"),
    "lines without quantity": ("other lines", "lines billed without a quantity"),
    "credits and bonuses": ("credits, bonuses", "credits and bonuses on the invoice"),
}


@placed(audiences=["account"], client_only=True)
def cost(review: Review) -> Section:
    """Cost per contact and resolution, the bridge of the bill, and the comparison with the in-house team."""
    shown = available(review, _KPIS)
    bridge = bill_bridge(review)
    if not shown and bridge is None:
        return missing(_ID, _TITLE, why_absent(review, _KPIS))
    body = (
        kpi_table(review, shown, caption="Billed amounts are counted, so they have no interval")
        if shown
        else Markup("")
    )
    body += _period(review)
    body += (
        _bridge(review, bridge)
        if bridge
        else page.note("Change of the bill: not shown, no month before it has a bill.")
    )
    body += _in_house(review)
    return Section(
        _ID, page.section(_ID, _TITLE, body, question="What does the work cost, and why did the bill change?")
    )


def _money(review: Review, value: float) -> str:
    return format_value(value, "money", currency=review.currency)


def bill_sentence(review: Review, found: Bridge) -> str:
    """Say what the bill is, how far it lies from that of the months before, and what carries most of it."""
    change = found.after - found.before
    where = {"month": found.month.label}
    changed = review.note_figure(
        "cost.bill_change", change, format_change(change, "money", currency=review.currency), unit="money", where=where
    )
    review.note_figure("cost.bill", found.after, _money(review, found.after), unit="money", where=where)
    review.note_figure("cost.bill_before", found.before, _money(review, found.before), unit="money", where=where)
    largest = max(found.steps, key=lambda step: abs(step[1]))
    before = f"average of {plural(len(found.months_before), 'month')}"
    return (
        f"The bill of {found.month.title} is {_money(review, found.after)}, {changed} against the {before} before; "
        f"largest part: {_STEP_WORDS[largest[0]][0]} {format_change(largest[1], 'money', currency=review.currency)}"
    )


def _period(review: Review) -> Markup:
    """Sum of the bills of a period of several months, before and after credits and bonuses by the terms."""
    found = period_cost(review)
    if found is None:
        return Markup("")
    if found.total is None:
        return page.note(f"No total of {review.period.title}: no bill is known of {', '.join(found.without_bill)}.")
    total, months = found.total, ", ".join(f"{m.title} {_money(review, m.bill)}" for m in found.months)
    where = {"month": total.title}
    gross = review.note_figure("cost.bill", total.bill, _money(review, total.bill), unit="money", where=where)
    net = ""
    if total.net is not None:
        text = _money(review, total.net_bill)
        text = review.note_figure("cost.net_bill", total.net_bill, text, unit="money", where=where)
        net = f"; {text} net of the credits and bonuses that the terms give"
    return Markup("<p><strong>{}: {} gross</strong> ({}){}.</p>").format(review.period.title, gross, months, net)


def _bridge(review: Review, found: Bridge) -> Markup:
    title, where = bill_sentence(review, found), {"month": found.month.label}
    before = f"average of {plural(len(found.months_before), 'month')}"
    steps = [(_STEP_WORDS[name][0], amount) for name, amount in found.steps]
    svg = bridge_svg(
        (f"before ({plural(len(found.months_before), 'month')})", found.before),
        steps,
        (found.month.label, found.after),
        format_value=lambda v: format_axis(v, "money"), format_change=lambda v: format_change(v, "money"),
    )  # fmt: skip
    said = "; ".join(f"{name} {format_change(v, 'money')}" for name, v in steps)
    alt = f"{title}. Steps: {said}."
    rows = [[f"Bill before ({', '.join(found.months_before)})", _money(review, found.before), before]]
    for name, amount in found.steps:
        text = review.note_figure(
            "cost.step", amount, format_change(amount, "money", currency=review.currency), unit="money",
            where=where | {"step": name},
        )  # fmt: skip
        rows.append([_STEP_WORDS[name][0].capitalize(), text, _STEP_WORDS[name][1]])
    rows.append([f"Bill of {found.month.title}", _money(review, found.after), "the steps add up to it exactly"])
    columns = [Column("Step"), Column("Amount", "right"), Column("What it is")]
    table = page.table(columns, rows, caption="From the bill before to the bill of the month", classes="stack")
    unknown = (
        ""
        if found.rework_known
        else page.note(
            "Repeat contacts are not told from first ones: without customer_key they are part of the volume."
        )
    )
    figure = page.figure(svg, title=title, alt=alt, data=_lines(review, found), id="fig-bill")
    return figure + table + unknown


def _lines(review: Review, found: Bridge) -> Markup:
    columns = [
        Column("Line"),
        Column("Before", "right"),
        Column("Now", "right"),
        Column("By quantity", "right"),
        Column("By price", "right"),
    ]
    rows = [
        [
            str(row["line"]),
            _money(review, row["before"]),
            _money(review, row["after"]),
            format_change(row["quantity_effect"], "money"),
            format_change(row["rate_effect"], "money"),
        ]
        for row in found.lines.to_dict("records")
    ]
    return page.table(columns, rows, caption="The same by line of the invoice")


def _in_house(review: Review) -> Markup:
    reason = why_no_comparison(review)
    if reason:
        return page.note(f"Against the in-house team: not shown, {reason}.")
    found = cost_against_in_house(review)
    if found is None or not review.shows_others:
        return Markup("")
    heading = Markup("<h3>Against the in-house team</h3>")
    return heading + _comparison_text(review, found) + _comparison_table(review, found)


def _comparison_text(review: Review, found: CostComparison) -> Markup:
    stretch = f"{found.start:%B %Y} to {found.end:%B %Y}"
    if not found.mix:
        return Markup(
            "<p>Over {} (only as counted: reasons with handling times of both, and three months, are needed for a "
            "common mix).</p>"
        ).format(stretch)
    word = "less" if found.difference < 0 else "more"
    size = _money(review, abs(found.difference))
    low, high = sorted((abs(found.ci_low), abs(found.ci_high)))
    interval = (
        "" if isnan(found.ci_low) else f" ({format_interval(low, high, 'money', currency=review.currency)} {word})"
    )
    if not isnan(found.ci_low) and found.ci_low < 0 < found.ci_high:
        interval = f" (interval {format_interval(found.ci_low, found.ci_high, 'money', currency=review.currency)})"
    known = not isnan(found.ci_low)
    review.note_figure(
        "cost.difference_in_house",
        found.difference,
        format_change(found.difference, "money"),
        unit="money a contact",
        start=found.start,
        end=found.end,
        ci_low=found.ci_low if known else None,
        ci_high=found.ci_high if known else None,
    )
    return Markup(
        "<p>On the partner's own mix of reasons a contact cost <strong>{} {}</strong> than the in-house team would "
        "have taken{}, over {}. The interval is that of single months; amounts themselves are counted.</p>"
    ).format(size, word, interval, stretch)


def _comparison_table(review: Review, found: CostComparison) -> Markup:
    columns = [Column("Cost per contact"), Column(review.name, "right"), Column("In-house", "right")]
    rows = [["As counted, each on its own mix", _money(review, found.own), _money(review, found.in_house)]]
    review.note_figure(
        "cost.own", found.own, _money(review, found.own), unit="money a contact", start=found.start, end=found.end
    )
    review.note_figure(
        "cost.in_house",
        found.in_house,
        _money(review, found.in_house),
        unit="money a contact",
        start=found.start,
        end=found.end,
    )
    if found.mix:
        value = found.in_house_standardised
        text = review.note_figure(
            "cost.in_house_same_mix",
            value,
            _money(review, value),
            unit="money a contact",
            start=found.start,
            end=found.end,
        )
        rows.append(["On the partner's mix", _money(review, found.own_standardised), text])
    how = (
        f"A bill is laid on the reasons by handling time; {plural(found.reasons, 'reason')}, "
        f"{percent(found.covered)} of this partner's contacts. In-house cost is what table invoices says of the "
        "in-house team: it must hold all its costs (pay, overhead, tools, room)."
        if found.mix
        else f"In-house cost is what table invoices says of the in-house team, over {plural(found.months, 'month')}."
    )
    table = page.table(columns, rows, caption=f"Average over {plural(found.months, 'month')}", classes="stack")
    return table + Markup('<p class="muted">{}</p>').format(how)
