"""Credits and bonuses: what the terms say, how sure the result is, and what moved between both sides."""

from __future__ import annotations

from math import isnan

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_interval, format_value, plain, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.context import Review
from bpo_analysis.review.incentives import LedgerLine, incentive_months, ledger
from bpo_analysis.review.period_cost import MonthCost, period_cost
from bpo_analysis.review.two_sides import TwoSides, two_sides
from bpo_analysis.sections.parts import kpi_link, percent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["incentives", "ledger_lead"]

_ID, _TITLE = "incentives", "Credits and bonuses"
_BOTH_SIDES_MONTHS = 12
_QUIET = 1e-9


@placed(audiences=["account"])
def incentives(review: Review, *, months: int = 1) -> Section:
    """Ledger of credits and bonuses.

    Parameters
    ----------
    review : Review
    months : int, default 1
        Whole months up to the end of the period; with more than one a table by rule and month is added.
    """
    lines = ledger(review, months)
    if lines is None:
        return missing(_ID, _TITLE, "tables contracts and contract_incentives are not both in this dataset.")
    covered = incentive_months(review, months)
    if not lines or not covered:
        return missing(_ID, _TITLE, f"no rule of a contract of {review.name} settles a whole month of the data.")
    newest = [line for line in lines if line.month == covered[-1]]
    body = _period(review) + _lead(review, newest) + _newest_table(review, newest)
    if len(covered) > 1:
        body += _by_month(review, lines, [month.label for month in covered])
    body += _both_sides(review)
    return Section(
        _ID, page.section(_ID, _TITLE, body, question="What do the terms say is owed, by whom, and how sure is that?")
    )


def ledger_lead(review: Review) -> Markup:
    """What the terms say is owed for the newest month that they settle; empty without rules or such a month."""
    lines, covered = ledger(review, 1), incentive_months(review, 1)
    return _lead(review, [line for line in lines if line.month == covered[-1]]) if lines and covered else Markup("")


def _period(review: Review) -> Markup:
    """The period's months added up, gross and net, where it has several; nothing for a single month."""
    found = period_cost(review)
    if found is None or found.months[-1].net is None:
        return Markup("")
    title = review.period.title
    if found.total is None:
        return page.note(f"No total of {title}: no bill is known of {', '.join(found.without_bill)}.")
    rows = [_period_row(review, month) for month in found.months]
    rows.append([Markup("<strong>{}</strong>").format(cell) for cell in _period_row(review, found.total)])
    columns = [
        Column("Month"),
        Column("Bill", "right", "gross"),
        Column("Credits", "right", "gross"),
        Column("Bonuses", "right", "gross"),
        Column("After caps", "right"),
        Column("Given back", "right"),
        Column("Net", "right"),
        Column("Net bill", "right"),
    ]
    months = ", ".join(month.title for month in found.months)
    total = _period_row(review, found.total)
    lead = Markup(
        "<p><strong>{title}, the sum of {months}: bill {bill} gross; credits {credits} and bonuses {bonuses} gross, "
        "{net} net of caps and of what is given back; bill {net_bill} net</strong>.</p>"
    ).format(
        title=title, months=months, bill=total[1], credits=total[2], bonuses=total[3], net=total[6], net_bill=total[7]
    )
    caption = f"{title} month by month and in all, by the terms of the contract"
    return lead + page.table(columns, rows, caption=caption, classes="stack")


def _period_row(review: Review, cost: MonthCost) -> list[str | Markup | Cell]:
    where = {"month": cost.title}

    def money(id: str, value: float | None, *, signed: bool = True) -> str:
        if value is None:
            return MISSING
        text = format_value(abs(value), "money", currency=review.currency)
        text = f"{'−' if value < 0 else '+'}{text}" if signed and abs(value) > _QUIET else text
        return review.note_figure(f"incentives.{id}", value, text, unit="money", where=where)

    return [
        cost.title,
        money("bill", cost.bill, signed=False),
        money("gross_credits", cost.credits),
        money("gross_bonuses", cost.bonuses),
        money("capped", cost.capped),
        money("returned", cost.returned),
        money("net", cost.net),
        money("net_bill", cost.net_bill, signed=False),
    ]


def _amount(review: Review, line: LedgerLine, share: float) -> str:
    """An amount in money where the bill is known, else as a share of it."""
    sign = "" if abs(share) < 1e-12 else "−" if share < 0 else "+"
    money = line.money(abs(share))
    if money is None:
        return f"{sign}{format_value(abs(share), 'share', decimals=2)} of the bill"
    return f"{sign}{format_value(money, 'money', currency=review.currency)}"


