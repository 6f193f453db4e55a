"""Can the data of a pilot carry its answer? Splits, gaps, answers per contact, contamination, units that left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import isfinite, nan

import numpy as np
import pandas as pd
from scipy import stats

from bpo_analysis.formats import plural
from bpo_analysis.review.pilots.context import ARMS, Pilot, base_words
from bpo_analysis.review.pilots.results import Crossing, DataHealth, HealthCheck, HealthState
from bpo_analysis.stats import adjust_pvalues, compare_arms

__all__ = ["base_metric", "crossing_of", "data_health"]

ALARM = 0.05
"""Adjusted over all checks by a test but that of leaving, which is judged at this level by itself."""
LEFT_AFTER_DAYS = 14
"""Days without a row at the end from which a unit counts as gone."""
SHIFT = 0.2
"""Relative change of both arms together in answers per contact that is worth a look."""
MOST_CONTAMINATION = 0.05
MOST_NAMED = 5
"""Units that a sentence names."""
_EVEN = ("pair", "1:1", "half", "halves", "coin", "even")


@dataclass(frozen=True, slots=True)
class _Tested:
    """A check by a test: concern or not follows when all p-values are known."""

    name: str
    pvalue: float
    sentence: str


def base_metric(pilot: Pilot) -> str:
    """The metric with the largest denominators in the window: the nearest to contacts that the rows give."""
    sums = {}
    for metric in pilot.spec.metrics:
        try:
            sums[metric.kpi] = sum(pilot.contacts(metric.kpi, pilot.spec.start, pilot.window[1]))
        except ValueError:
            continue
    if not sums:
        return pilot.spec.metrics[0].kpi
    return max(sums, key=lambda kpi: sums[kpi])


def data_health(pilot: Pilot, until: date | None = None) -> DataHealth:
    """Check the rows from the start to a day (``as_of`` by default)."""
    end = until or pilot.window[1]
    tests: list[_Tested] = []
    checks: list[HealthCheck] = []
    arms = _arms(pilot, end)
    metrics = _metrics(pilot, end)
    if not pilot.against_history:
        checks += _split(pilot, arms, tests)
        _missing(pilot, metrics, tests)
        _volumes(pilot, end, tests)
        _answers(pilot, end, tests)
        checks += _leavers(arms)
    checks += _shifts(pilot, metrics)
    checks += _unknown(pilot)
    for metric in pilot.spec.metrics:
        if metric.kpi not in set(metrics["kpi"]):
            text = f"{pilot.kpi(metric).label}: no rows for any unit of the pilot."
            checks.append(HealthCheck(name=f"rows: {metric.kpi}", state="look into it", sentence=text))
    checks.append(_contamination(pilot, crossing_of(pilot, end)))
    adjusted = adjust_pvalues([test.pvalue for test in tests]) if tests else []
    for test, pvalue in zip(tests, adjusted, strict=True):
        state: HealthState = "look into it" if pvalue < ALARM else "fine" if isfinite(pvalue) else "not checked"
        checks.append(HealthCheck(name=test.name, state=state, sentence=test.sentence))
    return DataHealth(checks=tuple(checks), arms=arms, metrics=metrics)


def crossing_of(pilot: Pilot, until: date | None = None) -> Crossing:
    """Count units and rows that are not where they were assigned, from the start on."""
    start, end = pd.Timestamp(pilot.spec.start), pd.Timestamp(until or pilot.window[1])
    rows = pilot.rows[pilot.rows["date"].between(start, end)]
    away = rows["arm_treated"].notna() & (rows["arm_treated"] != rows["arm"])
    outside = rows["arm_treated"].isna()
    total = float(rows["denominator"].sum())
    share = float(rows.loc[away, "denominator"].sum()) / total if total > 0 else 0.0
    loose = pilot.loose_rows[pilot.loose_rows["date"].between(start, end)]
    units = tuple(str(unit) for unit in pilot.units.index[pilot.units["crossed"]])
    n_loose = int(loose["unit"].nunique())
    rule = "Every unit counts in the arm it was assigned to first, with all its rows"
    if units or away.any():
        rule += (
            f": {plural(len(units), 'unit')} changed arms, and {100 * share:.1f} % of the contacts since the start "
            "were "
            "handled in the other arm. That makes the arms more alike than the pilot did; the figures as treated "
            "stand beside"
        )
    else:
        rule += "; no unit changed arms"
    if outside.any():
        rule += (
            f". {plural(int(outside.sum()), 'row')} lie outside the dates of their unit's assignment and are counted"
        )
    if n_loose:
        rule += f". {plural(n_loose, 'unit')} in scope belong to no arm and are left out"
    return Crossing(
        units=units,
        rows_other_arm=int(away.sum()),
        contacts_other_arm=share,
        rows_without_arm=int(outside.sum()),
        units_without_arm=n_loose,
        sentence=rule + ".",
    )


def _arms(pilot: Pilot, end: date) -> pd.DataFrame:
    rows = pilot.rows[pilot.rows["date"].between(pd.Timestamp(pilot.spec.start), pd.Timestamp(end))]
    last = rows.groupby("unit")["date"].max()
    gone = last < pd.Timestamp(end) - pd.Timedelta(days=LEFT_AFTER_DAYS * (3 if pilot.monthly else 1))
    table = []
    for arm in ARMS:
        units = pilot.assigned(arm)
        seen = units.intersection(last.index)
        table.append(
            {"arm": arm, "assigned": len(units), "with_rows": len(seen), "left": int(gone.reindex(seen).sum())}
        )
    frame = pd.DataFrame(table).set_index("arm")
    return frame.loc[["pilot"]] if pilot.against_history else frame


def _metrics(pilot: Pilot, end: date) -> pd.DataFrame:
    """Units without a value, and denominators by unit and week, by metric and arm."""
    rows = []
    weeks_before = pilot.weeks_of_rows(*pilot.baseline) or nan
    weeks = pilot.weeks_of_rows(pilot.spec.start, end) or nan
    for metric in pilot.spec.metrics:
        try:
            now = pilot.unit_sums(metric.kpi, pilot.spec.start, end)
            before = pilot.unit_sums(metric.kpi, *pilot.baseline)
        except ValueError:
            continue
        for arm in ARMS[:1] if pilot.against_history else ARMS:
            own, earlier = now.loc[pilot.assigned(arm), "denominator"], before.loc[pilot.assigned(arm), "denominator"]
            earlier_mean = float(earlier.sum()) / max(int((earlier > 0).sum()), 1) / weeks_before
            mean = float(own.sum()) / max(int((own > 0).sum()), 1) / weeks
            rows.append(
                {
                    "kpi": metric.kpi,
                    "arm": arm,
                    "units": len(own),
                    "without": int((~(own > 0)).sum()),
                    "per_unit_week_before": earlier_mean,
                    "per_unit_week": mean,
                    "change": mean / earlier_mean - 1 if earlier_mean > 0 else nan,
                }
            )
    columns = ["kpi", "arm", "units", "without", "per_unit_week_before", "per_unit_week", "change"]
    return pd.DataFrame(rows, columns=columns)


def _split(pilot: Pilot, arms: pd.DataFrame, tests: list[_Tested]) -> list[HealthCheck]:
    """Units by arm against the intended split, and units that have rows against units assigned."""
    n = [int(arms.loc[arm, "assigned"]) for arm in ARMS]
    text = f"{plural(n[0], 'unit')} assigned to the pilot and {n[1]} to the baseline"
    even = pilot.spec.assignment == "random" and any(word in pilot.spec.assigned_how.casefold() for word in _EVEN)
    found = []
    if even:
        pvalue = float(stats.binomtest(n[0], sum(n)).pvalue)
        tests.append(_Tested("split of units", pvalue, f"{text}, of an even split."))
    else:
        why = (
            "the pilot file does not say that it was even"
            if pilot.spec.assignment == "random"
            else "units were not drawn"
        )
        found.append(HealthCheck(name="split of units", state="not checked", sentence=f"{text}; {why}."))
    seen = [int(arms.loc[arm, "with_rows"]) for arm in ARMS]
    table = [[seen[0], n[0] - seen[0]], [seen[1], n[1] - seen[1]]]
    tests.append(
        _Tested(
            "units with rows",
            float(stats.fisher_exact(table).pvalue),
            f"{seen[0]} of {n[0]} pilot units and {seen[1]} of {n[1]} baseline units have rows since the start.",
        )
    )
    return found


def _missing(pilot: Pilot, metrics: pd.DataFrame, tests: list[_Tested]) -> None:
    for kpi, part in metrics.groupby("kpi", sort=False):
        by_arm = part.set_index("arm")
        if len(by_arm) < 2:
            continue
        lost = [int(by_arm.loc[arm, "without"]) for arm in ARMS]
        n = [int(by_arm.loc[arm, "units"]) for arm in ARMS]
        table = [[lost[0], n[0] - lost[0]], [lost[1], n[1] - lost[1]]]
        label = pilot.kpi(str(kpi)).label
        text = f"{label}: {lost[0]} of {n[0]} pilot units and {lost[1]} of {n[1]} baseline units have no value."
        tests.append(_Tested(f"missing: {label}", float(stats.fisher_exact(table).pvalue), text))


def _volumes(pilot: Pilot, end: date, tests: list[_Tested]) -> None:
    """Whether the contacts of units changed differently in the arms since the baseline window."""
    kpi = base_metric(pilot)
    try:
        arms = pilot.arms(kpi, pilot.spec.start, end)
        frames = [
            pd.DataFrame(
                {"unit": a["unit"], "numerator": np.log(a["denominator"] / a["pre_denominator"]), "denominator": 1.0}
            )
            for a in arms
        ]
        found = compare_arms(*frames, method="t")
    except ValueError as error:
        tests.append(_Tested("split of contacts", nan, f"Not compared with the baseline window: {error}"))
        return
    before, now = pilot.contacts(kpi, *pilot.baseline), pilot.contacts(kpi, pilot.spec.start, end)
    shares = [100 * part[0] / sum(part) if sum(part) else nan for part in (before, now)]
    base = base_words(pilot.kpi(kpi))
    text = (
        f"The pilot arm has {shares[1]:.1f} % of the {base} of both arms since the start, {shares[0]:.1f} % in the "
        "baseline window."
    )
    tests.append(_Tested("split of contacts", found.pvalue, text))


def _answers(pilot: Pilot, end: date, tests: list[_Tested]) -> None:
    """Whether a metric's own cases for each contact differ between the arms: answers, evaluations."""
    base = base_metric(pilot)
    for metric in pilot.spec.metrics:
        if metric.kpi == base:
            continue
        try:
            own, whole = pilot.arms(metric.kpi, pilot.spec.start, end), pilot.arms(base, pilot.spec.start, end)
            frames = [_per_contact(first, second) for first, second in zip(own, whole, strict=True)]
            found = compare_arms(*frames, method="t", estimand="ratio")
        except ValueError as error:
            label = pilot.kpi(metric).label
            tests.append(_Tested(f"answers per contact: {label}", nan, f"{label}: not compared. {error}"))
            continue
        kpi, per = pilot.kpi(metric.kpi), base_words(pilot.kpi(base))
        text = (
            f"{kpi.label}: {100 * found.pilot_value:.3g} {base_words(kpi)} for 100 {per} in the pilot arm, "
            f"{100 * found.baseline_value:.3g} in the baseline arm."
        )
        tests.append(_Tested(f"answers per contact: {kpi.label}", found.pvalue, text))


