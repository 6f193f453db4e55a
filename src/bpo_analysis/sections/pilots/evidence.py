"""What speaks for and against the verdict of a pilot: arms, methods, slices, weeks, choices."""

from __future__ import annotations

from math import isfinite
from typing import Any, Literal

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_axis, format_change, format_pvalue, format_value, plain, plural
from bpo_analysis.page import Column
from bpo_analysis.plotting import ForestRow, plot_arms, plot_forest, to_svg
from bpo_analysis.review.pilots.context import base_words
from bpo_analysis.review.pilots.health import base_metric
from bpo_analysis.review.pilots.results import Comparability, Effect, LearningCurve, MetricVerdict, SliceEffects
from bpo_analysis.sections.listing import listed
from bpo_analysis.sections.pilots.parts import bullets, effect_rows, interval_words, tone_of, when_due, word_mark
from bpo_analysis.sections.pilots.view import PilotPage
from bpo_analysis.sections.section import Section, missing

__all__ = ["comparability", "estimates", "learning", "regression_to_the_mean", "sensitivity", "slices"]

_READ_SLICES = (
    "A slice is read for itself only where the test says that the slices differ; else the best guess for each of them "
    "is the answer for all. Intervals of single slices are not adjusted for their number."
)


@listed
@when_due("comparability", "Were the arms alike?")
def comparability(view: PilotPage) -> Section:
    """How alike the arms were before, and their work while it ran."""
    id, title = "comparability", "Were the arms alike?"
    found = view.evaluation.comparability
    if found is None:
        return missing(id, title, "this pilot has no baseline arm; it is compared with its own history.")
    body = bullets(found.sentences) + _before(view, found) + _arms(view, found) + _mix(found) + _tenure(found)
    return Section(id, page.section(id, title, body, question="What set them apart before anything was tried?"))


def _before(view: PilotPage, found: Comparability) -> Markup:
    columns = [
        Column("Metric"),
        Column("Pilot", "right", "baseline window"),
        Column("Baseline", "right", "baseline window"),
        Column("Difference", "right"),
        Column("In standard deviations", "right", "of units"),
        Column("Units", "right", "pilot / baseline"),
    ]
    rows = []
    for name, row in found.before.iterrows():
        kpi = view.pilot.kpis[str(name)]
        values = [format_value(row[arm], kpi.unit, currency=view.currency) for arm in ("pilot", "baseline")]
        change = format_change(row["difference"], kpi.unit, currency=view.currency)
        smd = _signed(row["smd"])
        rows.append([kpi.label, *values, change, smd, f"{row['n_pilot']:.0f} / {row['n_baseline']:.0f}"])
    return page.table(columns, rows, caption="The units' own values before the pilot", classes="stack")


def _arms(view: PilotPage, found: Comparability) -> Markup:
    base = base_words(view.pilot.kpi(base_metric(view.pilot)))
    names = dict(zip(view.review.dataset.partners["partner_id"], view.review.dataset.partners["name"], strict=True))
    columns = [
        Column("Arm"),
        Column("Units", "right"),
        Column("With rows", "right", "since the start"),
        Column(base[0].upper() + base[1:], "right", "that count"),
        Column("Partner"),
    ]
    rows = [
        [
            str(arm).capitalize(),
            f"{row['units']:,}",
            f"{row['with_rows']:,}",
            format_value(row["contacts"], "count"),
            ", ".join(str(names.get(one, one)) for one in str(row["partners"]).split(", ")),
        ]
        for arm, row in found.arms.iterrows()
    ]
    return page.table(columns, rows, caption="The arms", classes="stack")


def _mix(found: Comparability) -> Markup:
    if found.mix.empty:
        return Markup("")
    rows = [
        [
            plain(str(row["slice"])),
            plain(str(row["dimension"])),
            format_value(row["pilot"], "share"),
            format_value(row["baseline"], "share"),
        ]
        for row in found.mix.to_dict("records")
    ]
    columns = [Column("Slice"), Column("Of"), Column("Pilot", "right"), Column("Baseline", "right")]
    apart = ", ".join(f"{plain(name)} {format_value(size, 'share')}" for name, size in found.distance.items())
    return page.details(
        f"Mix of work: share that would have to move for the arms to be alike: {apart}",
        page.table(columns, rows, caption="Shares of the contacts that count"),
    )


