"""Can the planned pilot show what it is for? From the units' own history, before anything starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, isfinite, nan

import numpy as np
import pandas as pd
from scipy import special

from bpo_analysis.data.pilots.spec import PilotMetric
from bpo_analysis.errors import DataError, InsufficientDataError
from bpo_analysis.formats import format_change, plural
from bpo_analysis.review.pilots.context import MIN_UNITS, Pilot, better_of
from bpo_analysis.review.pilots.history import (
    MOST_WEEKS,
    POWER,
    ExpectedError,
    UnitHistory,
    detectable,
    power_at,
    unit_history,
)
from bpo_analysis.review.pilots.metric_tests import (
    SPARE,
    expected_information,
    family_level,
    history_season,
    look_days,
    looks_cost,
)
from bpo_analysis.review.pilots.results import MetricPlan, PilotPlan
from bpo_analysis.stats import before_after

__all__ = ["plan_metric", "plan_pilot", "planned_detectable"]

FIRST_WEEKS, LEAST_LAST_WEEKS = 2, 26
"""Lengths that a plan draws; more where more weeks than these are planned."""
BEYOND_PLAN = 1.25
"""Curves go on for this many times the planned weeks: what is planned must not lie at their edge."""
PERIODS = (2, 4, 6, 8, 10, 13, 17, 26)
"""Lengths of a pilot against history, in weeks or months as its rows are."""
MOST_PLANNED_WEEKS = 52
MOST_TIMES = 100
"""Times the planned units that are asked whether they would do."""
UNIT_FACTORS = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
FEW_UNITS = 30
"""Units below which the intraclass correlation is hardly known."""


def plan_pilot(pilot: Pilot) -> PilotPlan:
    """Say what the planned pilot can show, from the rows before its start.

    Parameters
    ----------
    pilot : Pilot

    Returns
    -------
    PilotPlan

    Raises
    ------
    PilotError, InsufficientDataError
        If no metric has a history to plan from.
    """
    plans, unready, first = [], {}, None
    for metric in pilot.spec.metrics:
        try:
            plans.append(plan_metric(pilot, metric))
        except DataError as error:
            unready[metric.kpi] = str(error)
            first = first or error
    if first is not None and not plans:
        raise first
    start, end = _history(pilot)
    n_pilot, n_baseline = _arms(pilot)
    primary = [plan for plan in plans if plan.role == "primary"]
    ready = not any(metric.kpi in unready for metric in pilot.spec.primaries)
    return PilotPlan(
        pilot_id=pilot.id,
        title=pilot.spec.title,
        as_of=pilot.as_of,
        history_start=start,
        history_end=end,
        n_pilot=n_pilot,
        n_baseline=n_baseline,
        weeks=_weeks(pilot),
        metrics=tuple(plans),
        unready=unready,
        weekly=_weekly(pilot, [plan.kpi.name for plan in plans]),
        enough=ready and all(plan.enough for plan in primary),
        notes=_notes(pilot, plans),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How a metric will be judged, and what its units' history lets expect of that.

    Attributes
    ----------
    history : UnitHistory
    margin, level : float
        Level of both sides together: Bonferroni's share among the metrics of the role, at which verdicts are read.
    looks_cost : float
        How much larger a gain must be to be found at the planned looks with the power of one look at the end.
    """

    history: UnitHistory
    margin: float
    level: float
    looks_cost: float

    def detectable(self, error: ExpectedError) -> float:
        """Difference found, or margin shown not to be lost, with 80 % power."""
        return self.looks_cost * detectable(error, self.level)

    def power(self, error: ExpectedError) -> float:
        """Chance to show the margin."""
        return power_at(error, self.margin / self.looks_cost, self.level)


def outlook_of(pilot: Pilot, metric: PilotMetric) -> Outlook:
    """Read from the pilot file and the history what a metric will be judged with.

    Raises
    ------
    InsufficientDataError
        With fewer than three units before the start.
    """
    return Outlook(
        history=unit_history(pilot, metric.kpi),
        margin=metric.margin,
        level=family_level(pilot, metric),
        looks_cost=looks_cost(pilot, metric),
    )