def _lead(review: Review, lines: list[LedgerLine]) -> Markup:
    month = lines[0].month
    counted = [line for line in lines if line.state == "counted"]
    if not counted:
        return page.note(f"No rule could be settled for {month.title}.", "warning")
    where = {"month": month.label}
    sums = {}
    for name, part in (
        ("credit", [line.capped for line in counted if line.capped < 0]),
        ("bonus", [line.capped for line in counted if line.capped > 0]),
        ("returned", [line.returned for line in lines if line.returned]),
        ("net", [line.net for line in lines]),
    ):
        share = sum(part)
        sums[name] = _amount(review, counted[0], share)
        bill = counted[0].bill
        review.note_figure(
            f"incentives.{name}", share if bill is None else share * bill, sums[name],
            unit="share of the bill" if bill is None else "money", where=where,
        )  # fmt: skip
    parts = f"credits {sums['credit']}, bonuses {sums['bonus']}, given back {sums['returned']}; net {sums['net']}"
    text = f"{month.title}: {parts}"
    base = counted[0].bill
    of = f" on a bill of {format_value(base, 'money', currency=review.currency)}" if base is not None else ""
    flips = sum(line.could_flip for line in counted)
    doubt = (
        f"For {flips} of {plural(len(counted), 'rule')} the interval of the result reaches another tier: "
        "the amount is exact by the terms, yet chance alone could have moved it."
        if flips
        else "No result lies so near to a limit that chance alone could have moved its amount."
    )
    return Markup("<p><strong>{}</strong>{}. A minus is a credit to the client.</p><p>{}</p>").format(text, of, doubt)


def _newest_table(review: Review, lines: list[LedgerLine]) -> Markup:
    columns = [
        Column("Rule"),
        Column("Result", "right", f"{percent(review.confidence_level)} interval"),
        Column("Gross", "right"),
        Column("Capped", "right"),
        Column("Given back", "right"),
        Column("Net", "right"),
        Column("Could it flip?"),
    ]
    rows = [_line_row(review, line) for line in lines]
    caption = f"Ledger of {lines[0].month.title}, by rule; the result is rounded as the contract rounds, then looked up"
    return page.table(columns, rows, caption=caption, classes="stack")


def _line_row(review: Review, line: LedgerLine) -> list[str | Markup | Cell]:
    name = Markup('<span class="group">{}</span> {}').format(line.rule.rule_id, kpi_link(line.rule.kpi))
    if line.rule.channel:
        name += f" ({plain(line.rule.channel)})"
    if line.excused_days:
        name += Markup(' <span class="interval">{} left out</span>').format(plural(line.excused_days, "excused day"))
    if line.state != "counted":
        why = {
            "too few cases": f"not counted: {line.cases:,.0f} cases, the terms ask for {line.rule.min_cases:,.0f}",
            "no value": "not measurable",
            "no tier": "no tier holds for this result",
            "not in force": "contract not in force",
        }[line.state]
        value: str = MISSING if isnan(line.value) else line.value_text
        back = _amount(review, line, line.returned) if line.returned else MISSING
        return [name, value, MISSING, MISSING, back, back, why]
    unit = line.rule.kpi.unit
    interval = format_interval(*line.limits, unit, currency=review.currency) if line.limits else ""
    result = Markup('<span class="value">{}</span> <span class="interval">{}</span>').format(line.value_text, interval)
    where = {"rule": line.rule.rule_id, "month": line.month.label}
    if line.excused_days:
        review.note_figure("incentives.result", line.value, line.value_text, unit=unit, where=where)
    net = _amount(review, line, line.net)
    share = line.net if line.bill is None else line.net * line.bill
    review.note_figure(
        "incentives.rule_net", share, net, unit="share of the bill" if line.bill is None else "money", where=where
    )
    return [
        name,
        Cell(result, sort=line.value),
        _amount(review, line, line.gross),
        _amount(review, line, line.capped),
        _amount(review, line, line.returned),
        Cell(Markup("<strong>{}</strong>").format(net), sort=line.net),
        _flip_text(review, line),
    ]


def _flip_text(review: Review, line: LedgerLine) -> str:
    if line.limits is None:
        return "no: counted, not estimated"
    if not line.could_flip:
        return "no"
    low, high = (_amount(review, line, share) for share in line.could_be)
    return f"yes: from {low} to {high}"


