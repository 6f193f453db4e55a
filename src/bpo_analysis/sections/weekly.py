"""The five blocks of a weekly account summary: performance, quality, escalations, training updates, insights."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, plain, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.context import Measure, Review
from bpo_analysis.review.findings import asks, flags, verdict
from bpo_analysis.review.forum_signals import WEEKLY_SUMMARY, forum_signals
from bpo_analysis.review.narrative import insights
from bpo_analysis.review.scorecard import ScoreRow, clauses, score
from bpo_analysis.review.signals import KpiChart, chartable
from bpo_analysis.review.windows import Window
from bpo_analysis.sections.headline import headline_record
from bpo_analysis.sections.parts import (
    available,
    chart_figure,
    day_text,
    kpi_link,
    kpi_table,
    percent,
    spark_cell,
    text_or_missing,
    why_absent,
)
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing
from bpo_analysis.sections.service_summary import baseline_note

__all__ = [
    "business_insights",
    "performance_results",
    "quality_assurance",
    "training_updates",
    "week_summary",
    "weekly_escalations",
]

_PERFORMANCE, _QUALITY = WEEKLY_SUMMARY.kpis[:8], WEEKLY_SUMMARY.kpis[8:]
_ROWS = 8
_NEWS_DAYS = 14
"""How far ahead of the period's end an update is named that is not yet in force."""
_MAX_INSIGHTS = 5
_MAX_CHARTS = 2


@placed()
def week_summary(review: Review) -> Section:
    """The week at a glance: targets, what left its usual range, what is asked."""
    id, title = "summary", "Summary"
    if review.dataset.grain == "month":
        return missing(id, title, "the data are monthly, and this page is about a week.")
    agreed = clauses(review)
    _, tone = verdict(review, agreed)
    wanted = asks(review, agreed)
    asked = (
        Markup('<p><strong>Asked first:</strong> {} <span class="muted">{}, {}.</span>{}</p>').format(
            wanted[0].text, wanted[0].owner, wanted[0].due, _rest(len(wanted) - 1)
        )
        if wanted
        else Markup("<p>Nothing is asked this week.</p>")
    )
    html = Markup('<div class="first-screen" id="summary"><p class="verdict {}">{}</p>{}</div>').format(
        tone, _sentence(review), asked
    )
    return Section(id, html)


def _rest(count: int) -> Markup:
    more = Markup(' {} more under <a href="#business-insights">business insights</a>.')
    return more.format(count) if count else Markup("")


@placed()
def performance_results(review: Review) -> Section:
    """Block 1: volume, speed and outcome of the week against the twelve before, with control limits."""
    id, title = "performance", "1. Performance results"
    question = "How did the week compare with the twelve before it?"
    made = _block(review, id, title, _PERFORMANCE, question, charted="service_level")
    rows = [score(review, name, judged=False) for name in chartable(review, _PERFORMANCE)]
    return Section(id, made.html, {"headline": headline_record(review, rows, _sentence(review))})


@placed()
def quality_assurance(review: Review) -> Section:
    """Block 2: evaluations, critical errors and what stands beside them, in the same form."""
    question = "Was the work done right?"
    return _block(review, "qa", "2. Quality assurance", _QUALITY, question, charted="qa_score")


def _charts(review: Review, names: tuple[str, ...]) -> list[KpiChart]:
    return [chart for chart in forum_signals(review, WEEKLY_SUMMARY).charts if chart.kpi.name in names]


def _sentence(review: Review) -> str:
    """The week in two sentences: what was agreed, and what left the range that the weeks before set."""
    return f"{verdict(review, clauses(review))[0]} {_range_words(review)}"


def _range_words(review: Review) -> str:
    found = [*_charts(review, _PERFORMANCE), *_charts(review, _QUALITY)]
    judged = [chart for chart in found if chart.chart is not None]
    if not judged:
        return "There are too few weeks before it to say what is usual."
    left = {s.kpi.label: s.meaning for chart in judged for s in chart.signals}
    count = plural(len(judged), "KPI")
    if not left:
        return f"None of {count} clearly left the usual range of the {WEEKLY_SUMMARY.before} weeks before."
    named = ", ".join(f"{label} ({meaning})" for label, meaning in left.items())
    return f"{len(left)} of {count} clearly left the usual range of the {WEEKLY_SUMMARY.before} weeks before: {named}."


def _block(review: Review, id: str, title: str, names: tuple[str, ...], question: str, *, charted: str) -> Section:
    if review.dataset.grain == "month":
        return missing(id, title, "the data are monthly, and this page is about a week.")
    found = _charts(review, names)
    if not found:
        return missing(id, title, why_absent(review, names))
    made = forum_signals(review, WEEKLY_SUMMARY)
    window = made.window
    body = baseline_note(review) if id == "performance" else Markup("")
    body += _said(found, window) + _week_table(review, found, window) + _figures(review, found, charted)
    if id == "performance" and any(chart.chart for chart in made.charts):
        body += page.note(made.level)
    return Section(id, page.section(id, title, body, question=question))


