"""How much does the answer depend on choices that could have been made otherwise?"""

from __future__ import annotations

from datetime import date, timedelta
from math import isfinite

import numpy as np

from bpo_analysis.data.pilots.spec import PilotMetric
from bpo_analysis.errors import DataError, InsufficientDataError
from bpo_analysis.formats import format_change, plural
from bpo_analysis.review.pilots.context import Pilot, better_of
from bpo_analysis.review.pilots.estimates import Draw, compared, missing_effect
from bpo_analysis.review.pilots.metric_tests import SPELL, history_series, is_bad_spell
from bpo_analysis.review.pilots.results import Effect, LeaveOneOut, RegressionToMean, Sensitivity
from bpo_analysis.review.pilots.verdict import word_of
from bpo_analysis.stats import before_after, compare_arms
from bpo_analysis.stats.arms import join_arms
from bpo_analysis.stats.unit_contrast import StudentT, fit_contrast

__all__ = ["regression_of", "sensitivity_of"]

LONGER_RAMP_WEEKS = 2
MIN_PLACEBO_WEEKS = 4
PLACEBO_PARTS = (0.4, 0.5, 0.6)
"""Where in the baseline window the false starts lie."""
MOST_LEFT_OUT = 2_000


def sensitivity_of(pilot: Pilot, metric: PilotMetric, draw: Draw) -> Sensitivity:
    """Other windows, as treated, false starts inside the baseline, and every unit left out in turn."""
    windows = _windows(pilot, metric, draw)
    placebo = _placebo(pilot, metric, draw)
    left_out = None if pilot.against_history else _leave_one_out(pilot, metric)
    return Sensitivity(
        kpi=pilot.kpi(metric),
        windows=windows,
        placebo=placebo,
        leave_one_out=left_out,
        sentences=_sentences(pilot, metric, windows, placebo, left_out),
    )


def _windows(pilot: Pilot, metric: PilotMetric, draw: Draw) -> tuple[Effect, ...]:
    first, last = pilot.window
    middle = first + (last - first) // 2
    longer = first + timedelta(weeks=LONGER_RAMP_WEEKS)
    choices: list[tuple[str, date, date]] = []
    if pilot.spec.ramp_weeks:
        choices.append(("ramp included", pilot.spec.start, last))
    if longer < last:
        choices.append((f"{LONGER_RAMP_WEEKS} more weeks left out", longer, last))
    choices += [("first half", first, middle), ("second half", middle + timedelta(days=1), last)]
    if pilot.against_history:
        return tuple(_history_window(pilot, metric, name, start, end) for name, start, end in choices)
    found = []
    for name, start, end in choices:
        try:
            found.append(compared(pilot, metric, name, pilot.arms(metric.kpi, start, end), draw, f"{start} to {end}"))
        except DataError as error:
            found.append(missing_effect(pilot, name, str(error)))
    try:
        treated = pilot.arms(metric.kpi, as_treated=True)
        note = "Units counted where most of their contacts were handled, with those contacts alone."
        found.append(compared(pilot, metric, "as treated", treated, draw, note))
    except DataError as error:
        found.append(missing_effect(pilot, "as treated", str(error)))
    return tuple(found)


def _history_window(pilot: Pilot, metric: PilotMetric, name: str, start: date, end: date) -> Effect:
    series = pilot.series(metric.kpi, "pilot", pilot.spec.baseline_start, end)
    outside = (series.index > np.datetime64(pilot.spec.baseline_end)) & (series.index < np.datetime64(start))
    first = int((series.index < np.datetime64(start)).sum())
    return _stepped(pilot, metric, name, series.mask(outside).to_numpy(), first, f"{start} to {end}")


