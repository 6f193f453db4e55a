"""Targets in detail: well put or not, within reach or not, on their way or not, and whether they cover what matters."""

from __future__ import annotations

from datetime import date

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_axis, format_change, format_interval, format_value, plural
from bpo_analysis.kpis import GROUPS, Kpi
from bpo_analysis.page import Cell, Column
from bpo_analysis.plotting import plot_target_history, to_svg
from bpo_analysis.review.context import Review
from bpo_analysis.review.scorecard import meets, target_text
from bpo_analysis.review.targets import (
    Feasibility,
    Letter,
    Replaced,
    SmartCheck,
    Target,
    balance_of,
    check_smart,
    feasibility_of,
    goals,
    replaced_targets,
)
from bpo_analysis.review.targets.balance import TIMINGS
from bpo_analysis.review.targets.history import History, places_of, where_of
from bpo_analysis.sections.glide_paths import glide_path_block, period_labels, target_slug
from bpo_analysis.sections.parts import day_text, kpi_link, percent, text_or_missing
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["targets_in_detail"]

_ID, _TITLE = "targets", "Targets in detail"
_LETTERS = ("Specific", "Measurable", "Achievable", "Relevant", "Time-bound")
_MAX_CHARTS = 6
_RARE = 0.5


@placed(audiences=("account", "delivery"))
def targets_in_detail(review: Review) -> Section:
    """SMART check, place in the own past and beside published levels, glide paths, balance and goals of the targets."""
    checks = check_smart(review)
    if not checks:
        return missing(_ID, _TITLE, f"no target row concerns {review.name} in {review.period.title} or later.")
    found = {_key(check.target): feasibility_of(review, check.target) for check in checks if check.measurable.ok}
    body = (
        _summary(checks)
        + glide_path_block(review)
        + _smart_table(review, checks)
        + _reach(review, list(found.values()))
        + _balance(review)
        + _goals(review)
        + _replaced(review)
    )
    question = "Are the targets well put, within reach, and do they cover what matters?"
    return Section(_ID, page.section(_ID, _TITLE, body, question=question))


def _key(target: Target) -> tuple[object, ...]:
    return target.kpi, target.partner_id, target.channel, target.tier, target.valid_from


def _name(review: Review, target: Target, kpi: Kpi) -> Markup:
    extra = [target.channel or "", "" if target.tier == "expected" else target.tier]
    extra += [review.name if target.partner_id else ""]
    scope = ", ".join(filter(None, extra))
    return Markup('<span class="group">{}</span> {}{} <span class="interval">{}</span>').format(
        target.clause, kpi_link(kpi), f" ({scope})" if scope else "", target_text(target, kpi, review.currency)
    )


def _replaced(review: Review) -> Markup:
    """Rows that no longer hold, folded, with their days and what holds in their place."""
    found = replaced_targets(review)
    if not found:
        return Markup("")
    rows: list[list[str | Markup | Cell]] = []
    for one in found:
        kpi, instead = review.kpis[one.target.kpi], "nothing"
        if one.by is not None:
            instead = f"{target_text(one.by, kpi, review.currency)} ({one.by.clause or 'no clause named'})"
        rows.append([_name(review, one.target, kpi), day_text(one.target.valid_from), _until(one), instead])
    columns = [Column("Target"), Column("From"), Column("To"), Column("In force instead")]
    end = review.period.end
    table = page.table(columns, rows, caption=f"Target rows that do not hold on {end}", classes="stack")
    return page.details(f"{plural(len(found), 'target row')} replaced or ended by {end}", table)


def _until(one: Replaced) -> str:
    if one.until is not None:
        return day_text(one.until)
    own = one.by is not None and one.by.partner_id is not None and one.target.partner_id is None
    return "holds for partners without a row of their own" if own else "replaced"


