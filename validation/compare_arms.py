"""Pilot against baseline: does the comparison of arms hold its error rate with few, uneven and clustered units?

No effect, or a known one, between the agents (or teams) of two arms; contacts of one agent resemble each other by the
intraclass correlation (ICC). "Volumes vary": agents' numbers of contacts have a log standard deviation of 0.8.
Ours is `compare_arms` with its defaults (499 resamples here) for both things it reports: the mean of the units and the
ratio of sums. Beside it stand the test of proportions on contacts, statsmodels' cluster-robust regression as it comes,
Welch and the pooled t-test on agents, the delta-method ratio as tea-tasting and gbstats compute it (its own code in a
few hundred runs), and the percentile bootstrap of agents.

The tables with an own baseline give every agent as many contacts before the pilot; persistence is the correlation of an
agent's true level before and during it. "The weakest were chosen" means that the pilot went to the agents whose earlier
values were lowest, give or take chance: whoever ignores the own baseline then calls the weakness an effect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bpo_analysis.stats.compare_arms import ArmComparison, compare_arms_many
from validation.verdict import NO_BAR, rate_row

__all__ = ["study"]

Floats = NDArray[np.float64]
RESAMPLES = 499
SLOW_RUNS = 200
HOLDS, COVERS = (0.03, 0.065), (0.93, 0.97)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One kind of pilot."""

    name: str
    n_pilot: int
    n_baseline: int
    share: float = 0.7
    icc: float = 0.1
    icc_pilot: float | None = None
    contacts: float = 100.0
    sdlog: float = 0.0
    effect: float = 0.0
    persistence: float | None = None
    chosen: bool = False
    seconds: bool = False
    agents_per_team: int = 1
    team_icc: float = 0.0
    bar: tuple[float, float] = HOLDS
    note: str = ""


