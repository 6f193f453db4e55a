"""Did the partner do what was agreed, and how sure is that? Two marks per KPI, never merged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import floor, isfinite
from typing import Literal, get_args

import pandas as pd

from bpo_analysis.data import Target, target_for
from bpo_analysis.formats import decimals_of, format_change, format_value, shown_number
from bpo_analysis.kpis import GROUPS, Kpi
from bpo_analysis.periods import ReportPeriod
from bpo_analysis.review.context import Measure, Review
from bpo_analysis.stats import difference_of_ratios

__all__ = [
    "CONTRACT_STATES",
    "Clause",
    "ScoreRow",
    "change_level",
    "clauses",
    "contract_state",
    "evidence_state",
    "headline_names",
    "is_good",
    "score",
    "scorecard",
    "target_text",
]

ContractState = Literal["met", "missed", "not due", "not agreed", "no target", "not measurable"]
EvidenceState = Literal["clearly above", "clearly below", "clearly inside", "cannot tell", "exact", "no target"]
CONTRACT_STATES: tuple[ContractState, ...] = get_args(ContractState)

_HEADLINE_GROUPS = GROUPS[:4]
_FIRST_CHOICES: dict[str, tuple[str, ...]] = {
    "quality": ("qa_score", "critical_error_accuracy", "fcr", "reopen_rate"),
    "satisfaction": ("csat", "nps", "ces"),
    "turnaround": ("service_level", "sla_attainment", "abandonment_rate", "asa_s", "first_reply_min", "turnaround_h"),
    "cost": ("cost_per_contact",),
}
MIN_CASES_A_DAY = 30
"""Below this a single day is mostly chance, and consistency is counted in weeks."""
CONSISTENCY_WEEKS = 13
_COMPARISONS = 2
"""A headline KPI is compared with two stretches; each comparison gets its share of the error rate."""
_PER_GROUP = 2
"""KPIs of a group on the first screen where the dataset does not say: four groups, at most eight rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One row of the scorecard.

    ``contract`` is exact arithmetic on the rounded number; ``evidence`` says on which side of the target the interval
    lies. ``change`` is against the pooled three months before, ``drift`` against the six months before those: a step
    that is older than three months, or a slow slide, shows only there. Both have limits at a level that keeps the two
    comparisons together at the review's confidence level (Bonferroni).
    """

    kpi: Kpi
    group: str
    measure: Measure | None
    target: Target | None
    contract: ContractState
    evidence: EvidenceState
    change: float | None
    change_limits: tuple[float, float] | None
    drift: float | None
    drift_limits: tuple[float, float] | None
    currency: str

    @property
    def good(self) -> bool | None:
        """Whether the evidence lies on the good side of the target; None where there is no evidence."""
        return is_good(self.evidence, self.target)

    @property
    def change_is_clear(self) -> bool:
        """Whether the interval of the change leaves out zero."""
        return _leaves_out_zero(self.change_limits)

    @property
    def drift_is_clear(self) -> bool:
        """Whether the interval of the change against the earlier stretch leaves out zero."""
        return _leaves_out_zero(self.drift_limits)

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
        return format_change(self.drift, self.kpi.unit, currency=self.currency)

    @property
    def change_text(self) -> str:
        """The change as printed."""
        return format_change(self.change, self.kpi.unit, currency=self.currency)

    @property
    def target_text(self) -> str:
        """The target as printed."""
        return target_text(self.target, self.kpi, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One target in force, with its result and how consistently it was met.

    ``unit`` is day or week: days of the period where a usual day has enough cases to be judged, otherwise the last
    weeks up to its end. ``measured`` is 0 where single days and weeks mean nothing (billed months, headcounts).
    """

    row: ScoreRow
    scope: str
    unit: str = "day"
    met: int = 0
    measured: int = 0
    worst: tuple[str, float] | None = None
    longest_miss: int = 0


def scorecard(review: Review) -> list[ScoreRow]:
    """Rows of the first screen, in the order of its four groups; KPIs that the data cannot carry are left out."""
    return [score(review, name, group) for group, names in headline_names(review).items() for name in names]


def headline_names(review: Review) -> dict[str, tuple[str, ...]]:
    """KPIs of the first screen by group: those the dataset names, otherwise the first the data can carry."""
    chosen = review.dataset.config.headline
    names: dict[str, tuple[str, ...]] = {}
    for group in _HEADLINE_GROUPS:
        given = chosen.get(group) if chosen else None
        candidates = given if given is not None else () if chosen else _FIRST_CHOICES[group]
        available = [name for name in candidates if name in review.rows]
        names[group] = tuple(available if given else available[:_PER_GROUP])
    return names


def score(review: Review, name: str, group: str = "", *, target: Target | None = None) -> ScoreRow:
    """Judge one KPI of the review's period against its target."""
    where = {"channel": target.channel} if target is not None and target.channel else None
    if target is None:
        target = _target(review, name)
    measure = review.measure(name, where=where)
    change, change_limits = _change(review, name, review.before(), where)
    drift, drift_limits = _change(review, name, review.earlier(), where)
    return ScoreRow(
        kpi=review.kpis[name],
        group=group or review.kpis[name].group,
        measure=measure,
        target=target,
        contract=contract_state(measure, target, review.period),
        evidence=evidence_state(measure, target),
        change=change,
        change_limits=change_limits,
        drift=drift,
        drift_limits=drift_limits,
        currency=review.currency,
    )


