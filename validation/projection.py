"""A straight course carried on: does the interval hold what comes?

Straight lines with AR(1) noise of one standard deviation are cut off; the rest of each is what `project` has to
foresee: the mean of the last so many values, so many periods ahead. Coverage is the share of 95 % intervals that hold
it. Beside ours stands the prediction interval of ordinary regression, which takes the values for independent. A few
periods ahead ours is wide by design, for it leaves out what the last value says about the next ones: there its bar has
no upper end.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from bpo_analysis.stats import project
from validation.simulate import ar1
from validation.verdict import rate_row

__all__ = ["study"]

Floats = NDArray[np.float64]
LINES = ((26, 4, 1), (26, 20, 4), (52, 12, 4), (78, 22, 4))
"""Values seen, periods ahead, and values whose mean is foreseen."""
SLOPE = 0.1
NEAR = 12
MOST_RUNS = 2000
COVERS, COVERS_WIDELY = (0.93, 0.97), (0.93, np.nan)
_NEAR_NOTE = "No upper bar: wide by design a few periods ahead."


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Measure coverage of what comes; ``repetitions`` lines a case, at most two thousand."""
    rows = []
    for n, ahead, width in LINES:
        for rho in (0.0, 0.3, 0.6):
            lines = ar1(min(repetitions, MOST_RUNS), n + ahead, rho, rng) + SLOPE * np.arange(n + ahead)
            came = lines[:, -width:].mean(axis=1)
            case = f"{n} values, {ahead} ahead, mean of {width}, AR(1) {rho:g}"
            near = ahead < NEAR
            for method, limits in (("project", _ours(lines[:, :n], ahead, width)), ("OLS", _ols(lines, n, width))):
                ours = method == "project"
                rows.append(
                    rate_row(
                        case,
                        method,
                        "coverage",
                        (limits[0] <= came) & (came <= limits[1]),
                        ours=ours,
                        bar=COVERS_WIDELY if near else COVERS,
                        note=_NEAR_NOTE if ours and near else "",
                    )
                )
    return pd.DataFrame(rows)


def _ours(seen: Floats, ahead: int, width: int) -> tuple[Floats, Floats]:
    found = [project(line, ahead, width=width) for line in seen]
    return np.array([one.ci_low for one in found]), np.array([one.ci_high for one in found])


def _ols(lines: Floats, n: int, width: int) -> tuple[Floats, Floats]:
    """Prediction interval of the mean of the last values by ordinary regression on the first n."""
    design = np.column_stack([np.ones(n), np.arange(n)])
    at = np.array([1.0, np.arange(lines.shape[1])[-width:].mean()])
    coefficients = np.linalg.lstsq(design, lines[:, :n].T, rcond=None)[0]
    variance = ((lines[:, :n].T - design @ coefficients) ** 2).sum(axis=0) / (n - 2)
    middle = at @ coefficients
    reach = special.stdtrit(n - 2, 0.975) * np.sqrt(variance * (1 / width + at @ np.linalg.inv(design.T @ design) @ at))
    return middle - reach, middle + reach
