"""Where a running pilot stands, as an object of numbers and sentences; no p-value of a single look is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import pandas as pd

from bpo_analysis.data.pilots.spec import MetricRole, MetricTest
from bpo_analysis.kpis import Kpi
from bpo_analysis.stats.result import Result

__all__ = ["DataHealth", "HealthCheck", "HealthState", "LookState", "MetricLook", "PilotLook"]

LookState = Literal["too early", "running", "crossed", "ended"]
HealthState = Literal["fine", "look into it", "not checked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricLook(Result):
    """Where one metric stands at the latest planned look. Every p-value and interval holds at all looks together.

    Attributes
    ----------
    kpi, role, test, margin, better
    look : int
        Planned look this is about, counted from 1.
    day : date
        Last day of its data.
    crossed : bool
    crossed_on : date or None
        Planned look at which the boundary was crossed first.
    direction : str
        "better", "worse" or (a small loss inside the margin) "not worse" where crossed, else empty.
    information_fraction, statistic, boundary, boundary_estimate : float
        Share of the information of the end that was expected at this look before the start; distance in standard
        errors, and the distance and difference that cross.
    estimate, ci_low, ci_high, confidence_level, pvalue : float
        Repeated interval and repeated p-value (stagewise ones at the end); NaN where no look counts yet.
    level_spent : float
    conditional_power : float
        Chance that the end crosses if the estimate is the truth; NaN at the end.
    next_boundary, next_information_fraction : float
    planned_information : float
        Expected at the end.
    n_pilot, n_baseline, contacts_pilot, contacts_baseline : int, float
    table : DataFrame
        One row a look: look, day, information_fraction, statistic, boundary, estimate, ci_low, ci_high (repeated),
        state.
    sentence, note : str
    """

    kpi: Kpi
    role: MetricRole
    test: MetricTest
    margin: float
    better: str
    look: int
    day: date
    crossed: bool
    crossed_on: date | None
    direction: str
    information_fraction: float
    statistic: float
    boundary: float
    boundary_estimate: float
    estimate: float
    ci_low: float
    ci_high: float
    confidence_level: float
    pvalue: float
    level_spent: float
    conditional_power: float
    next_boundary: float
    next_information_fraction: float
    planned_information: float
    n_pilot: int
    n_baseline: int
    contacts_pilot: float
    contacts_baseline: float
    table: pd.DataFrame
    sentence: str
    note: str

    def summary(self) -> str:
        """Return whether the boundary was crossed."""
        return self.sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck(Result):
    """One check of the data of a running pilot.

    Attributes
    ----------
    name : str
    state : {"fine", "look into it", "not checked"}
    sentence : str
    """

    name: str
    state: HealthState
    sentence: str

    def summary(self) -> str:
        """Return the finding."""
        return self.sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class DataHealth(Result):
    """Whether the data of a pilot can carry its answer.

    Attributes
    ----------
    checks : tuple of HealthCheck
        Split of units, split of contacts, missing metrics, answers per contact, contamination, units that left.
    arms : DataFrame
        Index arm: assigned, with_rows, left.
    metrics : DataFrame
        kpi, arm, units, without (units without a value), per_unit_week_before, per_unit_week, change (share).
    """

    checks: tuple[HealthCheck, ...]
    arms: pd.DataFrame
    metrics: pd.DataFrame

    @property
    def concerns(self) -> tuple[HealthCheck, ...]:
        """Checks that found something."""
        return tuple(check for check in self.checks if check.state == "look into it")

    def summary(self) -> str:
        """Return the concerns."""
        found = " ".join(check.sentence for check in self.concerns)
        return found or "No check of the data found anything to look into."


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotLook(Result):
    """A look at a running pilot.

    Attributes
    ----------
    pilot_id, title : str
    as_of : date
    state : {"too early", "running", "crossed", "ended"}
        Too early: no planned look yet. Crossed: a metric crossed its boundary at a planned look.
    looks_planned, looks_used : int
        The end counts as the last look.
    look_days : tuple of date
    last_look, next_look : date or None
    days_since_look : int
        Days of data after the last look, of which nothing is tested.
    metrics : tuple of MetricLook
        Empty while it is too early.
    unready : mapping of str to str
        Metrics that cannot be looked at, with the reason.
    health : DataHealth
    sentences : tuple of str
    """

    pilot_id: str
    title: str
    as_of: date
    state: LookState
    looks_planned: int
    looks_used: int
    look_days: tuple[date, ...]
    last_look: date | None
    next_look: date | None
    days_since_look: int
    metrics: tuple[MetricLook, ...]
    unready: Mapping[str, str]
    health: DataHealth
    sentences: tuple[str, ...]

    def summary(self) -> str:
        """Return where the pilot stands."""
        return " ".join([*self.sentences, *(metric.sentence for metric in self.metrics), self.health.summary()])
