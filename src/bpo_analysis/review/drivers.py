"""What carried a change: which slices, through their rate or through the mix, and which dated events stand near it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.context import Review
from bpo_analysis.stats import ChangeDecomposition, decompose_change

__all__ = ["EVENT_LEAD_DAYS", "Driver", "drivers", "events_between"]

_DIMENSIONS = ("category", "channel", "product", "site")
_MAX_SLICES = 12
_LASTING_DAYS = 27
EVENT_LEAD_DAYS = 31
"""How long before the period an event may lie and still be named beside a change in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """The change of one KPI against the stretch before, over the slices of one dimension."""

    kpi: Kpi
    dimension: str
    result: ChangeDecomposition

    @property
    def largest(self) -> list[str]:
        """Slices by the size of their contribution, largest first."""
        size = (self.result.table["rate_effect"] + self.result.table["mix_effect"]).abs()
        return [str(name) for name in size.sort_values(ascending=False, kind="stable").index]


def drivers(
    review: Review,
    kpi: str,
    *,
    now: tuple[date, date] | None = None,
    before: tuple[date, date] | None = None,
) -> Driver | None:
    """Decompose the change of a KPI over the first dimension that has at least two slices; None where none has.

    The stretches are the period and the one before it, unless ``now`` and ``before`` (first and last days) differ.
    """
    definition = review.kpis[kpi]
    rows = review.rows.get(kpi)
    if rows is None or definition.pooling == "total" or definition.grain == "month":
        return None
    new = _between(rows, *(now or (review.period.start, review.period.end)))
    old = _between(rows, *(before or review.before()))
    for dimension in _DIMENSIONS:
        if new[dimension].nunique() < 2:
            continue
        try:
            result = decompose_change(_sums(old, dimension), _sums(new, dimension))
        except InsufficientDataError:
            return None
        return Driver(kpi=definition, dimension=dimension, result=_scaled(result, definition.scale))
    return None


def _between(rows: pd.DataFrame, start: date, end: date) -> pd.DataFrame:
    return rows[rows["date"].between(pd.Timestamp(start), pd.Timestamp(end))]


def _sums(rows: pd.DataFrame, dimension: str) -> pd.DataFrame:
    named = rows.assign(**{dimension: rows[dimension].fillna("(not given)")})
    return named.groupby(dimension)[["numerator", "denominator"]].sum()


def _scaled(result: ChangeDecomposition, scale: float) -> ChangeDecomposition:
    if scale == 1:
        return result
    table = result.table.copy()
    table[["before", "after", "rate_effect", "mix_effect"]] *= scale
    return ChangeDecomposition(
        before=result.before * scale,
        after=result.after * scale,
        change=result.change * scale,
        rate_effect=result.rate_effect * scale,
        mix_effect=result.mix_effect * scale,
        table=table,
        n=result.n,
        method=result.method,
    )


def events_between(review: Review, start: date, end: date, kpi: str = "") -> pd.DataFrame:
    """Return dated events of the partner (or of all) that touch a stretch, oldest first; empty without the table.

    Column ``lasting`` says that an event changed something for good or for four weeks and more: no holiday, no outage
    of a day.
    """
    events = review.once("events", _dated_events)
    if events is None:
        days = dict.fromkeys(("start", "end"), pd.Series(dtype="datetime64[s]"))
        words = dict.fromkeys(("title", "kind", "kpi", "owner_side"), pd.Series(dtype="str"))
        return pd.DataFrame(days | words | {"lasting": pd.Series(dtype=bool)})
    first, last = pd.Timestamp(start), pd.Timestamp(end)
    inside = (events["start"] <= last) & (events["end"] >= first)
    if kpi:
        inside &= events["kpi"].isna() | (events["kpi"] == kpi)
    return events[inside]


def _dated_events(review: Review) -> pd.DataFrame | None:
    events = review.register("events")
    if events is None:
        return None
    begins = pd.to_datetime(events["start"])
    ends = pd.to_datetime(events["end"]).fillna(begins)
    long = (ends - begins) >= pd.Timedelta(days=_LASTING_DAYS)
    lasting = (events["kind"] != "holiday") & (long | events["end"].isna())
    return events.assign(start=begins, end=ends, lasting=lasting).sort_values("start", kind="stable")
