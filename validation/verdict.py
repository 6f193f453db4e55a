"""Which of our rates lie outside their bar by more than the chance of the simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["judge", "standard_error"]

SURE = 2.5
"""Standard errors of the simulation that a rate may lie outside its bar: of a hundred rates, one or two do anyway."""


def standard_error(rate: float, runs: int) -> float:
    """Standard error of a simulated rate; never nought, for no run in 200 is not proof of a rate of nought."""
    kept = min(max(rate, 1 / runs), 1 - 1 / runs)
    return float(np.sqrt(kept * (1 - kept) / runs))


def judge(table: pd.DataFrame) -> list[str]:
    """Return a line for every rate of ours that lies outside its bar."""
    lines = []
    for row in table[table["ours"]].itertuples():
        slack = SURE * standard_error(row.rate, row.runs)
        # A bar may have one side only.
        if row.rate < row.low - slack or row.rate > row.high + slack:
            lines.append(
                f"{row.case}: {row.method}, {row.measure} {100 * row.rate:.1f} % in {row.runs} runs, "
                f"bar {100 * row.low:.3g} to {100 * row.high:.3g} %"
            )
    return lines