def _per_contact(own: pd.DataFrame, whole: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "unit": own["unit"].to_numpy(),
            "numerator": own["denominator"].fillna(0).to_numpy(),
            "denominator": whole["denominator"].to_numpy(),
            "pre_numerator": own["pre_denominator"].fillna(0).to_numpy(),
            "pre_denominator": whole["pre_denominator"].to_numpy(),
        }
    )


def _shifts(pilot: Pilot, metrics: pd.DataFrame) -> list[HealthCheck]:
    """Metrics whose cases for each unit changed much in all arms since the baseline window."""
    found = []
    for kpi, part in metrics.groupby("kpi", sort=False):
        known = part["change"].dropna()
        if known.empty:
            continue
        label, base = pilot.kpi(str(kpi)).label, base_words(pilot.kpi(str(kpi)))
        texts = [
            f"{row.per_unit_week:.3g} a unit and week in the {row.arm} arm ({row.per_unit_week_before:.3g} before)"
            for row in part.itertuples()
        ]
        large = bool((known > SHIFT).all() or (known < -SHIFT).all())
        text = f"{label}: {base} {', '.join(texts)}."
        if large:
            text += " Who is asked or rated may have changed since the baseline; values before and since compare badly."
        found.append(HealthCheck(name=f"cases: {label}", state="look into it" if large else "fine", sentence=text))
    return found