def planned_detectable(pilot: Pilot, metric: PilotMetric) -> float:
    """Difference that the pilot as planned finds, or margin it shows not to be lost, with 80 % power."""
    outlook = outlook_of(pilot, metric)
    return outlook.detectable(outlook.history.error(_weeks(pilot), *_arms(pilot), _baseline_weeks(pilot)))


def plan_metric(pilot: Pilot, metric: PilotMetric) -> MetricPlan:
    """Say what the planned pilot can show about one metric."""
    if pilot.against_history:
        return _against_history(pilot, metric)
    kpi, outlook = pilot.kpi(metric), outlook_of(pilot, metric)
    history, weeks, before = outlook.history, _weeks(pilot), _baseline_weeks(pilot)
    n_pilot, n_baseline = _arms(pilot)
    errors = history.error(weeks, n_pilot, n_baseline, before), history.error(weeks, n_pilot, n_baseline)
    found, without = (outlook.detectable(error) for error in errors)
    power = outlook.power(errors[0])
    units = _needed_units(outlook, weeks, before, n_pilot, n_baseline)
    longer = _needed_weeks(outlook, before, n_pilot, n_baseline)
    icc = history.components.icc
    parts = history.between + history.within
    if not isfinite(icc) and isfinite(parts) and parts > 0:
        icc = history.between / parts
    return MetricPlan(
        kpi=kpi,
        role=metric.role,
        test=metric.test,
        margin=metric.margin,
        better=better_of(kpi),
        confidence_level=1 - outlook.level,
        value=history.value,
        units=history.units,
        contacts_per_unit_week=history.contacts_per_week,
        icc=icc,
        icc_ci_low=history.components.icc_ci_low,
        icc_ci_high=history.components.icc_ci_high,
        sd_units=float(np.sqrt(history.variance(weeks))),
        persistence=history.correlation(weeks, before) if isfinite(history.stability) else nan,
        persistence_how=history.stability_how,
        detectable=found,
        detectable_without=without,
        power=power,
        power_without=outlook.power(errors[1]),
        enough=power >= POWER,
        needed_units=units,
        needed_weeks=longer,
        needed_margin=found,
        planned_information=expected_information(pilot, metric)[-1],
        curve=_curve(pilot, outlook),
        sentence=_sentence(pilot, metric, power, found, (units, longer)),
        note=_note(history),
    )


def _history(pilot: Pilot) -> tuple[date, date]:
    end = min(pilot.spec.start - timedelta(days=1), pilot.as_of)
    return max(end - timedelta(weeks=MOST_WEEKS) + timedelta(days=1), pilot.rows["date"].min().date()), end


def _arms(pilot: Pilot) -> tuple[int, int]:
    return len(pilot.assigned("pilot")), len(pilot.assigned("baseline"))


def _weeks(pilot: Pilot) -> float:
    return round(((pilot.spec.end - pilot.spec.first_day).days + 1) / 7, 2)


def _baseline_weeks(pilot: Pilot) -> float:
    return ((pilot.spec.baseline_end - pilot.spec.baseline_start).days + 1) / 7


def _weekly(pilot: Pilot, kpis: list[str]) -> pd.DataFrame:
    """Units at work and denominators by week before the start."""
    start, end = _history(pilot)
    parts = []
    for kpi in kpis:
        cells = pilot.unit_weeks(kpi, start, end)
        parts.append(cells[cells["denominator"] > 0].assign(kpi=kpi))
    cells = pd.concat(parts)
    table = cells.pivot_table(index="week", columns="kpi", values="denominator", aggfunc="sum", fill_value=0.0)
    table.insert(0, "units", cells.groupby("week")["unit"].nunique())
    table.index = pd.DatetimeIndex([pd.Timestamp(pilot.spec.start) + pd.Timedelta(weeks=int(w)) for w in table.index])
    return table.rename_axis(index="week", columns=None).reset_index()


