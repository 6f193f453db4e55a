"""Is the difference between two arms the same in every slice, or does it depend on the kind of work?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.resampled_contrast import Draws
from bpo_analysis.stats.result import Result
from bpo_analysis.stats.wording import count_text, pvalue_text

__all__ = ["SliceInteraction", "slice_interaction"]

_Floats = NDArray[np.float64]
MIN_UNITS = 2
"""Units with a value that each arm needs in a slice."""
_TINY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceInteraction(Result):
    """Whether a difference between arms differs between slices.

    Attributes
    ----------
    statistic : float
        Weighted squared distance of the slices' differences from their mean.
    pvalue : float
        Of the same difference in every slice.
    differences : ndarray, shape (n_slices,)
        Pilot less baseline, mean of the units' own values.
    n, n_slices, n_resamples : int
    method : str
    """

    statistic: float
    pvalue: float
    differences: _Floats
    n: int
    n_slices: int
    n_resamples: int
    method: str

    def summary(self) -> str:
        """Return whether the slices differ."""
        counted = f"{count_text(self.n_slices, 'slice')}, {count_text(self.n, 'unit')}"
        text = f"p {pvalue_text(self.pvalue)}, {counted}; {self.method}"
        if self.pvalue < 0.05:
            return f"The difference depends on the slice ({text})."
        return f"These data do not show that the difference depends on the slice ({text})."


def slice_interaction(
    values: ArrayLike,
    is_pilot: ArrayLike,
    *,
    n_resamples: int = 1_999,
    rng: np.random.Generator | int | None = 0,
) -> SliceInteraction:
    """Test whether the difference between two arms is the same in every slice.

    Parameters
    ----------
    values : array_like, shape (n_units, n_slices)
        Each unit's own value in each slice; NaN where it has none.
    is_pilot : array_like of bool, shape (n_units,)
    n_resamples : int
    rng : None, int or Generator, default 0

    Returns
    -------
    SliceInteraction

    Raises
    ------
    InsufficientDataError
        With fewer than two slices that have two units in each arm.

    Notes
    -----
    Cochran's Q of the slices' differences, each weighted by its own variance between units, under permutation of whole
    units between the arms after the common difference is taken out. The permutation carries along that one unit works
    in several slices, which the chi-square distribution of Q does not know. Units' values in small slices are noisy, so
    this finds only large differences: no finding is no proof of sameness.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> values = rng.normal(0.8, 0.05, (40, 3))
    >>> values[:20, 2] += 0.1
    >>> slice_interaction(values, np.arange(40) < 20).pvalue < 0.01
    True
    """
    table, pilot = np.asarray(values, dtype=float), np.asarray(is_pilot, dtype=bool)
    if table.ndim != 2 or pilot.shape != table.shape[:1]:
        raise ValueError(f"values must be 2-D with one row per unit of is_pilot, got {table.shape} and {pilot.shape}.")
    present = np.isfinite(table)
    usable = (present[pilot].sum(axis=0) >= MIN_UNITS) & (present[~pilot].sum(axis=0) >= MIN_UNITS)
    if usable.sum() < 2:
        raise InsufficientDataError("slice_interaction", needed=2, got=int(usable.sum()), unit="slices with units")
    order = np.argsort(~pilot, kind="stable")
    table, present, n_pilot = table[order][:, usable], present[order][:, usable], int(pilot.sum())
    filled = np.where(present, table, 0.0)
    centre = filled.sum(axis=0) / present.sum(axis=0)
    filled = np.where(present, table - centre, 0.0)
    actual = (np.arange(len(table)) < n_pilot).astype(float)[None, :]
    differences, weights = _contrasts(actual, filled, present)
    common = float((weights * differences).sum() / weights.sum())
    # Without the common difference both arms are alike if there is no interaction.
    filled = np.where(present, filled - common * actual[0][:, None], 0.0)
    statistics = _heterogeneity(*_contrasts(Draws(n_resamples, rng).arms(n_pilot, len(table)), filled, present))
    observed = float(_heterogeneity(*_contrasts(actual, filled, present))[0])
    return SliceInteraction(
        statistic=observed,
        pvalue=float((statistics >= observed * (1 - 1e-9)).mean()),
        differences=differences[0],
        n=len(table),
        n_slices=int(usable.sum()),
        n_resamples=len(statistics),
        method="studentised permutation of units",
    )


def _contrasts(arms: _Floats, values: _Floats, present: NDArray[np.bool_]) -> tuple[_Floats, _Floats]:
    """Difference of each slice under each assignment, and one over its variance (0 where an arm has too few)."""
    parts = []
    for members in (arms, 1 - arms):
        count = members @ present
        kept = np.maximum(count, 1)
        mean = (members @ values) / kept
        spread = np.maximum((members @ values**2) / kept - mean**2, 0.0) * kept / np.maximum(kept - 1, 1)
        parts.append((mean, spread / kept, count >= MIN_UNITS))
    (first, first_square, first_enough), (second, second_square, second_enough) = parts
    square = first_square + second_square
    least = _TINY + 1e-6 * float(np.median(square))
    weights = np.where(first_enough & second_enough, 1 / np.maximum(square, least), 0.0)
    return first - second, weights


def _heterogeneity(differences: _Floats, weights: _Floats) -> _Floats:
    total = np.maximum(weights.sum(axis=1), _TINY)
    mean = (weights * differences).sum(axis=1) / total
    return np.asarray((weights * (differences - mean[:, None]) ** 2).sum(axis=1))
