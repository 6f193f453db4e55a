"""Dates and terms of the contract: every deadline, what ending costs, and whether the contract follows the work."""

from __future__ import annotations

from math import isnan

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_axis, format_value, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.plotting import plot_lines, to_svg
from bpo_analysis.review.context import Review
from bpo_analysis.review.contract_dates import ExitCost, deadlines, exit_costs
from bpo_analysis.review.exit_exposure import PLANNED_OCCUPANCY
from bpo_analysis.review.flexibility import Flexibility, flexibility
from bpo_analysis.review.registers import contract_terms as terms_of
from bpo_analysis.sections.parts import day_text, percent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["contract_terms", "deadline_table", "terms_table"]

_ID, _TITLE = "terms", "Contract: dates, exit and flexibility"
_SOON_DAYS = 60
_YES_NO = {True: "yes", False: "no"}


@placed(audiences=["account"], client_only=True)
def contract_terms(review: Review) -> Section:
    """Calendar of deadlines, terms in force, exit cost by month, and heads needed against heads that must be paid."""
    terms = terms_of(review)
    if terms is None:
        return missing(_ID, _TITLE, "table contracts is not in this dataset.")
    if terms.empty:
        return missing(_ID, _TITLE, f"no contract of {review.name} is in force on {review.period.end}.")
    body = deadline_table(review) + terms_table(review)
    body += Markup("").join(_exit(review, cost) for cost in exit_costs(review))
    body += Markup("").join(_flexibility(review, found) for found in flexibility(review))
    return Section(
        _ID, page.section(_ID, _TITLE, body, question="What has to be decided by when, and what would leaving cost?")
    )


def deadline_table(review: Review, *, ahead: int = 0) -> Markup:
    """Countdown of every deadline, the next first; ``ahead`` limits it to that many days (0: all)."""
    table = deadlines(review)
    if table is None or table.empty:
        return page.note("Deadlines: none is on record.")
    if ahead:
        table = table[table["days_left"] <= ahead]
        if table.empty:
            return Markup("<p>No deadline lies within {}.</p>").format(plural(ahead, "day"))
    columns = [Column("Deadline"), Column("Day"), Column("Days left", "right"), Column("For"), Column("Remark")]
    rows: list[list[str | Markup | Cell]] = []
    for row in table.to_dict("records"):
        days = int(row["days_left"])
        where = {"deadline": str(row["what"]), "for": str(row["about"])}
        text = review.note_figure(
            "risk.days_left", days, f"{days:,}" if days >= 0 else "passed", unit="days", where=where
        )
        soon = 0 <= days <= _SOON_DAYS
        shown: str | Markup = Markup("<strong>{}</strong>").format(text) if soon else text
        rows.append(
            [str(row["what"]), day_text(row["day"]), Cell(shown, sort=days), str(row["about"]), str(row["note"])]
        )
    caption = f"Deadlines counted from {review.period.end}; bold within {plural(_SOON_DAYS, 'day')}"
    return page.table(columns, rows, caption=caption, classes="stack")


def terms_table(review: Review) -> Markup:
    """Terms in force, one row per contract."""
    found = terms_of(review)
    if found is None or found.empty:
        return page.note("No contract is in force on the last day of the period.")
    columns = [
        Column("Contract"),
        Column("Ends"),
        Column("Renews"),
        Column("Client's notice", "right", "days"),
        Column("Partner's notice", "right", "days"),
        Column("For convenience"),
        Column("Least heads", "right"),
        Column("Least volume", "right", "a month"),
        Column("Up / down", "right", "days"),
        Column("Credits at risk", "right", "of a bill"),
    ]
    rows = []
    for r in found.to_dict("records"):
        scope = f" ({r['scope']})" if isinstance(r["scope"], str) else ""
        rows.append(
            [
                f"{r['contract_id']}{scope}",
                day_text(r["end"]),
                _YES_NO.get(r["auto_renew"], MISSING),
                format_value(r["notice_days_client"], "count"),
                format_value(r["notice_days_partner"], "count"),
                _YES_NO.get(r["termination_for_convenience"], "not said"),
                _or_none(r["min_heads"]),
                _or_none(r["min_volume"]),
                f"{format_value(r['ramp_up_days'], 'count')} / {format_value(r['ramp_down_days'], 'count')}",
                format_value(r["at_risk_share"], "share"),
            ]
        )
    return page.table(columns, rows, caption="Terms in force", classes="stack")


