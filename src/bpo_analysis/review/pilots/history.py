"""How much a pilot's units differed before it, and how much of that stays: what a pilot is planned with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from math import isfinite, nan, sqrt
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.review.pilots.context import Pilot
from bpo_analysis.stats import VarianceComponents, variance_components
from bpo_analysis.stats.unit_contrast import contrast_power, detectable_contrast, fit_contrast

__all__ = ["POWER", "ExpectedError", "UnitHistory", "detectable", "power_at", "unit_history"]

POWER = 0.8
MOST_WEEKS = 26
"""Weeks of history before the start that are looked at; older ones were other people in other work."""
MIN_UNITS = 3
MIN_WEEKS = 2
_MOST_CORRELATION = 0.98
_LEAST_SHARE = 1e-9
_DRAWS = 20


class ExpectedError(NamedTuple):
    """Standard error that a difference of arms is expected to have, and how well it is known."""

    standard_error: float
    degrees_of_freedom: float
    """Of the test that the pilot will make."""
    known_from: float
    """Degrees of freedom that the history had to guess the standard error from."""


@dataclass(frozen=True, kw_only=True)
class UnitHistory:
    """Spread of a KPI between units and within them, in the KPI's unit.

    Attributes
    ----------
    value : float
    units, weeks : int
    contacts_per_week : float
        Denominator of a unit and week.
    between, within : float
        Variance of units' true levels; of a single contact around them, fluctuations from week to week included. NaN
        where each unit has one row only, and then ``between`` is that of the units' own values.
    uneven : float
        What unequal volumes add to the variance of a mean of units (1: nothing).
    stability : float
        Correlation of units' true levels with their earlier ones; NaN where the history is too short.
    stability_how : str
    components : VarianceComponents
    """

    value: float
    units: int
    weeks: int
    contacts_per_week: float
    between: float
    within: float
    uneven: float
    stability: float
    stability_how: str
    components: VarianceComponents

    def variance(self, weeks: float) -> float:
        """Variance of units' own values over so many weeks."""
        return self.between + self._chance(weeks)

    def correlation(self, weeks: float, baseline_weeks: float) -> float:
        """Correlation of a unit's value over so many weeks with its own baseline; NaN where it is not known."""
        share = sqrt(self._reliability(weeks) * self._reliability(baseline_weeks))
        return min(self.stability * share, _MOST_CORRELATION)

    def error(self, weeks: float, n_pilot: int, n_baseline: int, baseline_weeks: float | None = None) -> ExpectedError:
        """Standard error of a difference of arms, with own baseline or (None) without."""
        square, known = self.variance(weeks) * (1 / n_pilot + 1 / n_baseline), self.units - 1.0
        rho = nan if baseline_weeks is None else self.correlation(weeks, baseline_weeks)
        if isfinite(rho):
            # As in sample_size: chance differences in the earlier values cost a little, and one slope is estimated.
            square *= (1 - rho**2) * (1 + 1 / max(n_pilot + n_baseline - 4, 1))
            # What units leave open around the slope of a few looks smaller than it is, as their own spread would.
            square *= known / (known - 1)
            known -= 1
        return ExpectedError(sqrt(square), _test_freedom(n_pilot, n_baseline, own_baseline=isfinite(rho)), known)

    def _chance(self, weeks: float) -> float:
        return self.within * self.uneven / (self.contacts_per_week * weeks) if isfinite(self.within) else 0.0

    def _reliability(self, weeks: float) -> float:
        total = self.variance(weeks)
        return self.between / total if total > 0 else 0.0


@cache
def _test_freedom(n_pilot: int, n_baseline: int, *, own_baseline: bool) -> float:
    """Degrees of freedom that the test of so many units will have: those of equal spread.

    With own baselines they depend on how these fall, and with few units that costs more than the one of a slope: the
    mean over baselines that fall like a bell curve.
    """
    arm = np.repeat([1.0, 0.0], [n_pilot, n_baseline])
    known = own_baseline and len(arm) > MIN_UNITS
    draws = np.random.default_rng(0).standard_normal((_DRAWS if known else 1, len(arm)))
    # The values of the units take no part in it.
    fits = [fit_contrast(draw, arm, np.ones(len(arm)), draw if known else None) for draw in draws]
    return max(1.0, float(np.mean([fit.degrees_of_freedom for fit in fits])))


def detectable(error: ExpectedError, level: float) -> float:
    """Difference found (or margin shown not to be lost) with 80 % power, two-sided at this level or one-sided at half.

    The power is what can be expected with a standard error that is itself a guess.
    """
    standard_error, freedom, known = error
    return float(
        detectable_contrast(standard_error, freedom, level=level, two_sided=True, power=POWER, error_freedom=known)
    )


def power_at(error: ExpectedError, margin: float, level: float) -> float:
    """Chance to find a true difference of the margin, or to show that it is not lost where nothing is lost."""
    standard_error, freedom, known = error
    critical = -float(special.stdtrit(freedom, level / 2))
    return contrast_power(margin / standard_error, freedom, critical, error_freedom=known)


