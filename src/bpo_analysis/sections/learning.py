"""Learning curves of newcomers, and partners compared on the same mix of tenure."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_axis, format_change, format_interval, format_value, plural
from bpo_analysis.kpis import Kpi
from bpo_analysis.page import Cell, Column
from bpo_analysis.plotting import PointLine, plot_points, to_svg
from bpo_analysis.review.context import Review
from bpo_analysis.review.learning import (
    SETTLED_WEEKS,
    TOLERANCE,
    Learning,
    SameTenure,
    learning,
    same_tenure,
    survivors,
)
from bpo_analysis.sections.parts import kpi_link, percent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing
from bpo_analysis.stats import LearningCurve

__all__ = ["learning_curves"]

_MOST_LINES = 3


@placed(audiences=("account", "delivery"))
def learning_curves(review: Review) -> Section:
    """AHT, QA and FCR by weeks since production against the tenured level, and partners on the same tenure."""
    id, title = "learning", "Learning curves"
    found = learning(review)
    if found is None:
        if review.extract("learning") is None:
            return missing(id, title, review.dataset.why_no_extract("learning") + ".")
        return missing(id, title, f"no work of an agent of the roster is known up to {review.period.end}.")
    body = _lead(review, found) + _table(review, found)
    body += Markup("").join(_figure(item) for item in found if len(item.points))
    body += _survivors(review) + _same_tenure(review)
    question = "How long do newcomers take to work like the others?"
    return Section(id, page.section(id, title, body, question=question))


def _lead(review: Review, found: list[Learning]) -> Markup:
    clear = [_sentence(review, item.kpi, item.curve) for item in found if item.clear and item.curve is not None]
    if clear:
        return Markup("").join(clear)
    tried = [item for item in found if item.curve is not None]
    if not tried:
        reasons = "; ".join(f"{item.kpi.label}: {item.reason}" for item in found)
        return Markup("<p>No curve can be fitted ({}).</p>").format(reasons)
    names = ", ".join(item.kpi.label for item in tried)
    return Markup("<p>No start that differs clearly from the tenured level was found ({}).</p>").format(names)


def _sentence(review: Review, kpi: Kpi, curve: LearningCurve) -> Markup:
    size = abs(curve.gap)
    low, high = sorted(abs(limit) for limit in (curve.gap_ci_low, curve.gap_ci_high))
    way = "above" if curve.gap > 0 else "below"
    at = _noted(review, "learning.start", kpi, curve.start, curve.start_ci_low, curve.start_ci_high)
    review.note_figure(
        "learning.gap", curve.gap, format_value(size, "share"), unit="share of the tenured level",
        ci_low=curve.gap_ci_low, ci_high=curve.gap_ci_high, where={"kpi": kpi.name},
    )  # fmt: skip
    return Markup(
        "<p><strong>{}: newcomers start {} ({}) {} the tenured level, at {}, and are within {} of it after {}.</strong>"
        " {} is the level of agents with {} weeks or more.</p>"
    ).format(
        kpi.label,
        format_value(size, "share", decimals=0),
        format_interval(low, high, "share"),
        way,
        at,
        percent(TOLERANCE),
        _weeks(review, kpi, curve),
        format_value(curve.level, kpi.unit),
        SETTLED_WEEKS,
    )


def _noted(review: Review, id: str, kpi: Kpi, value: float, low: float, high: float) -> str:
    return review.note_figure(
        id, value, format_value(value, kpi.unit), unit=kpi.unit, ci_low=low, ci_high=high, where={"kpi": kpi.name}
    )


def _weeks(review: Review, kpi: Kpi, curve: LearningCurve) -> str:
    """Weeks until within the tolerance, with their interval; the end of the scale is no number of weeks."""
    review.note_figure(
        "learning.weeks", curve.weeks, f"{curve.weeks:.0f} weeks", unit="weeks", ci_low=curve.weeks_ci_low,
        ci_high=curve.weeks_ci_high, where={"kpi": kpi.name},
    )  # fmt: skip
    most = f"{SETTLED_WEEKS} or more" if curve.weeks_ci_high >= SETTLED_WEEKS else f"{curve.weeks_ci_high:.0f}"
    if curve.weeks >= SETTLED_WEEKS:
        return f"{SETTLED_WEEKS} weeks or more (from {curve.weeks_ci_low:.0f})"
    return f"about {curve.weeks:.0f} weeks ({curve.weeks_ci_low:.0f} to {most})"


def _table(review: Review, found: list[Learning]) -> Markup:
    columns = [
        Column("KPI"),
        Column("Week 0", "right", "on the curve"),
        Column("Tenured", "right", f"{SETTLED_WEEKS} weeks or more"),
        Column("Gap", "right", "of the tenured level"),
        Column("Weeks", "right", f"until within {percent(TOLERANCE)}"),
        Column("Newcomers", "right"),
    ]
    rows = []
    for item in found:
        curve, kpi = item.curve, item.kpi
        if curve is None:
            rows.append([kpi_link(kpi), MISSING, _tenured(review, item), "no curve", MISSING, MISSING])
            continue
        start = _noted(review, "learning.start", kpi, curve.start, curve.start_ci_low, curve.start_ci_high)
        gap = format_interval(curve.gap_ci_low, curve.gap_ci_high, "share")
        rows.append(
            [
                kpi_link(kpi),
                start,
                _tenured(review, item),
                Markup('{} <span class="interval">{}</span>').format(
                    format_change(curve.gap, "share").replace(" pp", " %"), gap
                ),
                _weeks(review, kpi, curve) if item.clear else "no clear gap",
                str(curve.n_newcomers),
            ]
        )
    level = percent(review.confidence_level)
    caption = f"Newcomers against tenured agents up to {review.period.end} (gaps: {level} for these KPIs together)"
    without = "; ".join(f"{item.kpi.label}: {item.reason}" for item in found if item.curve is None)
    note = Markup('<p class="muted">No curve. {}.</p>').format(without) if without else Markup("")
    return page.table(columns, rows, caption=caption, classes="stack") + note


def _tenured(review: Review, item: Learning) -> Markup | str:
    found = item.tenured
    if found is None:
        return MISSING
    text = _noted(review, "learning.tenured", item.kpi, found.estimate, found.ci_low, found.ci_high)
    between = format_interval(found.ci_low, found.ci_high, item.kpi.unit)
    return Markup('{} <span class="interval">{}</span>').format(text, between)


def _figure(item: Learning) -> Markup:
    kpi, points, curve = item.kpi, item.points, item.curve
    low, high = (-np.inf if kpi.lower is None else kpi.lower), (np.inf if kpi.upper is None else kpi.upper)
    points = points.assign(ci_low=points["ci_low"].clip(lower=low), ci_high=points["ci_high"].clip(upper=high))
    cohorts = list(dict.fromkeys(points["cohort"]))[:_MOST_LINES]
    lines = []
    for name in cohorts:
        rows = points[points["cohort"] == name]
        middle = (rows["week"] + rows["last"]) / 2
        lines.append(PointLine(name, list(middle), list(rows["value"]), list(rows["ci_low"]), list(rows["ci_high"])))
    fitted = None
    if curve is not None:
        shown = curve.table[curve.table["week"] <= SETTLED_WEEKS]
        fitted = (list(shown["week"]), list(shown["fitted"]))
    tenured = item.tenured
    level = None if tenured is None else (tenured.estimate, tenured.ci_low, tenured.ci_high)
    drawn = {
        phone: to_svg(
            plot_points(
                lines,
                x_label="weeks since production",
                format_value=lambda v: format_axis(v, kpi.unit),
                curve=fitted,
                level=level,
                level_name="tenured",
                phone=phone,
            )
        )
        for phone in (False, True)
    }
    first = points.iloc[0]
    settled = "" if tenured is None else f", tenured agents {format_value(tenured.estimate, kpi.unit)}"
    start = f"{format_value(first['value'], kpi.unit)} in week {first['week']}"
    title = f"{kpi.label} by weeks since production: {start}{settled}"
    alt = f"{title}. Points with intervals for {', '.join(cohorts)}; agents are the units."
    columns = [
        Column("Agents"),
        Column("Weeks"),
        Column("Value", "right"),
        Column("Interval", "right"),
        Column("Agents", "right"),
        Column("Cases", "right"),
    ]
    rows_of_table = [
        [
            str(r["cohort"]),
            f"{r['week']}" if r["week"] == r["last"] else f"{r['week']} to {r['last']}",
            format_value(r["value"], kpi.unit),
            format_interval(r["ci_low"], r["ci_high"], kpi.unit),
            str(r["agents"]),
            format_value(r["denominator"], "count"),
        ]
        for r in points.to_dict("records")
    ]
    data = page.table(columns, rows_of_table, caption=f"{kpi.label} of newcomers by weeks since production")
    return page.figure(drawn[False], title=title, alt=alt, data=data, id=f"fig-learning-{kpi.name}", narrow=drawn[True])


def _survivors(review: Review) -> Markup:
    found = survivors(review)
    if found is None:
        return Markup("")
    parts = [
        f"{there} of {could} were still there after {weeks} weeks"
        for weeks, (there, could) in found.there_after.items()
    ]
    still = f"; {', '.join(parts)}" if parts else ""
    return page.note(
        f"Later weeks show only those who stayed: {plural(found.started, 'agent')} started since the data begin{still}."
        " If those who leave are slower, part of a curve is their leaving. A change that hit all agents at one time "
        "looks like learning too."
    )


def _same_tenure(review: Review) -> Markup:
    found = same_tenure(review)
    if not found:
        return Markup("")
    tables = Markup("").join(_tenure_table(review, item) for item in found)
    about = (
        "Every tenure band weighs the same for both partners; a band that only one has is left out. Marks are adjusted "
        "for all partners and KPIs of these tables; they describe, and are not among the findings of the page. Work "
        "that differs within a band (reason, channel) stays."
    )
    return page.details(
        f"Beside the other partners on the same tenure, {review.before()[0]} to {review.period.end}",
        tables + Markup('<p class="muted">{}</p>').format(about),
    )


def _tenure_table(review: Review, item: SameTenure) -> Markup:
    kpi = item.kpi
    columns = [
        Column(kpi.label),
        Column("Here", "right"),
        Column("There", "right"),
        Column("Difference", "right", f"same tenure, {percent(review.confidence_level)} interval"),
        Column("Bands compared"),
        Column("Reading"),
    ]
    rows: list[list[str | Markup | Cell]] = []
    for row in item.table.to_dict("records"):
        review.note_figure(
            "learning.same_tenure", row["difference"], format_change(row["difference"], kpi.unit), unit=kpi.unit,
            ci_low=row["ci_low"], ci_high=row["ci_high"], start=review.before()[0],
            where={"kpi": kpi.name, "against": row["name"]},
        )  # fmt: skip
        between = format_interval(row["ci_low"], row["ci_high"], kpi.unit)
        clear = row["adjusted_pvalue"] <= 1 - review.confidence_level
        word = ("higher here" if row["difference"] > 0 else "lower here") if clear else "not clear"
        rows.append(
            [
                f"against {row['name']}",
                format_value(row["own"], kpi.unit),
                format_value(row["theirs"], kpi.unit),
                Cell(
                    Markup('{} <span class="interval">{}</span>').format(
                        format_change(row["difference"], kpi.unit),
                        between.replace(" %", " pp") if kpi.unit == "share" else between,
                    ),
                    sort=row["difference"],
                ),
                ", ".join(row["bands"]),
                word,
            ]
        )
    return page.table(columns, rows, caption=f"{kpi.label} as counted, and on the same tenure", classes="stack")
