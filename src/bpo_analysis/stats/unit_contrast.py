"""How far apart are two groups of units, and how well is that known? Robust least squares for few units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import inf

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from bpo_analysis.stats.arguments import Alternative

__all__ = ["StudentT", "UnitContrast", "contrast_power", "detectable_contrast", "fit_contrast", "noncentral_t"]

_Floats = NDArray[np.float64]
_MOST_LEVERAGE = 1 - 1e-9
_RELATIVE_ZERO = 1e-20
_GUESSES = 24
"""Possible true standard errors that an expected power is the mean over."""


@dataclass(frozen=True, slots=True)
class UnitContrast:
    """Weighted least squares of unit values on an arm, with what a resampling of it needs.

    Attributes
    ----------
    estimate : float
        Coefficient of the arm: the difference between the groups.
    variance : float
        Of the estimate, HC2; NaN where the units inside the groups do not differ at all.
    degrees_of_freedom : float
        Satterthwaite's, for units of equal variance (Bell & McCaffrey).
    root_weights : ndarray, shape (n,)
    basis : ndarray, shape (n, k)
        Orthonormal basis of the root-weighted nuisance columns: level, and covariate if there is one.
    arm_root : ndarray, shape (n,)
        Root-weighted arm, as it came.
    arm_residual, value_residual : ndarray, shape (n,)
        Root-weighted arm and values after taking out the nuisance columns.
    leverage : ndarray, shape (n,)
        Of the whole fit, arm included.
    nuisance_leverage : ndarray, shape (n,)
    """

    estimate: float
    variance: float
    degrees_of_freedom: float
    root_weights: _Floats
    basis: _Floats
    arm_root: _Floats
    arm_residual: _Floats
    value_residual: _Floats
    leverage: _Floats
    nuisance_leverage: _Floats

    @property
    def standard_error(self) -> float:
        """Square root of the variance."""
        return float(np.sqrt(self.variance))


def fit_contrast(values: _Floats, arm: _Floats, weights: _Floats, covariate: _Floats | None = None) -> UnitContrast:
    """Regress unit values on their arm (1 pilot, 0 baseline), with HC2 errors and Satterthwaite degrees of freedom.

    Parameters
    ----------
    values, arm, weights : ndarray, shape (n,)
    covariate : ndarray, shape (n,), optional
        Taken out linearly, with one slope for both arms.

    Returns
    -------
    UnitContrast

    Notes
    -----
    Without covariate and with equal weights the standard error is Welch's. The degrees of freedom are those of Bell &
    McCaffrey [1]_ for errors of equal variance on the weighted scale; unlike Welch's they do not themselves depend on
    two or three noisy values.

    References
    ----------
    .. [1] Bell, R. M. & McCaffrey, D. F. (2002). Bias reduction in standard errors for linear regression with
       multi-stage samples. Survey Methodology 28.
    """
    root = np.sqrt(weights)
    columns = root[:, None] if covariate is None else np.column_stack([root, root * (covariate - covariate.mean())])
    basis = np.linalg.qr(columns)[0]
    arm_root = root * arm
    arm_residual = arm_root - basis @ (basis.T @ arm_root)
    value_residual = root * values - basis @ (basis.T @ (root * values))
    square = float(arm_residual @ arm_residual)
    estimate = float(arm_residual @ value_residual) / square
    residual = value_residual - estimate * arm_residual
    nuisance_leverage = (basis**2).sum(axis=1)
    leverage = np.minimum(nuisance_leverage + arm_residual**2 / square, _MOST_LEVERAGE)
    part = (arm_residual / square) ** 2
    variance = float((part * residual**2 / (1 - leverage)).sum())
    scale = float((part * (root * values) ** 2).sum())
    whole = np.column_stack([basis, arm_residual / np.sqrt(square)])
    spread = part / (1 - leverage)
    cross = float(((whole.T @ (spread[:, None] * whole)) ** 2).sum())
    freedom = float(part.sum()) ** 2 / (float((spread**2 * (1 - 2 * leverage)).sum()) + cross)
    return UnitContrast(
        estimate=estimate,
        variance=variance if variance > _RELATIVE_ZERO * scale else float("nan"),
        degrees_of_freedom=freedom,
        root_weights=root,
        basis=basis,
        arm_root=arm_root,
        arm_residual=arm_residual,
        value_residual=value_residual,
        leverage=leverage,
        nuisance_leverage=nuisance_leverage,
    )


@dataclass(frozen=True, slots=True)
class StudentT:
    """Student's t as the distribution of an estimate in standard errors."""

    estimate: float
    standard_error: float
    degrees_of_freedom: float

    def test(self, null: float, *, level: float, alternative: Alternative) -> tuple[float, float, float]:
        """P-value of ``null`` and limits at ``1 - level``, which leave out ``null`` if and only if p < level."""
        if alternative == "two-sided":
            statistic = abs(self.estimate - null) / self.standard_error
            half = -float(special.stdtrit(self.degrees_of_freedom, level / 2)) * self.standard_error
            return (
                2 * float(special.stdtr(self.degrees_of_freedom, -statistic)),
                self.estimate - half,
                self.estimate + half,
            )
        reach = -float(special.stdtrit(self.degrees_of_freedom, level)) * self.standard_error
        if alternative == "greater":
            return self.pvalue_greater(null), self.estimate - reach, inf
        return self.pvalue_less(null), -inf, self.estimate + reach

    def pvalue_greater(self, null: float) -> float:
        """One-sided p-value of the hypothesis that the difference is ``null`` or less."""
        return float(special.stdtr(self.degrees_of_freedom, (null - self.estimate) / self.standard_error))

    def pvalue_less(self, null: float) -> float:
        """One-sided p-value of the hypothesis that the difference is ``null`` or more."""
        return float(special.stdtr(self.degrees_of_freedom, (self.estimate - null) / self.standard_error))


