"""The tests of the pages about escalations and about updates, each page with a plan of its own."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from bpo_analysis.review.context import Review
from bpo_analysis.review.escalations import TURNAROUND, escalation_speed
from bpo_analysis.review.plan import PARTNERS, Judgement
from bpo_analysis.review.updates import Coverage, Parity, coverage, parity, updates_known
from bpo_analysis.stats import (
    Family,
    MultiplicityPlan,
    RatioDifference,
    RatioInterval,
    difference_of_ratios,
    share_interval,
)

__all__ = [
    "COVERED",
    "CoverageChange",
    "coverage_change",
    "escalation_judgement",
    "home_parity",
    "update_coverage",
    "update_judgement",
]

COVERED = "training by the first day"
"""Family of the test of the period's updates against those of the weeks before."""
_LEAST_UPDATES = 3
"""Updates on either side of a comparison: from fewer it cannot be seen how far updates differ."""


def escalation_judgement(review: Review) -> Judgement:
    """Judge the tests of a page about escalations."""
    found = escalation_speed(review)
    families = (Family(name=TURNAROUND, method="holm", weight=1),)
    return review.once(
        "escalation_judgement", lambda r: _judged(r, families, {TURNAROUND: found.pvalues if found else {}})
    )


def home_parity(review: Review) -> Parity | str:
    """Time to acknowledge beside the in-house team; a text says why there is nothing to compare."""
    return review.once("home_parity", _parity)


def _parity(review: Review) -> Parity | str:
    updates = updates_known(review)
    if updates is None or updates.empty:
        return "no update of these weeks is on record"
    return parity(review, updates)


def update_coverage(review: Review) -> Coverage | None:
    """Who knew the updates of these weeks on the day they took effect; None without updates or trainings."""
    return review.once("update_coverage", _coverage)


def _coverage(review: Review) -> Coverage | None:
    updates = updates_known(review)
    return None if updates is None or updates.empty else coverage(review, updates)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageChange:
    """Agents trained on the first day of an update: those of the period, and those of the weeks before it.

    Attributes
    ----------
    now, before : RatioInterval
        Trained of agents in production that day, updates as units.
    difference : RatioDifference
        Period less the weeks before.
    """

    now: RatioInterval
    before: RatioInterval
    difference: RatioDifference

    label = "trained on the first day, against the weeks before"
    """Name of the test in the plan of a page."""


def coverage_change(review: Review) -> CoverageChange | None:
    """Compare the updates of the period with those before; None with fewer than three updates on either side."""
    return review.once("coverage_change", _coverage_change)


def _coverage_change(review: Review) -> CoverageChange | None:
    updates, covered = updates_known(review), update_coverage(review)
    if updates is None or covered is None:
        return None
    sums = covered.table.groupby("update_id")[["trained", "roster"]].sum()
    recent = sums.index.isin(updates.loc[updates["in_period"], "update_id"])
    parts: list[pd.DataFrame] = [sums[recent], sums[~recent]]
    if min(map(len, parts)) < _LEAST_UPDATES:
        return None
    now, before = (
        share_interval(part["trained"], part["roster"], confidence_level=review.confidence_level, autocorrelation=0.0)
        for part in parts
    )
    return CoverageChange(now=now, before=before, difference=difference_of_ratios(now, before))


def update_judgement(review: Review) -> Judgement:
    """Judge the tests of a page about updates, the same ones in every edition."""
    return review.once("update_judgement", _update_judgement)


def _update_judgement(review: Review) -> Judgement:
    beside, change = home_parity(review), coverage_change(review)
    families = (
        Family(name=COVERED, method="holm", weight=1),
        # The plan of a page names this family to the client alone.
        Family(name=PARTNERS, method="holm", weight=1),
    )
    pvalues = {
        COVERED: {change.label: change.difference.pvalue} if change else {},
        PARTNERS: {} if isinstance(beside, str) else {beside.label: beside.comparison.pvalue},
    }
    return _judged(review, families, pvalues)


def _judged(review: Review, families: tuple[Family, ...], pvalues: dict[str, dict[str, float]]) -> Judgement:
    plan = MultiplicityPlan(alpha=1 - review.confidence_level, families=families)
    for family, values in pvalues.items():
        plan = plan.add_all(family, values)
    return Judgement(plan=plan, headline=frozenset())
