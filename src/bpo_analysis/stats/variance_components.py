"""How much do units differ, and how much single contacts within a unit? What a pilot must be planned with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bpo_analysis.errors import DataError, InsufficientDataError
from bpo_analysis.stats.arguments import check_confidence_level
from bpo_analysis.stats.arms import counts_of_cases, read_units
from bpo_analysis.stats.result import Result

__all__ = ["VarianceComponents", "intraclass_correlation", "variance_components"]

_Floats = NDArray[np.float64]
MIN_UNITS = 3
_NO_SPREAD_WITHIN = (
    "sums of a mean do not show how contacts differ within a unit; add a column sum_squares (sum of squared values)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceComponents(Result):
    """Spread between units and within them.

    Attributes
    ----------
    value, unit_mean : float
        Pooled value (sum over sum) and mean of the units' own values.
    sd_units : float
        Observed standard deviation of the units' own values: true differences and chance among their contacts.
    sd_between, sd_within : float
        Of the units' true values, and of single contacts around their unit's; NaN where the sums cannot tell.
    icc : float
        Intraclass correlation: share of the variance of single contacts that lies between units; 0 at least.
    icc_ci_low, icc_ci_high, confidence_level : float
        Searle's interval; approximate for shares and uneven volumes.
    contacts_per_unit, volume_cv : float
        Mean of the denominators, and their coefficient of variation.
    pre_correlation : float
        Correlation of the units' values with their own earlier ones; NaN without earlier values.
    n, n_missing : int
        Units.
    total : float
        Sum of the denominators.
    method : str
    note : str
        Why something is NaN; empty otherwise.
    """

    value: float
    unit_mean: float
    sd_units: float
    sd_between: float
    sd_within: float
    icc: float
    icc_ci_low: float
    icc_ci_high: float
    confidence_level: float
    contacts_per_unit: float
    volume_cv: float
    pre_correlation: float
    n: int
    n_missing: int
    total: float
    method: str
    note: str

    def summary(self) -> str:
        """Return the spread between units in one or two sentences."""
        text = f"{self.n} units with {self.contacts_per_unit:,.0f} contacts each on average: value {self.value:.4g}, "
        text += f"standard deviation of the units' values {self.sd_units:.3g}"
        if np.isfinite(self.icc):
            level = f"{100 * self.confidence_level:g} %"
            text += f", intraclass correlation {self.icc:.3f} ({level} interval {self.icc_ci_low:.3f} to "
            text += f"{self.icc_ci_high:.3f})"
        if np.isfinite(self.pre_correlation):
            text += f", correlation with the units' own earlier values {self.pre_correlation:.2f}"
        return f"{text} ({self.method})." + (f" {self.note[0].upper()}{self.note[1:]}." if self.note else "")


def variance_components(frame: pd.DataFrame, *, confidence_level: float = 0.95) -> VarianceComponents:
    """Estimate from past units what :func:`sample_size` asks for.

    Parameters
    ----------
    frame : DataFrame
        One row per unit (agent or team): columns unit, numerator, denominator; optionally pre_numerator and
        pre_denominator (the same unit's earlier sums) for the correlation, and sum_squares (sum of the squared values
        of its contacts) for means. Units with missing values or a denominator of 0 count as missing.
    confidence_level : float, default 0.95
        Of the interval for the intraclass correlation.

    Returns
    -------
    VarianceComponents

    Raises
    ------
    InsufficientDataError
        With fewer than three units.
    DataError
        If columns are missing or a unit has more than one row.

    Notes
    -----
    Shares (whole numerators within whole denominators) need no more: a contact counts or does not. One-way analysis of
    variance with the mean group size for uneven volumes [1]_. Take units that worked under the same conditions; units
    of different sites or skills differ for reasons a pilot within one site does not have. From fewer than about 30
    units the intraclass correlation is hardly known, as its interval shows: plan with its upper limit too.

    References
    ----------
    .. [1] Donner, A. (1986). A review of inference procedures for the intraclass correlation coefficient in the one-way
       random effects model. International Statistical Review 54.

    Examples
    --------
    >>> units = pd.DataFrame({"unit": list("abcde"), "numerator": [70, 82, 61, 90, 77], "denominator": [100] * 5})
    >>> result = variance_components(units)
    >>> round(result.icc, 3), round(result.sd_units, 3)
    (0.057, 0.111)
    """
    check_confidence_level(confidence_level)
    units = read_units(frame, "frame")
    num, den, n = units.numerator, units.denominator, len(units.numerator)
    if n < MIN_UNITS:
        raise InsufficientDataError("variance_components", needed=MIN_UNITS, got=n, unit="units with data")
    values = num / den
    squares = _within_squares(frame, units.present, num, den)
    groups = np.zeros(n, dtype=np.intp)
    between, within, size = _mean_squares(num, den, groups, squares)
    icc = _correlation_from(between, within, size)
    low, high = _searle(between, within, size, (n - 1, den.sum() - n), confidence_level)
    pre = _pre_correlation(values, units.pre)
    return VarianceComponents(
        value=float(num.sum() / den.sum()),
        unit_mean=float(values.mean()),
        sd_units=float(values.std(ddof=1)),
        sd_between=float(np.sqrt(max(0.0, (between - within) / size))) if np.isfinite(within) else float("nan"),
        sd_within=float(np.sqrt(within)),
        icc=icc,
        icc_ci_low=low,
        icc_ci_high=high,
        confidence_level=confidence_level,
        contacts_per_unit=float(den.mean()),
        volume_cv=float(den.std(ddof=1) / den.mean()),
        pre_correlation=pre,
        n=n,
        n_missing=units.n_missing,
        total=float(den.sum()),
        method="one-way analysis of variance between units",
        note="" if np.isfinite(icc) else _NO_SPREAD_WITHIN if squares is None else "the units do not vary at all",
    )


def intraclass_correlation(numerator: _Floats, denominator: _Floats, groups: NDArray[np.intp]) -> float:
    """Intraclass correlation of shares inside groups of units (arms); NaN where it cannot be told."""
    if not counts_of_cases(numerator, denominator) or denominator.sum() <= len(numerator):
        return float("nan")
    squares = numerator * (1 - numerator / denominator)
    return _correlation_from(*_mean_squares(numerator, denominator, groups, squares))


def _within_squares(frame: pd.DataFrame, present: NDArray[np.bool_], num: _Floats, den: _Floats) -> _Floats | None:
    """Sum of squared deviations of each unit's contacts from the unit's own value; None where the sums cannot tell."""
    if "sum_squares" in frame.columns:
        given = frame["sum_squares"].to_numpy(dtype=float, na_value=np.nan)[present]
        squares = given - num**2 / den
        if (squares < -1e-9 * np.abs(given)).any():
            raise DataError(
                "frame: 'sum_squares' is smaller than the numerators allow; it is the sum of squared values."
            )
        return np.asarray(np.maximum(squares, 0.0))
    return num * (1 - num / den) if counts_of_cases(num, den) else None


def _mean_squares(
    num: _Floats, den: _Floats, groups: NDArray[np.intp], squares: _Floats | None
) -> tuple[float, float, float]:
    """Mean squares between units and within, and the size of a unit that ties them to the variance components."""
    n_groups = int(groups.max()) + 1
    total = np.bincount(groups, den, n_groups)
    value = np.bincount(groups, num, n_groups) / total
    freedom = len(num) - n_groups
    between = float((den * (num / den - value[groups]) ** 2).sum()) / freedom
    size = float(den.sum() - (np.bincount(groups, den**2, n_groups) / total).sum()) / freedom
    spare = float(den.sum()) - len(num)
    within = float("nan") if squares is None or spare <= 0 else float(squares.sum()) / spare
    return between, within, size


def _correlation_from(between: float, within: float, size: float) -> float:
    total = between + (size - 1) * within
    return float(max(0.0, (between - within) / total)) if total > 0 else float("nan")


def _searle(
    between: float, within: float, size: float, freedom: tuple[float, float], confidence_level: float
) -> tuple[float, float]:
    if not (np.isfinite(within) and within > 0):
        return float("nan"), float("nan")
    tail = (1 - confidence_level) / 2
    ratios = [between / within / stats.f.ppf(share, *freedom) for share in (1 - tail, tail)]
    low, high = (min(1.0, max(0.0, float((ratio - 1) / (ratio + size - 1)))) for ratio in ratios)
    return low, high


def _pre_correlation(values: _Floats, pre: _Floats | None) -> float:
    if pre is None:
        return float("nan")
    known = np.isfinite(pre)
    if known.sum() < MIN_UNITS or values[known].std() == 0 or pre[known].std() == 0:
        return float("nan")
    return float(np.corrcoef(values[known], pre[known])[0, 1])
