"""Learning curves: do the intervals cover with few newcomers, and how often is learning seen where there is none?

Newcomers are seen for 60 weeks and settled agents from week 30 on. Each agent has a level of its own (standard
deviation of 10 %), its weeks vary by another 10 %, and 20 to 60 cases a week count. Coverage is the share of 95 %
intervals that hold the distance of the start from the settled level, and the weeks until 5 % are left of it. A false
alarm is an interval of that distance without nought where newcomers work like the others from the first day.

Beside ours stands what is usual: a t-test of the first four weeks against the
weeks from 26 on, with every agent-week taken for independent.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bpo_analysis.stats import learning_curve
from bpo_analysis.stats.learning_curve import LearningCurve
from validation.verdict import NO_BAR, rate_row

__all__ = ["study"]

Floats = NDArray[np.float64]
WEEKS, SEEN_FROM, SETTLED_FROM, FIRST = 60, 30, 26, 4
LEVEL, RATE, GAP, TOLERANCE = 300.0, 5.0, 0.4, 0.05
AGENTS = ((8, 8), (18, 20), (18, 60))
"""Newcomers, and agents seen only when settled."""
BETWEEN, WITHIN = 0.1, 0.1
MOST_RUNS = 400
COVERS, ALARMS = (0.93, 0.97), (0.03, 0.065)


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Measure coverage and false alarms; ``repetitions`` sets of agents a case, at most four hundred."""
    runs = min(repetitions, MOST_RUNS)
    rows = []
    weeks = RATE * np.log(GAP / TOLERANCE)
    for newcomers, settled in AGENTS:
        case = f"{newcomers} newcomers, {settled} settled agents"
        found = [_fitted(_agents(rng, newcomers, settled, GAP)) for _ in range(runs)]
        for what, hits in (
            ("distance of 40 % at the start", [one.gap_ci_low <= GAP <= one.gap_ci_high for one in found]),
            ("settled level", [one.level_ci_low <= LEVEL <= one.level_ci_high for one in found]),
            (f"{weeks:.1f} weeks", [one.weeks_ci_low <= weeks <= one.weeks_ci_high for one in found]),
        ):
            rows.append(rate_row(f"{case}, {what}", "learning_curve", "coverage", hits, ours=True, bar=COVERS))
        ours, peer = [], []
        for _ in range(runs):
            data = _agents(rng, newcomers, settled, 0.0)
            one = _fitted(data)
            ours.append(not one.gap_ci_low <= 0 <= one.gap_ci_high)
            peer.append(_t_test(data))
        name = f"{case}, nothing to learn"
        rows.append(rate_row(name, "learning_curve", "false alarms", ours, ours=True, bar=ALARMS))
        rows.append(rate_row(name, "t-test of agent-weeks", "false alarms", peer, bar=NO_BAR))
    return pd.DataFrame(rows)


def _agents(rng: np.random.Generator, newcomers: int, settled: int, gap: float) -> dict[str, Floats]:
    """Sums of agents by week since their start."""
    week = np.concatenate([np.tile(np.arange(WEEKS), newcomers), np.tile(np.arange(SEEN_FROM, WEEKS), settled)])
    agent = np.repeat(np.arange(newcomers + settled), [WEEKS] * newcomers + [WEEKS - SEEN_FROM] * settled)
    own = rng.normal(1, BETWEEN, newcomers + settled)[agent]
    value = LEVEL * (1 + gap * np.exp(-week / RATE)) * own * rng.normal(1, WITHIN, len(week))
    cases = rng.integers(20, 61, len(week)).astype(float)
    return {"week": week.astype(float), "numerator": value * cases, "denominator": cases, "agent": agent.astype(float)}


def _fitted(data: dict[str, Floats]) -> LearningCurve:
    return learning_curve(
        data["week"], data["numerator"], data["denominator"], data["agent"],
        settled_from=SETTLED_FROM, tolerance=TOLERANCE,
    )  # fmt: skip


def _t_test(data: dict[str, Floats]) -> bool:
    value = data["numerator"] / data["denominator"]
    early, late = value[data["week"] < FIRST], value[data["week"] >= SETTLED_FROM]
    return bool(stats.ttest_ind(early, late, equal_var=False).pvalue < 0.05)
