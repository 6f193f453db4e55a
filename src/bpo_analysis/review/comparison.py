"""Is the partner better or worse than the others on the same work? A partner with easy contacts looks good."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.changes import testable
from bpo_analysis.review.context import Review
from bpo_analysis.stats import difference_of_ratios, share_interval, standardise_pair

__all__ = ["COMPARED", "Comparison", "comparisons"]

MOST_COMPARED = 8
"""Others held against at most: those with most of the same work. Tests against a hundred would drown each other."""
COMPARED = ("fcr", "csat", "service_level", "sla_attainment")
"""KPIs of cases that carry a contact reason."""
_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One KPI against every other partner that has the same contact reasons, as counted and on a common mix.

    Attributes
    ----------
    kpi : Kpi
    table : DataFrame
        One row per other partner: partner_id, name, own, theirs (as counted), difference and pvalue of them;
        own_standardised, theirs_standardised, standardised (difference on the common mix of both), ci_low, ci_high,
        standardised_pvalue; reversed (the order turns round), in_every_slice, reversal_pvalue (of both differences
        being real: the larger of their p-values; NaN where the order does not turn round), reasons, covered (share of
        both partners' cases in the reasons compared).
    """

    kpi: Kpi
    table: pd.DataFrame

    @property
    def pvalues(self) -> dict[str, float]:
        """P-values by label for the plan of the report: order turned round, and difference on the common mix."""
        found = {}
        for row in self.table.to_dict("records"):
            found[self.reversal_label(row["name"])] = row["reversal_pvalue"]
            found[self.difference_label(row["name"])] = row["standardised_pvalue"]
        return found

    def reversal_label(self, other: str) -> str:
        """Name of the test of an order that turns round."""
        return f"{self.kpi.label} against {other}, order turned round by the mix"

    def difference_label(self, other: str) -> str:
        """Name of the test of a difference on the common mix."""
        return f"{self.kpi.label} against {other} on a common mix"


def comparisons(review: Review) -> list[Comparison]:
    """Compare the partner with each other one on the same contact reasons, over the period and the stretch before."""
    return review.once("comparisons", _comparisons)


def _comparisons(review: Review) -> list[Comparison]:
    if len(review.dataset.partners) < 2:
        return []
    names = [n for n in COMPARED if n in testable(review) and review.kpis[n].sampling == "cases"]
    found = [_comparison(review, review.kpis[name]) for name in names]
    return [comparison for comparison in found if len(comparison.table)]


def _comparison(review: Review, kpi: Kpi) -> Comparison:
    stretch = review.before()[0], review.period.end
    held = _held_against(review, review.dataset.kpi_sums(kpi.name, ("partner_id", "category"), *stretch))
    if not held:
        return Comparison(kpi=kpi, table=pd.DataFrame())
    rows = review.dataset.kpi_sums(
        kpi.name, ("partner_id", "date", "category"), *stretch, partners=[review.partner_id, *held]
    )
    rows = _with_cases(rows)
    names = review.dataset.partners.set_index("partner_id")["name"]
    partners, places = np.unique(rows["partner_id"].to_numpy(dtype=str), return_inverse=True)
    days, units = np.unique(rows["date"].to_numpy(), return_inverse=True)
    reasons, slices = np.unique(rows["category"].to_numpy(dtype=str), return_inverse=True)
    sums = np.zeros((2, len(partners), len(days), len(reasons)))
    for into, column in zip(sums, ("numerator", "denominator"), strict=True):
        np.add.at(into, (places, units, slices), rows[column].to_numpy())
    place = {str(partner): number for number, partner in enumerate(partners)}
    lines = []
    for partner in held:
        line = _against(review, sums[:, place[review.partner_id]], sums[:, place[partner]])
        if line is not None:
            lines.append({"partner_id": partner, "name": str(names[partner]), **line})
    return Comparison(kpi=kpi, table=pd.DataFrame(lines))


def _held_against(review: Review, rows: pd.DataFrame) -> list[str]:
    """Partners held against, in order: those with most of the same work, where there are many."""
    rows = _with_cases(rows)
    mine = rows["partner_id"] == review.partner_id
    cases = rows[~mine].groupby("partner_id")["denominator"].sum()
    same = rows[~mine & rows["category"].isin(rows.loc[mine, "category"])].groupby("partner_id")["denominator"].sum()
    by_size = same.reindex(cases.index, fill_value=0.0).sort_values(ascending=False, kind="stable")
    return sorted(map(str, by_size.index[:MOST_COMPARED])) if mine.any() else []


def _with_cases(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["category"].notna() & (rows["denominator"] > 0)]


def _against(review: Review, own: _Floats, theirs: _Floats) -> dict[str, object] | None:
    """Compare two partners; sums are numerators and denominators by day and reason."""
    both = np.stack([own, theirs], axis=2)
    present = both[1].sum(axis=(1, 2)) > 0
    try:
        result = standardise_pair(*both[:, present], confidence_level=review.confidence_level)
    except InsufficientDataError:
        return None  # No contact reason in common: there is nothing to compare.
    if result.n_slices < 2:
        return None
    crude = difference_of_ratios(*(share_interval(*side.sum(axis=2)) for side in (own, theirs)))
    return {
        "own": crude.first.estimate,
        "theirs": crude.second.estimate,
        "difference": crude.estimate,
        "pvalue": crude.pvalue,
        "own_standardised": result.first,
        "theirs_standardised": result.second,
        "standardised": result.difference,
        "ci_low": result.ci_low,
        "ci_high": result.ci_high,
        "standardised_pvalue": result.pvalue,
        "reversed": result.reversed,
        "in_every_slice": result.in_every_slice,
        "reversal_pvalue": max(crude.pvalue, result.pvalue) if result.reversed else float("nan"),
        "reasons": result.n_slices,
        "covered": result.covered,
    }
