"""Sentences made from results: the verdict, what changed, what is asked of the reader, what to watch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import pandas as pd

from bpo_analysis.data.schema import TABLES
from bpo_analysis.formats import format_change, format_interval, format_value, plain, plural, unbroken
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.actions import NO_CAUSE, chains
from bpo_analysis.review.concentration import concentration
from bpo_analysis.review.context import Review
from bpo_analysis.review.drivers import EVENT_LEAD_DAYS, drivers, events_between
from bpo_analysis.review.escalations import escalations_known
from bpo_analysis.review.exit_exposure import heads_at_end
from bpo_analysis.review.patterns import pattern_of, per_quarter
from bpo_analysis.review.plan import REPORTS, judgement
from bpo_analysis.review.raters import rater_bias
from bpo_analysis.review.reconciliation import reconcile
from bpo_analysis.review.registers import actions_at, contract_terms
from bpo_analysis.review.scorecard import Clause, ScoreRow
from bpo_analysis.review.steps import has_trend, steps_of
from bpo_analysis.review.watermelon import watermelon
from bpo_analysis.stats import difference_of_ratios

__all__ = [
    "MAX_ON_FIRST_SCREEN",
    "Ask",
    "Finding",
    "asks",
    "carried",
    "change_claim",
    "confidence",
    "coverage",
    "flags",
    "near",
    "pattern_claim",
    "unexplained",
    "verdict",
]

Tone = Literal["good", "bad", "none", "warning"]
MAX_ON_FIRST_SCREEN = 3
MAX_NAMED = 4
_NOTICE_WINDOW_DAYS = 90
_SHORT_NOTICE_DAYS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence, its tone, the section that holds its evidence, and the KPI it is about, if it is about one."""

    text: str
    tone: Tone
    anchor: str
    kpi: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Something the reader is asked to decide or do."""

    text: str
    owner: str
    due: str
    anchor: str
    kpis: tuple[str, ...] = ()
    """KPIs it is about."""
    due_on: date | None = None
    """The day in ``due``, where there is one."""
    is_late: bool = False
    """Whether that day has passed."""


def verdict(review: Review, found: Sequence[Clause]) -> tuple[str, Tone]:
    """Say in one sentence whether the partner did what was agreed, and how sure the misses are.

    Counts every agreed target in force, not only those of the first screen.
    """
    rows = [clause.row for clause in found]
    counts = Counter(row.contract for row in rows)
    judged = counts["met"] + counts["missed"]
    when = review.period.when
    blind = _unmeasured(rows)
    if not judged:
        return f"No target can be judged for {review.name} {when}.{blind}", "none"
    if not counts["missed"]:
        share = "every target that could be judged" if blind else _all(judged)
        return f"{review.name} met {share} {when}.{_unsure(rows, 'met')}{blind}", "none" if blind else "good"
    missed = sorted((row for row in rows if row.contract == "missed"), key=lambda row: not row.clearly_missed)
    share = f"{counts['missed']} of {judged} targets" if counts["met"] else _all(judged)
    return f"{review.name} missed {share} {when}: {_named(missed)}.{_unsure(rows, 'missed')}{blind}", "bad"


def _named(missed: Sequence[ScoreRow]) -> str:
    """Name the misses with their numbers, the clear ones first, and count those there is no room for."""
    shown = [
        f"{_lower(row.kpi.label)} {unbroken(row.measure.text)} ({unbroken(row.target_text)})"
        for row in missed
        if row.measure
    ]
    rest = len(shown) - MAX_NAMED
    return ", ".join(shown[:MAX_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _all(judged: int) -> str:
    return "its one target" if judged == 1 else f"all {judged} targets"


def _lower(label: str) -> str:
    return label if label[:2].isupper() else label[0].lower() + label[1:]


def _unmeasured(rows: Sequence[ScoreRow]) -> str:
    names = [_lower(row.kpi.label) for row in rows if row.contract == "not measurable"]
    return f" Not measurable: {_listed(names)}." if names else ""


def _unsure(rows: Sequence[ScoreRow], state: str) -> str:
    """Name results that the evidence does not settle: nobody should act on them as if they were certain."""
    alike = [row for row in rows if row.contract == state]
    unsure = [_lower(row.kpi.label) for row in alike if row.evidence == "cannot tell"]
    if not unsure:
        return ""
    if state == "met":
        return f" Too close to the target to be sure: {_listed(unsure)}." if len(unsure) <= MAX_NAMED else ""
    if len(unsure) == len(alike):
        return " The miss is not beyond doubt." if len(alike) == 1 else " None of these misses is beyond doubt."
    return f" Not beyond doubt: {_listed(unsure)}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def pattern_claim(review: Review, name: str) -> Finding | None:
    """Say a trend, or the last change of level since the start of the earlier stretch; None where neither is found."""
    pattern = pattern_of(review, name)
    kpi, unit = pattern.kpi, pattern.kpi.unit
    steps = [step for step in steps_of(review, pattern) if step.last >= review.earlier()[0]]
    if steps:
        step = steps[-1]
        size = format_change(abs(step.shift), unit, currency=review.currency).lstrip("+")
        way = "rose" if step.shift > 0 else "fell"
        text = f"{kpi.label} {way} to a new level, by {unbroken(size)}, {step.when}."
        return Finding(text=text, tone=_tone(kpi, up=step.shift > 0), anchor="trends")
    if not has_trend(review, pattern) or pattern.trend is None:
        return None
    slope = per_quarter(pattern, pattern.trend.slope_per_period)
    low, high = sorted(abs(per_quarter(pattern, v)) for v in (pattern.trend.ci_low, pattern.trend.ci_high))
    between = format_interval(low, high, unit, currency=review.currency).replace(" %", " pp")
    size = format_change(abs(slope), unit, currency=review.currency).lstrip("+")
    text = (
        f"{kpi.label} {'rises' if slope > 0 else 'falls'} by {unbroken(f'{size} ({between})')} a quarter, "
        f"over {plural(pattern.trend.n, pattern.unit)}."
    )
    return Finding(text=text, tone=_tone(kpi, up=slope > 0), anchor="trends")


def _tone(kpi: Kpi, *, up: bool) -> Tone:
    if kpi.better == "none":
        return "none"
    return "good" if up == (kpi.better == "higher") else "bad"


def change_claim(review: Review, row: ScoreRow) -> Finding:
    """Say how far a KPI moved, against which stretch, to what."""
    sudden = row.change_is_clear
    moved, limits = (row.change, row.change_limits) if sudden else (row.drift, row.drift_limits)
    good = row.change_good if sudden else row.drift_good
    moved, limits = moved or 0.0, limits or (0.0, 0.0)
    near, far = sorted(abs(limit) for limit in limits)
    unit = row.kpi.unit
    between = format_interval(near, far, unit, currency=review.currency)
    between = between.replace(" %", " pp") if unit == "share" else between
    size = format_change(abs(moved), unit, currency=review.currency).lstrip("+")
    since = review.before_title if sudden else review.earlier_title
    now = f"{row.measure.text} ({row.measure.base_text})" if row.measure and row.measure.base_text else "its level"
    how = f"{'rose' if moved > 0 else 'fell'} by {unbroken(size)} ({unbroken(between)})"
    text = f"{row.kpi.label} {how} against {since}, to {now}."
    tone: Tone = "none" if good is None else "good" if good else "bad"
    return Finding(text=text, tone=tone, anchor="drivers")


def carried(review: Review, kpi: str) -> str:
    """Name the slice that carried a change, if that slice's own change is clear; otherwise say that none stands out."""
    driver = drivers(review, kpi)
    if driver is None:
        return ""
    result = driver.result
    if abs(result.mix_effect) > abs(result.rate_effect):
        return "Mostly a change of mix, not of how well each kind of contact went."
    name = driver.largest[0]
    where = {driver.dimension: name}
    start, end = review.before()
    now, before = review.measure(kpi, where=where), review.measure(kpi, where=where, start=start, end=end)
    word = "reason" if driver.dimension == "category" else driver.dimension
    if now and before and now.interval and before.interval:
        slice_change = difference_of_ratios(now.interval, before.interval)
        low, high = slice_change.ci_low, slice_change.ci_high
        if (low > 0) == (result.change > 0) and low * high > 0:
            return f"The largest part of it lies in {word} {plain(name)} ({now.base_text})."
    return f"No single {word} stands out."


