"""The same difference in several ways: how much does the method matter?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isfinite, nan

import numpy as np
import pandas as pd

from bpo_analysis.data.pilots.spec import PilotMetric
from bpo_analysis.errors import DataError
from bpo_analysis.review.pilots.context import Pilot, better_of
from bpo_analysis.review.pilots.metric_tests import SPELL, history_season, history_series, without_spell
from bpo_analysis.review.pilots.results import Effect, MetricVerdict
from bpo_analysis.review.pilots.verdict import word_of
from bpo_analysis.stats import ArmComparison, BeforeAfterResult, before_after, compare_arms

__all__ = ["Draw", "compared", "estimates_of", "missing_effect"]

MIX = ("category", "channel", "product")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """How resampling is done beside the verdict."""

    n_resamples: int = 999
    rng: int = 0


def compared(
    pilot: Pilot, metric: PilotMetric, name: str, arms: tuple[pd.DataFrame, pd.DataFrame], draw: Draw, note: str = "",
    *, adjust: str = "auto", estimand: str = "unit_mean",
) -> Effect:  # fmt: skip
    """Compare two tables of units at the pilot's own level, with the word this alone would give."""
    kpi = pilot.kpi(metric)
    found = compare_arms(
        *arms,
        better=better_of(kpi),
        confidence_level=pilot.spec.confidence_level,
        adjust=adjust,  # type: ignore[arg-type]
        estimand=estimand,  # type: ignore[arg-type]
        n_resamples=draw.n_resamples,
        rng=draw.rng,
    )
    return _effect(pilot, metric, name, found, note)


def _effect(pilot: Pilot, metric: PilotMetric, name: str, found: ArmComparison, note: str) -> Effect:
    return Effect(
        name=name,
        estimate=found.estimate,
        ci_low=found.ci_low,
        ci_high=found.ci_high,
        confidence_level=found.confidence_level,
        pvalue=found.pvalue,
        n_pilot=found.n_pilot,
        n_baseline=found.n_baseline,
        word=word_of(metric, pilot.kpi(metric), found.ci_low, found.ci_high),
        note=note,
    )


def missing_effect(pilot: Pilot, name: str, reason: str) -> Effect:
    """An estimate that could not be made, with the reason."""
    return Effect(
        name=name, estimate=nan, ci_low=nan, ci_high=nan, confidence_level=pilot.spec.confidence_level, note=reason
    )


def estimates_of(pilot: Pilot, verdict: MetricVerdict, draw: Draw) -> tuple[Effect, ...]:
    """All ways to estimate a metric, the verdict's own first."""
    metric = next(one for one in pilot.spec.metrics if one.kpi == verdict.kpi.name)
    own = Effect(
        name="verdict",
        estimate=verdict.estimate,
        ci_low=verdict.plain_low,
        ci_high=verdict.plain_high,
        confidence_level=verdict.plain_level,
        n_pilot=verdict.n_pilot,
        n_baseline=verdict.n_baseline,
        word=word_of(metric, verdict.kpi, verdict.plain_low, verdict.plain_high),
        note=f"The estimate of the verdict: {verdict.method}.",
    )
    if pilot.against_history:
        return own, *_history_estimates(pilot, metric)
    ways: list[tuple[str, Callable[[], Effect]]] = [
        ("mean of units, earlier values left out", lambda: _raw(pilot, metric, draw, "unit_mean")),
        ("ratio of sums, earlier values left out", lambda: _raw(pilot, metric, draw, "ratio")),
        ("own baseline taken into account", lambda: _own_baseline(pilot, metric, draw)),
        ("difference-in-differences", lambda: _change_scores(pilot, metric, draw)),
        ("on the same mix of work", lambda: _same_mix(pilot, metric, draw)),
        ("pilot arm before and after alone", lambda: _before_after(pilot, metric)),
    ]
    return own, *(_tried(pilot, name, make) for name, make in ways)


def _tried(pilot: Pilot, name: str, make: Callable[[], Effect]) -> Effect:
    try:
        return make()
    except DataError as error:
        return missing_effect(pilot, name, str(error))


def _raw(pilot: Pilot, metric: PilotMetric, draw: Draw, estimand: str) -> Effect:
    titles = {"unit_mean": "mean of units", "ratio": "ratio of sums"}
    notes = {
        "unit_mean": "Difference of the units' values in the pilot window, each unit once.",
        "ratio": "Difference of the KPI's own values, each contact once; chance between units.",
    }
    arms = pilot.arms(metric.kpi)
    name = f"{titles[estimand]}, earlier values left out"
    return compared(pilot, metric, name, arms, draw, notes[estimand], adjust="none", estimand=estimand)


