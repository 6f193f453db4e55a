"""Does the contract follow the work? Heads needed against heads there and heads that must be paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import Any

import pandas as pd

from bpo_analysis.periods import ReportPeriod, parse_period
from bpo_analysis.review.context import Review
from bpo_analysis.review.exit_exposure import PLANNED_OCCUPANCY
from bpo_analysis.review.registers import contract_terms

__all__ = ["FALLS", "Flexibility", "flexibility"]

FALLS = (0.1, 0.2, 0.3)
"""Falls of volume that are tried."""
_MONTHS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Flexibility:
    """Heads by month, and what the least numbers of a contract would cost if volume fell.

    Attributes
    ----------
    contract_id : str
    min_heads, min_volume : float or None
    months : DataFrame
        Columns month, heads (employed), billed (billed heads, NaN where none are billed), needed (NaN where agent time
        is not known), minimum, unused (minimum above what is needed).
    head_cost : float or None
        Cost of one head and month: the rate billed by heads, else the month's bill over the heads.
    head_cost_source : str
    scenarios : DataFrame
        Columns fall, needed, kept (heads the contract makes keep), excess, cost (a month, NaN where not known), volume,
        min_volume, below_volume, possible (whether the contract follows), by (first day it could).
    """

    contract_id: str
    min_heads: float | None
    min_volume: float | None
    ramp_down_days: float | None
    months: pd.DataFrame
    head_cost: float | None
    head_cost_source: str
    scenarios: pd.DataFrame

    @property
    def unused_cost(self) -> float | None:
        """What the unused minimum of the last month costs, or None where it cannot be computed."""
        last = self.months.iloc[-1] if len(self.months) else None
        if last is None or pd.isna(last["unused"]) or self.head_cost is None:
            return None
        return float(last["unused"]) * self.head_cost


def flexibility(review: Review) -> list[Flexibility]:
    """Return the flexibility of every contract in force; empty without contracts."""
    terms = contract_terms(review)
    if terms is None:
        return []
    months = _heads_by_month(review)
    return [_of_contract(review, contract, months) for contract in terms.to_dict("records")]


def _heads_by_month(review: Review) -> pd.DataFrame:
    last = parse_period(f"{review.period.end:%Y-%m}")
    billed = _billed_heads(review)
    rows = []
    for step in range(1 - _MONTHS, 1):
        month = last.shifted(step)
        heads = review.measure("headcount", period=month, record=False) if "headcount" in review.rows else None
        if heads is None:
            continue
        rows.append(
            {
                "month": month.label,
                "heads": heads.value,
                "billed": billed.get(pd.Timestamp(month.start), float("nan")),
                "needed": _needed(review, month, heads.value),
            }
        )
    return pd.DataFrame(rows, columns=["month", "heads", "billed", "needed"])


def _billed_heads(review: Review) -> dict[pd.Timestamp, float]:
    lines = review.extract("billing_lines")
    if lines is None:
        return {}
    heads = lines[(lines["item"] == "heads") & lines["qty"].notna()]
    return dict(zip(pd.to_datetime(heads["month"]), heads["qty"].astype(float), strict=True))


def _needed(review: Review, month: ReportPeriod, heads: float) -> float:
    """Heads for the month's handling at the planned occupancy, at the present hours and shrinkage of a head."""
    occupancy = review.measure("occupancy", period=month, record=False) if "occupancy" in review.rows else None
    if occupancy is None or occupancy.denominator == 0:
        return float("nan")
    return heads * occupancy.value / PLANNED_OCCUPANCY


def _of_contract(review: Review, contract: dict[str, Any], heads: pd.DataFrame) -> Flexibility:
    minimum = _number(contract["min_heads"])
    months = heads.assign(minimum=float("nan") if minimum is None else minimum)
    months["unused"] = (months["minimum"] - months["needed"]).clip(lower=0)
    cost, source = _head_cost(review, months)
    down = _number(contract["ramp_down_days"])
    scenarios = _scenarios(review, months, minimum, _number(contract["min_volume"]), cost, down)
    return Flexibility(
        contract_id=str(contract["contract_id"]),
        min_heads=minimum,
        min_volume=_number(contract["min_volume"]),
        ramp_down_days=down,
        months=months,
        head_cost=cost,
        head_cost_source=source,
        scenarios=scenarios,
    )


def _head_cost(review: Review, months: pd.DataFrame) -> tuple[float | None, str]:
    bill = review.measure("cost_per_contact", record=False) if review.has("cost_per_contact") else None
    if bill is None or months.empty:
        return None, "not known: no bill of the period"
    heads = months["billed"].iloc[-1] if pd.notna(months["billed"].iloc[-1]) else months["heads"].iloc[-1]
    if not heads:
        return None, "not known: no heads"
    return bill.numerator / bill.days / float(heads), "the month's bill over its heads"


def _scenarios(
    review: Review, months: pd.DataFrame, minimum: float | None, min_volume: float | None, cost: float | None,
    down: float | None,
) -> pd.DataFrame:  # fmt: skip
    names = ["fall", "needed", "kept", "excess", "cost", "volume", "below_volume", "possible", "by"]
    if months.empty or pd.isna(months["needed"].iloc[-1]):
        return pd.DataFrame(columns=names)
    now = float(months["needed"].iloc[-1])
    handled = review.measure("handled", record=False)
    monthly = handled.value * 30.4375 / review.period.days if handled else float("nan")
    by: date | None = None if down is None else review.period.end + timedelta(days=int(down))
    rows = []
    for fall in FALLS:
        # Heads are whole: a fraction of one is still one to keep.
        needed, volume = float(ceil(now * (1 - fall) - 1e-9)), monthly * (1 - fall)
        kept = max(needed, minimum or 0.0)
        below = max((min_volume or 0.0) - volume, 0.0)
        rows.append(
            {
                "fall": fall,
                "needed": needed,
                "kept": kept,
                "excess": kept - needed,
                "cost": float("nan") if cost is None else (kept - needed) * cost,
                "volume": volume,
                "below_volume": below,
                "possible": kept <= needed and below == 0,
                "by": by,
            }
        )
    return pd.DataFrame(rows, columns=names)


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
