"""Did the partner do what was agreed, and how sure is that? Two marks per KPI, never merged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import floor
from typing import Literal, get_args

import numpy as np

from bpo_analysis.data import Target, target_for
from bpo_analysis.formats import decimals_of, format_change, format_value, shown_number
from bpo_analysis.kpis import Kpi, Unit
from bpo_analysis.periods import ReportPeriod
from bpo_analysis.review.changes import STRETCHES, Stretch, change_of
from bpo_analysis.review.context import Measure, Review
from bpo_analysis.review.headline import headline_names
from bpo_analysis.review.plan import change_family, judgement
from bpo_analysis.review.windows import calendar_weeks

__all__ = [
    "CONTRACT_STATES",
    "Clause",
    "ScoreRow",
    "clauses",
    "consistency",
    "contract_digits",
    "contract_rounded",
    "contract_state",
    "distance_beyond",
    "evidence_state",
    "is_good",
    "longest_run",
    "meets",
    "score",
    "scorecard",
    "target_text",
    "targets_in_force",
]

ContractState = Literal["met", "missed", "not due", "not agreed", "no target", "not measurable"]
EvidenceState = Literal["clearly above", "clearly below", "clearly inside", "cannot tell", "exact", "no target"]
CONTRACT_STATES: tuple[ContractState, ...] = get_args(ContractState)

MIN_CASES_A_DAY = 30
"""Below this a single day is mostly chance, and consistency is counted in weeks."""
CONSISTENCY_WEEKS = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One row of the scorecard.

    ``contract`` is exact arithmetic on the rounded number; ``evidence`` says on which side of the target the interval
    lies. ``change`` is against the pooled three months before, ``drift`` against the six months before those: a step
    that is older than three months, or a slow slide, shows only there. Whether one of them is clear is decided for all
    tests of the report together (:mod:`bpo_analysis.review.plan`), and their limits are at the level of that plan.
    """

    kpi: Kpi
    group: str
    measure: Measure | None
    target: Target | None
    contract: ContractState
    evidence: EvidenceState
    change: float | None
    change_limits: tuple[float, float] | None
    change_is_clear: bool
    drift: float | None
    drift_limits: tuple[float, float] | None
    drift_is_clear: bool
    currency: str

    @property
    def good(self) -> bool | None:
        """Whether the evidence lies on the good side of the target; None where there is no evidence."""
        return is_good(self.evidence, self.target)

    @property
    def change_good(self) -> bool | None:
        """Whether a clear change is an improvement; None where it is not clear or has no direction."""
        return _improves(self.change, self.kpi) if self.change_is_clear else None

    @property
    def drift_good(self) -> bool | None:
        """The same for the change against the earlier stretch."""
        return _improves(self.drift, self.kpi) if self.drift_is_clear else None

    @property
    def clearly_missed(self) -> bool:
        """Whether the target is missed beyond doubt: by the interval, or by an amount that is no estimate."""
        return self.contract == "missed" and (self.good is False or self.evidence == "exact")

    @property
    def change_word(self) -> str:
        """What the change means, in a word, for those who do not see its colour."""
        if self.change_limits is None:
            return ""
        if not self.change_is_clear:
            return "not clear"
        return {True: "better", False: "worse", None: "moved"}[self.change_good]

    @property
    def drift_text(self) -> str:
        """The change against the earlier stretch as printed."""
        return self._as_printed(self.drift)

    @property
    def change_text(self) -> str:
        """The change as printed."""
        return self._as_printed(self.change)

    def _as_printed(self, change: float | None) -> str:
        # With the decimals of the value it stands beside: 24 agents change by one or by none, not by 0.0435.
        decimals = decimals_of(self.kpi.unit, self.measure.value) if self.measure else None
        return format_change(change, self.kpi.unit, currency=self.currency, decimals=decimals)

    @property
    def target_text(self) -> str:
        """The target as printed."""
        return target_text(self.target, self.kpi, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One target in force, with its result and how consistently it was met.

    ``unit`` is day or week: days of the period where a usual day has enough cases to be judged, otherwise the last
    whole calendar weeks. ``measured`` is 0 where single days and weeks mean nothing (billed months, headcounts).
    """

    row: ScoreRow
    scope: str
    unit: str = "day"
    met: int = 0
    measured: int = 0
    worst: tuple[str, float] | None = None
    longest_miss: int = 0

    @property
    def worst_when(self) -> str:
        """Day of the worst value, or the first day of its week."""
        return "" if self.worst is None else f"{'' if self.unit == 'day' else 'week from '}{self.worst[0]}"


def scorecard(review: Review) -> list[ScoreRow]:
    """Rows of the first screen, in the order of its four groups; KPIs that the data cannot carry are left out."""
    return [score(review, name, group) for group, names in headline_names(review).items() for name in names]


def score(review: Review, name: str, group: str = "", *, target: Target | None = None, judged: bool = True) -> ScoreRow:
    """Judge one KPI of the review's period against its target.

    Without ``judged`` its changes are sizes only, and the tests of a whole review need not be made: for pages that list
    values and claim no change.
    """
    return review.once(("score", name, group, target, judged), lambda r: _score(r, name, group, target, judged=judged))


def _score(review: Review, name: str, group: str, target: Target | None, *, judged: bool) -> ScoreRow:
    where = {"channel": target.channel} if target is not None and target.channel else None
    if target is None:
        target = _target(review, name)
    measure = review.measure(name, where=where)
    change, drift = (_judged(review, name, stretch, where, judged=judged) for stretch in STRETCHES)
    return ScoreRow(
        kpi=review.kpis[name],
        group=group or review.kpis[name].group,
        measure=measure,
        target=target,
        contract=contract_state(measure, target, review.period),
        evidence=evidence_state(measure, target),
        change=change.value,
        change_limits=change.limits,
        change_is_clear=change.is_clear,
        drift=drift.value,
        drift_limits=drift.limits,
        drift_is_clear=drift.is_clear,
        currency=review.currency,
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    value: float | None
    limits: tuple[float, float] | None
    is_clear: bool


def _judged(
    review: Review, name: str, stretch: Stretch, where: dict[str, str] | None, *, judged: bool = True
) -> _Judged:
    """Change of a KPI as the plan of the report judges it; of a slice, which the plan does not hold, the size alone."""
    change = change_of(review, name, stretch, where)
    if change.difference is None or where or not judged:
        return _Judged(change.value, None, is_clear=False)
    plan = judgement(review)
    level = plan.change_level(name)
    limits = change.limits_at(level) if level is not None else None
    return _Judged(change.value, limits, is_clear=plan.found(change_family(review, name), change.label))


def _target(review: Review, name: str) -> Target | None:
    """Target for the partner as a whole; a target for one channel counts where the KPI has no other channel."""
    whole = target_for(review.targets, name, review.partner_id, review.period.end)
    if whole is not None:
        return whole
    channels = review.slices(name, "channel")
    return next((t for t in targets_in_force(review) if t.kpi == name and channels == [t.channel]), None)


def targets_in_force(review: Review) -> list[Target]:
    """Targets of tier 'expected' in force on the last day of the period, the particular in place of the general."""
    return review.once("targets in force", _targets_in_force)


def _targets_in_force(review: Review) -> list[Target]:
    # A target for mail does not concern a partner that answers no mail.
    channels = review.slices("offered", "channel")
    mine = [
        t
        for t in review.targets
        if t.tier == "expected"
        and t.partner_id in (None, review.partner_id)
        and t.holds_on(review.period.end)
        and (t.channel is None or not channels or t.channel in channels)
    ]
    best: dict[tuple[str, str | None], Target] = {}
    for target in sorted(mine, key=lambda t: (t.partner_id is not None, t.valid_from or date.min)):
        best[target.kpi, target.channel] = target
    return list(best.values())


def contract_state(measure: Measure | None, target: Target | None, period: ReportPeriod) -> ContractState:
    """Compare the number as it is printed with the target: round once, then compare, so that both always agree."""
    if target is None:
        return "no target"
    if target.status == "proposed":
        return "not agreed"
    if measure is None:
        return "not measurable"
    if target.due_date is not None and target.due_date > period.end:
        return "not due"
    return "met" if meets(measure.value, target, measure.kpi) else "missed"


def meets(value: float, target: Target, kpi: Kpi) -> bool:
    """Whether a value, rounded as it is printed, meets a target."""
    digits = contract_digits(target, kpi, value)
    shown, low = contract_rounded(value, kpi.unit, digits), contract_rounded(target.value, kpi.unit, digits)
    if target.op == ">=":
        return shown >= low
    if target.op == "<=":
        return shown <= low
    return low <= shown <= contract_rounded(target.value_high or target.value, kpi.unit, digits)


def contract_digits(target: Target, kpi: Kpi, value: float) -> int:
    """Decimals that the contract rounds to; without its word, those the number is printed with."""
    return decimals_of(kpi.unit, value, target.value) if target.decimals is None else target.decimals


def contract_rounded(value: float, unit: Unit, digits: int) -> float:
    """Round half up on the printed number, as contracts do; the tiny step undoes binary fractions (0.945 * 100)."""
    scale = 10**digits
    return float(floor(shown_number(value, unit) * scale + 0.5 + 1e-9) / scale)


def evidence_state(measure: Measure | None, target: Target | None) -> EvidenceState:
    """Say on which side of the target the interval lies, or that it lies on both."""
    if target is None:
        return "no target"
    if measure is not None and measure.kpi.sampling == "none":
        return "exact"
    if measure is None or measure.limits is None:
        return "cannot tell"
    # Rounded as the contract rounds, so that evidence can never contradict the printed comparison.
    digits = contract_digits(target, measure.kpi, measure.value)
    low, high, aim = (contract_rounded(v, measure.kpi.unit, digits) for v in (*measure.limits, target.value))
    top = aim if target.value_high is None else contract_rounded(target.value_high, measure.kpi.unit, digits)
    if low > top:
        return "clearly above"
    if high < aim:
        return "clearly below"
    return "clearly inside" if target.op == "between" and low >= aim and high <= top else "cannot tell"


def is_good(evidence: EvidenceState, target: Target | None) -> bool | None:
    """Whether a state of evidence is on the good side, which the target's own comparison decides."""
    if target is None or not evidence.startswith("clearly"):
        return None
    if evidence == "clearly inside":
        return True
    if target.op == "between":
        return False
    return (evidence == "clearly above") == (target.op == ">=")


def _improves(change: float | None, kpi: Kpi) -> bool | None:
    if change is None or kpi.better == "none":
        return None
    return (change > 0) == (kpi.better == "higher")


def target_text(target: Target | None, kpi: Kpi, currency: str = "") -> str:
    """Print a target with its comparison and, where it lies ahead, its due date."""
    if target is None:
        return "no target"
    decimals = target.decimals
    value = format_value(target.value, kpi.unit, currency=currency, decimals=decimals)
    if target.op == "between":
        text = f"{value} to {format_value(target.value_high, kpi.unit, currency=currency, decimals=decimals)}"
    else:
        text = f"{'≥' if target.op == '>=' else '≤'} {value}"
    if target.due_date is not None:
        text += f" by {target.due_date}"
    return f"{text} (proposed)" if target.status == "proposed" else text


def clauses(review: Review) -> list[Clause]:
    """Every target in force for the partner, with the share of days that met it.

    The monthly figure can hide bad days: consistency counts days, not contacts.
    """
    found = []
    for target in sorted(targets_in_force(review), key=lambda t: (t.clause, t.kpi, t.channel or "")):
        if target.kpi in review.dataset.unavailable:
            row = ScoreRow(
                kpi=review.kpis[target.kpi],
                group=review.kpis[target.kpi].group,
                measure=None,
                target=target,
                contract="not measurable",
                evidence="cannot tell",
                change=None,
                change_limits=None,
                change_is_clear=False,
                drift=None,
                drift_limits=None,
                drift_is_clear=False,
                currency=review.currency,
            )
            found.append(Clause(row=row, scope=target.channel or ""))
            continue
        row = score(review, target.kpi, target=target)
        found.append(_consistency(review, row, target))
    return found


def consistency(review: Review, row: ScoreRow) -> Clause | None:
    """How consistently the target of a row was met; None without a target."""
    return None if row.target is None else _consistency(review, row, row.target)


def _consistency(review: Review, row: ScoreRow, target: Target) -> Clause:
    kpi, scope = row.kpi, target.channel or ""
    if kpi.pooling == "total" or kpi.grain == "month" or kpi.group == "people" or review.dataset.grain == "month":
        return Clause(row=row, scope=scope)
    daily = review.by_day(kpi.name, {"channel": scope} if scope else None)
    first = max(filter(None, (target.valid_from, review.period.start)))
    inside = daily.between(first, review.period.end)
    by_day = review.dataset.grain == "day" and len(inside) and np.median(inside.denominator) >= MIN_CASES_A_DAY
    unit = "day" if by_day else "week"
    days, numerator, denominator = inside.days, inside.numerator, inside.denominator
    if unit == "week":
        weeks = calendar_weeks(review, daily.frame, CONSISTENCY_WEEKS, since=target.valid_from)
        days = weeks.index.to_numpy().astype("datetime64[D]")
        numerator, denominator = (weeks[name].to_numpy() for name in ("numerator", "denominator"))
    known = denominator > 0
    values = (kpi.scale * numerator[known] / denominator[known]).tolist()
    judged = [
        (day, value, meets(value, target, kpi)) for day, value in zip(days[known].astype(str), values, strict=True)
    ]
    worst = max(judged, key=lambda day: distance_beyond(day[1], target), default=None)
    return Clause(
        row=row,
        scope=scope,
        unit=unit,
        met=sum(met for _, _, met in judged),
        measured=len(judged),
        worst=(str(worst[0]), worst[1]) if worst else None,
        longest_miss=longest_run([not met for _, _, met in judged]),
    )


def distance_beyond(value: float, target: Target) -> float:
    """How far a value lies on the wrong side of its target; negative on the right side."""
    below = target.value - value
    above = value - (target.value if target.value_high is None else target.value_high)
    return {">=": below, "<=": above, "between": max(below, above)}[target.op]


def longest_run(flags: list[bool]) -> int:
    """Length of the longest run of true flags."""
    run = longest = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest
