"""Why did a ratio move: because its parts did, or because their mix did?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.result import Result

__all__ = ["ChangeDecomposition", "decompose_change"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDecomposition(Result):
    """A change of a ratio, split into rate and mix effects that add up to it.

    Attributes
    ----------
    before, after, change : float
    rate_effect, mix_effect : float
        Their sum is ``change``.
    table : DataFrame
        One row per slice: before, after, share_before, share_after, rate_effect, mix_effect.
    n : int
        Number of slices.
    method : str
    """

    before: float
    after: float
    change: float
    rate_effect: float
    mix_effect: float
    table: pd.DataFrame
    n: int
    method: str

    def summary(self) -> str:
        """Return the split in one sentence."""
        return (
            f"Changed by {self.change:+.4g} from {self.before:.4g} to {self.after:.4g}: rates {self.rate_effect:+.4g}, "
            f"mix {self.mix_effect:+.4g} ({self.n} slices; {self.method})."
        )


def decompose_change(before: pd.DataFrame, after: pd.DataFrame) -> ChangeDecomposition:
    """Split the change of a ratio between two periods over its slices.

    Parameters
    ----------
    before, after : DataFrame
        Columns ``numerator`` and ``denominator``, one row per slice, indexed by slice. A slice that is in one period
        only belongs to the mix: it has no rate to compare.

    Returns
    -------
    ChangeDecomposition

    Raises
    ------
    InsufficientDataError
        If a period has no cases.

    Notes
    -----
    Rate effect of a slice: change of its rate times its mean share. Mix effect: change of its share times the distance
    of its mean rate from the mean of both totals. Both add up exactly (Kitagawa 1955, symmetric form).

    Examples
    --------
    >>> before = pd.DataFrame({"numerator": [80.0, 10.0], "denominator": [100.0, 100.0]}, index=["easy", "hard"])
    >>> after = pd.DataFrame({"numerator": [40.0, 15.0], "denominator": [50.0, 150.0]}, index=["easy", "hard"])
    >>> result = decompose_change(before, after)
    >>> round(result.rate_effect, 3), round(result.mix_effect, 3)
    (0.0, -0.175)
    """
    sums = ["numerator", "denominator"]
    joined = before[sums].add_suffix("_0").join(after[sums].add_suffix("_1"), how="outer").fillna(0.0)
    totals = joined.sum()
    for side, when in (("0", "before"), ("1", "after")):
        if totals[f"denominator_{side}"] <= 0:
            raise InsufficientDataError(f"decompose_change ({when})", needed=1, got=0, unit="cases")
    total_0, total_1 = totals["numerator_0"] / totals["denominator_0"], totals["numerator_1"] / totals["denominator_1"]
    share_0, share_1 = (
        joined["denominator_0"] / totals["denominator_0"],
        joined["denominator_1"] / totals["denominator_1"],
    )
    rate_0 = (joined["numerator_0"] / joined["denominator_0"]).where(joined["denominator_0"] > 0)
    rate_1 = (joined["numerator_1"] / joined["denominator_1"]).where(joined["denominator_1"] > 0)
    full_0, full_1 = rate_0.fillna(rate_1).fillna(0.0), rate_1.fillna(rate_0).fillna(0.0)
    rate_effect = (full_1 - full_0) * (share_0 + share_1) / 2
    mix_effect = (share_1 - share_0) * ((full_0 + full_1) / 2 - (total_0 + total_1) / 2)
    table = pd.DataFrame(
        {
            "before": rate_0,
            "after": rate_1,
            "share_before": share_0,
            "share_after": share_1,
            "rate_effect": rate_effect,
            "mix_effect": mix_effect,
        }
    )
    return ChangeDecomposition(
        before=float(total_0),
        after=float(total_1),
        change=float(total_1 - total_0),
        rate_effect=float(np.sum(rate_effect)),
        mix_effect=float(np.sum(mix_effect)),
        table=table,
        n=len(table),
        method="rate and mix, symmetric weights",
    )
