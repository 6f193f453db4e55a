"""Did a closed action do what it was meant to? The KPI before and after, beside the other partners."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.formats import format_change
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.context import Review
from bpo_analysis.review.expected_effects import ExpectedEffect, read_expected
from bpo_analysis.review.patterns import FEW
from bpo_analysis.review.same_agents import SameAgents, same_agents
from bpo_analysis.review.windows import summed
from bpo_analysis.stats import BeforeAfterResult, before_after, detect_trend

__all__ = ["CHECK_AFTER", "ActionEffect", "EffectWord", "action_effects", "side_effect"]

EffectWord = Literal[
    "moved as expected", "moved the other way", "did not move as expected", "not shown", "cannot tell"
]  # fmt: skip
"""``did not move as expected``: no change is found, and the interval excludes the expected one. ``not shown``: no
change and the expected one are both possible. ``cannot tell``: it cannot be computed.
"""
CHECK_AFTER = timedelta(weeks=4)
"""How long after its closing an action is judged that names no day for it."""
_WEEKS_BEFORE, _WEEKS_AFTER = 26, 26
_MONTHS_BEFORE, _MONTHS_AFTER = 24, 12
_TREND_LEVEL = 0.1
_SPELL, _UNUSUAL = 4, 1.0
"""Weeks before the closing that are left out where they lay more than one standard deviation off, the wrong way."""
_LEAST_OTHERS = 3
"""Other partners whose middle one is a control; of fewer, the break of one would be taken for that of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionEffect:
    """A closed action and what its KPI did.

    Attributes
    ----------
    action : mapping
        Row of the register.
    kpi : Kpi or None
        None where the action names none that the data carry; ``why`` says so.
    expected : ExpectedEffect or None
        None where the register's text is no number.
    result : BeforeAfterResult or None
        Level from the closing on less level before; None where it cannot be computed, with ``why``.
    controlled : bool
        Whether the change is that of the difference to the middle one of the other partners. Where the series was
        under way before the closing, its course is taken out (``result.method`` says it).
    unit : str
        week or month.
    word : str
    why : str
    same : SameAgents or None
        The change among the agents who served on both sides of the closing; None where single agents are not known.
        Where they did not move alike, it is not said that the KPI moved.
    """

    action: dict[str, Any]
    kpi: Kpi | None
    expected: ExpectedEffect | None
    result: BeforeAfterResult | None
    controlled: bool
    unit: str
    word: EffectWord
    why: str
    same: SameAgents | None = None

    @property
    def expected_change(self) -> float | None:
        """The change that was expected, in the KPI's unit."""
        if self.expected is None or self.result is None:
            return None
        return self.expected.change_from(self.result.before)

    @property
    def less_than_expected(self) -> bool:
        """Whether the interval lies short of what was expected."""
        wanted = self.expected_change
        if wanted is None or self.result is None:
            return False
        return self.result.ci_high < wanted if wanted > 0 else self.result.ci_low > wanted


def action_effects(review: Review) -> list[ActionEffect]:
    """Judge every closed action of the partner whose check date (or four weeks after its closing) has passed.

    All of them together hold the review's confidence level: each interval is that much wider. They are a description of
    what is on record and not among the findings of the page's plan.

    Returns
    -------
    list of ActionEffect
        The one closed last first; empty without the table or without such actions.
    """
    return review.once("action effects", _action_effects)


def _action_effects(review: Review) -> list[ActionEffect]:
    table = review.register("actions")
    if table is None:
        return []
    due = [row for row in table.to_dict("records") if _is_due(review, row)]
    due.sort(key=lambda row: (pd.Timestamp(row["closed_on"]), str(row["action_id"])), reverse=True)
    level = 1 - (1 - review.confidence_level) / max(len(due), 1)
    return [_judge(review, row, level) for row in due]


def _is_due(review: Review, row: dict[str, Any]) -> bool:
    if pd.isna(row["closed_on"]) or row["status"] == "dropped":
        return False
    closed = pd.Timestamp(row["closed_on"]).date()
    check = closed + CHECK_AFTER if pd.isna(row["check_on"]) else pd.Timestamp(row["check_on"]).date()
    return bool(max(closed, check) <= review.period.end)


