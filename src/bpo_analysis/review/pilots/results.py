"""What is known about a pilot, before, during and after it: frozen objects of numbers, verdict words and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Literal

import pandas as pd

from bpo_analysis.data.pilots.spec import Decision, MetricRole, MetricTest, Outcome
from bpo_analysis.formats import format_change, format_interval
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.pilots.look_results import (
    DataHealth,
    HealthCheck,
    HealthState,
    LookState,
    MetricLook,
    PilotLook,
)
from bpo_analysis.review.pilots.plan_results import MetricPlan, PilotPlan
from bpo_analysis.stats.result import Result

__all__ = [
    "Claims",
    "Comparability",
    "Crossing",
    "DataHealth",
    "Effect",
    "HealthCheck",
    "HealthState",
    "LearningCurve",
    "LeaveOneOut",
    "LookState",
    "MetricLook",
    "MetricPlan",
    "MetricVerdict",
    "PilotEvaluation",
    "PilotLook",
    "PilotPlan",
    "PilotVerdict",
    "RegressionToMean",
    "Sensitivity",
    "SliceEffects",
    "Word",
    "change_text",
]

Word = Literal["better", "not worse", "worse", "cannot tell"]


def change_text(kpi: Kpi, value: float, low: float, high: float, confidence_level: float) -> str:
    """Print a difference with its interval in the KPI's unit."""
    level = f"{100 * confidence_level:.4g} % interval"
    if not (isfinite(low) and isfinite(high)):
        return f"{format_change(value, kpi.unit)} (no {level} can be given)"
    interval = format_interval(low, high, kpi.unit)
    return f"{format_change(value, kpi.unit)} ({level} {interval.replace(' %', ' pp')})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect(Result):
    """One estimate of a difference, pilot less baseline, in the KPI's unit.

    Attributes
    ----------
    name : str
        The method, window or slice, as printed.
    estimate, ci_low, ci_high, confidence_level : float
        NaN where it could not be computed; ``note`` says why.
    pvalue : float
        Of no difference, for this estimate alone; not adjusted for anything.
    n_pilot, n_baseline : int
        Units (for a before/after comparison: weeks after and before).
    word : str
        What this estimate alone would say at its own level; empty where that is not asked.
    note : str
    """

    name: str
    estimate: float
    ci_low: float
    ci_high: float
    confidence_level: float
    pvalue: float = float("nan")
    n_pilot: int = 0
    n_baseline: int = 0
    word: Word | Literal[""] = ""
    note: str = ""

    def summary(self) -> str:
        """Return the estimate with its interval, in plain numbers."""
        if not isfinite(self.estimate):
            return f"{self.name}: not computed. {self.note}"
        return f"{self.name}: {self.estimate:+.4g} ({self.ci_low:.4g} to {self.ci_high:.4g}). {self.note}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricVerdict(Result):
    """What the pilot says about one metric.

    Attributes
    ----------
    kpi, role, test, margin, better
    word : {"better", "not worse", "worse", "cannot tell"}
    detail : str
        What the word leaves out; may be empty.
    met : bool
        Better; or not worse where that is what the metric was for.
    estimate, ci_low, ci_high, confidence_level : float
        Pilot less baseline in the KPI's unit; the interval at the level that the word was read from.
    plain_low, plain_high, plain_level : float
        The same interval at the pilot's own level, as if this metric were alone.
    pvalue, adjusted_pvalue : float
        Of no difference; adjusted over the metrics of the same role (Holm).
    family : str
        Who it was adjusted with.
    per_1000, per_1000_low, per_1000_high : float
        More (less) per 1,000 of the KPI's base; shares only, else NaN.
    pilot_value, baseline_value : float
    pilot_before, baseline_before : float
        The same units' values in the baseline window (of a comparison with history: pilot_before alone).
    n_pilot, n_baseline, n_missing : int
        Units (weeks, against history).
    contacts_pilot, contacts_baseline : float
    detectable_effect : float
    crossed_on : date or None
        Interim look at which the boundary was crossed; everything above is then of the data until that day.
    estimate_all : float
        The estimate with all data, where the boundary was crossed earlier; else NaN. It does not change the word.
    without_spell : tuple of float, optional
        Against history after a bad spell before the start: estimate and interval without that spell. A good word has to
        hold there too. NaN where it cannot be given.
    method, note : str
    """

    kpi: Kpi
    role: MetricRole
    test: MetricTest
    margin: float
    better: str
    word: Word
    detail: str
    met: bool
    estimate: float
    ci_low: float
    ci_high: float
    confidence_level: float
    plain_low: float
    plain_high: float
    plain_level: float
    pvalue: float
    adjusted_pvalue: float
    family: str
    per_1000: float
    per_1000_low: float
    per_1000_high: float
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
    crossed_on: date | None
    method: str
    note: str
    estimate_all: float = float("nan")
    without_spell: tuple[float, float, float] | None = None

    def summary(self) -> str:
        """Return the word with its numbers."""
        change = change_text(self.kpi, self.estimate, self.ci_low, self.ci_high, self.confidence_level)
        detail = f" {self.detail[0].upper()}{self.detail[1:]}." if self.detail else ""
        return f"{self.kpi.label}: {self.word}, {change}.{detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotVerdict(Result):
    """What follows from the registered rule.

    Attributes
    ----------
    outcome : {"met", "worse", "guardrail", "cannot_tell"}
    decision : {"expand", "extend", "change", "stop"}
    metrics : tuple of MetricVerdict
        In the order of the pilot file.
    unready : mapping of str to str
        Metrics that cannot be judged, with the reason; a primary one makes the outcome "cannot_tell" at best.
    reasons : tuple of str
        Why this outcome.
    multiplicity : tuple of str
        Who was adjusted with whom, and for how many looks.
    confidence_level : float
    """

    outcome: Outcome
    decision: Decision
    metrics: tuple[MetricVerdict, ...]
    unready: Mapping[str, str]
    reasons: tuple[str, ...]
    multiplicity: tuple[str, ...]
    confidence_level: float

    def summary(self) -> str:
        """Return the decision and its reasons."""
        return " ".join([f"By its rule: {self.decision}.", *self.reasons])


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparability(Result):
    """How alike the arms were before.

    Attributes
    ----------
    arms : DataFrame
        Index arm: units, with_rows, contacts (largest denominator among the metrics), partners.
    before : DataFrame
        Index kpi: pilot, baseline, difference, smd (in standard deviations of units), n_pilot, n_baseline.
    mix : DataFrame
        dimension, slice, pilot, baseline (shares of the contacts of the pilot window).
    distance : mapping of str to float
        Total variation distance of the arms' mix by dimension: share of contacts that would have to move.
    tenure : DataFrame or None
        Index arm: units, mean_days, median_days; None without a roster.
    tenure_smd : float
    sentences : tuple of str
    """

    arms: pd.DataFrame
    before: pd.DataFrame
    mix: pd.DataFrame
    distance: Mapping[str, float]
    tenure: pd.DataFrame | None
    tenure_smd: float
    sentences: tuple[str, ...]

    def summary(self) -> str:
        """Return what stands out."""
        return " ".join(self.sentences)


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceEffects(Result):
    """The difference by slice of one dimension.

    Attributes
    ----------
    kpi, dimension : Kpi, str
    effects : tuple of Effect
        Slices with enough units in both arms, most contacts first.
    left_out : tuple of str
        Slices with too few units.
    pvalue, adjusted_pvalue : float
        Of the same difference in all slices; adjusted over all dimensions of this KPI (Holm). NaN with fewer than two.
    sentence : str
    """

    kpi: Kpi
    dimension: str
    effects: tuple[Effect, ...]
    left_out: tuple[str, ...]
    pvalue: float
    adjusted_pvalue: float
    sentence: str

    def summary(self) -> str:
        """Return whether slices differ."""
        return self.sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve(Result):
    """The arms week by week.

    Attributes
    ----------
    kpi : Kpi
    table : DataFrame
        week (first day), phase ("before", "ramp", "pilot"), pilot, baseline (pooled values), difference, ci_low,
        ci_high (of units, earlier values taken into account; NaN before the start and where an arm has fewer than
        two), n_pilot, n_baseline.
    confidence_level : float
        Of each week's interval, for itself.
    weeks : int
        Weeks since the start, ramp included.
    moving : bool or None
        Whether the difference was still moving; None where there are too few weeks to tell.
    sentence : str
    """

    kpi: Kpi
    table: pd.DataFrame
    confidence_level: float
    weeks: int
    moving: bool | None
    sentence: str

    def summary(self) -> str:
        """Return whether the difference still moves."""
        return self.sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOneOut(Result):
    """The estimate without each unit in turn.

    Attributes
    ----------
    low, high : float
        Smallest and largest estimate.
    unit : str
        Whose absence moves the estimate most.
    without_unit : float
        The estimate without it.
    n, n_changed : int
        Units tried; how many change the word by their absence.
    """

    low: float
    high: float
    unit: str
    without_unit: float
    n: int
    n_changed: int

    def summary(self) -> str:
        """Return the range."""
        return (
            f"Without one unit in turn the estimate runs from {self.low:+.4g} to {self.high:+.4g}; "
            f"{self.n_changed} of {self.n} change the word."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity(Result):
    """How much the answer depends on choices.

    Attributes
    ----------
    kpi : Kpi
    windows : tuple of Effect
        Ramp included, longer ramp, first half, second half, as treated; each with its own word.
    placebo : tuple of Effect
        The same comparison at dates inside the baseline window, when nothing had started.
    leave_one_out : LeaveOneOut or None
    sentences : tuple of str
    """

    kpi: Kpi
    windows: tuple[Effect, ...]
    placebo: tuple[Effect, ...]
    leave_one_out: LeaveOneOut | None
    sentences: tuple[str, ...]

    def summary(self) -> str:
        """Return what changes the answer."""
        return " ".join(self.sentences)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionToMean(Result):
    """Whether the start followed an unusual spell of the pilot arm.

    Attributes
    ----------
    kpi : Kpi
    last, rest : float
        Pilot arm's mean of the last four periods before the start, and of those before.
    spell : float
        How unusual the last ones were, in standard deviations of such means; NaN where too few periods are there.
    flagged : bool
        Whether it was a bad spell, from which values come back by themselves.
    expected_return : float
        What of the change since those last periods would be expected without any pilot.
    since_last, since_rest : float
        Change of the pilot arm since the last periods, and since the whole baseline.
    sentence : str
    """

    kpi: Kpi
    last: float
    rest: float
    spell: float
    flagged: bool
    expected_return: float
    since_last: float
    since_rest: float
    sentence: str

    def summary(self) -> str:
        """Return the warning or its absence."""
        return self.sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing(Result):
    """Units that were in both arms, and rows without an arm.

    Attributes
    ----------
    units : tuple of str
        Units that were in both arms.
    rows_other_arm, contacts_other_arm : int, float
        Rows (and their share of the denominators) of the pilot window while a unit was in the other arm.
    rows_without_arm : int
        Rows of assigned units in the window outside all their spells.
    units_without_arm : int
        Units in scope with rows in the window that belong to no arm, left out.
    sentence : str
        The rule, with these numbers.
    """

    units: tuple[str, ...]
    rows_other_arm: int
    contacts_other_arm: float
    rows_without_arm: int
    units_without_arm: int
    sentence: str

    def summary(self) -> str:
        """Return the rule."""
        return self.sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims(Result):
    """What the design can and cannot claim.

    Attributes
    ----------
    causal : bool
        Whether units were drawn at random against a concurrent arm.
    noun : {"effect", "difference"}
        What the page may call the numbers.
    can, cannot : tuple of str
    """

    causal: bool
    noun: str
    can: tuple[str, ...]
    cannot: tuple[str, ...]

    def summary(self) -> str:
        """Return all sentences."""
        return " ".join(self.can + self.cannot)


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotEvaluation(Result):
    """A finished pilot.

    Attributes
    ----------
    pilot_id, title : str
    as_of, window_start, window_end : date
        Data until; first and last day that count.
    verdict : PilotVerdict
    comparability : Comparability or None
        None against history.
    estimates : mapping of str to tuple of Effect
        By KPI: the verdict's own, then the other ways to estimate the same.
    slices : mapping of str to tuple of SliceEffects
    learning : mapping of str to LearningCurve
    sensitivity : mapping of str to Sensitivity
    regression : mapping of str to RegressionToMean
    crossing : Crossing
    health : DataHealth
    claims : Claims
    warnings : tuple of str
        What must be said on the first screen.
    left_out : mapping of str to str
        Views that a metric's data do not allow ("learning: csat"), with the reason.
    """

    pilot_id: str
    title: str
    as_of: date
    window_start: date
    window_end: date
    verdict: PilotVerdict
    comparability: Comparability | None
    estimates: Mapping[str, tuple[Effect, ...]]
    slices: Mapping[str, tuple[SliceEffects, ...]]
    learning: Mapping[str, LearningCurve]
    sensitivity: Mapping[str, Sensitivity]
    regression: Mapping[str, RegressionToMean]
    crossing: Crossing
    health: DataHealth
    claims: Claims
    warnings: tuple[str, ...]
    left_out: Mapping[str, str]

    @property
    def metrics(self) -> tuple[MetricVerdict, ...]:
        """The metrics with their words."""
        return self.verdict.metrics

    def summary(self) -> str:
        """Return the verdict, metric by metric, and the warnings."""
        return " ".join([self.verdict.summary(), *(metric.summary() for metric in self.metrics), *self.warnings])
