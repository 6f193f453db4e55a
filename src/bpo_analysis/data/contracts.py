"""Check contracts and their credits: terms that contradict each other, tiers with holes, two contracts on one day.

The rows are few and are looked at together, which a rule of the schema, made for one row, cannot do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import Any

import pandas as pd

from bpo_analysis.data.problems import Problem, Severity
from bpo_analysis.errors import suggest
from bpo_analysis.kpis import Kpi

__all__ = ["check_contracts", "check_incentives"]

_EPSILON = 1e-9
_FAR = pd.Timestamp("2100-01-01")


def check_contracts(rows: pd.DataFrame) -> list[Problem]:
    """Report terms of one contract that contradict each other, and contracts of one partner that overlap.

    Parameters
    ----------
    rows : DataFrame
        Table ``contracts`` with the columns of the schema and ``_row``.
    """
    problems = [problem for row in rows.to_dict("records") for problem in _contradictions(row)]
    for _, group in rows.dropna(subset=["start"]).groupby("partner_id", sort=True):
        problems.extend(_overlapping(group.sort_values(["start", "_row"], kind="stable").to_dict("records")))
    return problems


def _contradictions(row: Mapping[str, Any]) -> Iterator[Problem]:
    start, end = _day(row["start"]), _day(row["end"])
    if row["auto_renew"] is True and end is None:
        yield _problem(
            "contracts", row, "auto_renew", "the contract renews, but it has no end to renew at",
            "give the end of the present term, or set auto_renew to false", severity="warning",
        )  # fmt: skip
    for side in ("client", "partner"):
        notice = _number(row[f"notice_days_{side}"])
        if start is not None and end is not None and notice is not None and notice > (end - start).days:
            yield _problem(
                "contracts", row, f"notice_days_{side}", "notice is longer than the contract itself",
                "check the unit (days, not hours) and both dates", severity="warning",
            )  # fmt: skip
    fee, clause = _number(row["termination_fee"]), row["termination_for_convenience"]
    if fee and not isinstance(clause, bool):
        yield _problem(
            "contracts", row, "termination_fee",
            "a fee for ending early is given, but not whether the contract may be ended for convenience",
            "fill in termination_for_convenience", severity="warning",
        )  # fmt: skip
    review = _day(row["review_on"])
    if review is not None and start is not None and review < start:
        yield _problem(
            "contracts", row, "review_on", "the review lies before the contract starts",
            "check the date format (day first?)", severity="warning",
        )  # fmt: skip
    if _number(row["min_heads"]) and _number(row["hires_per_week"]) == 0:
        yield _problem(
            "contracts", row, "hires_per_week", "no replacement could ever start",
            "give the number that can start in a week, or leave it empty", severity="warning",
        )  # fmt: skip


def _overlapping(rows: list[Mapping[str, Any]]) -> Iterator[Problem]:
    """Report contracts of one partner in force on one day, unless each names its part of the service."""
    for place, row in enumerate(rows):
        start = _day(row["start"])
        for other in rows[:place]:
            end = _day(other["end"]) or _FAR
            scopes = {_text(row["scope"]), _text(other["scope"])}
            if start is None or start > end or (len(scopes) == 2 and "" not in scopes):
                continue
            yield _problem(
                "contracts", row, "start",
                f"two contracts of {row['partner_id']} are in force on {start:%Y-%m-%d}: "
                f"{other['contract_id']} and {row['contract_id']}",
                "end one on the day before the other begins; if both hold, name the part of the service in scope",
            )  # fmt: skip


def check_incentives(rows: pd.DataFrame, contracts: pd.DataFrame | None, kpis: Mapping[str, Kpi]) -> list[Problem]:
    """Report rules of unknown contracts and KPIs, tiers that leave holes or overlap, and credits beyond their caps.

    Parameters
    ----------
    rows : DataFrame
        Table ``contract_incentives`` with the columns of the schema and ``_row``.
    contracts : DataFrame or None
        Table ``contracts``, where the dataset has it.
    kpis : mapping of str to Kpi
    """
    known = [] if contracts is None else [str(name) for name in contracts["contract_id"].dropna()]
    at_risk = {} if contracts is None else dict(zip(contracts["contract_id"], contracts["at_risk_share"], strict=True))
    problems: list[Problem] = []
    for row in rows.to_dict("records"):
        problems.extend(_unknown(row, known, kpis))
        problems.extend(_beyond_caps(row, _number(at_risk.get(row["contract_id"]))))
    for _, tiers in rows.groupby("rule_id", sort=False):
        ordered = tiers.sort_values("tier_low", kind="stable", na_position="first").to_dict("records")
        problems.extend(_mixed(ordered))
        problems.extend(_holes(ordered))
    return problems


def _unknown(row: Mapping[str, Any], known: Iterable[str], kpis: Mapping[str, Kpi]) -> Iterator[Problem]:
    table = "contract_incentives"
    if row["contract_id"] not in known:
        hint = suggest(str(row["contract_id"]), list(known))
        rule = f"contract is not in table contracts.{hint}"
        yield _problem(table, row, "contract_id", rule, "add the contract, or correct the spelling")
    if row["kpi"] not in kpis:
        rule = f"is not a KPI of the catalogue.{suggest(str(row['kpi']), kpis)}"
        yield _problem(table, row, "kpi", rule, "see bpo kpis for the names")


def _beyond_caps(row: Mapping[str, Any], at_risk: float | None) -> Iterator[Problem]:
    amount = (_number(row["amount_share"]) or 0.0) * (1.0 if _number(row["weight"]) is None else float(row["weight"]))
    cap = _number(row["cap_share"])
    remedy = "correct the amount or the cap; as it stands the amount can never be reached"
    if cap is not None and abs(amount) > cap + _EPSILON:
        rule = f"amount of {amount:.2%} of the bill is beyond the rule's own cap of {cap:.2%}"
        yield _problem("contract_incentives", row, "amount_share", rule, remedy, severity="warning")
    if at_risk is not None and -amount > at_risk + _EPSILON:
        rule = f"credit of {-amount:.2%} of the bill is beyond the {at_risk:.2%} at risk under the contract"
        yield _problem("contract_incentives", row, "amount_share", rule, remedy, severity="warning")


def _mixed(tiers: list[Mapping[str, Any]]) -> Iterator[Problem]:
    """Report tiers of one rule that speak of several contracts, KPIs or channels."""
    first = tiers[0]
    for row in tiers[1:]:
        for column in ("contract_id", "kpi", "channel"):
            if _text(row[column]) != _text(first[column]):
                rule = f"tiers of rule {row['rule_id']} differ in {column} (row {first['_row']}: {first[column]!r})"
                remedy = "give every rule_id one contract, one KPI and one channel"
                yield _problem("contract_incentives", row, column, rule, remedy)


def _holes(tiers: list[Mapping[str, Any]]) -> Iterator[Problem]:
    for row in tiers:
        low, high = _number(row["tier_low"]), _number(row["tier_high"])
        if low is not None and high is not None and high <= low:
            rule = f"tier ends at {high:g}, where it begins or before ({low:g})"
            yield _problem("contract_incentives", row, "tier_high", rule, "exchange or correct both limits")
    for lower, upper in pairwise(tiers):
        end, begin = _number(lower["tier_high"]), _number(upper["tier_low"])
        if end is None or begin is None:
            rule = f"a tier without a limit lies between others of rule {upper['rule_id']}"
            yield _problem("contract_incentives", upper, "tier_low", rule, "only the outermost tiers may be open")
        elif begin > end + _EPSILON:
            rule = f"no tier of rule {upper['rule_id']} holds from {end:g} to {begin:g}"
            yield _problem(
                "contract_incentives", upper, "tier_low", rule, "let every tier begin where the last one ends"
            )
        elif begin < end - _EPSILON:
            rule = f"two tiers of rule {upper['rule_id']} hold from {begin:g} to {end:g}"
            yield _problem(
                "contract_incentives", upper, "tier_low", rule, "let every tier begin where the last one ends"
            )


def _problem(
    table: str, row: Mapping[str, Any], column: str, rule: str, remedy: str, *, severity: Severity = "error"
) -> Problem:
    return Problem(
        severity=severity, table=table, row=int(row["_row"]), column=column, value=_text(row[column]), rule=rule,
        remedy=remedy,
    )  # fmt: skip


def _day(value: Any) -> pd.Timestamp | None:
    return None if value is None or pd.isna(value) else pd.Timestamp(value)


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _text(value: Any) -> str:
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, pd.Timestamp | date):
        return f"{value:%Y-%m-%d}"
    return f"{value:g}" if isinstance(value, float) else f"{value}"