def _judge(review: Review, row: dict[str, Any], level: float) -> ActionEffect:
    name = "" if pd.isna(row["kpi"]) else str(row["kpi"])
    kpi = review.kpis.get(name)
    if kpi is None or name in review.dataset.unavailable:
        why = "it names no KPI" if not name else review.dataset.unavailable.get(name, f"there is no KPI {name}")
        return ActionEffect(
            action=row, kpi=kpi, expected=None, result=None, controlled=False, unit="", word="cannot tell", why=why
        )
    expected = None if pd.isna(row["expected_effect"]) else read_expected(str(row["expected_effect"]), kpi)
    own = bool(pd.notna(row["partner_id"]))
    result, controlled, unit, why = _before_after(review, kpi, _closed(row), level, control=own)
    word: EffectWord = "cannot tell"
    reason = why
    same = None
    if result is not None:
        same = same_agents(review, kpi, _closed(row), level)
        word, reason = _word(kpi, result, expected, same, review.currency)
    return ActionEffect(
        action=row, kpi=kpi, expected=expected, result=result, controlled=controlled, unit=unit, word=word,
        why=reason, same=same,
    )  # fmt: skip


def _closed(row: dict[str, Any]) -> date:
    closed: date = pd.Timestamp(row["closed_on"]).date()
    return closed


def side_effect(review: Review, kpi: Kpi, closed: date) -> tuple[BeforeAfterResult | None, str]:
    """Return the change of another KPI at the closing of an action, or None and why there is none."""
    if kpi.name in review.dataset.unavailable:
        return None, review.dataset.unavailable[kpi.name]
    result, _, _, why = _before_after(review, kpi, closed, review.confidence_level, control=False)
    return result, why


def _before_after(
    review: Review, kpi: Kpi, closed: date, level: float, *, control: bool
) -> tuple[BeforeAfterResult | None, bool, str, str]:
    monthly = review.dataset.grain == "month" or kpi.grain == "month"
    unit = "month" if monthly else "week"
    own = _values(review, kpi, review.daily(kpi.name), closed, monthly=monthly)
    if own is None or not own.notna().any(axis=None):
        return None, False, unit, f"{review.name} has no rows of it"
    values = own.iloc[:, 0]
    beside = _control(review, kpi, values, closed, monthly=monthly) if control else None
    start = int(np.searchsorted(values.index, pd.Timestamp(closed), side="left"))
    if not 0 < start < len(values):
        return None, False, unit, f"there is no {unit} with data on both sides of its closing"
    if values.index[min(start, len(values) - 1)] != pd.Timestamp(closed):
        values.iloc[start - 1] = np.nan  # The week of the closing is neither before nor after it.
    moving = _was_moving(values if beside is None else values - beside, start)
    try:
        found = before_after(values, start, control=beside, trend=moving, confidence_level=level)
        if abs(found.spell) > _UNUSUAL and found.spell * found.estimate < 0:
            # What began in a bad spell gets better by itself: the spell is no part of the level before.
            calm = values.copy()
            calm.loc[values.iloc[:start].dropna().index[-_SPELL:]] = np.nan
            found = before_after(calm, start, control=beside, trend=moving, confidence_level=level)
    except InsufficientDataError as error:
        return None, beside is not None, unit, f"{error.needed} {error.unit} are needed, there are {error.got}"
    return found, beside is not None, unit, ""


def _was_moving(values: pd.Series, start: int) -> bool:
    """Whether the series was already under way before the closing: then only a bend of its course counts."""
    try:
        return detect_trend(values.iloc[:start].to_numpy()).pvalue < _TREND_LEVEL
    except InsufficientDataError:
        return False  # Too short a past to see one; before_after claims nothing about it either.


