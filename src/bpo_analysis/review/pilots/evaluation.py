"""A finished pilot: the verdict by its registered rule, and everything that speaks for and against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bpo_analysis.data.pilots.spec import PilotMetric
from bpo_analysis.errors import DataError
from bpo_analysis.formats import plural
from bpo_analysis.review.pilots.claims import claims_of
from bpo_analysis.review.pilots.comparability import LARGE_SMD, comparability_of
from bpo_analysis.review.pilots.context import Pilot
from bpo_analysis.review.pilots.estimates import Draw, estimates_of
from bpo_analysis.review.pilots.health import crossing_of, data_health
from bpo_analysis.review.pilots.results import (
    Comparability,
    DataHealth,
    PilotEvaluation,
    PilotVerdict,
    RegressionToMean,
)
from bpo_analysis.review.pilots.sensitivity import regression_of, sensitivity_of
from bpo_analysis.review.pilots.slices import learning_of, slices_of
from bpo_analysis.review.pilots.verdict import judge_pilot

__all__ = ["evaluate_pilot"]

T = TypeVar("T")
FEW_UNITS = 5
BESIDE_RESAMPLES = 999
"""Resamples of what stands beside the verdict."""


def evaluate_pilot(pilot: Pilot, *, n_resamples: int = 4_999, rng: int = 0) -> PilotEvaluation:
    """Judge a finished pilot by its registered rule, and show how much the answer can bear.

    Parameters
    ----------
    pilot : Pilot
        Ended; or stopped early because a planned look crossed its boundary.
    n_resamples : int, default 4999
        Of the verdict's own tests.
    rng : int, default 0
        The fixed default gives the same answer for the same data.

    Returns
    -------
    PilotEvaluation

    Raises
    ------
    PilotError
        If the pilot has not begun or not ended, there is no baseline, or no primary metric can be judged.
    """
    verdict = judge_pilot(pilot, n_resamples=n_resamples, rng=rng)
    draw = Draw(n_resamples=min(n_resamples, BESIDE_RESAMPLES), rng=rng)
    metrics = [metric for metric in pilot.spec.metrics if metric.kpi not in verdict.unready]
    by_kpi = {one.kpi.name: one for one in verdict.metrics}
    left_out: dict[str, str] = {}
    regression = _each("regression", metrics, lambda metric: regression_of(pilot, metric), left_out)
    learning = _each("learning", metrics, lambda metric: learning_of(pilot, metric), left_out)
    sensitivity = _each("sensitivity", metrics, lambda metric: sensitivity_of(pilot, metric, draw), left_out)
    in_arms = [] if pilot.against_history else metrics
    slices = _each("slices", in_arms, lambda metric: slices_of(pilot, metric, draw), left_out)
    alike = None if pilot.against_history else comparability_of(pilot)
    crossing, health = crossing_of(pilot), data_health(pilot)
    first, last = pilot.window
    return PilotEvaluation(
        pilot_id=pilot.id,
        title=pilot.spec.title,
        as_of=pilot.as_of,
        window_start=first,
        window_end=last,
        verdict=verdict,
        comparability=alike,
        estimates={metric.kpi: estimates_of(pilot, by_kpi[metric.kpi], draw) for metric in metrics},
        slices=slices,
        learning=learning,
        sensitivity=sensitivity,
        regression=regression,
        crossing=crossing,
        health=health,
        claims=claims_of(pilot),
        warnings=_warnings(pilot, verdict, alike, regression, health),
        left_out=left_out,
    )


def _each(
    name: str, metrics: list[PilotMetric], make: Callable[[PilotMetric], T], left_out: dict[str, str]
) -> dict[str, T]:
    """Make a view of every metric that allows it, and note the reason of the others."""
    found = {}
    for metric in metrics:
        try:
            found[metric.kpi] = make(metric)
        except DataError as error:
            left_out[f"{name}: {metric.kpi}"] = str(error)
    return found


def _warnings(
    pilot: Pilot,
    verdict: PilotVerdict,
    alike: Comparability | None,
    regression: dict[str, RegressionToMean],
    health: DataHealth,
) -> tuple[str, ...]:
    said = []
    registration = pilot.registration
    if registration is not None and (registration.state != "registered" or registration.late):
        said.append(registration.sentence)
    few = [one for one in verdict.metrics if not pilot.against_history and min(one.n_pilot, one.n_baseline) < FEW_UNITS]
    if few:
        least = min(min(one.n_pilot, one.n_baseline) for one in few)
        said.append(
            f"An arm has only {plural(least, 'unit')} with values: so few show little of how much units differ."
        )
    said += [one.sentence for one in regression.values() if one.flagged and pilot.spec.assignment != "random"]
    if alike is not None and (alike.before["smd"].abs() > LARGE_SMD).any() and pilot.spec.assignment != "random":
        said.append("The arms were not alike before the pilot; see their comparability.")
    n_crossed = int(pilot.units["crossed"].sum())
    if n_crossed:
        said.append(f"{plural(n_crossed, 'unit')} changed arms; they count as assigned.")
    said += [check.sentence for check in health.concerns if check.name != "contamination"]
    if pilot.units["partner_id"].nunique() > 1:
        said.append("The arms belong to different partners.")
    return tuple(said)
