"""Risk of all partners on one page: what lies in whose hands, and what notice of each would leave undone."""

from __future__ import annotations

from math import isnan
from typing import Any

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_value, plain, plural, unbroken
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.concentration import DIMENSIONS, concentration, shares_by_partner
from bpo_analysis.review.portfolio import Portfolio
from bpo_analysis.review.portfolio_risk import portfolio_risk as risks_of
from bpo_analysis.sections.listing import listed
from bpo_analysis.sections.parts import day_text, percent
from bpo_analysis.sections.section import Section, missing

__all__ = ["portfolio_risk"]

_ID, _TITLE = "risk", "Risk"


@listed
def portfolio_risk(portfolio: Portfolio) -> Section:
    """Concentration, exit exposure and next deadline of every outside partner, and the table of slices by partner."""
    table = risks_of(portfolio)
    if table.empty:
        return missing(_ID, _TITLE, "table partners names no outside partner.")
    body = _lead(table.to_dict("records")) + _risk_table(portfolio, table.to_dict("records")) + _heat(portfolio)
    return Section(
        _ID, page.section(_ID, _TITLE, body, question="What lies in one hand, and what if a partner gave notice?")
    )


def _lead(rows: list[dict[str, Any]]) -> Markup:
    flagged = [f"{row['flagged_slices']} ({row['name']})" for row in rows if row["flagged"]]
    known = [row for row in rows if not isnan(row["uncovered_weeks"])]
    parts = [
        f"In one hand without a valid exception: {'; '.join(flagged)}." if flagged
        else "No slice is in one hand without a valid exception."
    ]  # fmt: skip
    if known:
        worst = max(known, key=lambda row: row["uncovered_weeks"])
        if worst["uncovered_weeks"] >= 0.05:
            parts.append(
                f"Notice of {worst['name']} ({worst['notice_days']:.0f} days) would leave most undone: "
                f"{worst['uncovered_weeks']:.1f} weeks of its work."
            )
    return Markup("<p>{}</p>").format(" ".join(parts))


def _risk_table(portfolio: Portfolio, rows: list[dict[str, Any]]) -> Markup:
    columns = [
        Column("Partner"),
        Column("Of all contacts", "right"),
        Column("In one hand"),
        Column("Its notice", "right", "days"),
        Column("Agents", "right"),
        Column("Left undone", "right", "hours, quicker to slower"),
        Column("Exit now", "right", "on top of bills"),
        Column("Next deadline"),
    ]
    body = [_risk_row(portfolio, row) for row in rows]
    caption = f"Risks of outside partners {portfolio.period.when}; how they are computed is on each partner's page"
    return page.table(columns, body, caption=caption, classes="stack")


def _risk_row(portfolio: Portfolio, row: dict[str, Any]) -> list[str | Markup | Cell]:
    review = portfolio.reviews[row["partner_id"]]
    where = {"partner": row["partner_id"]}
    share = review.note_figure(
        "risk.share_of_all", row["share"], format_value(row["share"], "share"), unit="share", where=where
    )
    outside = (
        Markup(' <span class="interval">{} without exceptions</span>').format(format_value(row["outside"], "share"))
        if row["outside"] != row["share"] and not isnan(row["outside"])
        else ""
    )
    undone: str | Markup = Markup('<span class="muted">{}</span>').format(row["why_not"] or "not known")
    if not isnan(row["uncovered_weeks"]):
        weeks = f"{row['uncovered_weeks']:.1f} weeks of work"
        undone = weeks
        if not isnan(row["uncovered_hours"]):
            hours = review.note_figure(
                "risk.exit_gap_hours",
                row["uncovered_hours"],
                f"{row['uncovered_hours']:,.0f}",
                unit="hours",
                where=where,
            )
            spread = f"{row['uncovered_low']:,.0f} to {row['uncovered_high']:,.0f}"
            undone = Markup('{} <span class="interval">{}; {}</span>').format(hours, spread, weeks)
    deadline = MISSING
    if row["deadline"]:
        deadline = f"{row['deadline']}, {day_text(row['deadline_day'])} (in {plural(int(row['deadline_days']), 'day')})"
    home = f" ({row['no_home']} without in-house agents)" if row["flagged"] and row["no_home"] else ""
    return [
        row["name"],
        Markup("{}{}").format(share, outside),
        f"{plain(row['flagged_slices'])}{home}" if row["flagged"] else "nothing",
        format_value(row["notice_days"], "count"),
        format_value(row["heads"], "count", decimals=0),
        Cell(undone, sort=None if isnan(row["uncovered_hours"]) else row["uncovered_hours"]),
        format_value(row["exit_cost"], "money", currency=review.currency, decimals=0),
        deadline,
    ]


def _heat(portfolio: Portfolio) -> Markup:
    table = shares_by_partner(portfolio.dataset, portfolio.period)
    if table.empty:
        return page.note("Shares by slice: not shown, volume names no channel, product, shift or reason.")
    partners = portfolio.dataset.partners.set_index("partner_id")["name"]
    names = [name for name in partners.index if name in table]
    agreed = {
        (str(row["dimension"]), str(row["value"]), partner)
        for partner in names if partner in portfolio.reviews
        for row in concentration(portfolio.reviews[partner]).to_dict("records")
        if row["exception"] and not row["stale"]
    }  # fmt: skip
    ceiling = portfolio.dataset.config.concentration_ceiling
    order = list(DIMENSIONS.values())
    table = table.sort_values("dimension", key=lambda names: names.map(order.index), kind="stable")
    columns = [Column("Slice"), Column("Contacts", "right"), *(Column(str(partners[name])) for name in names)]
    rows: list[list[str | Markup | Cell]] = [
        [
            f"{row['dimension']}: {plain(str(row['value']))}",
            format_value(row["total"], "count"),
            *(
                _heat_cell(row[name], ceiling, agreed=(row["dimension"], row["value"], name) in agreed)
                for name in names
            ),
        ]
        for row in table.to_dict("records")
    ]
    caption = f"Who handles what: share of each slice by partner; ✕ from {percent(ceiling)} on, ○ by agreed exception"
    return page.table(columns, rows, caption=caption, classes="stack")


def _heat_cell(share: float, ceiling: float, *, agreed: bool) -> Cell:
    if share is None or isnan(share):
        return Cell(MISSING, sort=0.0)
    high = share >= ceiling
    mark = " ○" if agreed else " ✕" if high else ""
    tone = "target" if agreed else "concern" if high else "neutral"
    return Cell(Markup("{}<br>{}").format(unbroken(percent(share) + mark), page.bar(share, tone=tone)), sort=share)
