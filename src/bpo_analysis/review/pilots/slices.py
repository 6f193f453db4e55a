"""Does the difference depend on the kind of work? And does it still move?"""

from __future__ import annotations

from dataclasses import replace
from math import isfinite, nan

import numpy as np
import pandas as pd

from bpo_analysis.data.pilots.spec import PilotMetric
from bpo_analysis.errors import DataError, InsufficientDataError
from bpo_analysis.formats import format_change, format_pvalue, plain
from bpo_analysis.review.pilots.context import ARMS, Pilot
from bpo_analysis.review.pilots.estimates import Draw, compared
from bpo_analysis.review.pilots.results import LearningCurve, SliceEffects
from bpo_analysis.stats import adjust_pvalues, compare_arms, detect_trend
from bpo_analysis.stats.interaction import slice_interaction

__all__ = ["learning_of", "slices_of"]

SLICED = ("channel", "product", "category")
MIN_SLICE_UNITS = 4
"""Units with cases that each arm needs in a slice."""
MOST_SLICES = 12
MIN_TREND_WEEKS = 12


def slices_of(pilot: Pilot, metric: PilotMetric, draw: Draw) -> tuple[SliceEffects, ...]:
    """The difference by channel, product and category, each with a test of its being the same in all slices."""
    names = [name for name in SLICED if name in pilot.slice_names(metric.kpi)]
    found = [one for name in names if (one := _dimension(pilot, metric, name, draw)) is not None]
    pvalues = [one.pvalue for one in found]
    adjusted = adjust_pvalues(pvalues) if pvalues else []
    return tuple(
        replace(one, adjusted_pvalue=float(pvalue), sentence=_sentence(pilot, one, float(pvalue)))
        for one, pvalue in zip(found, adjusted, strict=True)
    )


def _dimension(pilot: Pilot, metric: PilotMetric, dimension: str, draw: Draw) -> SliceEffects | None:
    cells = pilot.cells(metric.kpi, (dimension,), *pilot.window)
    cells = cells[cells["denominator"] > 0]
    if cells.empty:
        return None
    counts = cells.pivot_table(index="slice", columns="arm", values="unit", aggfunc="nunique", fill_value=0)
    counts = counts.reindex(columns=list(ARMS), fill_value=0)
    order = cells.groupby("slice")["denominator"].sum().sort_values(ascending=False).index
    usable = [name for name in order if counts.loc[name].min() >= MIN_SLICE_UNITS][:MOST_SLICES]
    effects, pvalue = [], nan
    for name in usable:
        part = cells[cells["slice"] == name]
        arms = tuple(part[part["arm"] == arm][["unit", "numerator", "denominator"]] for arm in ARMS)
        effects.append(compared(pilot, metric, str(name), (arms[0], arms[1]), draw, adjust="none"))
    if len(usable) > 1:
        part = cells[cells["slice"].isin(usable)]
        values = (part["numerator"] / part["denominator"]).to_numpy()
        table = pd.DataFrame({"unit": part["unit"], "slice": part["slice"], "value": values})
        wide = table.pivot_table(index="unit", columns="slice", values="value")
        is_pilot = wide.index.isin(pilot.assigned("pilot"))
        try:
            pvalue = slice_interaction(wide.to_numpy(), is_pilot, n_resamples=draw.n_resamples, rng=draw.rng).pvalue
        except InsufficientDataError:
            pvalue = nan
    return SliceEffects(
        kpi=pilot.kpi(metric),
        dimension=dimension,
        effects=tuple(effects),
        left_out=tuple(str(name) for name in order if name not in usable),
        pvalue=pvalue,
        adjusted_pvalue=nan,
        sentence="",
    )


