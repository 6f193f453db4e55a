"""Credits and bonuses of the contract: exact arithmetic on the printed number, and how sure that number is.

What is charged follows from the terms alone. That a result could have come out in another tier by chance is said beside
it, with the money that hangs on it; it changes no amount.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from math import isfinite
from typing import Any, Literal

import pandas as pd

from bpo_analysis.data import target_for
from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.formats import decimals_of, format_value
from bpo_analysis.kpis import Kpi
from bpo_analysis.periods import ReportPeriod, parse_period
from bpo_analysis.review.context import Measure, Review
from bpo_analysis.review.scorecard import contract_rounded
from bpo_analysis.stats import event_rate_interval, ratio_interval, share_interval

__all__ = ["LedgerLine", "Rule", "Tier", "bill_of", "incentive_months", "ledger", "read_rules"]

LineState = Literal["counted", "too few cases", "no value", "no tier", "not in force"]
_QUIET = 1e-12


@dataclass(frozen=True, slots=True)
class Tier:
    """A stretch of results and the share of the bill it moves; open ends are infinite."""

    low: float
    high: float
    amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One credit or bonus rule. A limit between two tiers belongs to the better of them."""

    rule_id: str
    contract_id: str
    kpi: Kpi
    tiers: tuple[Tier, ...]
    cap: float | None = None
    earn_back: int = 0
    channel: str = ""
    min_cases: float = 0.0
    excused: bool = True

    def tier_of(self, value: float, digits: int) -> Tier | None:
        """Return the tier that a value, rounded as it is printed, falls in."""
        shown = contract_rounded(value, self.kpi.unit, digits)
        for place, tier in enumerate(self.tiers):
            low, high = (
                limit if not isfinite(limit) else contract_rounded(limit, self.kpi.unit, digits)
                for limit in (tier.low, tier.high)
            )
            first, last = place == 0, place == len(self.tiers) - 1
            if self.kpi.better == "lower":
                inside = (low < shown or (first and low <= shown)) and shown <= high
            else:
                inside = low <= shown and (shown < high or (last and shown <= high))
            if inside:
                return tier
        return None

    def touched(self, low: float, high: float, digits: int) -> tuple[Tier, ...]:
        """Return the tiers that an interval reaches."""
        ends = [tier for value in (low, high) if (tier := self.tier_of(value, digits)) is not None]
        if not ends:
            return ()
        places = [self.tiers.index(tier) for tier in ends]
        return self.tiers[min(places) : max(places) + 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One rule in one month. Amounts are shares of the bill, and money where the bill is known; credits are negative.

    Attributes
    ----------
    gross : float
        What the tier says.
    capped : float
        After the cap of the rule and the share at risk of the contract.
    returned : float
        What was charged earlier and is given back in this month.
    could_be : tuple of float
        Least and largest amount among the tiers that the interval of the result reaches.
    without_excuse : float
        What the tier would have been, had the excused days counted; NaN where none were excused.
    excused_days : int
    """

    rule: Rule
    month: ReportPeriod
    state: LineState
    value: float = float("nan")
    limits: tuple[float, float] | None = None
    cases: float = 0.0
    gross: float = 0.0
    capped: float = 0.0
    returned: float = 0.0
    could_be: tuple[float, float] = (0.0, 0.0)
    without_excuse: float = float("nan")
    excused_days: int = 0
    bill: float | None = None
    currency: str = ""

    @property
    def net(self) -> float:
        """What the month moves in the end."""
        return self.capped + self.returned

    @property
    def could_flip(self) -> bool:
        """Whether the interval of the result reaches a tier with another amount."""
        return self.state == "counted" and self.could_be[1] - self.could_be[0] > _QUIET

    def money(self, share: float) -> float | None:
        """Turn a share of the bill into money, where the bill is known."""
        return None if self.bill is None else share * self.bill

    @property
    def value_text(self) -> str:
        """The result as printed."""
        return format_value(self.value, self.rule.kpi.unit, currency=self.currency)


def read_rules(review: Review) -> list[Rule] | None:
    """Return the rules of the partner's contracts, in the order of the table; None without the table."""
    rows, contracts = review.dataset.register("contract_incentives"), review.register("contracts")
    if rows is None or contracts is None:
        return None
    mine = rows[rows["contract_id"].isin(contracts["contract_id"])]
    return [
        _rule(str(name), tiers, review.kpis[str(tiers["kpi"].iloc[0])])
        for name, tiers in mine.groupby("rule_id", sort=False)
    ]


def _rule(name: str, tiers: pd.DataFrame, kpi: Kpi) -> Rule:
    tiers = tiers.sort_values("tier_low", kind="stable", na_position="first")
    first = tiers.iloc[0].to_dict()
    infinite = float("inf")
    return Rule(
        rule_id=name,
        contract_id=str(first["contract_id"]),
        kpi=kpi,
        tiers=tuple(
            Tier(
                _or(row["tier_low"], -infinite),
                _or(row["tier_high"], infinite),
                _or(row["amount_share"], 0.0) * _or(row["weight"], 1.0),
            )
            for row in tiers.to_dict("records")
        ),
        cap=None if pd.isna(first["cap_share"]) else float(first["cap_share"]),
        earn_back=int(_or(first["earn_back_periods"], 0)),
        channel=first["channel"] if isinstance(first["channel"], str) else "",
        min_cases=_or(first["min_cases"], 0.0),
        excused=first["excused_events"] is not False,
    )


def _or(value: Any, otherwise: float) -> float:
    return otherwise if value is None or pd.isna(value) else float(value)


def incentive_months(review: Review, months: int) -> list[ReportPeriod]:
    """Return the whole months up to the end of the period, oldest first; contracts settle by the month."""
    last = parse_period(f"{review.period.end:%Y-%m}")
    last = last if last.end <= review.period.end else last.shifted(-1)
    first = review.dataset.span[0]
    return [m for step in range(1 - months, 1) if (m := last.shifted(step)).start >= first]


def ledger(review: Review, months: int = 1) -> list[LedgerLine] | None:
    """Compute every rule in each of the last months; None without the tables contracts and contract_incentives.

    Months before the first one shown are computed too, for what is given back rests on them.
    """
    rules = read_rules(review)
    shown = incentive_months(review, months)
    if rules is None:
        return None
    if not rules or not shown:
        return []
    reach = max(rule.earn_back for rule in rules)
    every = incentive_months(review, months + reach)
    raw = {rule.rule_id: [_line(review, rule, month) for month in every] for rule in rules}
    capped = _with_caps(review, raw)
    lines = [_with_earn_back(rule, capped[rule.rule_id]) for rule in rules]
    return [line for of_rule in lines for line in of_rule if line.month.start >= shown[0].start]


def _line(review: Review, rule: Rule, month: ReportPeriod) -> LedgerLine:
    bill = bill_of(review, month)
    line = LedgerLine(rule=rule, month=month, state="no value", bill=bill, currency=review.currency)
    if not _in_force(review, rule.contract_id, month):
        return replace(line, state="not in force")
    if rule.kpi.name not in review.rows:
        return line
    days = _excused(review, rule, month) if rule.excused else frozenset()
    result = _result(review, rule, month, days)
    if result is None:
        return line
    digits = _decimals(review, rule, month, result.value)
    tier = rule.tier_of(result.value, digits)
    line = replace(
        line, value=result.value, limits=result.limits, cases=result.cases, excused_days=len(days), state="counted"
    )
    if result.cases < rule.min_cases:
        return replace(line, state="too few cases")
    if tier is None:
        return replace(line, state="no tier")
    reached = rule.touched(*result.limits, digits) if result.limits else ()
    amounts = [_within(t.amount, rule.cap) for t in (*reached, tier)]
    line = replace(line, gross=tier.amount, could_be=(min(amounts), max(amounts)))
    if days:
        whole = _result(review, rule, month, frozenset())
        hit = rule.tier_of(whole.value, digits) if whole else None
        line = replace(line, without_excuse=hit.amount if hit else float("nan"))
    return line


def _within(amount: float, cap: float | None) -> float:
    return amount if cap is None else max(-cap, min(cap, amount))


def _with_caps(review: Review, raw: Mapping[str, list[LedgerLine]]) -> dict[str, list[LedgerLine]]:
    """Apply the cap of each rule, then the share at risk of the contract, all credits of a month reduced alike."""
    contracts = review.register("contracts")
    at_risk = {} if contracts is None else dict(zip(contracts["contract_id"], contracts["at_risk_share"], strict=True))
    capped = {
        name: [replace(line, capped=_within(line.gross, line.rule.cap)) for line in lines]
        for name, lines in raw.items()
    }
    for contract in {lines[0].rule.contract_id for lines in capped.values()}:
        limit = _or(at_risk.get(contract), float("inf"))
        names = [name for name, lines in capped.items() if lines[0].rule.contract_id == contract]
        for place in range(len(capped[names[0]])):
            credit = -sum(min(capped[name][place].capped, 0.0) for name in names)
            if credit > limit + _QUIET:
                for name in names:
                    line = capped[name][place]
                    if line.capped < 0:
                        capped[name][place] = replace(line, capped=line.capped * limit / credit)
    return capped


def _with_earn_back(rule: Rule, lines: list[LedgerLine]) -> list[LedgerLine]:
    """Give a credit back in the month that completes the months without a credit after it, at its own amount."""
    if not rule.earn_back:
        return lines
    returned = [0.0] * len(lines)
    for place, line in enumerate(lines):
        after = lines[place + 1 : place + 1 + rule.earn_back]
        clean = len(after) == rule.earn_back and all(m.state == "counted" and m.gross >= 0 for m in after)
        if line.capped < 0 and clean:
            back, bill = line.money(-line.capped), after[-1].bill
            returned[place + rule.earn_back] += -line.capped if not back or not bill else back / bill
    return [replace(line, returned=back) for line, back in zip(lines, returned, strict=True)]


@dataclass(frozen=True, slots=True)
class _Result:
    value: float
    cases: float
    limits: tuple[float, float] | None


def _result(review: Review, rule: Rule, month: ReportPeriod, without: frozenset[date]) -> _Result | None:
    """The KPI of the month, without excused days."""
    where = {"channel": rule.channel} if rule.channel else None
    if not without:
        found = review.measure(rule.kpi.name, period=month, where=where)
        return _Result(found.value, found.denominator, found.limits) if found else None
    days = review.daily(rule.kpi.name, where).loc[pd.Timestamp(month.start) : pd.Timestamp(month.end)]
    days = days[~days.index.isin([pd.Timestamp(day) for day in without])]
    numerator, denominator = float(days["numerator"].sum()), float(days["denominator"].sum())
    if days.empty or (denominator == 0 and rule.kpi.pooling == "ratio"):
        return None
    value = numerator if rule.kpi.pooling == "total" else rule.kpi.scale * numerator / denominator
    return _Result(value, denominator, _limits(review, rule.kpi, month, days, value))


def _limits(
    review: Review, kpi: Kpi, month: ReportPeriod, days: pd.DataFrame, value: float
) -> tuple[float, float] | None:
    if kpi.sampling == "none":
        return None
    sums = days["numerator"], days["denominator"]
    try:
        if kpi.sampling == "events":
            interval = event_rate_interval(*sums, confidence_level=review.confidence_level)
        else:
            make = share_interval if kpi.sampling == "cases" else ratio_interval
            interval = make(*sums, confidence_level=review.confidence_level)
    except InsufficientDataError:
        return None
    found = Measure(
        kpi=kpi, start=month.start, end=month.end, where={}, numerator=0.0, denominator=0.0, value=value,
        days=len(days), interval=interval,
    )  # fmt: skip
    return found.limits if isfinite(interval.ci_low) else None


def _excused(review: Review, rule: Rule, month: ReportPeriod) -> frozenset[date]:
    """Days of the month that an excused event of this KPI (or of any) covers."""
    days = review.once(("excused days", rule.kpi.name), lambda r: _excused_days(r, rule))
    return frozenset(day for day in days if month.start <= day <= month.end)


def _excused_days(review: Review, rule: Rule) -> frozenset[date]:
    events = review.register("events")
    if events is None:
        return frozenset()
    excused = events[(events["kind"] == "excused") & (events["kpi"].isna() | (events["kpi"] == rule.kpi.name))]
    days: set[date] = set()
    for event in excused.to_dict("records"):
        start = pd.Timestamp(event["start"])
        end = start if pd.isna(event["end"]) else pd.Timestamp(event["end"])
        days |= {day.date() for day in pd.date_range(start, end)}
    return frozenset(days)


def _decimals(review: Review, rule: Rule, month: ReportPeriod, value: float) -> int:
    """Decimals the contract rounds to: those of the KPI's target, else those it is printed with."""
    target = target_for(review.targets, rule.kpi.name, review.partner_id, month.end)
    if target is not None and target.decimals is not None:
        return target.decimals
    limits = [limit for tier in rule.tiers for limit in (tier.low, tier.high) if isfinite(limit)]
    return decimals_of(rule.kpi.unit, value, *limits)


def _in_force(review: Review, contract_id: str, month: ReportPeriod) -> bool:
    terms = review.once("terms of contracts", _terms)
    if contract_id not in terms:
        return False
    start, end = terms[contract_id]
    return start <= month.end and (end is None or end >= month.start)


def _terms(review: Review) -> dict[str, tuple[date, date | None]]:
    contracts = review.register("contracts")
    if contracts is None:
        return {}
    ends = (None if pd.isna(end) else pd.Timestamp(end).date() for end in contracts["end"])
    starts = (pd.Timestamp(start).date() for start in contracts["start"])
    found = zip(contracts["contract_id"], zip(starts, ends, strict=True), strict=True)
    return dict(reversed(list(found)))  # of two rows of one contract the first counts


def bill_of(review: Review, month: ReportPeriod) -> float | None:
    """Return what was billed for a month, credits and bonuses left out; None where no bill is known."""
    return review.once("bills before credits", _bills).get(month.start)


def _bills(review: Review) -> dict[date, float]:
    lines = review.extract("billing_lines")
    if lines is None:
        return {}
    sums = lines[~lines["item"].isin(["credit", "bonus"])].groupby("month")["amount"].sum()
    return {pd.Timestamp(month).date(): float(amount) for month, amount in sums.items()}
