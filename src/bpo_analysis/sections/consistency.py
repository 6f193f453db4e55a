"""Consistency: was each target met all the time, or only on average?"""

from __future__ import annotations

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_interval, format_value, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.context import Review
from bpo_analysis.review.targets import MetPeriods, TargetConsistency, consistency_of
from bpo_analysis.review.targets.history import places_of, where_of
from bpo_analysis.review.windows import WEEK_CONVENTION
from bpo_analysis.sections.parts import kpi_link, percent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["consistency"]

_ID, _TITLE = "consistency", "Consistency"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_OFTEN = 0.5


@placed(audiences=("account", "delivery"))
def consistency(review: Review) -> Section:
    """Share of days, weeks and hours that met each target, longest run of misses, and a calendar of each target."""
    found = consistency_of(review)
    if not found:
        reason = "no target in force has enough cases in a day or week to be judged by it."
        return missing(_ID, _TITLE, reason)
    body = _lead(review, found) + _table(review, found) + _note(review)
    body += Markup("").join(_calendar(review, one) for one in found)
    question = "Was each target met all the time, or only on average?"
    return Section(_ID, page.section(_ID, _TITLE, body, question=question))


def _main(one: TargetConsistency) -> MetPeriods:
    """Days where a single day can be judged, otherwise weeks."""
    found = one.days or one.weeks
    if found is None:
        raise ValueError("A target without days and weeks has no consistency.")
    return found


def _lead(review: Review, found: list[TargetConsistency]) -> Markup:
    """Name the targets whose monthly figure hides something, then the longest run of misses."""
    always = sum(_main(one).met == _main(one).n for one in found)
    hidden = [one for one in found if one.clause.row.contract == "met" and _main(one).met <= _OFTEN * _main(one).n]
    parts = [
        f"Of {plural(len(found), 'target')} that can be judged by day or week, {always} {_was(always)} met every time."
    ]
    if hidden:
        names = ", ".join(f"{one.kpi.label} ({_count(_main(one))})" for one in hidden)
        parts.append(f"Met on the whole, yet not most of the time: {names}.")
    longest = max(found, key=lambda one: _main(one).longest_miss)
    run = _main(longest)
    if run.longest_miss > 1:
        parts.append(f"Longest run of misses: {longest.kpi.label}, {plural(run.longest_miss, run.unit)}.")
    return Markup("<p>{}</p>").format(" ".join(parts))


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _count(found: MetPeriods) -> str:
    return f"{found.met} of {plural(found.n, found.unit)}"


def _table(review: Review, found: list[TargetConsistency]) -> Markup:
    level = f"{percent(review.confidence_level)} interval of the share"
    columns = [
        Column("Target"),
        Column("Period", "right"),
        Column("Contract"),
        Column("Days met", "right", level),
        Column("Weeks met", "right", "last 13"),
        *([Column("Hours met", "right", "of single days")] if any(one.hours for one in found) else []),
        Column("Longest miss", "right"),
        Column("Worst", "right"),
        Column("Cases in time", "right", "in days or weeks that met it"),
    ]
    rows = [_row(review, one, hours=any(o.hours for o in found)) for one in found]
    return page.table(
        columns, rows, caption=f"How steadily each target was met up to {review.period.end}", classes="stack"
    )


def _row(review: Review, one: TargetConsistency, *, hours: bool) -> list[str | Markup | Cell]:
    row, main = one.clause.row, _main(one)
    scope = f" ({one.target.channel})" if one.target.channel else ""
    worst = main.table.loc[main.table["start"] == main.worst].iloc[0]
    measured = review.measure(
        one.kpi.name, start=worst["start"], end=worst["end"], where=where_of(one.target), interval=False
    )
    day = f"{'' if main.unit == 'day' else 'week from '}{main.worst}"
    cases = review.note_figure(
        "consistency.cases", main.of_cases, percent(main.of_cases), unit="share", start=main.table["start"].iloc[0],
        where=places_of(one.target),
    )  # fmt: skip
    run = review.note_figure(
        "consistency.longest_miss", main.longest_miss, plural(main.longest_miss, main.unit), unit=main.unit,
        start=main.table["start"].iloc[0], where=places_of(one.target),
    )  # fmt: skip
    return [
        Markup("{}{} <span class='interval'>{}</span>").format(kpi_link(one.kpi), scope, row.target_text),
        row.measure.text if row.measure else MISSING,
        page.contract_mark(row.contract),
        _met(review, one, one.days),
        _met(review, one, one.weeks),
        *([_met(review, one, one.hours)] if hours else []),
        run if main.longest_miss else "none",
        Markup('{} <span class="interval">{}</span>').format(measured.text if measured else MISSING, day),
        cases,
    ]


