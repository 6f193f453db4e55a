"""One partner in one period: where every number of a review comes from.

``Review.measure`` is the only way to a figure. It pools numerators and denominators, attaches the interval, and writes
what it gave out to a ledger, so that every number on a page can be listed with its sums. What a page prints besides is
listed as printed (``printed``).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import pandas as pd

from bpo_analysis.data import Dataset, Target, open_dataset
from bpo_analysis.data.authored import Package
from bpo_analysis.data.kpi_slice import DaySums, KpiSlice
from bpo_analysis.data.places import cache_root
from bpo_analysis.errors import InsufficientDataError, UnknownNameError
from bpo_analysis.formats import format_interval, format_value, plural
from bpo_analysis.kpis import Kpi
from bpo_analysis.periods import PeriodGrain, ReportPeriod, parse_period, period_of
from bpo_analysis.review.printed import Printed
from bpo_analysis.stats import (
    MIN_OWN_UNITS,
    RatioInterval,
    Spread,
    autocorrelation_of_days,
    event_rate_interval,
    ratio_interval,
    share_interval,
    spread_of_units,
)
from bpo_analysis.stats.calibrations import keep_in

__all__ = [
    "AUDIENCES",
    "EDITIONS",
    "TOO_FEW",
    "Audience",
    "Dimension",
    "Edition",
    "Figure",
    "Measure",
    "Review",
    "open_review",
]

T = TypeVar("T")

Dimension = Literal["site", "channel", "product", "shift", "category"]
Edition = Literal["client", "partner"]
"""Who reads the page: the client, or the partner itself, who sees no other partner and no agent by its id."""
Audience = Literal["steering", "account", "delivery"]
"""Level of the forum a page is made for: how deep it goes."""
EDITIONS: tuple[Edition, ...] = get_args(Edition)
AUDIENCES: tuple[Audience, ...] = get_args(Audience)

_DAYS_FOR_AUTOCORRELATION = 120
_UNITS_FOR_SPREAD = 26
TOO_FEW = "too few to tell"
"""In place of an interval of a share that is wider than from none to all: it says nothing."""


_SliceKey = tuple[str, tuple[tuple[str, str], ...]]


def _slice_key(kpi: str, where: Mapping[str, str] | None) -> _SliceKey:
    return kpi, tuple(sorted((where or {}).items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A KPI of one stretch of time (and slice): its sums, its value, how sure it is."""

    kpi: Kpi
    start: date
    end: date
    where: Mapping[str, str]
    numerator: float
    denominator: float
    value: float
    days: int
    interval: RatioInterval | None
    currency: str = ""

    @property
    def text(self) -> str:
        """The value as printed."""
        return format_value(self.value, self.kpi.unit, currency=self.currency)

    @property
    def base_text(self) -> str:
        """What the value was computed from, as printed: 1,512 offered."""
        if self.kpi.pooling == "total":
            return plural(self.days, "day")
        if not self.kpi.base:
            return ""
        amount = self.denominator / 3600 if self.kpi.base.startswith("hours") else self.denominator
        return f"{format_value(amount, 'count')} {self.kpi.base}"

    @property
    def limits(self) -> tuple[float, float] | None:
        """Confidence limits in the KPI's unit, inside the range the KPI can take, or None where there are none."""
        if self.interval is None:
            return None
        low, high = self.interval.ci_low * self.kpi.scale, self.interval.ci_high * self.kpi.scale
        lower = low if self.kpi.lower is None else max(low, self.kpi.lower)
        upper = high if self.kpi.upper is None else min(high, self.kpi.upper)
        return lower, upper

    @property
    def interval_text(self) -> str:
        """The interval as printed, or an empty text."""
        if self.limits is None:
            return ""
        if self.kpi.unit == "share" and self.limits[1] - self.limits[0] > 1:
            return TOO_FEW
        return format_interval(*self.limits, self.kpi.unit, currency=self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A printed number that is no KPI of the catalogue: hours, money, days, a share of a register.

    Attributes
    ----------
    id : str
        What it is, such as ``risk.uncovered_hours``; notes of authors refer to it.
    value : float
    text : str
        The value as printed.
    unit : str
    numerator, denominator : float or None
        What it was computed from, where it is a ratio.
    limits : tuple of float or None
        Interval, where it is an estimate.
    start, end : date
    where : mapping of str to str
        What it is about, such as a queue or a contract.
    """

    id: str
    value: float
    text: str
    unit: str
    numerator: float | None
    denominator: float | None
    limits: tuple[float, float] | None
    start: date
    end: date
    where: Mapping[str, str]


@dataclass(kw_only=True)
class Review:
    """A partner, a period, and the slice of the dataset that belongs to them. Made by :func:`open_review`."""

    dataset: Dataset
    partner_id: str
    period: ReportPeriod
    confidence_level: float = 0.95
    edition: Edition = "client"
    audience: Audience = "account"
    package: Package | None = None
    ledger: dict[tuple[Any, ...], Measure] = field(default_factory=dict, repr=False)
    figures: dict[tuple[Any, ...], Figure] = field(default_factory=dict, repr=False)
    printed: dict[Printed, None] = field(default_factory=dict, repr=False)
    """Cells and sentences with numbers of the sections shown so far, in the order of the page, each once."""
    notes_beside: dict[str, int] = field(default_factory=dict, repr=False)
    """Notes of authors beside each section of the page so far, by the section's heading."""
    _sums: dict[_SliceKey, DaySums] = field(default_factory=dict, repr=False, init=False)
    _measured: dict[tuple[Any, ...], Measure | None] = field(default_factory=dict, repr=False, init=False)
    _neighbours: dict[_SliceKey, float | None] = field(default_factory=dict, repr=False, init=False)
    _made: dict[Hashable, Any] = field(default_factory=dict, repr=False, init=False)

    @cached_property
    def partner(self) -> Mapping[str, Any]:
        """Row of the partner in table partners."""
        partners = self.dataset.partners
        return dict(partners.loc[partners["partner_id"] == self.partner_id].iloc[0])

    @property
    def name(self) -> str:
        """Name of the partner as printed."""
        return str(self.partner["name"])

    @property
    def shows_others(self) -> bool:
        """Whether the page may name other partners and print what belongs to the client alone."""
        return self.edition == "client"

    @property
    def shows_agents(self) -> bool:
        """Whether the page may print the ids of agents; elsewhere they are numbered."""
        return self.edition == "client" and self.audience != "steering"

    @property
    def currency(self) -> str:
        """Currency of the dataset."""
        return self.dataset.config.currency

    @property
    def kpis(self) -> dict[str, Kpi]:
        """The dataset's KPIs and second readings."""
        return self.dataset.kpis | self.dataset.alternatives

    @cached_property
    def rows(self) -> KpiSlice:
        """The partner's slice of the KPI table, by KPI."""
        return self.dataset.kpi_slice(self.partner_id)

    @cached_property
    def targets(self) -> list[Target]:
        """All targets of the dataset."""
        return self.dataset.targets()

    def once(self, name: Hashable, make: Callable[[Review], T]) -> T:
        """Make something that several sections read, the first time it is asked for."""
        if name not in self._made:
            self._made[name] = make(self)
        made: T = self._made[name]
        return made

    def has(self, kpi: str) -> bool:
        """Whether the partner has a value of this KPI in the period."""
        return self.measure(kpi, record=False, interval=False) is not None

    def register(self, table: str) -> pd.DataFrame | None:
        """Rows of a register that concern this partner, or None where the dataset lacks it."""
        return self.dataset.register(table, partner_id=self.partner_id)

    def extract(self, name: str) -> pd.DataFrame | None:
        """Rows of an extract of the facts that concern this partner, or None where the tables do not allow it."""
        return self.dataset.extract(name, partner_id=self.partner_id)

    def daily(self, kpi: str, where: Mapping[str, str] | None = None) -> pd.DataFrame:
        """Sums per day of one KPI: index date, columns numerator and denominator; days without rows are absent."""
        return self.by_day(kpi, where).frame

    def by_day(self, kpi: str, where: Mapping[str, str] | None = None) -> DaySums:
        """Sums per day of one KPI, or of a slice of it, as arrays; days without rows are absent."""
        key = _slice_key(kpi, where)
        if key not in self._sums:
            self._sums[key] = self.rows.by_day(kpi, where or {})
        return self._sums[key]

    def measure(
        self,
        kpi: str,
        *,
        period: ReportPeriod | None = None,
        start: date | None = None,
        end: date | None = None,
        where: Mapping[str, str] | None = None,
        record: bool = True,
        interval: bool = True,
        confidence_level: float | None = None,
    ) -> Measure | None:
        """Compute a KPI for a stretch of time and a slice.

        Parameters
        ----------
        kpi : str
            Name in the catalogue.
        period : ReportPeriod, optional
            The review's own period by default; ``start`` and ``end`` give any other stretch, both days included.
        where : mapping of str to str, optional
            Slice, by dimension (site, channel, product, shift, category).
        record : bool, default True
            Whether the number is printed, and so belongs in the ledger.
        interval : bool, default True
            Whether the interval is wanted; where only the value is, it need not be computed.
        confidence_level : float, optional
            Of the interval; the review's by default.

        Returns
        -------
        Measure or None
            None where there is no row: missing, not zero.
        """
        period = period or self.period
        start, end = start or period.start, end or period.end
        level = (confidence_level or self.confidence_level) if interval else None
        place = (*_slice_key(kpi, where), start, end)
        if (*place, level) not in self._measured:
            self._measured[*place, level] = self._pooled(kpi, start, end, where, level)
        found = self._measured[*place, level]
        if record and found is not None:
            self.ledger[place] = found
        return found

    def _pooled(
        self, kpi: str, start: date, end: date, where: Mapping[str, str] | None, level: float | None
    ) -> Measure | None:
        definition = self.dataset.find_kpi(kpi)
        days = self.by_day(kpi, where).between(start, end)
        numerator, denominator = float(days.numerator.sum()), float(days.denominator.sum())
        if not len(days) or (denominator == 0 and definition.pooling == "ratio"):
            return None
        value = numerator if definition.pooling == "total" else definition.scale * numerator / denominator
        return Measure(
            kpi=definition,
            start=start,
            end=end,
            where=dict(where or {}),
            numerator=numerator,
            denominator=denominator,
            value=value,
            # A weekly row stands for seven days.
            days=len(days) * (7 if self.dataset.grain == "week" and definition.source == "volume" else 1),
            interval=None if level is None else self._interval(definition, days, where, level),
            currency=self.currency,
        )

    def note_figure(
        self,
        id: str,
        value: float,
        text: str,
        *,
        unit: str,
        numerator: float | None = None,
        denominator: float | None = None,
        ci_low: float | None = None,
        ci_high: float | None = None,
        start: date | None = None,
        end: date | None = None,
        where: Mapping[str, str] | None = None,
    ) -> str:
        """Note a printed number that is no KPI, so that it is listed with the others; return it as printed.

        A value that is missing is printed, but it is no number and is not listed.

        Parameters
        ----------
        id : str
            What it is, such as ``risk.uncovered_hours``: the same for the same thing in every report.
        value : float
        text : str
            The value as printed.
        unit : str
            Unit of the value, in words.
        numerator, denominator, ci_low, ci_high : float, optional
        start, end : date, optional
            The stretch it is about; the period by default.
        where : mapping of str to str, optional
            What it is about.

        Returns
        -------
        str
            ``text``.
        """
        if not isfinite(value):
            return text
        start, end = start or self.period.start, end or self.period.end
        limits = None if ci_low is None or ci_high is None else (ci_low, ci_high)
        place = tuple(sorted((where or {}).items()))
        self.figures[id, place, start, end] = Figure(
            id=id,
            value=float(value),
            text=text,
            unit=unit,
            numerator=numerator,
            denominator=denominator,
            limits=limits,
            start=start,
            end=end,
            where=dict(where or {}),
        )
        return text

    def series(
        self,
        kpi: str,
        grain: PeriodGrain,
        periods: int,
        where: Mapping[str, str] | None = None,
        *,
        record: bool = True,
    ) -> pd.DataFrame:
        """Values of the last periods up to the end of the review's period.

        With ``record`` they are printed, and so belong in the ledger with their intervals.

        Returns
        -------
        DataFrame
            Columns label, start, end, value, numerator, denominator, days; oldest first; NaN where there is no row.
        """
        last = self._period_at(self.period.end, grain)
        missing = float("nan")
        columns: dict[str, list[Any]] = {
            name: [] for name in ("label", "start", "end", "value", "numerator", "denominator", "days")
        }
        for step in range(1 - periods, 1):
            period = last.shifted(step)
            found = self.measure(kpi, period=period, where=where, record=record, interval=record)
            if self.kpis[kpi].pooling == "total" and not self._covers(period):
                # A week of a month is not a quiet month: a total of a period that the export cuts is missing.
                found = None
            sums = (found.value, found.numerator, found.denominator) if found else (missing, missing, missing)
            row = (period.label, period.start, period.end, *sums, found.days if found else 0)
            for values, value in zip(columns.values(), row, strict=True):
                values.append(value)
        return pd.DataFrame(columns)

    def _covers(self, period: ReportPeriod) -> bool:
        first, last = self.dataset.span
        return first <= period.start and period.end <= last

    def slices(self, kpi: str, dimension: Dimension) -> list[str]:
        """Values of a dimension that this KPI has in the period, most cases first."""
        cases = self.rows.by_value(kpi, dimension, self.period.start, self.period.end)
        return sorted(cases, key=lambda name: (-cases[name], name))

    def before(self) -> tuple[date, date]:
        """First and last day of the comparison stretch: three months for a month or quarter, else three periods."""
        if self.period.grain in ("day", "week"):
            return self.period.shifted(-3).start, self.period.start - timedelta(days=1)
        months = parse_period(f"{self.period.start:%Y-%m}")
        return months.shifted(-3).start, months.start - timedelta(days=1)

    @property
    def before_title(self) -> str:
        """The comparison stretch in words."""
        unit = {"day": "days", "week": "weeks"}.get(self.period.grain, "months")
        return f"the three {unit} before"

    def earlier(self) -> tuple[date, date]:
        """First and last day of the stretch before that: six months (weeks, days), for changes that came slowly."""
        start, _ = self.before()
        if self.period.grain == "day":
            return start - timedelta(days=6), start - timedelta(days=1)
        if self.period.grain == "week":
            return start - timedelta(weeks=6), start - timedelta(days=1)
        return parse_period(f"{start:%Y-%m}").shifted(-6).start, start - timedelta(days=1)

    @property
    def earlier_title(self) -> str:
        """The earlier stretch in words."""
        start, end = self.earlier()
        if self.period.grain in ("day", "week"):
            return f"{start} to {end}"
        return f"{start:%B} to {end:%B %Y}" if start.year == end.year else f"{start:%B %Y} to {end:%B %Y}"

    def _period_at(self, day: date, grain: PeriodGrain) -> ReportPeriod:
        period = period_of(day, grain)
        # One that the review's period cuts would look like a fall in volume; the last whole one is the newest.
        return period if period.end <= day else period.shifted(-1)

    def _interval(self, kpi: Kpi, days: DaySums, where: Mapping[str, str] | None, level: float) -> RatioInterval | None:
        """How sure a value is; None for totals and billed amounts, which are counted, not estimated."""
        if kpi.sampling == "none":
            return None
        sums = days.numerator, days.denominator
        try:
            if kpi.sampling == "events":
                return event_rate_interval(*sums, confidence_level=level)
            make = share_interval if kpi.sampling == "cases" else ratio_interval
            known = self._autocorrelation(kpi.name, where)
            spread = self._spread(kpi.name, where, days) if len(days) < MIN_OWN_UNITS else None
            found = make(*sums, confidence_level=level, autocorrelation=known, spread=spread)
        except InsufficientDataError:
            return None
        return found if isfinite(found.ci_low) else None

    def _autocorrelation(self, kpi: str, where: Mapping[str, str] | None) -> float | None:
        key = _slice_key(kpi, where)
        if key not in self._neighbours:
            last = self.period.end
            days = self.by_day(kpi, where).between(last - timedelta(days=_DAYS_FOR_AUTOCORRELATION - 1), last)
            self._neighbours[key] = autocorrelation_of_days(days.numerator, days.denominator)
        return self._neighbours[key]

    def _spread(self, kpi: str, where: Mapping[str, str] | None, days: DaySums) -> Spread | None:
        """Spread of single days (or months) up to these, for a stretch too short to show its own."""
        history = self.by_day(kpi, where).between(date.min, days.days[-1].item()).last(_UNITS_FOR_SPREAD)
        return spread_of_units(history.numerator, history.denominator)


def open_review(
    data: str | Path | Dataset,
    partner: str,
    period: str = "",
    *,
    confidence_level: float = 0.95,
    edition: str = "client",
    audience: str = "account",
    grain: PeriodGrain = "month",
) -> Review:
    """Open the review of one partner in one period.

    Parameters
    ----------
    data : str, Path or Dataset
        Folder of the dataset.
    partner : str
        Id or name of the partner.
    period : str, optional
        2026-03, 2026-W12, 2026-Q1 or 2026-03-14; by default the last complete one of ``grain``.
    confidence_level : float, default 0.95
    edition : {"client", "partner"}
        The partner's edition names no other partner, shows no agent by its id, and leaves out what is the client's
        alone.
    audience : {"steering", "account", "delivery"}
        Forum the page is made for: steering sees less, delivery more.
    grain : {"month", "day", "week", "quarter"}
        What an empty ``period`` takes the last complete one of.

    Returns
    -------
    Review

    Raises
    ------
    DataError
        If the data cannot be used, or the period has no rows.
    UnknownNameError
        If there is no such partner, edition or audience.
    """
    dataset = (data if isinstance(data, Dataset) else open_dataset(data)).prepare()
    keep_in(cache_root() / "calibrations")
    chosen = dataset.period(period, grain=grain)
    return Review(
        dataset=dataset.as_of(chosen.end),
        partner_id=dataset.find_partner(partner),
        period=chosen,
        confidence_level=confidence_level,
        edition=_known("edition", edition, EDITIONS),
        audience=_known("audience", audience, AUDIENCES),
    )


def _known(kind: str, text: str, known: tuple[T, ...]) -> T:
    for name in known:
        if name == text:
            return name
    raise UnknownNameError(kind, text, map(str, known))