def _leavers(arms: pd.DataFrame) -> list[HealthCheck]:
    """How many left, and whether more of one arm: judged by itself, for no adjustment mends it."""
    left, seen = ([int(arms.loc[arm, name]) for arm in ARMS] for name in ("left", "with_rows"))
    table = [[left[0], seen[0] - left[0]], [left[1], seen[1] - left[1]]]
    text = (
        f"{left[0]} of {seen[0]} pilot units and {left[1]} of {seen[1]} baseline units have no row in the last "
        f"{LEFT_AFTER_DAYS} days; they stay in their arm with what they have."
    )
    differs = (
        f"Left: {left[0]} of {seen[0]} in the pilot arm, {left[1]} of {seen[1]} in the baseline arm. Where these "
        "shares differ, those who stay may not be like those who left."
    )
    uneven = float(stats.fisher_exact(table).pvalue) < ALARM
    many = sum(left) > 0.2 * max(sum(seen), 1)
    return [
        HealthCheck(name="units that left", state="look into it" if many else "fine", sentence=text),
        HealthCheck(name="leaving differs", state="look into it" if uneven else "fine", sentence=differs),
    ]


def _unknown(pilot: Pilot) -> list[HealthCheck]:
    """Assigned units whose names no table knows: misspelt, or not yet at work."""
    if not pilot.unknown:
        return []
    named = ", ".join(pilot.unknown[:MOST_NAMED])
    more = f" and {len(pilot.unknown) - MOST_NAMED} more" if len(pilot.unknown) > MOST_NAMED else ""
    text = (
        f"{plural(len(pilot.unknown), f'assigned {pilot.spec.unit}')} of {len(pilot.units)} in no row of the data and "
        f"on no roster: {named}{more}. Misspelt in the list of units, or not at work yet; nothing of them is counted."
    )
    return [HealthCheck(name="unknown units", state="look into it", sentence=text)]


def _contamination(pilot: Pilot, crossing: Crossing) -> HealthCheck:
    rows = pilot.rows[pilot.rows["date"] >= pd.Timestamp(pilot.spec.start)]
    outside = crossing.rows_without_arm / max(len(rows), 1)
    bad = crossing.contacts_other_arm > MOST_CONTAMINATION or len(crossing.units) > 0 or outside > MOST_CONTAMINATION
    return HealthCheck(name="contamination", state="look into it" if bad else "fine", sentence=crossing.sentence)
