"""Which partner has more of which kind of contact than the others: standardised residuals, as description."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bpo_analysis.review.context import Review

__all__ = ["CategoryMix", "category_mix"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryMix:
    """Contacts of the period by category and partner.

    Attributes
    ----------
    counts : DataFrame
        Contacts handled: index category (raw reason), columns names of partners.
    residuals : DataFrame
        Adjusted standardised residuals of the same shape: how far a count lies from what the category's total and the
        partner's total would give, in standard deviations of independent contacts. NaN where that is not defined.
    """

    counts: pd.DataFrame
    residuals: pd.DataFrame


def category_mix(review: Review) -> CategoryMix | None:
    """Return the mix of contact reasons of all partners; None with a single partner or category.

    Notes
    -----
    Contacts of a day resemble each other, so that real counts scatter wider than independent ones: a residual beyond 2
    is no finding. The table says where the mixes differ most.
    """
    start, end = review.period.start, review.period.end
    rows = review.dataset.kpi_sums("handled", ("partner_id", "category"), start, end).dropna(subset=["category"])
    names = review.dataset.partners.set_index("partner_id")["name"]
    counts = rows.groupby(["category", "partner_id"])["numerator"].sum().unstack("partner_id").fillna(0.0)
    counts = counts.loc[counts.sum(axis=1) > 0, counts.sum() > 0]
    if counts.shape[0] < 2 or counts.shape[1] < 2:
        return None
    order = [review.partner_id, *(p for p in counts.columns if p != review.partner_id)]
    counts = counts[[p for p in order if p in counts.columns]]
    counts.columns = pd.Index([str(names[p]) for p in counts.columns])
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    return CategoryMix(counts=counts, residuals=_residuals(counts))


def _residuals(counts: pd.DataFrame) -> pd.DataFrame:
    """Adjusted standardised residuals (Haberman 1973)."""
    observed = counts.to_numpy(dtype=float)
    rows, columns, total = observed.sum(axis=1, keepdims=True), observed.sum(axis=0, keepdims=True), observed.sum()
    expected = rows * columns / total
    variance = expected * (1 - rows / total) * (1 - columns / total)
    scaled = np.divide(observed - expected, np.sqrt(variance), out=np.full_like(observed, np.nan), where=variance > 0)
    return pd.DataFrame(scaled, index=counts.index, columns=counts.columns)