def _by_month(review: Review, lines: list[LedgerLine], months: list[str]) -> Markup:
    rules = list(dict.fromkeys(line.rule.rule_id for line in lines))
    cells = {(line.rule.rule_id, line.month.label): line for line in lines}
    columns = [
        Column("Month"),
        *(Column(cells[rule, months[-1]].rule.kpi.label, "right") for rule in rules),
        Column("Net", "right"),
    ]
    rows: list[list[str | Markup | Cell]] = []
    for month in months:
        of_month = [cells[rule, month] for rule in rules]
        total = sum(line.net for line in of_month)
        bill = of_month[0].bill
        text = _amount(review, of_month[0], total)
        review.note_figure(
            "incentives.net", total if bill is None else total * bill, text,
            unit="share of the bill" if bill is None else "money", where={"month": month},
        )  # fmt: skip
        rows.append(
            [month, *(_month_cell(review, line) for line in of_month), Markup("<strong>{}</strong>").format(text)]
        )
    table = page.table(
        columns,
        rows,
        caption="Net by rule and month; ≈ marks results whose interval reaches another tier",
        classes="stack",
    )
    return Markup("<h3>Month by month</h3>{}").format(table)


def _month_cell(review: Review, line: LedgerLine) -> str | Markup:
    if line.state != "counted":
        return Markup('<span class="muted">{}</span>').format(line.state)
    mark = " ≈" if line.could_flip else ""
    text = _amount(review, line, line.net)
    share = line.net if line.bill is None else line.net * line.bill
    where = {"rule": line.rule.rule_id, "month": line.month.label}
    review.note_figure(
        "incentives.rule_net", share, text, unit="share of the bill" if line.bill is None else "money", where=where
    )
    return f"{text}{mark}"


def _both_sides(review: Review) -> Markup:
    lines = ledger(review, _BOTH_SIDES_MONTHS) or []
    sides = two_sides(review, lines, _BOTH_SIDES_MONTHS)
    columns = [
        Column("What moved"),
        Column("To the client", "right"),
        Column("To the partner", "right"),
        Column("Remark"),
    ]
    rows = [*_money_rows(review, sides), *_forecast_rows(review, sides)]
    if not rows:
        return Markup("")
    caption = f"Both sides over {plural(sides.months, 'month')} up to {review.period.end}"
    table = page.table(columns, rows, caption=caption, classes="stack")
    return Markup("<h3>Two-sided ledger</h3>{}").format(table)


def _money_rows(review: Review, sides: TwoSides) -> list[list[str | Markup | Cell]]:
    def money(id: str, value: float | None) -> str:
        if value is None:
            return "no bill"
        text = format_value(value, "money", currency=review.currency)
        return review.note_figure(f"incentives.{id}", value, text, unit="money", where={"months": str(sides.months)})

    excused = f"{plural(sides.excused_days, 'excused day')} left out of the results"
    billed = "as invoiced; compare with the terms above"
    return [
        ["Credits by the terms", money("credits", sides.credits), "", f"{sides.flips} results could have flipped"],
        ["Credits given back", "", money("given_back", sides.returned), "months without a credit followed"],
        ["Bonuses by the terms", "", money("bonuses", sides.bonuses), ""],
        ["Credits spared by excused events", "", money("excused", sides.excused), excused],
        ["Credits and bonuses on invoices", money("billed_credit", sides.billed_credit),
         money("billed_bonus", sides.billed_bonus), billed],
    ]  # fmt: skip


def _forecast_rows(review: Review, sides: TwoSides) -> list[list[str | Markup | Cell]]:
    if sides.over_forecast is None or sides.under_forecast is None:
        return []
    where = {"months": str(sides.months)}
    over = f"{sides.over_forecast:,.0f} contacts"
    review.note_figure("incentives.over_forecast", sides.over_forecast, over, unit="contacts", where=where)
    under = f"{sides.under_forecast:,.0f} contacts"
    review.note_figure("incentives.under_forecast", sides.under_forecast, under, unit="contacts", where=where)
    hours = "" if sides.over_hours is None else f"about {sides.over_hours:,.0f} hours of handling staffed for them"
    if sides.over_hours is not None:
        review.note_figure(
            "incentives.over_hours", sides.over_hours, f"{sides.over_hours:,.0f}", unit="hours", where=where
        )
    return [
        ["Forecast by the client and not come", "", f"borne: {over}", hours],
        ["Come beyond the client's forecast", "", f"borne: {under}", "no staff was asked for these"],
    ]