def _tenure(found: Comparability) -> Markup:
    if found.tenure is None:
        return Markup('<p class="muted">Tenure: the units are not on a roster with days of hiring.</p>')
    rows = [
        [str(arm).capitalize(), f"{row['units']:.0f}", _days(row["mean_days"]), _days(row["median_days"])]
        for arm, row in found.tenure.iterrows()
    ]
    columns = [Column("Arm"), Column("Units", "right"), Column("Mean", "right"), Column("Median", "right")]
    table = page.table(columns, rows, caption="Tenure at the start, in days")
    return table + Markup("<p>The arms are {} standard deviations apart.</p>").format(_signed(found.tenure_smd))


def _days(value: float) -> str:
    return format_value(value, "count") if isfinite(value) else MISSING


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−") if isfinite(value) else MISSING


@listed
@when_due("estimates", "The same question, other methods")
def estimates(view: PilotPage) -> Section:
    """The same comparison by several methods: how much the answer depends on the method."""
    id, title = "estimates", "The same question, other methods"
    parts = Markup("")
    for one in view.evaluation.metrics:
        rows = [row for row in view.evaluation.estimates.get(one.kpi.name, ()) if isfinite(row.estimate)]
        if rows:
            parts += _estimates(view, one, rows)
        parts += bullets(row.summary() for row in view.evaluation.estimates.get(one.kpi.name, ()) if row not in rows)
    if not parts:
        return missing(id, title, "no metric could be estimated.")
    note = page.note(
        "The verdict is read off the first line alone; the others stand beside it, each at its own level, and are not "
        "chosen from."
    )
    body = note + Markup('<div class="charts">{}</div>').format(parts)
    return Section(id, page.section(id, title, body, question="How much does the method matter?"))


def _estimates(view: PilotPage, one: MetricVerdict, rows: list[Effect]) -> Markup:
    kpi = one.kpi
    ends = sorted(row.estimate for row in rows)
    words = {row.word for row in rows if row.word}
    span = " to ".join(format_change(end, kpi.unit, currency=view.currency) for end in (ends[0], ends[-1]))
    agree = (
        f"every method says {next(iter(words))}" if len(words) == 1 else f"methods differ: {', '.join(sorted(words))}"
    )
    title = f"{kpi.label}: {span}; {agree}"
    columns = [Column("Method"), *_columns(view.noun), Column("How")]
    table = page.table(
        columns, effect_rows(kpi, rows, view.currency), caption=f"{kpi.label} by method", classes="stack"
    )
    labels = [row.name[0].upper() + row.name[1:] for row in rows]
    return _forest(view, one, rows, labels, title=title, table=table, id=f"fig-methods-{kpi.name}")


def _columns(noun: str) -> list[Column]:
    return [
        Column(noun.capitalize(), "right"),
        Column("Interval", "right"),
        Column("Units", "right", "pilot / baseline"),
        Column("Alone it says"),
    ]


def _forest(
    view: PilotPage, one: MetricVerdict, rows: list[Effect], labels: list[str], *, title: str, table: Markup, id: str
) -> Markup:
    kpi, sign = one.kpi, 1 if one.better == "higher" else -1
    limit = {"loss": -sign * one.margin} if one.test == "noninferiority" else {"gain": sign * one.margin}
    drawn = [
        ForestRow(
            label=label,
            estimate=row.estimate,
            ci_low=row.ci_low,
            ci_high=row.ci_high,
            tone=tone_of(row.word),  # type: ignore[arg-type]
            strong=row.name == "verdict",
            **limit,
        )
        for label, row in zip(labels, rows, strict=True)
    ]
    margin = format_change(one.margin, kpi.unit, currency=view.currency).lstrip("+")
    kind = f"shaded: a loss of {margin} or more" if one.test == "noninferiority" else f"dotted: a gain of {margin}"
    better: Literal["higher", "lower"] = "higher" if sign > 0 else "lower"
    wide, narrow = (
        plot_forest(
            drawn,
            format_value=lambda value: _tick(value, kpi.unit),
            better=better,
            xlabel=f"{view.noun}, pilot less baseline\n{kind}",
            width=6.4,
            phone=phone,
        )
        for phone in (False, True)
    )
    alt = f"{title}. Forest plot of {plural(len(rows), 'estimate')} with intervals, good to the right; {kind}."
    return page.figure(to_svg(wide), narrow=to_svg(narrow), title=title, alt=alt, data=table, id=id)


