"""How long newcomers take to work like the others, and partners compared as if all had the same mix of tenure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.context import Review
from bpo_analysis.review.people import BANDS, spells, tenure_band
from bpo_analysis.stats import (
    LearningCurve,
    RatioInterval,
    adjust_pvalues,
    learning_curve,
    ratio_interval,
    share_interval,
    standardise,
)
from bpo_analysis.stats.standardisation import MIN_UNITS

__all__ = [
    "LEARNED",
    "SETTLED_WEEKS",
    "TOLERANCE",
    "Learning",
    "SameTenure",
    "Survivors",
    "learning",
    "same_tenure",
    "survivors",
]

LEARNED = ("aht_s", "qa_score", "fcr")
"""KPIs of the work of one agent, as in the extract ``learning``."""
SETTLED_WEEKS = 26
"""Weeks since production from which an agent counts as tenured."""
TOLERANCE = 0.05
"""Distance from the tenured level, as part of it, that no longer counts as learning."""
_POINTS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 20, 26)
"""First weeks of the stretches that the curve is drawn in."""
_MOST_COHORTS = 2
_MIN_AGENTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """The learning curve of one KPI.

    Attributes
    ----------
    kpi : Kpi
    curve : LearningCurve or None
        None where too few newcomers were seen; ``reason`` says so.
    reason : str
    points : DataFrame
        Columns cohort ("all newcomers" or a half-year), week (first of the stretch), last, value, ci_low, ci_high,
        agents, denominator.
    tenured : RatioInterval or None
        Level of agents with at least 26 weeks in production, agents as units.
    """

    kpi: Kpi
    curve: LearningCurve | None
    reason: str
    points: pd.DataFrame
    tenured: RatioInterval | None

    @property
    def clear(self) -> bool:
        """Whether the start differs from the tenured level by more than chance, for all three KPIs together."""
        return self.curve is not None and self.curve.gap_ci_low * self.curve.gap_ci_high > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivors:
    """Newcomers seen since the data begin, and how many were still there later: later weeks show only these."""

    started: int
    there_after: dict[int, tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SameTenure:
    """One KPI against every other partner on a common mix of tenure.

    Attributes
    ----------
    kpi : Kpi
    table : DataFrame
        One row per other partner: name, own, theirs (as counted), own_standardised, theirs_standardised, difference,
        ci_low, ci_high, pvalue, adjusted_pvalue (Holm, over all partners and KPIs of this table), bands.
    """

    kpi: Kpi
    table: pd.DataFrame


def learning(review: Review) -> list[Learning] | None:
    """Fit the learning curves of the partner up to the end of the period; None without the rows.

    Intervals of the gap at the start are widened (Bonferroni) for the KPIs looked at.
    """
    rows = _rows(review)
    if rows is None:
        return None
    names = [n for n in LEARNED if n in review.kpis and (rows["kpi"] == n).any()]
    return [_learning(review, review.kpis[n], rows[rows["kpi"] == n], len(names)) for n in names]


def _rows(review: Review) -> pd.DataFrame | None:
    rows = review.extract("learning")
    if rows is None:
        return None
    # A week that goes on after the period belongs to the next report.
    rows = rows[pd.to_datetime(rows["week_of"]) + pd.Timedelta(days=6) <= pd.Timestamp(review.period.end)]
    return rows if len(rows) else None


def _learning(review: Review, kpi: Kpi, rows: pd.DataFrame, tests: int) -> Learning:
    curve, reason = None, ""
    try:
        curve = learning_curve(
            rows["week"],
            rows["numerator"] * kpi.scale,
            rows["denominator"],
            rows["agent"],
            settled_from=SETTLED_WEEKS,
            tolerance=TOLERANCE,
            confidence_level=1 - (1 - review.confidence_level) / tests,
        )
    except InsufficientDataError as error:
        reason = f"a curve needs {error.needed} {error.unit}, there are {error.got}"
    tenured = _interval(review, kpi, rows[rows["week"] >= SETTLED_WEEKS])
    return Learning(kpi=kpi, curve=curve, reason=reason, points=_points(review, kpi, rows), tenured=tenured)


def _points(review: Review, kpi: Kpi, rows: pd.DataFrame) -> pd.DataFrame:
    """Values of the newcomers by stretch of weeks, all together and by half-year of their start."""
    started = pd.to_datetime(rows["prod_date"])
    rows = rows[started >= pd.Timestamp(review.dataset.span[0])]
    started = pd.to_datetime(rows["prod_date"])
    halves = started.dt.year.astype(str) + np.where(started.dt.month <= 6, " H1", " H2")
    sizes = rows.assign(half=halves).groupby("half")["agent"].nunique()
    cohorts = sorted(sizes[sizes >= _MIN_AGENTS].index)[-_MOST_COHORTS:]
    groups = [("all newcomers", rows)] + [(f"started {half}", rows[halves == half]) for half in cohorts]
    lines = []
    for name, members in groups if len(cohorts) > 1 else groups[:1]:
        for first, following in zip(_POINTS, (*_POINTS[1:], None), strict=True):
            if following is None:
                break
            inside = members[(members["week"] >= first) & (members["week"] < following)]
            found = _interval(review, kpi, inside)
            if found is not None and inside["agent"].nunique() >= _MIN_AGENTS:
                lines.append(
                    {
                        "cohort": name,
                        "week": first,
                        "last": following - 1,
                        "value": found.estimate,
                        "ci_low": found.ci_low,
                        "ci_high": found.ci_high,
                        "agents": int(inside["agent"].nunique()),
                        "denominator": float(inside["denominator"].sum()),
                    }
                )
    columns = ["cohort", "week", "last", "value", "ci_low", "ci_high", "agents", "denominator"]
    return pd.DataFrame(lines, columns=columns)


def _interval(review: Review, kpi: Kpi, rows: pd.DataFrame) -> RatioInterval | None:
    """Value with the agents as units: contacts of one agent resemble each other."""
    sums = rows.groupby("agent")[["numerator", "denominator"]].sum()
    make = share_interval if kpi.sampling == "cases" else ratio_interval
    try:
        return make(
            sums["numerator"] * kpi.scale,
            sums["denominator"],
            confidence_level=review.confidence_level,
            autocorrelation=0.0,
        )
    except InsufficientDataError:
        return None


def survivors(review: Review) -> Survivors | None:
    """Count newcomers who were still there after 13 and 26 weeks, of those who could have been; None without any."""
    table = spells(review)
    if table is None:
        return None
    end = pd.Timestamp(review.period.end)
    new = table[(table["prod_date"] >= pd.Timestamp(review.dataset.span[0])) & (table["prod_date"] <= end)]
    if new.empty:
        return None
    found = {}
    for weeks in (13, 26):
        day = new["prod_date"] + pd.Timedelta(weeks=weeks)
        could = day <= end
        if could.any():
            found[weeks] = (int((new["until"].isna() | (new["until"] > day))[could].sum()), int(could.sum()))
    return Survivors(started=len(new), there_after=found)


def same_tenure(review: Review) -> list[SameTenure]:
    """Compare the partner with each other one on a common mix of tenure, over the period and the stretch before.

    Tenure is counted in days since production. Empty in the partner's edition, and where nobody can be compared.
    """
    everyone = review.dataset.extract("learning") if review.shows_others else None
    if everyone is None:
        return []
    day = pd.to_datetime(everyone["week_of"])
    last = pd.Timestamp(review.period.end) - pd.Timedelta(days=6)
    inside = everyone[(day >= pd.Timestamp(review.before()[0])) & (day <= last) & (everyone["denominator"] > 0)]
    inside = inside.assign(band=tenure_band(inside["week"] * 7).astype(str))
    names = review.dataset.partners.set_index("partner_id")["name"]
    found: list[tuple[Kpi, list[dict[str, object]]]] = []
    for name in LEARNED:
        rows = inside[inside["kpi"] == name]
        if name in review.kpis and (rows["partner_id"] == review.partner_id).any():
            kpi = review.kpis[name]
            others = sorted(set(rows["partner_id"]) - {review.partner_id})
            lines = [(other, _pair(review, kpi, rows, other)) for other in others]
            found.append((kpi, [{"name": str(names[o]), **line} for o, line in lines if line is not None]))
    pvalues = [float(str(line["pvalue"])) for _, lines in found for line in lines]
    adjusted = iter(adjust_pvalues(pvalues, method="holm") if pvalues else [])
    return [
        SameTenure(kpi=kpi, table=pd.DataFrame([{**line, "adjusted_pvalue": next(adjusted)} for line in lines]))
        for kpi, lines in found
        if lines
    ]


def _pair(review: Review, kpi: Kpi, rows: pd.DataFrame, other: str) -> dict[str, object] | None:
    own = review.partner_id
    pair = rows[rows["partner_id"].isin([own, other])]
    if pair["week_of"].nunique() < MIN_UNITS:
        return None
    scaled = pair.assign(numerator=pair["numerator"] * kpi.scale)
    try:
        result = standardise(
            scaled,
            group="partner_id",
            slice="band",
            unit="week_of",
            sampling="cases" if kpi.sampling == "cases" else "mean",
            confidence_level=review.confidence_level,
        )
    except InsufficientDataError:
        return None
    line = result.pairs.iloc[0]
    sign = 1 if line["first"] == own else -1
    low, high = sorted((sign * float(line["ci_low"]), sign * float(line["ci_high"])))
    table = result.table
    return {
        "own": float(table.loc[own, "crude"]),
        "theirs": float(table.loc[other, "crude"]),
        "own_standardised": float(table.loc[own, "standardised"]),
        "theirs_standardised": float(table.loc[other, "standardised"]),
        "difference": sign * float(line["difference"]),
        "ci_low": low,
        "ci_high": high,
        "pvalue": float(line["pvalue"]),
        "bands": [band for band in BANDS if band in set(result.weights.index)],
    }