def _or_none(value: float | None) -> str:
    return "none" if value is None or isnan(value) or value == 0 else format_value(value, "count")


def _money(review: Review, value: float | None) -> str:
    return (
        MISSING if value is None or isnan(value) else format_value(value, "money", currency=review.currency, decimals=0)
    )


def _exit(review: Review, cost: ExitCost) -> Markup:
    heading = Markup("<h3>Ending {}</h3>").format(cost.contract_id)
    clause = {
        True: "The contract may be ended for convenience",
        False: "The contract has no right to end for convenience",
        None: "Whether the contract may be ended for convenience is not said",
    }[cost.convenience]
    how = "it ends" if cost.convenience else "by agreement it could end"
    lead = f"{clause}. With notice on {review.period.end} {how} on {cost.earliest:%Y-%m-%d} at the earliest"
    if cost.now is None:
        return heading + Markup("<p>{}; what that costs cannot be computed ({}).</p>").format(lead, _why(cost))
    where = {"contract": cost.contract_id}
    now = review.note_figure("risk.exit_cost_now", cost.now, _money(review, cost.now), unit="money", where=where)
    price = f", at {now} on top of the regular bills" if cost.now else ", at nothing on top of the regular bills"
    text = Markup("<p>{}{}.</p>").format(lead, price)
    table = cost.table[cost.table["possible"]]
    if table.empty or not (table["on_top"] > 0).any():
        return heading + text
    return heading + text + _exit_figure(review, cost, table)


def _why(cost: ExitCost) -> str:
    if cost.fee is None:
        return "termination_fee is not in table contracts"
    return f"least fees to the end of the term: {cost.minimum_source}"


def _exit_figure(review: Review, cost: ExitCost, table: pd.DataFrame) -> Markup:
    labels = [f"{month:%Y-%m}" for month in table["month"]]
    lines = {"on top of regular bills": table["on_top"].tolist(), "of it the fee": table["fee"].tolist()}
    ax = plot_lines(labels, lines, format_value=lambda v: format_axis(v, "money"))
    first, last = table.iloc[0], table.iloc[-1]
    title = (
        f"Ending {cost.contract_id} costs {_money(review, first['on_top'])} on top in {labels[0]}, "
        f"{_money(review, last['on_top'])} in {labels[-1]}"
    )
    alt = f"{title}. Line by month of the end: fee before the end of the term and least fees left until then."
    columns = [
        Column("End in"),
        Column("Fee", "right"),
        Column("Least fees left", "right"),
        Column("On top", "right"),
        Column("Regular bills until then", "right"),
    ]
    rows = []
    for row in table.to_dict("records"):
        month = f"{row['month']:%Y-%m}"
        where = {"contract": cost.contract_id, "month": month}
        review.note_figure("risk.exit_cost", row["on_top"], _money(review, row["on_top"]), unit="money", where=where)
        rows.append([month, *(_money(review, row[name]) for name in ("fee", "minimum_left", "on_top", "regular"))])
    data = page.table(columns, rows, caption=f"Cost of ending, by month; least fees: {cost.minimum_source}")
    return page.figure(to_svg(ax), title=title, alt=alt, data=data, id=f"fig-exit-cost-{_slug(cost.contract_id)}")


def _slug(text: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in text)


