"""Building blocks that several sections share: the table of KPIs, the trend chart, the chart of contributions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.formats import MISSING, format_axis, format_change, format_interval, format_value, plain, plural
from bpo_analysis.kpis import Kpi
from bpo_analysis.page import Cell, Column
from bpo_analysis.periods import PeriodGrain
from bpo_analysis.plotting import EventMark, contributions_svg, control_chart_svg
from bpo_analysis.review.context import Dimension, Review
from bpo_analysis.review.drivers import Driver, events_between
from bpo_analysis.review.narrative import insights
from bpo_analysis.review.scorecard import ScoreRow, score
from bpo_analysis.stats import ControlChart, control_chart

__all__ = [
    "SPARK_PERIODS",
    "actual_cell",
    "available",
    "change_cell",
    "chart_figure",
    "chart_link",
    "contribution_figure",
    "day_text",
    "evidence_cell",
    "finding_link",
    "kpi_link",
    "kpi_table",
    "percent",
    "slice_table",
    "spark_cell",
    "spark_grain",
    "spark_title",
    "text_or_missing",
    "trend_figure",
    "why_absent",
]

SPARK_PERIODS = 13
TREND_WEEKS, TREND_MONTHS = 26, 24
_CATEGORY_WORDS = {"item_id": "rated item", "update_id": "update"}


def available(review: Review, names: Iterable[str]) -> list[str]:
    """Return the KPIs that this partner has a value of in the period."""
    return [
        name for name in names if name in review.kpis and name not in review.dataset.unavailable and review.has(name)
    ]


def why_absent(review: Review, names: Sequence[str]) -> str:
    """Say why none of these KPIs can be shown."""
    reasons = dict.fromkeys(review.dataset.unavailable[name] for name in names if name in review.dataset.unavailable)
    if reasons:
        return "; ".join(list(reasons)[:2]) + "."
    return f"{review.name} has no rows for it in {review.period.title}."


def kpi_link(kpi: Kpi) -> Markup:
    """Name of a KPI, linked to its definition in the appendix."""
    classes = "kpi leading" if kpi.timing == "leading" else "kpi"
    return Markup('<a class="{}" href="#def-{}">{}</a>').format(classes, kpi.name, kpi.label)


def chart_link(kpi: str) -> Markup:
    """The way from a finding to the chart of its KPI; left out of pages without that chart."""
    return Markup('<a class="where" href="#fig-{}">Chart</a>').format(kpi)


def finding_link(kpi: str) -> Markup:
    """The way back from a chart to what was found of its KPI; left out of pages that found nothing."""
    return Markup('<a class="where" href="#finding-{}">Finding</a>').format(kpi)


def text_or_missing(value: object) -> str:
    """Text of a cell of a register, or the sign for missing."""
    return MISSING if value is None or (not isinstance(value, str) and pd.isna(value)) or value == "" else str(value)


def day_text(value: object) -> str:
    """A day as 2026-03-14, or the sign for missing."""
    return MISSING if value is None or pd.isna(value) else f"{pd.Timestamp(str(value)):%Y-%m-%d}"


def actual_cell(row: ScoreRow) -> Cell:
    """Actual value with its interval below it."""
    if row.measure is None:
        return Cell(Markup('<span class="value">{}</span> <span class="interval">no rows</span>').format(MISSING))
    interval = (
        Markup(' <span class="interval">{}</span>').format(row.measure.interval_text)
        if row.measure.interval_text
        else ""
    )
    return Cell(Markup('<span class="value">{}</span>{}').format(row.measure.text, interval), sort=row.measure.value)


def change_cell(review: Review, row: ScoreRow) -> Cell:
    """Change against the stretch before, with its tone in words for those who do not see colour."""
    if row.change is None:
        return Cell(Markup('<span class="muted">no earlier data</span>'))
    tone = "none" if row.change_good is None else "good" if row.change_good else "bad"
    word = row.change_word
    if row.drift_is_clear and not row.change_is_clear:
        word = f"not clear; {row.drift_text} against {review.earlier_title}"
    return Cell(
        Markup('<span class="delta {}">{}</span> <span class="detail">{}</span>').format(tone, row.change_text, word),
        sort=row.change,
    )


def evidence_cell(row: ScoreRow) -> Markup | str:
    """Evidence mark; for amounts that are counted and not estimated, say so instead."""
    if row.target is None:
        return page.evidence_mark("no target", good=None)
    if row.measure is not None and row.kpi.sampling == "none":
        return page.evidence_mark("exact", good=None)
    return page.evidence_mark(row.evidence, good=row.good)


def spark_grain(review: Review) -> PeriodGrain:
    """Grain of the small lines: days and weeks for such reports, otherwise months; never beyond the period's end."""
    return review.period.grain if review.period.grain in ("day", "week") else "month"


