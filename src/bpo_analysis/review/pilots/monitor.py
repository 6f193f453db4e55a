"""A look at a running pilot, without spoiling it.

Only the planned looks are tested, each with the data up to its day; what came after the last of them is counted and
checked, never tested. Every p-value and interval holds at all looks together.
"""

from __future__ import annotations

from datetime import date, timedelta
from math import isfinite, nan, sqrt

import pandas as pd
from scipy import special

from bpo_analysis.data.pilots.spec import PilotMetric
from bpo_analysis.errors import DataError
from bpo_analysis.formats import format_change, format_pvalue, plural
from bpo_analysis.review.pilots.context import Pilot, better_of
from bpo_analysis.review.pilots.health import data_health
from bpo_analysis.review.pilots.metric_tests import (
    SPARE,
    HistoryTest,
    LooksTest,
    expected_information,
    family_level,
    look_days,
    looks_until,
)
from bpo_analysis.review.pilots.results import LookState, MetricLook, PilotLook, change_text
from bpo_analysis.review.pilots.verdict import word_of
from bpo_analysis.stats import PilotMonitoring

__all__ = ["monitor_pilot"]

_LEAST_LEVEL = 1e-6


def monitor_pilot(pilot: Pilot) -> PilotLook:
    """Say where a running pilot stands at ``as_of``.

    Parameters
    ----------
    pilot : Pilot

    Returns
    -------
    PilotLook

    Raises
    ------
    PilotError
        If the pilot has not begun or there is no baseline.
    """
    pilot.require_begun()
    pilot.require_baseline()
    planned, used = look_days(pilot), looks_until(pilot)
    metrics: list[MetricLook] = []
    unready: dict[str, str] = {}
    if used:
        for metric in pilot.spec.metrics:
            try:
                metrics.append(_history_look(pilot, metric) if pilot.against_history else _look(pilot, metric))
            except DataError as error:
                unready[metric.kpi] = str(error)
    following = next((day for day in planned if day > pilot.as_of), None)
    state: LookState = "too early" if not used else "running"
    if any(metric.crossed for metric in metrics):
        state = "crossed"
    elif used and used[-1] == planned[-1]:
        state = "ended"
    return PilotLook(
        pilot_id=pilot.id,
        title=pilot.spec.title,
        as_of=pilot.as_of,
        state=state,
        looks_planned=len(planned),
        looks_used=len(used),
        look_days=planned,
        last_look=used[-1] if used else None,
        next_look=following,
        days_since_look=max(0, (pilot.as_of - used[-1]) // timedelta(days=1)) if used else 0,
        metrics=tuple(metrics),
        unready=unready,
        health=data_health(pilot),
        sentences=_sentences(pilot, state, metrics, following),
    )


def _look(pilot: Pilot, metric: PilotMetric) -> MetricLook:
    tester = LooksTest(pilot=pilot, metric=metric, expected=expected_information(pilot, metric))
    level = family_level(pilot, metric)
    found = tester.monitoring(1 - level)
    kpi, day = pilot.kpi(metric), tester.days[found.look - 1]
    facts = tester.facts_at(day) if found.stop is not None else tester.facts
    crossed, fraction = found.stop is not None, found.information_fraction * SPARE
    return MetricLook(
        kpi=kpi,
        role=metric.role,
        test=metric.test,
        margin=metric.margin,
        better=better_of(kpi),
        look=found.look,
        day=day,
        crossed=crossed,
        crossed_on=day if crossed else None,
        direction=word_of(metric, kpi, found.ci_low, found.ci_high) if crossed else "",
        information_fraction=fraction,
        statistic=found.statistic,
        boundary=found.boundary,
        boundary_estimate=found.boundary_estimate,
        estimate=found.estimate,
        ci_low=found.ci_low,
        ci_high=found.ci_high,
        confidence_level=1 - level,
        pvalue=found.pvalue,
        level_spent=found.level_spent,
        conditional_power=_chance(found, fraction, level),
        next_boundary=found.next_boundary,
        next_information_fraction=found.next_information_fraction * SPARE,
        planned_information=tester.expected[-1],
        n_pilot=facts.n_pilot,
        n_baseline=facts.n_baseline,
        contacts_pilot=facts.contacts_pilot,
        contacts_baseline=facts.contacts_baseline,
        table=_table(found, tester.days),
        sentence=_sentence(pilot, metric, found, day, fraction),
        note=" ".join(part for part in (found.note, facts.note) if part),
    )


def _table(found: PilotMonitoring, days: tuple[date, ...]) -> pd.DataFrame:
    """The looks, without the p-values of single looks."""
    table = found.table
    return pd.DataFrame(
        {
            "look": table["look"],
            "day": list(days),
            "information_fraction": table["fraction"] * SPARE,
            "statistic": table["statistic"],
            "boundary": table["boundary"],
            "estimate": table["estimate"],
            "ci_low": table["repeated_ci_low"],
            "ci_high": table["repeated_ci_high"],
            "state": table["state"],
        }
    )


def _chance(found: PilotMonitoring, fraction: float, level: float) -> float:
    """Chance that the end crosses if the estimate is the truth, with the information expected there; NaN at the end."""
    if found.is_final or not fraction < 1:
        return nan
    critical = -float(special.ndtri(max(level - found.level_spent, _LEAST_LEVEL) / 2))
    z, left = found.statistic, 1 - fraction
    place = z * sqrt(fraction) + z / sqrt(fraction) * left
    ends = [special.ndtr((side * place - critical) / sqrt(left)) for side in (1, -1)]
    return float(sum(ends))


def _sentence(pilot: Pilot, metric: PilotMetric, found: PilotMonitoring, day: date, fraction: float) -> str:
    chance = _chance(found, fraction, 1 - found.confidence_level)
    kpi = pilot.kpi(metric)
    change = change_text(kpi, found.estimate, found.ci_low, found.ci_high, found.confidence_level)
    share = f"{100 * fraction:.0f} % of the information expected at the end"
    facts = f"{change}, p {format_pvalue(found.pvalue)} over all looks"
    if found.stop is not None:
        word = word_of(metric, kpi, found.ci_low, found.ci_high)
        what = "Guardrail crossed" if metric.role == "guardrail" and word == "worse" else "Boundary crossed"
        said = f"{word} (a small loss, inside the margin)" if word == "not worse" else word
        return f"{kpi.label}: {what} at look {found.stop} ({day}, {share}), {said}: {facts}."
    text = f"{kpi.label}: boundary not crossed at look {found.look} ({day}, {share}): {facts}."
    if not found.is_final:
        if isfinite(found.boundary_estimate):
            text += f" {format_change(found.boundary_estimate, kpi.unit).lstrip('+')} either way would have crossed."
        if isfinite(chance):
            text += f" If this estimate is the truth, the end crosses with a chance of {100 * chance:.0f} %."
    return text


def _history_look(pilot: Pilot, metric: PilotMetric) -> MetricLook:
    """A look against history: Bonferroni's share for each planned look, the data up to the latest."""
    day = looks_until(pilot)[-1]
    level = family_level(pilot, metric)
    tester = HistoryTest(pilot=pilot, metric=metric)
    answer, facts, kpi = tester.at(1 - level), tester.facts, pilot.kpi(metric)
    nothing = float("nan")
    change = change_text(kpi, answer.estimate, answer.ci_low, answer.ci_high, 1 - level)
    number = len(looks_until(pilot))
    return MetricLook(
        kpi=kpi,
        role=metric.role,
        test=metric.test,
        margin=metric.margin,
        better=better_of(kpi),
        look=number,
        day=day,
        crossed=answer.clear,
        crossed_on=day if answer.clear else None,
        direction=word_of(metric, kpi, answer.ci_low, answer.ci_high) if answer.clear else "",
        information_fraction=nothing,
        statistic=nothing,
        boundary=nothing,
        boundary_estimate=nothing,
        estimate=answer.estimate,
        ci_low=answer.ci_low,
        ci_high=answer.ci_high,
        confidence_level=1 - level,
        pvalue=answer.pvalue,
        level_spent=level * number / len(look_days(pilot)),
        conditional_power=nothing,
        next_boundary=nothing,
        next_information_fraction=nothing,
        planned_information=nothing,
        n_pilot=facts.n_pilot,
        n_baseline=facts.n_baseline,
        contacts_pilot=facts.contacts_pilot,
        contacts_baseline=facts.contacts_baseline,
        table=pd.DataFrame({"look": [number], "day": [day], "estimate": [answer.estimate], "ci_low": [answer.ci_low],
                            "ci_high": [answer.ci_high], "state": ["boundary "
                            "crossed" if answer.clear else "continue"]}),
        sentence=f"{kpi.label}: {'a' if answer.clear else 'no'} clear change from its own history at look {number} "
        f"({day}): {change}, p {format_pvalue(answer.pvalue)} over all looks.",
        note=facts.note,
    )  # fmt: skip


def _sentences(pilot: Pilot, state: LookState, metrics: list[MetricLook], following: date | None) -> tuple[str, ...]:
    planned, used = look_days(pilot), looks_until(pilot)
    said = []
    if state == "too early":
        said.append(
            f"Nothing may be tested yet: the first planned look is on {following}."
            if len(planned) > 1
            else f"Nothing may be tested yet: no look before the end, {following}, was planned."
        )
    else:
        said.append(
            f"{len(used)} of {len(planned)} planned looks used, the last on {used[-1]} (the end counts as the last)."
        )
    if used and following is not None:
        later = (pilot.as_of - used[-1]) // timedelta(days=1)
        if later > 0:
            said.append(f"The {plural(later, 'day')} of data since are not tested; the next look is on {following}.")
        else:
            said.append(f"The next look is on {following}.")
    crossed = [metric for metric in metrics if metric.crossed]
    bad = [metric.kpi.label for metric in crossed if metric.direction == "worse"]
    good = [metric.kpi.label for metric in crossed if metric.direction == "better"]
    registration = pilot.registration
    fixed = registration is not None and registration.state == "registered" and not registration.late
    rule = "registered rule" if fixed else "rule in the pilot file, which was not fixed beforehand,"
    after = f"By the {rule} the pilot can be decided now."
    if bad:
        said.append(f"Clearly worse: {', '.join(bad)}. {after}")
    small = [metric.kpi.label for metric in crossed if metric.direction == "not worse"]
    if small:
        said.append(f"A small loss, inside the margin: {', '.join(small)}. That is no reason to stop.")
    if good:
        going_on = "Going on adds to what is known about the other metrics only."
        said.append(f"Clearly better: {', '.join(good)}. {going_on if following else after}")
    return tuple(said)