def _own_baseline(pilot: Pilot, metric: PilotMetric, draw: Draw) -> Effect:
    note = "Units compared with others of the same earlier value (regression on the own baseline)."
    arms = pilot.arms(metric.kpi)
    return compared(pilot, metric, "own baseline taken into account", arms, draw, note, adjust="own-baseline")


def _change_scores(pilot: Pilot, metric: PilotMetric, draw: Draw) -> Effect:
    frames = []
    for part in pilot.arms(metric.kpi):
        change = part["numerator"] / part["denominator"] - part["pre_numerator"] / part["pre_denominator"]
        frames.append(pd.DataFrame({"unit": part["unit"], "numerator": change, "denominator": 1.0}))
    note = "Difference of the units' changes since the baseline window; units without earlier values left out."
    return compared(pilot, metric, "difference-in-differences", (frames[0], frames[1]), draw, note)


def _same_mix(pilot: Pilot, metric: PilotMetric, draw: Draw) -> Effect:
    """Units' values less what the baseline arm reaches on the unit's own mix of work."""
    dimensions = tuple(name for name in MIX if name in pilot.slice_names(metric.kpi))
    name = "on the same mix of work"
    if not dimensions:
        return missing_effect(pilot, name, "The rows have no slice that varies.")
    cells = pilot.cells(metric.kpi, dimensions, *pilot.window)
    baseline = cells[cells["arm"] == "baseline"].groupby("slice")[["numerator", "denominator"]].sum()
    pooled = cells.groupby("slice")[["numerator", "denominator"]].sum()
    rate = (baseline["numerator"] / baseline["denominator"].where(baseline["denominator"] > 0)).reindex(pooled.index)
    rate = rate.fillna(pooled["numerator"] / pooled["denominator"])
    level = float(baseline["numerator"].sum() / baseline["denominator"].sum())
    expected = (cells["denominator"] * cells["slice"].map(rate)).groupby(cells["unit"]).sum()
    frames = []
    for part in pilot.arms(metric.kpi):
        on_mix = part["numerator"] - part["unit"].map(expected) + level * part["denominator"]
        frames.append(part.assign(numerator=on_mix))
    mix = ", ".join(dimensions)
    note = f"Units' values less those of the baseline arm on the same {mix}; own baseline as in the verdict."
    return compared(pilot, metric, name, (frames[0], frames[1]), draw, note)


def _before_after(pilot: Pilot, metric: PilotMetric) -> Effect:
    series, first, season = history_series(pilot, metric.kpi)
    found = before_after(series, first, season_length=season, confidence_level=pilot.spec.confidence_level)
    note = "What the pilot arm did, against its own baseline; whatever else changed at the time is in it."
    return _from_history(pilot, metric, "pilot arm before and after alone", found, note)


def _from_history(pilot: Pilot, metric: PilotMetric, name: str, found: BeforeAfterResult, note: str) -> Effect:
    return Effect(
        name=name,
        estimate=found.estimate,
        ci_low=found.ci_low,
        ci_high=found.ci_high,
        confidence_level=found.confidence_level,
        pvalue=found.pvalue,
        n_pilot=found.n_after,
        n_baseline=found.n_before,
        word=word_of(metric, pilot.kpi(metric), found.ci_low, found.ci_high) if isfinite(found.ci_low) else "",
        note=" ".join([note, *found.warnings]),
    )


def _history_estimates(pilot: Pilot, metric: PilotMetric) -> tuple[Effect, ...]:
    """Step alone, with trend, with season, and the naive difference of means, as far as the series allows."""
    series, first, _ = history_series(pilot, metric.kpi)
    season, level = history_season(pilot), pilot.spec.confidence_level
    ways: list[tuple[str, bool, int | None]] = [("step alone", False, None), ("step and trend", True, None)]
    if first >= 2 * season:
        ways += [("step and season", False, season), ("step, season and trend", True, season)]
    found = []
    for name, trend, length in ways:
        try:
            result = before_after(series, first, trend=trend, season_length=length, confidence_level=level)
        except DataError as error:
            found.append(missing_effect(pilot, name, str(error)))
        else:
            found.append(_from_history(pilot, metric, name, result, ""))
    name = f"step alone, last {SPELL} periods before the start left out"
    try:
        result = before_after(without_spell(series, first), first, confidence_level=level)
    except DataError as error:
        found.append(missing_effect(pilot, name, str(error)))
    else:
        found.append(_from_history(pilot, metric, name, result, "What is left where the start followed a bad spell."))
    values = series.to_numpy()
    naive = float(np.nanmean(values[first:]) - np.nanmean(values[:first]))
    note = "Mean after less mean before: trend, season and chance are in it. To be compared with, not to be quoted."
    return *found, replace(missing_effect(pilot, "difference of means", note), estimate=naive)
