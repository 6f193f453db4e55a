"""Through the day: the exact columns by hour, and maps of weekday and hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_value
from bpo_analysis.page import HeatCell
from bpo_analysis.review.context import Review
from bpo_analysis.review.hours import WEEKDAYS, SlicedValue, hour_rows, note_slice, sliced
from bpo_analysis.review.scorecard import score
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing
from bpo_analysis.sections.service_summary import HEADS

__all__ = ["service_by_hour"]

_BY_HOUR = ("offered", "answered", "escalated", "aht_s", "asa_s", "service_level")
_FEW_IN_AN_HOUR, _FEW_IN_A_FIELD = 5, 10
"""Fewer contacts than these in an hour (in an hour of a weekday) carry no rate worth printing."""
_DEEP = 0.3
"""Points of service level below its target at which the tint is deepest."""


@placed()
def service_by_hour(review: Review) -> Section:
    """The exact columns by hour of the day, and for more than one day a map of weekday and hour."""
    id, title = "hours", "Through the day"
    found = hour_rows(review)
    if found is None:
        return missing(
            id, title, "no table knows the time of day (volume by interval, or interactions with a time of creation)."
        )
    names = [name for name in _BY_HOUR if sliced(review, found.table, name) is not None]
    body = _hour_table(review, found.table, names, found.origin)
    if review.period.days > 1:
        body += _map(review, found.table)
    body += _counted_twice(review, found.table, found.origin)
    return Section(id, page.section(id, title, body, question="When do contacts come, and when are they not answered?"))


def _hour_table(review: Review, table: pd.DataFrame, names: Sequence[str], origin: str) -> Markup:
    most = table.groupby("hour")["n_offered"].sum().max()
    rows = []
    for hour in _open_hours(table):
        part = table[table["hour"] == hour]
        cells = [_hour_cell(review, sliced(review, part, name), {"hour": f"{hour:02d}"}, most) for name in names]
        rows.append((f"{hour:02d}", cells))
    caption = (
        f"By hour ({review.dataset.config.timezone}) the contact began in, {review.period.title}, from {origin}; "
        f"deeper: more contacts, or fewer answered in time; 'few': fewer than {_FEW_IN_AN_HOUR} contacts"
    )
    return page.heat_table("Hour", [HEADS[name] for name in names], rows, caption=caption)


def _open_hours(table: pd.DataFrame) -> range:
    """Hours from the first to the last in which any contact came: an hour without one in between is a row too."""
    return range(int(table["hour"].min()), int(table["hour"].max()) + 1)


def _hour_cell(review: Review, value: SlicedValue | None, where: Mapping[str, str], most: float) -> HeatCell:
    if value is None:
        return HeatCell(MISSING)
    if value.kpi.pooling == "total":
        level = value.value / most if value.kpi.name == "offered" else 0.0
        return HeatCell(note_slice(review, value, where), level)
    return _rate_cell(review, value, where, _FEW_IN_AN_HOUR)


def _rate_cell(review: Review, value: SlicedValue, where: Mapping[str, str], few: int) -> HeatCell:
    if value.denominator < few:
        return HeatCell("few")
    text = note_slice(review, value, where, text=format_value(value.value, value.kpi.unit, decimals=0))
    if value.kpi.name != "service_level":
        return HeatCell(text)
    return HeatCell(text, (_aim(review) - value.value) / _DEEP, "concern")


def _aim(review: Review) -> float:
    """What a share answered in time is held against: its target, without one the period as a whole."""
    row = score(review, "service_level", judged=False)
    if row.target is not None:
        return row.target.value
    return row.measure.value if row.measure else 0.0


def _map(review: Review, table: pd.DataFrame) -> Markup:
    """Weekday by hour: contacts received on such a day, and the share answered in time."""
    days = pd.date_range(review.period.start, review.period.end)
    seen = [int(n) for n in pd.Series(days.day_of_week).value_counts().reindex(range(7), fill_value=0)]
    hours, weekdays = _open_hours(table), [day for day in range(7) if seen[day]]
    fields = {
        (hour, day): table[(table["hour"] == hour) & (table["weekday"] == day)] for hour in hours for day in weekdays
    }
    counts = {key: part["n_offered"].sum() / seen[key[1]] for key, part in fields.items()}
    most = max(counts.values()) or 1.0
    heads = [WEEKDAYS[day] for day in weekdays]
    rows = [
        (f"{hour:02d}", [_mean_cell(review, counts[hour, day], hour, day, most) for day in weekdays]) for hour in hours
    ]
    body = page.heat_table("Hour", heads, rows, caption="Contacts received by weekday and hour, mean of such days")
    if "n_service_level" not in table:
        return body
    rows = []
    for hour in hours:
        cells = []
        for day in weekdays:
            value = sliced(review, fields[hour, day], "service_level")
            where = {"weekday": WEEKDAYS[day], "hour": f"{hour:02d}"}
            cells.append(HeatCell(MISSING) if value is None else _rate_cell(review, value, where, _FEW_IN_A_FIELD))
        rows.append((f"{hour:02d}", cells))
    aim = format_value(_aim(review), "share", decimals=0)
    caption = (
        f"Answered in time by weekday and hour; deeper: farther below {aim}; 'few': fewer than {_FEW_IN_A_FIELD} "
        "contacts"
    )
    grid = page.heat_table("Hour", heads, rows, caption=caption)
    return Markup('<div class="columns"><div>{}</div><div>{}</div></div>').format(body, grid)


def _mean_cell(review: Review, value: float, hour: int, day: int, most: float) -> HeatCell:
    text = format_value(value, "count", decimals=0 if value >= 10 else 1)
    where = {"weekday": WEEKDAYS[day], "hour": f"{hour:02d}"}
    review.note_figure("service.offered_per_day", value, text, unit="contacts a day", where=where)
    return HeatCell(text, value / most)


def _counted_twice(review: Review, table: pd.DataFrame, origin: str) -> Markup:
    """Say where the hours do not add up to the contacts of the page: two tables may count differently."""
    whole, hours = review.measure("offered"), table["n_offered"].sum()
    if whole is None or whole.value == hours:
        return Markup("")
    text = review.note_figure("service.offered_by_hour", hours, format_value(hours, "count"), unit="contacts")
    return page.note(
        f"The hours hold {text} contacts, from {origin}; the page counts {whole.text} received.", "warning"
    )
