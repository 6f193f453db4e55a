"""Rates of a study as rows, and which of ours lie outside their bar by more than the chance of the simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

__all__ = ["NO_BAR", "judge", "rate_row", "standard_error"]

SURE = 2.5
"""Standard errors of the simulation that a rate may lie outside its bar: of a hundred rates, one or two do anyway."""


NO_BAR = (np.nan, np.nan)


def rate_row(
    case: str,
    method: str,
    measure: str,
    hits: ArrayLike,
    *,
    ours: bool = False,
    bar: tuple[float, float] = NO_BAR,
    note: str = "",
) -> dict[str, object]:
    """One rate of a study: the share of runs in which something came about.

    Parameters
    ----------
    case, method, measure : str
    hits : array_like of bool, shape (runs,)
    ours : bool, default False
    bar : (low, high)
        Where a rate of ours has to lie; NaN leaves a side open.
    note : str
        Printed under the table.
    """
    values = np.asarray(hits, dtype=float)
    return {
        "case": case,
        "method": method,
        "ours": ours,
        "measure": measure,
        "rate": float(values.mean()),
        "runs": len(values),
        "low": bar[0],
        "high": bar[1],
        "note": note,
    }


def standard_error(rate: float, runs: int) -> float:
    """Standard error of a simulated rate; never nought, for no run in 200 is not proof of a rate of nought."""
    kept = min(max(rate, 1 / runs), 1 - 1 / runs)
    return float(np.sqrt(kept * (1 - kept) / runs))


def judge(table: pd.DataFrame) -> list[str]:
    """Return a line for every rate of ours that lies outside its bar."""
    lines = []
    for row in table[table["ours"]].itertuples():
        # The chance that a rate at the very end of its bar has: one alarm in a short study says little of a low rate.
        below, above = (SURE * standard_error(end, row.runs) for end in (row.low, row.high))
        # A bar may have one side only.
        if row.rate < row.low - below or row.rate > row.high + above:
            lines.append(
                f"{row.case}: {row.method}, {row.measure} {100 * row.rate:.1f} % in {row.runs} runs, "
                f"bar {100 * row.low:.3g} to {100 * row.high:.3g} %"
            )
    return lines
