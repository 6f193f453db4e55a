"""Many units against common limits: how often does one lie outside where none sticks out?

Agents of 20 to 200 cases each, all with one share, or with shares of their own around a common one (beta-distributed,
with the standard deviation that is stated as spread). A false alarm is a set of units of which any lies outside; the
share of single units outside stands below it. In the power rows one unit is off by so much.

Beside ours stand exact 95 % limits for each unit by itself, the usual inner limits of a funnel plot, and the usual
outer ones of 99.8 %.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bpo_analysis.stats import funnel
from validation.verdict import NO_BAR, rate_row

__all__ = ["study"]

Floats = NDArray[np.float64]
UNITS, SHARES, SPREADS = (8, 25, 60), (0.05, 0.4, 0.9), (0.0, 0.05)
"""Numbers of units, common shares, and standard deviations of the units' own ones."""
SIZES = (20, 200)
OFF, OFF_SIZE = 0.25, 100
MOST_RUNS = 1000
BOUND = (0.0, 0.05)
_BOUND_NOTE = "The bar is an upper bound: limits for counts, and for all units together, do not use their level up."


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Measure how often units lie outside; ``repetitions`` sets of units a case, at most a thousand."""
    runs = min(repetitions, MOST_RUNS)
    rows: list[dict[str, object]] = []
    for units in UNITS:
        for share in SHARES:
            for spread in SPREADS:
                case = f"{units} units, share {100 * share:g} %, spread {100 * spread:g} points"
                rows += _rows(case, [_outside(rng, units, share, spread, 0.0) for _ in range(runs)], power=False)
    for spread in SPREADS:
        case = f"25 units, share 40 %, spread {100 * spread:g} points, one of {OFF_SIZE} cases off by {100 * OFF:g}"
        rows += _rows(case, [_outside(rng, 25, 0.4, spread, OFF) for _ in range(runs)], power=True)
    return pd.DataFrame(rows)


def _rows(case: str, sets: list[dict[str, NDArray[np.bool_]]], *, power: bool) -> list[dict[str, object]]:
    rows = []
    for method in sets[0]:
        ours = method == "funnel"
        outside = [one[method] for one in sets]
        if power:
            rows.append(rate_row(case, method, "power", [one[0] for one in outside], ours=ours))
            continue
        bar, note = (BOUND, _BOUND_NOTE) if ours else (NO_BAR, "")
        rows.append(
            rate_row(case, method, "false alarms", [one.any() for one in outside], ours=ours, bar=bar, note=note)
        )
        rows.append(rate_row(case, method, "Single units outside, %", [one.mean() for one in outside], ours=ours))
    return rows


def _outside(
    rng: np.random.Generator, units: int, share: float, spread: float, off: float
) -> dict[str, NDArray[np.bool_]]:
    """Draw a set of units, the first of them off, and return by method which ones lie outside."""
    sizes = rng.integers(SIZES[0], SIZES[1], units)
    weight = share * (1 - share) / spread**2 - 1 if spread else 0.0
    shares = rng.beta(share * weight, (1 - share) * weight, units) if spread else np.full(units, share)
    if off:
        sizes[0], shares[0] = OFF_SIZE, share + off
    events = rng.binomial(sizes, shares)
    center = events.sum() / sizes.sum()
    found = {"funnel": funnel(events, sizes).table["outside"].to_numpy()}
    for name, tail in (("each unit at 95 %", 0.025), ("each unit at 99.8 %", 0.001)):
        low, high = stats.binom.ppf(tail, sizes, center), stats.binom.ppf(1 - tail, sizes, center)
        found[name] = (events < low) | (events > high)
    return found
