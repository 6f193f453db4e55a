"""What a period of several months cost: its bills, and the credits and bonuses of its months, added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bpo_analysis.periods import ReportPeriod
from bpo_analysis.review.context import Review
from bpo_analysis.review.incentives import LedgerLine, bill_of, incentive_months, ledger

__all__ = ["MonthCost", "PeriodCost", "period_cost"]

_MOST_MONTHS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthCost:
    """Money of one month, or of several added up. Credits are negative, as a credit to the client lowers its cost.

    Attributes
    ----------
    title : str
    bill : float
        Gross: what was billed, credits and bonuses left out.
    credits, bonuses : float or None
        Gross: what the tiers say. None without rules of incentives.
    capped : float or None
        Both after the caps of rules and contract.
    returned : float or None
        Earlier credits given back.
    """

    title: str
    bill: float
    credits: float | None
    bonuses: float | None
    capped: float | None
    returned: float | None

    @property
    def net(self) -> float | None:
        """Credits and bonuses after caps, with what is given back; None without rules."""
        return None if self.capped is None or self.returned is None else self.capped + self.returned

    @property
    def net_bill(self) -> float:
        """The bill with the net of credits and bonuses by the terms."""
        return self.bill + (self.net or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodCost:
    """The months of a period and their sum; ``total`` is None where a month has no bill, named in ``without_bill``."""

    months: tuple[MonthCost, ...]
    total: MonthCost | None
    without_bill: tuple[str, ...]


def period_cost(review: Review) -> PeriodCost | None:
    """Add up the bills, credits and bonuses of the whole months of the period.

    Returns
    -------
    PeriodCost or None
        None where the period has no two whole months, or no month of it has a bill.
    """
    months = [m for m in incentive_months(review, _MOST_MONTHS) if m.start >= review.period.start]
    bills = {month.label: bill_of(review, month) for month in months}
    if len(months) < 2 or all(bill is None for bill in bills.values()):
        return None
    lines = ledger(review, len(months))
    known = tuple(_month(m, bill, lines) for m in months if (bill := bills[m.label]) is not None)
    without = tuple(label for label, bill in bills.items() if bill is None)
    return PeriodCost(months=known, total=None if without else _sum(review, known), without_bill=without)


def _month(month: ReportPeriod, bill: float, lines: Sequence[LedgerLine] | None) -> MonthCost:
    of_month = [line for line in lines or () if line.month == month]
    if not of_month:
        return MonthCost(title=month.label, bill=bill, credits=None, bonuses=None, capped=None, returned=None)
    return MonthCost(
        title=month.label,
        bill=bill,
        credits=bill * sum(min(line.gross, 0.0) for line in of_month),
        bonuses=bill * sum(max(line.gross, 0.0) for line in of_month),
        capped=bill * sum(line.capped for line in of_month),
        returned=bill * sum(line.returned for line in of_month),
    )


def _sum(review: Review, months: Sequence[MonthCost]) -> MonthCost:
    def added(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) if len(known) == len(values) else None

    return MonthCost(
        title=review.period.title,
        bill=sum(month.bill for month in months),
        credits=added([month.credits for month in months]),
        bonuses=added([month.bonuses for month in months]),
        capped=added([month.capped for month in months]),
        returned=added([month.returned for month in months]),
    )
