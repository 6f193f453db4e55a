"""The partner beside the others on the same work."""

from __future__ import annotations

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


@placed(client_only=True)
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
        rows.append(
            [
                f"against {row['name']}",
                format_value(row["own"], kpi.unit),
                format_value(row["theirs"], kpi.unit),
                format_change(row["difference"], kpi.unit),
                Cell(standardised, sort=row["standardised"]),
                _reading(review, comparison, row),
            ]
        )
    caption = f"{kpi.label} on the contact reasons both partners have, {review.before()[0]} to {review.period.end}"
    return page.table(columns, rows, caption=caption, classes="stack")


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
