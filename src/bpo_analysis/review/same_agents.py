"""A change among the agents who served before and after a date: who came and who left is not in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from math import isfinite

import numpy as np
import pandas as pd
from scipy import stats

from bpo_analysis.kpis import Kpi
from bpo_analysis.review.context import Review

__all__ = ["SameAgents", "same_agents"]

_WEEKS = 26
_CASES = {"aht_s": 20, "fcr": 20, "qa_score": 3}
"""Cases that an agent needs on each side, by KPI of extract learning."""
_LEAST = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class SameAgents:
    """Mean over agents of the KPI after a date less before, each agent with itself; limits by Student's t over agents.

    A level can move although no agent works differently: faster ones leave, slower ones get more of the contacts. That
    is lasting and no chance of single weeks, so that no test of the series tells it from a change of the work.
    """

    estimate: float
    ci_low: float
    ci_high: float
    pvalue: float
    agents: int

    def agrees(self, estimate: float, error: float) -> bool:
        """Whether these agents moved the same way as the whole, clearly at an error rate."""
        return self.pvalue < error and (self.estimate > 0) == (estimate > 0)


def same_agents(review: Review, kpi: Kpi, day: date, confidence_level: float) -> SameAgents | None:
    """Compare up to half a year before a date with up to half a year after it, agent by agent.

    Returns
    -------
    SameAgents or None
        None where single agents are not known for this KPI, or fewer than six served on both sides.
    """
    rows = review.extract("learning") if kpi.name in _CASES else None
    if rows is None:
        return None
    rows = rows[rows["kpi"] == kpi.name]
    weeks = pd.to_datetime(rows["week_of"])
    monday = pd.Timestamp(day - timedelta(days=day.weekday()))
    # The week of the date is neither before nor after it; one that the period cuts is short, not wrong.
    before = rows[(weeks < monday) & (weeks >= monday - pd.Timedelta(weeks=_WEEKS))]
    last = min(monday + pd.Timedelta(weeks=_WEEKS), pd.Timestamp(review.period.end))
    after = rows[(weeks > monday) & (weeks <= last)]
    sums = [part.groupby("agent")[["numerator", "denominator"]].sum() for part in (before, after)]
    levels = [of[of["denominator"] >= _CASES[kpi.name]] for of in sums]
    values = [kpi.scale * of["numerator"] / of["denominator"] for of in levels]
    moved = (values[1] - values[0]).dropna().to_numpy(dtype=float)
    if len(moved) < _LEAST or not np.ptp(moved):
        return None
    test = stats.ttest_1samp(moved, 0.0)
    limits = test.confidence_interval(confidence_level)
    low, high, pvalue = float(limits.low), float(limits.high), float(test.pvalue)
    if not isfinite(pvalue):
        return None
    return SameAgents(estimate=float(moved.mean()), ci_low=low, ci_high=high, pvalue=pvalue, agents=len(moved))
