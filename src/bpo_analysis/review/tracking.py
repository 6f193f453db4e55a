"""The tests of the pages about escalations and about updates, each page with a plan of its own."""

from __future__ import annotations

from collections.abc import Mapping

from bpo_analysis.review.context import Review
from bpo_analysis.review.escalations import TURNAROUND, escalation_speed
from bpo_analysis.review.plan import Judgement
from bpo_analysis.review.updates import Parity, parity, updates_known
from bpo_analysis.stats import Family, MultiplicityPlan

__all__ = ["PARITY", "escalation_judgement", "home_parity", "update_judgement"]

PARITY = "parity with the in-house team"
"""Family of the test of both sides' time to acknowledge."""


def escalation_judgement(review: Review) -> Judgement:
    """Judge the tests of a page about escalations."""
    found = escalation_speed(review)
    return review.once("escalation_judgement", lambda r: _judged(r, TURNAROUND, found.pvalues if found else {}))


def home_parity(review: Review) -> Parity | str:
    """Time to acknowledge beside the in-house team; a text says why there is nothing to compare."""
    return review.once("home_parity", _parity)


def _parity(review: Review) -> Parity | str:
    updates = updates_known(review)
    if updates is None or updates.empty:
        return "no update of these weeks is on record"
    return parity(review, updates)


def update_judgement(review: Review, *, others: bool = True) -> Judgement:
    """Judge the tests of a page about updates; without ``others`` it makes none."""
    found = home_parity(review) if others and review.shows_others else ""
    pvalues = {} if isinstance(found, str) else {found.label: found.comparison.pvalue}
    return review.once(f"update_judgement {others}", lambda r: _judged(r, PARITY, pvalues))


def _judged(review: Review, family: str, pvalues: Mapping[str, float]) -> Judgement:
    plan = MultiplicityPlan(alpha=1 - review.confidence_level, families=(Family(name=family, method="holm", weight=1),))
    return Judgement(plan=plan.add_all(family, pvalues), headline=frozenset())