def _values(review: Review, kpi: Kpi, rows: pd.DataFrame, closed: date, *, monthly: bool) -> pd.DataFrame | None:
    """Pooled values by Monday or first of the month around the closing; weeks with few cases are gaps.

    ``rows`` has sums by day, in columns numerator and denominator or in one such pair for each of several partners, and
    the result a column for each pair.
    """
    begin, end = _window(review, closed, monthly=monthly)
    rows = rows.loc[pd.Timestamp(begin) : pd.Timestamp(end)]
    if rows.empty:
        return None
    sums = summed(rows, "month" if monthly else "week")
    sums = sums.reindex(pd.date_range(sums.index[0], sums.index[-1], freq="MS" if monthly else "W-MON"))
    numerator, denominator = (pd.DataFrame(sums[name]) for name in ("numerator", "denominator"))
    numerator.columns = denominator.columns
    few = denominator < FEW * denominator.median()
    return (kpi.scale * numerator / denominator.where(denominator > 0)).mask(few)


def _of_others(review: Review, name: str) -> pd.DataFrame:
    """Sums of every other partner by day: columns (numerator or denominator, partner); NaN without rows."""

    def make(r: Review) -> pd.DataFrame:
        rows = r.dataset.kpi_sums(name, ("partner_id", "date"), *r.dataset.span)
        rows = rows[rows["partner_id"] != r.partner_id]
        return rows.pivot(index="date", columns="partner_id", values=["numerator", "denominator"])

    return review.once(("sums of the others", name), make)


def _window(review: Review, closed: date, *, monthly: bool) -> tuple[date, date]:
    """Whole weeks or months around the closing, up to the end of the period."""
    if monthly:
        month = pd.Period(closed, freq="M")
        begin = (month - _MONTHS_BEFORE).start_time.date()
        end = (month + _MONTHS_AFTER).end_time.date()
        last = (pd.Period(review.period.end + timedelta(days=1), freq="M") - 1).end_time.date()
    else:
        monday = closed - timedelta(days=closed.weekday())
        begin, end = monday - timedelta(weeks=_WEEKS_BEFORE), monday + timedelta(weeks=_WEEKS_AFTER, days=6)
        # A week that the period cuts would have fewer days than the others.
        last = review.period.end - timedelta(days=(review.period.end.weekday() + 1) % 7)
    return begin, min(end, last)


def _control(review: Review, kpi: Kpi, values: pd.Series, closed: date, *, monthly: bool) -> pd.Series | None:
    """Middle one of the other partners at each time; None where fewer than three have values throughout."""
    others = _values(review, kpi, _of_others(review, kpi.name), closed, monthly=monthly)
    if others is None:
        return None
    others = others.reindex(values.index)
    full = others.loc[:, others.notna().mean() >= 0.8]
    return full.median(axis=1) if full.shape[1] >= _LEAST_OTHERS else None


def _word(
    kpi: Kpi, result: BeforeAfterResult, expected: ExpectedEffect | None, same: SameAgents | None, currency: str
) -> tuple[EffectWord, str]:
    wanted = expected.change_from(result.before) if expected else None
    up = _wanted_up(kpi, wanted)
    if up is None:
        return "cannot tell", "neither the KPI nor the action says which way is better"
    if not np.isfinite(result.pvalue):
        return "cannot tell", "there is no variation to judge it by"
    error = 1 - result.confidence_level
    moved = result.pvalue < error
    if moved and (same is None or same.agrees(result.estimate, error)):
        return ("moved as expected", "") if (result.estimate > 0) == up else ("moved the other way", "")

    def printed(change: float) -> str:
        return format_change(change, kpi.unit, currency=currency)

    if moved and same is not None:
        low, high = printed(same.ci_low), printed(same.ci_high)
        return "not shown", (
            f"the level moved, but the {same.agents} agents who served before and after moved by "
            f"{printed(same.estimate)} ({low} to {high}): who came, left or took more contacts may account for it"
        )
    seen = f"only a change of at least {printed(result.detectable_effect).lstrip('+')} would have been seen"
    if wanted and not result.ci_low <= wanted <= result.ci_high:
        return "did not move as expected", f"the interval excludes the expected {printed(wanted)}; {seen}"
    if wanted is None:
        return "not shown", f"{seen}; what was expected is not on record as a number"
    return "not shown", seen


def _wanted_up(kpi: Kpi, wanted: float | None) -> bool | None:
    if wanted:
        return wanted > 0
    return {"higher": True, "lower": False}.get(kpi.better)
