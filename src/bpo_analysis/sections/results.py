"""The results meeting: what signalled in the last two weeks, and a worksheet for what is to be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.formats import MISSING, format_change, format_interval, plain, plural
from bpo_analysis.kpis import Kpi
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.context import Measure, Review
from bpo_analysis.review.drivers import drivers
from bpo_analysis.review.forum_signals import RESULTS_MEETING, forum_signals
from bpo_analysis.review.registers import actions_at
from bpo_analysis.review.scorecard import score
from bpo_analysis.review.signals import KpiChart, Signal
from bpo_analysis.review.windows import Window
from bpo_analysis.sections.headline import headline_record
from bpo_analysis.sections.parts import (
    available,
    chart_figure,
    day_text,
    kpi_link,
    percent,
    text_or_missing,
)
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing
from bpo_analysis.sections.service_summary import baseline_note
from bpo_analysis.stats import difference_of_ratios

__all__ = ["open_actions", "results_signals", "results_worksheet"]

_FIRST = ("service_level", "abandonment_rate", "aht_s", "sla_attainment", "csat", "fcr", "qa_score", "escalation_rate")
_EMPTY_ROWS = 3
_MAX_CHARTS = 4
_TONES = {"improvement": "good", "concern": "bad", "change": "none"}


def _charts(review: Review) -> list[KpiChart]:
    return list(forum_signals(review, RESULTS_MEETING).charts)


def _ordered(found: Sequence[KpiChart]) -> list[Signal]:
    """Concerns first, then improvements, then moves that are neither."""
    order = {"concern": 0, "improvement": 1, "change": 2}
    return sorted((s for chart in found for s in chart.signals), key=lambda s: (order[s.meaning], s.first))


@placed()
def results_signals(review: Review) -> Section:
    """Control-chart signals of the last two whole weeks, and nothing else; the other KPIs are folded."""
    id, title = "signals", "Signals of the last two weeks"
    if review.dataset.grain == "month":
        return missing(id, title, "the data are monthly, and this page is about two weeks.")
    found = _charts(review)
    if not found:
        return missing(id, title, f"{review.name} has no weekly values up to {review.period.end}.")
    made = forum_signals(review, RESULTS_MEETING)
    window = made.window
    sentence, tone = _verdict(review, found, window)
    body = Markup('<p class="verdict {}">{}</p>').format(tone, sentence) + baseline_note(review)
    signals = _ordered(found)
    if signals:
        body += _signal_table(review, signals, window) + _figures(review, found)
    body += page.note(made.level) + _all_kpis(review, found, window)
    rows = [score(review, name, judged=False) for name in available(review, _FIRST)]
    html = page.section(id, title, body, question="What needs talking about, and what does not?")
    return Section(id, html, {"headline": headline_record(review, rows, sentence)})


def _verdict(review: Review, found: Sequence[KpiChart], window: Window) -> tuple[str, str]:
    judged = [chart for chart in found if chart.chart is not None]
    if not judged:
        return f"{review.name}, {window.title}: baseline forming, no chart can signal yet.", "none"
    signals = _ordered(judged)
    if not signals:
        return f"{review.name}, {window.title}: no signal in {plural(len(judged), 'KPI')}.", "good"
    worse = list(dict.fromkeys(s.kpi.label for s in signals if s.meaning == "concern"))
    better = list(dict.fromkeys(s.kpi.label for s in signals if s.meaning == "improvement"))
    moved = list(dict.fromkeys(s.kpi.label for s in signals if s.meaning == "change"))
    parts = [
        f"{word}: {', '.join(names)}"
        for word, names in (("worse", worse), ("better", better), ("moved", moved))
        if names
    ]
    count = plural(len(signals), "signal")
    return f"{review.name}, {window.title}: {count} in {plural(len(judged), 'KPI')}; {'; '.join(parts)}.", (
        "bad" if worse else "good" if better else "none"
    )


def _signal_table(review: Review, signals: Sequence[Signal], window: Window) -> Markup:
    rows = []
    for signal in signals:
        now, before = _both(review, signal.kpi.name, window)
        rows.append(
            [
                kpi_link(signal.kpi),
                signal.rule,
                Markup('<span class="delta {}">{}</span>').format(_TONES[signal.meaning], signal.meaning),
                _value(now),
                _value(before) if signal.kpi.pooling == "ratio" else MISSING,
            ]
        )
    columns = [
        Column("KPI"),
        Column("What was seen"),
        Column("Meaning"),
        Column("Two weeks", "right", f"{percent(review.confidence_level)} interval"),
        Column("Six before", "right"),
    ]
    return page.table(columns, rows, caption=f"Signals, {window.title}", classes="stack")


def _both(review: Review, name: str, window: Window) -> tuple[Measure | None, Measure | None]:
    now = review.measure(name, start=window.start, end=window.end)
    return now, review.measure(name, start=window.before_start, end=window.before_end)


def _value(measure: Measure | None) -> Markup | str:
    if measure is None:
        return MISSING
    return Markup('{} <span class="interval">{}</span>').format(measure.text, measure.interval_text)


def _figures(review: Review, found: Sequence[KpiChart]) -> Markup:
    figures = [
        chart_figure(review, c.kpi, c.series, c.chart)
        for c in found
        if c.signals and c.chart is not None and c.kpi.scale == 1
    ]
    return Markup('<div class="charts">{}</div>').format(Markup("").join(figures[:_MAX_CHARTS]))


def _all_kpis(review: Review, found: Sequence[KpiChart], window: Window) -> Markup:
    """Every KPI that was looked at, folded: two weeks, six before, difference with its interval, limits."""
    rows: list[list[str | Markup | Cell]] = []
    for chart in found:
        now, before = _both(review, chart.kpi.name, window)
        seen = ", ".join(signal.meaning for signal in chart.signals)
        rows.append(
            [
                kpi_link(chart.kpi),
                _value(now),
                _value(before) if chart.kpi.pooling == "ratio" else MISSING,
                _difference(review, chart.kpi, now, before),
                chart.limits_text,
                seen or ("none" if chart.chart else "cannot tell"),
            ]
        )
    columns = [
        Column("KPI"),
        Column("Two weeks", "right"),
        Column("Six before", "right"),
        Column("Difference", "right"),
        Column("Limits", "right", "newest week"),
        Column("Signal"),
    ]
    table = page.table(
        columns, rows, caption=f"{window.title} and {window.before_title}; differences are description", classes="stack"
    )
    return page.details(f"All {plural(len(found), 'KPI')} that were looked at", table)


def _difference(review: Review, kpi: Kpi, now: Measure | None, before: Measure | None) -> Markup | str:
    if now is None or before is None or now.interval is None or before.interval is None:
        return MISSING
    found = difference_of_ratios(now.interval, before.interval)
    low, high = found.ci_low * kpi.scale, found.ci_high * kpi.scale
    between = format_interval(low, high, kpi.unit).replace(" %", " pp")
    return Markup('{} <span class="interval">{}</span>').format(
        format_change(now.value - before.value, kpi.unit), between
    )


@placed()
def results_worksheet(review: Review) -> Section:
    """From signal to action: where to look first, what is under way, and blanks for cause, owner and date."""
    id, title = "worksheet", "Worksheet"
    if review.dataset.grain == "month":
        return missing(id, title, "the data are monthly, and this page is about two weeks.")
    window = forum_signals(review, RESULTS_MEETING).window
    signals = [signal for signal in _ordered(_charts(review)) if signal.meaning != "improvement"]
    actions = actions_at(review)
    blank = Cell("", classes="blank")
    rows: list[list[str | Markup | Cell]] = [
        [
            Markup("{}: {}").format(kpi, "; ".join(s.rule for s in signals if s.kpi.label == kpi)),
            _where_first(review, next(s.kpi for s in signals if s.kpi.label == kpi), window),
            _proposed(next(s.kpi for s in signals if s.kpi.label == kpi), actions),
            blank,
            blank,
            blank,
        ]
        for kpi in dict.fromkeys(signal.kpi.label for signal in signals)
    ]
    rows += [[blank] * 6 for _ in range(_EMPTY_ROWS)]
    columns = [
        Column("Signal"),
        Column("Look first at"),
        Column("Proposed action"),
        Column("Cause"),
        Column("Owner"),
        Column("Date"),
    ]
    lead = (
        "Fill in together: the cause both sides accept, one owner, one date."
        if signals
        else "No signal calls for an action. The rows are for what the meeting itself raises."
    )
    body = Markup("<p>{}</p>").format(lead) + page.table(
        columns,
        rows,
        caption=f"Signals of {window.title} and what follows from them",
        row_headers=False,
        classes="stack",
    )
    return Section(id, page.section(id, title, body, question="What will be done, by whom, until when?"))


def _where_first(review: Review, kpi: Kpi, window: Window) -> str:
    """Name the slice that added most to the difference between the two weeks and the six before."""
    try:
        driver = drivers(
            review,
            kpi.name,
            now=(window.start, window.end),
            before=(window.before_start, window.before_end),
        )
    except InsufficientDataError:
        return MISSING
    if driver is None:
        return "the data name no slices of it" if kpi.pooling == "ratio" else "the days of the two weeks"
    name = driver.largest[0]
    row = driver.result.table.loc[name]
    word = "reason" if driver.dimension == "category" else driver.dimension
    part = format_change(row["rate_effect"] + row["mix_effect"], kpi.unit)
    return f"{word} {plain(name)}: {part} of {format_change(driver.result.change, kpi.unit)}"


def _proposed(kpi: Kpi, actions: pd.DataFrame | None) -> str:
    if actions is not None:
        mine = actions[(actions["kpi"] == kpi.name) & actions["state"].isin(("open", "overdue"))]
        if len(mine):
            row = mine.iloc[0]
            who = f"{text_or_missing(row['owner'])}, {day_text(row['due_on'])}"
            return f"Under way, {row['state']}: {row['action']} ({who})"
    return "Find the root cause in the slice named, then agree a corrective procedure"


@placed()
def open_actions(review: Review) -> Section:
    """Actions open at the end of the period, the overdue first."""
    id, title = "open-actions", "Open actions"
    actions = actions_at(review)
    if actions is None:
        return missing(id, title, "table actions is not in this dataset.")
    found = actions[actions["state"].isin(("open", "overdue"))]
    if found.empty:
        return missing(id, title, f"no action is open on {review.period.end}.")
    late = int((found["state"] == "overdue").sum())
    review.note_figure("actions.open", len(found), str(len(found)), unit="actions")
    review.note_figure("actions.overdue", late, str(late), unit="actions")
    rows = [_action_row(review, row) for row in found.to_dict("records")]
    columns = [Column("State"), Column("Action"), Column("KPI"), Column("Owner"), Column("Due")]
    body = Markup("<p>{} open, {} overdue.</p>").format(plural(len(found), "action"), late)
    body += page.table(columns, rows, caption=f"Actions open on {review.period.end}", classes="stack")
    return Section(id, page.section(id, title, body, question="What was promised, and is it late?"))


def _action_row(review: Review, row: dict[Any, Any]) -> list[str | Markup | Cell]:
    late = f" by {plural(int(row['overdue_days']), 'day')}" if row["state"] == "overdue" else ""
    side = f" ({row['owner_side']})" if isinstance(row["owner_side"], str) else ""
    kpi = review.kpis.get(str(row["kpi"]))
    return [
        f"{row['state']}{late}",
        str(row["action"]),
        kpi.label if kpi else text_or_missing(row["kpi"]),
        text_or_missing(row["owner"]) + side,
        day_text(row["due_on"]),
    ]
