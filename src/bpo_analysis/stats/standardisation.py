"""Who is better on the same mix? Partners with easy work look good; standardised, the order can turn round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, sqrt
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.arguments import check_confidence_level
from bpo_analysis.stats.days import variance_of_mean
from bpo_analysis.stats.result import Result

__all__ = [
    "MIN_UNITS",
    "Sampling",
    "StandardisedComparison",
    "StandardisedPair",
    "standardise",
    "standardise_pair",
]

Sampling = Literal["cases", "events", "mean"]

MIN_UNITS = 3
_POWER = 0.8
"""A detectable difference is one that would have been found with this probability."""

_FURTHEST = 8.0
"""Standard errors; further out p-values are rounding."""

_EXACT = 1e-12
"""Part of the rates; a spread between units below it is rounding."""

_Floats = NDArray[np.float64]
_NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardisedComparison(Result):
    """Groups compared on one common mix of slices.

    Attributes
    ----------
    table : DataFrame
        One row per group: crude, crude_ci_low, crude_ci_high; standardised, standardised_ci_low, standardised_ci_high
        (on the slices in which all groups have cases; NaN where there is none); difference, difference_ci_low,
        difference_ci_high, pvalue (against the rest of the groups pooled, on the slices in which both have cases),
        detectable_difference (that would have been found in four of five such comparisons); rank_crude,
        rank_standardised (1: largest); observed, expected (at the pooled rates on the group's own mix),
        observed_to_expected, observed_to_expected_ci_low, observed_to_expected_ci_high; cases; covered (share of the
        group's cases in the slices that all have).
    pairs : DataFrame
        One row per pair of groups: first, second, crude_difference; difference, ci_low, ci_high, pvalue,
        detectable_difference (on the slices in which both have cases); reversed (the order turns round);
        in_every_slice (and one is ahead in every one of these slices); slices (how many).
    weights : Series
        Share of each slice in the common mix.
    unsupported : DataFrame
        Slices left out because a group has no cases there: slice, missing (the groups), share (of all cases).
    confidence_level : float
    n, n_slices, n_units : int
        Groups, slices compared, units (0 without).
    method : str
    """

    table: pd.DataFrame
    pairs: pd.DataFrame
    weights: pd.Series
    unsupported: pd.DataFrame
    confidence_level: float
    n: int
    n_slices: int
    n_units: int
    method: str

    @property
    def reversals(self) -> tuple[tuple[str, str], ...]:
        """Pairs whose order by crude value is not that on the common mix (Simpson's paradox)."""
        turned = self.pairs[self.pairs["reversed"]]
        return tuple((str(a), str(b)) for a, b in zip(turned["first"], turned["second"], strict=True))

    def summary(self) -> str:
        """Return who stands out on the common mix, which orders turn round, and what could not be compared."""
        table = self.table
        sure = table[(table["difference_ci_low"] > 0) | (table["difference_ci_high"] < 0)]
        out = "; ".join(
            f"{name} {row['standardised']:.4g}, {row['difference']:+.4g} against the rest "
            f"({row['difference_ci_low']:+.4g} to {row['difference_ci_high']:+.4g})"
            for name, row in sure.iterrows()
        )
        parts = [f"On a common mix {out or 'no group differs from the rest for certain' + self._found()}."]
        if not table["observed"].ne(0).any():
            parts.append("No numerator is above 0, so that nothing tells the groups apart.")
        elif table["difference"].notna().any() and table["pvalue"].isna().all():
            parts.append("All units are alike, so that no interval can be given.")
        parts += [f"The order of {a} and {b} turns round against the crude values." for a, b in self.reversals]
        if len(self.unsupported):
            names = ", ".join(map(str, self.unsupported["slice"]))
            parts.append(
                f"Not compared, for not every group has cases there: {names} "
                f"({100 * float(self.unsupported['share'].sum()):.0f} % of all cases)."
            )
        return f"{' '.join(parts)} ({self.n} groups; {self.method}.)"

    def _found(self) -> str:
        """Differences that would have been found, as the end of a sentence."""
        detectable = self.table["detectable_difference"].dropna()
        if detectable.empty:
            return ""
        least, most = f"{detectable.min():.3g}", f"{detectable.max():.3g}"
        found = f"a difference of {least}" if least == most else f"differences of {least} to {most}, by group,"
        return f"; {found} would have been found with {100 * _POWER:.0f} % power"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardisedPair(Result):
    """Two groups on their common mix of slices.

    Attributes
    ----------
    crude_difference : float
        First less second, as counted.
    first, second : float
        On the slices in which both have cases.
    difference, ci_low, ci_high, pvalue : float
        First less second on these slices.
    reversed : bool
        Whether the order turns round against the crude values.
    in_every_slice : bool
        And one is ahead in every one of these slices.
    n_slices : int
        Slices compared.
    covered : float
        Share of all cases that lie in them.
    confidence_level : float
    """

    crude_difference: float
    first: float
    second: float
    difference: float
    ci_low: float
    ci_high: float
    pvalue: float
    reversed: bool
    in_every_slice: bool
    n_slices: int
    covered: float
    confidence_level: float

    def summary(self) -> str:
        """Return the difference on the common mix, its interval and p-value, and whether the order turns round."""
        turned = "; the order turns round against the crude values" if self.reversed else ""
        return (
            f"{self.difference:+.4g} on a common mix of {self.n_slices} slices ({100 * self.confidence_level:g} % "
            f"interval {self.ci_low:+.4g} to {self.ci_high:+.4g}, p = {self.pvalue:.2g}){turned}."
        )


def standardise(
    frame: pd.DataFrame,
    *,
    group: str = "partner",
    slice: str = "slice",
    unit: str | None = None,
    sampling: Sampling = "cases",
    standard: pd.Series | None = None,
    confidence_level: float = 0.95,
) -> StandardisedComparison:
    """Compare groups on a common mix of slices (direct standardisation), with observed over expected beside it.

    Parameters
    ----------
    frame : DataFrame
        Columns ``numerator`` and ``denominator``, and those named below; one row per group and slice, or per group,
        slice and unit. Several rows of one cell are added up.
    group, slice : str
        Columns that say whose cases and which kind.
    unit : str, optional
        Column of the day (or other unit) all groups share: the intervals then come from the spread between units,
        never less than chance among cases would have it.
    sampling : {"cases", "events", "mean"}, default "cases"
        A share of cases, rare events over an exposure, or a mean of anything else (which needs ``unit``).
    standard : Series, optional
        Weight of each slice; by default the pooled cases of all groups.
    confidence_level : float, default 0.95

    Returns
    -------
    StandardisedComparison

    Raises
    ------
    InsufficientDataError
        With fewer than two groups, a group without cases, no slice in which two have them, or fewer than three units.

    Notes
    -----
    A slice in which a group has no cases cannot be compared. It is left out, and named, rather than filled in: for all
    in ``standardised``, for this group in ``difference``, for this pair in ``pairs``. Observed over expected (indirect
    standardisation) uses all slices, but each group's ratio rests on its own mix, so that two of them are not
    comparable with each other. The standard mix is taken as given: its own sampling error is not in the intervals.

    Intervals: for shares Wilson on the effective number of cases, for events Fay and Feuer's gamma limits [1]_, for
    means Student's t; a unit counts for all groups at once, so that a day bad for everyone does not blur a
    difference. One pseudo-case at the pooled rate keeps a cell without failures from counting as certain. Differences
    of shares and of event rates have at least the width that the score limits (Wilson's) of all cells give, squared
    and added (MOVER [2]_), for near 0 and 100 % a variance says too little; the p-value is that at which such an
    interval just touches nought. Observed over expected is no surer than these cells either. Adjust the
    p-values where several are read (:mod:`bpo_analysis.stats.multiplicity`).

    Differences of mix within a slice, and of anything that is not sliced, remain: this is no proof of quality.

    References
    ----------
    .. [1] Fay, M. P. & Feuer, E. J. (1997). Confidence intervals for directly standardized rates. Stat. in Med. 16.
    .. [2] Zou, G. Y., Huang, W. & Zhang, X. (2009). A note on confidence interval estimation for a linear function of
       binomial proportions. Computational Statistics & Data Analysis 53.

    Examples
    --------
    >>> frame = pd.DataFrame({
    ...     "partner": ["north", "north", "south", "south"], "slice": ["easy", "hard"] * 2,
    ...     "numerator": [234, 55, 81, 192], "denominator": [270, 80, 87, 263]})
    >>> result = standardise(frame)
    >>> result.table[["crude", "standardised"]].round(3)
           crude  standardised
    partner
    north  0.826         0.779
    south  0.780         0.833
    >>> result.reversals
    (('north', 'south'),)
    """
    check_confidence_level(confidence_level)
    if sampling not in get_args(Sampling):
        raise ValueError(f"sampling must be one of {', '.join(map(repr, get_args(Sampling)))}, got {sampling!r}.")
    if sampling == "mean" and unit is None:
        raise ValueError("sampling 'mean' needs unit: without days there is nothing to tell the spread from.")
    cells = _cells(frame, group, slice, unit, sampling)
    supported = cells.den > 0
    shared = supported.all(axis=0)
    mix = _mix(cells, standard)
    if not ((supported & (mix > 0)).sum(axis=0) > 1).any():
        raise InsufficientDataError("standardise", needed=1, got=0, unit="slices in which two groups have cases")
    judge = _Judge(cells, mix, sampling, confidence_level)
    rows = [_row(cells, judge, place, shared) for place in range(len(cells.groups))]
    table = pd.DataFrame(rows, index=pd.Index(cells.groups, name=group))
    for place, name in enumerate(("crude", "standardised"), start=11):
        ranks = table[name].rank(ascending=False, method="min")
        table.insert(place, f"rank_{name}", ranks.astype("Int64") if ranks.isna().any() else ranks.astype(int))
    crude = table["crude"].tolist()
    pairs = [_pair(cells, judge, a, b, crude) for a, b in combinations(range(len(cells.groups)), 2)]
    missing = [
        {
            "slice": name,
            "missing": ", ".join(str(g) for g, there in zip(cells.groups, supported[:, k], strict=True) if not there),
            "share": float(cells.den[:, k].sum() / cells.den.sum()),
        }
        for k, name in enumerate(cells.slices)
        if not shared[k]
    ]
    weights = pd.Series(judge.weights(shared), index=pd.Index(cells.slices, name=slice))
    return StandardisedComparison(
        table=table,
        pairs=pd.DataFrame(pairs),
        weights=weights[shared],
        unsupported=pd.DataFrame(missing, columns=["slice", "missing", "share"]),
        confidence_level=confidence_level,
        n=len(cells.groups),
        n_slices=int(shared.sum()),
        n_units=cells.n_units,
        method="direct standardisation, " + ("spread between units" if unit is not None else "chance among cases"),
    )


def standardise_pair(
    numerator: ArrayLike, denominator: ArrayLike, *, confidence_level: float = 0.95
) -> StandardisedPair:
    """Compare shares of cases of two groups on their common mix: the pair of :func:`standardise`, from arrays.

    Parameters
    ----------
    numerator, denominator : array_like, shape (n_units, 2, n_slices)
        Successes and cases of each unit (day), group and slice; nought where there are none. With fewer than three
        units they are added up, and the interval is that of chance among cases.
    confidence_level : float, default 0.95

    Returns
    -------
    StandardisedPair
        First group less second, as :func:`standardise` of these two groups has it.

    Raises
    ------
    InsufficientDataError
        With a group without cases, or no slice in which both have some.

    Examples
    --------
    >>> found = standardise_pair([[[234, 55], [81, 192]]], [[[270, 80], [87, 263]]])
    >>> round(found.crude_difference, 3), round(found.difference, 3), found.reversed
    (0.046, -0.054, True)
    """
    check_confidence_level(confidence_level)
    num, den = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    if num.ndim != 3 or num.shape != den.shape or num.shape[1] != 2:
        raise ValueError(
            f"numerator and denominator must have shape (n_units, 2, n_slices), got {num.shape} and {den.shape}."
        )
    n_units = len(num) if len(num) >= MIN_UNITS else 0
    if not n_units:
        num, den = num.sum(axis=0, keepdims=True), den.sum(axis=0, keepdims=True)
    cells = _Cells(num, den, ["first", "second"], range(num.shape[2]), n_units, "cases")
    shared = (cells.den > 0).all(axis=0)
    if not shared.any():
        raise InsufficientDataError("standardise_pair", needed=1, got=0, unit="slices in which both groups have cases")
    judge = _Judge(cells, _mix(cells, None), "cases", confidence_level)
    first, second = np.array([True, False]), np.array([False, True])
    crude = [_crude(cells, place) for place in (0, 1)]
    line = _pair(cells, judge, 0, 1, crude)
    total = cells.den.sum()
    return StandardisedPair(
        crude_difference=line["crude_difference"],
        first=judge.estimate(first, judge.weights(shared)).value,
        second=judge.estimate(second, judge.weights(shared)).value,
        difference=line["difference"],
        ci_low=line["ci_low"],
        ci_high=line["ci_high"],
        pvalue=line["pvalue"],
        reversed=line["reversed"],
        in_every_slice=line["in_every_slice"],
        n_slices=int(shared.sum()),
        covered=float(cells.den[:, shared].sum() / total),
        confidence_level=confidence_level,
    )


class _Cells:
    """Sums by group and slice, and by unit, group and slice (one unit, and ``n_units`` 0, where there are none)."""

    def __init__(
        self, num: _Floats, den: _Floats, groups: Sequence[Any], slices: Sequence[Any], n_units: int, sampling: str
    ) -> None:
        self.groups, self.slices, self.n_units = groups, slices, n_units
        self.unit_num, self.unit_den = num, den
        self.num, self.den = num.sum(axis=0), den.sum(axis=0)
        for name, cases in zip(groups, self.den.sum(axis=1), strict=True):
            if not cases > 0:
                raise InsufficientDataError(f"standardise ({name})", needed=1, got=0, unit="cases")
        if sampling == "cases" and ((self.num > self.den) | (self.num < 0)).any():
            raise ValueError(
                "numerator lies outside 0 to denominator in some cell; for events or means say so by sampling=."
            )
        pooled = self.den.sum(axis=0)
        self.pooled_rate = np.divide(self.num.sum(axis=0), pooled, out=np.zeros(len(slices)), where=pooled > 0)


def _cells(frame: pd.DataFrame, group: str, slice_: str, unit: str | None, sampling: str) -> _Cells:
    """Add up the rows of a frame."""
    needed = [group, slice_, "numerator", "denominator", *([] if unit is None else [unit])]
    absent = [name for name in needed if name not in frame.columns]
    if absent:
        raise ValueError(f"frame needs the columns {needed}; {absent} not found among {list(frame.columns)}.")
    missing = frame[needed].isna().any()
    if missing.any():
        raise ValueError(f"frame has missing values in {list(missing[missing].index)}; drop or name them first.")
    num, den = (frame[name].to_numpy(dtype=float) for name in ("numerator", "denominator"))
    if not (np.isfinite(num) & np.isfinite(den)).all():
        raise ValueError("numerator and denominator must be finite, got an infinite value.")
    if (den < 0).any():
        raise ValueError(f"denominator is negative in {int((den < 0).sum())} rows.")
    if sampling == "events" and (num < 0).any():
        raise ValueError(f"numerator counts events, and is negative in {int((num < 0).sum())} rows.")
    places, groups = pd.factorize(frame[group], sort=True)
    columns, slices = pd.factorize(frame[slice_], sort=True)
    if len(groups) < 2:
        raise InsufficientDataError("standardise", needed=2, got=len(groups), unit="groups")
    rows, n_units = np.zeros(len(frame), dtype=np.intp), 0
    if unit is not None:
        names, rows = np.unique(frame[unit].to_numpy(), return_inverse=True)
        n_units = len(names)
        if n_units < MIN_UNITS:
            raise InsufficientDataError("standardise", needed=MIN_UNITS, got=n_units, unit="units")
    shape = (max(1, n_units), len(groups), len(slices))
    sums = np.zeros(shape), np.zeros(shape)
    for into, values in zip(sums, (num, den), strict=True):
        np.add.at(into, (rows, places, columns), values)
    return _Cells(*sums, groups, slices, n_units, sampling)


@dataclass(frozen=True, slots=True)
class _Estimate:
    """A weighted sum of rates: its value, its influence by unit, chance's variance, the largest weight of one case.

    Beside it the cells it is made of: their weights, rates and denominators.
    """

    value: float
    days: _Floats
    chance: float
    counted: float
    largest: float
    effective_cases: float
    weight: _Floats
    rate: _Floats
    den: _Floats


class _Judge:
    """Variance and limits of weighted sums of rates."""

    def __init__(self, cells: _Cells, mix: _Floats, sampling: str, confidence_level: float) -> None:
        self.cells, self.mix, self.sampling = cells, mix, sampling
        self.level = 0.5 + confidence_level / 2
        # Of two groups each is the other's rest, and the pair of both: three times one question.
        self._differences: dict[tuple[bytes, bytes, bytes], tuple[float, float, float, float, float]] = {}

    def weights(self, slices: NDArray[np.bool_]) -> _Floats:
        """The common mix on these slices, 1 in all; nought throughout if it has no weight there."""
        weights = np.where(slices, self.mix, 0.0)
        return np.asarray(weights / weights.sum() if weights.sum() > 0 else weights)

    def estimate(self, members: NDArray[np.bool_], weights: _Floats) -> _Estimate:
        """Weighted sum of the rates of some groups pooled; a weight counts only where they have cases."""
        cells = self.cells
        num, den = cells.num[members].sum(axis=0), cells.den[members].sum(axis=0)
        used = (den > 0) & (weights > 0)
        num, den, weight, pooled = num[used], den[used], weights[used], cells.pooled_rate[used]
        rate = num / den
        unit_num = cells.unit_num[:, members][:, :, used].sum(axis=1)
        unit_den = cells.unit_den[:, members][:, :, used].sum(axis=1)
        days = len(unit_num) * ((unit_num - rate * unit_den) / den * weight).sum(axis=1)
        near = (num + pooled) / (den + 1)
        spread = near * (1 - near) if self.sampling == "cases" else near if self.sampling == "events" else 0.0 * near
        return _Estimate(
            value=float((weight * rate).sum()),
            days=days,
            chance=float((weight**2 * np.maximum(spread, 0.0) / den).sum()),
            counted=float((weight**2 * num / den**2).sum()),
            largest=float((weight / den).max(initial=0.0)),
            effective_cases=float(weight.sum() ** 2 / (weight**2 / den).sum()) if used.any() else 0.0,
            weight=weight,
            rate=rate,
            den=den,
        )

    def spreads(self, days: _Floats, chance: float) -> list[tuple[float, float]]:
        """Variances and degrees of freedom, of chance among cases and between units: the wider answer counts."""
        found = [(chance, float("inf"))]
        if self.cells.n_units:
            between = variance_of_mean(days[:, None])
            least = (_EXACT * float(np.abs(self.cells.pooled_rate).max())) ** 2
            variance = float(between.variance[0])
            found.append((variance if variance > least else 0.0, between.degrees_of_freedom))
        return found

    def half(self, spreads: list[tuple[float, float]], level: float) -> tuple[float, float, float]:
        """Half the width of a plain interval, with the variance and the quantile it comes from."""
        halves = [(_t_quantile(level, freedom) * sqrt(variance), variance, freedom) for variance, freedom in spreads]
        half, variance, freedom = max(halves)
        return half, variance, _t_quantile(level, freedom)

    def limits(self, found: _Estimate) -> tuple[float, float]:
        """Interval of one value."""
        # The gamma limits bring their own pseudo-event.
        spreads = self.spreads(found.days, found.counted if self.sampling == "events" else found.chance)
        half, variance, quantile = self.half(spreads, self.level)
        if self.sampling == "events":
            return _gamma(found.value, variance, found.largest, float(special.ndtr(-quantile)))
        if self.sampling == "cases":
            return _wilson(found.value, variance, found.effective_cases, quantile)
        if not half > 0:
            return _NAN, _NAN
        return found.value - half, found.value + half

    def difference(
        self, one: NDArray[np.bool_], other: NDArray[np.bool_], weights: _Floats
    ) -> tuple[float, float, float, float, float]:
        """Difference of two sides over the same units, its limits, its p-value, and what would have been found."""
        if not weights.any():
            return _NAN, _NAN, _NAN, _NAN, _NAN
        key = one.tobytes(), other.tobytes(), weights.tobytes()
        if key not in self._differences:
            self._differences[key] = self._difference(one, other, weights)
        return self._differences[key]

    def _difference(
        self, one: NDArray[np.bool_], other: NDArray[np.bool_], weights: _Floats
    ) -> tuple[float, float, float, float, float]:
        first, second = self.estimate(one, weights), self.estimate(other, weights)
        spreads = self.spreads(first.days - second.days, first.chance + second.chance)
        difference = first.value - second.value

        def reach(level: float) -> tuple[float, float]:
            """How far the limits lie below and above the difference."""
            plain = self.half(spreads, level)[0]
            below, above = self.mover(first, second, float(special.ndtri(level)))
            return max(plain, below), max(plain, above)

        below, above = reach(self.level)
        if not max(below, above) > 0:
            return difference, _NAN, _NAN, _NAN, _NAN
        pvalues = [
            2 * _t_tail(abs(difference) / sqrt(variance), freedom) for variance, freedom in spreads if variance > 0
        ]
        pvalue = max([self.mover_pvalue(first, second), *pvalues])
        return difference, difference - below, difference + above, pvalue, max(below, above) + max(reach(_POWER))

    def mover(self, first: _Estimate, second: _Estimate, quantile: float) -> tuple[float, float]:
        """How far the limits of a difference lie below and above it: those of all cells, squared and added."""
        below_1, above_1 = self.squares(first, quantile)
        below_2, above_2 = self.squares(second, quantile)
        return sqrt(below_1 + above_2), sqrt(above_1 + below_2)

    def mover_pvalue(self, first: _Estimate, second: _Estimate) -> float:
        """Error rate at which the limit of `mover` just touches nought."""
        difference = first.value - second.value
        if self.sampling == "mean":
            return 0.0
        side = 0 if difference > 0 else 1

        def short(quantile: float) -> float:
            return self.mover(first, second, quantile)[side] - abs(difference)

        if not short(_FURTHEST) > 0:
            return float(2 * special.ndtr(-_FURTHEST))
        found = optimize.brentq(short, 0.0, _FURTHEST, xtol=1e-12) if difference else 0.0
        return float(2 * special.ndtr(-found))

    def squares(self, found: _Estimate, quantile: float) -> tuple[float, float]:
        """Squared distances of the score limits from the rates, weighted and added, below and above."""
        if self.sampling == "mean":
            return 0.0, 0.0
        square = quantile**2 / found.den
        if self.sampling == "cases":
            spread, shrink, scale = found.rate * (1 - found.rate), 1 + square, 1 - 2 * found.rate
        else:
            spread, shrink, scale = found.rate, np.ones_like(square), np.ones_like(square)
        # The rate plus shift minus or plus half; shift draws towards a half of all cases, or away from no events.
        shift = square * scale / (2 * shrink)
        half = np.sqrt(np.maximum(spread, 0.0) * square + square**2 / 4) / shrink
        below, above = np.maximum(half - shift, 0.0), half + shift
        return float((found.weight**2 * below**2).sum()), float((found.weight**2 * above**2).sum())


def _row(cells: _Cells, judge: _Judge, place: int, shared: NDArray[np.bool_]) -> dict[str, float]:
    own = np.arange(len(cells.groups)) == place
    total = float(cells.den[place].sum())
    crude = judge.estimate(own, cells.den[place] / total)
    value = judge.estimate(own, judge.weights(shared))
    known = judge.weights(shared).any()
    both = judge.weights((cells.den[place] > 0) & (cells.den[~own].sum(axis=0) > 0))
    columns = ("", "_ci_low", "_ci_high")
    row = dict(zip((f"crude{c}" for c in columns), (_crude(cells, place), *judge.limits(crude)), strict=True))
    standardised = (value.value, *judge.limits(value)) if known else (_NAN, _NAN, _NAN)
    row |= dict(zip((f"standardised{c}" for c in columns), standardised, strict=True))
    names = (*(f"difference{c}" for c in columns), "pvalue", "detectable_difference")
    row |= dict(zip(names, judge.difference(own, ~own, both), strict=True))
    names = ("observed", "expected", *(f"observed_to_expected{c}" for c in columns))
    row |= dict(zip(names, _indirect(cells, judge, place), strict=True))
    return row | {"cases": total, "covered": float(cells.den[place, shared].sum()) / total}


def _crude(cells: _Cells, place: int) -> float:
    return float(cells.num[place].sum() / cells.den[place].sum())


def _pair(cells: _Cells, judge: _Judge, a: int, b: int, crude: Sequence[float]) -> dict[str, Any]:
    place = np.arange(len(cells.groups))
    both = judge.weights((cells.den[a] > 0) & (cells.den[b] > 0))
    difference, low, high, pvalue, detectable = judge.difference(place == a, place == b, both)
    apart = crude[a] - crude[b]
    used = both > 0
    ahead = np.sign(cells.num[a, used] / cells.den[a, used] - cells.num[b, used] / cells.den[b, used])
    turned = apart * difference < 0
    return {
        "first": cells.groups[a],
        "second": cells.groups[b],
        "crude_difference": apart,
        "difference": difference,
        "ci_low": low,
        "ci_high": high,
        "pvalue": pvalue,
        "detectable_difference": detectable,
        "reversed": bool(turned),
        "in_every_slice": bool(turned and (ahead == np.sign(difference)).all()),
        "slices": int(used.sum()),
    }


def _indirect(cells: _Cells, judge: _Judge, place: int) -> tuple[float, float, float, float, float]:
    """Observed, expected at the pooled rates, their ratio and its limits."""
    observed, expected = float(cells.num[place].sum()), float(cells.den[place] @ cells.pooled_rate)
    if not expected > 0:
        return observed, expected, _NAN, _NAN, _NAN
    ratio = observed / expected
    if observed == 0 or (judge.sampling == "events" and not cells.n_units):
        tail = 1 - judge.level
        low = float(stats.chi2.ppf(tail, 2 * observed) / 2) if observed else 0.0
        return observed, expected, ratio, low / expected, float(stats.chi2.isf(tail, 2 * observed + 2) / 2) / expected
    own = judge.estimate(np.arange(len(cells.groups)) == place, cells.den[place] / expected)
    days = cells.unit_num[:, place].sum(axis=1) - ratio * (cells.unit_den[:, place] @ cells.pooled_rate)
    half = judge.half(judge.spreads(len(days) * days / expected, own.chance), judge.level)[0]
    factor = exp(half / ratio) if half > 0 else _NAN
    below, above = judge.squares(own, float(special.ndtri(judge.level)))
    if not max(below, above) > 0:
        return observed, expected, ratio, ratio / factor, ratio * factor
    # Neither is a group without failures certain to be above what is expected of it.
    low, high = np.fmin(ratio / factor, ratio - sqrt(below)), np.fmax(ratio * factor, ratio + sqrt(above))
    return observed, expected, ratio, float(low), float(high)


def _mix(cells: _Cells, standard: pd.Series | None) -> _Floats:
    """Weight of each slice in the common mix."""
    if standard is None:
        return np.asarray(cells.den.sum(axis=0))
    if not standard.index.is_unique:
        raise ValueError(f"standard has several weights for slice {standard.index[standard.index.duplicated()][0]!r}.")
    absent = [name for name in cells.slices if name not in standard.index]
    if absent:
        raise ValueError(f"standard has no weight for the slices {absent[:5]}.")
    mix = np.asarray(standard.reindex(cells.slices), dtype=float)
    if not (mix >= 0).all():
        raise ValueError("standard must not have negative or missing weights.")
    return mix


def _t_quantile(level: float, freedom: float) -> float:
    return float(special.ndtri(level) if freedom == float("inf") else special.stdtrit(freedom, level))


def _t_tail(value: float, freedom: float) -> float:
    """Chance of a larger value; scipy's ``stats.t`` gives the same at a hundred times the cost."""
    return float(special.ndtr(-value) if freedom == float("inf") else special.stdtr(freedom, -value))


def _wilson(share: float, variance: float, cases: float, quantile: float) -> tuple[float, float]:
    """Wilson's interval on as many cases as this variance is worth."""
    chance = share * (1 - share)
    worth = min(cases, chance / variance) if chance > 0 else cases
    square = quantile**2
    centre = (share + square / (2 * worth)) / (1 + square / worth)
    half = quantile / (1 + square / worth) * sqrt(chance / worth + square / (4 * worth**2))
    return (0.0 if share == 0 else max(0.0, centre - half)), (1.0 if share == 1 else min(1.0, centre + half))


def _gamma(rate: float, variance: float, largest: float, tail: float) -> tuple[float, float]:
    """Fay and Feuer's limits of a weighted sum of Poisson counts."""
    low = float(stats.gamma.ppf(tail, rate**2 / variance, scale=variance / rate)) if rate > 0 else 0.0
    more, spread = rate + largest, variance + largest**2
    return low, float(stats.gamma.isf(tail, more**2 / spread, scale=spread / more))
