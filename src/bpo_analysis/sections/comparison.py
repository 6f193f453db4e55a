"""The partner beside the others on the same work."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import format_change, format_interval, format_value
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.comparison import Comparison, comparisons
from bpo_analysis.review.context import Review
from bpo_analysis.review.plan import PARTNERS, judgement
from bpo_analysis.sections.parts import percent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["beside_the_others"]


@placed(audiences=("account", "delivery"), client_only=True)
def beside_the_others(review: Review) -> Section:
    """Differences to the other partners as counted and on a common mix of contact reasons; orders that turn round."""
    id, title = "comparison", "Beside the other partners"
    found = comparisons(review)
    if not found:
        return missing(id, title, "no other partner has the same contact reasons for a KPI of cases in this period.")
    body = Markup("").join(_one(review, comparison) for comparison in found)
    body += page.note(
        "A partner with easy contacts looks good. The common mix weighs every contact reason by the cases of both "
        "partners; what differs within a reason stays. Reasons that only one of them has are left out."
    )
    question = "Is it better or worse than the others on the same work?"
    return Section(id, page.section(id, title, body, question=question))


def _one(review: Review, comparison: Comparison) -> Markup:
    kpi = comparison.kpi
    columns = [
        Column(kpi.label),
        Column("Here", "right"),
        Column("There", "right"),
        Column("Difference", "right", "as counted"),
        Column("Difference", "right", f"same mix, {percent(review.confidence_level)} interval"),
        Column("Reading"),
    ]
    rows: list[list[str | Markup | Cell]] = []
    for row in comparison.table.to_dict("records"):
        between = format_interval(row["ci_low"], row["ci_high"], kpi.unit).replace(" %", " pp")
        standardised = Markup('{} <span class="interval">{}</span>').format(
            format_change(row["standardised"], kpi.unit), between
        )
        own, theirs, apart = _noted(review, comparison, row)
        rows.append(
            [
                f"against {row['name']}",
                own,
                theirs,
                apart,
                Cell(standardised, sort=row["standardised"]),
                _reading(review, comparison, row),
            ]
        )
    caption = f"{kpi.label} on the contact reasons both partners have, {review.before()[0]} to {review.period.end}"
    return page.table(columns, rows, caption=caption, classes="stack")


def _noted(review: Review, comparison: Comparison, row: dict[Any, Any]) -> tuple[str, str, str]:
    """Values of both sides and their difference as printed, listed with the other numbers of the page."""
    kpi, start, where = comparison.kpi, review.before()[0], {"against": str(row["name"])}
    texts = []
    for name in ("own", "theirs", "difference", "standardised"):
        change = name in ("difference", "standardised")
        text = format_change(row[name], kpi.unit) if change else format_value(row[name], kpi.unit)
        limits = {"ci_low": row["ci_low"], "ci_high": row["ci_high"]} if name == "standardised" else {}
        id = f"comparison.{kpi.name}_{name}"
        texts.append(review.note_figure(id, row[name], text, unit=kpi.unit, start=start, where=where, **limits))
    return texts[0], texts[1], texts[2]


def _reading(review: Review, comparison: Comparison, row: dict[object, object]) -> str:
    judged = judgement(review)
    other = str(row["name"])
    if judged.found(PARTNERS, comparison.reversal_label(other)):
        ahead, behind = (review.name, other) if float(str(row["standardised"])) > 0 else (other, review.name)
        where = f"in each of the {row['reasons']} reasons" if row["in_every_slice"] else "on the same mix"
        return f"{ahead} is ahead {where}, {behind} in the total: its contacts are easier."
    if judged.found(PARTNERS, comparison.difference_label(other)):
        higher = float(str(row["standardised"])) > 0
        return f"Clearly {'higher' if higher else 'lower'} here on the same mix."
    if float(str(row["ci_low"])) * float(str(row["ci_high"])) > 0:
        return "Different if it were the only test of this page; among all of them not clear."
    return "Not clear on the same mix."
