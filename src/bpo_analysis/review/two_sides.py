"""What moved between client and partner: credits, bonuses, excused misses, and what the forecast cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite

import pandas as pd

from bpo_analysis.periods import ReportPeriod
from bpo_analysis.review.context import Review
from bpo_analysis.review.incentives import LedgerLine, incentive_months

__all__ = ["TwoSides", "two_sides"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoSides:
    """What moved between both sides over some months; money where bills are known (None: not known).

    ``excused`` is the credit that excused days spared the partner; ``billed_credit`` and ``billed_bonus`` are what the
    invoices show. ``over_forecast`` counts contacts the client forecast and that did not come, by day and channel, with
    the handling hours staffed for them; ``under_forecast`` those that came beyond the forecast.
    """

    months: int
    credits: float | None
    bonuses: float | None
    returned: float | None
    excused: float | None
    excused_days: int
    billed_credit: float | None
    billed_bonus: float | None
    over_forecast: float | None = None
    under_forecast: float | None = None
    over_hours: float | None = None
    flips: int = field(default=0)


def two_sides(review: Review, lines: list[LedgerLine], months: int) -> TwoSides:
    """Add up the ledger for both sides, beside what was billed and what the forecast cost."""
    covered = incentive_months(review, months)
    known = bool(lines) and all(line.bill is not None for line in lines if line.state == "counted")

    def money(shares: list[tuple[LedgerLine, float]]) -> float | None:
        return sum(line.money(share) or 0.0 for line, share in shares) if known else None

    counted = [line for line in lines if line.state == "counted"]
    spared = [
        (line, line.gross - line.without_excuse)
        for line in counted
        if line.excused_days and isfinite(line.without_excuse) and line.without_excuse < line.gross
    ]
    return TwoSides(
        months=len(covered),
        credits=money([(line, -line.capped) for line in counted if line.capped < 0]),
        bonuses=money([(line, line.capped) for line in counted if line.capped > 0]),
        returned=money([(line, line.returned) for line in lines if line.returned]),
        excused=money(spared),
        excused_days=sum(line.excused_days for line in counted),
        billed_credit=_billed(review, "credit", covered),
        billed_bonus=_billed(review, "bonus", covered),
        flips=sum(line.could_flip for line in counted),
        **_forecast(review, covered),
    )


def _billed(review: Review, item: str, months: list[ReportPeriod]) -> float | None:
    lines = review.extract("billing_lines")
    if lines is None or not months:
        return None
    inside = pd.to_datetime(lines["month"]).isin([pd.Timestamp(month.start) for month in months])
    return float(lines.loc[inside & (lines["item"] == item), "amount"].abs().sum())


def _forecast(review: Review, months: list[ReportPeriod]) -> dict[str, float | None]:
    """Contacts forecast and not come, and come and not forecast: half of error plus, and less, bias."""
    needed = ("forecast_wape", "forecast_bias")
    if not months or any(name not in review.rows for name in needed):
        return {}
    start, end = months[0].start, months[-1].end
    wape, bias = (review.measure(name, start=start, end=end) for name in needed)
    if wape is None or bias is None:
        return {}
    over, under = (wape.numerator + bias.numerator) / 2, (wape.numerator - bias.numerator) / 2
    work = review.measure("aht_s", start=start, end=end) if "aht_s" in review.rows else None
    return {
        "over_forecast": over,
        "under_forecast": under,
        "over_hours": over * work.value / 3600 if work else None,
    }
