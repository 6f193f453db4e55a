"""Where it is heading and since when; what moved weeks before what."""

from __future__ import annotations

from math import isfinite

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_change, format_interval, plural
from bpo_analysis.kpis import Kpi
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.context import Review
from bpo_analysis.review.leads import MAX_LAG, leads
from bpo_analysis.review.patterns import Pattern, pattern_names, pattern_of, per_quarter
from bpo_analysis.review.plan import LEADS, PATTERNS, judgement
from bpo_analysis.review.steps import Step, has_trend, steps_of
from bpo_analysis.sections.parts import kpi_link, percent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["moved_before", "trends"]


@placed(audiences=("account", "delivery"))
def trends(review: Review) -> Section:
    """Trend and dated changes of the headline KPIs, with what could have been seen where nothing was."""
    id, title = "trends", "Trends and dated changes"
    names = pattern_names(review)
    if not names:
        return missing(id, title, "no KPI that is estimated from cases has a value in this period.")
    found = [pattern_of(review, name) for name in names]
    level = percent(review.confidence_level)
    columns = [
        Column("KPI"),
        Column("Over", "right"),
        Column("Trend", "right", f"per quarter, {level} interval"),
        Column("Reading"),
        Column("Change of level", note=f"week or month, {level} interval of its date"),
    ]
    rows = [_row(review, pattern) for pattern in found]
    body = page.table(columns, rows, caption=f"Weekly and monthly values up to {review.period.end}", classes="stack")
    body += page.note(_reading_note(found))
    question = "Where is it heading, since when, and can that be told from wandering?"
    return Section(id, page.section(id, title, body, question=question))


def _reading_note(found: list[Pattern]) -> str:
    left = sum(pattern.left_out for pattern in found)
    text = (
        "A trend or a change of level is named where it is a finding of the whole page (see the appendix); otherwise "
        "the table says what would have been found. Near in time is not the same as cause."
    )
    if left:
        text += f" {plural(left, 'value')} of weeks or months with less than a quarter of the usual cases left out."
    return text


def _row(review: Review, pattern: Pattern) -> list[str | Markup | Cell]:
    kpi = pattern.kpi
    if pattern.trend is None:
        return [kpi_link(kpi), MISSING, MISSING, f"Too short: {pattern.shortage}.", MISSING]
    trend = pattern.trend
    slope = per_quarter(pattern, trend.slope_per_period)
    low, high = (per_quarter(pattern, limit) for limit in (trend.ci_low, trend.ci_high))
    interval = format_interval(low, high, kpi.unit).replace(" %", " pp")
    return [
        kpi_link(kpi),
        plural(trend.n, pattern.unit),
        Cell(
            Markup('<span class="value">{}</span> <span class="interval">{}</span>').format(
                format_change(slope, kpi.unit), interval
            ),
            sort=slope,
        ),
        _reading(review, pattern),
        _dated(review, pattern),
    ]


def _reading(review: Review, pattern: Pattern) -> str:
    trend, kpi = pattern.trend, pattern.kpi
    assert trend is not None
    if pattern.drifts:
        return "Wanders: a trend and a drift that may turn cannot be told apart."
    if not isfinite(trend.pvalue):
        return "Cannot tell: the values do not vary."
    if has_trend(review, pattern):
        way = "Rising" if trend.slope_per_period > 0 else "Falling"
        return f"{way}{_worth(kpi, up=trend.slope_per_period > 0)}."
    if judgement(review).found(PATTERNS, pattern.change_label):
        return "A change between two levels describes it better than a steady trend."
    if trend.ci_low * trend.ci_high > 0:
        return "A trend if it were the only test of this page; among all of them not clear."
    reach = format_change(abs(per_quarter(pattern, trend.detectable_slope)), kpi.unit).lstrip("+±")
    return f"No trend found; one of {reach} a quarter would have been in four of five cases."


def _worth(kpi: Kpi, *, up: bool) -> str:
    if kpi.better == "none":
        return ""
    return ", for the better" if up == (kpi.better == "higher") else ", for the worse"


def _dated(review: Review, pattern: Pattern) -> str | Markup:
    if pattern.changes is None:
        return f"Too short: {pattern.shortage}."
    steps = steps_of(review, pattern)
    if steps:
        return Markup("<br>").join(_step_text(review, pattern, step) for step in steps)
    if pattern.drifts:
        return MISSING
    if has_trend(review, pattern):
        return "A steady trend describes it better than a step."
    reach = pattern.changes.detectable_shift
    if not isfinite(reach):
        return MISSING
    return f"None found; one of {format_change(reach, pattern.kpi.unit).lstrip('+±')} halfway would have been."


def _step_text(review: Review, pattern: Pattern, step: Step) -> Markup:
    size = format_change(step.shift, pattern.kpi.unit)
    near = f" Near in time: {step.near}." if step.near else ""
    return Markup("{} {}.{}").format(size, step.when, near)


@placed(audiences=("account", "delivery"))
def moved_before(review: Review) -> Section:
    """Pairs of KPIs named beforehand: which moved weeks before which, how surely, and never why."""
    id, title = "leads", "What moved before what"
    lag = leads(review)
    if lag.table.empty:
        return missing(id, title, "none of the pairs that are looked at has two KPIs with weekly values in these data.")
    judged = judgement(review)
    adjusted = judged.adjusted(LEADS)
    columns = [
        Column("Pair"),
        Column("Weeks", "right"),
        Column("Strongest at", "right", "weeks ahead, interval"),
        Column("Correlation", "right", f"{percent(review.confidence_level)} interval"),
        Column("Reading"),
    ]
    rows: list[list[str | Markup | Cell]] = []
    for _, row in lag.table.sort_values("pvalue", kind="stable").iterrows():
        label = lag.label(review, row)
        pair = Markup("{} before {}").format(
            kpi_link(review.kpis[row["leading"]]), kpi_link(review.kpis[row["lagging"]])
        )
        rows.append([pair, *_lead_cells(row, found=judged.found(LEADS, label), adjusted=adjusted.get(label))])
    caption = f"Pairs named beforehand, 1 to {MAX_LAG} weeks ahead, up to {review.period.end}"
    body = page.table(columns, rows, caption=caption, classes="stack")
    body += page.note(
        "Correlation of what neither KPI's own past nor a trend explains, at the strongest lag; readings are adjusted "
        "for all lags and pairs. That one moves first does not make it the cause of the other."
    )
    return Section(id, page.section(id, title, body, question="Which early sign can be watched, and how sure is it?"))


def _lead_cells(row: pd.Series, *, found: bool, adjusted: float | None) -> list[str | Markup | Cell]:
    if row["status"] != "ok":
        return [MISSING, MISSING, MISSING, f"Cannot tell: {row['status']}"]
    lags = f"{row['best_lag']:.0f} ({row['best_lag_low']:.0f} to {row['best_lag_high']:.0f})"
    size = f"{row['correlation']:+.2f}".replace("-", "−")
    between = f"{row['ci_low']:.2f} to {row['ci_high']:.2f}".replace("-", "−")
    value = Markup('{} <span class="interval">{}</span>').format(size, between)
    if found:
        way = "higher" if row["correlation"] > 0 else "lower"
        reading = f"Found: when the first is high, the second tends to be {way} {row['best_lag']:.0f} weeks later."
    else:
        reading = (
            f"None found (adjusted p = {adjusted:.2f}); a correlation of {row['detectable_correlation']:.2f} would "
            "have been in four of five cases."
        )
    return [f"{row['n']:.0f}", lags, Cell(value, sort=float(row["correlation"])), reading]