def _stepped(pilot: Pilot, metric: PilotMetric, name: str, values: np.ndarray, first: int, note: str) -> Effect:
    """Effect of a before/after comparison of one series; the reason where it cannot be made."""
    try:
        found = before_after(values, first, confidence_level=pilot.spec.confidence_level)
    except ValueError as error:
        return missing_effect(pilot, name, str(error))
    return Effect(
        name=name,
        estimate=found.estimate,
        ci_low=found.ci_low,
        ci_high=found.ci_high,
        confidence_level=found.confidence_level,
        pvalue=found.pvalue,
        n_pilot=found.n_after,
        n_baseline=found.n_before,
        word=word_of(metric, pilot.kpi(metric), found.ci_low, found.ci_high),
        note=note,
    )


def _placebo(pilot: Pilot, metric: PilotMetric, draw: Draw) -> tuple[Effect, ...]:
    """The same comparison as if the pilot had started inside the baseline window."""
    start, end = pilot.baseline
    weeks = ((end - start).days + 1) // 7
    found = []
    for part in PLACEBO_PARTS:
        turn = start + timedelta(weeks=round(weeks * part))
        name = f"false start {turn}"
        if min((turn - start).days, (end - turn).days) < 7 * MIN_PLACEBO_WEEKS:
            continue
        if pilot.against_history:
            series = pilot.series(metric.kpi, "pilot", start, end)
            first = int((series.index < np.datetime64(turn)).sum())
            found.append(_stepped(pilot, metric, name, series.to_numpy(), first, "inside the baseline window"))
            continue
        try:
            arms = pilot.arms(metric.kpi, turn, end, baseline=(start, turn - timedelta(days=1)))
            found.append(compared(pilot, metric, name, arms, draw, f"{turn} to {end}"))
        except DataError as error:
            found.append(missing_effect(pilot, name, str(error)))
    return tuple(found)


def _leave_one_out(pilot: Pilot, metric: PilotMetric) -> LeaveOneOut | None:
    """The verdict's comparison without each unit, by Student's t (no resampling)."""
    frames = pilot.arms(metric.kpi)
    # Whether the own baseline is used is decided once, for all units.
    adjusted = compare_arms(*frames, method="t").adjustment == "own-baseline"
    arms = join_arms(*frames)
    names = np.concatenate([frame.loc[frame["denominator"] > 0, "unit"].to_numpy() for frame in frames])
    n = len(names)
    if min(arms.n_pilot, n - arms.n_pilot) < 3 or n > MOST_LEFT_OUT:
        return None
    covariate = None
    if adjusted and arms.pre is not None:
        covariate = np.where(np.isfinite(arms.pre), arms.pre, np.nanmean(arms.pre))
    level, kpi = 1 - pilot.spec.confidence_level, pilot.kpi(metric)

    def fitted(kept: np.ndarray) -> tuple[float, str]:
        own = None if covariate is None else covariate[kept]
        fit = fit_contrast(arms.value[kept], arms.arm[kept], np.ones(int(kept.sum())), own)
        test = StudentT(fit.estimate, fit.standard_error, fit.degrees_of_freedom)
        _, low, high = test.test(0.0, level=level, alternative="two-sided")
        return fit.estimate, word_of(metric, kpi, low, high)

    whole, word = fitted(np.ones(n, dtype=bool))
    without = [fitted(np.arange(n) != place) for place in range(n)]
    values = np.array([value for value, _ in without])
    most = int(np.abs(values - whole).argmax())
    return LeaveOneOut(
        low=float(values.min()),
        high=float(values.max()),
        unit=str(names[most]),
        without_unit=float(values[most]),
        n=n,
        n_changed=sum(one != word for _, one in without),
    )


