"""Every deadline of a contract with the days left, and what ending it would cost, by month of the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bpo_analysis.review.context import Review
from bpo_analysis.review.registers import contract_terms, exceptions_at

__all__ = ["ExitCost", "deadlines", "exit_costs"]

_MONTHS_AHEAD = 12
_DAYS_PER_MONTH = 30.4375


def deadlines(review: Review) -> pd.DataFrame | None:
    """Return every dated deadline of the contracts in force and of agreed exceptions, the next one first.

    Returns
    -------
    DataFrame or None
        Columns what, about, day, days_left (negative: passed), note. None without the tables.
    """
    terms, exceptions = contract_terms(review), exceptions_at(review)
    if terms is None and exceptions is None:
        return None
    rows: list[dict[str, Any]] = []
    for contract in [] if terms is None else terms.to_dict("records"):
        rows.extend(_of_contract(review, contract))
    for row in [] if exceptions is None else exceptions.to_dict("records"):
        about = f"{row['dimension']}: {row['value']}"
        rows.append({"what": "review of an agreed exception", "about": about, "day": row["review_on"], "note": ""})
    table = pd.DataFrame(rows, columns=["what", "about", "day", "note"])
    table["day"] = pd.to_datetime(table["day"])
    table = table.dropna(subset=["day"])
    table["days_left"] = (table["day"] - pd.Timestamp(review.period.end)).dt.days
    return table.sort_values(["day", "what"], kind="stable").reset_index(drop=True)


def _of_contract(review: Review, contract: Mapping[str, Any]) -> list[dict[str, Any]]:
    about, end = str(contract["contract_id"]), contract["end"]
    renews = contract["auto_renew"] is True
    missed = pd.notna(contract["days_to_notice"]) and contract["days_to_notice"] < 0
    after = "it then renews by itself" if renews else "it then ends"
    too_late = "passed: without an agreement it renews" if renews and missed else "passed" if missed else after
    rows = [
        {"what": "last day for the client's notice", "about": about, "day": contract["notice_by"], "note": too_late},
        {"what": "end of the term", "about": about, "day": end, "note": "renews by itself" if renews else ""},
        {"what": "review of the contract", "about": about, "day": contract["review_on"], "note": ""},
    ]
    notice = contract["notice_days_partner"]
    if pd.notna(notice):
        gone = pd.Timestamp(review.period.end) + pd.Timedelta(days=float(notice))
        note = f"{notice:.0f} days' notice, given on {review.period.end}"
        rows.append({"what": "earliest day the partner could be gone", "about": about, "day": gone, "note": note})
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitCost:
    """What ending one contract costs the client on top of service rendered.

    Attributes
    ----------
    contract_id : str
    convenience : bool or None
        Whether it may be ended for convenience; None: not said.
    earliest : Timestamp
        First day it can end, if notice is given on the last day of the period.
    monthly_bill : float or None
        Average of the months billed lately; regular fees go on at this rate until the end.
    minimum : float or None
        Least amount billed for a month, with ``minimum_source`` in words.
    table : DataFrame
        One row per month: month (its last day), possible, fee, minimum_left (least fees to the end of the term), on_top
        (both), regular (bills until then). NaN where it cannot be computed.
    """

    contract_id: str
    convenience: bool | None
    earliest: pd.Timestamp
    end: pd.Timestamp | None
    fee: float | None
    monthly_bill: float | None
    minimum: float | None
    minimum_source: str
    table: pd.DataFrame

    @property
    def now(self) -> float | None:
        """Cost on top at the earliest day, or None where it cannot be computed."""
        possible = self.table[self.table["possible"]]
        if possible.empty or pd.isna(possible["on_top"].iloc[0]):
            return None
        return float(possible["on_top"].iloc[0])


def exit_costs(review: Review) -> list[ExitCost]:
    """Return the cost of ending each contract in force, by month of the end; empty without contracts."""
    terms = contract_terms(review)
    if terms is None:
        return []
    bill = _average_bill(review)
    price = _price(review)
    return [_exit_cost(review, contract, bill, price) for contract in terms.to_dict("records")]


def _exit_cost(review: Review, contract: Mapping[str, Any], bill: float | None, price: float | None) -> ExitCost:
    at = pd.Timestamp(review.period.end)
    notice = float(contract["notice_days_client"]) if pd.notna(contract["notice_days_client"]) else 0.0
    earliest = at + pd.Timedelta(days=notice)
    end = contract["end"] if pd.notna(contract["end"]) else None
    clause = contract["termination_for_convenience"]
    convenience = clause if isinstance(clause, bool) else None
    fee = float(contract["termination_fee"]) if pd.notna(contract["termination_fee"]) else None
    minimum, source = _minimum(contract, price)
    rows = []
    for ahead in range(_MONTHS_AHEAD + 1):
        month = (at + pd.DateOffset(months=ahead)) + pd.offsets.MonthEnd(0)
        if ahead == 0 and month <= at:
            continue
        rows.append(_of_month(month, at, earliest, end, convenience, fee, minimum, bill))
    names = ["month", "possible", "fee", "minimum_left", "on_top", "regular"]
    return ExitCost(
        contract_id=str(contract["contract_id"]),
        convenience=convenience,
        earliest=earliest,
        end=end,
        fee=fee,
        monthly_bill=bill,
        minimum=minimum,
        minimum_source=source,
        table=pd.DataFrame(rows, columns=names),
    )


def _of_month(
    month: pd.Timestamp,
    at: pd.Timestamp,
    earliest: pd.Timestamp,
    end: pd.Timestamp | None,
    convenience: bool | None,  # noqa: FBT001
    fee: float | None,
    minimum: float | None,
    bill: float | None,
) -> dict[str, Any]:
    """Cost of an end in one month: the fee before the end of the term, and without a clause the least fees left."""
    missing = float("nan")
    before_end = end is None or month < end
    months_left = 0.0 if end is None or not before_end else (end - month).days / _DAYS_PER_MONTH
    charged = (missing if fee is None else fee) if before_end else 0.0
    left = 0.0
    if before_end and convenience is not True:
        left = missing if minimum is None or end is None else minimum * months_left
    return {
        "month": month,
        "possible": month >= earliest,
        "fee": charged,
        "minimum_left": left,
        "on_top": charged + left,
        "regular": missing if bill is None else bill * (month - at).days / _DAYS_PER_MONTH,
    }


def _minimum(contract: Mapping[str, Any], price: float | None) -> tuple[float | None, str]:
    if pd.notna(contract["min_monthly_fee"]):
        return float(contract["min_monthly_fee"]), "least monthly fee of the contract"
    if pd.notna(contract["min_volume"]) and price is not None:
        return float(contract["min_volume"]) * price, "least volume of the contract at the present cost per contact"
    return None, "not known: neither a least fee nor a least volume with bills"


def _average_bill(review: Review) -> float | None:
    found = review.measure("cost_per_contact", start=review.before()[0], record=False)
    return found.numerator / found.days if found is not None and found.days else None


def _price(review: Review) -> float | None:
    found = review.measure("cost_per_contact", start=review.before()[0], record=False)
    return found.value if found is not None else None