def spark_title(review: Review) -> str:
    """Heading of the column of small lines."""
    return f"{SPARK_PERIODS} {spark_grain(review)}s"


def spark_cell(review: Review, kpi: Kpi, target: float | None = None) -> Markup:
    """Line of the last thirteen periods."""
    series = review.series(kpi.name, spark_grain(review), SPARK_PERIODS)
    values = [None if isnan(v) else float(v) for v in series["value"]]
    known = [(label, v) for label, v in zip(series["label"], values, strict=True) if v is not None]
    if not known:
        return Markup('<span class="spark none">{}</span>').format(MISSING)
    first, last = known[0], known[-1]
    label = (
        f"{kpi.label}, {plural(len(known), spark_grain(review))}: {format_value(first[1], kpi.unit)} in {first[0]}, "
        f"{format_value(last[1], kpi.unit)} in {last[0]}"
    )
    return page.spark(values, label=label, target=target)


def kpi_table(review: Review, names: Sequence[str], *, caption: str, judged: bool = True) -> Markup:
    """Table of KPIs: actual with interval, what it rests on, change, thirteen months; targets where there are any.

    Without ``judged`` a change is its size, with no word about how clear it is.
    """
    rows = [score(review, name, judged=judged) for name in names]
    targeted = any(row.target is not None for row in rows)
    columns = [
        Column("KPI"),
        Column("Actual", "right", f"{percent(review.confidence_level)} interval"),
        Column("Out of", "right"),
        Column("Change", "right", f"to {review.before_title}"),
        *([Column("Target", "right"), Column("Contract"), Column("Evidence")] if targeted else []),
        Column(spark_title(review)),
    ]
    return page.table(columns, [_kpi_row(review, r, targeted=targeted) for r in rows], caption=caption, classes="stack")


def _kpi_row(review: Review, row: ScoreRow, *, targeted: bool) -> list[str | Markup | Cell]:
    target = row.target.value if row.target else None
    judged: list[str | Markup | Cell] = []
    if targeted and row.target is None:
        # In a card of its own a KPI without a target need not say so three times.
        judged = [Cell(t, classes="for-wide") for t in (MISSING, page.contract_mark("no target"), MISSING)]
    elif targeted:
        judged = [row.target_text, page.contract_mark(row.contract), evidence_cell(row)]
    base = row.measure.base_text if row.measure else ""
    return [
        kpi_link(row.kpi),
        actual_cell(row),
        base or MISSING,
        change_cell(review, row),
        *judged,
        spark_cell(review, row.kpi, target),
    ]


def percent(share: float) -> str:
    """A share as a whole percentage."""
    return format_value(share, "share", decimals=0)


def trend_figure(review: Review, name: str, *, target: float | None = None) -> Markup:
    """Process-behaviour chart of one KPI by week (month where the data are monthly), with target and dated events."""
    kpi = review.kpis[name]
    monthly = review.dataset.grain == "month" or kpi.grain == "month"
    series = review.series(name, "month" if monthly else "week", TREND_MONTHS if monthly else TREND_WEEKS)
    first = series["value"].first_valid_index()
    series = series.loc[first if first is not None else len(series) :].reset_index(drop=True)
    unit = "months" if monthly else "weeks"
    lower = kpi.lower if kpi.lower is not None else float("-inf")
    upper = kpi.upper if kpi.upper is not None else float("inf")
    try:
        chart = control_chart(series["value"], lower_bound=lower, upper_bound=upper)
    except InsufficientDataError as error:
        return page.note(
            f"No trend chart of {kpi.label}: it needs {error.needed} {unit} with data, there are {error.got}."
        )
    finding = next((one.finding.text for one in insights(review) if one.kpi == kpi), "")
    return chart_figure(review, kpi, series, chart, target=target, monthly=monthly, finding=finding)