VARY = {"sdlog": 0.8}
NULLS = (
    Case(name="20 v 60 agents, ICC 0.05", n_pilot=20, n_baseline=60, icc=0.05),
    Case(name="20 v 60 agents, ICC 0.1", n_pilot=20, n_baseline=60),
    Case(name="20 v 60 agents, ICC 0.15", n_pilot=20, n_baseline=60, icc=0.15),
    Case(name="20 v 60 agents, ICC 0.1, volumes vary", n_pilot=20, n_baseline=60, **VARY),
    Case(name="5 v 60 agents, ICC 0.1", n_pilot=5, n_baseline=60),
    Case(name="5 v 60 agents, ICC 0.1, volumes vary", n_pilot=5, n_baseline=60, **VARY),
    Case(name="8 v 8 agents, ICC 0.1, share 90 %, volumes vary", n_pilot=8, n_baseline=8, share=0.9, **VARY),
    Case(name="10 v 60 agents, ICC 0.05, share 97 %", n_pilot=10, n_baseline=60, share=0.97, icc=0.05),
    Case(name="12 v 12 agents, ICC 0.1", n_pilot=12, n_baseline=12),
    Case(name="30 v 30 agents, ICC 0.1, volumes vary", n_pilot=30, n_baseline=30, **VARY),
    Case(name="3 v 3 agents, ICC 0.1", n_pilot=3, n_baseline=3),
    Case(name="4 v 4 agents, ICC 0.1", n_pilot=4, n_baseline=4),
    Case(
        name="2 v 6 whole teams of 10 agents, ICC 0.07 and 0.03 between teams",
        n_pilot=2,
        n_baseline=6,
        icc=0.07,
        agents_per_team=10,
        team_icc=0.03,
        note="28 assignments: the rate is 1/28 = 3.6 % at most",
    ),
    Case(name="10 v 30 agents, handle time (skewed), volumes vary", n_pilot=10, n_baseline=30, seconds=True, **VARY),
    Case(
        name="8 v 40 agents, pilot agents differ more (ICC 0.2 v 0.05)",
        n_pilot=8,
        n_baseline=40,
        icc=0.05,
        icc_pilot=0.2,
        bar=NO_BAR,
        note="no bar: equal means, unequal spread; a permutation is exact for equal spread only",
    ),
)
EFFECTS = (
    Case(name="20 v 60 agents, ICC 0.1, +4 points", n_pilot=20, n_baseline=60, effect=0.04),
    Case(name="20 v 60 agents, ICC 0.1, +8 points", n_pilot=20, n_baseline=60, effect=0.08),
    Case(name="20 v 60 agents, ICC 0.1, volumes vary, +8 points", n_pilot=20, n_baseline=60, effect=0.08, **VARY),
    Case(name="5 v 60 agents, ICC 0.1, +12 points", n_pilot=5, n_baseline=60, effect=0.12),
    Case(name="8 v 8 agents, ICC 0.1, volumes vary, +12 points", n_pilot=8, n_baseline=8, effect=0.12, **VARY),
)
_OWN = {"n_pilot": 20, "n_baseline": 60}
OWN_BASELINE = (
    *(
        Case(
            name=f"20 v 60 agents, persistence {rho:g}, +{100 * effect:g} points",
            persistence=rho,
            effect=effect,
            **_OWN,
        )
        for rho in (1.0, 0.8, 0.5)
        for effect in (0.0, 0.02, 0.04)
    ),
    Case(name="8 v 8 agents, persistence 0.8", n_pilot=8, n_baseline=8, persistence=0.8),
    Case(name="5 v 60 agents, persistence 0.8, volumes vary", n_pilot=5, n_baseline=60, persistence=0.8, **VARY),
    Case(
        name="4 v 6 teams of 1,000 contacts, persistence 0.8", n_pilot=4, n_baseline=6, persistence=0.8, contacts=1000
    ),
    Case(
        name="20 v 60 agents, persistence 0.8, the weakest were chosen",
        persistence=0.8,
        chosen=True,
        bar=NO_BAR,
        note="no bar: the assignment is not random; earlier values are measured with error",
        **_OWN,
    ),
)


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Measure ours and the usual methods on the same simulated pilots."""
    rows: list[dict[str, object]] = []
    for case in (*NULLS, *EFFECTS, *OWN_BASELINE):
        drawn = _drawn(case, repetitions, rng)
        measure = "power" if case.effect else "false alarms"
        for method, pvalues in _peers(case, drawn, rng).items():
            rows.append(rate_row(case.name, method, measure, pvalues < 0.05, ours=False))
        found = _ours(case, *drawn)
        for estimand, text in (("unit_mean", "mean of units"), ("ratio", "ratio of sums")):
            kept = np.array([[getattr(one, f"{estimand}_{end}") for end in _ENDS] for one in found])
            bar = NO_BAR if case.effect else case.bar
            rows.append(
                rate_row(
                    case.name, f"compare_arms, {text}", measure, kept[:, 0] < 0.05, ours=True, bar=bar, note=case.note
                )
            )
            covered = (kept[:, 1] <= case.effect) & (case.effect <= kept[:, 2])
            if case.effect:
                rows.append(
                    rate_row(
                        case.name, f"compare_arms, {text}", "coverage", covered, ours=True, bar=COVERS, note=case.note
                    )
                )
    return pd.DataFrame(rows)


_ENDS = ("pvalue", "ci_low", "ci_high")


def _drawn(case: Case, runs: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats, Floats]:
    """Numerators and denominators during and before, shape (runs, n), pilot first."""
    n = case.n_pilot + case.n_baseline
    volume = case.contacts * np.exp(case.sdlog * rng.standard_normal((runs, n)) - case.sdlog**2 / 2)
    if case.agents_per_team > 1:
        return _teams(case, runs, rng)
    den, den_before = (np.maximum(2.0, rng.poisson(volume)) if case.sdlog else np.round(volume) for _ in range(2))
    if case.seconds:
        level = 300 * np.exp(0.3 * rng.standard_normal((runs, n)) - 0.045)
        num = den * level + np.sqrt(den) * 200 * rng.standard_normal((runs, n))
        return num, den, num, den
    before = rng.standard_normal((runs, n))
    rho = 0.0 if case.persistence is None else case.persistence
    during = rho * before + np.sqrt(1 - rho**2) * rng.standard_normal((runs, n))
    num_before = rng.binomial(den_before.astype(int), _levels(before, case.share, case.icc)).astype(float)
    if case.chosen:
        noisy = num_before / den_before + 0.1 * rng.standard_normal((runs, n))
        order = np.argsort(noisy, axis=1)
        during, num_before, den, den_before = (
            np.take_along_axis(part, order, axis=1) for part in (during, num_before, den, den_before)
        )
    level = _levels(during, case.share, case.icc)
    pilot = slice(None, case.n_pilot)
    if case.persistence is None:
        spread = case.icc if case.icc_pilot is None else case.icc_pilot
        level[:, pilot] = _levels(during[:, pilot], case.share + case.effect, spread)
    else:
        # Every agent gains the same, so that the own baseline keeps its meaning; levels above 1 are cut off.
        level[:, pilot] = np.minimum(level[:, pilot] + case.effect, 1.0)
    return rng.binomial(den.astype(int), level).astype(float), den, num_before, den_before


def _levels(normal: Floats, share: float, icc: float) -> Floats:
    """Agents' true shares, beta-distributed with this mean and intraclass correlation."""
    size = (1 - icc) / icc
    return np.asarray(stats.beta.ppf(stats.norm.cdf(normal), share * size, (1 - share) * size))


