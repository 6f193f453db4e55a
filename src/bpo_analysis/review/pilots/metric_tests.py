"""How one metric of a pilot is tested: once at the end, at planned looks, or against its own history.

Every test answers at any confidence level that is asked, because the level of a metric follows from the other metrics
of its family (``pilot_verdict``). ``pvalue < 1 - level`` if and only if the limits leave out 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from math import inf, isfinite, nan
from typing import Protocol

import numpy as np
import pandas as pd
from scipy import special

from bpo_analysis.data.pilots.spec import PilotMetric
from bpo_analysis.errors import DataError, InsufficientDataError
from bpo_analysis.review.pilots.context import Pilot, better_of
from bpo_analysis.review.pilots.history import POWER, unit_history
from bpo_analysis.stats import (
    ArmComparison,
    BeforeAfterResult,
    PilotMonitoring,
    before_after,
    compare_arms,
    look_correlation,
    monitor,
    unit_parts,
)
from bpo_analysis.stats.arm_comparison import Better
from bpo_analysis.stats.monitor import LEAST_GROWTH
from bpo_analysis.stats.sequential import SPENDING, looks_inflation

__all__ = [
    "SPARE",
    "SPELL",
    "UNUSUAL",
    "Answer",
    "ArmsTest",
    "HistoryTest",
    "LooksTest",
    "MetricTester",
    "expected_information",
    "family_level",
    "history_season",
    "history_series",
    "is_bad_spell",
    "look_days",
    "looks_cost",
    "looks_until",
    "needed_information",
    "tester_of",
    "without_spell",
]

SPARE = 1.5
"""What the information expected at the end is multiplied with before looks spend against it. With the same units at
work most of the information is there half-way; without a reserve the looks until then would spend nearly all of the
error rate, and the data of the whole pilot could say little more. The end spends what is left."""
SPELL = 4
"""Periods just before the start that are looked at for an unusual spell."""
UNUSUAL = 1.0
"""Standard deviations of a mean of four periods from which a spell before the start counts as unusual."""
_NOT_MOVED = (
    "The series was already moving before the start, but the unusual spell just before it may be all there is of that; "
    "no trend is taken out."
)
SEASON_MONTHS = 12
SEASON_WEEKS = 52


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A test at one level, in the KPI's unit."""

    estimate: float
    ci_low: float
    ci_high: float
    pvalue: float
    confidence_level: float
    crossed_on: date | None = None

    @property
    def clear(self) -> bool:
        """Whether there is a difference at this level."""
        return self.pvalue < 1 - self.confidence_level


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a test rests on."""

    pilot_value: float
    baseline_value: float
    pilot_before: float
    baseline_before: float
    n_pilot: int
    n_baseline: int
    n_missing: int
    contacts_pilot: float
    contacts_baseline: float
    detectable_effect: float
    method: str
    note: str
    without_spell: tuple[float, float, float] | None = None
    """Estimate and interval without the bad spell before the start, where there was one against history."""


class MetricTester(Protocol):
    """A metric that can be tested at any level."""

    @property
    def metric(self) -> PilotMetric:
        """The metric."""

    @property
    def facts(self) -> Facts:
        """What it rests on."""

    def at(self, confidence_level: float) -> Answer:
        """The answer at a level."""

    def facts_of(self, answer: Answer) -> Facts:
        """What an answer rests on: after a crossed boundary the data until that look."""


@dataclass(kw_only=True)
class ArmsTest:
    """One comparison of the arms at the end."""

    pilot: Pilot
    metric: PilotMetric
    n_resamples: int
    rng: int
    _made: dict[float, ArmComparison] = field(default_factory=dict, init=False)

    def comparison(self, confidence_level: float) -> ArmComparison:
        """The comparison at a level, made once."""
        if confidence_level not in self._made:
            self._made[confidence_level] = compare_arms(
                *self.pilot.arms(self.metric.kpi),
                margin=self.metric.margin,
                better=better_of(self.pilot.kpi(self.metric)),
                confidence_level=confidence_level,
                n_resamples=self.n_resamples,
                rng=self.rng,
            )
        return self._made[confidence_level]

    def at(self, confidence_level: float) -> Answer:
        """The answer at a level."""
        found = self.comparison(confidence_level)
        return Answer(
            estimate=found.estimate,
            ci_low=found.ci_low,
            ci_high=found.ci_high,
            pvalue=found.pvalue,
            confidence_level=confidence_level,
        )

    @property
    def facts(self) -> Facts:
        """What it rests on."""
        return _facts(self.pilot, self.metric, next(iter(self._made.values())), self.pilot.window[1])

    def facts_of(self, answer: Answer) -> Facts:
        """What an answer rests on."""
        return self.facts


@dataclass(kw_only=True)
class LooksTest:
    """The planned looks of a pilot, the end the last of them, judged by alpha spending on the information expected.

    How much a look may spend is fixed before the start, by the information expected there. Spending by the information
    that a look turns out to have picks the looks at which units happen to differ little, and so those at which the
    difference looks large: with two primary metrics 6.4 % of pilots without an effect were called (4,000 simulated,
    10 v 11 and 20 v 60 agents, weekly looks at 5 %). How far looks agree by themselves is taken from the units, because
    their levels move from week to week.

    Intervals and p-values are those of ``monitor``: stagewise at the end, repeated before. Boundaries belong to the
    level that is asked; a smaller level never crosses where a larger one does not, so that Holm's steps may be taken
    over metrics that are looked at repeatedly (Maurer & Bretz 2013).
    """

    pilot: Pilot
    metric: PilotMetric
    expected: tuple[float, ...]
    """Information expected at each planned look."""
    _looks: pd.DataFrame | None = field(default=None, init=False)
    _last: ArmComparison | None = field(default=None, init=False)
    _parts: pd.Series | None = field(default=None, init=False)
    _made: dict[float, PilotMonitoring] = field(default_factory=dict, init=False)

    @property
    def days(self) -> tuple[date, ...]:
        """Last days of the looks so far."""
        return looks_until(self.pilot)

    @property
    def looks(self) -> pd.DataFrame:
        """Estimate, standard error, degrees of freedom and correlation with the look before, of each look so far.

        Missing where there is none.
        """
        if self._looks is None:
            rows = [self._look(day) for day in self.days]
            columns = ["estimate", "se", "degrees_of_freedom", "correlation"]
            self._looks = pd.DataFrame(rows, columns=columns).assign(
                expected_information=self.expected[: len(self.days)]
            )
        return self._looks

    def _look(self, day: date) -> tuple[float, float, float, float]:
        if day < self.pilot.spec.first_day:
            return nan, nan, nan, nan
        try:
            arms = self.pilot.arms(self.metric.kpi, end=day)
        except DataError:
            if day == self.days[-1]:
                raise
            return nan, nan, nan, nan
        found = compare_arms(*arms, better=better_of(self.pilot.kpi(self.metric)), method="t")
        self._last, with_before = found, nan
        # A look at which units do not differ has no standard error and does not count: the next is held against the one
        # before it.
        if isfinite(found.standard_error):
            parts = unit_parts(*arms)
            with_before = nan if self._parts is None else look_correlation(self._parts, parts)
            self._parts = parts
        return found.estimate, found.standard_error, found.degrees_of_freedom, with_before

    def monitoring(self, confidence_level: float) -> PilotMonitoring:
        """Where the pilot stands at a level, made once."""
        if confidence_level not in self._made:
            self._made[confidence_level] = monitor(
                self.looks,
                planned_information=SPARE * self.expected[-1],
                planned_looks=len(look_days(self.pilot)),
                next_information=self._next_information,
                spending=self.pilot.spec.spending,
                confidence_level=confidence_level,
            )
        return self._made[confidence_level]

    @property
    def _next_information(self) -> float | None:
        """Expected at the look to come, after one that counts."""
        used = len(self.days)
        if not 0 < used < len(self.expected):
            return None
        grows = self.expected[used] > self.expected[used - 1] * (1 + LEAST_GROWTH)
        return self.expected[used] if grows else None

    def at(self, confidence_level: float) -> Answer:
        """The answer at a level."""
        found = self.monitoring(confidence_level)
        return Answer(
            estimate=found.estimate,
            ci_low=found.ci_low,
            ci_high=found.ci_high,
            pvalue=found.pvalue,
            confidence_level=confidence_level,
            crossed_on=None if found.stop is None else self.days[found.stop - 1],
        )

    @property
    def facts(self) -> Facts:
        """What the latest look rests on."""
        if not len(self.looks) or self._last is None:
            raise InsufficientDataError(f"a look at {self.metric.kpi!r}", needed=1, got=0, unit="looks with data")
        facts = _facts(self.pilot, self.metric, self._last, self.days[-1])
        return self._named(facts)

    def facts_of(self, answer: Answer) -> Facts:
        """What an answer rests on: after a crossed boundary the data until that look."""
        return self.facts_at(answer.crossed_on) if answer.crossed_on is not None else self.facts

    def facts_at(self, day: date) -> Facts:
        """What the look of a day rests on."""
        if day == self.days[-1]:
            return self.facts
        arms = self.pilot.arms(self.metric.kpi, end=day)
        found = compare_arms(*arms, better=better_of(self.pilot.kpi(self.metric)), method="t")
        return self._named(_facts(self.pilot, self.metric, found, day))

    def _named(self, facts: Facts) -> Facts:
        return replace(facts, method=next(iter(self._made.values())).method if self._made else facts.method)


@dataclass(kw_only=True)
class HistoryTest:
    """The pilot's periods against the baseline window's, with Bonferroni's share for each planned look."""

    pilot: Pilot
    metric: PilotMetric
    _made: dict[float, BeforeAfterResult] = field(default_factory=dict, init=False)

    def result(self, confidence_level: float) -> BeforeAfterResult:
        """Change of level; with the trend taken out where the series was moving before the start.

        Not where an unusual spell just before the start is what makes the trend: drawn on, it would run away from the
        level that the series comes back to by itself, and that return would look like a gain.
        """
        level = 1 - (1 - confidence_level) / len(look_days(self.pilot))
        if level not in self._made:
            series, first, season = history_series(self._cut, self.metric.kpi)
            found = before_after(series, first, season_length=season, confidence_level=level)
            if _moving(found) and not self._made_by_spell(series, first, found):
                found = before_after(series, first, season_length=season, trend=True, confidence_level=level)
            self._made[level] = found
        return self._made[level]

    def _made_by_spell(self, series: pd.Series, first: int, found: BeforeAfterResult) -> bool:
        """Whether the last periods before the start may be all there is of a trend.

        A bad spell always: a decline that was real makes the level model too hard on the pilot, never too kind. A good
        one only where nothing moved before it, or an improvement under way would be taken for a gain.
        """
        if is_bad_spell(found.spell, better_of(self.pilot.kpi(self.metric))):
            return True
        if not abs(found.spell) > UNUSUAL:
            return False
        try:
            return not _moving(before_after(without_spell(series, first), first))
        except DataError:
            return True

    @property
    def _cut(self) -> Pilot:
        """The pilot until its last planned look: what came after is not tested."""
        looks = looks_until(self.pilot)
        return replace(self.pilot, as_of=looks[-1]) if looks and not self.pilot.ended else self.pilot

    def at(self, confidence_level: float) -> Answer:
        """The answer at a level."""
        found = self.result(confidence_level)
        pvalue = min(1.0, found.pvalue * len(look_days(self.pilot)))
        early = pvalue < 1 - confidence_level and not self.pilot.ended
        return Answer(
            estimate=found.estimate,
            ci_low=found.ci_low,
            ci_high=found.ci_high,
            pvalue=pvalue,
            confidence_level=confidence_level,
            crossed_on=looks_until(self.pilot)[-1] if early else None,
        )

    @property
    def facts(self) -> Facts:
        """What it rests on."""
        found = next(iter(self._made.values()))
        kpi = self.metric.kpi
        return Facts(
            pilot_value=found.after,
            baseline_value=found.before,
            pilot_before=found.before,
            baseline_before=nan,
            n_pilot=found.n_after,
            n_baseline=found.n_before,
            n_missing=found.n_missing,
            contacts_pilot=self.pilot.contacts(kpi, *self._cut.window)[0],
            contacts_baseline=self.pilot.contacts(kpi, *self.pilot.baseline)[0],
            detectable_effect=found.detectable_effect,
            method=found.method,
            note=" ".join(_NOT_MOVED if _is_moving(text) else text for text in found.warnings),
        )

    def facts_of(self, answer: Answer) -> Facts:
        """What an answer rests on, with the interval at its level without a bad spell before the start."""
        found = self.result(answer.confidence_level)
        if not is_bad_spell(found.spell, better_of(self.pilot.kpi(self.metric))):
            return self.facts
        series, first, season = history_series(self._cut, self.metric.kpi)
        earlier = without_spell(series, first)
        level = found.confidence_level
        try:
            rest = before_after(earlier, first, season_length=season, confidence_level=level)
        except DataError:
            # Nothing else to compare with: no gain can be told from the return.
            return replace(self.facts, without_spell=(nan, -inf, inf))
        return replace(self.facts, without_spell=(rest.estimate, rest.ci_low, rest.ci_high))


