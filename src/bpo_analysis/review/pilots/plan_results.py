"""What a pilot can show, as an object of numbers and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from bpo_analysis.data.pilots.spec import MetricRole, MetricTest
from bpo_analysis.kpis import Kpi
from bpo_analysis.stats.result import Result

__all__ = ["MetricPlan", "PilotPlan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPlan(Result):
    """What the planned pilot can show about one metric, from the units' own history.

    Attributes
    ----------
    kpi, role, test, margin, better
    confidence_level : float
        Bonferroni's share of the level for the metrics of this role.
    value : float
        The KPI over the history.
    units, contacts_per_unit_week : int, float
        Units with history; what the KPI's denominator has a unit and week.
    icc, icc_ci_low, icc_ci_high : float
        Intraclass correlation of contacts within units; NaN where the sums cannot tell.
    sd_units : float
        Of the units' own values over as long as the pilot lasts.
    persistence, persistence_how : float, str
        Correlation of a unit's value with its own earlier one, and how it was found; NaN where it cannot be told.
    detectable, detectable_without : float
        Smallest true difference found (margin shown not to be lost) with 80 % power, with and without own baseline.
    power, power_without : float
        Chance that the planned pilot shows the margin.
    enough : bool
        Whether that is 80 % or more (with own baseline where it is of use).
    needed_units : int or None
        Pilot units that would do, at the planned weeks and ratio of the arms; None where none do.
    needed_weeks : int or None
        Weeks that would do, with the planned units; None where no number up to 52 does.
    needed_margin : float
        Margin that the planned pilot can show.
    planned_information : float
        One over the squared standard error expected at the end.
    curve : DataFrame
        weeks, n_pilot, n_baseline, own_baseline (bool), detectable, power, planned (bool).
    sentence, note : str
    """

    kpi: Kpi
    role: MetricRole
    test: MetricTest
    margin: float
    better: str
    confidence_level: float
    value: float
    units: int
    contacts_per_unit_week: float
    icc: float
    icc_ci_low: float
    icc_ci_high: float
    sd_units: float
    persistence: float
    persistence_how: str
    detectable: float
    detectable_without: float
    power: float
    power_without: float
    enough: bool
    needed_units: int | None
    needed_weeks: int | None
    needed_margin: float
    planned_information: float
    curve: pd.DataFrame
    sentence: str
    note: str

    def summary(self) -> str:
        """Return what the planned pilot can show."""
        return " ".join([self.sentence, *([self.note] if self.note else [])])


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotPlan(Result):
    """What a pilot of this size can show.

    Attributes
    ----------
    pilot_id, title : str
    as_of : date
    history_start, history_end : date
        Rows that the plan rests on: all before the start of the pilot.
    n_pilot, n_baseline : int
        Units assigned to the arms (or assumed half and half, see ``notes``).
    weeks : float
        That count: start to end without ramp.
    metrics : tuple of MetricPlan
    unready : mapping of str to str
        Metrics without enough history, with the reason.
    weekly : DataFrame
        week, units, and the denominator of each metric: what there is to work with.
    enough : bool
        Whether every primary metric has 80 % power.
    notes : tuple of str
    """

    pilot_id: str
    title: str
    as_of: date
    history_start: date
    history_end: date
    n_pilot: int
    n_baseline: int
    weeks: float
    metrics: tuple[MetricPlan, ...]
    unready: Mapping[str, str]
    weekly: pd.DataFrame
    enough: bool
    notes: tuple[str, ...]

    def summary(self) -> str:
        """Return whether the pilot can show what it is for."""
        head = f"{self.n_pilot} pilot units and {self.n_baseline} baseline units over {self.weeks:g} weeks that count."
        missing = [f"{kpi}: {reason}" for kpi, reason in self.unready.items()]
        return " ".join([head, *(metric.sentence for metric in self.metrics), *missing])