def near(review: Review, kpi: str, *, sudden: bool) -> str:
    """Name the last dated event that concerns the KPI: near the period, or in the time a slow change had."""
    since = review.period.start - timedelta(days=EVENT_LEAD_DAYS) if sudden else review.earlier()[0]
    events = events_between(review, since, review.period.end, kpi)
    # What was over before the period began has not to do with its values.
    events = events[(events["kpi"] == kpi) & (events["lasting"] | (events["end"] >= pd.Timestamp(review.period.start)))]
    if events.empty:
        return ""
    event = events.iloc[-1]
    return f"Near in time: {event['title']} ({event['start']:%Y-%m-%d})."


def unexplained(review: Review, found: Sequence[Clause]) -> list[ScoreRow]:
    """Missed targets without an action in time with a known root cause, owner and due date; clear ones first."""
    missed = sorted((c.row for c in found if c.row.contract == "missed"), key=lambda row: not row.clearly_missed)
    actions = actions_at(review)
    if actions is None:
        return missed
    cause = actions["root_cause"].fillna("").str.strip().str.casefold()
    complete = ~cause.isin(NO_CAUSE) & actions[["owner", "due_on"]].notna().all(axis=1) & (actions["state"] == "open")
    explained = set(actions.loc[complete, "kpi"].dropna())
    return [row for row in missed if row.kpi.name not in explained]


