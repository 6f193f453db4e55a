"""The past of a target's KPI, by week or by month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from bpo_analysis.data import Target
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.context import Review
from bpo_analysis.review.patterns import FEW

__all__ = ["MONTHS", "WEEKS", "History", "history_of", "places_of", "where_of"]

WEEKS, MONTHS = 26, 24
"""Periods of its own past that a target is held against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Values of a KPI in the scope of a target.

    ``series`` has the columns label, start, end, value, numerator, denominator, days; value is NaN for periods without
    rows or with less than a quarter of the usual cases.
    """

    kpi: Kpi
    unit: Literal["week", "month"]
    series: pd.DataFrame

    @property
    def known(self) -> pd.DataFrame:
        """Periods with a value."""
        return self.series[self.series["value"].notna()]


def where_of(target: Target) -> dict[str, str] | None:
    """Slice that a target is about."""
    return {"channel": target.channel} if target.channel else None


def places_of(target: Target) -> dict[str, str]:
    """What a target is about, for the list of a page's numbers."""
    return {"kpi": target.kpi, "tier": target.tier, **(where_of(target) or {})}


def history_of(review: Review, target: Target, periods: int | None = None) -> History:
    """Return the last weeks (months, where the KPI or the data are monthly) up to the end of the period.

    Parameters
    ----------
    review : Review
    target : Target
    periods : int, optional
        How many; by default 26 weeks or 24 months.
    """
    kpi = review.kpis[target.kpi]
    # Shares of a month's people or of its few tasks mean little in a single week.
    monthly = review.dataset.grain == "month" or kpi.grain == "month" or kpi.group == "people"
    count = periods or (MONTHS if monthly else WEEKS)
    series = review.series(kpi.name, "month" if monthly else "week", count, where_of(target), record=False)
    first = series["value"].first_valid_index()
    series = series.loc[first if first is not None else len(series) :].reset_index(drop=True)
    if kpi.pooling == "ratio" and len(series):
        series["value"] = series["value"].mask(series["denominator"] < FEW * series["denominator"].median())
    return History(kpi=kpi, unit="month" if monthly else "week", series=series)