def _sentence(pilot: Pilot, one: SliceEffects, adjusted: float) -> str:
    what = plain(one.dimension)
    left = f" {len(one.left_out)} with too few units in an arm are left out." if one.left_out else ""
    if not isfinite(adjusted):
        return f"By {what} there are too few slices with units in both arms to compare.{left}"
    p = f"p {format_pvalue(adjusted)}, adjusted over the dimensions"
    if adjusted < 1 - pilot.spec.confidence_level:
        ends = sorted(one.effects, key=lambda effect: effect.estimate)
        texts = [f"{effect.name} {format_change(effect.estimate, one.kpi.unit)}" for effect in (ends[0], ends[-1])]
        return f"The difference depends on the {what} ({p}): from {texts[0]} to {texts[1]}.{left}"
    shown = f"That the difference depends on the {what} is not shown ({p})"
    return f"{shown}; slices that look different may be chance.{left}"


def learning_of(pilot: Pilot, metric: PilotMetric) -> LearningCurve:
    """The arms week by week from the baseline window on, and whether their difference still moves."""
    kpi, spec = pilot.kpi(metric), pilot.spec
    start, end = spec.baseline_start, pilot.window[1]
    arms: tuple[str, ...] = ARMS[:1] if pilot.against_history else ARMS
    table = pd.DataFrame({arm: pilot.series(metric.kpi, arm, start, end) for arm in arms})  # type: ignore[arg-type]
    if "baseline" not in table:
        table["baseline"] = nan
    index = pd.DatetimeIndex(table.index)
    phase = np.where(
        index < pd.Timestamp(spec.start), "before", np.where(index < pd.Timestamp(spec.first_day), "ramp", "pilot")
    )
    table.insert(0, "phase", phase)
    weekly = [_week(pilot, metric, index, place) for place in range(len(index))]
    columns = ["difference", "ci_low", "ci_high", "n_pilot", "n_baseline"]
    table = table.join(pd.DataFrame(weekly, index=index, columns=columns))
    since = table[table["phase"] != "before"]
    moving, sentence = _movement(pilot, since)
    return LearningCurve(
        kpi=kpi,
        table=table.rename_axis("week").reset_index(),
        confidence_level=spec.confidence_level,
        weeks=len(since),
        moving=moving,
        sentence=sentence,
    )


def _week(pilot: Pilot, metric: PilotMetric, index: pd.DatetimeIndex, place: int) -> tuple[float, ...]:
    """Difference of the units' values in one period, with its interval; earlier values taken into account."""
    nothing = (nan, nan, nan, 0, 0)
    if pilot.against_history or index[place] < pd.Timestamp(pilot.spec.start):
        return nothing
    first = index[place].date()
    last = pilot.as_of
    if place + 1 < len(index):
        last = (index[place + 1] - pd.Timedelta(days=1)).date()
    try:
        arms = pilot.arms(metric.kpi, first, last)
        found = compare_arms(*arms, method="t", confidence_level=pilot.spec.confidence_level)
    except DataError:
        return nothing
    return found.estimate, found.ci_low, found.ci_high, found.n_pilot, found.n_baseline


def _movement(pilot: Pilot, since: pd.DataFrame) -> tuple[bool | None, str]:
    period = "months" if pilot.monthly else "weeks"
    values = since["pilot"] if pilot.against_history else since["difference"]
    known = int(values.notna().sum())
    what = "pilot arm's value" if pilot.against_history else "difference"
    if known < MIN_TREND_WEEKS:
        return None, (
            f"{known} {period} since the start are too few to tell whether the {what} still moves "
            f"({MIN_TREND_WEEKS} needed); look at the curve, not for a trend."
        )
    try:
        trend = detect_trend(values.to_numpy(float))
    except InsufficientDataError as error:
        return None, f"Whether the {what} still moves cannot be told: {error}"
    if trend.pvalue < 1 - pilot.spec.confidence_level:
        way = "rising" if trend.slope_per_period > 0 else "falling"
        return True, (
            f"The {what} was still {way} over the {known} {period} since the start (p "
            f"{format_pvalue(trend.pvalue)}): the "
            "average over the pilot is not where it ended."
        )
    return (
        False,
        f"No trend of the {what} found over the {known} {period} since the start (p {format_pvalue(trend.pvalue)}).",
    )
