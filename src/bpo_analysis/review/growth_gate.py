"""May this partner take on more? Growth beside quality, errors and new hires, and a rule that was set beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import isinf
from typing import Literal

import pandas as pd

from bpo_analysis.data.growth_gate import NEW_HIRES, SUPPORT, Condition
from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.formats import decimals_of
from bpo_analysis.kpis import Kpi, Unit
from bpo_analysis.periods import parse_period
from bpo_analysis.review.context import Measure, Review
from bpo_analysis.review.scorecard import contract_rounded
from bpo_analysis.stats import ControlChart, control_chart

__all__ = [
    "ERRORS",
    "NEW_HIRES",
    "SUPPORT",
    "GateCheck",
    "GateState",
    "Growth",
    "GrowthView",
    "SupportRatio",
    "error_chart",
    "growth_gate",
    "new_hire_share",
    "support_ratio",
]

GateState = Literal["open", "closed", "not judged", "no rule"]
ERRORS = "critical_error_accuracy"
"""Accuracy whose complement is the critical errors."""
_DAYS_PER_MONTH = 30.4375
_MONTHS, _WEEKS = 12, 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Something that grows: its level now and in the stretch before, and the relative change (NaN from nought)."""

    label: str
    now: float
    before: float

    @property
    def relative(self) -> float:
        """Change over the level before."""
        return self.now / self.before - 1 if self.before else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportRatio:
    """Agents to one person of a supporting role, averaged over the days of a stretch.

    ``value`` is infinite where there is nobody in the role.
    """

    role: str
    agents: float
    people: float

    @property
    def value(self) -> float:
        """Agents for each person in the role."""
        return self.agents / self.people if self.people else float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCheck:
    """One condition of the gate: what came, and whether it holds as printed.

    ``sure`` says whether the whole interval is on that side; None where there is no interval or no value.
    """

    condition: Condition
    kpi: Kpi | None
    value: float | None
    measure: Measure | None
    holds: bool | None
    sure: bool | None

    @property
    def unit(self) -> Unit:
        """Unit of the condition's number."""
        if self.kpi is not None:
            return self.kpi.unit
        return "count" if self.condition.name in SUPPORT else "share"


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthView:
    """Growth, the gate and the volume of errors.

    Attributes
    ----------
    growth : tuple of Growth
        Heads and contacts per day; those the data know.
    new_hires : float or None
        Share of agent-days of agents employed for less than 90 days.
    support : dict
        For each supporting role, agents to one person now and before (None where it is not known); empty where
        table ``support_staff`` has no row of the partner.
    state : str
        open (every condition holds), closed (one does not), not judged (none fails, one cannot be measured), no rule.
    grew : bool
        Whether heads or contacts grew by the share of the rule or more.
    errors : DataFrame
        Rows now and before: evaluations, found, rate, ci_low, ci_high, weekly (estimated critical errors a week among
        all contacts handled, with weekly_low, weekly_high). Empty without evaluations.
    months : DataFrame
        Columns month, heads, error_rate, evaluations for the last twelve months.
    rework : dict
        Hours a week spent on repeat contacts, now and before; empty where it is not known.
    """

    growth: tuple[Growth, ...]
    new_hires: float | None
    support: dict[str, tuple[SupportRatio | None, SupportRatio | None]]
    checks: tuple[GateCheck, ...]
    state: GateState
    grew: bool
    errors: pd.DataFrame
    months: pd.DataFrame
    rework: dict[str, float]


def growth_gate(review: Review) -> GrowthView:
    """Lay growth beside quality, and judge the gate of the dataset."""
    return review.once("growth gate", _growth_gate)


def _growth_gate(review: Review) -> GrowthView:
    growth = tuple(found for found in (_heads(review), _contacts(review)) if found is not None)
    gate = review.dataset.config.growth_gate
    checks = tuple(_check(review, condition) for condition in gate.conditions) if gate else ()
    limit = gate.growth if gate else float("inf")
    return GrowthView(
        growth=growth,
        new_hires=new_hire_share(review),
        support=_support(review),
        checks=checks,
        state=_state(checks),
        grew=any(found.relative >= limit for found in growth),
        errors=_errors(review),
        months=_months(review),
        rework=_rework(review),
    )


