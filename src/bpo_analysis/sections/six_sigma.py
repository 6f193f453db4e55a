"""Quality in the words of Six Sigma: defects, yield and sigma level, Pareto, p and u charts, capability."""

from __future__ import annotations

from math import isfinite, isnan

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_axis, format_interval, format_value, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.plotting import control_chart_svg
from bpo_analysis.review.context import Review
from bpo_analysis.review.scorecard import target_text
from bpo_analysis.review.six_sigma import CapabilityLine, DefectChart, Defects, capability_lines, defect_charts, defects
from bpo_analysis.sections.parts import kpi_table, percent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.quality import item_table
from bpo_analysis.sections.section import Section, missing
from bpo_analysis.stats.capability import MIN_VALUES

__all__ = ["six_sigma"]

_CONVENTION = (
    "A defect is a rated item below its full points; an opportunity is a rated item. The sigma level is the normal "
    "quantile of the share without a defect. Six Sigma tables add 1.5 to it and call it short-term: a convention, not "
    "a measurement. Yield is the share of evaluations without a defect, as counted; rolled yield is what it would be "
    "if defects fell independently. Whether both sides rate alike (the gauge study) is in the calibration pack."
)
_KINDS = {
    "p": ("Items failed, of items rated", "share of items failed"),
    "u": ("Failed items per evaluation", "failed items per evaluation"),
}


@placed(audiences=("account", "delivery"))
def six_sigma(review: Review) -> Section:
    """Defects and yield with intervals, Pareto, p and u charts, and capability against the agreed targets."""
    id, title = "six-sigma", "Six Sigma view of quality"
    if review.extract("evaluations_by_agent") is None:
        return missing(id, title, review.dataset.why_no_extract("evaluations_by_agent") + ".")
    found = defects(review)
    if found is None:
        return missing(id, title, f"no contact of {review.name} was evaluated in {review.period.title}.")
    body = _lead(review, found)
    if review.has("dpmo"):
        body += kpi_table(review, ["dpmo"], caption="Defects per million opportunities", judged=False)
    body += _measures(review, found) + page.details("Conventions", Markup("<p>{}</p>").format(_CONVENTION))
    body += item_table(review) + _charts(review) + _capability(review)
    question = "How many defects, which ones, is the process stable, and can it meet what was agreed?"
    return Section(id, page.section(id, title, body, question=question))


def _lead(review: Review, found: Defects) -> Markup:
    item = found.per_item
    level, limits = _sigma(
        item.sigma_level_short_term, item.sigma_level_short_term_ci_low, item.sigma_level_short_term_ci_high
    )
    if isfinite(item.sigma_level_short_term):
        review.note_figure(
            "quality.sigma_level", item.sigma_level_short_term, level, unit="sigma, short-term by convention",
            ci_low=_finite(item.sigma_level_short_term_ci_low), ci_high=_finite(item.sigma_level_short_term_ci_high),
        )  # fmt: skip
    return Markup(
        "<p><strong>Sigma level {}{} with the customary shift of 1.5 ({} without)</strong>: {:,.0f} defects in {} "
        "of {}.</p>"
    ).format(
        level,
        f" ({limits})" if limits else "",
        _sigma(item.sigma_level_long_term, item.sigma_level_long_term_ci_low, item.sigma_level_long_term_ci_high)[0],
        item.defects,
        plural(round(item.units), "rated item"),
        plural(round(found.per_evaluation.units), "evaluation"),
    )


def _sigma(value: float, low: float, high: float) -> tuple[str, str]:
    """Print a sigma level; where no item had a defect, or all had one, only one limit is known."""
    if isfinite(value):
        return f"{value:.2f}", f"{low:.2f} to {high:.2f}" if isfinite(low) and isfinite(high) else ""
    return (f"{low:.2f} or higher", "no defect found") if value > 0 else (f"{high:.2f} or lower", "all had a defect")


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _measures(review: Review, found: Defects) -> Markup:
    rate = found.per_evaluation
    rows = []
    measures = (
        ("Defects per evaluation", "quality.defects_per_evaluation", "count", rate.dpu, rate.dpu_ci_low,
         rate.dpu_ci_high),
        ("Yield: evaluations without a defect", "quality.yield", "share", rate.first_pass_yield,
         rate.first_pass_yield_ci_low, rate.first_pass_yield_ci_high),
        ("Rolled yield", "quality.rolled_yield", "share", rate.rolled_yield, rate.rolled_yield_ci_low,
         rate.rolled_yield_ci_high),
    )  # fmt: skip
    for label, id, unit, value, low, high in measures:
        if isnan(value):
            continue
        text = review.note_figure(
            id, value, f"{value:.2f}" if unit == "count" else format_value(value, "share"), unit=unit, ci_low=low,
            ci_high=high,
        )  # fmt: skip
        interval = f"{low:.2f} to {high:.2f}" if unit == "count" else format_interval(low, high, "share")
        rows.append([label, text, interval])
    columns = [
        Column("Measure"),
        Column("Value", "right"),
        Column(f"{percent(review.confidence_level)} interval", "right"),
    ]
    return page.table(columns, rows, caption=f"Defects and yield, {review.period.title}")


def _charts(review: Review) -> Markup:
    charts = defect_charts(review)
    if not charts:
        return Markup("")
    return Markup('<div class="charts">{}</div>').format(Markup("").join(_chart(review, chart) for chart in charts))


