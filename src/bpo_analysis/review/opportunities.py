"""How much could be had if the partner's contacts of one reason went as they do elsewhere? A size, not a promise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.context import Review
from bpo_analysis.stats import adjust_pvalues, difference_of_ratios, ratio_interval, share_interval

__all__ = ["OPPORTUNITY_KPIS", "Opportunities", "Opportunity", "opportunities"]

OPPORTUNITY_KPIS = ("aht_s", "repeat_contact_rate", "transfer_rate")
"""KPIs whose excess can be counted in hours: of handling, of contacts that come again, of contacts passed on."""
_LEAST_CASES = 30
"""Least cases of a reason on either side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opportunity:
    """One KPI in one contact reason, against where it goes better.

    Attributes
    ----------
    own, theirs : float
        Level here and there, in the KPI's unit.
    cases : float
        Cases of the period.
    hours, ci_low, ci_high : float
        Agent hours of the period that the difference amounts to.
    adjusted_pvalue : float
        Of no difference, adjusted for all reasons and KPIs looked at (Benjamini-Hochberg).
    clear : bool
        Whether that lets it stand.
    """

    kpi: Kpi
    reason: str
    own: float
    theirs: float
    cases: float
    hours: float
    ci_low: float
    ci_high: float
    adjusted_pvalue: float
    clear: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Opportunities:
    """Slices that are worse than elsewhere, the clear ones first, then by size.

    ``basis`` is others (the other partners together, same reason) or sites (the own best site, same reason);
    ``handle_s`` the handle time that a contact more is counted with.
    """

    found: tuple[Opportunity, ...]
    looked_at: int
    basis: Literal["others", "sites"]
    handle_s: float


def opportunities(review: Review) -> Opportunities | None:
    """Size what could be had; None where contacts have no reasons, or there is nothing to compare with."""
    return review.once("opportunities", _opportunities)


def _opportunities(review: Review) -> Opportunities | None:
    aht = None if "aht_s" in review.dataset.unavailable else review.measure("aht_s", record=False, interval=False)
    if aht is None:
        return None
    basis: Literal["others", "sites"] = (
        "others" if review.shows_others and len(review.dataset.partners) > 1 else "sites"
    )
    candidates = []
    for name in OPPORTUNITY_KPIS:
        if name in review.dataset.unavailable or name not in review.rows:
            continue
        own, theirs = _sides(review, name, basis)
        for reason in review.slices(name, "category"):
            compared = _compare(review, review.kpis[name], reason, own.get(reason), theirs.get(reason), aht.value)
            if compared is not None:
                candidates.append(compared)
    if not candidates:
        return None
    adjusted = np.asarray(adjust_pvalues([pvalue for _, pvalue in candidates], method="benjamini-hochberg"))
    alpha = 1 - review.confidence_level
    found = [
        replace(one, adjusted_pvalue=float(p), clear=bool(p <= alpha))
        for (one, _), p in zip(candidates, adjusted, strict=True)
        if one.hours > 0
    ]
    found.sort(key=lambda one: (not one.clear, -one.hours))
    return Opportunities(found=tuple(found), looked_at=len(candidates), basis=basis, handle_s=aht.value)


_Sides = dict[str, pd.DataFrame]
"""Sums by day, for each contact reason."""


def _sides(review: Review, name: str, basis: Literal["others", "sites"]) -> tuple[_Sides, _Sides]:
    """The partner's sums by reason and day, and those they are held against."""
    start, end = review.period.start, review.period.end
    if basis == "others":
        rows = review.dataset.kpi_sums(name, ("partner_id", "category", "date"), start, end)
        mine = rows["partner_id"] == review.partner_id
        return _by_reason(rows[mine]), _by_reason(rows[~mine])
    rows = review.rows[name]
    rows = rows[rows["date"].between(pd.Timestamp(start), pd.Timestamp(end)) & (rows["denominator"] > 0)]
    best = {str(reason): _best_site(part) for reason, part in rows.groupby("category")}
    return _by_reason(rows), _by_reason(
        pd.concat([rows.iloc[:0], *(part for part in best.values() if part is not None)])
    )


def _by_reason(rows: pd.DataFrame) -> _Sides:
    sums = rows[rows["denominator"] > 0].groupby(["category", "date"])[["numerator", "denominator"]].sum()
    return {str(reason): part for reason, part in sums.groupby(level="category")}


def _compare(
    review: Review, kpi: Kpi, reason: str, own: pd.DataFrame | None, reference: pd.DataFrame | None, handle_s: float
) -> tuple[Opportunity, float] | None:
    if own is None or reference is None:
        return None
    if min(own["denominator"].sum(), reference["denominator"].sum()) < _LEAST_CASES:
        return None
    make = share_interval if kpi.sampling == "cases" else ratio_interval
    try:
        here, there = (
            make(sums["numerator"], sums["denominator"], confidence_level=review.confidence_level)
            for sums in (own, reference)
        )
    except InsufficientDataError:
        return None
    difference = difference_of_ratios(here, there)
    cases = float(own["denominator"].sum())
    # A repeat or a transfer costs one more contact of usual length; handle time is time already.
    hours = cases * (kpi.scale if kpi.unit == "seconds" else handle_s) / 3600
    one = Opportunity(
        kpi=kpi, reason=reason, own=kpi.scale * here.estimate, theirs=kpi.scale * there.estimate, cases=cases,
        hours=hours * difference.estimate, ci_low=hours * difference.ci_low, ci_high=hours * difference.ci_high,
        adjusted_pvalue=float("nan"), clear=False,
    )  # fmt: skip
    return one, difference.pvalue


def _best_site(own: pd.DataFrame) -> pd.DataFrame | None:
    """Rows of the site with the lowest value; None with fewer than two sites of enough cases."""
    sums = own.groupby("site")[["numerator", "denominator"]].sum()
    sums = sums[sums["denominator"] >= _LEAST_CASES]
    if len(sums) < 2:
        return None
    best = (sums["numerator"] / sums["denominator"]).idxmin()
    return own[own["site"] == best]