def _flexibility(review: Review, found: Flexibility) -> Markup:
    heading = Markup("<h3>Does {} follow the work?</h3>").format(found.contract_id)
    months = found.months
    if months.empty:
        return heading + page.note("Heads: not shown, the number of agents is not on record.")
    if months["needed"].isna().all():
        return heading + page.note(
            "Heads needed: not shown, table agent_time with handling and available time is absent."
        )
    return heading + _flexibility_text(review, found) + _heads_figure(review, found) + _scenarios(review, found)


def _flexibility_text(review: Review, found: Flexibility) -> Markup:
    last = found.months.iloc[-1]
    where = {"contract": found.contract_id}
    needed = review.note_figure("risk.heads_needed", last["needed"], f"{last['needed']:.1f}", unit="heads", where=where)
    text = f"In {last['month']} the work needed {needed} heads, {last['heads']:.1f} were employed on average"
    if found.min_heads:
        text += f", and the contract makes the client keep {found.min_heads:,.0f}. "
        cost = found.unused_cost
        unused = float(last["unused"])
        if isnan(unused) or unused < 0.5:
            text += "No part of the minimum is unused."
        else:
            price = "" if cost is None else f", about {_money(review, cost)} a month"
            review.note_figure("risk.heads_unused", unused, f"{unused:.1f}", unit="heads", where=where)
            text += f"Unused are {unused:.1f} heads{price}."
    else:
        text += "; the contract names no least number of heads."
    return Markup("<p>{}</p>").format(text)


def _heads_figure(review: Review, found: Flexibility) -> Markup:
    months = found.months
    lines = {"employed": months["heads"].tolist(), "needed": months["needed"].tolist()}
    if found.min_heads:
        lines["must be kept"] = months["minimum"].tolist()
    if months["billed"].notna().any():
        lines["billed"] = months["billed"].tolist()
    ax = plot_lines(months["month"].tolist(), lines, format_value=lambda v: f"{v:,.0f}")
    last = months.iloc[-1]
    title = f"Heads in {last['month']}, monthly averages: {last['heads']:.1f} employed, {last['needed']:.1f} needed"
    alt = f"{title}. Lines by month for {plural(len(months), 'month')}: {', '.join(lines)}."
    columns = [Column("Month"), *(Column(name.capitalize(), "right") for name in lines)]
    rows = [
        [label, *(MISSING if isnan(values[place]) else f"{values[place]:.1f}" for values in lines.values())]
        for place, label in enumerate(months["month"])
    ]
    caption = f"Heads by month, averages; needed at an occupancy of {percent(PLANNED_OCCUPANCY)}"
    data = page.table(columns, rows, caption=caption)
    return page.figure(to_svg(ax), title=title, alt=alt, data=data, id=f"fig-heads-{_slug(found.contract_id)}")


def _scenarios(review: Review, found: Flexibility) -> Markup:
    if found.scenarios.empty:
        return Markup("")
    columns = [
        Column("If volume fell by"),
        Column("Heads needed", "right"),
        Column("To be kept", "right"),
        Column("Cost of the rest", "right", "a month"),
        Column("Below least volume", "right", "contacts a month"),
        Column("Within terms"),
    ]
    rows = []
    for row in found.scenarios.to_dict("records"):
        where = {"contract": found.contract_id, "fall": percent(row["fall"])}
        if not isnan(row["cost"]):
            review.note_figure("risk.unused_cost", row["cost"], _money(review, row["cost"]), unit="money", where=where)
        by = f", by {row['by']}" if row["by"] is not None else ""
        rows.append(
            [
                percent(row["fall"]),
                f"{row['needed']:.0f}",
                f"{row['kept']:.0f}",
                _money(review, row["cost"]),
                format_value(row["below_volume"], "count", decimals=0) if row["below_volume"] else "no",
                f"yes{by}" if row["possible"] else "no",
            ]
        )
    caption = f"Would the contract follow? Head cost: {found.head_cost_source}"
    return page.table(columns, rows, caption=caption, classes="stack")