def _figures(review: Review, found: Sequence[KpiChart], charted: str) -> Markup:
    """Charts of what signals, or of the one KPI that is always shown; with the limits of the table above."""
    shown = [c for c in found if c.signals] or [c for c in found if c.kpi.name == charted]
    figures = [
        chart_figure(review, c.kpi, c.series, c.chart, target=_target(score(review, c.kpi.name, judged=False)))
        for c in shown[:_MAX_CHARTS]
        if c.chart is not None and c.kpi.scale == 1
    ]
    return Markup('<div class="charts">{}</div>').format(Markup("").join(figures)) if figures else Markup("")


def _target(row: ScoreRow) -> float | None:
    return row.target.value if row.target else None


def _said(found: Sequence[KpiChart], window: Window) -> Markup:
    """One sentence a reader may stop at: which KPIs left their limits."""
    judged = [chart for chart in found if chart.chart is not None]
    if not judged:
        return Markup("<p>No control limits yet: the values of the week stand for themselves.</p>")
    signals = [signal for chart in judged for signal in chart.signals]
    if not signals:
        return Markup("<p>No signal in {}: every value lies within the limits that {} set.</p>").format(
            plural(len(judged), "KPI"), window.before_title
        )
    items = Markup("").join(
        Markup('<li class="{}">{}: {} ({}).</li>').format(
            {"improvement": "good", "concern": "bad"}.get(signal.meaning, "none"),
            signal.kpi.label,
            signal.rule,
            signal.meaning,
        )
        for signal in signals
    )
    return Markup('<ul class="changed">{}</ul>').format(items)


def _week_table(review: Review, found: Sequence[KpiChart], window: Window) -> Markup:
    columns = [
        Column("KPI"),
        Column("This week", "right", f"{percent(review.confidence_level)} interval"),
        Column("Out of", "right"),
        Column("12 weeks before", "right", "together"),
        Column("Limits", "right", "for this week"),
        Column("Signal"),
        Column("Target", "right"),
        Column("13 weeks"),
    ]
    rows = [_week_row(review, chart, window) for chart in found]
    caption = f"Week {window.title}, and {window.before_title}"
    return page.table(columns, rows, caption=caption, classes="stack")


def _week_row(review: Review, chart: KpiChart, window: Window) -> list[str | Markup | Cell]:
    name, kpi = chart.kpi.name, chart.kpi
    now = review.measure(name, start=window.start, end=window.end)
    # A total of twelve weeks is not comparable with one week; the limits are.
    before = None if kpi.pooling == "total" else review.measure(name, start=window.before_start, end=window.before_end)
    row = score(review, name, judged=False)
    words = "; ".join(f"{signal.rule} ({signal.meaning})" for signal in chart.signals)
    if chart.chart is None:
        words = "no limits yet"
    _note_limits(review, chart, window)
    return [
        kpi_link(kpi),
        _with_interval(now),
        now.base_text if now and now.base_text else MISSING,
        before.text if before else MISSING,
        chart.limits_text,
        words or "none",
        row.target_text if row.target else MISSING,
        spark_cell(review, kpi, _target(row)),
    ]


def _note_limits(review: Review, chart: KpiChart, window: Window) -> None:
    if chart.limits is None or chart.chart is None:
        return
    for end, value in zip(("lower", "upper"), chart.limits, strict=True):
        review.note_figure(
            f"limits.{chart.kpi.name}_{end}",
            value,
            f"{value:.6g}",
            unit=chart.kpi.unit,
            start=window.start,
            end=window.end,
        )


def _with_interval(measure: Measure | None) -> Markup | str:
    if measure is None:
        return MISSING
    return Markup('<span class="value">{}</span> <span class="interval">{}</span>').format(
        measure.text, measure.interval_text
    )


@placed()
def weekly_escalations(review: Review) -> Section:
    """Block 3: what was escalated in the period, what was closed, and what has been open longest."""
    id, title = "week-escalations", "3. Escalations"
    table = review.register("escalations")
    rate = available(review, ("escalation_rate",))
    if table is None and not rate:
        return missing(id, title, "table escalations is not in this dataset, and volume counts none.")
    body = kpi_table(review, rate, caption="Escalations per 1,000 contacts handled") if rate else Markup("")
    body += (
        page.note("The matters themselves: not shown, table escalations is not in this dataset.")
        if table is None
        else _matters(review, table)
    )
    return Section(id, page.section(id, title, body, question="What could not be solved where it came in?"))


