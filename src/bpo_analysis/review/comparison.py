"""Is the partner better or worse than the others on the same work? A partner with easy contacts looks good."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.changes import testable
from bpo_analysis.review.context import Review
from bpo_analysis.stats import difference_of_ratios, share_interval, standardise
from bpo_analysis.stats.standardisation import MIN_UNITS

__all__ = ["COMPARED", "Comparison", "comparisons"]

COMPARED = ("fcr", "csat", "service_level", "sla_attainment")
"""KPIs of cases that carry a contact reason."""


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
    rows = review.dataset.kpi_rows(kpi=kpi.name)
    inside = rows["date"].between(pd.Timestamp(review.before()[0]), pd.Timestamp(review.period.end))
    rows = rows[inside & rows["category"].notna() & (rows["denominator"] > 0)]
    names = review.dataset.partners.set_index("partner_id")["name"]
    lines = []
    for other in sorted(set(rows["partner_id"]) - {review.partner_id}):
        pair = rows[rows["partner_id"].isin([review.partner_id, other])]
        line = _against(review, pair, other)
        if line is not None:
            lines.append({"partner_id": other, "name": str(names[other]), **line})
    return Comparison(kpi=kpi, table=pd.DataFrame(lines))


def _against(review: Review, pair: pd.DataFrame, other: str) -> dict[str, object] | None:
    own = review.partner_id
    days = pair["date"].nunique()
    try:
        result = standardise(
            pair,
            group="partner_id",
            slice="category",
            unit="date" if days >= MIN_UNITS else None,
            confidence_level=review.confidence_level,
        )
    except InsufficientDataError:
        return None  # No contact reason in common: there is nothing to compare.
    if result.n_slices < 2:
        return None
    sums = pair.groupby(["partner_id", "date"])[["numerator", "denominator"]].sum()
    crude = difference_of_ratios(
        *(share_interval(sums.loc[p, "numerator"], sums.loc[p, "denominator"]) for p in (own, other))
    )
    line = result.pairs.iloc[0]
    # The pair is in the order of the ids; every difference here is own less theirs.
    sign = 1 if line["first"] == own else -1
    low, high = sorted((sign * line["ci_low"], sign * line["ci_high"]))
    turned = bool(line["reversed"])
    cases = result.table["cases"]
    return {
        "own": crude.first.estimate,
        "theirs": crude.second.estimate,
        "difference": crude.estimate,
        "pvalue": crude.pvalue,
        "own_standardised": result.table.loc[own, "standardised"],
        "theirs_standardised": result.table.loc[other, "standardised"],
        "standardised": sign * line["difference"],
        "ci_low": low,
        "ci_high": high,
        "standardised_pvalue": float(line["pvalue"]),
        "reversed": turned,
        "in_every_slice": bool(line["in_every_slice"]),
        "reversal_pvalue": max(crude.pvalue, float(line["pvalue"])) if turned else float("nan"),
        "reasons": result.n_slices,
        "covered": float((result.table["covered"] * cases).sum() / cases.sum()),
    }
