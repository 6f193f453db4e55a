"""One plan for everything a report tests: who is in which family, what was adjusted, and what counts as found.

A monthly review makes about a hundred tests. Taken one by one at 5 %, five of them would speak in a month in which
nothing happened. The plan holds the chance that the page says anything untrue in such a month at one minus the review's
confidence level.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from bpo_analysis.review.changes import STRETCHES, change_of, testable
from bpo_analysis.review.comparison import comparisons
from bpo_analysis.review.context import Review
from bpo_analysis.review.escalations import TURNAROUND, escalation_speed
from bpo_analysis.review.headline import headline_names
from bpo_analysis.review.leads import leads
from bpo_analysis.review.patterns import pattern_names, pattern_of
from bpo_analysis.review.raters import rater_bias
from bpo_analysis.review.reconciliation import reconcile
from bpo_analysis.stats import Family, MultiplicityPlan

__all__ = [
    "FAMILIES",
    "HEADLINE",
    "LEADS",
    "OTHER",
    "PARTNERS",
    "PATTERNS",
    "REPORTS",
    "Judgement",
    "change_family",
    "judgement",
]

HEADLINE, OTHER, PATTERNS, LEADS, REPORTS, PARTNERS = (
    "changes of headline KPIs",
    "changes of other KPIs",
    "trends and dated changes",
    "leads",
    "the partner's own numbers",
    "comparison with other partners",
)
FAMILIES = (
    # What is decided on must stand test by test (Holm); what only says where to look may be wrong now and then.
    Family(name=HEADLINE, method="holm", weight=4),
    Family(name=OTHER, method="benjamini-hochberg", weight=1),
    Family(name=PATTERNS, method="holm", weight=3),
    Family(name=LEADS, method="benjamini-hochberg", weight=1),
    Family(name=REPORTS, method="holm", weight=1),
    Family(name=PARTNERS, method="holm", weight=1),
    Family(name=TURNAROUND, method="holm", weight=1),
)


@dataclass(frozen=True)
class Judgement:
    """The plan of a report with all its tests in it."""

    plan: MultiplicityPlan
    headline: frozenset[str]

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per test, as in ``MultiplicityPlan.table``."""
        return self.plan.table

    @cached_property
    def _found(self) -> frozenset[tuple[str, str]]:
        hits = self.table[self.table["found"]]
        return frozenset(zip(hits["family"], hits["label"], strict=True))

    @property
    def findings(self) -> list[tuple[str, str]]:
        """Family and label of what was found: all that this report claims to have happened."""
        return sorted(self._found)

    def found(self, family: str, label: str) -> bool:
        """Whether a test is a finding of this report."""
        return (family, label) in self._found

    def adjusted(self, family: str) -> dict[str, float]:
        """Adjusted p-values of a family by label, over the whole report."""
        rows = self.table[self.table["family"] == family]
        return dict(zip(rows["label"], rows["adjusted_pvalue"], strict=True))

    def threshold(self, family: str, label: str) -> float:
        """What the p-value of a test was held against."""
        rows = self.table[(self.table["family"] == family) & (self.table["label"] == label)]
        return float(rows["threshold"].iloc[0])

    def level(self, family: str) -> float:
        """Confidence level of the intervals of a family."""
        return self._levels[family]

    @cached_property
    def _levels(self) -> dict[str, float]:
        return {family.name: self.plan.interval_level(family.name) for family in self.plan.families}

    def change_level(self, name: str) -> float:
        """Confidence level of the interval of a KPI's change."""
        return self.level(HEADLINE if name in self.headline else OTHER)


def change_family(review: Review, name: str) -> str:
    """Family that the changes of a KPI belong to."""
    return HEADLINE if name in judgement(review).headline else OTHER


def judgement(review: Review) -> Judgement:
    """Make every test of the report once, and judge them together."""
    return review.once("judgement", _judgement)


def _judgement(review: Review) -> Judgement:
    headline = frozenset(name for names in headline_names(review).values() for name in names)
    plan = MultiplicityPlan(alpha=1 - review.confidence_level, families=FAMILIES)
    changes = [(name, change_of(review, name, stretch)) for name in testable(review) for stretch in STRETCHES]
    plan = replace(
        plan,
        members=tuple(
            (HEADLINE if name in headline else OTHER, change.label, change.pvalue)
            for name, change in changes
            if change.difference is not None
        ),
    )
    for name in pattern_names(review):
        plan = plan.add_all(PATTERNS, pattern_of(review, name).pvalues)
    lag = leads(review)
    plan = plan.add_all(LEADS, {lag.label(review, row): row["pvalue"] for _, row in lag.table.iterrows()})
    plan = plan.add_all(REPORTS, {reported.label: reported.pvalue for reported in reconcile(review) or []})
    bias = rater_bias(review)
    if bias is not None:
        plan = plan.add(REPORTS, bias.label, bias.pvalue)
    speed = escalation_speed(review)
    if speed is not None:
        plan = plan.add_all(TURNAROUND, speed.pvalues)
    for comparison in comparisons(review):
        plan = plan.add_all(PARTNERS, comparison.pvalues)
    return Judgement(plan=plan, headline=headline)