def chart_figure(
    review: Review,
    kpi: Kpi,
    series: pd.DataFrame,
    chart: ControlChart,
    *,
    target: float | None = None,
    monthly: bool = False,
    finding: str | None = None,
) -> Markup:
    """Figure of a control chart over a series of :meth:`Review.series`, with what its rules see, events and data.

    ``finding`` is what the page's plan of tests finds of this KPI, empty where it finds nothing, so that title and
    finding cannot contradict each other; None on pages whose findings are those of the charts.
    """
    unit = "months" if monthly else "weeks"
    events = events_between(review, series["start"].iloc[0], series["end"].iloc[-1], kpi.name)
    marks, legend = _event_marks(events, series)
    svg = control_chart_svg(
        chart,
        _tick_labels(series, monthly=monthly),
        format_value=lambda v: format_axis(v, kpi.unit),
        target=target,
        events=marks,
    )
    title = f"{kpi.label}: {_chart_finding(chart, kpi, series, unit)}{_beside(chart, finding)}"
    first, last = series["label"].iloc[0], series["label"].iloc[-1]
    mean = review.note_figure(
        "trend.mean", chart.center, format_value(chart.center, kpi.unit), unit=kpi.unit,
        start=series["start"].iloc[0], end=series["end"].iloc[-1], where={"kpi": kpi.name},
    )  # fmt: skip
    limits = f"mean {mean}, limits {format_interval(chart.lower, chart.upper, kpi.unit)}"
    aim = "" if target is None else f", target {format_value(target, kpi.unit)}"
    alt = f"{title}. Control chart of {plural(chart.n, unit[:-1])}, {first} to {last}: {limits}{aim}."
    figure = page.figure(
        svg,
        title=Markup("{} {}").format(title, finding_link(kpi.name)),
        alt=alt,
        data=_series_table(series, kpi, chart),
        id=f"fig-{kpi.name}",
    )
    return Markup("<div>{}{}</div>").format(figure, legend)


def _tick_labels(series: pd.DataFrame, *, monthly: bool) -> list[str]:
    """Months as they are; weeks by their first day, which fits under the axis."""
    if monthly:
        return [str(label) for label in series["label"]]
    return [f"{day.day} {day:%b}" for day in series["start"]]


def _chart_finding(chart: ControlChart, kpi: Kpi, series: pd.DataFrame, unit: str) -> str:
    """Say what the two rules see, with dates and side; that they see nothing is not that nothing changed."""
    parts = []
    if chart.outside:
        far = chart.table.iloc[list(chart.outside)]
        sides = {"above" if up else "below" for up in far["value"] > far["center"]}
        names = " and ".join(_dated(series, i, unit) for i in chart.outside)
        weekly = "the week of " if unit == "weeks" else ""
        when = f"{len(chart.outside)} {unit}" if len(chart.outside) > 2 else f"{weekly}{names}"
        parts.append(f"{' and '.join(sorted(sides))} the limits in {when}")
    if chart.run:
        first, last = chart.run[0], chart.run[-1]
        start = chart.table.iloc[first]
        side = "above" if start["value"] > start["middle"] else "below"
        span = f"{_dated(series, first, unit)} to {_dated(series, last, unit)}"
        parts.append(f"{plural(len(chart.run), unit[:-1])} in a row {side} the middle, {span}")
    if parts:
        return "; ".join(parts)
    mean = format_value(chart.center, kpi.unit)
    return f"no unusual {unit[:-1]} among {chart.n}, mean {mean}"


def _beside(chart: ControlChart, finding: str | None) -> str:
    """What the page finds over longer stretches, where the rules of the chart look at single points and runs."""
    if finding is None:
        return ""
    if finding:
        return f". Over longer stretches: {finding.rstrip('.')}"
    return "; seen in this chart alone, not a finding of the page" if chart.outside or chart.run else ""


def _dated(series: pd.DataFrame, place: int, unit: str) -> str:
    """A week by its first day, a month by its label."""
    day = series["start"].iloc[place]
    return f"{day.day} {day:%b}" if unit == "weeks" else str(series["label"].iloc[place])


def _event_marks(events: pd.DataFrame, series: pd.DataFrame) -> tuple[list[EventMark], Markup]:
    """Letters on the chart and the line under it that explains them."""
    marks, items = [], []
    first = series["start"].iloc[0]
    span = max((series["end"].iloc[-1] - first).days + 1, 1)
    for letter, event in zip("ABCDEFGHIJKL", events.to_dict("records"), strict=False):
        place = (event["start"].date() - first).days / span * len(series) - 0.5
        marks.append(EventMark(max(-0.5, place), letter))
        items.append(Markup("<b>{}</b> {}: {}").format(letter, day_text(event["start"]), event["title"]))
    if not items:
        return [], Markup("")
    return marks, Markup('<p class="muted events">{}</p>').format(Markup("; ").join(items))


