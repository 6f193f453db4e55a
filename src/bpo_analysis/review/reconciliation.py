"""The partner's own numbers beside ours."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from scipy import stats

from bpo_analysis.formats import decimals_of, shown_number
from bpo_analysis.kpis import Kpi
from bpo_analysis.periods import parse_period
from bpo_analysis.review.context import Review

__all__ = ["Reconciliation", "reconcile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Reported against measured values of one KPI over the months up to the period.

    ``flattering`` counts months in which the report was better than the measurement as printed, of ``differing``
    months in which they differed at all; ``pvalue`` is the sign test of an even chance, NaN where there is nothing to
    test. It is judged in the plan of the report.
    """

    kpi: Kpi
    table: pd.DataFrame
    flattering: int
    differing: int
    pvalue: float

    @property
    def label(self) -> str:
        """Name of the test in the plan of the report."""
        return f"{self.kpi.label} as reported"


def reconcile(review: Review) -> list[Reconciliation] | None:
    """Compare every KPI the partner reports about itself, month by month; None without the table.

    The table of each has columns period, reported, measured, difference.
    """
    return review.once("reconciliation", _reconcile)


def _reconcile(review: Review) -> list[Reconciliation] | None:
    reported = review.register("vendor_reported")
    if reported is None:
        return None
    # Whole months only: the rows of a month that goes on after the report's period are not all there yet.
    ends = pd.to_datetime(reported["period"]) + pd.offsets.MonthEnd(0)
    reported = reported[ends <= pd.Timestamp(review.period.end)]
    found = []
    for name, rows in reported.groupby("kpi", sort=True):
        if name in review.kpis and str(name) not in review.dataset.unavailable:
            found.append(_compare(review, review.kpis[str(name)], rows))
    return [comparison for comparison in found if len(comparison.table)]


def _compare(review: Review, kpi: Kpi, rows: pd.DataFrame) -> Reconciliation:
    lines = []
    for row in rows.sort_values("period").to_dict("records"):
        month = parse_period(f"{pd.Timestamp(row['period']):%Y-%m}")
        measured = review.measure(kpi.name, period=month)
        if measured is not None:
            lines.append({"period": month.label, "reported": float(row["value"]), "measured": measured.value})
    table = pd.DataFrame(lines, columns=["period", "reported", "measured"])
    table["difference"] = table["reported"] - table["measured"]
    digits = decimals_of(kpi.unit)
    shown = (shown_number(1.0, kpi.unit) * table["difference"]).round(digits)
    better = shown > 0 if kpi.better == "higher" else shown < 0
    differing = int((shown != 0).sum())
    pvalue = (
        stats.binomtest(int(better.sum()), differing).pvalue if differing and kpi.better != "none" else float("nan")
    )
    return Reconciliation(
        kpi=kpi,
        table=table,
        flattering=int(better.sum()) if kpi.better != "none" else 0,
        differing=differing,
        pvalue=float(pvalue),
    )
