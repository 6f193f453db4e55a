"""Why did a ratio move: because its parts did, or because their mix did? And why did the count move?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.arguments import check_confidence_level
from bpo_analysis.stats.days import variance_of_mean
from bpo_analysis.stats.result import Result
from bpo_analysis.stats.wording import count_text, difference_text

__all__ = ["MIN_UNITS", "ChangeDecomposition", "decompose_change"]

MIN_UNITS = 3
_EXACT = 1e-12
"""Part of the ratio; a spread between units below it is rounding."""
_SUMS = ("numerator", "denominator")
_NAN = float("nan")

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDecomposition(Result):
    """A change of a ratio, split into rate and mix effects that add up to it; and of its numerator, with the volume.

    Attributes
    ----------
    before, after, change : float
        Of the ratio.
    rate_effect, mix_effect : float
        Their sum is ``change``.
    change_ci_low, change_ci_high, rate_effect_ci_low, ..., mix_effect_ci_high : float
        Confidence limits of the three; NaN without units, and where units do not differ at all.
    count_before, count_after, count_change : float
        Of the numerator.
    rate_effect_on_count, mix_effect_on_count, volume_effect : float
        Their sum is ``count_change``: rates and mix at the mean volume, and volume at the mean ratio.
    table : DataFrame
        One row per slice: before, after, share_before, share_after, rate_effect, mix_effect; with units also
        rate_effect_ci_low, rate_effect_ci_high, mix_effect_ci_low, mix_effect_ci_high.
    confidence_level : float
        NaN without units.
    n : int
        Number of slices.
    n_units_before, n_units_after : int
        0 without units.
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
    change_ci_low: float = _NAN
    change_ci_high: float = _NAN
    rate_effect_ci_low: float = _NAN
    rate_effect_ci_high: float = _NAN
    mix_effect_ci_low: float = _NAN
    mix_effect_ci_high: float = _NAN
    count_before: float = _NAN
    count_after: float = _NAN
    count_change: float = _NAN
    rate_effect_on_count: float = _NAN
    mix_effect_on_count: float = _NAN
    volume_effect: float = _NAN
    confidence_level: float = _NAN
    n_units_before: int = 0
    n_units_after: int = 0

    def scaled(self, factor: float) -> ChangeDecomposition:
        """Return the same with the ratio in another unit (per cent, seconds); counts and shares stay."""
        table = self.table.copy()
        columns = [name for name in table if name in {"before", "after"} or str(name).startswith(("rate_", "mix_"))]
        table[columns] *= factor
        return replace(self, table=table, **{name: getattr(self, name) * factor for name in _RATIO_FIELDS})

    def summary(self) -> str:
        """Return the split in one sentence."""
        scale = max(abs(self.before), abs(self.after))
        rates, mix = (
            f"{name} {difference_text(effect, scale)}"
            for name, effect in (("rates", self.rate_effect), ("mix", self.mix_effect))
        )
        if np.isfinite(self.rate_effect_ci_low):
            rates += f" ({self.rate_effect_ci_low:+.4g} to {self.rate_effect_ci_high:+.4g})"
        if np.isfinite(self.mix_effect_ci_low):
            mix += f" ({self.mix_effect_ci_low:+.4g} to {self.mix_effect_ci_high:+.4g})"
        return (
            f"Changed by {difference_text(self.change, scale)} from {self.before:.4g} to {self.after:.4g}: {rates}, "
            f"{mix} ({count_text(self.n, 'slice')}; {self.method})."
        )


_RATIO_FIELDS = (
    "before",
    "after",
    "change",
    "rate_effect",
    "mix_effect",
    "change_ci_low",
    "change_ci_high",
    "rate_effect_ci_low",
    "rate_effect_ci_high",
    "mix_effect_ci_low",
    "mix_effect_ci_high",
)


