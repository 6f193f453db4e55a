"""Can the process meet what is asked of it, and how many defects does it make?"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, isinf, isnan, sqrt
from typing import overload

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from bpo_analysis.errors import DataError, InsufficientDataError
from bpo_analysis.stats.arguments import check_confidence_level
from bpo_analysis.stats.ratio import ratio_interval, share_interval
from bpo_analysis.stats.result import Result
from bpo_analysis.stats.wording import pvalue_text

__all__ = ["MIN_PERIODS", "MIN_VALUES", "SIGMA_SHIFT", "Capability", "DefectRate", "capability"]

MIN_VALUES = 10
MIN_PERIODS = 3
"""With fewer periods of counts their spread cannot be told, and the exact limits are taken."""
SIGMA_SHIFT = 1.5
"""What Six Sigma adds to the long-term sigma level and calls short-term: a convention, not a measurement."""
_MEAN_RANGE_TO_SIGMA = 2 / sqrt(np.pi)
_PER_MILLION = 1e6
_MOST_FOR_SHAPIRO = 5000
_ROUNDING = 1e-12
_FAR = 100.0

_Floats = NDArray[np.float64]
_NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability(Result):
    """Measurements against specification limits.

    Attributes
    ----------
    cp, cpk, cpm : float
        From the variation within subgroups (or between neighbours): what the process could do if its level held still.
        NaN where a limit or the target that they need is not given.
    pp, ppk, ppm : float
        The same from all variation there was: what it did.
    cp_ci_low, cp_ci_high, ..., ppm_ci_low, ppm_ci_high : float
    outside, outside_ci_low, outside_ci_high : float
        Share of the values outside the limits, as counted.
    outside_expected : float
        The same for a normal distribution with this mean and overall standard deviation.
    mean, sigma_within, sigma_overall : float
    lower_spec, upper_spec, target : float
        NaN where not given.
    normality_pvalue : float
        Shapiro-Wilk; where it is small, rely on ``outside``. NaN above 5,000 values.
    confidence_level : float
    n, n_missing, n_subgroups : int
        ``n_subgroups`` is 0 for single values.
    method : str
    """

    cp: float
    cp_ci_low: float
    cp_ci_high: float
    cpk: float
    cpk_ci_low: float
    cpk_ci_high: float
    cpm: float
    cpm_ci_low: float
    cpm_ci_high: float
    pp: float
    pp_ci_low: float
    pp_ci_high: float
    ppk: float
    ppk_ci_low: float
    ppk_ci_high: float
    ppm: float
    ppm_ci_low: float
    ppm_ci_high: float
    outside: float
    outside_ci_low: float
    outside_ci_high: float
    outside_expected: float
    mean: float
    sigma_within: float
    sigma_overall: float
    lower_spec: float
    upper_spec: float
    target: float
    normality_pvalue: float
    confidence_level: float
    n: int
    n_missing: int
    n_subgroups: int
    method: str

    def summary(self) -> str:
        """Return Cpk, Ppk and the share outside, and whether the normal distribution they rest on fits."""
        doubt = ""
        if self.normality_pvalue < 1 - self.confidence_level:
            doubt = f" The values are not normal (p {pvalue_text(self.normality_pvalue)}): rely on the share outside."
        return (
            f"Cpk {self.cpk:.2f} ({self.cpk_ci_low:.2f} to {self.cpk_ci_high:.2f}), Ppk {self.ppk:.2f} "
            f"({self.ppk_ci_low:.2f} to {self.ppk_ci_high:.2f}); {100 * self.outside:.1f} % outside the limits "
            f"({100 * self.outside_ci_low:.1f} to {100 * self.outside_ci_high:.1f}); {100 * self.confidence_level:g} % "
            f"intervals (n = {self.n}; {self.method}).{doubt}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DefectRate(Result):
    """Counted defects, in the words of Six Sigma.

    Attributes
    ----------
    dpu, dpu_ci_low, dpu_ci_high : float
        Defects per unit.
    dpo, dpo_ci_low, dpo_ci_high : float
        Defects per opportunity; NaN without opportunities.
    dpmo, dpmo_ci_low, dpmo_ci_high : float
        The same per million.
    first_pass_yield, first_pass_yield_ci_low, first_pass_yield_ci_high : float
        Share of the units without a defect, as counted; NaN without ``defective``.
    rolled_yield, rolled_yield_ci_low, rolled_yield_ci_high : float
        Share of the units that would pass every opportunity if defects fell independently: ``(1 - dpo)`` to the power
        of the opportunities, or ``exp(-dpu)`` where these are not given.
    sigma_level_long_term, sigma_level_long_term_ci_low, sigma_level_long_term_ci_high : float
        Normal quantile of the share of opportunities without a defect; infinite where none had one.
    sigma_level_short_term, sigma_level_short_term_ci_low, sigma_level_short_term_ci_high : float
        The same plus 1.5: the figure that Six Sigma tables print, by convention.
    defects, units, opportunities : float
        Sums, and opportunities per unit.
    dispersion : float
        Variance between periods over that of independent defects; 1 with fewer than three periods.
    confidence_level : float
    n, n_missing : int
        Periods with and without counts.
    method : str
    """

    dpu: float
    dpu_ci_low: float
    dpu_ci_high: float
    dpo: float
    dpo_ci_low: float
    dpo_ci_high: float
    dpmo: float
    dpmo_ci_low: float
    dpmo_ci_high: float
    first_pass_yield: float
    first_pass_yield_ci_low: float
    first_pass_yield_ci_high: float
    rolled_yield: float
    rolled_yield_ci_low: float
    rolled_yield_ci_high: float
    sigma_level_long_term: float
    sigma_level_long_term_ci_low: float
    sigma_level_long_term_ci_high: float
    sigma_level_short_term: float
    sigma_level_short_term_ci_low: float
    sigma_level_short_term_ci_high: float
    defects: float
    units: float
    opportunities: float
    dispersion: float
    confidence_level: float
    n: int
    n_missing: int
    method: str

    def summary(self) -> str:
        """Return defects per unit or per million opportunities, the yield and the sigma level with its convention."""
        level = f"{100 * self.confidence_level:g} % intervals"
        base = f"{self.defects:,.0f} defects in {self.units:,.0f} units; {self.method}"
        if np.isnan(self.dpo):
            return (
                f"{self.dpu:.4g} defects per unit ({self.dpu_ci_low:.4g} to {self.dpu_ci_high:.4g}), rolled yield "
                f"{100 * self.rolled_yield:.1f} % ({100 * self.rolled_yield_ci_low:.1f} to "
                f"{100 * self.rolled_yield_ci_high:.1f}); {level} ({base})."
            )
        return (
            f"{_per_million(self.dpmo)} defects per million opportunities ({_per_million(self.dpmo_ci_low)} to "
            f"{_per_million(self.dpmo_ci_high)}), rolled yield {100 * self.rolled_yield:.1f} % "
            f"({100 * self.rolled_yield_ci_low:.1f} to {100 * self.rolled_yield_ci_high:.1f}), "
            f"{self._sigma_level()}; {level} ({base})."
        )

    def _sigma_level(self) -> str:
        shift = f"with the customary shift of {SIGMA_SHIFT}"
        if isinf(self.sigma_level_short_term):
            if self.defects == 0:
                return f"sigma level {self.sigma_level_short_term_ci_low:.2f} or higher ({shift}; no defect was found)"
            return f"sigma level {self.sigma_level_short_term_ci_high:.2f} or lower ({shift}; all had a defect)"
        return (
            f"sigma level {self.sigma_level_short_term:.2f} ({self.sigma_level_short_term_ci_low:.2f} to "
            f"{self.sigma_level_short_term_ci_high:.2f}; {shift}, {self.sigma_level_long_term:.2f} without)"
        )


@overload
def capability(
    values: ArrayLike,
    *,
    lower_spec: float | None = ...,
    upper_spec: float | None = ...,
    target: float | None = ...,
    subgroups: ArrayLike | None = ...,
    confidence_level: float = ...,
) -> Capability: ...
@overload
def capability(
    *,
    defects: ArrayLike,
    units: ArrayLike,
    opportunities: float | None = ...,
    defective: ArrayLike | None = ...,
    confidence_level: float = ...,
) -> DefectRate: ...
def capability(
    values: ArrayLike | None = None,
    *,
    lower_spec: float | None = None,
    upper_spec: float | None = None,
    target: float | None = None,
    subgroups: ArrayLike | None = None,
    defects: ArrayLike | None = None,
    units: ArrayLike | None = None,
    opportunities: float | None = None,
    defective: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> Capability | DefectRate:
    """Measure what a process is capable of, from measurements or from counted defects.

    Parameters
    ----------
    values : array_like, shape (n,), optional
        Measurements in order of time. NaN counts as missing.
    lower_spec, upper_spec : float, optional
        Limits that a value should keep; at least one with ``values``.
    target : float, optional
        The value aimed at; by default the middle of two limits.
    subgroups : array_like, shape (n,), optional
        What values were taken together (the day, the team): the variation within is pooled. Without, that between
        neighbouring values counts as within.
    defects, units : array_like, shape (n_periods,), optional
        Instead of ``values``: defects found and units inspected, in all or period by period.
    opportunities : float, optional
        How many defects one unit can have, at most one each (rated items of an evaluation, say).
    defective : array_like, shape (n_periods,), optional
        Units with at least one defect, for the first-pass yield.
    confidence_level : float, default 0.95

    Returns
    -------
    Capability or DefectRate
        With ``values`` the first.

    Raises
    ------
    InsufficientDataError
        With fewer than ten values, or without a unit.
    DataError
        Where values do not vary.

    Notes
    -----
    **Measurements.** Cp and Pp are as certain as a variance: chi-squared limits [1]_, for single values with the
    degrees of freedom that the mean moving range is worth. Cpk and Ppk with one limit: exact, from the noncentral t
    distribution; with two, Bissell's approximation [2]_. Cpm by Boyles' chi-squared [3]_, the mean
    counted as certain as all values make it. All take the values for
    normal, independent and stable; handling times are none of these, so look at ``outside`` and at a control
    chart first. Checked against R's qcc (``processCapability``), which takes the variation within subgroups from their
    ranges, as if it had the degrees of freedom of all values, and leaves out a square in Boyles' formula.

    **Counts.** With three periods or more, the spread between them decides, never less than chance (as in
    :func:`share_interval`); otherwise Clopper and Pearson's exact limits, or Garwood's for counts without
    opportunities. Yields and sigma levels are transforms of these limits.

    References
    ----------
    .. [1] Montgomery, D. C. Introduction to Statistical Quality Control, "Confidence intervals and tests on process
       capability ratios".
    .. [2] Bissell, A. F. (1990). How reliable is your capability index? Applied Statistics 39.
    .. [3] Boyles, R. A. (1991). The Taguchi capability index. Journal of Quality Technology 23.

    Examples
    --------
    >>> result = capability(defects=[38], units=[250], opportunities=20)
    >>> round(result.dpmo), round(result.sigma_level_short_term, 2)
    (7600, 3.93)
    """
    check_confidence_level(confidence_level)
    if (values is None) == (defects is None and units is None):
        raise ValueError("capability takes either values with specification limits, or defects with units.")
    if values is not None:
        if opportunities is not None or defective is not None:
            raise ValueError("opportunities and defective belong to defects and units, not to values.")
        return _of_values(values, lower_spec, upper_spec, target, subgroups, confidence_level)
    if defects is None or units is None:
        raise ValueError("defects and units belong together; one of them is missing.")
    if any(given is not None for given in (lower_spec, upper_spec, target, subgroups)):
        raise ValueError("lower_spec, upper_spec, target and subgroups belong to values, not to defects and units.")
    return _of_counts(defects, units, opportunities, defective, confidence_level)


def _of_values(
    values: ArrayLike,
    lower_spec: float | None,
    upper_spec: float | None,
    target: float | None,
    subgroups: ArrayLike | None,
    confidence_level: float,
) -> Capability:
    given = _numbers(values, "values")
    if given.ndim != 1:
        raise ValueError(f"values must be 1-D, got shape {given.shape}.")
    lower, upper, aim = (_NAN if limit is None else float(limit) for limit in (lower_spec, upper_spec, target))
    if isnan(lower) and isnan(upper):
        raise ValueError("capability needs lower_spec or upper_spec.")
    if isinf(lower) or isinf(upper) or isinf(aim):
        raise ValueError("lower_spec, upper_spec and target must be finite; leave out a limit that there is not.")
    if lower >= upper:
        raise ValueError(f"lower_spec must lie below upper_spec, got {lower:g} and {upper:g}.")
    aim = (lower + upper) / 2 if isnan(aim) else aim
    present = np.isfinite(given)
    x = given[present]
    n = len(x)
    if n < MIN_VALUES:
        raise InsufficientDataError("capability", needed=MIN_VALUES, got=n, unit="values")
    mean, overall = float(x.mean()), float(x.std(ddof=1))
    rounding = _ROUNDING * float(np.abs(x).max())
    if np.ptp(x) <= rounding:
        raise DataError(f"values are all {mean:g}: without variation there is no capability to measure.")
    within, freedom, count = _within(given, present, subgroups)
    if within <= rounding:
        raise DataError("values do not vary within subgroups: without variation there is no capability to measure.")
    tail = (1 - confidence_level) / 2
    both, nearest = upper - lower, float(np.nanmin([upper - mean, mean - lower]))
    found: dict[str, float] = {}
    for letter, sigma, df in (("c", within, freedom), ("p", overall, n - 1.0)):
        plain, near = both / (6 * sigma), nearest / (3 * sigma)
        off = (mean - aim) / sigma
        aimed = plain / sqrt(1 + off**2)
        # What the mean square around the target is worth: that of the spread, and that of the mean from n values.
        worth = (1 + off**2) ** 2 / (1 / (df + 1) + 2 * off**2 / n)
        _put(found, f"{letter}p", plain, _by_chi_squared(plain, df, tail))
        one_sided = np.isnan(both)
        _put(found, f"{letter}pk", near, (_by_noncentral_t if one_sided else _by_bissell)(near, n, df, tail))
        _put(found, f"{letter}pm", aimed, _by_chi_squared(aimed, worth, tail))
    out = (x < lower) | (x > upper)
    share = share_interval([out.sum()], [n], confidence_level=confidence_level)
    tails = [stats.norm.cdf((lower - mean) / overall), stats.norm.sf((upper - mean) / overall)]
    return Capability(
        **found,
        outside=share.estimate,
        outside_ci_low=share.ci_low,
        outside_ci_high=share.ci_high,
        outside_expected=float(np.nansum(tails)),
        mean=mean,
        sigma_within=within,
        sigma_overall=overall,
        lower_spec=lower,
        upper_spec=upper,
        target=aim,
        normality_pvalue=float(stats.shapiro(x).pvalue) if n <= _MOST_FOR_SHAPIRO else _NAN,
        confidence_level=confidence_level,
        n=n,
        n_missing=len(given) - n,
        n_subgroups=count,
        method="pooled within subgroups" if count else "moving range of neighbours",
    )


def _within(given: _Floats, present: NDArray[np.bool_], subgroups: ArrayLike | None) -> tuple[float, float, int]:
    """Standard deviation within, what degrees of freedom it is worth, and how many subgroups it comes from."""
    if subgroups is not None:
        names = np.asarray(subgroups, dtype=object)
        if names.shape != given.shape:
            raise ValueError(f"subgroups must have one name for each of the {len(given)} values, got {len(names)}.")
        unnamed = int(pd.isna(names[present]).sum())
        if unnamed:
            raise ValueError(f"subgroups is missing for {unnamed} values.")
        groups = pd.Series(given[present]).groupby(names[present])
        freedom = float(present.sum() - groups.ngroups)
        if freedom < MIN_PERIODS:
            raise InsufficientDataError(
                "capability", needed=MIN_PERIODS, got=int(freedom), unit="values beyond the first of each subgroup"
            )
        squares = float(((pd.Series(given[present]) - groups.transform("mean")) ** 2).sum())
        return sqrt(squares / freedom), freedom, int(groups.ngroups)
    steps = np.abs(np.diff(given))
    steps = steps[np.isfinite(steps)]
    if len(steps) < MIN_VALUES - 1:
        raise InsufficientDataError("capability", needed=MIN_VALUES - 1, got=len(steps), unit="pairs of neighbours")
    # Relative variance of the mean moving range of independent normal values (Cryer & Ryan 1990), as that of a
    # standard deviation with so many degrees of freedom.
    n = len(steps) + 1
    return float(steps.mean()) / _MEAN_RANGE_TO_SIGMA, (n - 1) ** 2 / (2 * (0.8264 * n - 1.082)), 0


def _put(found: dict[str, float], name: str, value: float, limits: tuple[float, float]) -> None:
    found[name] = float(value)
    found[f"{name}_ci_low"], found[f"{name}_ci_high"] = limits if np.isfinite(value) else (_NAN, _NAN)


def _by_chi_squared(value: float, freedom: float, tail: float) -> tuple[float, float]:
    low, high = stats.chi2.ppf([tail, 1 - tail], freedom) / freedom
    return value * sqrt(low), value * sqrt(high)


def _by_bissell(value: float, n: int, freedom: float, tail: float) -> tuple[float, float]:
    half = float(stats.norm.isf(tail)) * sqrt(1 / (9 * n) + value**2 / (2 * freedom))
    return value - half, value + half


def _by_noncentral_t(value: float, n: int, freedom: float, tail: float) -> tuple[float, float]:
    """Limits of the distance of the mean from a limit in standard deviations, a third of it."""
    if abs(value) > _FAR:
        # So far out only the standard deviation is uncertain, and the noncentral t cannot be computed.
        low, high = sorted(_by_chi_squared(value, freedom, tail))
        return low, high
    scale = 3 * sqrt(n)
    seen = scale * value

    def limit(level: float) -> float:
        def off(shift: float) -> float:
            return float(stats.nct.cdf(seen, freedom, shift)) - level

        # Outwards step by step: far from what was seen the distribution cannot be computed.
        low = high = seen
        step = sqrt(1 + seen**2 / (2 * freedom)) / 2
        while off(low) < 0:
            low -= step
        while off(high) > 0:
            high += step
        return float(optimize.brentq(off, low, high))

    return limit(1 - tail) / scale, limit(tail) / scale


def _of_counts(
    defects: ArrayLike,
    units: ArrayLike,
    opportunities: float | None,
    defective: ArrayLike | None,
    confidence_level: float,
) -> DefectRate:
    num, den = (np.atleast_1d(_numbers(given, name)) for given, name in ((defects, "defects"), (units, "units")))
    if num.ndim != 1 or num.shape != den.shape:
        raise ValueError(f"defects and units must be of equal length, got shapes {num.shape} and {den.shape}.")
    if (den < 0).any():
        raise ValueError(f"units must not be negative; {int((den < 0).sum())} are.")
    present = np.isfinite(num) & np.isfinite(den) & (den > 0)
    if not present.any():
        raise InsufficientDataError("capability", needed=1, got=0, unit="units")
    bad = np.full(num.shape, np.nan) if defective is None else np.atleast_1d(_numbers(defective, "defective"))
    if bad.shape != num.shape:
        raise ValueError(f"defective must have one count for each of the {len(num)} periods, got shape {bad.shape}.")
    num, den, bad = num[present], den[present], bad[present]
    if (num < 0).any() or (bad < 0).any() or (bad > np.minimum(num, den)).any():
        raise ValueError("defects and defective must not be negative, nor defective above defects or above units.")
    chances = _NAN if opportunities is None else float(opportunities)
    if opportunities is not None and not 0 < chances < float("inf"):
        raise ValueError(f"opportunities must be a number above 0, got {opportunities!r}.")
    too_many = num > den * chances
    if too_many.any():
        first = int(too_many.argmax())
        raise ValueError(
            f"more defects than {chances:g} opportunities a unit allow, first {num[first]:g} in {den[first]:g} units."
        )
    exact = len(num) < MIN_PERIODS
    tail = (1 - confidence_level) / 2
    if opportunities is None:
        rate, low, high, dispersion = _events(num, den, tail, confidence_level, exact=exact)
        scale = 1.0
    else:
        rate, low, high, dispersion = _shares(num, den * chances, tail, confidence_level, exact=exact)
        scale = chances
    passed = (_NAN, _NAN, _NAN)
    seen = np.isfinite(bad)
    if seen.any():
        few = int(seen.sum()) < MIN_PERIODS
        share, least, most, _ = _shares(bad[seen], den[seen], tail, confidence_level, exact=few)
        passed = (1 - share, 1 - most, 1 - least)
    per_chance = (rate, low, high) if opportunities is not None else (_NAN, _NAN, _NAN)
    sigma = [float(stats.norm.isf(value)) for value in (per_chance[0], per_chance[2], per_chance[1])]
    found: dict[str, float] = {}
    for name, (value, least, most) in {
        "dpu": (rate * scale, low * scale, high * scale),
        "dpo": per_chance,
        "dpmo": tuple(_PER_MILLION * value for value in per_chance),
        "first_pass_yield": passed,
        "rolled_yield": tuple(_rolled(value, chances) for value in (rate, high, low)),
        "sigma_level_long_term": tuple(sigma),
        "sigma_level_short_term": tuple(value + SIGMA_SHIFT for value in sigma),
    }.items():
        found |= {name: float(value), f"{name}_ci_low": float(least), f"{name}_ci_high": float(most)}
    return DefectRate(
        **found,
        defects=float(num.sum()),
        units=float(den.sum()),
        opportunities=chances,
        dispersion=dispersion,
        confidence_level=confidence_level,
        n=len(num),
        n_missing=int((~present).sum()),
        method="exact limits" if exact else "spread between periods, never less than chance",
    )


def _rolled(rate: float, opportunities: float) -> float:
    """Share of units without a defect, from defects per opportunity (or per unit where there is no such number)."""
    return exp(-rate) if isnan(opportunities) else (1 - rate) ** opportunities


def _numbers(given: ArrayLike, name: str) -> _Floats:
    try:
        numbers = given.to_numpy(dtype=float, na_value=np.nan) if isinstance(given, pd.Series) else given
        numbers = np.asarray(numbers, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be numbers.") from None
    if np.isinf(numbers).any():
        raise ValueError(f"{name} must be finite or missing, got an infinite value.")
    return numbers


def _per_million(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == 0 else f"{value:.3g}"


def _shares(
    num: _Floats, den: _Floats, tail: float, confidence_level: float, *, exact: bool
) -> tuple[float, float, float, float]:
    """Share, its limits and the dispersion between periods."""
    hits, cases = float(num.sum()), float(den.sum())
    if exact:
        low = float(stats.beta.ppf(tail, hits, cases - hits + 1)) if hits > 0 else 0.0
        high = float(stats.beta.isf(tail, hits + 1, cases - hits)) if hits < cases else 1.0
        return hits / cases, low, high, 1.0
    found = share_interval(num, den, confidence_level=confidence_level)
    return found.estimate, found.ci_low, found.ci_high, found.dispersion


def _events(
    num: _Floats, den: _Floats, tail: float, confidence_level: float, *, exact: bool
) -> tuple[float, float, float, float]:
    """Rate of events, its limits and the dispersion between periods."""
    events, exposure = float(num.sum()), float(den.sum())
    rate = events / exposure
    dispersion = 1.0
    if not exact and events > 0:
        spread = ratio_interval(num, den, confidence_level=confidence_level)
        quantile = float(stats.t.isf(tail, spread.degrees_of_freedom))
        variance = ((spread.ci_high - spread.ci_low) / 2 / quantile) ** 2
        dispersion = max(1.0, variance / (rate / exposure)) if np.isfinite(variance) else 1.0
        tail = float(stats.norm.sf(quantile))
    # Garwood's limits on as many events as the counts are worth.
    worth = events / dispersion
    low = float(stats.gamma.ppf(tail, worth)) if worth > 0 else 0.0
    high = float(stats.gamma.isf(tail, worth + 1))
    return rate, low * dispersion / exposure, high * dispersion / exposure, dispersion