def _met(review: Review, one: TargetConsistency, found: MetPeriods | None) -> Markup | str:
    if found is None:
        return MISSING
    interval = found.interval
    text = review.note_figure(
        f"consistency.{found.unit}s_met", found.met / found.n, f"{found.met} of {found.n}", unit="share",
        numerator=found.met, denominator=found.n, ci_low=interval.ci_low if interval else None,
        ci_high=interval.ci_high if interval else None, start=found.table["start"].iloc[0],
        where=places_of(one.target),
    )  # fmt: skip
    limits = format_interval(interval.ci_low, interval.ci_high, "share") if interval else ""
    return Markup('{} <span class="interval">{}</span>').format(text, limits)


def _note(review: Review) -> Markup:
    return page.note(
        "A single day or week is counted where it usually has 30 cases or more; of fewer, one case decides. A day can "
        "miss a target by chance alone, so the share of days met says how steady the service was, not how often the "
        "partner failed. Intervals take into account that neighbouring days resemble each other. " + WEEK_CONVENTION
    )


def _calendar(review: Review, one: TargetConsistency) -> Markup:
    """Days of the period, or the weeks, folded away: one cell each, met or missed in word and sign."""
    parts = []
    if one.days is not None and one.days.n > 1:
        parts.append(_days(review, one, one.days))
    if one.weeks is not None:
        parts.append(_weeks(review, one, one.weeks))
    scope = f" ({one.target.channel})" if one.target.channel else ""
    return (
        page.details(f"{one.kpi.label}{scope}: {_count(_main(one))} met", Markup("").join(parts))
        if parts
        else Markup("")
    )


def _cell(review: Review, one: TargetConsistency, period: dict[str, object]) -> Markup:
    """Sign and value of a day or week; the value is listed with the page's numbers."""
    start, end = period["start"], period["end"]
    review.measure(one.kpi.name, start=start, end=end, where=where_of(one.target), interval=False)  # type: ignore[arg-type]
    sign, tone = ("✓", "good") if period["met"] else ("✕", "bad")
    value = format_value(float(str(period["value"])), one.kpi.unit, currency=review.currency)
    return Markup('<span class="mark {}"><b>{}</b> {}</span>').format(tone, sign, value)


def _days(review: Review, one: TargetConsistency, found: MetPeriods) -> Markup:
    by_day = {period["start"]: period for period in found.table.to_dict("records")}
    weeks: dict[tuple[int, int], list[str | Markup]] = {}
    for day in sorted(by_day):
        year, week, weekday = day.isocalendar()
        cells = weeks.setdefault((year, week), [f"Week {week}", *[MISSING] * 7])
        cells[weekday] = _cell(review, one, by_day[day])
    columns = [Column("Week"), *(Column(name[:3]) for name in _DAYS)]
    caption = (
        f"{one.kpi.label} by day, {found.table['start'].iloc[0]} to {found.table['end'].iloc[-1]}: ✓ met, ✕ missed"
    )
    return page.table(columns, list(weeks.values()), caption=caption)


def _weeks(review: Review, one: TargetConsistency, found: MetPeriods) -> Markup:
    rows = [
        [str(p["start"]), _cell(review, one, p), format_value(float(p["cases"]), "count")]
        for p in found.table.to_dict("records")
    ]
    columns = [Column("Week from"), Column("Value"), Column("Out of", "right")]
    return page.table(columns, rows, caption=f"{one.kpi.label} by week: ✓ met, ✕ missed")