def is_bad_spell(spell: float, better: Better) -> bool:
    """Whether the last periods before the start were so bad that values come back by themselves."""
    return bool(isfinite(spell) and abs(spell) > UNUSUAL and (spell < 0) == (better == "higher"))


def without_spell(series: pd.Series, first: int) -> pd.Series:
    """The series with the last periods before the start left out, their places kept."""
    known = np.flatnonzero(np.isfinite(series.to_numpy()[:first]))[-SPELL:]
    earlier = series.copy()
    earlier.iloc[known] = np.nan
    return earlier


def _moving(found: BeforeAfterResult) -> bool:
    return any(map(_is_moving, found.warnings))


def _is_moving(warning: str) -> bool:
    return "already moving" in warning


def history_series(pilot: Pilot, kpi: str) -> tuple[pd.Series, int, int | None]:
    """Pilot arm's values by period from the baseline window to the end, where the pilot begins, and its season."""
    series = pilot.series(kpi, "pilot", pilot.spec.baseline_start, pilot.window[1])
    # What lies between the baseline window and the first day that counts keeps its place, but not its value.
    inside = (series.index > pd.Timestamp(pilot.spec.baseline_end)) & (
        series.index < pd.Timestamp(pilot.spec.first_day)
    )
    series = series.mask(inside)
    first = int((series.index < pd.Timestamp(pilot.spec.first_day)).sum())
    length = history_season(pilot)
    return series, first, length if first >= 2 * length else None


