"""Targets: what each row means as a number, and which row holds for a partner on a day."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import pandas as pd

from bpo_analysis.data.problems import Problem
from bpo_analysis.errors import suggest
from bpo_analysis.kpis import Kpi

__all__ = ["Target", "read_targets", "target_for"]

Comparison = Literal[">=", "<=", "between"]
_NUMBER = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(%|pp|pts|points)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One dated target as a number in the KPI's unit."""

    kpi: str
    partner_id: str | None
    channel: str | None
    tier: str
    op: Comparison
    value: float
    value_high: float | None
    kind: str
    baseline: float | None
    valid_from: date | None
    valid_to: date | None
    due_date: date | None
    decimals: int | None
    goal: str
    owner: str
    clause: str
    status: str
    agreed_by: str
    agreed_on: date | None

    def holds_on(self, day: date) -> bool:
        """Whether the target is in force on a day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


def read_targets(
    rows: pd.DataFrame, kpis: Mapping[str, Kpi], *, origin: str = "targets"
) -> tuple[list[Target], list[Problem]]:
    """Turn the rows of table ``targets`` into targets; what cannot be read unambiguously becomes a problem.

    Parameters
    ----------
    rows : DataFrame
        Columns of the schema, with ``_row``.
    kpis : mapping of str to Kpi
        The dataset's catalogue.
    origin : str, default "targets"
        Where the rows stand, as messages name it: the file.
    """
    targets: list[tuple[int, Target]] = []
    problems = []
    for row in rows.to_dict("records"):
        try:
            targets.append((row["_row"], _target(row, kpis)))
        except _Refused as refusal:
            column = refusal.column
            problems.append(
                Problem(
                    severity="error", table="targets", row=row["_row"], column=column, value=_text(row[column]),
                    rule=refusal.rule, remedy=refusal.remedy,
                )
            )  # fmt: skip
    problems.extend(_overlaps(targets, origin))
    return [target for _, target in targets], problems


class _Refused(Exception):
    def __init__(self, column: str, rule: str, remedy: str) -> None:
        self.column, self.rule, self.remedy = column, rule, remedy


def _target(row: dict[str, Any], kpis: Mapping[str, Kpi]) -> Target:
    name = str(row["kpi"])
    if name not in kpis:
        raise _Refused("kpi", f"is not a KPI of the catalogue.{suggest(name, kpis)}", "see bpo kpis for the names")
    kind, kpi = _text(row["kind"]), kpis[name]
    amount = _parsed(row["value"], "value")
    if not kind:
        _refuse_bare_change(row, amount, kpi)
    baseline = _baseline(row, kind, kpi) if kind in ("points", "relative") else None
    value = _level(amount, kpi, "value") if baseline is None else _changed(baseline, amount, kind, kpi)
    valid_from, valid_to = _day(row["valid_from"]), _day(row["valid_to"])
    if valid_from and valid_to and valid_to < valid_from:
        raise _Refused("valid_to", f"is before valid_from ({valid_from})", "correct one of the two days")
    return Target(
        kpi=name,
        partner_id=_text(row["partner_id"]) or None,
        channel=_text(row["channel"]) or None,
        tier=_text(row["tier"]) or "expected",
        op=row["op"],
        value=value,
        value_high=_upper_end(row, value, kpi),
        kind=kind or "absolute",
        baseline=baseline,
        valid_from=valid_from,
        valid_to=valid_to,
        due_date=_day(row["due_date"]),
        decimals=None if _missing(row["decimals"]) else int(row["decimals"]),
        goal=_text(row["goal"]),
        owner=_text(row["owner"]),
        clause=_text(row["source_clause"]),
        status=_text(row["status"]),
        agreed_by=_text(row["agreed_by"]),
        agreed_on=_day(row["agreed_on"]),
    )


@dataclass(frozen=True, slots=True)
class _Amount:
    """A number as it was written: 10 %, +5 pp, 0.95."""

    number: float
    mark: str
    signed: bool

    @property
    def fraction(self) -> float:
        return self.number / 100 if self.mark else self.number


def _parsed(given: Any, column: str) -> _Amount:
    text = str(given).strip().replace("\N{MINUS SIGN}", "-")
    found = _NUMBER.fullmatch(text)
    if not found:
        remedy = "write 0.95 or 95 % for shares, 30 for seconds, +5 pp for a change in points"
        raise _Refused(column, "is not a number", remedy)
    mark = "pp" if found[2] in ("pp", "pts", "points") else found[2] or ""
    return _Amount(float(found[1]), mark, text[0] in "+-")


def _refuse_bare_change(row: dict[str, Any], amount: _Amount, kpi: Kpi) -> None:
    """Refuse 10 % without a kind: it can be read in ways that differ."""
    can_be_negative = kpi.lower is None or kpi.lower < 0
    is_change = bool(amount.mark) or not _missing(row["baseline_value"]) or (amount.signed and not can_be_negative)
    if not is_change:
        return
    remedy = "write kind = absolute for a level; kind = relative or kind = points, with baseline_value, for a change"
    if kpi.unit != "share":
        raise _Refused("value", f"has no kind: {kpi.name} is not a share, so this must be a change", remedy)
    base = 0.70 if _missing(row["baseline_value"]) else float(row["baseline_value"])
    step = amount.fraction if amount.mark or abs(amount.number) <= 1 else amount.number / 100
    level = "" if amount.signed or amount.mark == "pp" else f"a level of {step:.1%}, or as a change "
    level += "for example " if _missing(row["baseline_value"]) else ""
    raise _Refused(
        "value",
        f"has no kind: it can mean {level}from {base:.1%} to {base * (1 + step):.1%} (relative) "
        f"or to {base + step:.1%} (points)",
        remedy,
    )


def _level(amount: _Amount, kpi: Kpi, column: str) -> float:
    if amount.mark == "pp":
        raise _Refused(column, "is in points, but kind = absolute", "write the level itself, or kind = points")
    if amount.mark and kpi.unit != "share":
        rule = f"has {amount.mark!r}, but {kpi.name} is not a share (unit: {kpi.unit})"
        raise _Refused(column, rule, "write the number in the KPI's unit")
    return _in_range(amount.fraction, kpi, column)


def _in_range(value: float, kpi: Kpi, column: str) -> float:
    for limit, outside in (
        (kpi.lower, kpi.lower is not None and value < kpi.lower),
        (kpi.upper, kpi.upper is not None and value > kpi.upper),
    ):
        if outside:
            percent = kpi.unit == "share" and 1 < value <= 100
            remedy = f"write {value / 100:g} or {value:g} %" if percent else "correct the value"
            raise _Refused(column, f"lies outside the range of {kpi.name} (limit {limit:g})", remedy)
    return value


def _upper_end(row: dict[str, Any], value: float, kpi: Kpi) -> float | None:
    if row["op"] != "between":
        return None
    if _missing(row["value_high"]):
        raise _Refused("value_high", "is missing for op = between", "give the upper end of the band")
    high = _level(_parsed(row["value_high"], "value_high"), kpi, "value_high")
    if high < value:
        raise _Refused("value_high", "is below value", "give the lower end in value and the upper in value_high")
    return high


def _baseline(row: dict[str, Any], kind: str, kpi: Kpi) -> float:
    if _missing(row["baseline_value"]):
        raise _Refused("baseline_value", f"is missing for kind = {kind}", "give the level the change starts from")
    return _in_range(float(row["baseline_value"]), kpi, "baseline_value")


def _changed(baseline: float, amount: _Amount, kind: str, kpi: Kpi) -> float:
    if not amount.mark and abs(amount.number) >= 1 and (kind == "relative" or kpi.unit == "share"):
        mark = "%" if kind == "relative" else "pp"
        rule = f"has no mark: {amount.number:g} as kind = {kind} would be {amount.number:.0%}"
        raise _Refused("value", rule, f"write {amount.number:g} {mark} or {amount.number / 100:g}")
    if kind == "points":
        step = amount.fraction if kpi.unit == "share" else amount.number
        return _in_range(baseline + step, kpi, "value")
    if amount.mark == "pp":
        raise _Refused("value", "is in points, but kind = relative", "write kind = points, or the change in percent")
    return _in_range(baseline * (1 + amount.fraction), kpi, "value")


def _overlaps(targets: list[tuple[int, Target]], origin: str) -> Iterator[Problem]:
    """Report two targets for the same days. An open-ended one is not meant: the next one takes its place.

    Two windows that both say when they end contradict each other: nobody can know which was agreed.
    """
    earlier: dict[tuple[Any, ...], list[tuple[int, Target]]] = {}
    for row, target in sorted(targets, key=lambda pair: pair[1].valid_from or date.min):
        key = (target.kpi, target.partner_id, target.channel, target.tier)
        closed = [(other, t) for other, t in earlier.get(key, []) if t.valid_to is not None]
        last = max(closed, key=lambda pair: pair[1].valid_to or date.min, default=None)
        if last is not None and target.valid_from and (last[1].valid_to or date.min) >= target.valid_from:
            yield _overlap(last, row, target, origin)
        earlier.setdefault(key, []).append((row, target))


def _overlap(before: tuple[int, Target], row: int, target: Target, origin: str) -> Problem:
    other, until = before[0], before[1].valid_to
    contradicts = target.valid_to is not None and until is not None
    if contradicts:
        both_until = min(filter(None, (until, target.valid_to)))
        rule = (
            f"rows {other} and {row} of {origin} both hold for {target.kpi} from {target.valid_from} to {both_until}; "
            "which was agreed cannot be known"
        )
    else:
        rule = (
            f"another target of {target.kpi} holds until {until}; from here on, this one counts "
            f"(the other is row {other} of {origin})"
        )
    return Problem(
        severity="error" if contradicts else "warning", table="targets", row=row, column="valid_from",
        value=str(target.valid_from), rule=rule, remedy="end the earlier one the day before",
    )  # fmt: skip


def _missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value)) or str(value).strip() == ""


def _text(value: Any) -> str:
    return "" if _missing(value) else str(value).strip()


def _day(value: Any) -> date | None:
    return None if _missing(value) else pd.Timestamp(value).date()


def target_for(targets: list[Target], kpi: str, partner_id: str, day: date, *, tier: str = "expected") -> Target | None:
    """Return the target in force for a partner on a day: the most particular, then the latest, or None.

    A target for one channel is not a target for the partner as a whole and is never returned here.
    """
    fitting = [
        t
        for t in targets
        if t.kpi == kpi
        and t.tier == tier
        and t.channel is None
        and t.partner_id in (None, partner_id)
        and t.holds_on(day)
    ]
    return max(fitting, key=lambda t: (t.partner_id is not None, t.valid_from or date.min), default=None)