def asks(review: Review, found: Sequence[Clause]) -> list[Ask]:
    """What is asked of the reader: days of notice, which nobody can move, then clear misses, then the rest."""
    late = _overdue(review)
    clear = {c.row.kpi.name for c in found if c.row.clearly_missed}
    open_misses = unexplained(review, found)
    stuck = {kpi for kpi, _ in late}
    return [
        *(_notices(review) if review.shows_others else ()),
        *(ask for kpi, ask in late if kpi in clear),
        *_explanations(review, [r for r in open_misses if r.clearly_missed and r.kpi.name not in stuck]),
        *_explanations(review, [r for r in open_misses if not r.clearly_missed and r.kpi.name not in stuck]),
        *(ask for kpi, ask in late if kpi not in clear),
    ]


def _explanations(review: Review, rows: Sequence[ScoreRow]) -> list[Ask]:
    if not rows:
        return []
    names = _listed([_lower(row.kpi.label) for row in rows])
    if rows[0].clearly_missed:
        text = f"Ask for what is missing: {names} clearly missed, {_lacking(review, rows)}."
    else:
        text = f"Ask what is behind {names}: missed, though not beyond doubt, and without an action in time."
    kpis = tuple(row.kpi.name for row in rows)
    return [Ask(text=text, owner=review.name, due="next review", anchor="actions", kpis=kpis)]


def _lacking(review: Review, rows: Sequence[ScoreRow]) -> str:
    """What the chains of these misses lack, by name: with an action on record, not everything has to be asked for."""
    mine = [chain for chain in chains(review) if any(chain.clause.row.kpi == row.kpi for row in rows)]
    faults = list(dict.fromkeys(link.name for chain in mine for link in chain.links if link.fault))
    if not faults or all(chain.action is None for chain in mine):
        return "no action on record says why, what is done, by whom and until when"
    return f"the actions on record lack {_listed(faults)}"


def _overdue(review: Review) -> list[tuple[str, Ask]]:
    """Overdue actions with the KPI each is about, the latest first."""
    actions = actions_at(review)
    if actions is None:
        return []
    late = actions[actions["state"] == "overdue"].sort_values("overdue_days", ascending=False, kind="stable")
    return [(_or(action["kpi"], ""), _overdue_ask(review, action)) for action in late.to_dict("records")]


def _overdue_ask(review: Review, action: dict[str, Any]) -> Ask:
    kpi = review.kpis.get(_or(action["kpi"], ""))
    about = f" on {_lower(kpi.label)}" if kpi else ""
    side = {"client": " (client's side)", "partner": " (partner's side)"}.get(_or(action["owner_side"], ""), "")
    text = (
        f"Set a new date for the action{about}, or drop it: {action['action']} ({_days(action['overdue_days'])} late)."
    )
    owner = f"{_or(action['owner'], 'no owner')}{side}"
    due = action["due_on"].date()
    kpis = (kpi.name,) if kpi else ()
    return Ask(text=text, owner=owner, due=f"was due {due}", anchor="actions", kpis=kpis, due_on=due, is_late=True)


