"""Is a target well put? Specific, measurable, achievable, relevant, time-bound: each with its reason, no score."""

from __future__ import annotations

from dataclasses import dataclass

from bpo_analysis.data import Target
from bpo_analysis.formats import plural
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.context import Review
from bpo_analysis.review.targets.feasibility import feasibility_of
from bpo_analysis.review.targets.history import where_of

__all__ = ["Letter", "SmartCheck", "check_smart", "own_targets"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One of the five questions: answered yes, no, or cannot tell (None), and why."""

    ok: bool | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartCheck:
    """The five letters of one target row."""

    target: Target
    kpi: Kpi
    specific: Letter
    measurable: Letter
    achievable: Letter
    relevant: Letter
    time_bound: Letter

    @property
    def letters(self) -> tuple[Letter, ...]:
        """The letters in their order."""
        return self.specific, self.measurable, self.achievable, self.relevant, self.time_bound


def own_targets(review: Review) -> list[Target]:
    """Target rows that concern the partner and have not ended before the period, by clause and KPI."""
    found = [
        t
        for t in review.targets
        if t.partner_id in (None, review.partner_id) and (t.valid_to is None or t.valid_to >= review.period.start)
    ]
    return sorted(found, key=lambda t: (t.clause, t.kpi, t.channel or "", t.tier, str(t.valid_from)))


def check_smart(review: Review) -> list[SmartCheck]:
    """Check every target row of the partner that holds now or will hold later."""
    return [_check(review, target) for target in own_targets(review)]


def _check(review: Review, target: Target) -> SmartCheck:
    kpi = review.kpis[target.kpi]
    measurable = _measurable(review, target)
    return SmartCheck(
        target=target,
        kpi=kpi,
        specific=Letter(ok=True, why=kpi.definition),
        measurable=measurable,
        achievable=_achievable(review, target) if measurable.ok else Letter(ok=None, why="not measurable"),
        relevant=Letter(ok=bool(target.goal), why=target.goal or "no goal named"),
        time_bound=_time_bound(target),
    )


def _measurable(review: Review, target: Target) -> Letter:
    if target.kpi in review.dataset.unavailable:
        return Letter(ok=False, why=review.dataset.unavailable[target.kpi])
    if review.daily(target.kpi, where_of(target)).empty:
        return Letter(ok=False, why=f"{review.name} has no rows for it")
    return Letter(ok=True, why=f"computed from {review.kpis[target.kpi].source}")


def _achievable(review: Review, target: Target) -> Letter:
    found = feasibility_of(review, target)
    if found.state == "cannot tell":
        return Letter(ok=None, why=f"only {plural(found.n, found.history.unit)} of history")
    why = f"met in {found.met} of {plural(found.n, found.history.unit)}"
    return Letter(ok=found.state == "within reach", why=why)


def _time_bound(target: Target) -> Letter:
    if target.due_date is not None:
        return Letter(ok=True, why=f"due {target.due_date}")
    if target.valid_from is not None:
        until = f" to {target.valid_to}" if target.valid_to else ""
        return Letter(ok=True, why=f"holds from {target.valid_from}{until}")
    if target.valid_to is not None:
        return Letter(ok=True, why=f"holds to {target.valid_to}")
    return Letter(ok=False, why="neither a first day nor a due date")
