"""What came after a change: quality and cost beside each other, and what happens at dates without a change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import isfinite

import numpy as np
import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.context import Review
from bpo_analysis.review.headline import headline_names
from bpo_analysis.stats import BeforeAfterResult, adjust_pvalues, before_after

__all__ = ["ChangeEffect", "Effect", "change_effects"]

BEFORE, AFTER = 52, 26
"""Weeks looked at on both sides of a change."""
LOOKED_BACK = timedelta(days=365)
_OWN_PART = 0.5
"""Part of a difference to the other partners that must be the partner's own, for it to be called its change."""
_MOST = 3
"""Changes shown, newest first."""
_PLACEBOS, _LEAST_BEFORE, _LEAST_AFTER = 4, 8, 4
_ROLES = (
    ("quality", ("qa_score", "fcr", "csat")),
    ("efficiency", ("aht_s",)),
    ("cost", ("cost_per_contact", "cost_per_resolution")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One KPI before and after a change.

    Attributes
    ----------
    role : str
        Why it is shown: named by the event, quality, efficiency or cost.
    unit : str
        week or month.
    result : BeforeAfterResult or None
        Less the median of the other partners where ``controlled``; None with too few periods (``shortage`` says so).
    clear : bool
        Whether the change stands among all of this section (Holm), and is the partner's own.
    placebos, as_large : int
        Dates before the change at which the same was computed, and how many gave a difference as large; 0 of 0 where
        it was not done.
    """

    kpi: Kpi
    role: str
    unit: str
    result: BeforeAfterResult | None
    shortage: str
    controlled: bool
    clear: bool = False
    placebos: int = 0
    as_large: int = 0

    @property
    def others_moved(self) -> bool:
        """Whether most of a difference to the other partners comes from these: the partner itself hardly moved."""
        if self.result is None or not self.controlled:
            return False
        own = self.result.after - self.result.before
        return own * self.result.estimate <= 0 or abs(own) < _OWN_PART * abs(self.result.estimate)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEffect:
    """A dated change and what the KPIs did around it."""

    event_id: str
    title: str
    start: date
    side: str
    effects: tuple[Effect, ...]


def change_effects(review: Review) -> list[ChangeEffect] | None:
    """Return the changes of the last year and the KPIs around them, newest first.

    Returns
    -------
    list of ChangeEffect or None
        Events of kind change of this partner or of all, that began in the year up to the end of the period; None
        without table events.

    Notes
    -----
    Weekly values of up to 52 weeks before and 26 after. Where other outside partners have the same KPI, their median is
    the control, unless the event concerns all partners. Placebo dates lie wholly before the change: if the series often
    moves as much without a cause, that is seen there. All tests of the section are judged together (Holm).
    """
    events = review.register("events")
    if events is None:
        return None
    starts = pd.to_datetime(events["start"])
    end = pd.Timestamp(review.period.end)
    chosen = (events["kind"] == "change") & (starts <= end) & (starts > end - pd.Timedelta(LOOKED_BACK))
    rows = events.assign(start=starts)[chosen].sort_values("start", ascending=False, kind="stable").head(_MOST)
    found = [_change(review, row) for row in rows.to_dict("records")]
    tests = pd.Series(
        {
            (place, number): effect.result.pvalue
            for place, change in enumerate(found)
            for number, effect in enumerate(change.effects)
            if effect.result is not None
        },
        dtype=float,
    )
    adjusted = adjust_pvalues(tests) if len(tests) else tests
    error = 1 - review.confidence_level
    return [
        replace(
            change,
            effects=tuple(
                _judged(effect, float(adjusted.get((place, number), float("nan"))), error)
                for number, effect in enumerate(change.effects)
            ),
        )
        for place, change in enumerate(found)
    ]


def _judged(effect: Effect, adjusted: float, error: float) -> Effect:
    return replace(effect, clear=isfinite(adjusted) and adjusted <= error and not effect.others_moved)


def _change(review: Review, row: dict[str, object]) -> ChangeEffect:
    start = pd.Timestamp(str(row["start"]))
    for_all = pd.isna(row["partner_id"])
    named = "" if pd.isna(row["kpi"]) else str(row["kpi"])
    effects = [
        _effect(review, name, role, start, controlled=not for_all, placebo=place == 0)
        for place, (name, role) in enumerate(_looked_at(review, named).items())
    ]
    return ChangeEffect(
        event_id=str(row["event_id"]),
        title=str(row["title"]),
        start=start.date(),
        side="" if pd.isna(row["owner_side"]) else str(row["owner_side"]),
        effects=tuple(effects),
    )


def _looked_at(review: Review, named: str) -> dict[str, str]:
    """KPIs by why they are shown: the one the event names, then one for each role."""
    headline = headline_names(review)
    chosen: dict[str, str] = {named: "named by the event"} if _usable(review, named) else {}
    for role, usual in _ROLES:
        names = [*headline.get(role, ()), *usual]
        first = next((name for name in names if _usable(review, name)), None)
        if first is not None:
            chosen.setdefault(first, role)
    return chosen


def _usable(review: Review, name: str) -> bool:
    known = name in review.kpis and name not in review.dataset.unavailable
    return known and review.kpis[name].pooling == "ratio" and name in review.rows


def _effect(review: Review, name: str, role: str, start: pd.Timestamp, *, controlled: bool, placebo: bool) -> Effect:
    kpi = review.kpis[name]
    values, control, unit = _series(review, kpi, start)
    control = control if controlled else None
    level = review.confidence_level
    try:
        result = before_after(values, start, control=control, confidence_level=level)
    except (InsufficientDataError, ValueError) as error:
        reason = f"too few {unit}s on one side of it" if isinstance(error, InsufficientDataError) else "no values"
        return Effect(kpi=kpi, role=role, unit=unit, result=None, shortage=reason, controlled=control is not None)
    tried = _placebos(values, control, start, result) if placebo else []
    return Effect(
        kpi=kpi, role=role, unit=unit, result=result, shortage="", controlled=control is not None,
        placebos=len(tried), as_large=sum(tried),
    )  # fmt: skip


def _series(review: Review, kpi: Kpi, start: pd.Timestamp) -> tuple[pd.Series, pd.Series | None, str]:
    """Values of the partner around the change, the median of the other outside partners, and the unit of time."""
    end = pd.Timestamp(review.period.end)
    if review.dataset.grain == "month" or kpi.grain == "month":
        months = review.series(kpi.name, "month", 36, record=False)
        values = pd.Series(months["value"].to_numpy(), index=pd.DatetimeIndex(months["start"]))
        return values.loc[values.first_valid_index() :], None, "month"
    table = review.once(f"weekly {kpi.name}", lambda r: r.dataset.weekly(kpi=kpi.name))
    table = table.loc[start - pd.Timedelta(weeks=BEFORE) : min(end, start + pd.Timedelta(weeks=AFTER))]
    table = table[table.index + pd.Timedelta(days=6) <= end]
    partners = review.dataset.partners
    outside = partners.loc[partners["kind"] == "bpo", "partner_id"]
    others = [name for name in table.columns if name != review.partner_id and name in set(outside)]
    own = table[review.partner_id] if review.partner_id in table else pd.Series(dtype=float)
    return own, table[others].median(axis=1) if others else None, "week"


def _placebos(values: pd.Series, control: pd.Series | None, start: pd.Timestamp, real: BeforeAfterResult) -> list[bool]:
    """Whether the same difference is as large at dates before the change, computed from what came before it."""
    before = values[values.index < start]
    last = len(before) - _LEAST_AFTER
    if last < _LEAST_BEFORE:
        return []
    places = np.unique(np.linspace(_LEAST_BEFORE, last, _PLACEBOS).round().astype(int))
    found = []
    for place in places:
        try:
            result = before_after(before, before.index[place], control=control)
        except (InsufficientDataError, ValueError):
            continue
        found.append(abs(result.estimate) >= abs(real.estimate))
    return found