def _summary(checks: list[SmartCheck]) -> Markup:
    """Say what is wrong with how many rows, first."""
    faults = {
        word: sum(letter.ok is False for letter in letters)
        for word, letters in zip(_LETTERS, zip(*(check.letters for check in checks), strict=True), strict=True)
    }
    words = {
        "Measurable": "cannot be measured",
        "Achievable": "were never reached in the recent past",
        "Relevant": "name no goal",
        "Time-bound": "have no date",
    }
    said = [f"{count} {words[word]}" for word, count in faults.items() if count and word in words]
    proposed = sum(check.target.status == "proposed" for check in checks)
    text = f"{plural(len(checks), 'target row')}: {', '.join(said) or 'none lacks any of the five'}."
    if proposed:
        text += f" {proposed} {'is' if proposed == 1 else 'are'} only proposed."
    return Markup("<p>{}</p>").format(text)


def _smart_table(review: Review, checks: list[SmartCheck]) -> Markup:
    columns = [Column("Target"), *(Column(letter) for letter in _LETTERS), Column("Agreed")]
    rows = [[_name(review, check.target, check.kpi), *_letters(check), _agreed(check.target)] for check in checks]
    caption = "Each target row, letter by letter: specific, measurable, achievable, relevant, time-bound (SMART)"
    faults = any(letter.ok is False for check in checks for letter in check.letters)
    table = page.table(columns, rows, caption=caption, classes="stack")
    return page.details(
        f"{plural(len(checks), 'target row')}, letter by letter, and who agreed them", table, open=faults
    )


def _letters(check: SmartCheck) -> list[Markup]:
    first, *rest = check.letters
    # The definition is in the appendix, where the name of the KPI leads.
    named = Letter(ok=first.ok, why="by its definition")
    return [_letter(letter) for letter in (named, *rest)]


def _letter(letter: Letter) -> Markup:
    shape, word = {True: ("✓", "yes"), False: ("✕", "no"), None: ("≈", "cannot tell")}[letter.ok]
    return Markup('<b aria-hidden="true">{}</b> {} <span class="interval">{}</span>').format(shape, word, letter.why)


def _agreed(target: Target) -> Markup | str:
    if target.status == "proposed":
        return Markup('{} <span class="interval">not agreed</span>').format("proposed")
    if not target.agreed_by and target.agreed_on is None:
        return text_or_missing(target.status)
    day = day_text(target.agreed_on) if target.agreed_on else "date not on record"
    return Markup('{} <span class="interval">{}</span>').format(target.agreed_by or "by whom is not on record", day)


def _reach(review: Review, found: list[Feasibility]) -> Markup:
    columns = [
        Column("Target"),
        Column("Met before", "right", f"{percent(review.confidence_level)} interval"),
        Column("Harder than", "right", "of the past"),
        Column("Best so far", "right"),
        Column("Climb asked for", "right", "a quarter"),
        Column("Published level"),
    ]
    rows = [_reach_row(review, one) for one in found]
    unit = found[0].history.unit if found else "week"
    table = page.table(
        columns, rows, caption=f"Each target beside the last 26 {unit}s of its KPI (24 months where it is monthly)",
        classes="stack",
    )  # fmt: skip
    charts = [_history_figure(review, one) for one in _worth_a_chart(found)]
    note = page.note(
        "Harder than: share of the past whose value was worse than the target. The past includes times before the "
        "target held. Published levels are compared only where their definition is that of the KPI."
    )
    body = table + note
    if charts:
        figures = Markup('<div class="charts">{}</div>').format(Markup("").join(charts))
        said = "Filled points met the target, open squares did not."
        body += page.details(f"Past of {plural(len(charts), 'target')} often missed. {said}", figures)
    return (
        _reach_lead(found)
        + page.details("Each target beside its own past and published levels", body)
        + _published(review, found)
    )