def _state(checks: tuple[GateCheck, ...]) -> GateState:
    if not checks:
        return "no rule"
    if any(check.holds is False for check in checks):
        return "closed"
    return "open" if all(check.holds for check in checks) else "not judged"


def _heads(review: Review) -> Growth | None:
    start, end = review.before()
    now = review.measure("headcount") if "headcount" in review.rows else None
    before = review.measure("headcount", start=start, end=end) if now else None
    return Growth(label="agents employed", now=now.value, before=before.value) if now and before else None


def _contacts(review: Review) -> Growth | None:
    start, end = review.before()
    if start < review.dataset.span[0]:
        return None  # Part of a stretch, counted as the whole of it, would look like growth.
    now = review.measure("handled") if "handled" in review.rows else None
    before = review.measure("handled", start=start, end=end) if now else None
    if not now or not before:
        return None
    return Growth(
        label="contacts handled a day",
        now=now.value / review.period.days,
        before=before.value / ((end - start).days + 1),
    )


def new_hire_share(review: Review, *, start: date | None = None, end: date | None = None) -> float | None:
    """Return the share of agent-days of agents employed for less than 90 days, or None where heads are not known."""
    heads = review.measure("headcount", start=start, end=end, record=False, interval=False)
    if heads is None or heads.numerator == 0:
        return None
    new = review.measure("early_attrition", start=start, end=end, record=False, interval=False)
    return new.denominator * _DAYS_PER_MONTH / heads.numerator if new else 0.0


def support_ratio(
    review: Review, role: str, *, start: date | None = None, end: date | None = None
) -> SupportRatio | None:
    """Return agents to one person of a role, or None where either is not known on every day of the stretch.

    Notes
    -----
    A row of ``support_staff`` holds until its ``valid_to``, or until the next row of its site and role. Days before
    the first row of a site are not known, which is not the same as nobody being there.
    """
    start, end = start or review.period.start, end or review.period.end
    staff = review.register("support_staff")
    heads = review.measure("headcount", start=start, end=end, record=False, interval=False)
    first, last = review.dataset.span
    days = pd.date_range(max(start, first), min(end, last))  # those that agents are counted on
    if staff is None or heads is None or days.empty:
        return None
    total = pd.Series(0.0, index=days)
    for _, rows in staff[staff["role"] == role].groupby("site", dropna=False):
        total = total + _people(rows.sort_values("valid_from"), days)
    if not (staff["role"] == role).any() or total.isna().any():
        return None
    return SupportRatio(role=role, agents=heads.value, people=float(total.mean()))


def _people(rows: pd.DataFrame, days: pd.DatetimeIndex) -> pd.Series:
    people = pd.Series(float("nan"), index=days)
    for row in rows.to_dict("records"):
        begun = days >= pd.Timestamp(row["valid_from"])
        people[begun] = float(row["heads"])
        if pd.notna(row["valid_to"]):
            people[days > pd.Timestamp(row["valid_to"])] = float("nan")
    return people


def _support(review: Review) -> dict[str, tuple[SupportRatio | None, SupportRatio | None]]:
    staff = review.register("support_staff")
    if staff is None or staff.empty:
        return {}
    start, end = review.before()
    return {
        role: (support_ratio(review, role), support_ratio(review, role, start=start, end=end))
        for role in SUPPORT.values()
    }


def _check(review: Review, condition: Condition) -> GateCheck:
    kpi = review.kpis.get(condition.name)
    measure = None
    if condition.name == NEW_HIRES:
        value = new_hire_share(review)
    elif condition.name in SUPPORT:
        ratio = support_ratio(review, SUPPORT[condition.name])
        value = ratio.value if ratio else None
    else:
        measure = review.measure(condition.name) if condition.name in review.rows else None
        value = measure.value if measure else None
    if value is None:
        return GateCheck(condition=condition, kpi=kpi, value=None, measure=None, holds=None, sure=None)
    holds = _holds(value, condition, kpi)
    sure = None
    if measure is not None and measure.limits is not None:
        sure = all(_holds(limit, condition, kpi) == holds for limit in measure.limits)
    return GateCheck(condition=condition, kpi=kpi, value=value, measure=measure, holds=holds, sure=sure)


