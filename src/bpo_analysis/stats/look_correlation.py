"""How much do two looks at the same growing pilot agree by themselves? What repeated looks are judged with."""

from __future__ import annotations

from math import nan, sqrt

import numpy as np
import pandas as pd

from bpo_analysis.stats.arms import join_arms
from bpo_analysis.stats.compare_arms import own_baseline
from bpo_analysis.stats.unit_contrast import fit_contrast

__all__ = ["look_correlation", "unit_parts"]


def look_correlation(earlier: pd.Series, later: pd.Series) -> float:
    """Correlation of the differences that :func:`compare_arms` finds at two looks, if there is no effect.

    Parameters
    ----------
    earlier, later : Series
        What :func:`unit_parts` makes of the data of each look.

    Returns
    -------
    float
        NaN where the units of an arm do not differ at all.

    Notes
    -----
    If new contacts only add to old ones, it is the root of the ratio of the squared standard errors, and nothing else
    need be known. It is less where units' levels move from week to week: the later look then holds something new even
    if its standard error is no smaller, and boundaries that take it for the same look over again are crossed too often.
    So it is taken from the units. Units that only one of the looks has add nothing to it.

    Examples
    --------
    >>> parts = pd.Series([0.1, -0.1, 0.2, -0.2], index=list("abcd"))
    >>> round(look_correlation(parts, parts * 3), 6), look_correlation(parts, -parts)
    (1.0, -1.0)
    """
    product = float((earlier**2).sum() * (later**2).sum())
    if not product > 0:
        return nan
    return min(max(float((earlier * later).sum()) / sqrt(product), -1.0), 1.0)


def unit_parts(pilot: pd.DataFrame, baseline: pd.DataFrame) -> pd.Series:
    """What each unit adds to the chance in the difference of units' means: the squares add up to its HC2 variance.

    Parameters
    ----------
    pilot, baseline : DataFrame
        As :func:`compare_arms` takes them.

    Returns
    -------
    Series
        By unit.
    """
    arms = join_arms(pilot, baseline)
    covariate, _ = own_baseline(arms, "auto")
    fit = fit_contrast(arms.value, arms.arm, np.ones(len(arms.numerator)), covariate)
    residual = fit.value_residual - fit.estimate * fit.arm_residual
    share = fit.arm_residual / float(fit.arm_residual @ fit.arm_residual)
    return pd.Series(share * residual / np.sqrt(1 - fit.leverage), index=arms.names)
