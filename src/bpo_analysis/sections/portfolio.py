"""The page about all partners: who did what was agreed, who is ahead on the same work, what needs a decision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_change, format_interval, format_value, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.portfolio import FairComparison, Portfolio, Standing, fair_comparisons, standings
from bpo_analysis.sections.closing import (
    data_record,
    data_warnings,
    definitions,
    ledger_rows,
    printed_rows,
    provenance,
    row_accounting,
)
from bpo_analysis.sections.listing import listed
from bpo_analysis.sections.parts import kpi_link, percent
from bpo_analysis.sections.section import Section, missing

__all__ = [
    "portfolio_appendix",
    "portfolio_comparison",
    "portfolio_decisions",
    "portfolio_masthead",
    "portfolio_standing",
]

_DECISIONS_EACH = 3
_STILL = "Nothing clear"


def portfolio_masthead(portfolio: Portfolio) -> Section:
    """Whose partners, when, from which data."""
    first, last = portfolio.dataset.span
    html = Markup(
        '<header class="masthead"><h1>All partners: {}</h1><p>{}Data {} to {}, '
        '<a href="#appendix">fingerprint {}</a>.</p></header>'
    ).format(
        portfolio.period.title,
        f"{portfolio.dataset.config.client}. " if portfolio.dataset.config.client else "",
        first,
        last,
        portfolio.dataset.fingerprint[:8],
    )
    who_and_when = {"partner": "All partners", "period": portfolio.period.label, "period_label": portfolio.period.title}
    return Section("masthead", html, {"headline": who_and_when})


@listed
def portfolio_standing(portfolio: Portfolio) -> Section:
    """One line for each partner: targets met and missed, what moved, how many decisions wait."""
    found = standings(portfolio)
    columns = [
        Column("Partner"),
        Column("Targets met", "right"),
        Column("Missed", "right"),
        Column("Missed beyond doubt", "right"),
        Column("Clearest movement"),
        Column("Decisions", "right"),
    ]
    rows = [_line(standing) for standing in found]
    caption = f"Agreed targets and movements, {portfolio.period.title}"
    note = page.note(
        f"Movements are those that stand when the {plural(len(found), 'partner')} are judged together; a partner's own "
        "page, judged by itself, may name more."
    )
    html = Markup('<div class="first-screen" id="summary"><p class="verdict {}">{}</p>{}{}</div>').format(
        "bad" if any(one.clearly_missed for one in found) else "none",
        _sentence(portfolio, found),
        page.table(columns, rows, caption=caption, classes="stack"),
        note,
    )
    return Section("summary", html)


def _sentence(portfolio: Portfolio, found: list[Standing]) -> str:
    missing_any = [one for one in found if one.clearly_missed]
    if not any(one.count("met") + one.count("missed") for one in found):
        return f"No target of any partner can be judged {portfolio.period.when}."
    if not missing_any:
        return f"No partner missed a target beyond doubt {portfolio.period.when}."
    names = ", ".join(one.review.name for one in missing_any)
    verb = "misses" if len(missing_any) == 1 else "miss"
    return f"{len(missing_any)} of {plural(len(found), 'partner')} {verb} a target beyond doubt: {names}."


def _line(standing: Standing) -> list[str | Markup | Cell]:
    moved = standing.moved[0].finding if standing.moved else None
    kind = Markup(' <small class="kind">in-house</small>') if standing.review.partner["kind"] == "inhouse" else ""
    return [
        Markup("{}{}").format(standing.review.name, kind),
        Cell(str(standing.count("met")), sort=standing.count("met")),
        Cell(str(standing.count("missed")), sort=standing.count("missed")),
        Cell(str(standing.clearly_missed), sort=standing.clearly_missed),
        Markup('<span class="delta {}">{}</span> {}').format(
            moved.tone, {"good": "better", "bad": "worse"}.get(moved.tone, "moved"), moved.text
        )
        if moved
        else _STILL,
        Cell(str(len(standing.asks)), sort=len(standing.asks)),
    ]


@listed
def portfolio_comparison(portfolio: Portfolio) -> Section:
    """Every partner on the same mix of contact reasons, as counted and standardised, with who really differs."""
    id, title = "comparison", "The same work"
    found = fair_comparisons(portfolio)
    if not found:
        return missing(id, title, "no KPI of cases has contact reasons that all partners share.")
    body = Markup("").join(_comparison(portfolio, one) for one in found)
    body += page.note(
        "Partners with easy contacts look good as counted. On the same mix every contact reason weighs alike for all; "
        "reasons that not all partners have are left out. Whether a partner differs is judged for all partners and "
        "KPIs of this page together."
    )
    question = "Who is better once everybody has the same work?"
    return Section(id, page.section(id, title, body, question=question))


def _comparison(portfolio: Portfolio, one: FairComparison) -> Markup:
    kpi, names = one.kpi, portfolio.dataset.partners.set_index("partner_id")["name"]
    columns = [
        Column("Partner"),
        Column("As counted", "right"),
        Column("Same mix", "right", f"{percent(one.result.confidence_level)} interval"),
        Column("Against the rest", "right", "same mix"),
        Column("Order", "right", "counted, same mix"),
        Column("Reading"),
    ]
    table = one.result.table.sort_values("rank_standardised", ascending=kpi.better != "lower", kind="stable")
    rows: list[list[str | Markup | Cell]] = []
    for partner, row in table.iterrows():
        _note_row(portfolio, kpi.name, str(partner), row)
        rows.append(
            [
                str(names[str(partner)]),
                format_value(row["crude"], kpi.unit),
                Cell(
                    Markup('{} <span class="interval">{}</span>').format(
                        format_value(row["standardised"], kpi.unit),
                        format_interval(row["standardised_ci_low"], row["standardised_ci_high"], kpi.unit),
                    ),
                    sort=row["standardised"],
                ),
                format_change(row["difference"], kpi.unit),
                f"{_place(row['rank_crude'])}, {_place(row['rank_standardised'])}",
                _reading(one, str(partner), row["difference"]),
            ]
        )
    turned = "; ".join(f"{names[a]} and {names[b]}" for a, b in one.result.reversals)
    note = page.note(f"The order as counted turns round on the same mix for: {turned}.") if turned else Markup("")
    start = portfolio.any_review.before()[0]
    covered = f"{plural(one.result.n_slices, 'contact reason')} that all have, {start} to {portfolio.period.end}"
    # The link stands before the table: a caption may hold none where rows become cards.
    lead = Markup("<p>{}: the same mix of contact reasons for all.</p>").format(kpi_link(kpi))
    return lead + page.table(columns, rows, caption=f"{kpi.label} on the {covered}", classes="stack") + note


def _note_row(portfolio: Portfolio, kpi: str, partner: str, row: Any) -> None:
    """List the figures of a line with the other numbers of the page."""
    review = portfolio.reviews[partner]
    definition = review.kpis[kpi]
    for name in ("crude", "standardised", "difference"):
        low, high = (row.get(f"{name}_ci_low"), row.get(f"{name}_ci_high"))
        review.note_figure(
            f"comparison.{kpi}_{name}",
            row[name],
            format_change(row[name], definition.unit)
            if name == "difference"
            else format_value(row[name], definition.unit),
            unit=definition.unit,
            ci_low=low,
            ci_high=high,
            start=review.before()[0],
        )


def _place(rank: float) -> str:
    return MISSING if rank != rank else f"{rank:.0f}"


def _reading(one: FairComparison, partner: str, difference: float) -> str:
    if not one.differs(partner):
        return "not clear"
    higher = difference > 0
    word = "higher" if higher else "lower"
    if one.kpi.better == "none":
        return f"clearly {word}"
    good = higher == (one.kpi.better == "higher")
    return f"clearly {word}, {'better' if good else 'worse'} than the rest"


@listed
def portfolio_decisions(portfolio: Portfolio) -> Section:
    """What is asked of the reader, partner by partner."""
    columns = [Column("Decision"), Column("Partners"), Column("Who"), Column("When")]
    # One thing that is asked about several partners is one decision.
    about: dict[tuple[str, str, str], list[str]] = {}
    for standing in standings(portfolio):
        for ask in standing.asks[:_DECISIONS_EACH]:
            about.setdefault((ask.text, ask.owner, ask.due), []).append(standing.review.name)
    # What falls due on a day comes first, the earliest first; the rest keeps the order of the partners.
    ordered = sorted(about.items(), key=lambda item: (not item[0][2].startswith("by "), _day(item[0][2])))
    rows = [[text, ", ".join(names), owner, due] for (text, owner, due), names in ordered]
    body = (
        page.table(columns, rows, caption="The first three of each partner", classes="stack")
        if rows
        else Markup("<p>Nothing is asked of you.</p>")
    )
    return Section(
        "decisions", page.section("decisions", "What needs a decision", body, question="What is asked of you?")
    )


def _day(due: str) -> str:
    """The day of "by 2026-11-02"; nothing where no day is named, so that the order stays."""
    return due.removeprefix("by ") if due.startswith("by ") else ""


def portfolio_appendix(portfolio: Portfolio) -> Section:
    """Definitions, what became of every row, and what the page was made from."""
    section = _appendix(portfolio)
    rows = [row for review in portfolio.reviews.values() for row in ledger_rows(review)]
    rows += printed_rows(portfolio.printed, portfolio.period.start, portfolio.period.end, partner_id="")
    return replace(section, record={**data_record(portfolio.any_review), "kpis": rows})


@listed
def _appendix(portfolio: Portfolio) -> Section:
    review = portfolio.any_review
    used = {measure.kpi.name for one in portfolio.reviews.values() for measure in one.ledger.values()}
    kpis = [review.kpis[name] for name in sorted(used)]
    body = definitions(kpis) + row_accounting(review) + data_warnings(review) + provenance(review)
    return Section(
        "appendix",
        page.section("appendix", "Appendix", body, question="What do the numbers mean, and where do they come from?"),
    )