def _target(review: Review, name: str) -> Target | None:
    """Target for the partner as a whole; a target for one channel counts where the KPI has no other channel."""
    whole = target_for(review.targets, name, review.partner_id, review.period.end)
    if whole is not None:
        return whole
    channels = review.slices(name, "channel")
    return next((t for t in _in_force(review) if t.kpi == name and channels == [t.channel]), None)


def _in_force(review: Review) -> list[Target]:
    """Targets of tier 'expected' in force on the last day of the period, the particular in place of the general."""
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
    return "met" if _meets(measure.value, target, measure.kpi) else "missed"


def _meets(value: float, target: Target, kpi: Kpi) -> bool:
    digits = _digits(target, kpi)
    shown, low = _rounded(value, kpi, digits), _rounded(target.value, kpi, digits)
    if target.op == ">=":
        return shown >= low
    if target.op == "<=":
        return shown <= low
    return low <= shown <= _rounded(target.value_high or target.value, kpi, digits)


def _digits(target: Target, kpi: Kpi) -> int:
    return decimals_of(kpi.unit) if target.decimals is None else target.decimals


def _rounded(value: float, kpi: Kpi, digits: int) -> float:
    """Round half up on the printed number, as contracts do; the tiny step undoes binary fractions (0.945 * 100)."""
    scale = 10**digits
    return float(floor(shown_number(value, kpi.unit) * scale + 0.5 + 1e-9) / scale)


def evidence_state(measure: Measure | None, target: Target | None) -> EvidenceState:
    """Say on which side of the target the interval lies, or that it lies on both."""
    if target is None:
        return "no target"
    if measure is not None and measure.kpi.sampling == "none":
        return "exact"
    if measure is None or measure.limits is None:
        return "cannot tell"
    # Rounded as the contract rounds, so that evidence can never contradict the printed comparison.
    digits = _digits(target, measure.kpi)
    low, high, aim = (_rounded(v, measure.kpi, digits) for v in (*measure.limits, target.value))
    top = aim if target.value_high is None else _rounded(target.value_high, measure.kpi, digits)
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


_Limits = tuple[float, float] | None


def change_level(review: Review) -> float:
    """Confidence level of a single change, such that both comparisons of a KPI hold together at the review's level."""
    return 1 - (1 - review.confidence_level) / _COMPARISONS


def _change(
    review: Review, name: str, stretch: tuple[date, date], where: dict[str, str] | None
) -> tuple[float | None, _Limits]:
    """Change of a KPI against an earlier stretch, with limits that hold for two such comparisons at once."""
    level = change_level(review)
    start, end = stretch
    now = review.measure(name, where=where, record=False, confidence_level=level)
    before = review.measure(name, start=start, end=end, where=where, record=False, confidence_level=level)
    if now is None or before is None:
        return None, None
    review.measure(name, start=start, end=end, where=where)
    if now.kpi.pooling == "total":
        # Totals of stretches of different length are compared per day of data.
        return now.value - before.value / before.days * now.days, None
    if now.interval is None or before.interval is None:
        return now.value - before.value, None
    difference, low, high = difference_of_ratios(now.interval, before.interval)
    scale = now.kpi.scale
    return difference * scale, (low * scale, high * scale) if isfinite(low) else None


def _leaves_out_zero(limits: _Limits) -> bool:
    return limits is not None and (limits[0] > 0 or limits[1] < 0)


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
    for target in sorted(_in_force(review), key=lambda t: (t.clause, t.kpi, t.channel or "")):
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
                drift=None,
                drift_limits=None,
                currency=review.currency,
            )
            found.append(Clause(row=row, scope=target.channel or ""))
            continue
        row = score(review, target.kpi, target=target)
        found.append(_consistency(review, row, target))
    return found


def _consistency(review: Review, row: ScoreRow, target: Target) -> Clause:
    kpi, scope = row.kpi, target.channel or ""
    if kpi.pooling == "total" or kpi.grain == "month" or kpi.group == "people" or review.dataset.grain == "month":
        return Clause(row=row, scope=scope)
    daily = review.daily(kpi.name, {"channel": scope} if scope else None).loc[: str(review.period.end)]
    if target.valid_from is not None:
        daily = daily.loc[str(target.valid_from) :]
    inside = daily.loc[str(review.period.start) :]
    unit = "day" if len(inside) and inside["denominator"].median() >= MIN_CASES_A_DAY else "week"
    if unit == "week":
        # Weeks end with the period, so that its last week is a whole one.
        weeks = (pd.Timestamp(review.period.end) - daily.index).days // 7
        inside = (
            daily[weeks < CONSISTENCY_WEEKS]
            .groupby(
                pd.Timestamp(review.period.end) - pd.to_timedelta(weeks[weeks < CONSISTENCY_WEEKS] * 7 + 6, unit="D")
            )
            .sum()
        )
    inside = inside[inside["denominator"] > 0]
    values = kpi.scale * inside["numerator"] / inside["denominator"]
    judged = [(f"{day:%Y-%m-%d}", float(value), _meets(float(value), target, kpi)) for day, value in values.items()]
    worst = max(judged, key=lambda day: _distance(day[1], target), default=None)
    return Clause(
        row=row,
        scope=scope,
        unit=unit,
        met=sum(met for _, _, met in judged),
        measured=len(judged),
        worst=(worst[0], worst[1]) if worst else None,
        longest_miss=_longest([not met for _, _, met in judged]),
    )


def _distance(value: float, target: Target) -> float:
    """How far a value lies on the wrong side of its target; negative on the right side."""
    below = target.value - value
    above = value - (target.value if target.value_high is None else target.value_high)
    return {">=": below, "<=": above, "between": max(below, above)}[target.op]


def _longest(flags: list[bool]) -> int:
    run = longest = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest
