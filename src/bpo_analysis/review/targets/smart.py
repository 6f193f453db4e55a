"""Is a target well put? Specific, measurable, achievable, relevant, time-bound: each with its reason, no score."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bpo_analysis.data import Target
from bpo_analysis.formats import plural
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.context import Review
from bpo_analysis.review.targets.feasibility import feasibility_of
from bpo_analysis.review.targets.history import where_of

__all__ = ["Letter", "Replaced", "SmartCheck", "check_smart", "own_targets", "replaced_targets"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """A target row that held once, or would hold if no more particular or later row did.

    ``until`` is its last day, where it names one; ``by`` the row that holds in its place on the period's last day.
    """

    target: Target
    until: date | None
    by: Target | None


def own_targets(review: Review) -> list[Target]:
    """Target rows in force for the partner on the period's last day, and those agreed to come, by clause and KPI."""
    end = review.period.end
    holding = set(map(id, _in_force(review).values()))
    return [t for t in _concerning(review) if id(t) in holding or (t.valid_from is not None and t.valid_from > end)]


def replaced_targets(review: Review) -> list[Replaced]:
    """Target rows that concern the partner, have begun, and do not hold on the period's last day."""
    own, best = set(map(id, own_targets(review))), _in_force(review)
    return [
        Replaced(target=t, until=t.valid_to, by=best.get(_place(t))) for t in _concerning(review) if id(t) not in own
    ]


def _concerning(review: Review) -> list[Target]:
    # A target for mail does not concern a partner that answers no mail.
    channels = review.slices("offered", "channel")
    found = [
        t
        for t in review.targets
        if t.partner_id in (None, review.partner_id) and (t.channel is None or not channels or t.channel in channels)
    ]
    return sorted(found, key=lambda t: (t.clause, t.kpi, t.channel or "", t.tier, str(t.valid_from)))


def _place(target: Target) -> tuple[str, str | None, str]:
    return target.kpi, target.channel, target.tier


def _in_force(review: Review) -> dict[tuple[str, str | None, str], Target]:
    """By KPI, channel and tier, the row that holds: the particular in place of the general, the later in place of the
    earlier, as the scorecard has it.
    """
    holding = [t for t in _concerning(review) if t.holds_on(review.period.end)]
    holding.sort(key=lambda t: (t.partner_id is not None, t.valid_from or date.min))
    return {_place(t): t for t in holding}


def check_smart(review: Review) -> list[SmartCheck]:
    """Check every target row of the partner that is in force or will be."""
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