def _teams(case: Case, runs: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats, Floats]:
    shape = (runs, case.n_pilot + case.n_baseline, case.agents_per_team)
    size = (1 - case.team_icc) / case.team_icc
    team = rng.beta(case.share * size, (1 - case.share) * size, shape[:2])[..., None]
    size = (1 - case.icc) / case.icc
    agents = rng.beta(team * size, (1 - team) * size, shape)
    num = rng.binomial(int(case.contacts), agents).sum(axis=2).astype(float)
    den = np.full(shape[:2], case.contacts * case.agents_per_team)
    return num, den, num, den


def _ours(case: Case, num: Floats, den: Floats, num_before: Floats, den_before: Floats) -> list[ArmComparison]:
    pilots = {}
    for run in range(len(num)):
        columns = {"unit": np.arange(num.shape[1]), "numerator": num[run], "denominator": den[run]}
        if case.persistence is not None:
            columns |= {"pre_numerator": num_before[run], "pre_denominator": den_before[run]}
        frame = pd.DataFrame(columns)
        pilots[str(run)] = frame[: case.n_pilot], frame[case.n_pilot :]
    return list(compare_arms_many(pilots, n_resamples=RESAMPLES).values())


def _peers(case: Case, drawn: tuple[Floats, ...], rng: np.random.Generator) -> dict[str, Floats]:
    """P-values of the usual methods."""
    num, den, num_before, den_before = drawn
    arms = slice(None, case.n_pilot), slice(case.n_pilot, None)
    values = num / den
    found: dict[str, Floats] = {}
    if not case.seconds:
        found["test of proportions on contacts"] = _on_contacts(num, den, arms)
    found["Welch's t-test on units"] = _t_test(values, arms, equal_var=False)
    found["pooled t-test on units"] = _t_test(values, arms, equal_var=True)
    if case.persistence is not None:
        change = values - num_before / den_before
        found["Welch's t-test on units' changes"] = _t_test(change, arms, equal_var=False)
        found["regression on the own baseline, equal variances"] = _regression(values, num_before / den_before, arms)
        return found
    found["delta-method ratio, Welch's degrees of freedom"] = _delta(num, den, arms)
    found["percentile bootstrap of units"] = _bootstrap(num, den, arms, rng)
    if not case.seconds:
        some = slice(None, min(SLOW_RUNS, len(num)))
        found["statsmodels, errors clustered by unit"] = _each(_statsmodels, num[some], den[some], case.n_pilot)
    if case.name in (NULLS[1].name, NULLS[5].name):
        some = slice(None, min(SLOW_RUNS // 2, len(num)))
        found["tea-tasting, RatioOfMeans"] = _each(_tea_tasting, num[some], den[some], case.n_pilot)
    return found


def _on_contacts(num: Floats, den: Floats, arms: tuple[slice, slice]) -> Floats:
    good, cases = (np.stack([part[:, arm].sum(axis=1) for arm in arms]) for part in (num, den))
    pooled = good.sum(axis=0) / cases.sum(axis=0)
    error = np.sqrt(pooled * (1 - pooled) * (1 / cases).sum(axis=0))
    return np.asarray(2 * stats.norm.sf(np.abs(np.subtract(*(good / cases))) / np.maximum(error, 1e-300)))


def _t_test(values: Floats, arms: tuple[slice, slice], *, equal_var: bool) -> Floats:
    first, second = values[:, arms[0]], values[:, arms[1]]
    sizes = first.shape[1], second.shape[1]
    variances = [part.var(axis=1, ddof=1) for part in (first, second)]
    if equal_var:
        freedom: Floats | float = float(sum(sizes) - 2)
        pooled = sum((n - 1) * v for n, v in zip(sizes, variances, strict=True)) / freedom
        square = pooled * (1 / sizes[0] + 1 / sizes[1])
    else:
        parts = [v / n for n, v in zip(sizes, variances, strict=True)]
        square = parts[0] + parts[1]
        below = sum(part**2 / (n - 1) for n, part in zip(sizes, parts, strict=True))
        freedom = square**2 / np.maximum(below, 1e-300)
    distance = np.abs(first.mean(axis=1) - second.mean(axis=1))
    return np.asarray(2 * stats.t.sf(distance / np.sqrt(np.maximum(square, 1e-300)), freedom))


def _delta(num: Floats, den: Floats, arms: tuple[slice, slice]) -> Floats:
    ratios, variances, freedoms = [], [], []
    for arm in arms:
        x, d = num[:, arm], den[:, arm]
        ratio = x.sum(axis=1) / d.sum(axis=1)
        residual = (x - ratio[:, None] * d) / d.mean(axis=1)[:, None]
        ratios.append(ratio)
        variances.append(residual.var(axis=1, ddof=1) / x.shape[1])
        freedoms.append(x.shape[1] - 1)
    total = np.maximum(sum(variances), 1e-300)
    freedom = total**2 / sum(v**2 / f for v, f in zip(variances, freedoms, strict=True))
    return np.asarray(2 * stats.t.sf(np.abs(ratios[0] - ratios[1]) / np.sqrt(total), freedom))


def _bootstrap(num: Floats, den: Floats, arms: tuple[slice, slice], rng: np.random.Generator) -> Floats:
    """P-value below 0.05 where the percentile interval of 499 resamples leaves out 0 (0 or 1 here)."""
    ratios = []
    for arm in arms:
        n = num[0, arm].size
        weights = rng.multinomial(n, np.full(n, 1 / n), size=499).astype(float)
        ratios.append((num[:, arm] @ weights.T) / (den[:, arm] @ weights.T))
    low, high = np.percentile(ratios[0] - ratios[1], [2.5, 97.5], axis=1)
    return np.where((low > 0) | (high < 0), 0.0, 1.0)


def _regression(values: Floats, before: Floats, arms: tuple[slice, slice]) -> Floats:
    """T-test of the arm in a least-squares regression on the own baseline, with equal variances."""
    n = values.shape[1]
    arm = np.zeros(n)
    arm[arms[0]] = 1.0
    y, x = values - values.mean(axis=1, keepdims=True), before - before.mean(axis=1, keepdims=True)
    z = arm - arm.mean()
    zz, xx, xz = z @ z, (x**2).sum(axis=1), x @ z
    square = zz - xz**2 / xx
    estimate = (y @ z - xz * (x * y).sum(axis=1) / xx) / square
    slope = ((x * y).sum(axis=1) - estimate * xz) / xx
    residual = y - estimate[:, None] * z - slope[:, None] * x
    error = np.sqrt((residual**2).sum(axis=1) / (n - 3) / square)
    return np.asarray(2 * stats.t.sf(np.abs(estimate) / error, n - 3))


def _each(test: Callable[[Floats, Floats, int], float], num: Floats, den: Floats, n_pilot: int) -> Floats:
    return np.array([test(x, d, n_pilot) for x, d in zip(num, den, strict=True)])


def _statsmodels(num: Floats, den: Floats, n_pilot: int) -> float:
    from statsmodels.api import OLS  # a peer, installed for validation only

    den = den.astype(int)
    unit = np.repeat(np.arange(len(den)), den)
    good = (np.arange(den.sum()) - np.repeat(np.cumsum(den) - den, den) < np.repeat(num, den)).astype(float)
    design = np.column_stack([np.ones(len(unit)), unit < n_pilot]).astype(float)
    return float(OLS(good, design).fit(cov_type="cluster", cov_kwds={"groups": unit}).pvalues[1])


def _tea_tasting(num: Floats, den: Floats, n_pilot: int) -> float:
    from tea_tasting import RatioOfMeans

    frame = pd.DataFrame({"variant": (np.arange(len(num)) < n_pilot).astype(int), "num": num, "den": den})
    return float(RatioOfMeans("num", "den").analyze(frame, 0, 1, "variant").pvalue)