def _reach_lead(found: list[Feasibility]) -> Markup:
    """Name the targets that the own past speaks against."""
    expected = [one for one in found if one.target.tier == "expected" and one.n]
    beyond = [one for one in expected if one.state == "beyond the past"]
    rare = [one for one in expected if one.state != "beyond the past" and one.met < _RARE * one.n]
    parts = []
    if beyond:
        parts.append(f"Not once reached in the past looked at: {', '.join(one.kpi.label for one in beyond)}.")
    if rare:
        names = ", ".join(f"{one.kpi.label} ({one.met} of {plural(one.n, one.history.unit)})" for one in rare)
        parts.append(f"Met in fewer than half of the weeks or months before: {names}.")
    text = " ".join(parts) or "Every target that can be held against a past was met in at least half of it."
    return Markup("<p>{}</p>").format(text)


def _worth_a_chart(found: list[Feasibility]) -> list[Feasibility]:
    often = [one for one in found if one.target.tier == "expected" and one.n and one.met < 0.75 * one.n]
    return sorted(often, key=lambda one: one.met / one.n)[:_MAX_CHARTS]


def _reach_row(review: Review, one: Feasibility) -> list[str | Markup | Cell]:
    unit, currency = one.kpi.unit, review.currency
    met: str | Markup = f"{one.met} of {plural(one.n, one.history.unit)}"
    if one.met_interval is not None:
        interval = one.met_interval
        review.note_figure(
            "targets.met_before", one.met / one.n, str(met), unit="share", numerator=one.met, denominator=one.n,
            ci_low=interval.ci_low, ci_high=interval.ci_high, start=_first(one.history), where=places_of(one.target),
        )  # fmt: skip
        limits = format_interval(interval.ci_low, interval.ci_high, "share")
        met = Markup('{} <span class="interval">{}</span>').format(met, limits)
    harder = MISSING
    if one.n:
        harder = review.note_figure(
            "targets.harder_than", one.easier / one.n, percent(one.easier / one.n), unit="share",
            numerator=one.easier, denominator=one.n, start=_first(one.history), where=places_of(one.target),
        )  # fmt: skip
    best = MISSING
    if one.best is not None:
        text = format_value(one.best, unit, currency=currency)
        best = review.note_figure(
            "targets.best", one.best, text, unit=unit, start=_first(one.history), where=places_of(one.target)
        )
    return [_name(review, one.target, one.kpi), met, harder, best, _climb(review, one), _benchmark(review, one)]


def _first(history: History) -> date:
    day: date = history.series["start"].iloc[0]
    return day


def _climb(review: Review, one: Feasibility) -> str | Markup:
    if one.required is None:
        return MISSING
    sign = 1 if one.target.op == ">=" else -1
    asked = "none: reached now"
    if one.required:
        asked = format_change(sign * one.required, one.kpi.unit, currency=review.currency)
    review.note_figure(
        "targets.climb_asked", sign * one.required, asked, unit=f"{one.kpi.unit} a quarter", where=places_of(one.target)
    )
    if one.steepest is None:
        return asked
    text = format_change(sign * one.steepest, one.kpi.unit, currency=review.currency)
    review.note_figure(
        "targets.steepest", sign * one.steepest, text, unit=f"{one.kpi.unit} a quarter", where=places_of(one.target)
    )
    span = plural(one.steepest_periods, one.history.unit)
    return Markup('{} <span class="interval">steepest so far {} over {}</span>').format(asked, text, span)


def _benchmark(review: Review, one: Feasibility) -> Markup | str:
    """Where the target lies beside the newest level that may be compared."""
    if not one.benchmarks:
        return MISSING
    mark = next((b for b in one.benchmarks if b.matches), None)
    if mark is None:
        return "not comparable"
    level = format_interval(mark.low, mark.high, one.kpi.unit, currency=review.currency)
    return Markup('{} <span class="interval">{}</span>').format(f"{mark.place_of(one.target.value)} it", level)


