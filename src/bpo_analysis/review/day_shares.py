"""How sure a share is that was counted by day, for counts that are not in the KPI table."""

from __future__ import annotations

from datetime import date

import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats import (
    MIN_OWN_UNITS,
    RatioInterval,
    autocorrelation_of_days,
    share_interval,
    spread_of_units,
)

__all__ = ["share_over_days"]

_DAYS_FOR_AUTOCORRELATION = 120
_DAYS_FOR_SPREAD = 26


def share_over_days(days: pd.DataFrame, start: date, end: date, confidence_level: float) -> RatioInterval | None:
    """Return a share of the cases of a stretch with its interval, from counts by day.

    Parameters
    ----------
    days : DataFrame
        Indexed by day, sorted: numerator and denominator; also of days before the stretch, which say how days
        resemble their neighbours and, for a stretch of one or two days, how much they differ.
    start, end : date
        Both included.
    confidence_level : float

    Returns
    -------
    RatioInterval or None
        None without a case.
    """
    inside = days.loc[pd.Timestamp(start) : pd.Timestamp(end)]
    until = days.loc[: pd.Timestamp(end)]
    longer = until.loc[pd.Timestamp(end) - pd.Timedelta(days=_DAYS_FOR_AUTOCORRELATION - 1) :]
    recent = until.tail(_DAYS_FOR_SPREAD)
    try:
        return share_interval(
            inside["numerator"],
            inside["denominator"],
            confidence_level=confidence_level,
            autocorrelation=autocorrelation_of_days(longer["numerator"], longer["denominator"]),
            spread=spread_of_units(recent["numerator"], recent["denominator"]) if len(inside) < MIN_OWN_UNITS else None,
        )
    except InsufficientDataError:
        return None