def _series_table(series: pd.DataFrame, kpi: Kpi, chart: ControlChart) -> Markup:
    rows = []
    for row, outside, run in zip(series.to_dict("records"), chart.table["outside"], chart.table["in_run"], strict=True):
        signal = "outside the limits" if outside else "long run" if run else ""
        total = kpi.pooling == "total"
        rows.append(
            [
                row["label"],
                format_value(row["value"], kpi.unit),
                f"{row['numerator']:,.6g}" if row["days"] else MISSING,
                MISSING if total or not row["days"] else f"{row['denominator']:,.6g}",
                str(row["days"]),
                signal,
            ]
        )
    columns = [
        Column("Period"),
        Column("Value", "right"),
        Column("Numerator", "right"),
        Column("Denominator", "right"),
        Column("Days", "right"),
        Column("Signal"),
    ]
    return page.table(columns, rows, caption=f"{kpi.label} by period")


def contribution_figure(review: Review, driver: Driver, *, id: str = "") -> Markup:
    """Chart and table of what each slice added to a change; ``id`` where a page shows that of a KPI twice."""
    kpi, result = driver.kpi, driver.result
    labels = driver.largest[:8]
    word = "reason" if driver.dimension == "category" else driver.dimension
    size = "the mix of contacts" if abs(result.mix_effect) > abs(result.rate_effect) else "the slices themselves"
    title = (
        f"{kpi.label} changed by {format_change(result.change, kpi.unit)}: "
        f"rates {format_change(result.rate_effect, kpi.unit)}, mix {format_change(result.mix_effect, kpi.unit)}"
    )
    svg = contributions_svg(result, labels=labels, format_change=lambda v: format_change(v, kpi.unit))
    parts = result.table.loc[labels, "rate_effect"] + result.table.loc[labels, "mix_effect"]
    # What the chart prints beside its bars; the table has the two effects of each.
    said = [
        review.note_figure(
            "drivers.part", part, format_change(part, kpi.unit), unit=kpi.unit,
            where={"kpi": kpi.name, driver.dimension: name},
        )
        for name, part in parts.items()
    ]  # fmt: skip
    alt = f"{title}. Largest part: {word} {labels[0]} with {said[0]}; in all, {size} carried most of it."
    return page.figure(
        svg,
        title=Markup("{} {}").format(title, finding_link(kpi.name)),
        alt=alt,
        data=_contribution_table(driver, word),
        id=id or f"fig-drivers-{kpi.name}",
    )


def _contribution_table(driver: Driver, word: str) -> Markup:
    unit = driver.kpi.unit
    table = driver.result.table
    rows = [
        [
            plain(name),
            format_value(row["before"], unit),
            format_value(row["after"], unit),
            format_value(row["share_before"], "share"),
            format_value(row["share_after"], "share"),
            format_change(row["rate_effect"], unit),
            format_change(row["mix_effect"], unit),
        ]
        for name, row in ((name, table.loc[name]) for name in driver.largest)
    ]
    columns = [
        Column(word.capitalize()),
        Column("Before", "right"),
        Column("Now", "right"),
        Column("Share before", "right"),
        Column("Share now", "right"),
        Column("Rate effect", "right"),
        Column("Mix effect", "right"),
    ]
    return page.table(columns, rows, caption=f"What each {word} added to the change of {driver.kpi.label}")


def slice_table(
    review: Review, name: str, dimension: Dimension, *, caption: str, limit: int = 12, worst_first: bool = False
) -> Markup:
    """One KPI by the values of a dimension: most cases first, or the worst value first."""
    kpi = review.kpis[name]
    found = [m for value in review.slices(name, dimension) if (m := review.measure(name, where={dimension: value}))]
    if worst_first:
        found.sort(key=lambda m: m.value, reverse=kpi.better == "lower")
    rows: list[list[str | Cell]] = [
        [plain(m.where[dimension]), Cell(m.text, sort=m.value), m.interval_text or MISSING, m.base_text or MISSING]
        for m in found[:limit]
    ]
    word = _CATEGORY_WORDS.get(kpi.category, "reason") if dimension == "category" else dimension
    columns = [
        Column(word.capitalize()),
        Column(kpi.label, "right"),
        Column("Interval", "right"),
        Column("Out of", "right"),
    ]
    return page.table(columns, rows, caption=caption, classes="stack")