def decompose_change(
    before: pd.DataFrame, after: pd.DataFrame, *, unit: str | None = None, confidence_level: float = 0.95
) -> ChangeDecomposition:
    """Split the change of a ratio between two periods over its slices.

    Parameters
    ----------
    before, after : DataFrame
        Columns ``numerator`` and ``denominator``, one row per slice, indexed by slice. A slice that is in one period
        only belongs to the mix: it has no rate to compare.
    unit : str, optional
        A column that says which day (or other unit) a row belongs to: then one row per slice and unit, and the
        effects get intervals.
    confidence_level : float, default 0.95
        Of the intervals, with ``unit``.

    Returns
    -------
    ChangeDecomposition

    Raises
    ------
    InsufficientDataError
        If a period has no cases, or fewer than three units.

    Notes
    -----
    Rate effect of a slice: change of its rate times its mean share. Mix effect: change of its share times the distance
    of its mean rate from the mean of both totals. Both add up exactly (Kitagawa 1955, symmetric form). A numerator in
    a slice without cases (an event that came late) is part of the total, and its change counts as a rate effect.

    The count, ratio times volume, is split in the same way: the change of the ratio at the mean volume, and the change
    of the volume at the mean ratio.

    Intervals leave out one unit at a time in either period, with Student's t, widened for the autocorrelation of the
    days. They say how sure the split is, not why rates or mix moved.

    Examples
    --------
    >>> before = pd.DataFrame({"numerator": [80.0, 10.0], "denominator": [100.0, 100.0]}, index=["easy", "hard"])
    >>> after = pd.DataFrame({"numerator": [40.0, 15.0], "denominator": [50.0, 150.0]}, index=["easy", "hard"])
    >>> result = decompose_change(before, after)
    >>> round(result.rate_effect, 3), round(result.mix_effect, 3)
    (0.0, -0.175)
    """
    check_confidence_level(confidence_level)
    sums = [_sums(before, "before", unit), _sums(after, "after", unit)]
    joined = sums[0].add_suffix("_0").join(sums[1].add_suffix("_1"), how="outer").fillna(0.0)
    first, second = (joined[[f"numerator_{k}", f"denominator_{k}"]].to_numpy(dtype=float).T for k in (0, 1))
    for when, (_, cases) in (("before", first), ("after", second)):
        if cases.sum() <= 0:
            raise InsufficientDataError(f"decompose_change ({when})", needed=1, got=0, unit="cases")
    split = _split(*first, *second)
    totals = [numerator.sum() / denominator.sum() for numerator, denominator in (first, second)]
    rates = [np.divide(num, den, out=np.full(len(num), _NAN), where=den > 0) for num, den in (first, second)]
    table = pd.DataFrame(
        {
            "before": rates[0],
            "after": rates[1],
            "share_before": first[1] / first[1].sum(),
            "share_after": second[1] / second[1].sum(),
            "rate_effect": split[0],
            "mix_effect": split[1],
        },
        index=joined.index,
    )
    rate, mix = float(split[0].sum()), float(split[1].sum())
    volume = (first[1].sum() + second[1].sum()) / 2
    result = ChangeDecomposition(
        before=float(totals[0]),
        after=float(totals[1]),
        change=float(totals[1] - totals[0]),
        rate_effect=rate,
        mix_effect=mix,
        table=table,
        n=len(table),
        method="rate and mix, symmetric weights",
        count_before=float(first[0].sum()),
        count_after=float(second[0].sum()),
        count_change=float(second[0].sum() - first[0].sum()),
        rate_effect_on_count=rate * volume,
        mix_effect_on_count=mix * volume,
        volume_effect=float((second[1].sum() - first[1].sum()) * (totals[0] + totals[1]) / 2),
    )
    if unit is None:
        return result
    stacks = [_by_unit(frame, unit, joined.index) for frame in (before, after)]
    return _with_intervals(result, stacks, first, second, confidence_level)


def _split(num_0: _Floats, den_0: _Floats, num_1: _Floats, den_1: _Floats) -> tuple[_Floats, _Floats]:
    """Rate and mix effects of each slice (last axis)."""
    total_0, total_1 = den_0.sum(axis=-1, keepdims=True), den_1.sum(axis=-1, keepdims=True)
    ratio_0, ratio_1 = num_0.sum(axis=-1, keepdims=True) / total_0, num_1.sum(axis=-1, keepdims=True) / total_1
    share_0, share_1 = den_0 / total_0, den_1 / total_1
    shape = np.broadcast(num_0, num_1).shape
    rate_0, rate_1 = (
        np.divide(num, den, out=np.full(num.shape, np.nan), where=den > 0)
        for num, den in ((num_0, den_0), (num_1, den_1))
    )
    known_0, known_1 = np.broadcast_to(rate_0, shape), np.broadcast_to(rate_1, shape)
    mean = np.where(np.isnan(known_0), known_1, np.where(np.isnan(known_1), known_0, (known_0 + known_1) / 2))
    moved = (share_1 - share_0) * np.nan_to_num(mean)
    # What a slice adds to the ratio, less what its share alone would have moved: the change of its rate times its mean
    # share, and still exact for a slice that has a numerator and no cases.
    with np.errstate(invalid="ignore"):
        plain = (rate_1 - rate_0) * (share_0 + share_1) / 2
    rate = np.where(np.isfinite(plain), plain, num_1 / total_1 - num_0 / total_0 - moved)
    return rate, moved - (share_1 - share_0) * (ratio_0 + ratio_1) / 2


