"""Risk and contract in short, for the monthly page; every part has a section of its own."""

from __future__ import annotations

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.review.context import Review
from bpo_analysis.review.exit_exposure import exit_exposure, why_no_exit_exposure
from bpo_analysis.review.growth_gate import growth_gate
from bpo_analysis.review.registers import contract_terms
from bpo_analysis.sections.concentration import concentration_lead, exceptions_block, share_table, why_no_shares
from bpo_analysis.sections.contract_terms import deadline_table, terms_table
from bpo_analysis.sections.exit_exposure import exit_lead, scenario_table
from bpo_analysis.sections.growth_gate import condition_table, gate_lead
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section

__all__ = ["risk_and_contract"]

_ROWS = 5


@placed(audiences=["account"], client_only=True)
def risk_and_contract(review: Review) -> Section:
    """Concentration with its agreed exceptions, exit exposure, deadlines and terms, and the growth gate, in short."""
    body = _concentration(review) + _exit(review) + _contract(review) + _growth(review)
    return Section(
        "risk",
        page.section(
            "risk", "Risk and contract", body,
            question="What depends on this partner, and how easily could either side leave?",
        ),
    )  # fmt: skip


def _concentration(review: Review) -> Markup:
    reason = why_no_shares(review)
    if reason:
        return page.note(f"Concentration: not shown, {reason}")
    table = share_table(review, rows=_ROWS, detailed=False)
    return Markup("<h3>Concentration</h3>{}{}{}").format(concentration_lead(review), table, exceptions_block(review))


def _exit(review: Review) -> Markup:
    found = exit_exposure(review)
    if found is None:
        reason = why_no_exit_exposure(review) or "no contacts were handled lately"
        return page.note(f"If the partner gave notice: not shown, {reason}.")
    lead = exit_lead(review, found)
    folded = page.details("Quicker and slower", scenario_table(review, found))
    return Markup("<h3>If the partner gave notice</h3>{}{}").format(lead, folded)


def _contract(review: Review) -> Markup:
    terms = contract_terms(review)
    if terms is None:
        return page.note("Contract terms: not shown, table contracts is not in this dataset.")
    if terms.empty:
        return page.note("No contract is in force on the last day of the period.")
    return Markup("<h3>Deadlines and terms</h3>{}{}").format(
        deadline_table(review), page.details("Terms in force", terms_table(review))
    )


def _growth(review: Review) -> Markup:
    view = growth_gate(review)
    if view.state == "no rule":
        return Markup("")
    return Markup("<h3>Growth gate</h3>{}{}").format(gate_lead(review, view), condition_table(review, view))