def _needed_units(outlook: Outlook, weeks: float, before: float, n_pilot: int, n_baseline: int) -> int | None:
    """Fewest pilot units that would do, the baseline in proportion; None where 100 times the planned do not."""

    def enough(n: int) -> bool:
        m = max(MIN_UNITS, round(n * n_baseline / n_pilot))
        return outlook.power(outlook.history.error(weeks, n, m, before)) >= POWER

    low, high = MIN_UNITS - 1, MOST_TIMES * n_pilot
    if not enough(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _needed_weeks(outlook: Outlook, before: float, n_pilot: int, n_baseline: int) -> int | None:
    if not isfinite(outlook.history.within):
        return None
    for weeks in range(1, MOST_PLANNED_WEEKS + 1):
        if outlook.power(outlook.history.error(weeks, n_pilot, n_baseline, before)) >= POWER:
            return weeks
    return None


def _curve(pilot: Pilot, outlook: Outlook) -> pd.DataFrame:
    n_pilot, n_baseline = _arms(pilot)
    rows = []
    for factor in UNIT_FACTORS:
        n, m = max(2, round(factor * n_pilot)), max(2, round(factor * n_baseline))
        for weeks in range(FIRST_WEEKS, max(LEAST_LAST_WEEKS, ceil(BEYOND_PLAN * _weeks(pilot))) + 1):
            for own in (True, False):
                error = outlook.history.error(weeks, n, m, _baseline_weeks(pilot) if own else None)
                rows.append(
                    {
                        "weeks": weeks,
                        "n_pilot": n,
                        "n_baseline": m,
                        "own_baseline": own,
                        "detectable": outlook.detectable(error),
                        "power": outlook.power(error),
                        "planned": factor == 1.0 and weeks == round(_weeks(pilot)),
                    }
                )
    return pd.DataFrame(rows).drop_duplicates(["weeks", "n_pilot", "n_baseline", "own_baseline"], ignore_index=True)


def _sentence(
    pilot: Pilot, metric: PilotMetric, power: float, found: float, needed: tuple[int | None, int | None]
) -> str:
    kpi = pilot.kpi(metric)
    margin, can = (format_change(size, kpi.unit).lstrip("+") for size in (metric.margin, found))
    aim = f"not worse by {margin}" if metric.test == "noninferiority" else f"better by {margin}"
    if power >= POWER:
        return f"{kpi.label}: the planned pilot shows {aim} with {100 * power:.0f} % power."
    units, weeks = needed
    ways = []
    if units is not None:
        ways.append(f"{units} pilot units (the baseline in proportion) over the planned {_weeks(pilot):g} weeks")
    if weeks is not None:
        ways.append(f"{plural(weeks, 'week')} with the planned units")
    if isfinite(found):
        ways.append(f"a {'margin' if metric.test == 'noninferiority' else 'true gain'} of {can}")
    no_weeks = "" if weeks is not None else " More weeks alone would not do: the same units differ as much as before."
    would = f" What would: {'; or '.join(ways)}." if ways else ""
    lacking = f"its power is {100 * power:.0f} %, not 80 %"
    return f"{kpi.label}: the planned pilot cannot show {aim}: {lacking}.{would}{no_weeks}"


def _note(history: UnitHistory) -> str:
    notes = []
    if history.units < FEW_UNITS:
        notes.append(f"From {history.units} units the spread between them is hardly known; plan with a reserve.")
    if not isfinite(history.stability):
        notes.append("The history is too short to tell how far units keep their level; planned without own baseline.")
    if not isfinite(history.within):
        notes.append("Each unit has one row only: how much more weeks would help cannot be told.")
    return " ".join(notes)


def _notes(pilot: Pilot, plans: list[MetricPlan]) -> tuple[str, ...]:
    notes = []
    if pilot.assumed:
        notes.append("No unit is assigned yet: planned with the units of the scope in two halves.")
    for role, title in (("primary", "primary metrics"), ("guardrail", "guardrails")):
        count = sum(plan.role == role for plan in plans)
        if count > 1:
            level = 100 * (1 - pilot.spec.confidence_level) / count
            notes.append(
                f"Each of {count} {title} is planned at {level:.3g} % (Bonferroni's share); Holm's steps ask a "
                "little less."
            )
    looks = len(look_days(pilot))
    if looks > 1 and not pilot.against_history:
        notes.append(
            f"{looks} looks are planned, the end included; boundaries are set against {SPARE:g} times the information "
            f"expected at the end. {_cost_of_looks(pilot, plans)}"
        )
    if not pilot.against_history:
        notes.append(
            "The history only guesses how much units will differ. Power is the mean over what they may turn out to "
            "differ: a little less than if the guess were right."
        )
    return tuple(notes)


def _cost_of_looks(pilot: Pilot, plans: list[MetricPlan]) -> str:
    gains = {plan.kpi.name for plan in plans if plan.test == "superiority"}
    if not gains:
        return "They cost nothing here: a margin that is not to be lost is shown at the end."
    most = max(looks_cost(pilot, metric) for metric in pilot.spec.metrics if metric.kpi in gains)
    return f"What they cost is counted: a gain must be {100 * (most - 1):.1f} % larger than with one look."


def _against_history(pilot: Pilot, metric: PilotMetric) -> MetricPlan:
    """Plan a comparison with the time before: what a start inside the history would have found."""
    kpi, level = pilot.kpi(metric), family_level(pilot, metric) / len(look_days(pilot))
    end = min(pilot.spec.start - timedelta(days=1), pilot.as_of)
    first = min(pilot.spec.baseline_start, end)
    series = pilot.series(metric.kpi, "pilot", first, end)
    length = _weeks(pilot) / (52 / 12 if pilot.monthly else 1)
    curve = pd.DataFrame(
        [
            {
                "weeks": weeks,
                "n_pilot": 1,
                "n_baseline": 0,
                "own_baseline": True,
                "detectable": found,
                "power": _normal_power(metric.margin, found, level),
                "planned": weeks == round(length),
            }
            for weeks in sorted({*PERIODS, round(length), ceil(BEYOND_PLAN * length)})
            if isfinite(found := _detectable_after(series, weeks, level, history_season(pilot)))
        ],
        columns=["weeks", "n_pilot", "n_baseline", "own_baseline", "detectable", "power", "planned"],
    )
    if curve.empty:
        raise InsufficientDataError(f"a plan for {kpi.name!r}", needed=10, got=len(series.dropna()), unit="periods")
    found = float(curve.loc[(curve["weeks"] - length).abs().idxmin(), "detectable"])
    power = _normal_power(metric.margin, found, level)
    contacts = pilot.contacts(metric.kpi, first, end)[0]
    enough = curve.loc[curve["power"] >= POWER, "weeks"]
    longer = int(enough.min()) if len(enough) else None
    return MetricPlan(
        kpi=kpi,
        role=metric.role,
        test=metric.test,
        margin=metric.margin,
        better=better_of(kpi),
        confidence_level=1 - level,
        value=float(np.nanmean(series)),
        units=len(pilot.units),
        contacts_per_unit_week=contacts / max(len(series), 1) / max(len(pilot.units), 1),
        icc=nan,
        icc_ci_low=nan,
        icc_ci_high=nan,
        sd_units=float(np.nanstd(series, ddof=1)),
        persistence=nan,
        persistence_how="",
        detectable=found,
        detectable_without=nan,
        power=power,
        power_without=nan,
        enough=power >= POWER,
        needed_units=None,
        needed_weeks=longer,
        needed_margin=found,
        planned_information=nan,
        curve=curve,
        sentence=_sentence(pilot, metric, power, found, (None, longer)),
        note="Against its own history: periods, not units, carry the comparison, and more units do not help.",
    )


def _detectable_after(series: pd.Series, length: int, level: float, season: int | None) -> float:
    """Detectable change if the last periods of the history were the pilot."""
    first = len(series) - length
    try:
        usable = season if season and first >= 2 * season else None
        return before_after(
            series.to_numpy(), first, season_length=usable, confidence_level=1 - level
        ).detectable_effect
    except ValueError:
        return nan


def _normal_power(margin: float, found: float, level: float) -> float:
    critical = special.ndtri(1 - level / 2)
    return float(special.ndtr(margin / found * (critical + special.ndtri(POWER)) - critical))