def _matters(review: Review, table: pd.DataFrame) -> Markup:
    start, end = pd.Timestamp(review.period.start), pd.Timestamp(review.period.end) + pd.Timedelta(days=1)
    opened, closed = pd.to_datetime(table["opened_at"]), pd.to_datetime(table["closed_at"])
    # A later closing is not known at the end of the period.
    is_open = (opened < end) & ~(closed < end)
    new, done = (opened >= start) & (opened < end), (closed >= start) & (closed < end)
    counts = {"opened": int(new.sum()), "closed": int(done.sum()), "open": int(is_open.sum())}
    for name, count in counts.items():
        review.note_figure(f"escalations.{name}", count, str(count), unit="escalations")
    body = Markup("<p>{} opened, {} closed, {} open on {}.</p>").format(
        counts["opened"], counts["closed"], counts["open"], review.period.end
    )
    if not is_open.any():
        return body
    ages = (end - opened).dt.total_seconds() / 86_400
    shown = table.assign(age=ages, new=new)[is_open].sort_values("age", ascending=False, kind="stable").head(_ROWS)
    rows = [
        [
            str(row["escalation_id"]),
            f"{row['age']:.1f}",
            "this period" if row["new"] else "earlier",
            *(plain(text_or_missing(row.get(name))) for name in ("severity", "category", "root_cause", "owner_side")),
        ]
        for row in shown.to_dict("records")
    ]
    columns = [
        Column("Escalation"),
        Column("Days open", "right"),
        Column("Opened"),
        Column("Severity"),
        Column("Category"),
        Column("Root cause"),
        Column("Owner"),
    ]
    caption = f"Open longest ({len(rows)} of {counts['open']})"
    return body + page.table(columns, rows, caption=caption, classes="stack")


@placed()
def training_updates(review: Review) -> Section:
    """Block 4: updates that came into force or are about to, and whether agents were trained in time."""
    id, title = "training", "4. Training updates"
    updates = review.register("updates")
    done = available(review, ("training_completion",))
    if updates is None and not done:
        return missing(id, title, "tables updates and training_acks are not in this dataset.")
    body = kpi_table(review, done, caption="Training due in the period") if done else Markup("")
    body += (
        page.note("Updates: not shown, table updates is not in this dataset.")
        if updates is None
        else _updates(review, updates)
    )
    return Section(id, page.section(id, title, body, question="What is new for the agents, and do they know it?"))


def _updates(review: Review, updates: pd.DataFrame) -> Markup:
    announced = pd.to_datetime(updates["announced_on"])
    effective = pd.to_datetime(updates["effective_on"]).fillna(announced)
    start, end = pd.Timestamp(review.period.start), pd.Timestamp(review.period.end)
    # One announced later is not known at the end of the period.
    near = (announced <= end) & (effective >= start) & (effective <= end + pd.Timedelta(days=_NEWS_DAYS))
    found = updates.assign(announced_on=announced, effective_on=effective)[near].sort_values(
        "effective_on", kind="stable"
    )
    if found.empty:
        return Markup("<p>No update came into force, and none is announced for the next {} days.</p>").format(
            _NEWS_DAYS
        )
    rows: list[list[str | Markup | Cell]] = []
    for row in found.to_dict("records"):
        ahead = (row["effective_on"] - end).days
        state = f"in {plural(ahead, 'day')}" if ahead > 0 else "in force"
        trained = _trained(review, str(row["update_id"]))
        rows.append(
            [
                text_or_missing(row["title"]),
                plain(text_or_missing(row["source"])),
                day_text(row["effective_on"]),
                state,
                trained.text if trained else MISSING,
                trained.base_text if trained else MISSING,
            ]
        )
    columns = [
        Column("Update"),
        Column("Source"),
        Column("In force"),
        Column("State"),
        Column("Trained on time", "right"),
        Column("Out of", "right"),
    ]
    return page.table(
        columns,
        rows,
        caption=f"Updates since {review.period.start} and for the next {_NEWS_DAYS} days",
        classes="stack",
    )


def _trained(review: Review, update: str) -> Measure | None:
    if "training_completion" in review.dataset.unavailable or "training_completion" not in review.rows:
        return None
    first, _ = review.dataset.span
    return review.measure("training_completion", start=first, end=review.period.end, where={"category": update})


@placed()
def business_insights(review: Review) -> Section:
    """Block 5: what the numbers say that needs a decision; authored notes belong here."""
    id, title = "business-insights", "5. Business insights"
    moved, wanted, risks = insights(review), asks(review, clauses(review)), flags(review)
    body = (
        _listed(
            "What moved",
            [Markup('<li class="{}">{}</li>').format(one.finding.tone, one.sentence) for one in moved[:_MAX_INSIGHTS]],
            "Nothing clearly moved.",
        )
        + _listed(
            "What is asked",
            [
                Markup("<li>{} <strong>{}</strong>, {}</li>").format(a.text, a.owner, a.due)
                for a in wanted[:_MAX_INSIGHTS]
            ],
            "Nothing is asked this week.",
        )
        + _listed("Risks", [Markup("<li>{}</li>").format(r.text) for r in risks[:_MAX_INSIGHTS]], "No flag is raised.")
    )
    return Section(id, page.section(id, title, body, question="What should the account team talk about?"))


def _listed(title: str, items: Sequence[Markup], empty: str) -> Markup:
    if not items:
        return Markup("<h3>{}</h3><p>{}</p>").format(title, empty)
    return Markup('<h3>{}</h3><ul class="changed">{}</ul>').format(title, Markup("").join(items))