def _published(review: Review, found: list[Feasibility]) -> Markup:
    """Sources of the published levels, what they mean, and when they are to be looked at again."""
    marks = {(b.kpi.name, b.source, b.year): b for one in found for b in one.benchmarks}
    if not marks:
        return page.note("Published levels: not shown, table benchmarks is absent or names none of these KPIs.")
    columns = [
        Column("KPI"), Column("Level", "right"), Column("Source"), Column("Of whom"), Column("Definition"),
        Column("Compared"), Column("Next review"),
    ]  # fmt: skip
    rows = [
        [
            kpi_link(b.kpi),
            format_interval(b.low, b.high, b.kpi.unit, currency=review.currency),
            f"{b.source}, {b.year}",
            b.population or "not given",
            b.definition or "not given",
            "yes" if b.matches else "no: another definition",
            f"{day_text(b.next_review)} (past: stale)" if b.stale else day_text(b.next_review),
        ]
        for b in marks.values()
    ]
    table = page.table(columns, rows, caption="Published levels of these KPIs", classes="stack")
    stale = sum(b.stale for b in marks.values())
    late = f", {stale} past the next review" if stale else ""
    return page.details(f"{plural(len(marks), 'published level')}{late}", table, open=bool(stale))


def _history_figure(review: Review, one: Feasibility) -> Markup:
    kpi, series = one.kpi, one.history.series
    # Printed in the chart's table, and so listed with the page's numbers.
    periods = len(series)
    review.series(kpi.name, one.history.unit, periods, where_of(one.target))
    met = [bool(v == v and meets(float(v), one.target, kpi)) for v in series["value"]]
    band = next(
        ((b.low, b.high) for b in one.benchmarks if b.matches and b.low is not None and b.high is not None), None
    )
    labels = period_labels(series, one.history.unit)
    ax = plot_target_history(
        series["value"], labels, met=met, target=one.target.value, target_high=one.target.value_high, band=band,
        format_value=lambda v: format_axis(v, kpi.unit),
    )  # fmt: skip
    scope = f" ({one.target.channel})" if one.target.channel else ""
    title = f"{kpi.label}{scope}: target met in {one.met} of {plural(one.n, one.history.unit)}"
    alt = f"{title}, {labels[0]} to {labels[-1]}; target {target_text(one.target, kpi, review.currency)}."
    rows = [
        [
            str(label),
            format_value(value, kpi.unit, currency=review.currency),
            "yes" if ok else "no" if value == value else MISSING,
        ]
        for label, value, ok in zip(series["label"], series["value"], met, strict=True)
    ]
    data = page.table([Column("Period"), Column("Value", "right"), Column("Met")], rows, caption=title)
    return page.figure(to_svg(ax), title=title, alt=alt, data=data, id=f"fig-target-{target_slug(one.target)}")


def _balance(review: Review) -> Markup:
    found = balance_of(review)
    if not found.total:
        return Markup("")
    groups = [group for group in GROUPS if any(found.counts[group, timing] for timing in (*TIMINGS, "diagnostic"))]
    timings = [t for t in (*TIMINGS, "diagnostic") if any(found.counts[group, t] for group in groups)]
    columns = [Column("About"), *(Column(t.capitalize(), "right") for t in timings)]
    rows = [[group, *(str(found.counts[group, t]) for t in timings)] for group in groups]
    table = page.table(
        columns, rows, caption=f"{plural(found.total, 'KPI')} with a target, by what they are about and timing"
    )
    if not found.absent:
        return table
    return page.note(f"The targets leave something out: {', '.join(found.absent)}.", "warning") + table


def _goals(review: Review) -> Markup:
    found = goals(review)
    if not any(goal.name for goal in found):
        return page.note("Goals: not shown, no target row names one (column goal of table targets).")
    rows: list[list[str | Markup | Cell]] = []
    for goal in found:
        chips = Markup("<br>").join(
            Markup("{} {}").format(page.contract_mark(clause.row.contract), kpi_link(clause.row.kpi))
            for clause in goal.clauses
        )
        rows.append([goal.name or "no goal named", chips])
    return page.table([Column("Goal"), Column("Its targets")], rows, caption="What the targets serve")
