"""Which KPIs signal in the last weeks, by the two rules of a control chart whose limits the weeks before set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import pandas as pd

from bpo_analysis.errors import DataError, InsufficientDataError
from bpo_analysis.formats import format_interval, format_value, plural
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.context import Review
from bpo_analysis.review.windows import last_week
from bpo_analysis.stats import ControlChart, control_chart

__all__ = ["KpiChart", "Signal", "chartable", "kpi_chart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One thing that a rule of the chart saw.

    Attributes
    ----------
    rule : str
        What was seen, with its dates, in words.
    first, last : date
        First day of its first week, last day of its last.
    meaning : {"improvement", "concern", "change"}
    """

    kpi: Kpi
    rule: str
    first: date
    last: date
    meaning: Literal["improvement", "concern", "change"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiChart:
    """Weekly values of a KPI with limits that the weeks before the newest set.

    Attributes
    ----------
    series : DataFrame
        As :meth:`Review.series`, from the first week with a value.
    chart : ControlChart or None
        None where there are too few weeks; ``shortage`` then says how many.
    limits : tuple of float or None
        Of the newest week, in the KPI's unit.
    signals : tuple of Signal
        Those that reach into the newest weeks.
    """

    kpi: Kpi
    series: pd.DataFrame
    chart: ControlChart | None
    limits: tuple[float, float] | None
    signals: tuple[Signal, ...]
    shortage: str

    @property
    def limits_text(self) -> str:
        """The limits as printed, or why there are none."""
        return format_interval(*self.limits, self.kpi.unit) if self.limits else self.shortage


def chartable(review: Review, names: tuple[str, ...]) -> list[str]:
    """Return those of some KPIs that have weekly values up to the last whole week of the period."""
    week = last_week(review)
    return [
        name
        for name in names
        if name in review.rows
        and name not in review.dataset.unavailable
        and review.kpis[name].grain == "day"
        and review.dataset.grain != "month"
        and review.measure(name, period=week, record=False, interval=False) is not None
    ]


def kpi_chart(review: Review, name: str, *, weeks: int, newest: int, false_alarm_rate: float = 0.05) -> KpiChart:
    """Chart the last weeks of a KPI; limits are learnt from those before the newest.

    Parameters
    ----------
    weeks : int
        Weeks looked at, the newest included.
    newest : int
        Weeks that are judged.
    false_alarm_rate : float, default 0.05
        Share of charts of a stable process in which the rules see anything at all, in any of their weeks; less where
        many charts are read together.
    """
    key = f"chart {name} {weeks} {newest} {false_alarm_rate}"
    return review.once(key, lambda r: _kpi_chart(r, name, weeks, newest, false_alarm_rate))


def _kpi_chart(review: Review, name: str, weeks: int, newest: int, rate: float) -> KpiChart:
    kpi = review.kpis[name]
    series = review.series(name, "week", weeks)
    first = series["value"].first_valid_index()
    series = series.loc[first if first is not None else len(series) :].reset_index(drop=True)
    try:
        chart = _charted(kpi, series, newest, rate)
    except InsufficientDataError as error:
        shortage = f"baseline forming: {plural(error.got, 'week')} of {error.needed}"
        return KpiChart(kpi=kpi, series=series, chart=None, limits=None, signals=(), shortage=shortage)
    except DataError as error:
        return KpiChart(kpi=kpi, series=series, chart=None, limits=None, signals=(), shortage=str(error))
    scale = kpi.scale if _is_share(kpi) else 1.0
    return KpiChart(
        kpi=kpi,
        series=series,
        chart=chart,
        limits=(chart.lower * scale, chart.upper * scale),
        signals=tuple(_signals(kpi, series, chart, newest)),
        shortage="",
    )


def _is_share(kpi: Kpi) -> bool:
    return kpi.sampling == "cases" and kpi.is_part


def _charted(kpi: Kpi, series: pd.DataFrame, newest: int, rate: float) -> ControlChart:
    learnt = len(series) - newest
    if learnt < 1:
        raise InsufficientDataError("control_chart", needed=8, got=max(learnt, 0), unit="weeks")
    if _is_share(kpi):
        # A week with few cases varies more; its limits are as much wider.
        sizes = series["denominator"].fillna(0)
        shares = series["numerator"].clip(upper=series["denominator"]) / series["denominator"]
        known = shares.iloc[:learnt].dropna()
        if len(known) and known.nunique() == 1 and known.iloc[0] in (0.0, 1.0):
            # Where no case ever failed, limits of a share would let none fail.
            raise DataError("its weeks before do not vary")
        return control_chart(shares, sizes=sizes, kind="p", baseline=learnt, false_alarm_rate=rate)
    low = kpi.lower if kpi.lower is not None else float("-inf")
    high = kpi.upper if kpi.upper is not None else float("inf")
    return control_chart(series["value"], baseline=learnt, lower_bound=low, upper_bound=high, false_alarm_rate=rate)


def _signals(kpi: Kpi, series: pd.DataFrame, chart: ControlChart, newest: int) -> list[Signal]:
    found = []
    for row in chart.signals(better=kpi.better).to_dict("records"):
        first, last = int(row["first"]), int(row["last"])
        if last < len(series) - newest:
            continue
        start, end = series["start"].iloc[first], series["end"].iloc[last]
        if row["rule"] == "outside":
            point = chart.table.iloc[first]
            scale = kpi.scale if _is_share(kpi) else 1.0
            limits = format_interval(point["lower"] * scale, point["upper"] * scale, kpi.unit)
            value = format_value(series["value"].iloc[first], kpi.unit)
            rule = f"Week of {start.day} {start:%b}: {value}, {row['side']} the limits {limits}"
        else:
            weeks = plural(last - first + 1, "week")
            rule = f"{weeks} in a row {row['side']} the middle, since {start}"
        found.append(Signal(kpi=kpi, rule=rule, first=start, last=end, meaning=row["meaning"]))
    return found