def _with_intervals(
    result: ChangeDecomposition, stacks: list[_Floats], first: _Floats, second: _Floats, confidence_level: float
) -> ChangeDecomposition:
    pseudo_values = []
    for period, (when, stack) in enumerate(zip(("before", "after"), stacks, strict=True)):
        units = stack.shape[1]
        if units < MIN_UNITS:
            raise InsufficientDataError(f"decompose_change ({when})", needed=MIN_UNITS, got=units, unit="units")
        own = (first, second)[period]
        num, den = own[0] - stack[0], own[1] - stack[1]
        if (den.sum(axis=1) <= 0).any():
            raise InsufficientDataError(f"decompose_change ({when})", needed=2, got=1, unit="units with cases")
        rate, mix = _split(num, den, second[0], second[1]) if period == 0 else _split(first[0], first[1], num, den)
        whole = np.column_stack([rate, mix, rate.sum(axis=1), mix.sum(axis=1), (rate + mix).sum(axis=1)])
        pseudo_values.append(-(units - 1) * whole)
    # In order of the units, so that days that resemble their neighbours count for less; a stretch too short to tell
    # how much they do takes that from the other.
    longer = max(pseudo_values, key=len)
    parts = [variance_of_mean(values, like=longer) for values in pseudo_values]
    variance = parts[0].variance + parts[1].variance
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = variance**2 / sum(part.variance**2 / part.degrees_of_freedom for part in parts)
    half = stats.t.ppf(0.5 + confidence_level / 2, np.where(np.isfinite(freedom), freedom, 1.0)) * np.sqrt(variance)
    half = np.where(variance > (_EXACT * max(abs(result.before), abs(result.after))) ** 2, half, _NAN)
    n = result.n
    table = result.table.assign(
        rate_effect_ci_low=result.table["rate_effect"] - half[:n],
        rate_effect_ci_high=result.table["rate_effect"] + half[:n],
        mix_effect_ci_low=result.table["mix_effect"] - half[n : 2 * n],
        mix_effect_ci_high=result.table["mix_effect"] + half[n : 2 * n],
    )
    rate_half, mix_half, change_half = (float(value) for value in half[2 * n :])
    return replace(
        result,
        table=table,
        method=result.method + "; each unit left out",
        change_ci_low=result.change - change_half,
        change_ci_high=result.change + change_half,
        rate_effect_ci_low=result.rate_effect - rate_half,
        rate_effect_ci_high=result.rate_effect + rate_half,
        mix_effect_ci_low=result.mix_effect - mix_half,
        mix_effect_ci_high=result.mix_effect + mix_half,
        confidence_level=confidence_level,
        n_units_before=stacks[0].shape[1],
        n_units_after=stacks[1].shape[1],
    )


def _sums(frame: pd.DataFrame, when: str, unit: str | None) -> pd.DataFrame:
    """One row per slice, after the checks."""
    needed = [*_SUMS, *([] if unit is None else [unit])]
    absent = [name for name in needed if name not in frame.columns]
    if absent:
        raise ValueError(f"{when} needs the columns {needed}; {absent} not found among {list(frame.columns)}.")
    if isinstance(frame.index, pd.MultiIndex):
        raise ValueError(f"{when} must be indexed by slice alone, got the levels {list(frame.index.names)}.")
    values = frame[list(_SUMS)].to_numpy(dtype=float)
    if not np.isfinite(values).all() or frame.index.hasnans or frame[needed].isna().any(axis=None):
        raise ValueError(f"{when} has missing values; drop or fill them first, and count what was dropped.")
    if (values[:, 1] < 0).any():
        raise ValueError(
            f"denominator of {when} is negative in slice {frame.index[int((values[:, 1] < 0).argmax())]!r}."
        )
    if unit is None and not frame.index.is_unique:
        twice = frame.index[frame.index.duplicated()][0]
        raise ValueError(
            f"{when} has several rows of slice {twice!r}; sum them, or name the column of days with unit=."
        )
    return frame[list(_SUMS)].astype(float).groupby(level=0, observed=True).sum()


def _by_unit(frame: pd.DataFrame, unit: str, slices: pd.Index) -> _Floats:
    """Sums by unit and slice, shape (2, n_units, n_slices), units in order."""
    units = np.unique(frame[unit].to_numpy())
    rows, columns = np.searchsorted(units, frame[unit].to_numpy()), slices.get_indexer(frame.index)
    stack = np.zeros((2, len(units), len(slices)))
    for k, name in enumerate(_SUMS):
        np.add.at(stack[k], (rows, columns), frame[name].to_numpy(dtype=float))
    return stack