def detectable_contrast(
    standard_error: float,
    degrees_of_freedom: float,
    *,
    level: float,
    two_sided: bool,
    power: float = 0.8,
    error_freedom: float = inf,
) -> float:
    """Return the difference a t-test at ``level`` finds with probability ``power``; NaN without a standard error.

    ``error_freedom`` is what the standard error itself was estimated with, as in :func:`contrast_power`.
    """
    if not np.isfinite(standard_error):
        return float("nan")
    critical = -float(special.stdtrit(degrees_of_freedom, level / 2 if two_sided else level))

    def lacking(shift: float) -> float:
        return power - contrast_power(shift, degrees_of_freedom, critical, error_freedom=error_freedom)

    upper = 2 * critical
    while lacking(upper) > 0:
        upper *= 2
    return float(optimize.brentq(lacking, 0.0, upper, xtol=1e-6)) * standard_error


def contrast_power(shift: float, degrees_of_freedom: float, critical: float, *, error_freedom: float = inf) -> float:
    """Probability that a t statistic exceeds its critical value, the true difference being ``shift`` standard errors.

    Where these are standard errors of a guess from so many degrees of freedom, the truth is as likely larger as
    smaller, but a smaller one gains less than a larger one loses: the power to be expected is the mean over both.
    """
    if not np.isfinite(error_freedom):
        return 1 - float(noncentral_t(degrees_of_freedom, shift, critical))
    ratio, weights = _guesses(error_freedom)
    return float(1 - weights @ noncentral_t(degrees_of_freedom, shift * ratio, critical))


@cache
def _guesses(freedom: float) -> tuple[_Floats, _Floats]:
    """Guessed over true standard errors, and their probabilities."""
    nodes, weights = np.polynomial.legendre.leggauss(_GUESSES)
    return np.sqrt(special.chdtri(freedom, (1 - nodes) / 2) / freedom), weights / 2


def noncentral_t(degrees_of_freedom: float, shift: float | _Floats, quantile: float) -> _Floats:
    """Probability that a noncentral t variable lies below the quantile; far out, where scipy has no value, 0 or 1."""
    found = np.asarray(special.nctdtr(degrees_of_freedom, shift, quantile), dtype=float)
    return np.where(np.isfinite(found), found, np.less(shift, quantile))