def _holds(value: float, condition: Condition, kpi: Kpi | None) -> bool:
    """Compare the numbers as they are printed, as the contract scorecard does."""
    if isinf(value):
        return condition.op == ">="
    unit: Unit = kpi.unit if kpi else "count" if condition.name in SUPPORT else "share"
    digits = decimals_of(unit, value, condition.value)
    shown, limit = (contract_rounded(v, unit, digits) for v in (value, condition.value))
    return shown >= limit if condition.op == ">=" else shown <= limit


def _errors(review: Review) -> pd.DataFrame:
    rows = []
    stretches = {"now": (review.period.start, review.period.end), "before": review.before()}
    for name, (start, end) in stretches.items():
        accuracy = review.measure(ERRORS, start=start, end=end) if ERRORS in review.rows else None
        handled = review.measure("handled", start=start, end=end, record=False)
        if accuracy is None or handled is None or start < review.dataset.span[0]:
            continue
        weeks = ((end - start).days + 1) / 7
        low, high = accuracy.limits or (float("nan"), float("nan"))
        weekly = handled.value / weeks
        rows.append(
            {
                "stretch": name,
                "evaluations": accuracy.denominator,
                "found": accuracy.denominator - accuracy.numerator,
                "rate": 1 - accuracy.value,
                "ci_low": 1 - high,
                "ci_high": 1 - low,
                "weekly": (1 - accuracy.value) * weekly,
                "weekly_low": (1 - high) * weekly,
                "weekly_high": (1 - low) * weekly,
            }
        )
    columns = ["evaluations", "found", "rate", "ci_low", "ci_high", "weekly", "weekly_low", "weekly_high"]
    return pd.DataFrame(rows, columns=["stretch", *columns]).set_index("stretch")


def _rework(review: Review) -> dict[str, float]:
    found = {}
    for name, (start, end) in {"now": (review.period.start, review.period.end), "before": review.before()}.items():
        parts = {
            kpi: review.measure(kpi, start=start, end=end, record=False) if kpi in review.rows else None
            for kpi in ("repeat_contact_rate", "aht_s")
        }
        again, work = parts["repeat_contact_rate"], parts["aht_s"]
        if again is not None and work is not None and start >= review.dataset.span[0]:
            weeks = ((end - start).days + 1) / 7
            found[name] = again.value * work.numerator / 3600 / weeks
    return found


def _months(review: Review) -> pd.DataFrame:
    last = parse_period(f"{review.period.end:%Y-%m}")
    rows = []
    for step in range(1 - _MONTHS, 1):
        month = last.shifted(step)
        parts = {
            kpi: review.measure(kpi, period=month, record=False, interval=False) if kpi in review.rows else None
            for kpi in ("headcount", ERRORS)
        }
        heads, accuracy = parts["headcount"], parts[ERRORS]
        if heads is not None and accuracy is not None:
            rows.append(
                {"month": month.label, "heads": heads.value, "error_rate": 1 - accuracy.value,
                 "evaluations": accuracy.denominator}
            )  # fmt: skip
    return pd.DataFrame(rows, columns=["month", "heads", "error_rate", "evaluations"])


def error_chart(review: Review) -> tuple[ControlChart, pd.DataFrame] | str:
    """Chart critical errors by week as a rate with its exposure (u chart); a text says why it cannot be drawn.

    Returns
    -------
    tuple of ControlChart and DataFrame, or str
        The frame has columns label, start, found, evaluations.
    """
    if ERRORS not in review.rows:
        return review.dataset.unavailable.get(ERRORS, f"{review.name} has no evaluations")
    if review.dataset.grain == "month":
        return "the data are monthly"
    series = review.series(ERRORS, "week", _WEEKS)
    table = pd.DataFrame(
        {
            "label": series["label"],
            "start": series["start"],
            "found": series["denominator"] - series["numerator"],
            "evaluations": series["denominator"],
        }
    )
    first = table["evaluations"].first_valid_index()
    table = table.loc[first if first is not None else len(table) :].reset_index(drop=True)
    try:
        chart = control_chart(table["found"] / table["evaluations"], sizes=table["evaluations"].fillna(0), kind="u")
    except InsufficientDataError as error:
        return f"it needs {error.needed} weeks with evaluations, there are {error.got}"
    return chart, table