def _sentences(
    pilot: Pilot,
    metric: PilotMetric,
    windows: tuple[Effect, ...],
    placebo: tuple[Effect, ...],
    left_out: LeaveOneOut | None,
) -> tuple[str, ...]:
    unit, said = pilot.kpi(metric).unit, []
    known = [effect for effect in windows if isfinite(effect.estimate)]
    if known:
        ends = sorted(known, key=lambda effect: effect.estimate)
        low, high = (f"{format_change(end.estimate, unit)} ({end.name})" for end in (ends[0], ends[-1]))
        said.append(f"Other windows give {low} to {high}.")
    # Adjusted over the false starts: one in seven healthy pilots would else be said to have drifted.
    apart = [effect for effect in placebo if effect.pvalue * len(placebo) < 1 - pilot.spec.confidence_level]
    if apart:
        said.append(
            f"{len(apart)} of {plural(len(placebo), 'false start')} inside the baseline window "
            f"{'shows' if len(apart) == 1 else 'show'}"
            " a difference when nothing had started: the arms were drifting apart by themselves."
        )
    elif placebo:
        said.append(f"None of {plural(len(placebo), 'false start')} inside the baseline window shows a difference.")
    else:
        said.append("The baseline window is too short for false starts.")
    if left_out is not None:
        low, high = (format_change(end, unit) for end in (left_out.low, left_out.high))
        said.append(
            f"Without one {pilot.spec.unit} in turn the estimate runs from {low} to {high}; "
            f"{left_out.n_changed or 'none'} of {left_out.n} would change the word."
        )
    return tuple(said)


def regression_of(pilot: Pilot, metric: PilotMetric) -> RegressionToMean:
    """Say whether the start followed an unusually bad spell of the pilot arm, and what would have come back anyway."""
    kpi = pilot.kpi(metric)
    series, first, season = history_series(pilot, metric.kpi)
    values = series.to_numpy()
    before, after = values[:first][np.isfinite(values[:first])], values[first:]
    if len(before) < 2 * SPELL or not np.isfinite(after).any():
        raise InsufficientDataError(
            f"a look at the time before the start ({kpi.label})",
            needed=2 * SPELL,
            got=len(before),
            unit="baseline periods",
        )
    try:
        spell = before_after(series, first, season_length=season).spell
    except ValueError:
        spell = float("nan")
    last, rest, now = float(before[-SPELL:].mean()), float(before[:-SPELL].mean()), float(np.nanmean(after))
    flagged = is_bad_spell(spell, better_of(kpi))
    return RegressionToMean(
        kpi=kpi,
        last=last,
        rest=rest,
        spell=spell,
        flagged=flagged,
        expected_return=(rest - last) if flagged else 0.0,
        since_last=now - last,
        since_rest=now - float(before.mean()),
        sentence=_spell_text(pilot, metric, (last, rest, now), spell, flagged=flagged),
    )


def _spell_text(
    pilot: Pilot, metric: PilotMetric, values: tuple[float, float, float], spell: float, *, flagged: bool
) -> str:
    kpi, (last, rest, now) = pilot.kpi(metric), values
    period = "months" if pilot.monthly else "weeks"
    if not isfinite(spell):
        why = f"too few {period} before the start, or none that differ,"
        return f"{kpi.label}: {why} to tell whether the last {SPELL} were unusual."
    if not flagged:
        return f"{kpi.label}: the last {SPELL} {period} before the start were not unusually bad."
    text = (
        f"{kpi.label}: the pilot started after a bad spell of its arm: the last {SPELL} {period} before lay "
        f"{abs(spell):.1f} standard deviations of such spells on the bad side. About "
        f"{format_change(rest - last, kpi.unit)} of the "
        f"{format_change(now - last, kpi.unit)} since then would be expected without any pilot (regression to the "
        "mean)."
    )
    if pilot.against_history:
        return (
            f"{text} No trend is drawn on from that spell, and a gain is called better only where it is one "
            "against the rest of the baseline window too."
        )
    if pilot.spec.assignment == "random":
        return (
            f"{text} Units were drawn at random and their earlier values are taken into account: the comparison of "
            "the arms "
            "does not lean on that spell."
        )
    return f"{text} If that spell was why these units were chosen, part of any gain against the baseline arm is this."
