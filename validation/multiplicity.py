"""Many tests in one report: how often does a report say something although nothing is different?

Six partners with twelve KPIs each, KPIs of one partner correlated by 0.5; the decision family holds one KPI of each
partner, the screening family the other eleven. Calibrated: p-values of z-scores, uniform without an effect. Plain Mann-
Kendall: 24 months of this autocorrelation without a trend; no adjustment repairs such p-values. A false alarm is a
report with any finding at all; ours is `MultiplicityPlan`, and `adjust_pvalues` on everything as one family. In the
power rows one partner in six has an effect of 3.5 standard errors in every KPI; there a false alarm is a finding in the
decision family where there is none, and the share of false ones among the findings of the screening family is below.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from bpo_analysis.stats.multiplicity import MultiplicityPlan, adjust_pvalues
from validation.verdict import rate_row

__all__ = ["study"]

Floats = NDArray[np.float64]
PARTNERS, KPIS, MONTHS = 6, 12, 24
CORRELATION = 0.5
EFFECT = 3.5
MOST_RUNS = 2000
BOUND, OPEN = (0.0, 0.05), (np.nan, np.nan)
_BOUND_NOTE = "The bar is an upper bound: with KPIs that resemble each other a family-wise level is not used up."
_UNCALIBRATED = "No bar: the p-values that go in are wrong one by one."


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Measure false alarms, false discoveries and power of whole reports.

    Parameters
    ----------
    repetitions : int
        Reports a case, at most two thousand.
    rng : Generator

    Returns
    -------
    DataFrame
        Columns case, method, ours, measure, rate, runs, low, high, note.
    """
    runs = min(repetitions, MOST_RUNS)
    rows: list[dict[str, object]] = []
    for correlation in (0.0, CORRELATION, 0.9):
        pvalues = [_calibrated(rng, correlation, np.zeros(PARTNERS)) for _ in range(runs)]
        rows += _alarms(f"calibrated, correlation {correlation:g}", pvalues, BOUND, _BOUND_NOTE)
    for rho in (0.0, 0.3, 0.6):
        pvalues = [_mann_kendall(rng, rho) for _ in range(runs)]
        bar, note = (BOUND, _BOUND_NOTE) if rho == 0 else (OPEN, _UNCALIBRATED)
        rows += _alarms(f"plain Mann-Kendall, AR(1) {rho:g}", pvalues, bar, note)
    effects = np.r_[EFFECT, np.zeros(PARTNERS - 1)]
    rows += _partly(
        f"one of {PARTNERS} partners differs", [_calibrated(rng, CORRELATION, effects) for _ in range(runs)]
    )
    return pd.DataFrame(rows)


def _alarms(case: str, pvalues: list[Floats], bar: tuple[float, float], note: str) -> Iterator[dict[str, object]]:
    yield rate_row(case, "no adjustment", "false alarms", [bool((p < 0.05).any()) for p in pvalues])
    yield rate_row(
        case, "MultiplicityPlan", "false alarms", [_planned(p).any() for p in pvalues], ours=True, bar=bar, note=note
    )
    for method in ("holm", "benjamini-hochberg", "benjamini-yekutieli"):
        hits = [bool((adjust_pvalues(p.ravel(), method=method) <= 0.05).any()) for p in pvalues]
        yield rate_row(case, f"adjust_pvalues, {method}", "false alarms", hits, ours=True, bar=bar, note=note)


def _partly(case: str, pvalues: list[Floats]) -> Iterator[dict[str, object]]:
    found = [_planned(p) for p in pvalues]
    raw = [p < 0.05 for p in pvalues]
    for name, hits, ours in (("MultiplicityPlan", found, True), ("no adjustment", raw, False)):
        bar = BOUND if ours else OPEN
        note = _BOUND_NOTE if ours else ""
        yield rate_row(case, name, "false alarms", [bool(h[1:, 0].any()) for h in hits], ours=ours, bar=bar, note=note)
        share = [h[1:, 1:].sum() / max(1, h[:, 1:].sum()) for h in hits]
        yield rate_row(
            case, name, "false ones among findings of the screening family", share, ours=ours, bar=bar, note=note
        )
        yield rate_row(f"{case}, decision family", name, "power", [bool(h[0, 0]) for h in hits], ours=ours)
        yield rate_row(f"{case}, screening family", name, "power", [h[0, 1:].mean() for h in hits], ours=ours)


def _planned(pvalues: Floats) -> NDArray[np.bool_]:
    """Findings of a plan, partners by KPIs; the first KPI of each partner is in the decision family."""
    labels = [[f"{partner} {kpi}" for kpi in range(KPIS)] for partner in range(PARTNERS)]
    plan = MultiplicityPlan()
    plan = plan.add_all("decision", {labels[i][0]: pvalues[i, 0] for i in range(PARTNERS)})
    plan = plan.add_all("screening", {labels[i][k]: pvalues[i, k] for i in range(PARTNERS) for k in range(1, KPIS)})
    hits = plan.table.set_index("label")["found"]
    return np.array([[hits[label] for label in row] for row in labels])


def _correlated(rng: np.random.Generator, correlation: float, *shape: int) -> Floats:
    """Normal values whose last axis is correlated."""
    own = rng.standard_normal(shape)
    return np.sqrt(correlation) * rng.standard_normal((*shape[:-1], 1)) + np.sqrt(1 - correlation) * own


def _calibrated(rng: np.random.Generator, correlation: float, effects: Floats) -> Floats:
    scores = _correlated(rng, correlation, PARTNERS, KPIS) + effects[:, None]
    return np.asarray(2 * special.ndtr(-np.abs(scores)))


def _mann_kendall(rng: np.random.Generator, rho: float) -> Floats:
    noise = _correlated(rng, CORRELATION, MONTHS, PARTNERS, KPIS)
    for month in range(1, MONTHS):
        noise[month] = rho * noise[month - 1] + np.sqrt(1 - rho**2) * noise[month]
    earlier, later = np.triu_indices(MONTHS, 1)
    score = np.sign(noise[later] - noise[earlier]).sum(axis=0)
    spread = np.sqrt(MONTHS * (MONTHS - 1) * (2 * MONTHS + 5) / 18)
    return np.asarray(2 * special.ndtr(-np.maximum(np.abs(score) - 1, 0) / spread))
