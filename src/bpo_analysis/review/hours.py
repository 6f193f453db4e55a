"""Contacts by hour and by queue, by the same definitions as the KPIs of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from bpo_analysis.data.extracts.service import SERVICE_KPIS
from bpo_analysis.formats import format_value
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.context import Review

__all__ = ["WEEKDAYS", "ServiceRows", "SlicedValue", "hour_rows", "note_slice", "queue_rows", "sliced", "usual_range"]

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ORIGINS = {"service_by_interval": "table volume", "service_by_contact_hour": "single contacts (table interactions)"}
_SAME_DAYS = 8
"""Earlier days of the same weekday, or earlier weeks, that say what is usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRows:
    """Sums of the period per day, hour, channel and queue.

    ``table`` has columns date, weekday (0 is Monday), hour, channel, queue and, for each KPI it has values of,
    ``n_<kpi>`` and ``d_<kpi>``; ``origin`` says what it was counted from.
    """

    table: pd.DataFrame
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicedValue:
    """A KPI of one hour, weekday and hour, or queue."""

    kpi: Kpi
    value: float
    numerator: float
    denominator: float

    @property
    def text(self) -> str:
        """The value as printed."""
        return format_value(self.value, self.kpi.unit)


def _rows(review: Review, name: str) -> pd.DataFrame | None:
    table = review.extract(name)
    if table is None or table.empty:
        return None
    days = pd.to_datetime(table["date"])
    table = table.assign(date=days, weekday=days.dt.day_of_week)
    return table[days.between(pd.Timestamp(review.period.start), pd.Timestamp(review.period.end))]


def hour_rows(review: Review) -> ServiceRows | None:
    """Return the period's contacts by the hour; None where no table knows the time of day.

    Taken from table volume where its intervals are finer than a day, otherwise from single contacts.
    """
    for name, origin in _ORIGINS.items():
        table = _rows(review, name)
        # Rows without a time of day all lie in one hour, the first.
        if table is not None and (table["hour"] > 0).any():
            return ServiceRows(table=table, origin=origin)
    return None


def queue_rows(review: Review) -> ServiceRows | None:
    """Return the period's contacts by queue; None where no table names queues."""
    for name, origin in _ORIGINS.items():
        table = _rows(review, name)
        if table is not None and table["queue"].notna().any():
            return ServiceRows(table=table.assign(queue=table["queue"].fillna("(no queue)")), origin=origin)
    return None


def sliced(review: Review, table: pd.DataFrame, name: str) -> SlicedValue | None:
    """Pool a KPI over some rows of :class:`ServiceRows`; None where none of them has it."""
    kpi = review.kpis[name]
    if name not in SERVICE_KPIS or f"n_{name}" not in table:
        return None
    top, bottom = table[f"n_{name}"].sum(min_count=1), table[f"d_{name}"].sum(min_count=1)
    if pd.isna(top) or pd.isna(bottom) or (kpi.pooling == "ratio" and bottom == 0):
        return None
    value = top if kpi.pooling == "total" else kpi.scale * top / bottom
    return SlicedValue(kpi=kpi, value=float(value), numerator=float(top), denominator=float(bottom))


def note_slice(review: Review, found: SlicedValue, where: Mapping[str, str], *, text: str = "") -> str:
    """Note a value of an hour or queue among the numbers of the page and return it as printed."""
    return review.note_figure(
        f"service.{found.kpi.name}",
        found.value,
        text or found.text,
        unit=found.kpi.unit,
        numerator=found.numerator,
        denominator=found.denominator if found.kpi.pooling == "ratio" else None,
        where=where,
    )


def usual_range(review: Review, name: str = "offered") -> tuple[str, list[float]] | None:
    """Return what a day of this weekday, or a week, usually brings.

    Returns
    -------
    tuple of str and list of float, or None
        In words which earlier days (weeks) these are, and their totals, newest last. None for other periods and with
        fewer than four of them.
    """
    grain = review.period.grain
    if grain not in ("day", "week"):
        return None
    step = 7 if grain == "day" else 1
    earlier = [review.period.shifted(-step * back) for back in range(_SAME_DAYS, 0, -1)]
    first, _ = review.dataset.span
    found = [
        measure.value
        for period in earlier
        # A week that the export cuts is not a quiet week.
        if period.start >= first and (measure := review.measure(name, period=period, interval=False)) is not None
    ]
    if len(found) < _SAME_DAYS // 2:
        return None
    unit = f"{review.period.start:%A}s" if grain == "day" else "weeks"
    return f"the last {len(found)} {unit}", found
