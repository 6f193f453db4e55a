"""Were the arms alike before? Units, earlier values, mix of work, tenure."""

from __future__ import annotations

from math import isfinite, nan, sqrt

import numpy as np
import pandas as pd

from bpo_analysis.errors import DataError
from bpo_analysis.formats import plain
from bpo_analysis.review.pilots.context import ARMS, DIMENSIONS, Pilot
from bpo_analysis.review.pilots.health import base_metric
from bpo_analysis.review.pilots.results import Comparability

__all__ = ["comparability_of"]

LARGE_SMD = 0.25
"""Standardised difference of earlier values from which a comparison rests on the adjustment (Rubin 2001)."""
LARGE_DISTANCE = 0.1


def comparability_of(pilot: Pilot) -> Comparability:
    """Compare the arms as they were before the pilot, and their work while it ran."""
    before = pd.DataFrame(
        [row for metric in pilot.spec.metrics if (row := _before(pilot, metric.kpi)) is not None],
        columns=["kpi", "pilot", "baseline", "difference", "smd", "n_pilot", "n_baseline"],
    ).set_index("kpi")
    mix, distance = _mix(pilot)
    tenure, tenure_smd = _tenure(pilot)
    return Comparability(
        arms=_arms(pilot),
        before=before,
        mix=mix,
        distance=distance,
        tenure=tenure,
        tenure_smd=tenure_smd,
        sentences=_sentences(pilot, before, distance, tenure_smd),
    )


def _arms(pilot: Pilot) -> pd.DataFrame:
    seen = set(pilot.rows.loc[pilot.rows["date"] >= pd.Timestamp(pilot.spec.start), "unit"])
    contacts = dict(zip(ARMS, pilot.contacts(base_metric(pilot), *pilot.window), strict=True))
    rows = []
    for arm in ARMS:
        units = pilot.assigned(arm)
        partners = sorted({str(name) for name in pilot.units.loc[units, "partner_id"]})
        rows.append(
            {
                "arm": arm,
                "units": len(units),
                "with_rows": sum(unit in seen for unit in units),
                "contacts": contacts[arm],
                "partners": ", ".join(partners),
            }
        )
    return pd.DataFrame(rows).set_index("arm")


def _before(pilot: Pilot, kpi: str) -> dict[str, object] | None:
    try:
        sums = pilot.unit_sums(kpi, *pilot.baseline)
    except DataError:
        return None
    values = (sums["numerator"] / sums["denominator"].where(sums["denominator"] > 0)).dropna()
    arms = [values.reindex(values.index.intersection(pilot.assigned(arm))) for arm in ARMS]
    if min(len(part) for part in arms) == 0:
        return None
    return {
        "kpi": kpi,
        "pilot": float(arms[0].mean()),
        "baseline": float(arms[1].mean()),
        "difference": float(arms[0].mean() - arms[1].mean()),
        "smd": _smd(arms[0].to_numpy(float), arms[1].to_numpy(float)),
        "n_pilot": len(arms[0]),
        "n_baseline": len(arms[1]),
    }


def _smd(first: np.ndarray, second: np.ndarray) -> float:
    if min(len(first), len(second)) < 2:
        return nan
    spread = sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)
    return float((first.mean() - second.mean()) / spread) if spread > 0 else nan


def _mix(pilot: Pilot) -> tuple[pd.DataFrame, dict[str, float]]:
    parts, distance, kpi = [], {}, base_metric(pilot)
    for dimension in DIMENSIONS:
        if dimension not in pilot.slice_names(kpi):
            continue
        table = pilot.mix(kpi, dimension)
        totals = table.sum()
        if (totals <= 0).any():
            continue
        shares = table / totals
        distance[dimension] = float((shares["pilot"] - shares["baseline"]).abs().sum() / 2)
        parts.append(shares.reset_index().assign(dimension=dimension))
    columns = ["dimension", "slice", "pilot", "baseline"]
    return (pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)), distance


def _tenure(pilot: Pilot) -> tuple[pd.DataFrame | None, float]:
    if not pilot.hired:
        return None, nan
    start = pd.Timestamp(pilot.spec.start)
    rows, days = [], []
    for arm in ARMS:
        own = [(start - pd.Timestamp(pilot.hired[u])).days for u in pilot.assigned(arm) if u in pilot.hired]
        days.append(np.asarray(own, dtype=float))
        mean, median = (float(np.mean(own)), float(np.median(own))) if own else (nan, nan)
        rows.append({"arm": arm, "units": len(own), "mean_days": mean, "median_days": median})
    return pd.DataFrame(rows).set_index("arm"), _smd(*days)


def _sentences(pilot: Pilot, before: pd.DataFrame, distance: dict[str, float], tenure_smd: float) -> tuple[str, ...]:
    said = []
    apart = before[before["smd"].abs() > LARGE_SMD]
    for kpi, row in apart.iterrows():
        better = (row["difference"] > 0) == (pilot.kpi(str(kpi)).better != "lower")
        said.append(
            f"Before the pilot its units were already {'better' if better else 'worse'} on "
            f"{pilot.kpi(str(kpi)).label}: "
            f"{abs(row['smd']):.2f} standard deviations of units. The comparison rests on taking the own baseline "
            "into account."
        )
    for dimension, size in distance.items():
        if size > LARGE_DISTANCE:
            said.append(
                f"The arms' work differs by {plain(dimension)}: {100 * size:.0f} % of the contacts would have to "
                "move to make "
                "the mix alike."
            )
    if isfinite(tenure_smd) and abs(tenure_smd) > LARGE_SMD:
        said.append(
            f"Pilot units had been there {'longer' if tenure_smd > 0 else 'for a shorter time'}: "
            f"{abs(tenure_smd):.2f} standard deviations."
        )
    partners = pilot.units["partner_id"].nunique()
    if partners > 1:
        said.append(
            "The arms belong to different partners: whatever else differs between the partners is in every number."
        )
    return tuple(said) or ("Nothing that was measured before sets the arms apart.",)