def history_season(pilot: Pilot) -> int:
    """Periods of a year."""
    return SEASON_MONTHS if pilot.monthly else SEASON_WEEKS


def _facts(pilot: Pilot, metric: PilotMetric, found: ArmComparison, end: date) -> Facts:
    contacts = pilot.contacts(metric.kpi, pilot.spec.first_day, end)
    arms = pilot.arms(metric.kpi, end=end)
    before = [_unit_mean(part["pre_numerator"], part["pre_denominator"]) for part in arms]
    return Facts(
        pilot_value=found.pilot_value,
        baseline_value=found.baseline_value,
        pilot_before=before[0],
        baseline_before=before[1],
        n_pilot=found.n_pilot,
        n_baseline=found.n_baseline,
        n_missing=found.n_missing,
        contacts_pilot=contacts[0],
        contacts_baseline=contacts[1],
        detectable_effect=found.detectable_effect,
        method=found.method + (", own baseline taken into account" if found.adjustment == "own-baseline" else ""),
        note=found.note,
    )


def _unit_mean(numerator: pd.Series, denominator: pd.Series) -> float:
    values = (numerator / denominator).to_numpy(float)
    return float(np.nanmean(values)) if np.isfinite(values).any() else nan


def look_days(pilot: Pilot) -> tuple[date, ...]:
    """All planned looks, the end the last."""
    return (*(day for day in pilot.spec.looks if day < pilot.spec.end), pilot.spec.end)


