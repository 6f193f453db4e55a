"""Sentences made from results: the verdict, what changed, what is asked of the reader, what to watch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from bpo_analysis.data.schema import TABLES
from bpo_analysis.formats import format_change, format_interval, format_value, plural
from bpo_analysis.review.concentration import concentration
from bpo_analysis.review.context import Review
from bpo_analysis.review.drivers import drivers, events_near
from bpo_analysis.review.registers import actions_at, contract_terms, escalations_at
from bpo_analysis.review.scorecard import ScoreRow

__all__ = ["Ask", "Finding", "asks", "changes", "confidence", "coverage", "flags", "unexplained", "verdict"]

Tone = Literal["good", "bad", "none", "warning"]
MAX_ON_FIRST_SCREEN = 3
_NOTICE_WINDOW_DAYS = 90
_SHORT_NOTICE_DAYS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence, its tone, and the section that holds its evidence."""

    text: str
    tone: Tone
    anchor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Something the reader is asked to decide or do."""

    text: str
    owner: str
    due: str
    anchor: str


def verdict(review: Review, rows: Sequence[ScoreRow]) -> tuple[str, Tone]:
    """Say in one sentence whether the partner did what was agreed, and how sure the misses are."""
    counts = Counter(row.contract for row in rows)
    judged = counts["met"] + counts["missed"]
    when = review.period.title
    if not judged:
        waiting = " Targets that exist are not due yet." if counts["not due"] else ""
        return f"No target can be judged for {review.name} in {when}.{waiting}", "none"
    if not counts["missed"]:
        return f"{review.name} met {_all(judged)} in {when}.{_weak(rows, 'met')}", "good"
    missed = [row for row in rows if row.contract == "missed"]
    named = ", ".join(
        f"{_lower(row.kpi.label)} {row.measure.text} ({row.target_text})" for row in missed if row.measure
    )
    share = f"{counts['missed']} of {judged} targets" if counts["met"] else _all(judged)
    return f"{review.name} missed {share} in {when}: {named}.{_weak(rows, 'missed')}", "bad"


def _all(judged: int) -> str:
    return "its one target" if judged == 1 else f"all {judged} targets"


def _lower(label: str) -> str:
    return label if label[:2].isupper() else label[0].lower() + label[1:]


def _weak(rows: Sequence[ScoreRow], state: str) -> str:
    """Name results that the evidence does not settle: nobody should act on them as if they were certain."""
    alike = [r for r in rows if r.contract == state and r.measure and r.measure.interval]
    weak = [_lower(r.kpi.label) for r in alike if r.evidence == "cannot tell"]
    if not weak:
        return ""
    if len(weak) == len(alike) > 1:
        return " None of these is beyond chance."
    return f" Within chance of the target: {_listed(weak)}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def changes(review: Review, rows: Sequence[ScoreRow]) -> list[Finding]:
    """Clear changes against the three months before, clearest first, with what carried them and what stands near."""
    clear = [row for row in rows if row.change_is_clear and row.change_limits and row.change is not None]
    clear.sort(key=_clearness, reverse=True)
    return [_change(review, row) for row in clear[:MAX_ON_FIRST_SCREEN]]


def _clearness(row: ScoreRow) -> float:
    low, high = row.change_limits or (0.0, 1.0)
    return abs(row.change or 0.0) / max((high - low) / 2, 1e-12)


def _change(review: Review, row: ScoreRow) -> Finding:
    moved, limits = row.change or 0.0, row.change_limits or (0.0, 0.0)
    unit, kpi = row.kpi.unit, row.kpi
    verb = "rose" if moved > 0 else "fell"
    scale = "pp" if unit == "share" else ""
    near, far = sorted(abs(limit) for limit in limits)
    between = format_interval(near, far, unit, currency=review.currency)
    between = between.replace(" %", f" {scale}") if scale else between
    size = format_change(abs(moved), unit, currency=review.currency).lstrip("+")
    now = row.measure.text if row.measure else ""
    text = f"{kpi.label} {verb} by {size} ({between}) against the three months before, to {now}."
    tone: Tone = "none" if row.change_good is None else "good" if row.change_good else "bad"
    return Finding(text=text + _carried(review, kpi.name) + _near(review, kpi.name), tone=tone, anchor="drivers")


def _carried(review: Review, kpi: str) -> str:
    driver = drivers(review, kpi)
    if driver is None:
        return ""
    result = driver.result
    if abs(result.mix_effect) > abs(result.rate_effect):
        return " Mostly a change of mix, not of how well each kind of contact went."
    name = driver.largest[0]
    part = result.table.loc[name, "rate_effect"] + result.table.loc[name, "mix_effect"]
    if result.change == 0 or part / result.change < 0.3:
        return " It is spread over the slices."
    where = "reason" if driver.dimension == "category" else driver.dimension
    return f" {_percent(min(part / result.change, 1))} of it lies in {where} {name}."


def _near(review: Review, kpi: str) -> str:
    events = events_near(review, kpi)
    if events.empty:
        return ""
    event = events.iloc[-1]
    return f" Near in time: {event['title']} ({event['start']:%Y-%m-%d})."


def unexplained(review: Review, rows: Sequence[ScoreRow]) -> list[ScoreRow]:
    """Missed targets for which no open action with root cause, owner and due date is on record."""
    actions = actions_at(review)
    if actions is None:
        return [row for row in rows if row.contract == "missed"]
    complete = actions[["root_cause", "owner", "due_on"]].notna().all(axis=1) & actions["state"].isin(
        ["open", "overdue"]
    )
    explained = set(actions.loc[complete, "kpi"].dropna())
    return [row for row in rows if row.contract == "missed" and row.kpi.name not in explained]


def asks(review: Review, rows: Sequence[ScoreRow]) -> list[Ask]:
    """What is asked of the reader: notices that fall due, then unexplained misses, then overdue actions."""
    return [*_notices(review), *_explanations(review, rows), *_overdue(review)]


def _explanations(review: Review, rows: Sequence[ScoreRow]) -> list[Ask]:
    missing = [_lower(row.kpi.label) for row in unexplained(review, rows)]
    if not missing:
        return []
    text = f"Have root cause, action, owner and date named for {_listed(missing)}: unexplained."
    return [Ask(text=text, owner=review.name, due="next review", anchor="actions")]


def _overdue(review: Review) -> list[Ask]:
    actions = actions_at(review)
    if actions is None:
        return []
    late = actions[actions["state"] == "overdue"].sort_values("overdue_days", ascending=False, kind="stable")
    return [
        Ask(
            text=f"Decide on an overdue action: {action['action']} ({_days(action['overdue_days'])} late).",
            owner=_or(action["owner"], "no owner"),
            due=f"{action['due_on']:%Y-%m-%d}",
            anchor="actions",
        )
        for action in late.to_dict("records")
    ]


def _notices(review: Review) -> list[Ask]:
    contracts = contract_terms(review)
    if contracts is None:
        return []
    near = contracts[contracts["days_to_notice"].between(0, _NOTICE_WINDOW_DAYS)]
    found = []
    for contract in near.sort_values("days_to_notice", kind="stable").to_dict("records"):
        renewal = "it renews by itself" if contract["auto_renew"] is True else "it ends by itself"
        days = _days(contract["days_to_notice"])
        name = contract["contract_id"]
        text = f"Decide whether to renew contract {name}: notice is due within {days}, otherwise {renewal}."
        found.append(Ask(text=text, owner="client", due=f"{contract['notice_by']:%Y-%m-%d}", anchor="risk"))
    return found


def _or(value: object, otherwise: str) -> str:
    return str(value) if pd.notna(value) and str(value) else otherwise


def flags(review: Review) -> list[Finding]:
    """Short risk flags, each with its number."""
    return [*_concentration_flags(review), *_notice_flags(review), *_escalation_flags(review)]


def _concentration_flags(review: Review) -> list[Finding]:
    if review.partner["kind"] == "inhouse" or len(review.dataset.partners) == 1:
        return []
    return [
        Finding(
            text=f"{_percent(row['share'])} of {row['dimension']} {row['value']} here, without an agreed exception",
            tone="warning",
            anchor="risk",
        )
        for row in concentration(review).query("flagged").to_dict("records")
    ]


def _notice_flags(review: Review) -> list[Finding]:
    contracts = contract_terms(review)
    if contracts is None:
        return []
    heads = None if "headcount" in review.dataset.unavailable else review.measure("headcount")
    people = f" with {heads.text} agents" if heads else ""
    short = contracts[contracts["notice_days_partner"] < _SHORT_NOTICE_DAYS]
    return [
        Finding(text=f"Partner can leave at {int(days)} days' notice{people}", tone="warning", anchor="risk")
        for days in short["notice_days_partner"]
    ]


def _escalation_flags(review: Review) -> list[Finding]:
    view = escalations_at(review)
    if view is None or not view.open_now:
        return []
    oldest = _days(view.open_ages_days.max())
    text = f"{plural(view.open_now, 'escalation')} open, the oldest for {oldest}"
    return [Finding(text=text, tone="none", anchor="escalations")]


def _days(count: float) -> str:
    return plural(int(count), "day")


def coverage(review: Review) -> str:
    """Say how much of the period has data."""
    offered = review.measure("offered") or review.measure("handled")
    if offered is None:
        return f"no row in {review.period.title}"
    if review.dataset.grain == "month":
        return f"the monthly figures of {review.period.title}"
    if offered.days == review.period.days:
        return f"every day of {review.period.title}"
    return f"{offered.days} of {plural(review.period.days, 'day')} of {review.period.title}"


def confidence(review: Review) -> str:
    """Say how far the numbers can be trusted: days with data, rows used and taken out, warnings."""
    check = review.dataset.check()
    facts = {name for name, table in TABLES.items() if table.kind == "fact"}
    used = sum(check.rows_used(name) for name in facts)
    dropped = -sum(count.rows for count in check.counts if count.rows < 0 and count.table in facts)
    warnings = sum(p.severity == "warning" for p in check.found)
    taken = f"{dropped:,} taken out by named rules" if dropped else "none taken out"
    return (
        f"Data: {coverage(review)}; {used:,} rows used in all, {taken}; {plural(warnings, 'warning')}. "
        f"Intervals hold {_percent(review.confidence_level)}, each KPI by itself."
    )


def _percent(share: float) -> str:
    return format_value(share, "share", decimals=0)
