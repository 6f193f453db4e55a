"""Watermelon check: green outside, red inside."""

from __future__ import annotations

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.context import Review
from bpo_analysis.review.watermelon import Watermelon
from bpo_analysis.review.watermelon import watermelon as watermelon_of
from bpo_analysis.sections.parts import actual_cell, kpi_link
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["watermelon"]

_ID, _TITLE = "watermelon", "Green outside, red inside?"


@placed(audiences=("account", "delivery"))
def watermelon(review: Review) -> Section:
    """Hold the service targets against what customers make of the service, by the tests of the page's plan."""
    found = watermelon_of(review)
    if not found.service:
        return missing(_ID, _TITLE, "no target about speed of service can be judged.")
    if not found.looked_at:
        return missing(
            _ID, _TITLE, "no outcome of customers (CSAT, NPS, effort, FCR, repeats, reopened) can be tested."
        )
    body = _verdict(found) + _table(found)
    question = "Are the service targets met while customers become less content?"
    return Section(_ID, page.section(_ID, _TITLE, body, question=question))


def _verdict(found: Watermelon) -> Markup:
    looked = f"{', '.join(found.looked_at)} were looked at"
    if found.found:
        several = len(found.worsening) > 1
        seen = "; ".join(f"{one.label} {one.text}" if several else one.text for one in found.worsening)
        return page.note(f"{found.text}: {seen}.", "concern")
    if found.missed:
        names = ", ".join(clause.row.kpi.label for clause in found.missed)
        said = f"The contract itself says missed ({names}), so nothing is hidden behind it."
        if found.worsening:
            said += f" Customers' outcomes worsen as well: {', '.join(one.label for one in found.worsening)}."
        return Markup("<p>{}</p>").format(said)
    return Markup(
        "<p>{} met, and no outcome of customers clearly worsens ({}). That none was found to worsen is not proof that "
        "all are well.</p>"
    ).format(
        f"All {plural(len(found.service), 'service target')}" if len(found.service) > 1 else "The service target is",
        looked,
    )


def _table(found: Watermelon) -> Markup:
    columns = [Column("Service target"), Column("Target", "right"), Column("Actual", "right"), Column("Contract")]
    rows: list[list[str | Markup | Cell]] = [
        [
            Markup("{}{}").format(kpi_link(c.row.kpi), f" ({c.scope})" if c.scope else ""),
            c.row.target_text,
            actual_cell(c.row),
            page.contract_mark(c.row.contract),
        ]
        for c in found.service
    ]
    return page.details(
        "The service targets looked at", page.table(columns, rows, caption="Service targets", classes="stack")
    )