def looks_until(pilot: Pilot) -> tuple[date, ...]:
    """Planned looks up to ``as_of``."""
    return tuple(day for day in look_days(pilot) if day <= pilot.as_of)


def family_level(pilot: Pilot, metric: PilotMetric) -> float:
    """Bonferroni's share of the level among the metrics of the same role: what boundaries and plans are made with."""
    family = sum(other.role == metric.role for other in pilot.spec.metrics)
    return (1 - pilot.spec.confidence_level) / family


def needed_information(margin: float, level: float) -> float:
    """One over the squared standard error that shows the margin with 80 % power."""
    return float(((special.ndtri(1 - level / 2) + special.ndtri(POWER)) / margin) ** 2)


def expected_information(pilot: Pilot, metric: PilotMetric) -> tuple[float, ...]:
    """One over the squared standard error expected at each planned look: fixed by the pilot file and the rows before.

    Not what the margin would need: with the same units at work most of the information there will ever be is there
    early, and a pilot too small for its margin would else look as if it had hardly begun. Without a history to expect
    from, the end has what the margin needs for 80 % power; where that or a history of one row a unit cannot tell how
    information grows, looks have their share of the days.
    """
    weeks = [((day - pilot.spec.first_day).days + 1) / 7 for day in look_days(pilot)]
    # Looks before the first day that counts have no data and no information.
    weeks = [week if week > 0 else nan for week in weeks]
    errors = _expected_errors(pilot, metric, weeks)
    if errors and errors[-1] > 0:
        end = 1 / errors[-1] ** 2
        if errors[-1] < errors[0]:
            return tuple(1 / error**2 for error in errors)
    else:
        end = needed_information(metric.margin, family_level(pilot, metric))
    return tuple(end * week / weeks[-1] for week in weeks)


