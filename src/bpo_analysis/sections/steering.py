"""What a steering committee reads of money, risks and dates: the sentences of sections that others have in full."""

from __future__ import annotations

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.review.bill import bill_bridge
from bpo_analysis.review.context import Review
from bpo_analysis.review.exit_exposure import exit_exposure
from bpo_analysis.review.growth_gate import growth_gate
from bpo_analysis.review.registers import contract_terms
from bpo_analysis.sections.concentration import concentration_lead, why_no_shares
from bpo_analysis.sections.contract_terms import deadline_table
from bpo_analysis.sections.cost import bill_sentence
from bpo_analysis.sections.exit_exposure import exit_lead
from bpo_analysis.sections.growth_gate import gate_lead
from bpo_analysis.sections.incentives import ledger_lead
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["money_and_risks"]

_ID, _TITLE = "money-and-risks", "Money and risks"
_AHEAD_DAYS = 120
"""How far ahead a deadline is named: two meetings of a committee that meets every other month."""


@placed(audiences=["steering"])
def money_and_risks(review: Review) -> Section:
    """The bill, credits and bonuses; what depends on the partner, what a notice would leave undone, dates, growth."""
    body = _money(review)
    if review.shows_others:
        body += _risks(review)
    if not body:
        return missing(_ID, _TITLE, "tables invoices, contracts and contract_incentives are not in this dataset.")
    question = "What is paid and owed, what could go wrong, and what falls due?"
    return Section(_ID, page.section(_ID, _TITLE, body, question=question))


def _money(review: Review) -> Markup:
    bridge = bill_bridge(review) if review.shows_others else None
    bill = Markup("<p>{}.</p>").format(bill_sentence(review, bridge)) if bridge else Markup("")
    money = bill + ledger_lead(review)
    return Markup("<h3>Money</h3>{}").format(money) if money else money


def _risks(review: Review) -> Markup:
    body = Markup("") if why_no_shares(review) else concentration_lead(review)
    exposure = exit_exposure(review)
    if exposure is not None:
        body += exit_lead(review, exposure)
    view = growth_gate(review)
    if view.state != "no rule":
        body += gate_lead(review, view)
    if body:
        body = Markup("<h3>Risks</h3>{}").format(body)
    terms = contract_terms(review)
    if terms is None or terms.empty:
        return body
    return body + Markup("<h3>Dates</h3>{}").format(deadline_table(review, ahead=_AHEAD_DAYS))
