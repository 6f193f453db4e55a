"""Is a target within reach? Its place in the partner's own past, and the climb it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bpo_analysis.data import Target
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.context import Review
from bpo_analysis.review.scorecard import distance_beyond, meets
from bpo_analysis.review.targets.benchmarks import Benchmark, benchmarks_for
from bpo_analysis.review.targets.history import History, history_of, where_of
from bpo_analysis.stats import RatioInterval, share_interval

__all__ = ["MIN_PERIODS", "Feasibility", "feasibility_of"]

MIN_PERIODS = 8
"""With fewer weeks or months the past says nothing about what can be reached."""
_LEAST_CLIMB = 8
"""Shortest stretch, in periods, whose slope counts as a climb and not as noise."""
_PER_QUARTER = {"week": 13, "month": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Feasibility:
    """Where a target lies in the KPI's own past.

    Attributes
    ----------
    history : History
    n, met : int
        Weeks (months) with a value, and those of them that met the target.
    met_interval : RatioInterval or None
        Of the share that met it, neighbouring weeks being alike; None with fewer than 8 weeks.
    easier : int
        Weeks whose value was worse than the target: its place in the past.
    best : float or None
        Best value of the past.
    required, steepest : float or None
        Change a quarter that the target asks for from the period's value to its due date, and the steepest that any
        stretch of the past had (least squares over as many weeks as are left, at least 8), both counted as
        improvement; None where no due date lies ahead or the past is too short.
    steepest_periods : int
    benchmarks : tuple of Benchmark
    state : str
        within reach: some week met it, or the climb was made before; beyond the past: neither; cannot tell: too short a
        past.
    """

    target: Target
    kpi: Kpi
    history: History
    n: int
    met: int
    met_interval: RatioInterval | None
    easier: int
    best: float | None
    required: float | None
    steepest: float | None
    steepest_periods: int
    benchmarks: tuple[Benchmark, ...]
    state: Literal["within reach", "beyond the past", "cannot tell"]


def feasibility_of(review: Review, target: Target) -> Feasibility:
    """Hold a target against the last 26 weeks (24 months) and the published levels of its KPI."""
    name = f"feasibility {target.kpi} {target.partner_id} {target.channel} {target.tier} {target.valid_from}"
    return review.once(name, lambda r: _feasibility(r, target))


def _feasibility(review: Review, target: Target) -> Feasibility:
    history = history_of(review, target)
    kpi, values = history.kpi, history.known["value"].to_numpy(dtype=float)
    met = np.array([meets(float(v), target, kpi) for v in values], dtype=bool)
    enough = len(values) >= MIN_PERIODS
    away = np.array([distance_beyond(float(v), target) for v in values])
    required, steepest, length = _climb(review, target, history)
    state: Literal["within reach", "beyond the past", "cannot tell"] = "cannot tell"
    if enough:
        climbed = required is not None and steepest is not None and required <= steepest
        state = "within reach" if met.any() or climbed else "beyond the past"
    return Feasibility(
        target=target,
        kpi=kpi,
        history=history,
        n=len(values),
        met=int(met.sum()),
        met_interval=share_interval(met.astype(float), np.ones(len(met)), confidence_level=review.confidence_level)
        if enough
        else None,
        easier=int((away > 0).sum()),
        best=float(values[away.argmin()]) if len(values) else None,
        required=required,
        steepest=steepest,
        steepest_periods=length,
        benchmarks=tuple(benchmarks_for(review, target.kpi)),
        state=state,
    )


def _climb(review: Review, target: Target, history: History) -> tuple[float | None, float | None, int]:
    """Improvement a quarter that is asked for, and the steepest there was."""
    due = target.due_date
    now = review.measure(target.kpi, where=where_of(target), record=False, interval=False)
    if due is None or due <= review.period.end or now is None or target.op == "between":
        return None, None, 0
    per_quarter = _PER_QUARTER[history.unit]
    left = _periods_until(review.period.end, due, history.unit)
    sign = 1.0 if target.op == ">=" else -1.0
    required = max(sign * (target.value - now.value), 0.0) / left * per_quarter
    length = int(min(max(round(left), _LEAST_CLIMB), len(history.series) // 2))
    if length < _LEAST_CLIMB:
        return required, None, 0
    slopes = sign * _slopes(history.series["value"], length) * per_quarter
    known = slopes[np.isfinite(slopes)]
    return required, float(known.max()) if len(known) else None, length


def _periods_until(day: date, due: date, unit: str) -> float:
    days = (due - day).days
    return max(days / (7 if unit == "week" else 365.25 / 12), 1.0)


def _slopes(values: pd.Series, length: int) -> NDArray[np.float64]:
    """Least-squares slopes of every stretch of a length; NaN where a quarter of its values is missing."""
    found = []
    times = np.arange(length, dtype=float)
    for start in range(len(values) - length + 1):
        part = values.to_numpy(dtype=float)[start : start + length]
        known = np.isfinite(part)
        found.append(np.polyfit(times[known], part[known], 1)[0] if known.mean() >= 0.75 else np.nan)
    return np.array(found)
