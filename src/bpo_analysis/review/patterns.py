"""Where a KPI is heading, and since when: trend and dated changes of its weekly (monthly) values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.changes import testable
from bpo_analysis.review.context import Review
from bpo_analysis.review.headline import headline_names
from bpo_analysis.stats import ChangesResult, TrendResult, detect_trend, find_changes
from bpo_analysis.stats.trend import SUSPECT

__all__ = ["CHARTED", "Pattern", "pattern_names", "pattern_of", "per_quarter", "usual_series"]

WEEKS, MONTHS = 78, 36
"""Periods looked at: long enough for a slow trend, short enough to be about the same service."""
FEW = 0.25
"""Part of the usual cases below which a single week or month is left out: its value is mostly chance."""

CHARTED = ("service_level", "aht_s", "sla_attainment", "csat", "fcr", "qa_score", "absenteeism")
"""KPIs with a chart on the monthly page besides volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Trend and dated changes of one KPI.

    Attributes
    ----------
    series : DataFrame
        Columns label, start, end, value, numerator, denominator, days; value is NaN for periods left out.
    unit : str
        week or month.
    left_out : int
        Periods with too few cases.
    trend, changes : result or None
        None where there are too few periods; ``shortage`` says how many are needed.
    """

    kpi: Kpi
    series: pd.DataFrame
    unit: Literal["week", "month"]
    left_out: int
    trend: TrendResult | None
    changes: ChangesResult | None
    shortage: str

    @property
    def drifts(self) -> bool:
        """Whether trend and drift cannot be told apart."""
        return any(found.high_autocorrelation > SUSPECT for found in (self.trend, self.changes) if found is not None)

    @property
    def trend_label(self) -> str:
        """Name of the test of a trend in the plan of the report."""
        return f"{self.kpi.label}, trend"

    @property
    def change_label(self) -> str:
        """Name of the test of a dated change in the plan of the report."""
        return f"{self.kpi.label}, change of level"

    @property
    def steps_fit_better(self) -> bool:
        """Whether steps are clearer than a steady trend; a step has a slope too, and a trend looks like steps."""
        return self.changes is not None and self.trend is not None and self.changes.pvalue < self.trend.pvalue

    @property
    def pvalues(self) -> dict[str, float]:
        """P-values by label, for the plan of the report; NaN where the answer is "cannot tell"."""
        missing = float("nan")
        return {
            self.trend_label: missing if self.trend is None or self.drifts else self.trend.pvalue,
            self.change_label: missing if self.changes is None or self.drifts else self.changes.pvalue,
        }


def pattern_names(review: Review) -> list[str]:
    """KPIs looked at for trends: those of the first screen and those with a chart."""
    names = [name for names in headline_names(review).values() for name in names]
    known = testable(review)
    return [name for name in dict.fromkeys([*names, *CHARTED]) if name in known]


def pattern_of(review: Review, name: str) -> Pattern:
    """Return trend and dated changes of one KPI up to the end of the period."""
    return review.once(f"pattern {name}", lambda r: _pattern(r, name))


def usual_series(
    review: Review, name: str, unit: Literal["week", "month"] = "week"
) -> tuple[pd.DataFrame, Literal["week", "month"], int]:
    """Return the values of the last weeks (months, where asked for or where the data or the KPI are monthly).

    Returns
    -------
    series : DataFrame
        From the first period with a value; periods with less than a quarter of the usual cases have NaN.
    unit : str
    left_out : int
        How many those were.
    """
    monthly = unit == "month" or review.dataset.grain == "month" or review.kpis[name].grain == "month"
    series = review.series(name, "month" if monthly else "week", MONTHS if monthly else WEEKS, record=False)
    first = series["value"].first_valid_index()
    series = series.loc[first if first is not None else len(series) :].reset_index(drop=True)
    few = series["denominator"] < FEW * series["denominator"].median()
    # A first week that the export cuts has fewer days than the others; its cases are few as well.
    series["value"] = series["value"].mask(few)
    return series, "month" if monthly else "week", int(few.sum())


def _pattern(review: Review, name: str) -> Pattern:
    series, unit, left_out = usual_series(review, name)
    level = review.confidence_level
    trend: TrendResult | None = None
    changes: ChangesResult | None = None
    shortage = ""
    try:
        trend = detect_trend(series["value"], confidence_level=level)
        values = series.set_axis(pd.DatetimeIndex(series["start"]))["value"]
        changes = find_changes(values, confidence_level=level)
    except InsufficientDataError as error:
        shortage = f"{error.needed} {unit}s with data are needed, there are {error.got}"
    return Pattern(
        kpi=review.kpis[name],
        series=series,
        unit=unit,
        left_out=left_out,
        trend=trend,
        changes=changes,
        shortage=shortage,
    )


def per_quarter(pattern: Pattern, slope: float) -> float:
    """Change over a quarter of a year from the slope per week or month."""
    return slope * (13 if pattern.unit == "week" else 3)