def unit_history(pilot: Pilot, kpi: str) -> UnitHistory:
    """Read the spread of the assigned units from the weeks before the start.

    Raises
    ------
    InsufficientDataError
        With fewer than three units before the start.
    """
    end = min(pilot.spec.start - timedelta(days=1), pilot.as_of)
    start = end - timedelta(weeks=MOST_WEEKS) + timedelta(days=1)
    cells = pilot.unit_weeks(kpi, start, end)
    cells = cells[cells["denominator"] > 0]
    if cells["unit"].nunique() < MIN_UNITS:
        raise InsufficientDataError(
            f"a plan for {kpi!r}", needed=MIN_UNITS, got=cells["unit"].nunique(), unit=f"units with rows before {end}"
        )
    scale = pilot.kpi(kpi).scale
    units = cells.groupby("unit")[["numerator", "denominator", "squares"]].sum(min_count=1)
    weeks_of = cells.groupby("unit")["week"].nunique()
    between, within = _spread(cells, units)
    per_week = float((units["denominator"] / weeks_of).mean())
    relative = (units["denominator"] / weeks_of) / per_week
    history = UnitHistory(
        value=scale * float(units["numerator"].sum() / units["denominator"].sum()),
        units=len(units),
        weeks=int(cells["week"].nunique()),
        contacts_per_week=per_week,
        between=scale**2 * between,
        within=scale**2 * within,
        uneven=1 + float(relative.var(ddof=1)),
        stability=nan,
        stability_how="",
        components=_components(units),
    )
    return _with_stability(history, cells, pilot, kpi)


def _spread(cells: pd.DataFrame, units: pd.DataFrame) -> tuple[float, float]:
    """Variance between units and of a contact within, from unit-weeks: one-way analysis of variance."""
    den, value = units["denominator"], units["numerator"] / units["denominator"]
    spare = len(cells) - len(units)
    if spare <= 0:
        return float(value.var(ddof=1)), nan
    own = cells["numerator"] / cells["denominator"] - cells["unit"].map(value)
    within = float((cells["denominator"] * own**2).sum()) / spare
    pooled = float(units["numerator"].sum() / den.sum())
    mean_square = float((den * (value - pooled) ** 2).sum()) / (len(units) - 1)
    size = float(den.sum() - (den**2).sum() / den.sum()) / (len(units) - 1)
    least = _LEAST_SHARE * within
    return max((mean_square - within) / size, least), within


def _components(units: pd.DataFrame) -> VarianceComponents:
    frame = units.reset_index()
    if frame["squares"].notna().all():
        frame = frame.rename(columns={"squares": "sum_squares"})
    return variance_components(frame)


def _with_stability(history: UnitHistory, cells: pd.DataFrame, pilot: Pilot, kpi: str) -> UnitHistory:
    """Add how far the units' levels stay: the last weeks against those before, freed of chance within units.

    As many weeks as pilot and baseline have, where the history has them: what moves moves further in a longer time.
    """
    spec, weeks = pilot.spec, np.sort(cells["week"].unique())
    later, earlier = (
        max(MIN_WEEKS, round(((last - first).days + 1) / 7))
        for first, last in ((spec.first_day, spec.end), (spec.baseline_start, spec.baseline_end))
    )
    later = min(later, len(weeks) // 2)
    earlier = min(earlier, len(weeks) - later)
    if later < MIN_WEEKS or not isfinite(history.within):
        return history
    parts = [cells[cells["week"].isin(some)] for some in (weeks[-later - earlier : -later], weeks[-later:])]
    sums = [part.groupby("unit")[["numerator", "denominator"]].sum() for part in parts]
    values = [part["numerator"] / part["denominator"] for part in sums]
    both = pd.concat(values, axis=1, join="inner").to_numpy()
    if len(both) < MIN_UNITS or both.std(axis=0).min() == 0:
        return history
    history = _of_one_stretch(history, list(zip(parts, sums, strict=True)), pilot.kpi(kpi).scale)
    seen = float(np.corrcoef(both.T)[0, 1])
    share = sqrt(history._reliability(later) * history._reliability(earlier))
    how = f"the last {later} weeks before the start against the {earlier} before them, {len(both)} units"
    # Units hardly differ where the reliability is next to nothing; the own baseline is then of no use.
    stability = min(max(seen / share, 0.0), 1.0) if share > 0.05 else 0.0
    return replace(history, stability=stability, stability_how=how)


def _of_one_stretch(history: UnitHistory, parts: list[tuple[pd.DataFrame, pd.DataFrame]], scale: float) -> UnitHistory:
    """The spread inside a stretch of time as long as the pilot, instead of over all of the history.

    Where levels move, units differ less over the whole of a long time than over each part of it.
    """
    found = [_spread(cells, units) for cells, units in parts if len(units) >= MIN_UNITS]
    between, within = (scale**2 * float(np.mean(values)) for values in zip(*found, strict=True))
    return replace(history, between=between, within=within) if isfinite(within) else history
