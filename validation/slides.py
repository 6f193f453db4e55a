"""A step or a slide: does the range of lengths hold the true one?

Weekly values go from one level to another one at once, or along a straight way of so many weeks, in AR(1) noise.
Coverage is the share of 95 % ranges of `slide_lengths` that hold the true length (a step between two weeks and a way of
one week are the same values). Ours is given the autocorrelation that `find_changes` estimates, as the reports do, and
the true one; beside it stands the same range with the values taken for independent. The bar is a lower one: lengths are
whole, and a step has no shorter neighbour that could be missed. Power is the share of slides that the range tells from
a step.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from bpo_analysis.review.slides import Slide, slide_lengths
from bpo_analysis.stats import find_changes
from validation.simulate import Floats, ar1
from validation.verdict import NO_BAR, rate_row

__all__ = ["study"]

WEEKS, BEGIN = 78, 30
LENGTHS, NOISE = (0, 8, 30), (0.3, 0.6)
"""Weeks of the way, and standard deviations of the noise, in parts of the change."""
MOST_RUNS, FOUND_RUNS = 500, 200
COVERS = (0.93, np.nan)
TRUE, FOUND, NONE = (
    "slide_lengths, true autocorrelation",
    "slide_lengths, autocorrelation from find_changes",
    "autocorrelation taken for nought",
)


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Measure coverage of the true length; ``repetitions`` series a case, at most five hundred."""
    rows: list[dict[str, object]] = []
    for noise in NOISE:
        for rho in (0.0, 0.4):
            for length in LENGTHS:
                series = _way(length) + noise * ar1(min(repetitions, MOST_RUNS), WEEKS, rho, rng)
                case = f"{f'way of {length} weeks' if length else 'step'}, noise {noise:g}, AR(1) {rho:g}"
                for method, given in (
                    (TRUE, [(values, rho) for values in series]),
                    (FOUND, [(values, find_changes(values).autocorrelation) for values in series[:FOUND_RUNS]]),
                    (NONE, [(values, 0.0) for values in series]),
                ):
                    found = [slide_lengths(values, autocorrelation=known) for values, known in given]
                    hits = [_holds(one, length) for one in found]
                    ours = method != NONE
                    rows.append(rate_row(case, method, "coverage", hits, ours=ours, bar=COVERS if ours else NO_BAR))
                    if length:
                        told = [one is not None and one.shortest > 1 for one in found]
                        rows.append(rate_row(case, method, "power", told, ours=ours))
    return pd.DataFrame(rows)


def _way(length: int) -> Floats:
    places = np.arange(WEEKS, dtype=float)
    return np.clip((places - BEGIN) / length, 0, 1) if length else (places > BEGIN).astype(float)


def _holds(found: Slide | None, length: int) -> bool:
    return found is not None and found.shortest <= max(length, 1) and length <= found.longest