def _chart(review: Review, found: DefectChart) -> Markup:
    name, words = _KINDS[found.kind]
    if found.chart is None:
        return page.note(f"No {found.kind} chart: {found.shortage}.")
    chart = found.chart

    def printed(value: float) -> str:
        return format_value(value, "share") if found.kind == "p" else f"{value:.2f}"

    labels = [f"{day:%b %y}" if found.unit == "month" else f"{day.day} {day:%b}" for day in found.series.index]
    svg = control_chart_svg(
        chart, labels, format_value=lambda value: format_axis(value, "share") if found.kind == "p" else f"{value:.3g}"
    )
    signals = [
        *(
            [plural(len(chart.outside), f"{found.unit} outside the limits", f"{found.unit}s outside the limits")]
            if chart.outside
            else []
        ),
        *([f"{len(chart.run)} {found.unit}s in a row on one side"] if chart.run else []),
    ]
    seen = " and ".join(signals) or f"no unusual {found.unit}"
    title = f"{name}: {seen}, mean {printed(chart.center)}"
    alt = (
        f"{title}. {found.kind} chart of {plural(chart.n, found.unit)} of {words}; newest limits "
        f"{printed(chart.lower)} to {printed(chart.upper)}, wider where fewer were rated."
    )
    rows = []
    for day, label, row, limits in zip(
        found.series.index, labels, found.series.to_dict("records"), chart.table.to_dict("records"), strict=True
    ):
        value = MISSING
        if row["size"]:
            value = review.note_figure(
                f"quality.{found.kind}_chart", row["value"], printed(row["value"]), unit=words, numerator=row["events"],
                denominator=row["size"], ci_low=limits["lower"], ci_high=limits["upper"], start=day.date(),
                end=day.date(), where={"per": found.unit},
            )  # fmt: skip
        signal = "outside the limits" if limits["outside"] else "long run" if limits["in_run"] else ""
        rows.append([label, value, f"{row['events']:,.0f}", f"{row['size']:,.0f}", signal])
    columns = [
        Column(found.unit.capitalize()),
        Column("Value", "right"),
        Column("Failed", "right"),
        Column("Items" if found.kind == "p" else "Evaluations", "right"),
        Column("Signal"),
    ]
    data = page.table(columns, rows, caption=f"{name} by {found.unit}")
    return page.figure(svg, title=title, alt=alt, data=data, id=f"fig-{found.kind}-chart")


def _capability(review: Review) -> Markup:
    lines = capability_lines(review)
    if not lines:
        return page.note("Capability: no KPI with values has an agreed target in force.")
    columns = [
        Column("KPI"),
        Column("Limit", "right", "agreed target"),
        Column("Beyond it", "right", f"{percent(review.confidence_level)} interval"),
        Column("Ppk", "right"),
        Column("Reading"),
    ]
    lines = sorted(lines, key=lambda line: -line.result.outside if line.result else 1.0)
    rows = [_capability_row(review, line) for line in lines]
    months = any(line.result is not None and line.unit == "month" for line in lines)
    caption = f"Capability of single {'months' if months else 'weeks'} against today's target, worst first"
    read = (
        "Ppk compares the distance of the mean from the limit with three standard deviations: at 0 half of the months "
        "miss, from 1 on hardly any. It assumes a stable process with normal values: where these are not, read the "
        "share beyond the limit. Months before the target held count as well: what is asked is what the process can do."
    )
    table = page.table(columns, rows, caption=caption, classes="stack")
    return _by_weeks(lines) + table + page.details("How to read capability", Markup("<p>{}</p>").format(read))


def _by_weeks(lines: list[CapabilityLine]) -> Markup:
    """Say where single weeks stand in for months, and that they make a process look less capable than it is."""
    weekly = [line for line in lines if line.result is not None and line.unit == "week"]
    if not weekly:
        return Markup("")
    return page.note(
        f"A clause is judged by the month, and {MIN_VALUES} months are needed. Where there are fewer, single weeks are "
        "counted, as a description: a week varies more than a month, so more weeks than months lie beyond a target."
    )


def _capability_row(review: Review, line: CapabilityLine) -> list[str | Markup | Cell]:
    limit = target_text(line.target, line.kpi, review.currency)
    result = line.result
    if result is None:
        return [line.kpi.label, limit, MISSING, MISSING, line.reason]
    where = {"kpi": line.kpi.name, "per": line.unit}
    beyond = review.note_figure(
        "capability.beyond", result.outside, format_value(result.outside, "share"), unit="share",
        ci_low=result.outside_ci_low, ci_high=result.outside_ci_high, where=where,
    )  # fmt: skip
    ppk = review.note_figure(
        "capability.ppk", result.ppk, f"{result.ppk:.2f}".replace("-", "−"), unit="index", ci_low=result.ppk_ci_low,
        ci_high=result.ppk_ci_high, where=where,
    )  # fmt: skip
    interval = format_interval(result.outside_ci_low, result.outside_ci_high, "share")
    between = f"{result.ppk_ci_low:.2f} to {result.ppk_ci_high:.2f}".replace("-", "−")
    spans = plural(result.n, line.unit)
    if line.unit == "week":
        spans = f"{plural(result.n, 'single week')}; only {plural(line.months, 'month')}"
    normal = result.normality_pvalue >= 1 - review.confidence_level
    reading = spans if normal else f"{spans}; not normal: read the share"
    with_interval = Markup('{} <span class="interval">{}</span>')
    return [
        line.kpi.label,
        limit,
        Cell(with_interval.format(beyond, interval), sort=result.outside),
        Cell(with_interval.format(ppk, between), sort=result.ppk),
        reading,
    ]
