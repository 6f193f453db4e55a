"""How much of a task, channel or product lies with one partner."""

from __future__ import annotations

import pandas as pd

from bpo_analysis.review.context import Review
from bpo_analysis.review.registers import exceptions_at

__all__ = ["CEILING", "concentration"]

CEILING = 0.9
"""Share from which a slice is flagged as near to all; the whole of a slice is always flagged."""

_DIMENSIONS = {"channel": "channel", "product": "product", "shift": "shift", "category": "reason"}


def concentration(review: Review) -> pd.DataFrame:
    """Return the partner's share of contacts handled in the period, by channel, product, shift and reason.

    Returns
    -------
    DataFrame
        Columns dimension, value, partner (contacts), total, share, exception (who agreed it, or ""), flagged; largest
        share first. Empty if no partner has slices.
    """
    rows = review.dataset.kpi_rows(kpi="handled")
    inside = rows[rows["date"].between(pd.Timestamp(review.period.start), pd.Timestamp(review.period.end))]
    parts = []
    for column, dimension in _DIMENSIONS.items():
        totals = inside.groupby(column)["numerator"].sum()
        mine = inside[inside["partner_id"] == review.partner_id].groupby(column)["numerator"].sum()
        parts.append(
            pd.DataFrame(
                {
                    "dimension": dimension,
                    "value": mine.index.astype(str),
                    "partner": mine.values,
                    "total": totals.loc[mine.index].values,
                }
            )
        )
    table = pd.concat(parts, ignore_index=True)
    table = table[table["total"] > 0].assign(share=lambda t: t["partner"] / t["total"])
    agreed = _agreed(review)
    table["exception"] = [agreed.get((d, v), "") for d, v in zip(table["dimension"], table["value"], strict=True)]
    table["flagged"] = (table["share"] >= CEILING) & (table["exception"] == "")
    return table.sort_values(["share", "partner"], ascending=False, kind="stable").reset_index(drop=True)


def _agreed(review: Review) -> dict[tuple[str, str], str]:
    exceptions = exceptions_at(review)
    if exceptions is None:
        return {}
    return {(str(row["dimension"]), str(row["value"])): _words(row) for row in exceptions.to_dict("records")}


def _words(row: dict[str, object]) -> str:
    stale = ", past its review date" if row["past_review"] else ""
    day = f"{row['review_on']:%Y-%m-%d}" if pd.notna(row["review_on"]) else "no date"
    return f"agreed exception, review on {day}{stale}"
