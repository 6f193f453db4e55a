"""Do the targets cover what matters? By timing, by group, by goal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from bpo_analysis.kpis import GROUPS
from bpo_analysis.review.context import Review
from bpo_analysis.review.scorecard import Clause, clauses

__all__ = ["TIMINGS", "Balance", "Goal", "balance_of", "goals"]

TIMINGS = ("leading", "lagging")
_OUTCOME_GROUPS = GROUPS[:4]


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """How many KPIs with a target are of each group and timing.

    Attributes
    ----------
    counts : mapping of (str, str) to int
        By group and timing.
    absent : tuple of str
        Timings, and groups of the scorecard, of which no KPI has a target.
    total : int
    """

    counts: Counter[tuple[str, str]]
    absent: tuple[str, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A goal with the targets that serve it; the name is empty for targets that name none."""

    name: str
    clauses: tuple[Clause, ...]


def balance_of(review: Review) -> Balance:
    """Count the KPIs with a target in force for the partner."""
    kpis = {clause.row.kpi.name: clause.row.kpi for clause in clauses(review)}
    counts: Counter[tuple[str, str]] = Counter((kpi.group, kpi.timing) for kpi in kpis.values())
    timings = {timing for _, timing in counts}
    groups = {group for group, _ in counts}
    absent = [f"no {t} KPI" for t in TIMINGS if t not in timings]
    absent += [f"nothing about {g}" for g in _OUTCOME_GROUPS if g not in groups]
    return Balance(counts=counts, absent=tuple(absent) if kpis else (), total=len(kpis))


def goals(review: Review) -> list[Goal]:
    """Targets in force by goal; those without a goal come last."""
    found = clauses(review)
    names = sorted({_goal(clause) for clause in found}, key=lambda name: (not name, name))
    return [Goal(name=name, clauses=tuple(c for c in found if _goal(c) == name)) for name in names]


def _goal(clause: Clause) -> str:
    return clause.row.target.goal if clause.row.target else ""