def _notices(review: Review) -> list[Ask]:
    contracts = contract_terms(review)
    if contracts is None:
        return []
    near = contracts[contracts["days_to_notice"].between(0, _NOTICE_WINDOW_DAYS)]
    found = []
    for contract in near.sort_values("days_to_notice", kind="stable").to_dict("records"):
        last, name = contract["notice_by"].date(), contract["contract_id"]
        otherwise = {True: "otherwise it renews by itself", False: "otherwise it ends"}.get(
            contract["auto_renew"], "what happens otherwise is not on record"
        )
        text = f"Decide whether to renew contract {name}: notice can be given until {last}, {otherwise}."
        found.append(Ask(text=text, owner="client", due=f"by {last}", anchor="risk", due_on=last))
    return found


def _or(value: object, otherwise: str) -> str:
    return str(value) if pd.notna(value) and str(value) else otherwise


def flags(review: Review) -> list[Finding]:
    """Short risk flags, each with its number."""
    own = [*_concentration_flags(review), *_notice_flags(review)] if review.shows_others else []
    return [*_watermelon_flag(review), *_reported_flags(review), *own, *_escalation_flags(review)]


def _watermelon_flag(review: Review) -> list[Finding]:
    found = watermelon(review)
    return [Finding(text=found.text, tone="warning", anchor="watermelon")] if found is not None and found.found else []


def _reported_flags(review: Review) -> list[Finding]:
    """Whether what the partner says of itself, or how it rates itself, is kinder than what the client counts."""
    judged = judgement(review)
    kinder = [
        _lower(one.kpi.label)
        for one in reconcile(review) or []
        if judged.found(REPORTS, one.label) and 2 * one.flattering > one.differing
    ]
    found = []
    if kinder:
        text = f"The partner's own reports are kinder than the rows: {_listed(kinder)}"
        found.append(Finding(text=text, tone="warning", anchor="contract"))
    bias = rater_bias(review)
    if bias is not None and judged.found(REPORTS, bias.label):
        size = format_change(abs(bias.measure.value), "share").lstrip("+")
        way = "above" if bias.measure.value > 0 else "below"
        since = f"{bias.measure.base_text} since {bias.measure.start}"
        text = f"The partner's raters score {size} {way} the client's on the same contacts ({since})"
        found.append(Finding(text=text, tone="warning", anchor="quality"))
    return found


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
    heads = heads_at_end(review)
    people = f" with {heads.text} agents (on {heads.end})" if heads else ""
    short = contracts[contracts["notice_days_partner"] < _SHORT_NOTICE_DAYS]
    return [
        Finding(text=f"Partner can leave at {int(days)} days' notice{people}", tone="warning", anchor="risk")
        for days in short["notice_days_partner"]
    ]


def _escalation_flags(review: Review) -> list[Finding]:
    table = escalations_known(review)
    still = None if table is None else table[~table["closed"]]
    if still is None or still.empty:
        return []
    oldest = "less than a day" if still["hours"].max() < 24 else _days(still["hours"].max() / 24)
    text = f"{plural(len(still), 'escalation')} open, the oldest for {oldest}"
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
    if review.dataset.grain == "week":
        return f"{plural(offered.days // 7, 'week')} that began in {review.period.title}"
    if offered.days == review.period.days:
        return f"every day of {review.period.title}"
    return f"{offered.days} of {plural(review.period.days, 'day')} of {review.period.title}"


def confidence(review: Review) -> str:
    """Say how far the numbers can be trusted: days with data, rows used and taken out, warnings."""
    level = f"Intervals of values are {_percent(review.confidence_level)}, each for one KPI."
    if not review.shows_others:
        return f"Data: {coverage(review)}. {level}"
    check = review.dataset.check()
    facts = {name for name, table in TABLES.items() if table.kind == "fact"}
    used = sum(check.rows_used(name) for name in facts)
    dropped = -sum(count.rows for count in check.counts if count.rows < 0 and count.table in facts)
    warnings = sum(p.severity == "warning" for p in check.found)
    taken = f"{dropped:,} removed by named rules" if dropped else "none removed"
    return (
        f"Data: {coverage(review)}; {used:,} rows used in the whole dataset, {taken}; {plural(warnings, 'warning')}. "
        f"{level}"
    )


def _percent(share: float) -> str:
    return format_value(share, "share", decimals=0)