def _tick(value: float, unit: Any) -> str:
    text = format_axis(abs(value), unit).replace(" %", " pp")
    return text if abs(value) < 1e-12 else f"{'+' if value > 0 else '−'}{text}"


@listed
@when_due("slices", "Is it the same everywhere?")
def slices(view: PilotPage) -> Section:
    """The answer by slice, and whether slices differ."""
    id, title = "slices", "Is it the same everywhere?"
    body = Markup("")
    for one in view.evaluation.metrics:
        found = [part for part in view.evaluation.slices.get(one.kpi.name, ()) if part.effects]
        if found:
            body += _slices(view, one, found)
    if not body:
        why = "; ".join(reason for name, reason in view.evaluation.left_out.items() if name.startswith("slices"))
        return missing(id, title, why or "the rows name no slices with enough units in both arms.")
    body = page.note(_READ_SLICES) + Markup('<div class="charts">{}</div>').format(body)
    return Section(id, page.section(id, title, body, question="Do the arms differ by as much in all kinds of work?"))


def _slices(view: PilotPage, one: MetricVerdict, found: list[SliceEffects]) -> Markup:
    rows = [effect for part in found for effect in part.effects if isfinite(effect.estimate)]
    labels = [
        f"{plain(part.dimension)}: {plain(effect.name)}"
        for part in found
        for effect in part.effects
        if isfinite(effect.estimate)
    ]
    columns = [Column("Slice"), *_columns(view.noun), Column("Note")]
    table = Markup("")
    for part in found:
        left = f"; too few units: {', '.join(map(plain, part.left_out))}" if part.left_out else ""
        caption = f"By {plain(part.dimension)}: test of equal slices, p {format_pvalue(part.adjusted_pvalue)}{left}"
        table += page.table(
            columns, effect_rows(one.kpi, part.effects, view.currency), caption=caption, classes="stack"
        )
    apart = [plain(part.dimension) for part in found if part.adjusted_pvalue < 1 - view.pilot.spec.confidence_level]
    said = f"the {view.noun} depends on {', '.join(apart)}" if apart else "no dimension is shown to matter"
    tests = ", ".join(f"{plain(part.dimension)} p {format_pvalue(part.adjusted_pvalue)}" for part in found)
    title = f"{one.kpi.label}: {said} ({tests}, adjusted)"
    return _forest(view, one, rows, labels, title=title, table=table, id=f"fig-slices-{one.kpi.name}")


@listed
@when_due("learning", "Week by week")
def learning(view: PilotPage) -> Section:
    """Both arms week by week, with the start and the ramp."""
    id, title = "learning", "Week by week"
    found = view.evaluation.learning
    left = [reason for name, reason in view.evaluation.left_out.items() if name.startswith("learning")]
    if not found:
        return missing(id, title, "; ".join(left) or "there are too few weeks.")
    charts = Markup("").join(_weeks(view, curve) for curve in found.values())
    body = Markup('<div class="charts">{}</div>{}').format(charts, bullets(left))
    return Section(id, page.section(id, title, body, question="Was the pilot still learning when it ended?"))


