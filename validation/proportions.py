"""Two shares of independent cases: coverage and false alarms of score and Newcombe intervals, without simulation.

Every pair of counts that can occur is gone through and weighted with its exact probability, so that these rates have no
sampling error (the column of runs counts the tables). "Many shares" averages over 19 by 19 pairs of true shares from 5
to 95 %. Coverage swings with the true shares, as counts are whole; "worst of them" is its lowest among these pairs.

Beside ours stand the same intervals of statsmodels: its score interval, which uses a wrong root for the shares that fit
best under a difference and has no answer for part of the tables, its Newcombe interval, and Wald's, the one most used.
No answer counts as not covering. The last tables test non-inferiority by 10 points at its border, at one-sided 2.5 %.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bpo_analysis.stats.proportions import difference_of_proportions
from validation.verdict import NO_BAR

__all__ = ["study"]

Floats = NDArray[np.float64]
COVERS = (0.93, 0.97)
GRID = np.linspace(0.05, 0.95, 19)
SIZES = ((10, 10), (20, 40), (34, 34), (60, 20))
MARGIN = 0.1
_SWINGS = "no bar: swings with whole counts"


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Work out ours and those of statsmodels on all tables; ``repetitions`` and ``rng`` are not needed."""
    del repetitions, rng
    rows: list[dict[str, object]] = []
    for n1, n2 in SIZES:
        tables = (n1 + 1) * (n2 + 1)
        for method, limits in _limits(n1, n2).items():
            ours = method in _OURS
            silent = np.isnan(limits[0])
            covered = _coverage(n1, n2, limits)
            case = f"{n1} v {n2} cases"
            rows.append(_row(f"{case}, many shares", method, "coverage", covered.mean(), tables, ours, COVERS))
            rows.append(_row(f"{case}, worst of them", method, "coverage", covered.min(), tables, ours, note=_SWINGS))
            rows.append(_row(f"{case}, all tables", method, "no answer", silent.mean(), tables, ours, (0.0, 0.0)))
            alarms = _at_the_border(n1, n2, limits)
            name = f"{case}, not worse by 10 points, at its border (nominal 2.5 %)"
            rows.append(_row(name, method, "false alarms", alarms, tables, ours, (0.015, 0.0325)))
    return pd.DataFrame(rows)


_OURS = {
    "difference_of_proportions, Miettinen-Nurminen": "miettinen-nurminen",
    "difference_of_proportions, Newcombe": "newcombe",
}


def _row(
    case: str,
    method: str,
    measure: str,
    rate: float,
    runs: int,
    ours: bool,  # noqa: FBT001
    bar: tuple[float, float] = NO_BAR,
    note: str = "",
) -> dict[str, object]:
    return {
        "case": case,
        "method": method,
        "ours": ours,
        "measure": measure,
        "rate": float(rate),
        "runs": runs,
        "low": bar[0] if ours else np.nan,
        "high": bar[1] if ours else np.nan,
        "note": note if ours else "",
    }


def _limits(n1: int, n2: int) -> dict[str, tuple[Floats, Floats]]:
    """Lower and upper limits of all tables, by method; NaN where there is no answer."""
    found: dict[str, tuple[Floats, Floats]] = {}
    for name, method in _OURS.items():

        def own(x1: int, x2: int, method: str = method) -> tuple[float, float]:
            result = difference_of_proportions(x1, n1, x2, n2, method=method)  # type: ignore[arg-type]
            return result.ci_low, result.ci_high

        found[name] = _all_tables(n1, n2, own)
    for name, method in (("score", "score"), ("Newcombe", "newcomb"), ("Wald", "wald")):
        found[f"statsmodels, {name}"] = _all_tables(n1, n2, _statsmodels(n1, n2, method))
    return found


def _all_tables(n1: int, n2: int, limits: Callable[[int, int], tuple[float, float]]) -> tuple[Floats, Floats]:
    both = np.array([[limits(x1, x2) for x2 in range(n2 + 1)] for x1 in range(n1 + 1)])
    return both[..., 0], both[..., 1]


def _statsmodels(n1: int, n2: int, method: str) -> Callable[[int, int], tuple[float, float]]:
    from statsmodels.stats.proportion import confint_proportions_2indep  # a peer, installed for validation only

    def limits(x1: int, x2: int) -> tuple[float, float]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                low, high = confint_proportions_2indep(x1, n1, x2, n2, compare="diff", method=method)
            except ValueError:
                return np.nan, np.nan
        return float(low), float(high)

    return limits


def _coverage(n1: int, n2: int, limits: tuple[Floats, Floats]) -> Floats:
    """Probability that the interval holds the true difference, by both true shares."""
    low, high = limits
    first, second = (stats.binom.pmf(np.arange(n + 1)[:, None], n, GRID) for n in (n1, n2))
    covered = np.empty((len(GRID), len(GRID)))
    for i, share in enumerate(GRID):
        for j, other in enumerate(GRID):
            # The same number, computed in two ways, must not fall outside by its last digit.
            inside = (low <= share - other + 1e-12) & (share - other - 1e-12 <= high)
            covered[i, j] = first[:, i] @ inside @ second[:, j]
    return covered


def _at_the_border(n1: int, n2: int, limits: tuple[Floats, Floats]) -> float:
    """Probability of a lower limit above minus the margin where the first share is worse by just that."""
    shown = limits[0] > -MARGIN + 1e-12
    second = GRID[GRID - MARGIN > 0.02]
    first, other = (
        stats.binom.pmf(np.arange(n + 1)[:, None], n, shares) for n, shares in ((n1, second - MARGIN), (n2, second))
    )
    return float(np.einsum("ik,ij,jk->k", first, shown.astype(float), other).mean())