def _expected_errors(pilot: Pilot, metric: PilotMetric, weeks: list[float]) -> list[float]:
    """Standard error expected after each number of weeks; none without a history."""
    n = [len(pilot.assigned(arm)) for arm in ("pilot", "baseline")]
    baseline_weeks = ((pilot.spec.baseline_end - pilot.spec.baseline_start).days + 1) / 7
    try:
        history = unit_history(pilot, metric.kpi)
    except DataError:
        return []
    return [history.error(week, n[0], n[1], baseline_weeks).standard_error for week in weeks]


def looks_cost(pilot: Pilot, metric: PilotMetric) -> float:
    """How much larger a gain must be to be found at the planned looks with the power of one look at the end.

    1 for a margin that is not to be lost: that is shown at the end, where looks took nothing away from it.
    """
    if len(look_days(pilot)) == 1 or metric.test == "noninferiority":
        return 1.0
    expected = np.array(expected_information(pilot, metric))
    expected = expected[np.isfinite(expected)]
    return looks_inflation(
        expected / (SPARE * expected[-1]),
        SPENDING[pilot.spec.spending],
        level=family_level(pilot, metric) / 2,
        power=POWER,
    )


def tester_of(pilot: Pilot, metric: PilotMetric, *, n_resamples: int, rng: int) -> MetricTester:
    """The test that the pilot file registered for a metric."""
    if pilot.against_history:
        return HistoryTest(pilot=pilot, metric=metric)
    if len(look_days(pilot)) > 1:
        return LooksTest(pilot=pilot, metric=metric, expected=expected_information(pilot, metric))
    return ArmsTest(pilot=pilot, metric=metric, n_resamples=n_resamples, rng=rng)