def _weeks(view: PilotPage, curve: LearningCurve) -> Markup:
    kpi, table = curve.kpi, curve.table
    days = pd.DatetimeIndex(table["week"])
    labels = [f"{day.day} {day:%b}" for day in days]
    wide, narrow = (
        plot_arms(table, labels, format_value=lambda value: format_axis(value, kpi.unit), phone=phone)
        for phone in (False, True)
    )
    title = f"{kpi.label}: {curve.sentence[0].lower()}{curve.sentence[1:].rstrip('.')}"
    before = int((table["phase"] == "before").sum())
    alt = (
        f"{title}. Lines of both arms by week, {plural(before, 'week')} before the start and {curve.weeks} since; "
        f"the ramp is shaded. Last week: {_arms_said(table.iloc[-1], kpi.unit)}."
    )
    columns = [
        Column("Week of"),
        Column("Phase"),
        Column("Pilot", "right"),
        Column("Baseline", "right"),
        Column("Difference", "right"),
        Column("Interval", "right", "of the week alone"),
        Column("Units", "right", "pilot / baseline"),
    ]
    rows = []
    for day, row in zip(days, table.to_dict("records"), strict=True):
        known = isfinite(row["difference"])
        interval = interval_words(kpi, row["ci_low"], row["ci_high"], curve.confidence_level, view.currency)
        rows.append(
            [
                f"{day:%Y-%m-%d}",
                row["phase"],
                format_value(row["pilot"], kpi.unit, currency=view.currency),
                format_value(row["baseline"], kpi.unit, currency=view.currency),
                format_change(row["difference"], kpi.unit, currency=view.currency),
                interval.partition(" interval ")[2] or MISSING if known else MISSING,
                f"{row['n_pilot']} / {row['n_baseline']}" if known else MISSING,
            ]
        )
    data = page.table(columns, rows, caption=f"{kpi.label} by week and arm")
    return page.figure(to_svg(wide), narrow=to_svg(narrow), title=title, alt=alt, data=data, id=f"fig-weeks-{kpi.name}")


def _arms_said(row: pd.Series, unit: Any) -> str:
    return f"pilot {format_value(row['pilot'], unit)}, baseline {format_value(row['baseline'], unit)}"


@listed
@when_due("sensitivity", "How much hangs on our choices?")
def sensitivity(view: PilotPage) -> Section:
    """Other windows, false starts, one unit left out."""
    id, title = "sensitivity", "How much hangs on our choices?"
    found = view.evaluation.sensitivity
    if not found:
        return missing(id, title, "; ".join(view.evaluation.left_out.values()) or "no metric could be estimated.")
    body = Markup("")
    for result in found.values():
        rows = effect_rows(result.kpi, [*result.windows, *result.placebo], view.currency)
        table = page.table(
            [Column("Choice"), *_columns(view.noun), Column("Days")],
            rows,
            caption=f"{result.kpi.label} by choice",
            classes="stack",
        )
        body += Markup("<h3>{}</h3>{}{}").format(
            result.kpi.label, bullets(result.sentences), page.details(f"All {plural(len(rows), 'other answer')}", table)
        )
    note = page.note("A false start before the real one should show nothing; what it shows is how large chance can be.")
    question = "Other windows, false starts, one unit left out: does the answer stay?"
    return Section(id, page.section(id, title, note + body, question=question))


@listed
@when_due("regression", "Was the start after a bad spell?")
def regression_to_the_mean(view: PilotPage) -> Section:
    """Whether the start followed a bad spell, from which values come back by themselves."""
    id, title = "regression", "Was the start after a bad spell?"
    found = view.evaluation.regression
    if not found:
        return missing(id, title, "there are too few weeks before the start to tell.")
    columns = [
        Column("Metric"),
        Column("Last weeks", "right", "before the start"),
        Column("Before those", "right"),
        Column("Spell in standard deviations", "right"),
        Column("Change since the last weeks", "right"),
        Column("To be expected", "right", "without any pilot"),
        Column("Finding"),
    ]
    rows = []
    for one in found.values():
        unit = one.kpi.unit
        state = word_mark("worse") if one.flagged else MISSING
        rows.append(
            [
                one.kpi.label,
                format_value(one.last, unit, currency=view.currency),
                format_value(one.rest, unit, currency=view.currency),
                _signed(one.spell),
                format_change(one.since_last, unit, currency=view.currency),
                format_change(one.expected_return, unit, currency=view.currency),
                state,
            ]
        )
    table = page.table(columns, rows, caption="The pilot arm before the start", classes="stack")
    body = bullets(one.sentence for one in found.values()) + table
    question = "Values that were unusually bad come back by themselves."
    return Section(id, page.section(id, title, body, question=question))
