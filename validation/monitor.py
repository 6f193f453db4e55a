"""Looking every week: what happens to the error rate, and what it costs to keep it.

Eight weekly looks at a pilot of 20 agents against 60; contacts of one agent resemble each other by the intraclass
correlation (ICC). Either the same agents go on all the time (12 contacts each a week), or every week brings new ones
(5 and 15 agents with 50 contacts each). With the same agents most of the information is there after the first week,
which equally spaced boundaries do not know.

Ours is `monitor` with an unequal-variance statistic on agents and the information it really has; "planned 30 % too
high" and "too low" start from a wrong plan. Beside it stand the test of proportions on contacts and Welch's test on
agents, both stopped at the first p below 5 %, Welch with the boundaries of Pocock and of O'Brien and Fleming for
equally spaced looks, and Welch once at the end, without a look before: the power that looking can at most keep.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bpo_analysis.stats.monitor import monitor
from bpo_analysis.stats.sequential import classical_boundary
from validation.verdict import NO_BAR, rate_row

__all__ = ["study"]

Floats = NDArray[np.float64]
LOOKS = 8
SHARE = 0.7
HOLDS, COVERS = (0.03, 0.065), (0.93, 0.97)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One kind of pilot with weekly looks."""

    name: str
    icc: float = 0.1
    effect: float = 0.0
    new_agents: bool = False
    n_pilot: int = 20
    n_baseline: int = 60
    plan: float = 1.0


CASES = (
    Case(name="same agents, ICC 0.1"),
    Case(name="same agents, ICC 0.05", icc=0.05),
    Case(name="new agents every week, ICC 0.1", new_agents=True),
    Case(name="new agents every week, ICC 0.1, planned 30 % too high", new_agents=True, plan=1.3),
    Case(name="new agents every week, ICC 0.1, planned 30 % too low", new_agents=True, plan=0.7),
    Case(name="same agents, 8 v 24, ICC 0.1", n_pilot=8, n_baseline=24),
    Case(name="same agents, ICC 0.1, +8 points", effect=0.08),
    Case(name="new agents every week, ICC 0.1, +8 points", effect=0.08, new_agents=True),
)


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Measure ours and the usual rules on the same simulated pilots."""
    rows: list[dict[str, object]] = []
    for case in CASES:
        weeks = _weeks(case, repetitions, rng)
        measure = "power" if case.effect else "false alarms"
        estimate, se, welch, on_contacts = _looks(case, weeks)
        crossed = {
            "test of proportions on contacts, every week": (on_contacts < 0.05).any(axis=1),
            "Welch's t-test on agents, every week": (welch < 0.05).any(axis=1),
            "Welch's t-test on agents, once at the end": welch[:, -1] < 0.05,
        }
        for shape, text in (("pocock", "Pocock"), ("obrien-fleming", "O'Brien-Fleming")):
            nominal = 2 * stats.norm.sf(classical_boundary(LOOKS, shape=shape))  # type: ignore[arg-type]
            crossed[f"Welch's t-test on agents, {text} for equal looks"] = (welch < nominal).any(axis=1)
        rows += [rate_row(case.name, method, measure, hits, ours=False) for method, hits in crossed.items()]
        for spending in ("obrien-fleming", "pocock"):
            found = [_ours(case, one, error, spending) for one, error in zip(estimate, se, strict=True)]
            name = f"monitor, {spending}"
            stopped = np.array([result.stop is not None for result in found])
            rows.append(rate_row(case.name, name, measure, stopped, ours=True, bar=NO_BAR if case.effect else HOLDS))
            covered = np.array([result.ci_low <= case.effect <= result.ci_high for result in found])
            rows.append(rate_row(case.name, name, "coverage", covered, ours=True, bar=COVERS))
    return pd.DataFrame(rows)


def _weeks(case: Case, runs: int, rng: np.random.Generator) -> tuple[list[Floats], float]:
    """Good contacts of pilot and baseline agents by week, shape (runs, weeks, agents), and contacts a week."""
    contacts = 50 if case.new_agents else 12
    size = (1 - case.icc) / case.icc
    arms = []
    for n, share in ((case.n_pilot, SHARE + case.effect), (case.n_baseline, SHARE)):
        shape = (runs, LOOKS, n // 4) if case.new_agents else (runs, 1, n)
        level = np.broadcast_to(rng.beta(share * size, (1 - share) * size, shape), (runs, LOOKS, shape[2]))
        arms.append(rng.binomial(contacts, level).astype(float))
    return arms, float(contacts)


def _looks(case: Case, weeks: tuple[list[Floats], float]) -> tuple[Floats, Floats, Floats, Floats]:
    """Estimates, standard errors, and p-values of Welch's test and of the test on contacts at every look."""
    arms, contacts = weeks
    means, squares, sizes, shares, cases = [], [], [], [], []
    for good in arms:
        agents = good.shape[2]
        looks = np.arange(1, LOOKS + 1)
        if case.new_agents:
            values = good / contacts
            count = looks * agents
            total, total_square = values.sum(axis=2).cumsum(axis=1), (values**2).sum(axis=2).cumsum(axis=1)
        else:
            values = good.cumsum(axis=1) / (contacts * looks[:, None])
            count = np.full(LOOKS, agents)
            total, total_square = values.sum(axis=2), (values**2).sum(axis=2)
        means.append(total / count)
        squares.append((total_square - total**2 / count) / (count - 1) / count)
        sizes.append(count)
        cases.append(contacts * looks * agents)
        shares.append(good.sum(axis=2).cumsum(axis=1) / cases[-1])
    estimate, square = means[0] - means[1], np.maximum(squares[0] + squares[1], 1e-12)
    freedom = square**2 / sum(part**2 / (count - 1) for part, count in zip(squares, sizes, strict=True))
    welch = 2 * stats.t.sf(np.abs(estimate) / np.sqrt(square), freedom)
    pooled = (shares[0] * cases[0] + shares[1] * cases[1]) / (cases[0] + cases[1])
    error = np.sqrt(pooled * (1 - pooled) * (1 / cases[0] + 1 / cases[1]))
    return estimate, np.sqrt(square), welch, 2 * stats.norm.sf(np.abs(shares[0] - shares[1]) / error)


def _ours(case: Case, estimate: Floats, se: Floats, spending: str):  # noqa: ANN202
    looks = np.arange(1, LOOKS + 1)
    parts = []
    for n in (case.n_pilot, case.n_baseline):
        count = looks * (n // 4) if case.new_agents else np.full(LOOKS, n)
        parts.append((1 / count, 1 / (count**2 * (count - 1.0))))
    freedom = (parts[0][0] + parts[1][0]) ** 2 / (parts[0][1] + parts[1][1])
    frame = pd.DataFrame({"estimate": estimate, "se": se, "degrees_of_freedom": freedom})
    planned = case.plan * _planned_information(case)
    return monitor(frame, planned_information=planned, planned_looks=LOOKS, spending=spending)  # type: ignore[arg-type]


def _planned_information(case: Case) -> float:
    """What the end of the pilot has if intraclass correlation and share are as planned with."""
    contacts, agents = (50, LOOKS / 4) if case.new_agents else (12 * LOOKS, 1)
    unit = SHARE * (1 - SHARE) * (case.icc + (1 - case.icc) / contacts)
    return float(1 / (unit / (agents * case.n_pilot) + unit / (agents * case.n_baseline)))
