"""What moved weeks before what: pairs of KPIs named beforehand, with lags and their uncertainty, never a cause."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from bpo_analysis.review.changes import testable
from bpo_analysis.review.context import Review
from bpo_analysis.review.patterns import usual_series
from bpo_analysis.stats import lead_lag_scan

__all__ = ["MAX_LAG", "PAIRS", "Leads", "leads"]

MAX_LAG = 8
"""Weeks: what a KPI does to another shows within two months, or not in this way."""

PAIRS = (
    ("training_completion", "qa_score"),
    ("training_completion", "csat"),
    ("staffing_delivered", "service_level"),
    ("absenteeism", "service_level"),
    ("occupancy", "absenteeism"),
    ("service_level", "csat"),
    ("aht_s", "csat"),
    ("qa_score", "csat"),
    ("qa_score", "fcr"),
    ("fcr", "csat"),
)
"""Leading and lagging KPI. Named before any data were looked at: of all pairs there are, one always seems to fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leads:
    """Lead-lag correlations of the pairs that this dataset has.

    ``table`` has one row per pair with the fields of ``LeadLagResult``, and leading, lagging (names of KPIs).
    ``absent`` names the pairs that could not be looked at.
    """

    table: pd.DataFrame
    absent: tuple[tuple[str, str], ...]

    def label(self, review: Review, row: pd.Series) -> str:
        """Name of a pair as printed."""
        return f"{review.kpis[row['leading']].label} before {review.kpis[row['lagging']].label}"


def leads(review: Review) -> Leads:
    """Look at every pair over the weeks up to the end of the period."""
    return review.once("leads", _leads)


def _leads(review: Review) -> Leads:
    known = testable(review)
    weekly = [name for name in known if review.kpis[name].grain != "month" and review.dataset.grain != "month"]
    pairs = [pair for pair in PAIRS if set(pair) <= set(weekly)]
    absent = tuple(pair for pair in PAIRS if pair not in pairs)
    if not pairs:
        return Leads(table=pd.DataFrame(columns=["leading", "lagging", "pvalue"]), absent=absent)
    series = {}
    for name in dict.fromkeys(name for pair in pairs for name in pair):
        weeks, _, _ = usual_series(review, name)
        series[name] = weeks.set_index("start")["value"]
    frame = pd.DataFrame(series).sort_index()
    table = lead_lag_scan(frame, pairs, min_lag=1, max_lag=MAX_LAG, confidence_level=review.confidence_level)
    return Leads(table=table, absent=absent)
